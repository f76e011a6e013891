"""Turn the source of asynchronous modules into that of their synchronous twins.

Names change by the rules below wherever they stand, docstrings included; `unasync` takes `async` and `await`
out of the code, a pattern takes them out of the examples in docstrings; ruff removes imports that nobody uses
any more, sorts the others, and breaks the lines.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

import unasync  # type: ignore[import-untyped]  # ships no types

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = Path("orchestra_client")

HEADER = "# Generated from {source} by tools/generate.py: do not edit.\n"

# Twins that no rule derives. Two-part names stand for what the standard library has in several modules.
TWINS = {
    "asyncio.Condition": "threading.Condition",
    "asyncio.Event": "threading.Event",
    "asyncio.Lock": "threading.Lock",
    "asyncio.Semaphore": "threading.Semaphore",
    "asyncio.TimeoutError": "TimeoutError",
    "asyncio.sleep": "time.sleep",
    "AsyncByteStream": "SyncByteStream",
    "__aenter__": "__enter__",
    "__aexit__": "__exit__",
    "__aiter__": "__iter__",
    "__anext__": "__next__",
    "aclose": "close",
    "aiter": "iter",
    "aiter_bytes": "iter_bytes",
    "aiter_lines": "iter_lines",
    "anext": "next",
    "aread": "read",
    "async_client": "client",
    "async_python_hint": "python_hint",
    "async_sleep": "sleep",
    "asynchronous": "synchronous",
    "asynchronously": "synchronously",
    "asynccontextmanager": "contextmanager",
    "Asynchronous": "Synchronous",
    "enter_async_context": "enter_context",
    "handle_async_request": "handle_request",
    "push_async_callback": "callback",
    "StopAsyncIteration": "StopIteration",
}

# Prose that would be wrong of a client that threads share.
PHRASES = {
    "the tasks of one event loop": "threads",
    "Another task may have": "Another thread may have",
}

_WORD = re.compile(r"asyncio\.[A-Za-z]+|\w+")
_CLASS = re.compile(r"(_*)Async([A-Z]\w*)")
_PART = re.compile(r"(.*_)?async(_.*)?")

# English before a name that loses its vowel, and Python where `unasync` does not look.
_ARTICLE = re.compile(r"\b([Aa])n (?=`*(?:Async[A-Z]|asynchronous))")
_KEYWORD_IN_PROSE = re.compile(r"\basync (?=def |for |with )|\bawait (?=[\w.]+[(\[])")


def convert(sources: dict[Path, str]) -> dict[Path, str]:
    """The synchronous twins of asynchronous modules.

    Args:
        sources: the text of each module by its path below ``orchestra_client/_async``.

    Returns:
        The twins' texts by the same paths, linted and formatted as the repository asks for.

    Raises:
        subprocess.CalledProcessError: ruff could not read a twin, e.g. because it is no Python.
    """
    renamed = {path: _renamed(text) for path, text in sources.items()}
    return {path: _tidied(path, _finished(path, text)) for path, text in _without_async(renamed).items()}


def twin(name: str) -> str:
    """What a name of the asynchronous source is called in the synchronous one.

    Args:
        name: an identifier, or a two-part name such as ``asyncio.Lock``.

    Returns:
        Its twin: by the table above; ``AsyncThing`` is ``Thing``; ``async_`` and ``_async`` are ``sync_`` and
        ``_sync``; anything else keeps its name.
    """
    if name in TWINS:
        return TWINS[name]
    if match := _CLASS.fullmatch(name):
        return match[1] + match[2]
    if (match := _PART.fullmatch(name)) and name != "async":
        return f"{match[1] or ''}sync{match[2] or ''}"
    return name


def _renamed(text: str) -> str:
    # asyncio's locks and its sleep have two homes; ruff removes the import that is not needed.
    text = re.sub(r"^( *)import asyncio$", r"\1import threading\n\1import time", text, flags=re.MULTILINE)
    for phrase, counterpart in PHRASES.items():
        text = text.replace(phrase, counterpart)
    text = _ARTICLE.sub(r"\1 ", text)
    return _WORD.sub(lambda match: twin(match.group()), text)


def _without_async(sources: dict[Path, str]) -> dict[Path, str]:
    with tempfile.TemporaryDirectory() as folder:
        before, after = Path(folder) / "before", Path(folder) / "after"
        for path, text in sources.items():
            (before / path).parent.mkdir(parents=True, exist_ok=True)
            (before / path).write_text(text, encoding="utf-8")
        rule = unasync.Rule(fromdir=str(before), todir=str(after))
        unasync.unasync_files([str(before / path) for path in sources], [rule])
        return {path: (after / path).read_text("utf-8") for path in sources}


def _finished(path: Path, text: str) -> str:
    header = HEADER.format(source=(PACKAGE / "_async" / path).as_posix())
    return header + _KEYWORD_IN_PROSE.sub("", text)


def _tidied(path: Path, text: str) -> str:
    # Named as it will be, so that ruff applies the settings of that place.
    name = str(PACKAGE / "_sync" / path)
    fixed = _ruff("check", "--fix", "--exit-zero", "--quiet", "--stdin-filename", name, text=text)
    return _ruff("format", "--quiet", "--stdin-filename", name, text=fixed)


def _ruff(*arguments: str, text: str) -> str:
    command = [sys.executable, "-m", "ruff", *arguments, "-"]
    return subprocess.run(
        command, input=text, cwd=ROOT, check=True, stdout=subprocess.PIPE, encoding="utf-8"
    ).stdout
