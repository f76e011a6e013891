"""Text that is safe to stand on a page."""

from __future__ import annotations

import re
from html import escape
from reprlib import Repr

from orchestra_client.errors import mask_secrets

__all__ = ["MAX_TEXT", "element", "linked", "safe", "shortened", "shown"]

MAX_TEXT = 200
"""Characters of a value that are shown; all of it is in the attribute."""

_URL = re.compile(r"\bhttps?://[^\s<>\"'`]+[^\s<>\"'`.,;:!?)\]}]")

_repr = Repr()
_repr.maxstring = _repr.maxother = MAX_TEXT
_repr.maxdict = _repr.maxlist = _repr.maxtuple = _repr.maxset = 8


def safe(text: object) -> str:
    """A text, escaped for elements and attributes, with tokens masked and without control characters."""
    masked = mask_secrets(str(text)).replace("\r\n", "\n").replace("\r", "\n")
    return escape(
        "".join(
            each if each.isprintable() or each in "\n\t" else "\N{REPLACEMENT CHARACTER}" for each in masked
        )
    )


def shortened(text: str, limit: int = MAX_TEXT) -> str:
    """A text of at most `limit` characters, the last of them an ellipsis when there was more."""
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def shown(value: object) -> str:
    """Any value as short text: as Python writes it, with the middle of long ones left out."""
    return shortened(_repr.repr(value))


def linked(text: str) -> str:
    """A text as HTML, its URLs as links."""
    parts, end = [], 0
    # Masked before URLs are looked for: one with a token in it must not be cut in two.
    text = mask_secrets(text)
    for url in _URL.finditer(text):
        address = safe(url[0])
        parts += [
            safe(text[end : url.start()]),
            f'<a href="{address}" rel="noopener noreferrer">{address}</a>',
        ]
        end = url.end()
    return "".join([*parts, safe(text[end:])])


def element(tag: str, content: str, **attributes: str | None) -> str:
    """An element.

    Args:
        tag: its name.
        content: HTML.
        attributes: text, which is escaped; those that are None are left out.
    """
    written = "".join(f' {name}="{safe(value)}"' for name, value in attributes.items() if value is not None)
    return f"<{tag}{written}>{content}</{tag}>"
