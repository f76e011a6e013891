"""States of runs that are under way."""

from __future__ import annotations

from orchestra_client.states.base import State

__all__ = ["Cancelling", "Running"]


class Running(State):
    """The run is under way. Arguments as for `State`."""

    __slots__ = ()


class Cancelling(Running):
    """The run is under way and asked to stop; its tasks may still run. Arguments as for `State`.

    Prefect 0.12 does not know this type.
    """

    __slots__ = ()
