"""Schedules: clocks, what is kept of their moments, and where those are moved."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import islice, repeat
from typing import TYPE_CHECKING, Any

from orchestra_client.errors import FlowError
from orchestra_client.schedules.clocks import Clock, ClockEvent, CronClock, IntervalClock
from orchestra_client.states.frozen import EMPTY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    Filter = Callable[[datetime], Any]
    Adjustment = Callable[[datetime], datetime]

__all__ = ["MAX_CANDIDATES", "CronSchedule", "IntervalSchedule", "Schedule"]

MAX_CANDIDATES = 10_000
"""How many moments of its clocks a schedule looks at before it gives up: filters may refuse them all."""

_LISTS = ("clocks", "filters", "or_filters", "not_filters", "adjustments")


@dataclass(frozen=True)
class Schedule:
    """When runs of a flow begin. Immutable, hence safe to share between threads.

    Args:
        clocks: at least one.
        filters: functions of a moment that must all agree to keep it.
        or_filters: at least one of these must agree, unless there are none.
        not_filters: none of these may agree.
        adjustments: functions that move a moment that is kept, applied in order.
        extra_fields: JSON fields of a newer peer, written back as they came.

    Raises:
        TypeError: `clocks` is no list of clocks.
        FlowError: there is no clock.
    """

    clocks: Sequence[Clock]
    filters: Sequence[Filter] = ()
    or_filters: Sequence[Filter] = ()
    not_filters: Sequence[Filter] = ()
    adjustments: Sequence[Adjustment] = ()
    extra_fields: Mapping[str, Any] = field(default_factory=lambda: EMPTY, repr=False, kw_only=True)

    def __post_init__(self) -> None:
        for name in _LISTS:
            object.__setattr__(self, name, tuple(getattr(self, name) or ()))
        if not all(isinstance(clock, Clock) for clock in self.clocks):
            raise TypeError("clocks must be a list of clocks")
        if not self.clocks:
            raise FlowError("a schedule needs at least one clock")

    def next(self, n: int, after: datetime | None = None) -> list[ClockEvent]:
        """The schedule's next events, each with its moment, parameter defaults and labels.

        Args:
            n: how many; fewer when the clocks end, or after `MAX_CANDIDATES` of their moments.
            after: every event is later than this; a naive one means UTC. Unset means now, by the clock of
                :func:`~orchestra_client.states.use_clock`.

        Returns:
            At most `n` events in ascending order. Of clocks that agree on a moment, parameters and labels, one
            speaks; events that differ in those are all there.

        Raises:
            FlowError: a clock or filter is of a kind that this version does not know.
        """
        return list(islice(self.events(_now() if after is None else after), n))

    def events(self, after: datetime) -> Iterator[ClockEvent]:
        """The schedule's events in ascending order, as :meth:`next` has them; ends after `MAX_CANDIDATES` moments."""
        # Filters and adjustments see local times, so each event comes with the zone of its clock.
        zoned = (zip(clock.events(after), repeat(clock.zone)) for clock in self.clocks)
        merged = heapq.merge(*zoned, key=lambda pair: pair[0].start_time)
        for event, zone in islice(_distinct(merged), MAX_CANDIDATES):
            moment = event.start_time.astimezone(zone)
            if self._keeps(moment):
                yield replace(event, start_time=self._adjusted(moment).astimezone(UTC))

    def _keeps(self, moment: datetime) -> bool:
        return (
            all(agrees(moment) for agrees in self.filters)
            and (not self.or_filters or any(agrees(moment) for agrees in self.or_filters))
            and not any(agrees(moment) for agrees in self.not_filters)
        )

    def _adjusted(self, moment: datetime) -> datetime:
        for adjust in self.adjustments:
            moment = adjust(moment)
        return moment

    def serialize(self) -> dict[str, Any]:
        """Write the schedule as JSON that this library and Prefect 0.12 to 1.4 load.

        Returns:
            Plain dicts and lists, which belong to the caller.
        """
        from orchestra_client.schemas.schedules import dump_schedule  # noqa: PLC0415 (it imports this module)

        return dump_schedule(self)

    @staticmethod
    def deserialize(document: Mapping[str, Any]) -> Schedule:
        """Read a schedule from JSON.

        Args:
            document: as Prefect 0.12 to 1.4 or this library wrote it. It is not changed.

        Returns:
            The schedule, with an `UnknownClock` for each clock of a type that this version does not know.

        Raises:
            FlowError: it is not the JSON of a schedule; the error names the place.
        """
        from orchestra_client.schemas.schedules import load_schedule  # noqa: PLC0415 (it imports this module)

        return load_schedule(document)


def IntervalSchedule(  # noqa: N802 (authors know it as a class)
    interval: timedelta, start_date: datetime | None = None, end_date: datetime | None = None
) -> Schedule:
    """A schedule of one `IntervalClock`, which see for the arguments."""
    return Schedule([IntervalClock(interval, start_date=start_date, end_date=end_date)])


def CronSchedule(  # noqa: N802 (authors know it as a class)
    cron: str, start_date: datetime | None = None, end_date: datetime | None = None, *, day_or: bool = True
) -> Schedule:
    """A schedule of one `CronClock`, which see for the arguments."""
    return Schedule([CronClock(cron, start_date=start_date, end_date=end_date, day_or=day_or)])


def _distinct(pairs: Iterator[tuple[ClockEvent, tzinfo]]) -> Iterator[tuple[ClockEvent, tzinfo]]:
    """Leave out an event that equals another one of the same moment."""
    same_moment: list[ClockEvent] = []
    for event, zone in pairs:
        if same_moment and same_moment[0].start_time != event.start_time:
            same_moment.clear()
        if event not in same_moment:
            same_moment.append(event)
            yield event, zone


def _now() -> datetime:
    from orchestra_client.states.clock import now  # noqa: PLC0415 (imports a date library the rest does without)

    return now()
