"""What must begin anew in a forked child: threads do not exist there, and locks may be held by one that does not."""

from __future__ import annotations

import os
from typing import Protocol
from weakref import WeakSet

__all__ = ["Renewable", "renew_in_children"]


class Renewable(Protocol):
    """Something that a forked child cannot use as it inherits it."""

    def renew(self) -> None:
        """Begin anew, in a child that has only the thread that calls this."""
        ...


_renewables: WeakSet[Renewable] = WeakSet()


def renew_in_children(subject: Renewable) -> None:
    """Have `renew` of an object called in every child that this process forks, for as long as the object lives.

    Args:
        subject: is hashed by identity; not kept alive by this.
    """
    _renewables.add(subject)


def _renew_all() -> None:
    for subject in list(_renewables):
        subject.renew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_all)
