"""Reading a proposed state: the JSON of a state, as any peer from 0.3 to 1.4 and newer ones write it.

Only what the server acts on is read: the type, the message, the time to start at. All else is kept as it came, so
fields and types that this version does not know survive.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from orchestra_client.server.store import json
from orchestra_client.server.store.text import storable
from orchestra_client.server.store.types import format_time
from orchestra_client.server.transitions.outcomes import Outcome, failure
from orchestra_client.states.hierarchy import META, SCHEDULED, canonical_name

if TYPE_CHECKING:
    from orchestra_client.server.transitions.runs import Run

MAX_TYPE = 64
"""Characters of a state's type."""
MAX_NESTING = 250
"""Levels of a state's JSON: what writes and reads it works its way down recursively."""
MAX_TRANSITION_ID = 128
"""Characters of a transition id."""

_WITH_START_TIME = SCHEDULED | {"Queued"}
# Paused without a time waits until it is resumed; the others without one have waited long enough.
_START_AT_ONCE = _WITH_START_TIME - {"Paused"}


@dataclass(frozen=True, slots=True)
class ProposedState:
    """What the server knows of a serialized state. Immutable, save that `serialized` is shared.

    Attributes:
        type: today's name of its class, which may be one that this version does not know.
        message: for people.
        start_time: when a scheduled or queued run may start, in the store's text form; None elsewhere.
        serialized: the state's JSON.
    """

    type: str
    message: str | None
    start_time: str | None
    serialized: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Proposal:
    """One item of a batch.

    Attributes:
        run_id: the run that is to enter the state.
        state: the state.
        version: the version that the sender believes the run has; None appends the state whatever it is.
        transition_id: made by the sender, the same for every repeat.
    """

    run_id: str
    state: ProposedState
    version: int | None = None
    transition_id: str | None = None


class Unreadable(Exception):
    """A state is not one; `code` and the message become the item's answer."""

    def __init__(self, reason: str, code: str = "BAD_USER_INPUT") -> None:
        super().__init__(reason)
        self.code = code


def read_proposal(item: dict[str, Any], run: type[Run], *, max_bytes: int, now: str) -> Proposal | Outcome:
    """Read one item of `set_flow_run_states` or `set_task_run_states`.

    Args:
        item: the item as the API coerced it.
        run: the kind of run it is for.
        max_bytes: how large the state's JSON may be.
        now: the transaction's time, for states to start at once.

    Returns:
        The proposal, or the refusal of an item that cannot be read.
    """
    run_id = item[run.id_name]
    try:
        transition_id = item.get("transition_id")
        if transition_id is not None and not _is_transition_id(transition_id):
            raise Unreadable(f"a transition_id has 1 to {MAX_TRANSITION_ID} characters that can be stored.")
        state = read_state(item["state"], max_bytes=max_bytes, now=now)
    except Unreadable as error:
        return Outcome("ERROR", f"{failure(run.noun, run_id)}: {error}", error.code)
    return Proposal(run_id, state, item.get("version"), transition_id)


def _is_transition_id(text: str) -> bool:
    return 0 < len(text) <= MAX_TRANSITION_ID and bool(storable(text) == text)


def read_state(document: Any, *, max_bytes: int, now: str) -> ProposedState:
    """Read a serialized state.

    Args:
        document: its JSON.
        max_bytes: how large it may be when written compactly.
        now: the time that a state to start at once is given.

    Returns:
        The state. What no database can store in its texts, NUL and lone surrogates, has become U+FFFD.

    Raises:
        Unreadable: it is not the JSON of a state, or too large.
    """
    type_name = _type(document, "the state")
    if type_name in META and document.get("state") is not None:
        _type(document["state"], f"the state inside {type_name}")
    document = _checked(document, max_bytes)
    message = document.get("message")
    if not isinstance(message, str | None):
        raise Unreadable("the state's message must be a text.")
    start_time = _start_time(document, type_name, now) if type_name in _WITH_START_TIME else None
    return ProposedState(type_name, message, start_time, document)


def _type(document: Any, what: str) -> str:
    type_name = document.get("type") if isinstance(document, dict) else None
    if not isinstance(type_name, str) or not 0 < len(type_name) <= MAX_TYPE or not type_name.isprintable():
        raise Unreadable(f'{what} must be an object with a "type", as state.serialize() makes it.')
    return canonical_name(type_name)


def _checked(document: dict[str, Any], max_bytes: int) -> dict[str, Any]:
    text = _written(document)
    size = len(text) if text.isascii() else len(text.encode())
    if size > max_bytes:
        advice = "store the result and send its location"
        raise Unreadable(
            f"the state has {size} bytes of JSON where {max_bytes} are accepted; {advice}.",
            "PAYLOAD_TOO_LARGE",
        )
    # Escapes, or texts that look like them: the exact look is only worth its time for these.
    return storable(document) if "\\u0000" in text or "\\ud" in text else document


def _written(document: dict[str, Any]) -> str:
    try:
        return orjson.dumps(document).decode()
    except TypeError:
        # Too deep for it; or it holds integers or halves of characters, which the standard library writes.
        if _is_deeper(document, MAX_NESTING):
            raise Unreadable(
                f"the state is nested more than {MAX_NESTING} levels deep; flatten it."
            ) from None
        return json.dumps(document)


def _is_deeper(value: Any, levels: int) -> bool:
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    if parts is None or levels == 0:
        return parts is not None
    return any(_is_deeper(part, levels - 1) for part in parts)


def _start_time(document: dict[str, Any], type_name: str, now: str) -> str | None:
    value = document.get("start_time")
    if value is None:
        return now if type_name in _START_AT_ONCE else None
    try:
        moment = dt.datetime.fromisoformat(value)
        return format_time(moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC))
    except (TypeError, ValueError, OverflowError):
        raise Unreadable("the state's start_time must be an instant in ISO 8601.") from None
