"""What the displays show, and which of them is chosen."""

from __future__ import annotations

import contextlib
import io
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from orchestra_client.results import Explanation, LogRecord, Reason
from orchestra_client.states import Failed, Paused, Retrying, Running, Scheduled, State, Success
from orchestra_client.watching import (
    LogsWritten,
    Looked,
    StateChanged,
    TaskRunsProgressed,
    WaitExplained,
    WatchEvent,
    WatchingStopped,
    display_for,
    shown_on,
)
from orchestra_client.watching.notebook import NotebookDisplay
from orchestra_client.watching.plain import PlainDisplay
from orchestra_client.watching.terminal import TerminalDisplay

if TYPE_CHECKING:
    from collections.abc import Callable

RUN = "6f2e8b9c-0d1a-4c55-9d3e-2f1b7a8c9d0e"
NOON = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)
TOKEN = "orc_" + "a1B2c3" * 8


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def entered(state: State) -> StateChanged:
    return StateChanged(RUN, "brave-otter", "orders", state, None, NOON)


def logged(message: str, level: str = "INFO") -> LogsWritten:
    record = LogRecord("1", NOON, level, "orders", message, None, RUN, None)
    return LogsWritten(RUN, (record,))


def progressed(**counts: int) -> TaskRunsProgressed:
    return TaskRunsProgressed(RUN, counts, sum(counts.values()))


STORY: list[WatchEvent] = [
    entered(Running("Running flow.")),
    progressed(Running=1, Pending=2),
    logged("three [bold]loaded[/bold]"),
    progressed(Success=2, Failed=1),
    entered(Failed("no luck")),
]


def on_plain(*events: WatchEvent) -> str:
    stream = io.StringIO()
    with shown_on(PlainDisplay(stream), RUN) as display:
        for event in events:
            display.update(event)
    return stream.getvalue()


def on_terminal(*events: WatchEvent) -> str:
    stream = Terminal()
    with shown_on(TerminalDisplay(stream), RUN) as display:
        for event in events:
            display.update(event)
    return stream.getvalue()


def on_notebook(*events: WatchEvent) -> str:
    stream = io.StringIO()
    with contextlib.redirect_stdout(stream), shown_on(NotebookDisplay(file=stream), RUN) as display:
        for event in events:
            display.update(event)
    return stream.getvalue()


ALL = pytest.mark.parametrize("show", [on_plain, on_terminal, on_notebook])


def test_a_pipe_gets_a_line_for_each_thing() -> None:
    assert on_plain(*STORY).splitlines() == [
        "2026-01-01 12:00:00Z Running: Running flow.",
        "0 of 3 task runs finished (Running 1, Pending 2)",
        "2026-01-01 12:00:00Z INFO     orders: three [bold]loaded[/bold]",
        "3 of 3 task runs finished (Success 2, Failed 1)",
        "2026-01-01 12:00:00Z Failed: no luck",
    ]


def test_a_pipe_is_not_flooded_with_the_progress_of_many_task_runs() -> None:
    events = [progressed(Success=done, Pending=5000 - done) for done in range(5001)]
    assert len(on_plain(*events).splitlines()) == 11


def test_a_task_run_that_fails_is_told_at_once() -> None:
    lines = on_plain(
        progressed(Pending=100), progressed(Pending=99, Failed=1), progressed(Pending=98, Failed=2)
    )
    assert len(lines.splitlines()) == 3


@ALL
def test_states_records_and_progress_are_shown(show: Callable[..., str]) -> None:
    shown = show(*STORY)

    for part in (
        "Failed",
        "no luck",
        "three [bold]loaded[/bold]",
        "3/3" if show is not on_plain else "3 of 3",
    ):
        assert part in shown
    if show is not on_plain:
        assert "orders brave-otter" in shown


@ALL
def test_what_waits_tells_until_when(show: Callable[..., str]) -> None:
    later = NOON + timedelta(hours=20)

    assert "Scheduled: by hand (for 2026-01-02 08:00:00Z)" in show(
        entered(Scheduled("by hand", start_time=later))
    )
    assert "(for 2026-01-02 08:00:00Z)" in show(entered(Retrying(start_time=later)))
    assert "(for" not in show(entered(Scheduled("now", start_time=NOON))) + show(entered(Paused("by hand")))


