"""The pages of the documentation, and what is in them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    ROOT / "README.md",
    *sorted(page for page in (ROOT / "docs").rglob("*.md") if "_build" not in page.parts),
]
LINKED = [*PAGES, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"]

# A block may have a comment of ours before it, which says how it is run (see `test_pages.py`).
BLOCK = re.compile(
    r"(?:^<!-- (?P<mark>server|own terminal|file: [^\n]+?|not run: [^\n]+?) -->\n+)?"
    r"^```(?P<language>\w*)\n(?P<text>.*?)^```$",
    re.DOTALL | re.MULTILINE,
)


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    mark: str
    language: str
    text: str
    line: int

    @property
    def is_run(self) -> bool:
        return not self.mark.startswith("not run")


def blocks(page: Path, *languages: str) -> list[Block]:
    """The blocks of a page that are in one of the languages, in their order."""
    text = page.read_text("utf-8")
    return [
        Block(
            found["mark"] or "",
            found["language"],
            found["text"],
            text.count("\n", 0, found.start("text")) + 1,
        )
        for found in BLOCK.finditer(text)
        if found["language"] in languages
    ]


def prose(*names: str) -> str:
    return "\n".join((ROOT / name).read_text("utf-8") for name in names)


def every_page() -> str:
    return "\n".join(page.read_text("utf-8") for page in PAGES)


def named(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()
