"""What a check has to say."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

__all__ = ["Finding", "Verdict"]


class Verdict(Enum):
    """How a check went."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of one check.

    Attributes:
        check: what was looked at, in a word.
        verdict: how it went.
        message: what was found, for people.
        details: more of it, a line each.
        advice: what to do next; None where nothing needs to be done.
        record: what was found, for programs.
    """

    check: str
    verdict: Verdict
    message: str
    details: tuple[str, ...] = ()
    advice: str | None = None
    record: Any = None
