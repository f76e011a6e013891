"""When clocks say that runs begin, above all around the days on which clocks are put forward and back."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime, timedelta, timezone
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestra_client.errors import FlowError
from orchestra_client.schedules import Clock, CronClock, DatesClock, IntervalClock

NEW_YORK = ZoneInfo("America/New_York")  # forward on 2020-03-08 at 2, back on 2020-11-01 at 2
START = datetime(2020, 1, 1, tzinfo=NEW_YORK)
SPRING = datetime(2020, 3, 8, 0, 30, tzinfo=NEW_YORK)
FALL = datetime(2020, 11, 1, 0, 0, tzinfo=NEW_YORK)


def first(clock: Clock, after: datetime, n: int = 4) -> list[str]:
    """The first events in the clock's own time: month, day, time and offset."""
    events = islice(clock.events(after), n)
    return [f"{event.start_time.astimezone(clock.zone):%m-%d %H:%M%z}" for event in events]


@pytest.mark.parametrize(
    ("cron", "after", "expected"),
    [
        ("0 * * * *", SPRING, ["03-08 01:00-0500", "03-08 03:00-0400", "03-08 04:00-0400"]),
        ("0 * * * *", FALL, ["11-01 01:00-0400", "11-01 02:00-0500", "11-01 03:00-0500"]),
        ("30 2 * * *", SPRING, ["03-08 03:00-0400", "03-09 02:30-0400", "03-10 02:30-0400"]),
        ("30 2 * * *", FALL, ["11-01 02:30-0500", "11-02 02:30-0500", "11-03 02:30-0500"]),
        ("30 1 * * *", FALL, ["11-01 01:30-0400", "11-02 01:30-0500", "11-03 01:30-0500"]),
        ("15 1-3 * * *", SPRING, ["03-08 01:15-0500", "03-08 03:00-0400", "03-08 03:15-0400"]),
        ("0 9 * * *", SPRING, ["03-08 09:00-0400", "03-09 09:00-0400", "03-10 09:00-0400"]),
    ],
)
def test_cron_follows_local_time(cron: str, after: datetime, expected: list[str]) -> None:
    assert first(CronClock(cron, start_date=START), after, 3) == expected


def test_cron_after_a_moment_in_the_hour_that_comes_twice_does_not_go_back() -> None:
    second_time = datetime(2020, 11, 1, 1, 10, fold=1, tzinfo=NEW_YORK)
    assert first(CronClock("*/30 * * * *", start_date=START), second_time, 2) == [
        "11-01 02:00-0500",
        "11-01 02:30-0500",
    ]


def test_cron_where_midnight_is_skipped() -> None:
    zone = ZoneInfo("America/Santiago")  # forward on 2020-09-06 at 0
    clock = CronClock("0 0 * * *", start_date=datetime(2020, 9, 1, tzinfo=zone))
    assert first(clock, datetime(2020, 9, 5, 12, tzinfo=zone), 2) == ["09-06 01:00-0300", "09-07 00:00-0300"]


@pytest.mark.parametrize(
    ("interval", "after", "expected"),
    [
        # An hour elapses: it is run through twice in the fall.
        (timedelta(hours=1), SPRING, ["03-08 01:30-0500", "03-08 03:30-0400", "03-08 04:30-0400"]),
        (timedelta(hours=1), FALL, ["11-01 00:30-0400", "11-01 01:30-0400", "11-01 01:30-0500"]),
        # What is longer keeps its local time.
        (timedelta(days=1), SPRING, ["03-08 03:30-0400", "03-09 02:30-0400", "03-10 02:30-0400"]),
        (timedelta(days=1), FALL, ["11-01 02:30-0500", "11-02 02:30-0500", "11-03 02:30-0500"]),
        (timedelta(hours=12), SPRING, ["03-08 03:30-0400", "03-08 14:30-0400", "03-09 02:30-0400"]),
        (timedelta(hours=36), SPRING, ["03-08 14:30-0400", "03-10 02:30-0400", "03-11 14:30-0400"]),
    ],
)
def test_an_interval_elapses_up_to_an_hour_and_keeps_local_time_beyond(
    interval: timedelta, after: datetime, expected: list[str]
) -> None:
    start = datetime(2020, 1, 1, 2, 30, tzinfo=NEW_YORK)
    assert first(IntervalClock(interval, start_date=start), after, 3) == expected


def test_a_day_whose_time_comes_twice_counts_the_second_one() -> None:
    clock = IntervalClock(timedelta(days=1), start_date=datetime(2020, 1, 1, 1, 30, tzinfo=NEW_YORK))
    assert first(clock, FALL, 2) == ["11-01 01:30-0500", "11-02 01:30-0500"]


def test_an_interval_without_start_counts_from_2019() -> None:
    clock = IntervalClock(timedelta(days=7))
    assert first(clock, datetime(2019, 1, 1), 2) == ["01-08 00:00+0000", "01-15 00:00+0000"]


