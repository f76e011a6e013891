"""Forecasts: the next moments at which a schedule makes runs, remembered until the first of them is over."""

from __future__ import annotations

import datetime as dt
from collections import OrderedDict
from dataclasses import dataclass
from itertools import chain, count
from typing import TYPE_CHECKING, Any

from orchestra_client.server.moments import shifted
from orchestra_client.server.store import json
from orchestra_client.server.store.types import format_time

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from orchestra_client.schedules import ClockEvent

UPCOMING = 10
"""Runs that a schedule has waiting at any time."""

PREFIX = "auto-scheduled:"
"""How the idempotency keys of scheduled runs begin; the moment in UTC follows."""

MAX_REMEMBERED = 10_000
"""Schedules whose forecast is kept; making one takes about a millisecond."""

WITHOUT_EVENTS = 3600
"""Seconds until a schedule that had no event in sight is asked again: looking far ahead takes long."""


@dataclass(frozen=True, slots=True)
class Appointment:
    """A run that a schedule asks for. Immutable; safe to share.

    Attributes:
        key: the run's idempotency key.
        start: when it is to begin, in the store's text form.
        parameters: the clock's values for the flow's parameters.
        labels: the clock's labels; None when it names none.
    """

    key: str
    start: str
    parameters: Mapping[str, Any]
    labels: Sequence[str] | None


class Forecasts:
    """The next appointments of schedules. Not safe to share between threads."""

    def __init__(self) -> None:
        self._remembered: OrderedDict[str, tuple[str, list[Appointment]]] = OrderedDict()

    def of(self, schedule: Mapping[str, Any], now: str) -> Sequence[Appointment]:
        """The next appointments of a schedule, all later than `now`; fewer than `UPCOMING` when it ends.

        Args:
            schedule: its JSON.
            now: the time.

        Raises:
            FlowError: it is no schedule, or of a kind that this version does not know.
        """
        text = json.dumps(schedule)
        until, appointments = self._remembered.pop(text, ("", []))
        if until <= now:
            appointments = _appointments(schedule, now)
            # Adjustments can turn moments around, so the first is not always the earliest.
            until = min((each.start for each in appointments), default=shifted(now, WITHOUT_EVENTS))
        self._remembered[text] = until, appointments
        while len(self._remembered) > MAX_REMEMBERED:
            self._remembered.popitem(last=False)
        return appointments


def _appointments(schedule: Mapping[str, Any], now: str) -> list[Appointment]:
    from orchestra_client.schedules import Schedule  # noqa: PLC0415 (marshmallow: only where something is scheduled)

    made: dict[str, Appointment] = {}
    for event in Schedule.deserialize(schedule).events(dt.datetime.fromisoformat(now)):
        start = format_time(event.start_time)
        if start > now and _is_news(event, start, made):
            key = _key(event, made)
            made[key] = Appointment(key, start, event.parameter_defaults, event.labels)
        if len(made) == UPCOMING:
            break
    return list(made.values())


def _is_news(event: ClockEvent, start: str, made: Mapping[str, Appointment]) -> bool:
    # An adjustment that moves Saturday's and Sunday's run to Monday makes one run of them.
    asked = (start, event.parameter_defaults, event.labels)
    return all((each.start, each.parameters, each.labels) != asked for each in made.values())


def _key(event: ClockEvent, made: Mapping[str, Appointment]) -> str:
    """The run's key; of clocks that agree on a moment alone, each gets its run, the further ones numbered."""
    key = f"{PREFIX}{event.start_time.astimezone(dt.UTC).isoformat()}"
    keys = chain([key], (f"{key}:{number}" for number in count(2)))
    return next(each for each in keys if each not in made)
