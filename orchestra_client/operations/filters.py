"""What lists are filtered by, checked before anything is sent, in the API's form."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from orchestra_client.errors import BadInput
from orchestra_client.operations import checks
from orchestra_client.states.hierarchy import PARENTS, RENAMED, ROOT, canonical_name, descendants

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestra_client.states import State

    # A state's name or class, or several of them.
    StateFilter = str | type[State] | Iterable[str | type[State]]

__all__ = ["between", "flag", "having", "identical", "state_types", "text", "where"]

_TYPES = {name.lower(): name for name in (ROOT, *PARENTS, *RENAMED)}


def where(conditions: Mapping[str, Any]) -> dict[str, Any]:
    """The conditions that ask for something; those that are None are left out."""
    return {name: condition for name, condition in conditions.items() if condition is not None}


def text(value: str | None, name: str) -> dict[str, str] | None:
    """Equal to a text."""
    return None if value is None else {"_eq": checks.filled(value, name)}


def identical(value: checks.Id | None, name: str) -> dict[str, str] | None:
    """Equal to an id."""
    return None if value is None else {"_eq": checks.uuid(value, name)}


def flag(value: bool | None, name: str) -> dict[str, bool] | None:
    """Equal to true or false."""
    if value is not None and not isinstance(value, bool):
        raise TypeError(f"{name} must be True, False or None for both, not {type(value).__name__}")
    return None if value is None else {"_eq": value}


def having(labels: Iterable[str] | None) -> dict[str, list[str]] | None:
    """Among whose labels are all of some."""
    return {"_contains": checks.labels(labels)} if labels is not None else None


def between(since: Any, until: Any, now: datetime) -> dict[str, str] | None:
    """From one moment to a later one, the latter left out; None leaves that side open."""
    lower = None if since is None else _time(since, "since", now)
    upper = None if until is None else _time(until, "until", now)
    if lower is not None and upper is not None and lower >= upper:
        raise BadInput(f"since must be before until, but {lower} is not before {upper}")
    return where({"_gte": lower, "_lt": upper}) or None


def _time(value: datetime | timedelta, name: str, now: datetime) -> str:
    """A moment, or one so long ago, in ISO 8601.

    Raises:
        TypeError: it is neither a `datetime` nor a `timedelta`.
        BadInput: there is no such moment.
    """
    if isinstance(value, timedelta):
        try:
            value = now.astimezone(UTC) - value
        except OverflowError:
            raise BadInput(f"{name} is beyond the dates there are: {value} ago") from None
    elif not isinstance(value, datetime):
        raise TypeError(
            f"{name} must be a datetime, or a timedelta back from now, not {type(value).__name__}"
        )
    return checks.instant(value, name)


def state_types(state: StateFilter) -> list[str]:
    """The state types that a filter names, with all below them in the tree of states.

    Args:
        state: a name in any case, a `State` class, or several of them.

    Returns:
        The types in alphabetical order.

    Raises:
        TypeError: it is something else.
        BadInput: there is no state of that name, or no state is given at all.
    """
    several = [state] if isinstance(state, str | type) or not isinstance(state, Iterable) else list(state)
    if not several:
        raise BadInput("state names no state; leave it out to have runs in all states")
    return sorted(frozenset().union(*(descendants(_type_name(each)) for each in several)))


def _type_name(state: object) -> str:
    name = state.__name__ if isinstance(state, type) else state
    if not isinstance(name, str):
        raise TypeError(f"state must be the name of a state or its class, not {type(name).__name__}")
    if (known := _TYPES.get(name.strip().lower())) is not None:
        return canonical_name(known)
    close = difflib.get_close_matches(name.strip().lower(), _TYPES, n=1)
    meant = f"; did you mean {_TYPES[close[0]]}?" if close else f"; there are {', '.join(PARENTS)}"
    raise BadInput(f"there is no state {name!r}{meant}")
