"""How long something took, for people."""

from __future__ import annotations

from datetime import timedelta

__all__ = ["in_words"]

_UNITS = (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1))


def in_words(duration: float | timedelta) -> str:
    """A duration in its two largest units, e.g. ``12 min 5 s``; a negative one counts as none.

    Args:
        duration: in seconds, or as a `timedelta`; fractions of a second are left out.
    """
    seconds = int(duration.total_seconds() if isinstance(duration, timedelta) else duration)
    seconds, parts = max(seconds, 0), []
    for unit, size in _UNITS:
        count, seconds = divmod(seconds, size)
        parts.append((count, unit))
    first = next((index for index, (count, _) in enumerate(parts) if count), len(parts) - 1)
    shown = [f"{count} {unit}" for count, unit in parts[first : first + 2] if count]
    return " ".join(shown) or "0 s"
