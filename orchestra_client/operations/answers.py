"""Reading what the API answered: states, moments, and answers that say no."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar, overload

from orchestra_client.errors import ClientError, NotFound, Unsuccessful

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from orchestra_client.states import State

__all__ = ["duration", "first", "id_of", "moment", "mutated", "nothing", "state_of", "words"]

T = TypeVar("T")


def state_of(row: dict[str, Any]) -> State:
    """The state of a run's row; `Pending` for a run that was never given one."""
    from orchestra_client.states import Pending, State  # noqa: PLC0415 - slow to import, and only needed here

    serialized = row.get("serialized_state")
    return State.deserialize(serialized) if serialized else Pending()


@overload
def moment(text: str) -> datetime: ...
@overload
def moment(text: str | None) -> datetime | None: ...
def moment(text: str | None) -> datetime | None:
    """A moment that the API wrote, in UTC; None for null."""
    if text is None:
        return None
    value = datetime.fromisoformat(text)
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def duration(start: datetime | None, end: datetime | None) -> float | None:
    """Seconds from one moment to another; None while there is only one."""
    # Servers write the column of that name in forms of their own.
    return (end - start).total_seconds() if start and end else None


def words(values: Sequence[str] | None) -> tuple[str, ...]:
    """Labels or tags of a row; none for null, which rows of an older server hold."""
    return tuple(values or ())


def id_of(answer: dict[str, Any] | None) -> str:
    """The id of what a mutation made.

    Raises:
        ClientError: there is none, so nothing was made.
    """
    made: str | None = (answer or {}).get("id")
    if made is None:
        raise ClientError("the server answered without an id, so nothing was created; see its log")
    return made


def mutated(answer: dict[str, Any] | None) -> bool:
    """Whether a mutation that answers `success` succeeded."""
    return bool((answer or {}).get("success"))


def nothing(answer: dict[str, Any] | None) -> None:
    """The answer of a mutation that cannot but succeed.

    Raises:
        Unsuccessful: it answered that it did not.
    """
    if not mutated(answer):
        raise Unsuccessful(f"the server refused without an error; it answered {answer!r}")


def first(what: str, read: Callable[[dict[str, Any]], T]) -> Callable[[Sequence[dict[str, Any]]], T]:
    """A parser for a list that holds the one row asked for.

    Args:
        what: names it in the error, e.g. ``flow run 6f2e…``.
        read: reads the row.

    Returns:
        A parser that raises `NotFound` for an empty list.
    """

    def parse(rows: Sequence[dict[str, Any]]) -> T:
        if not rows:
            raise NotFound(f"{what} does not exist, or belongs to another tenant")
        return read(rows[0])

    return parse