@ALL
def test_why_a_run_does_not_start_is_shown_with_what_to_do(show: Callable[..., str]) -> None:
    reason = Reason("no_agents", "No agent has ever asked.", "Start one: orchestra agent start")
    explanation = Explanation(RUN, "brave-otter", "Scheduled", "No agent has ever asked.", (reason,))

    shown = show(entered(Scheduled()), WaitExplained(RUN, explanation, NOON))

    assert "Not taken yet: No agent has ever asked." in shown
    assert "orchestra agent start" in shown


def test_the_time_in_a_notebook_goes_on_while_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    with contextlib.redirect_stdout(stream):
        display = NotebookDisplay(file=stream)
        display.update(entered(Scheduled()))
        before = stream.tell()
        display._bar.start_t -= 75

        display.update(Looked(RUN))
        shown = stream.getvalue()[before:]
        display.close()

    assert "[01:15" in shown


def test_a_look_is_no_line_of_its_own() -> None:
    assert on_plain(Looked(RUN)) == ""


@ALL
def test_a_run_without_task_runs_is_not_counted(show: Callable[..., str]) -> None:
    assert "finished (" not in show(progressed())


@ALL
def test_whoever_stops_watching_is_told_how_to_go_on(show: Callable[..., str]) -> None:
    shown = show(entered(Running()), WatchingStopped(RUN))

    assert "the flow run goes on" in shown
    assert f'client.watch_flow_run("{RUN}")' in shown
    assert f'client.cancel_flow_run("{RUN}")' in shown


@ALL
def test_a_message_moves_no_cursor_and_shows_no_token(show: Callable[..., str]) -> None:
    shown = show(entered(Failed("\x1b]0;gotcha\x07")), logged(f"\x1b[2Jtoken {TOKEN}\r\x08"))

    assert "gotcha" in shown
    assert "\x1b]0;" not in shown
    assert "\x1b[2J" not in shown
    assert "\x08" not in shown
    assert TOKEN not in shown


@ALL
def test_a_carriage_return_breaks_the_line(show: Callable[..., str]) -> None:
    shown = show(logged("from Windows\r\nhalf\rwhole\r\n"))

    assert "\N{REPLACEMENT CHARACTER}" not in shown
    lines = [line.strip() for line in shown.splitlines()]
    assert "half" in lines
    assert "whole" in lines


@ALL
def test_a_run_without_task_runs_can_be_shown(show: Callable[..., str]) -> None:
    assert "Success" in show(progressed(), entered(Success()))


def test_a_hint_can_be_anothers() -> None:
    stream = io.StringIO()
    display = PlainDisplay(stream, hint=lambda flow_run_id: f"Say: orchestra watch {flow_run_id}")
    display.update(WatchingStopped(RUN))
    assert stream.getvalue().endswith(f"Say: orchestra watch {RUN}\n")


def test_no_color_is_obeyed(monkeypatch: pytest.MonkeyPatch) -> None:
    red = "\x1b[31m"
    assert red in on_terminal(*STORY)
    monkeypatch.setenv("NO_COLOR", "1")
    assert red not in on_terminal(*STORY)


def test_a_pipe_has_plain_lines() -> None:
    assert isinstance(display_for(io.StringIO()), PlainDisplay)


def test_a_terminal_has_rich(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    display = display_for(Terminal())
    display.close()
    assert isinstance(display, TerminalDisplay)


def test_a_terminal_that_can_do_nothing_has_plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    assert isinstance(display_for(Terminal()), PlainDisplay)


@pytest.mark.slow
def test_a_pipe_needs_neither_rich_nor_tqdm() -> None:
    script = """
import sys
sys.modules["rich"] = sys.modules["tqdm"] = None
from orchestra_client.watching import display_for
print(type(display_for()).__name__)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "PlainDisplay", done.stderr
