"""The JSON of schedules and clocks."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from marshmallow import ValidationError, fields

from orchestra_client.errors import FlowError
from orchestra_client.schedules import adjustments, filters
from orchestra_client.schedules.clocks import Clock, CronClock, DatesClock, IntervalClock, UnknownClock
from orchestra_client.schedules.schedule import Schedule
from orchestra_client.schedules.zones import local, zone_name, zone_named
from orchestra_client.schemas.documents import (
    DocumentSchema,
    FunctionField,
    JSONValue,
    in_order,
    load_document,
    split_extra,
)
from orchestra_client.schemas.version import WIRE_VERSION
from orchestra_client.states.frozen import thaw

if TYPE_CHECKING:
    from collections.abc import Callable

    _Field = fields.Field[Any]
else:
    _Field = fields.Field

__all__ = ["MINIMUM_INTERVAL", "dump_schedule", "load_schedule"]

MINIMUM_INTERVAL = timedelta(minutes=1)
"""The shortest interval that can be registered; Prefect reads no shorter one."""

FILTERS: Mapping[str, Callable[..., Any]] = {
    f"prefect.schedules.filters.{name}": getattr(filters, name) for name in filters.__all__
}
ADJUSTMENTS: Mapping[str, Callable[..., Any]] = {
    f"prefect.schedules.adjustments.{name}": getattr(adjustments, name) for name in adjustments.__all__
}


class ZonedMoment(_Field):
    """A moment as ``{"dt": local time, "tz": zone}``; the zone counts, so that it is not written as an offset."""

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_none=True, **options)

    def _serialize(self, value: datetime | None, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        if value is None:
            return None
        return {"dt": value.replace(tzinfo=None).isoformat(), "tz": zone_name(value)}

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> datetime:
        try:
            wall, zone = datetime.fromisoformat(value["dt"]), zone_named(value["tz"])
        except (TypeError, KeyError, ValueError) as error:
            raise ValidationError(f"not a local time with its zone ({error})") from None
        return wall.astimezone(zone) if wall.tzinfo else local(wall, zone)


class Microseconds(_Field):
    """A duration as a whole number of microseconds."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        if value < MINIMUM_INTERVAL:
            raise FlowError(f"an interval of {value} cannot be registered; the shortest is a minute")
        return value // timedelta(microseconds=1)

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> timedelta:
        try:
            return timedelta(microseconds=value)
        except (TypeError, OverflowError):
            raise ValidationError("not a number of microseconds") from None


class ClockSchema(DocumentSchema):
    """What all clocks have in common."""

    clock_class: ClassVar[type[Clock]]

    parameter_defaults = JSONValue()
    labels = fields.List(fields.String(), allow_none=True)


class DatedClockSchema(ClockSchema):
    """Clocks with a start and an end."""

    start_date = ZonedMoment()
    end_date = ZonedMoment()


class IntervalClockSchema(DatedClockSchema):
    """`IntervalClock`."""

    clock_class = IntervalClock
    interval = Microseconds(required=True)


class CronClockSchema(DatedClockSchema):
    """`CronClock`."""

    clock_class = CronClock
    cron = fields.String(required=True)
    day_or = fields.Boolean(allow_none=True)


class DatesClockSchema(ClockSchema):
    """`DatesClock`, whose start and end are those of its dates."""

    clock_class = DatesClock
    dates = fields.List(ZonedMoment(), required=True)


class ScheduleSchema(DocumentSchema):
    """`Schedule`."""

    clocks = fields.List(JSONValue(), required=True)
    filters = fields.List(FunctionField(FILTERS))
    or_filters = fields.List(FunctionField(FILTERS))
    not_filters = fields.List(FunctionField(FILTERS))
    adjustments = fields.List(FunctionField(ADJUSTMENTS))


_CLOCKS: Mapping[str, ClockSchema] = {
    schema.clock_class.__name__: schema()
    for schema in (IntervalClockSchema, CronClockSchema, DatesClockSchema)
}
_schedule = ScheduleSchema()


def dump_schedule(schedule: Schedule) -> dict[str, Any]:
    """Write a schedule as JSON; see `Schedule.serialize`.

    Raises:
        FlowError: an interval is shorter than `MINIMUM_INTERVAL`.
    """
    document: dict[str, Any] = _schedule.dump({name: getattr(schedule, name) for name in _schedule.fields})
    document["clocks"] = [_dump_clock(clock) for clock in schedule.clocks]
    ordered: dict[str, Any] = in_order(
        {**document, **thaw(schedule.extra_fields), "type": "Schedule", "__version__": WIRE_VERSION}
    )
    return ordered


def load_schedule(document: Mapping[str, Any]) -> Schedule:
    """Read a schedule from JSON; see `Schedule.deserialize`.

    Raises:
        FlowError: it is not the JSON of a schedule; the error names the place.
    """
    values = load_document(_schedule, document, "a schedule")
    extra = split_extra(values, _schedule.fields)
    values["clocks"] = [
        _load_clock(clock, f"clocks[{index}]") for index, clock in enumerate(values["clocks"])
    ]
    return Schedule(**values, extra_fields=extra)


def _dump_clock(clock: Clock) -> dict[str, Any]:
    if isinstance(clock, UnknownClock):
        return dict(thaw(clock.extra_fields))
    schema = _CLOCKS[type(clock).__name__]
    document: dict[str, Any] = schema.dump(clock)
    document["parameter_defaults"] = thaw(clock.parameter_defaults)
    return {
        **document,
        **thaw(clock.extra_fields),
        "type": type(clock).__name__,
        "__version__": WIRE_VERSION,
    }


def _load_clock(document: Any, path: str) -> Clock:
    kind = document.get("type") if isinstance(document, Mapping) else None
    if not isinstance(kind, str):
        raise FlowError(f"this is not the JSON of a schedule: {path} is no clock, which has a type")
    if kind not in _CLOCKS:
        return UnknownClock(
            kind, extra_fields=document, parameter_defaults=document.get("parameter_defaults")
        )
    schema = _CLOCKS[kind]
    values = load_document(schema, document, f"a schedule, at {path}")
    extra = split_extra(values, schema.fields)
    given = {name: value for name, value in values.items() if value is not None}
    return schema.clock_class(**given, extra_fields=extra)
