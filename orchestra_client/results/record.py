"""What all results have in common."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

__all__ = ["Record"]


class Record:
    """The base of all results. Immutable, hence safe to share between threads and tasks; pickles."""

    __slots__ = ()

    def __getitem__(self, name: str) -> Any:
        if name not in (known := [each.name for each in fields(self)]):  # type: ignore[arg-type]  # each subclass is a dataclass
            raise KeyError(f"{type(self).__name__} has no {name!r}; it has: {', '.join(known)}")
        return getattr(self, name)

    def _repr_html_(self) -> str:
        from orchestra_client.html import record_html  # noqa: PLC0415 - for notebooks alone

        return record_html(self)
