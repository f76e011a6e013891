"""API tokens: how they look, and what of them is stored.

A token is compared by looking up its digest. How long that takes can tell at most something of the digest, from
which no token follows, so the look-up needs no constant time; the one comparison of secret bytes, a JWT's
signature, has it from PyJWT.
"""

from __future__ import annotations

import hashlib
import re
import secrets

PREFIX = "orc_"
"""What every API token starts with, so that people and scanners recognise one."""

# A token that someone brings along must be as hard to guess as a 192-bit number, were it random.
_BROUGHT = re.compile(r"orc_[A-Za-z0-9_\-]{32,}")


def make_token() -> str:
    """A new API token: ``orc_`` and 43 URL-safe characters, 256 random bits."""
    return PREFIX + secrets.token_urlsafe(32)


def is_api_token(token: str) -> bool:
    """Whether it looks like an API token, else it can only be a JWT."""
    return token.startswith(PREFIX)


def is_strong(token: str) -> bool:
    """Whether a token that was not made here has the form and the length of one that was."""
    return _BROUGHT.fullmatch(token) is not None


def digest(token: str) -> str:
    """The 64 hexadecimal digits of SHA-256 under which the token is stored."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
