"""Keeping secrets out of what is delivered: texts in which known secret values are replaced."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Mapping
from typing import Any

from orchestra_client.delivery.forks import renew_in_children
from orchestra_client.errors import mask_secrets

__all__ = ["MASK", "MIN_SECRET", "Secrets", "secrets"]

MASK = "…"
"""What stands in a text where a secret was."""

MIN_SECRET = 4
"""Characters that a value must have to be masked: shorter ones are in half of all texts, and give little away."""


class Secrets:
    """Values that no log may show.

    Whoever reads a secret for a run adds it; everything added later or earlier is masked from then on. Its repr shows
    none. Safe to share between threads; a forked child starts with a copy.
    """

    def __init__(self) -> None:
        self.renew()
        renew_in_children(self)
        self._values: frozenset[str] = frozenset()
        self._pattern: re.Pattern[str] | None = None
        self._seen: tuple[Mapping[str, Any] | None, int] = (None, 0)

    def __repr__(self) -> str:
        return f"<{len(self._values)} secrets>"

    def renew(self) -> None:
        """Replace the lock, which a thread of the parent may have held."""
        self._lock = threading.RLock()

    def add(self, *values: Any) -> None:
        """Have values masked from now on.

        Args:
            values: texts; what is inside of mappings and lists counts, too, while numbers and texts shorter than
                `MIN_SECRET` do not. Of a text with several lines, each line is masked by itself as well.
        """
        found = {text for value in values for text in _texts(value) if len(text) >= MIN_SECRET}
        with self._lock:
            if not found <= self._values:
                self._values |= found
                self._pattern = _pattern(self._values)

    def learn(self, known: Mapping[str, Any] | None) -> None:
        """Have the values of a mapping masked, at next to no cost when it is that of the last call.

        Args:
            known: secrets by name, as a run's context has them; None adds nothing.
        """
        if known is None:
            return
        last, length = self._seen
        if known is not last or len(known) != length:
            self.add(known)
            self._seen = (known, len(known))

    def values(self) -> frozenset[str]:
        """All values, to hand them to another process."""
        return self._values

    def mask(self, text: str) -> str:
        """A text without the secrets, and without anything that looks like one of our tokens."""
        if self._pattern is not None:
            text = self._pattern.sub(MASK, text)
        # Looking for the starts of tokens first costs a tenth of what the search for whole ones does.
        return mask_secrets(text) if "orc_" in text or "eyJ" in text else text


secrets = Secrets()
"""The secrets of this process."""


def _texts(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        yield value.strip()
        yield from (line.strip() for line in value.splitlines())
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list | tuple | set | frozenset):
        for each in value:
            yield from _texts(each)


def _pattern(values: Iterable[str]) -> re.Pattern[str]:
    # The longest first, so that of two secrets, one inside the other, the whole of the longer goes.
    return re.compile("|".join(re.escape(value) for value in sorted(values, key=len, reverse=True)))
