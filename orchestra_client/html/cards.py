"""One result or one state: what it is, and its fields one below the other."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from orchestra_client.html.cells import cell, is_state, state_badge
from orchestra_client.html.tables import LEFT, rows_html
from orchestra_client.html.text import element, linked, safe, shortened, shown

if TYPE_CHECKING:
    from collections.abc import Iterable

    from orchestra_client.states import Result, State

__all__ = ["record_html", "state_html"]

_SECRET = "SecretResult"  # noqa: S105 - the name of a type, not a secret
_MAX_MESSAGE = 2000
_OF_EVERY_STATE = {"_result", "cached_inputs", "context", "extra_fields", "message", "type_name"}


def record_html(record: Any, now: datetime | None = None) -> str:
    """One result.

    Args:
        record: the result.
        now: for how long ago a moment was; unset means this machine's time.

    Returns:
        A table of its fields; results inside it are tables in it. Fields that no repr shows are left out.
    """
    now = now or datetime.now(UTC)
    pairs = [
        (each.name, _field(each.name, getattr(record, each.name), now))
        for each in fields(record)
        if each.repr
    ]
    title = element("b", safe(type(record).__name__))
    return element("div", f"{title}{_fields(pairs)}")


def state_html(state: State, now: datetime | None = None) -> str:
    """One state.

    Args:
        state: the state.
        now: for how long ago a moment was; unset means this machine's time.

    Returns:
        Its type on its colour, its message, and below them what else there is of it.
    """
    now = now or datetime.now(UTC)
    message = state.message or ""
    head = f"{state_badge(state)} {linked(shortened(message, _MAX_MESSAGE))}"
    return element("div", f"{head}{_fields(_parts(state, now))}")


def _parts(state: State, now: datetime) -> Iterable[tuple[str, str]]:
    for name in (each.name for each in fields(state) if each.name not in _OF_EVERY_STATE):
        yield name, cell(name, getattr(state, name), now=now)
    yield from _result(state.result_object)
    if state.cached_inputs:
        yield "cached inputs", safe(", ".join(state.cached_inputs))
    if state.context:
        yield "context", cell("context", state.context, now=now)


def _result(result: Result) -> Iterable[tuple[str, str]]:
    if result.value is not None:
        yield "result", element("code", "•••" if result.type == _SECRET else safe(shown(result.value)))
    if result.location is not None:
        yield "result in", element("code", safe(shortened(result.location)))


def _field(name: str, value: Any, now: datetime) -> str:
    if isinstance(value, tuple | list) and value and all(map(_is_record, value)):
        return rows_html(value, type(value[0]), now)
    return cell(name, value, now=now)


def _is_record(value: object) -> bool:
    return is_dataclass(value) and not is_state(value)


def _fields(pairs: Iterable[tuple[str, str]]) -> str:
    rows = "".join(
        f"<tr>{element('th', safe(name.replace('_', ' ')), style=LEFT)}{element('td', value, style=LEFT)}</tr>"
        for name, value in pairs
    )
    return element("table", f"<tbody>{rows}</tbody>") if rows else ""
