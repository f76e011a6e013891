"""Schedules of several clocks, with filters and adjustments."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from orchestra_client.errors import FlowError
from orchestra_client.schedules import (
    CronClock,
    CronSchedule,
    IntervalClock,
    IntervalSchedule,
    Schedule,
    adjustments,
    filters,
)
from orchestra_client.states import use_clock

MONDAY = datetime(2024, 1, 1, tzinfo=UTC)
HOURLY = CronClock("0 * * * *")


def times(schedule: Schedule, n: int = 4, after: datetime = MONDAY) -> list[str]:
    return [f"{event.start_time:%m-%d %H:%M}" for event in schedule.next(n, after)]


def test_clocks_are_merged_and_a_moment_they_share_comes_once() -> None:
    schedule = Schedule([CronClock("0 */2 * * *"), CronClock("0 */3 * * *")])
    assert times(schedule, 5) == ["01-01 02:00", "01-01 03:00", "01-01 04:00", "01-01 06:00", "01-01 08:00"]


def test_events_of_one_moment_that_differ_all_come() -> None:
    clocks = [CronClock("@daily", parameter_defaults={"region": region}) for region in ("eu", "us", "eu")]
    events = Schedule(clocks).next(4, MONDAY)
    assert [event.parameter_defaults["region"] for event in events] == ["eu", "us"] * 2


def test_filters() -> None:
    schedule = Schedule(
        [HOURLY],
        filters=[filters.is_weekday, filters.on_date(1, 5)],
        or_filters=[filters.at_time(time(9)), filters.between_times(time(17), time(18))],
        not_filters=[filters.at_time(time(18))],
    )
    assert times(schedule, 2) == ["01-05 09:00", "01-05 17:00"]


@pytest.mark.parametrize(
    ("keeps", "expected"),
    [
        (filters.is_weekend, "01-06"),
        (filters.is_month_end, "01-31"),
        (filters.is_month_start, "02-01"),
        (filters.is_day_of_week(2), "01-03"),
        (filters.between_dates(12, 24, 1, 2), "01-02"),
        (filters.between_dates(3, 1, 3, 2), "03-01"),
        (filters.on_datetime(datetime(2024, 1, 9)), "01-09"),
        (filters.between_datetimes(datetime(2024, 1, 8), datetime(2024, 1, 9)), "01-08"),
    ],
)
def test_each_filter(keeps: object, expected: str) -> None:
    [kept] = times(Schedule([CronClock("@daily")], filters=[keeps]), 1)  # type: ignore[list-item]
    assert kept == f"{expected} 00:00"


def test_filters_see_the_time_of_the_clocks_zone() -> None:
    clock = CronClock("0 9 * * *", start_date=datetime(2024, 1, 1, tzinfo=ZoneInfo("Asia/Tokyo")))
    assert times(Schedule([clock], filters=[filters.at_time(time(9))]), 1) == ["01-02 00:00"]


def test_adjustments_are_applied_in_order() -> None:
    schedule = Schedule(
        [CronClock("0 0 6 1 *")], adjustments=[adjustments.next_weekday, adjustments.add(timedelta(hours=1))]
    )
    assert times(schedule, 1) == ["01-08 01:00"]  # 6 January 2024 is a Saturday


def test_filters_that_refuse_everything_end() -> None:
    assert Schedule([HOURLY], filters=[lambda moment: False]).next(1, MONDAY) == []


def test_next_begins_now_by_the_clock_in_use() -> None:
    with use_clock(lambda: MONDAY):
        assert CronSchedule("@daily").next(1)[0].start_time == MONDAY + timedelta(days=1)


def test_shorthands() -> None:
    start, end = MONDAY, MONDAY + timedelta(days=2)
    assert times(IntervalSchedule(timedelta(days=1), start, end), 9) == ["01-02 00:00", "01-03 00:00"]
    assert CronSchedule("@daily", start) == Schedule([CronClock("@daily", start_date=start)])


def test_a_schedule_needs_clocks() -> None:
    with pytest.raises(FlowError, match="at least one clock"):
        Schedule([])
    with pytest.raises(TypeError, match="list of clocks"):
        Schedule([timedelta(days=1)])  # type: ignore[list-item]


def test_many_years_of_minutes_are_not_counted_through() -> None:
    schedule = Schedule([IntervalClock(timedelta(minutes=1))])
    assert times(schedule, 1, datetime(2500, 1, 1)) == ["01-01 00:01"]
