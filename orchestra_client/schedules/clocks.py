"""Clocks: when a schedule's runs begin.

A clock is a value. It is asked for the moments after another moment and never looks at the time itself. The local
times it means are those of its start date's zone, UTC without one.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import count, takewhile
from typing import TYPE_CHECKING, Any

from orchestra_client.errors import FlowError, StateSerializationError
from orchestra_client.schedules import cron as cron_lines
from orchestra_client.schedules.zones import aware, in_zone, local
from orchestra_client.states.frozen import EMPTY, FrozenDict, freeze

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

__all__ = ["Clock", "ClockEvent", "CronClock", "DatesClock", "IntervalClock", "UnknownClock"]

_EPOCH = datetime(2019, 1, 1, tzinfo=UTC)  # where an interval without a start date counts from, as in Prefect


@dataclass(frozen=True)
class ClockEvent:
    """One moment at which a run shall begin. Immutable, hence safe to share.

    Attributes:
        start_time: the moment, in UTC: two moments of one zone compare by local time, which clocks show twice.
        parameter_defaults: the clock's values for the flow's parameters.
        labels: the clock's labels for the run; None when it sets none.
    """

    start_time: datetime
    parameter_defaults: Mapping[str, Any] = field(default_factory=lambda: EMPTY)
    labels: tuple[str, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class Clock(ABC):
    """What all clocks have in common. Immutable, hence safe to share between threads.

    Args:
        start_date: no event is earlier; its zone is the clock's, a naive one means UTC. Unset: no limit, UTC.
        end_date: no event is later; one at this very moment still is an event. Unset: no limit.
        parameter_defaults: values for the flow's parameters in the runs of this clock, as a JSON object.
        labels: labels of the runs of this clock; unset leaves those of the flow.
        extra_fields: JSON fields of a newer peer, written back as they came.

    Raises:
        TypeError: an argument is of the wrong type.
        FlowError: an argument makes no sense.
    """

    start_date: datetime | None = None
    end_date: datetime | None = None
    parameter_defaults: Mapping[str, Any] = field(default_factory=lambda: EMPTY)
    labels: Sequence[str] | None = None
    extra_fields: Mapping[str, Any] = field(default_factory=lambda: EMPTY, repr=False)

    def __post_init__(self) -> None:
        for name in ("start_date", "end_date"):
            if (moment := getattr(self, name)) is not None:
                object.__setattr__(self, name, aware(moment, name))
        object.__setattr__(self, "parameter_defaults", _json_object(self.parameter_defaults))
        object.__setattr__(self, "labels", _labels(self.labels))
        if self.start_date and self.end_date and self.end_date < self.start_date:
            raise FlowError(f"the clock ends ({self.end_date}) before it starts ({self.start_date})")

    @property
    def zone(self) -> tzinfo:
        """The zone whose local times the clock means."""
        return UTC if self.start_date is None else self.start_date.tzinfo or UTC

    def events(self, after: datetime) -> Iterator[ClockEvent]:
        """The clock's events, earliest first, without end unless it has an end date.

        Args:
            after: every event is later than this; a naive one means UTC.

        Yields:
            Event after event, each later than the one before.
        """
        last = aware(after, "after").astimezone(UTC)
        if self.start_date is not None:
            last = max(last, self.start_date.astimezone(UTC) - timedelta.resolution)
        moments: Iterable[datetime] = (moment.astimezone(UTC) for moment in self._moments(last))
        if self.end_date is not None:
            end = self.end_date.astimezone(UTC)
            moments = takewhile(lambda moment: moment <= end, moments)
        labels = None if self.labels is None else tuple(self.labels)
        for moment in moments:
            # Around a change of the clocks two local times can be one moment, or one that has gone by.
            if moment > last:
                last = moment
                yield ClockEvent(moment, self.parameter_defaults, labels)

    @abstractmethod
    def _moments(self, after: datetime) -> Iterator[datetime]:
        """Aware moments in ascending order, some of which may not be after `after`."""


@dataclass(frozen=True)
class IntervalClock(Clock):
    """Events at a fixed distance from the start date on. Other arguments as for `Clock`.

    A distance of up to an hour elapses: an hourly clock runs through an hour twice when clocks are put back. A longer
    one keeps the local times of its start date, as it does in Prefect: daily at 9 stays at 9. Where clocks are put
    forward over such a time, the event is as much later; where they show it twice, it is the second time.

    Args:
        interval: the distance, more than nothing.
        start_date: the first event; unset means 2019-01-01 00:00 UTC.
    """

    interval: timedelta

    def __post_init__(self) -> None:
        if not isinstance(self.interval, timedelta):
            raise TypeError(f"interval must be a timedelta, not {type(self.interval).__name__}")
        if self.interval <= timedelta(0):
            raise FlowError(f"interval must be more than nothing, not {self.interval}")
        super().__post_init__()

    def _moments(self, after: datetime) -> Iterator[datetime]:
        start = self.start_date or _EPOCH
        elapses = self.interval <= timedelta(hours=1)
        origin = start.astimezone(UTC) if elapses else start.replace(tzinfo=None)
        reached = after if elapses else in_zone(after, self.zone).replace(tzinfo=None)
        # One earlier than seems needed: a local time that was skipped comes later than it says.
        first = max(0, (reached - origin) // self.interval - 1)
        with suppress(OverflowError):  # after the year 9999
            for number in count(first):
                moment = origin + number * self.interval
                yield moment if elapses else local(moment, self.zone, second=True)


@dataclass(frozen=True)
class CronClock(Clock):
    """Events at the local times that a cron expression names. Other arguments as for `Clock`.

    A time that clocks show twice counts once, the first time, so that an hourly clock pauses for two hours then. One
    that they skip becomes the first moment after: 02:30 becomes 03:00.

    Args:
        cron: five fields, a sixth for seconds, or a name such as ``@daily``.
        day_or: whether either of day of month and day of week suffices when both are restricted; otherwise both
            must hold.

    Raises:
        FlowError: the expression is none, names no moment, or a different one each time it is read.
    """

    cron: str
    day_or: bool = field(default=True, kw_only=True)

    def __post_init__(self) -> None:
        cron_lines.check(self.cron, day_or=self.day_or)
        super().__post_init__()

    def _moments(self, after: datetime) -> Iterator[datetime]:
        wall = in_zone(after, self.zone).replace(tzinfo=None)
        return cron_lines.moments(self.cron, wall, self.zone, day_or=self.day_or)


@dataclass(frozen=True)
class DatesClock(Clock):
    """Events at given moments. Other arguments as for `Clock`; start and end follow from the dates.

    Args:
        dates: the moments, at least one, in any order; naive ones mean UTC.
    """

    dates: Sequence[datetime]

    def __post_init__(self) -> None:
        dates = tuple(aware(date, "dates") for date in self.dates)
        if not dates:
            raise FlowError("a DatesClock needs at least one date")
        object.__setattr__(self, "dates", dates)
        object.__setattr__(self, "start_date", min(dates))
        object.__setattr__(self, "end_date", max(dates))
        super().__post_init__()

    def _moments(self, after: datetime) -> Iterator[datetime]:
        return iter(sorted(self.dates))


@dataclass(frozen=True)
class UnknownClock(Clock):
    """A clock of a type that this version does not know; it is written back as it came and has no events.

    Args:
        type_name: its type in JSON.
    """

    type_name: str

    def _moments(self, after: datetime) -> Iterator[datetime]:
        raise FlowError(f"this version cannot run a clock of the type {self.type_name!r}")


def _json_object(value: Any) -> FrozenDict[Any]:
    if not isinstance(value, Mapping | None):
        raise TypeError(f"parameter_defaults must be a dict, not {type(value).__name__}")
    try:
        frozen: FrozenDict[Any] = freeze(value or {}, "parameter_defaults")
    except StateSerializationError as error:
        raise FlowError(str(error)) from None
    return frozen


def _labels(labels: Any) -> tuple[str, ...] | None:
    if labels is None:
        return None
    if isinstance(labels, str) or not all(isinstance(label, str) for label in labels):
        raise TypeError("labels must be a list of strings")
    return tuple(labels)