def test_start_and_end_are_events_and_after_is_not() -> None:
    start, end = datetime(2020, 1, 1), datetime(2020, 1, 3)
    for clock in (
        IntervalClock(timedelta(days=1), start_date=start, end_date=end),
        CronClock("0 0 * * *", start_date=start, end_date=end),
    ):
        assert first(clock, datetime(2019, 1, 1), 9) == [f"01-0{day} 00:00+0000" for day in (1, 2, 3)]
        assert first(clock, start, 9) == ["01-02 00:00+0000", "01-03 00:00+0000"]
        assert first(clock, end, 9) == []


def test_cron_does_not_round_a_start_up_to_itself() -> None:
    clock = CronClock("0 0 * * *", start_date=datetime(2020, 1, 1, 0, 0, 0, 1))
    assert first(clock, datetime(2019, 1, 1), 1) == ["01-02 00:00+0000"]


@pytest.mark.parametrize(
    ("cron", "day_or", "expected"),
    [
        ("@daily", True, ["01-02 00:00+0000", "01-03 00:00+0000"]),
        ("0 0 L * *", True, ["01-31 00:00+0000", "02-29 00:00+0000"]),
        ("0 0 * * 5#2", True, ["01-10 00:00+0000", "02-14 00:00+0000"]),
        ("0 0 13 * 5", True, ["01-03 00:00+0000", "01-10 00:00+0000"]),
        ("0 0 13 * 5", False, ["03-13 00:00+0000", "11-13 00:00+0000"]),
    ],
)
def test_cron_expressions(cron: str, day_or: bool, expected: list[str]) -> None:
    assert first(CronClock(cron, day_or=day_or), datetime(2020, 1, 1), 2) == expected


@pytest.mark.parametrize("cron", ["", "bad", "61 * * * *", "0 0 30 2 *", "R * * * *", "H * * * *"])
def test_cron_that_cannot_be_used_is_refused_when_written(cron: str) -> None:
    with pytest.raises(FlowError, match="cron expression"):
        CronClock(cron)


def test_dates_come_in_order() -> None:
    clock = DatesClock([datetime(2021, 2, 1), datetime(2021, 1, 1)])
    assert first(clock, datetime(2020, 1, 1)) == ["01-01 00:00+0000", "02-01 00:00+0000"]
    assert (clock.start_date, clock.end_date) == (
        datetime(2021, 1, 1, tzinfo=UTC),
        datetime(2021, 2, 1, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("write", "error"),
    [
        (lambda: IntervalClock(timedelta(0)), FlowError),
        (lambda: IntervalClock(60), TypeError),
        (lambda: DatesClock([]), FlowError),
        (lambda: CronClock("@daily", start_date="2020-01-01"), TypeError),
        (lambda: CronClock("@daily", start_date=START, end_date=START - timedelta(1)), FlowError),
        (lambda: CronClock("@daily", labels="gpu"), TypeError),
        (lambda: CronClock("@daily", parameter_defaults={"x": object()}), FlowError),
    ],
)
def test_what_makes_no_sense_is_refused_when_written(write: object, error: type[Exception]) -> None:
    with pytest.raises(error):
        write()  # type: ignore[operator]


def test_an_event_carries_the_clocks_parameters_and_labels() -> None:
    clock = CronClock("@daily", parameter_defaults={"x": 0}, labels=["gpu"])
    [event] = islice(clock.events(START), 1)
    assert (event.parameter_defaults, event.labels) == ({"x": 0}, ("gpu",))


def test_a_fixed_offset_stays_one() -> None:
    clock = CronClock(
        "0 9 * * *", start_date=datetime(2020, 1, 1, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    )
    assert first(clock, datetime(2020, 1, 1), 1) == ["01-01 09:00+0530"]


def test_clocks_pickle() -> None:
    clock = CronClock("@daily", start_date=START, parameter_defaults={"x": [1]})
    assert pickle.loads(pickle.dumps(clock)) == clock


@given(
    minutes=st.integers(1, 3 * 24 * 60),
    after=st.datetimes(datetime(2019, 6, 1), datetime(2021, 6, 1)),
    zone=st.sampled_from(["America/New_York", "Europe/London", "Australia/Lord_Howe", "UTC", "Asia/Kolkata"]),
)
def test_events_ascend_and_none_is_missing(minutes: int, after: datetime, zone: str) -> None:
    interval = timedelta(minutes=minutes)
    clock = IntervalClock(interval, start_date=datetime(2019, 1, 1, 1, 30, tzinfo=ZoneInfo(zone)))
    times = [event.start_time for event in islice(clock.events(after), 6)]
    gaps = [
        later - earlier for earlier, later in zip([after.replace(tzinfo=UTC), *times], times, strict=False)
    ]
    assert all(timedelta(0) < gap <= interval + timedelta(hours=1) for gap in gaps)


@given(after=st.datetimes(datetime(2020, 1, 1), datetime(2021, 1, 1)))
def test_asking_on_from_an_event_gives_the_next_one(after: datetime) -> None:
    clock = CronClock("*/20 0-3 * * *", start_date=START)
    events = [event.start_time for event in islice(clock.events(after), 4)]
    assert [next(clock.events(each)).start_time for each in events[:-1]] == events[1:]
