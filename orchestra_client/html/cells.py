"""One value of a result as HTML."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import is_dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from orchestra_client.durations import in_words
from orchestra_client.html.palette import INK, LEVEL_COLORS, state_color
from orchestra_client.html.text import element, linked, safe, shortened, shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestra_client.states import State

__all__ = ["badge", "cell", "is_state", "moment_html", "state_badge"]

NOTHING = '<span style="opacity:.5">–</span>'

_MAX_LABELS = 12
_MAX_TITLE = 5000
"""Characters: a page of a hundred messages of a megabyte would be kept with the notebook."""

_ONE_LINE = "white-space:nowrap"


def cell(name: str, value: Any, *, now: datetime, is_short: bool = False) -> str:
    """A field of a result.

    Args:
        name: the field's name, which tells what some values mean.
        value: its value.
        now: for how long ago a moment was.
        is_short: whether ids are cut to what tells them apart.
    """
    if value is None or (isinstance(value, str | Mapping | list | tuple) and not value):
        return NOTHING
    if name in _WRITERS:
        return _WRITERS[name](value)
    if isinstance(value, datetime):
        return moment_html(value, now)
    if isinstance(value, str) and (name == "id" or name.endswith("_id")):
        return _id(value, is_short)
    return _plain(value)


def _plain(value: Any) -> str:
    if is_state(value):
        return state_badge(value)
    if isinstance(value, Mapping):
        return _json(value)
    return _text(_words(value))


def _words(value: Any) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case str() | int() | float():
            return str(value)
        case Exception():
            return f"{type(value).__name__}: {value}"
    if is_dataclass(value):
        return str(getattr(value, "name", None) or value)
    return shown(value)


def is_state(value: object) -> bool:
    """Whether it is a `State`, found out without importing that class, which is slow."""
    return hasattr(value, "type_name")


def badge(text: str, color: str, title: str | None = None) -> str:
    """A word on a colour."""
    style = f"background:{color};color:{INK};border-radius:.6em;padding:.05em .6em;font-size:.9em;white-space:nowrap"
    return element("span", safe(text), style=style, title=title)


def state_badge(state: State) -> str:
    """A state's type on its colour; its message is the title."""
    message = shortened(state.message, _MAX_TITLE) if state.message else None
    return badge(state.type_name, state_color(state.type_name), message)


def moment_html(moment: datetime, now: datetime) -> str:
    """A moment in UTC; how long ago it was is the title."""
    moment = moment.astimezone(UTC)
    seconds = (moment - now).total_seconds()
    told = f"in {in_words(seconds)}" if seconds > 0 else f"{in_words(-seconds)} ago"
    text = f"{moment:%Y-%m-%d %H:%M:%S}Z"
    return element("time", text, datetime=moment.isoformat(), title=told, style=_ONE_LINE)


def _text(text: str) -> str:
    short = shortened(text)
    return element("span", linked(short), title=_title(text, short), style="white-space:pre-wrap")


def _title(text: str, short: str) -> str | None:
    return None if text == short else shortened(text, _MAX_TITLE)


def _id(text: str, is_short: bool) -> str:
    # The last part of an id is random; the first is the time at which it was made, alike for neighbours.
    short = f"…{text[-8:]}" if is_short and len(text) > 12 else text
    return element("code", safe(short), title=text if short != text else None, style=_ONE_LINE)


def _json(value: Mapping[str, Any]) -> str:
    text = json.dumps(value, ensure_ascii=False, default=_plain_mapping)
    short = shortened(text)
    return element("code", safe(short), title=_title(text, short))


def _plain_mapping(value: object) -> Any:
    return dict(value) if isinstance(value, Mapping) else shown(value)


def _chips(values: Any) -> str:
    style = (
        "border:1px solid currentColor;border-radius:.6em;padding:0 .5em;font-size:.85em;white-space:nowrap"
    )
    parts = [element("span", safe(shortened(str(each), 40)), style=style) for each in values[:_MAX_LABELS]]
    more = f" and {len(values) - _MAX_LABELS} more" if len(values) > _MAX_LABELS else ""
    return " ".join(parts) + more


def _duration(seconds: float) -> str:
    if seconds < 1:
        text = f"{seconds * 1000:.0f} ms"
    else:
        text = f"{seconds:.1f} s" if seconds < 60 else in_words(seconds)
    return element("span", text, style=_ONE_LINE)


def _map_index(index: int) -> str:
    return NOTHING if index < 0 else str(index)


def _state(value: Any) -> str:
    return state_badge(value) if is_state(value) else badge(str(value), state_color(str(value)))


def _level(level: str) -> str:
    return badge(level, LEVEL_COLORS.get(level, state_color("")))


_WRITERS: dict[str, Callable[[Any], str]] = {
    "state": _state,
    "level": _level,
    "duration": _duration,
    "map_index": _map_index,
    "labels": _chips,
    "tags": _chips,
}
