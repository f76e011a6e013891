"""Schedules as JSON: what we write is what we read, and what a newer peer adds survives."""

from __future__ import annotations

import json
from datetime import UTC, datetime, time, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from orchestra_client.errors import FlowError
from orchestra_client.schedules import (
    CronClock,
    CronSchedule,
    DatesClock,
    IntervalClock,
    IntervalSchedule,
    Schedule,
    UnknownClock,
    adjustments,
    filters,
)

PARIS = ZoneInfo("Europe/Paris")

FULL = Schedule(
    [
        IntervalClock(
            timedelta(hours=1, microseconds=1),
            start_date=datetime(2020, 1, 1, 9, 30, 0, 5, tzinfo=PARIS),
            end_date=datetime(2030, 1, 1),
            parameter_defaults={"x": 0, "y": None, "z": [1]},
            labels=["b", "a"],
        ),
        CronClock("30 2 * * *", day_or=False),
        DatesClock([datetime(2030, 1, 1, tzinfo=PARIS), datetime(2029, 1, 1)]),
    ],
    filters=[filters.is_weekday, filters.between_datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1))],
    or_filters=[filters.between_times(time(9), time(17)), filters.is_day_of_week(2)],
    not_filters=[filters.on_date(12, 24), filters.between_dates(1, 1, 1, 2)],
    adjustments=[adjustments.next_weekday, adjustments.add(timedelta(hours=1))],
)


def test_what_is_written_is_what_is_read() -> None:
    document = json.loads(json.dumps(FULL.serialize()))
    assert Schedule.deserialize(document) == FULL
    assert Schedule.deserialize(document).serialize() == document


def test_the_shape() -> None:
    [clock] = CronSchedule("0 9 * * *", datetime(2020, 1, 1, tzinfo=PARIS)).serialize()["clocks"]
    assert clock == {
        "type": "CronClock",
        "cron": "0 9 * * *",
        "day_or": True,
        "start_date": {"dt": "2020-01-01T00:00:00", "tz": "Europe/Paris"},
        "end_date": None,
        "parameter_defaults": {},
        "labels": None,
        "__version__": "1.4.1",
    }
    assert IntervalSchedule(timedelta(minutes=1)).serialize()["clocks"][0]["interval"] == 60_000_000


@pytest.mark.parametrize(
    ("zone", "name"),
    [
        (UTC, "UTC"),
        (timezone(timedelta(hours=3)), "Etc/GMT-3"),
        (timezone(timedelta(hours=-5)), "Etc/GMT+5"),
        (timezone(timedelta(hours=5, minutes=30)), "+05:30"),
        (PARIS, "Europe/Paris"),
    ],
)
def test_zones_travel_by_name(zone: Any, name: str) -> None:
    schedule = CronSchedule("@daily", datetime(2020, 6, 1, tzinfo=zone))
    document = schedule.serialize()
    assert document["clocks"][0]["start_date"]["tz"] == name
    assert Schedule.deserialize(document).next(2) == schedule.next(2)


def test_offsets_that_prefect_writes_are_read() -> None:
    document = CronSchedule("@daily").serialize()
    document["clocks"][0]["start_date"] = {"dt": "2020-01-01T00:00:00", "tz": "+03:00"}
    start = Schedule.deserialize(document).clocks[0].start_date
    assert start is not None
    assert start.utcoffset() == timedelta(hours=3)


def test_what_a_newer_peer_adds_survives() -> None:
    document = CronSchedule("@daily").serialize()
    document["mood"] = {"good": True}
    document["clocks"][0]["speed"] = [1, 2]
    document["clocks"].append(
        {"type": "RRuleClock", "rrule_obj": {"rr": "FREQ=DAILY"}, "parameter_defaults": {"x": 1}}
    )
    document["filters"] = [{"fn": "elsewhere.is_holiday", "kwargs": {"country": "fr"}}]

    schedule = Schedule.deserialize(document)

    assert schedule.serialize() == document
    assert isinstance(schedule.clocks[1], UnknownClock)
    assert schedule.clocks[1].parameter_defaults == {"x": 1}
    with pytest.raises(FlowError, match="RRuleClock"):
        schedule.next(1)


def test_a_filter_of_someones_own_travels_by_name_and_says_so_when_called() -> None:
    schedule = Schedule([CronClock("@daily")], filters=[_is_lucky])
    read = Schedule.deserialize(schedule.serialize())
    with pytest.raises(FlowError, match="_is_lucky travelled by name only"):
        read.next(1)


def _is_lucky(moment: datetime) -> bool:
    return moment.day == 7


def test_intervals_below_a_minute_are_not_registered() -> None:
    with pytest.raises(FlowError, match="shortest is a minute"):
        IntervalSchedule(timedelta(seconds=59)).serialize()


@pytest.mark.parametrize(
    ("document", "complaint"),
    [
        (None, "a schedule"),
        ({}, "clocks: Missing data"),
        ({"clocks": [3]}, r"clocks\[0\] is no clock"),
        ({"clocks": [{"type": "CronClock"}]}, r"at clocks\[0\]: cron: Missing data"),
        ({"clocks": [{"type": "CronClock", "cron": "bad"}]}, "cannot be used"),
        ({"clocks": [{"type": "IntervalClock", "interval": "x"}]}, "interval: not a number"),
        ({"clocks": [{"type": "CronClock", "cron": "@daily", "start_date": {"dt": "2020"}}]}, "start_date"),
        (
            {
                "clocks": [
                    {"type": "CronClock", "cron": "@daily", "start_date": {"dt": "2020-01-01", "tz": "Mars"}}
                ]
            },
            "no time zone 'Mars'",
        ),
        ({"clocks": [{"type": "CronClock", "cron": "@daily"}], "filters": [{}]}, r"filters\[0\]"),
        (
            {
                "clocks": [{"type": "CronClock", "cron": "@daily"}],
                "filters": [{"fn": "prefect.schedules.filters.on_date", "kwargs": {"year": 1}}],
            },
            "does not take",
        ),
    ],
)
def test_what_is_no_schedule_is_refused_with_its_place(document: Any, complaint: str) -> None:
    with pytest.raises(FlowError, match=complaint):
        Schedule.deserialize(document)
