"""Moments and durations as people write them."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import click
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from orchestra_client.cli.moments import earlier, later, parse_moment, parse_span, span

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 20, 23, 30, tzinfo=UTC)  # in Berlin it is the 21st already


def moment(text: str, **options: object) -> str:
    return parse_moment(text, **{"now": NOW, "zone": BERLIN, **options}).isoformat()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("2 hours", 120),
        ("90 min", 90),
        ("1 day", 1440),
        ("1h30m", 90),
        ("1.5 hours", 90),
        ("1 day, 2 hours and 3 minutes", 1440 + 123),
        ("  2   WEEKS ", 2 * 7 * 1440),
        ("30s", 0.5),
    ],
)
def test_durations(text: str, minutes: float) -> None:
    assert parse_span(text) == timedelta(minutes=minutes)


@pytest.mark.parametrize(
    "text",
    ["", "2", "hours", "2 moons", "-2 hours", "2 hours ago", "2 hours,", "٣ hours", "nan days", "1e3 s"],
)
def test_what_is_no_duration_is_told_how_one_looks(text: str) -> None:
    with pytest.raises(ValueError, match="90 min"):
        parse_span(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("now", "2026-11-20T23:30:00+00:00"),
        ("2 hours", "2026-11-21T01:30:00+00:00"),
        ("in 2 hours", "2026-11-21T01:30:00+00:00"),
        ("2026-11-21T08:00+01:00", "2026-11-21T07:00:00+00:00"),
        ("2026-11-21T08:00Z", "2026-11-21T08:00:00+00:00"),
        ("2026-11-21 08:00", "2026-11-21T07:00:00+00:00"),
        ("2026-07-01", "2026-06-30T22:00:00+00:00"),
        ("tomorrow 08:00", "2026-11-22T07:00:00+00:00"),
        ("Tomorrow at 8:00", "2026-11-22T07:00:00+00:00"),
        ("tomorrow", "2026-11-21T23:00:00+00:00"),
        ("08:00", "2026-11-21T07:00:00+00:00"),
        ("today 18:00:30", "2026-11-21T17:00:30+00:00"),
    ],
)
def test_moments(text: str, expected: str) -> None:
    assert moment(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 day", "2026-11-19T23:30:00+00:00"),
        ("1 day ago", "2026-11-19T23:30:00+00:00"),
        ("yesterday", "2026-11-19T23:00:00+00:00"),
        ("2026-11-19T12:00Z", "2026-11-19T12:00:00+00:00"),
    ],
)
def test_of_what_has_happened_durations_count_backwards(text: str, expected: str) -> None:
    assert moment(text, is_earlier=True) == expected


@pytest.mark.parametrize(
    "text", ["", "soon", "tomorrow08:00", "25:00", "8", "2 hours ago", "2026-13-01", "tomorrow tomorrow"]
)
def test_what_is_no_moment_is_told_how_one_looks(text: str) -> None:
    with pytest.raises(ValueError, match="tomorrow 08:00"):
        moment(text)


def test_a_time_that_clocks_skip_is_none() -> None:
    with pytest.raises(ValueError, match="skip"):
        moment("2027-03-28 02:30")


def test_of_a_time_that_clocks_show_twice_it_is_the_first() -> None:
    assert moment("2026-10-25 02:30") == "2026-10-25T00:30:00+00:00"


@pytest.mark.parametrize(
    "text", ["9999999 weeks", "9" * 400 + " days", "0001-01-01", "9999-12-31T23:59-10:00"]
)
def test_what_no_calendar_has_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"calendar|no moment"):
        moment(text)


@given(st.text(alphabet="0123456789 .:-+TZdhmsaginotrwy,", max_size=25), st.booleans())
def test_whatever_is_written_is_a_moment_or_an_error_that_says_so(text: str, is_earlier: bool) -> None:
    with suppress(ValueError):  # any other error is a bug
        assert parse_moment(text, now=NOW, is_earlier=is_earlier, zone=BERLIN).tzinfo is UTC


@click.command()
@click.option("--at", type=later)
@click.option("--since", type=earlier)
@click.option("--timeout", type=span)
def a_command(at: datetime | None, since: datetime | None, timeout: timedelta | None) -> None:
    click.echo(repr((at, since, timeout)))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--at", "2020-01-01"], "has passed"),
        (["--at", "never"], "tomorrow 08:00"),
        (["--since", "never"], "2 hours"),
        (["--timeout", "5"], "90 min"),
    ],
)
def test_options_that_make_no_sense_are_errors_of_usage(words: list[str], said: str) -> None:
    result = CliRunner().invoke(a_command, words)

    assert result.exit_code == 2
    assert said in result.output


def test_now_has_not_passed() -> None:
    assert CliRunner().invoke(a_command, ["--at", "now"]).exit_code == 0
