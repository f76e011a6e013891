"""What notebooks show of states and results."""

from __future__ import annotations

import re
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any

import pytest

from orchestra_client import results, states
from orchestra_client.errors import NotFound
from orchestra_client.html.palette import INK, LEVEL_COLORS, STATE_COLORS, state_color
from orchestra_client.html.tables import MAX_ROWS, columns_of
from orchestra_client.records import Records
from orchestra_client.results import (
    Agent,
    ApiToken,
    FlowRun,
    FlowRunInfo,
    FlowVersion,
    LogRecord,
    Project,
    StateResult,
    TagLimit,
    TagSlot,
    TaskRunInfo,
)
from orchestra_client.states import (
    Cached,
    Failed,
    Mapped,
    Queued,
    Result,
    Retrying,
    Running,
    Scheduled,
    State,
    Success,
)
from orchestra_client.states.hierarchy import ROOT, STATE_TYPES


def now() -> datetime:
    """Now, when it is needed: what is shown tells how long ago it was."""
    return datetime.now(UTC)


RUN = "6f2e8b9c-0d1a-4c55-9d3e-2f1b7a8c9d0e"
SCRIPT = "<script>alert('x')</script>"
TOKEN = "orc_" + "a1B2c3" * 8
VOID = {"br"}


class Page(HTMLParser):
    """What a browser makes of a repr: its elements, attributes and text."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.text = ""
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert not self._open, f"{self._open} are not closed"

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def page(value: Any) -> Page:
    return Page(value._repr_html_())


def flow_run(**parts: Any) -> FlowRun:
    usual: dict[str, Any] = {each.name: None for each in fields(FlowRun)}
    usual |= {
        "id": RUN,
        "name": "brave-otter",
        "state": "Running",
        "labels": (),
        "parameters": {},
        "version": 1,
    }
    return FlowRun(**{**usual, **parts})


def log_record(message: str, level: str = "INFO") -> LogRecord:
    return LogRecord(RUN, now(), level, "orders", message, None, RUN, None)


def test_a_state_is_shown_with_its_message_on_its_colour() -> None:
    shown = page(Failed("some tasks failed"))

    assert shown.text.startswith("Failed some tasks failed")
    [badge] = shown.all("span")
    assert f"background:{state_color('Failed')}" in str(badge["style"])
    assert badge["title"] == "some tasks failed"


def test_a_state_is_shown_with_what_its_type_adds() -> None:
    start = now() + timedelta(hours=2, minutes=5)
    shown = page(Retrying("again", start_time=start, run_count=3))

    assert "run count3" in shown.text
    [time] = shown.all("time")
    assert time["datetime"] == start.isoformat()
    assert str(time["title"]).startswith("in 2 h")


def test_a_state_around_another_shows_that() -> None:
    assert "Scheduled" in page(Queued(state=Scheduled())).text


@pytest.mark.parametrize("type_name", sorted(STATE_TYPES))
def test_every_state_can_be_shown(type_name: str) -> None:
    state = State.deserialize({"type": type_name, "message": "hello"})
    assert page(state).text.startswith(f"{type_name} hello")


def test_results_are_shown_short_and_secret_ones_not_at_all() -> None:
    assert "[0, 1, 2, 3, 4, 5, 6, 7, ...]" in page(Success(result=list(range(10_000)))).text
    assert len(page(Success(result="x" * 10_000)).text) < 500
    assert "/data/x.pkl" in page(Success(result=Result(location="/data/x.pkl"))).text
    assert "hunter2" not in page(Success(result=Result("hunter2", type="SecretResult"))).text


@pytest.mark.parametrize(
    "value",
    [
        Failed(SCRIPT),
        Success(result=SCRIPT, context={SCRIPT: SCRIPT}),
        Cached(result=Result(location=SCRIPT), cached_inputs={SCRIPT: 1}, cached_parameters={SCRIPT: SCRIPT}),
        Mapped(SCRIPT, map_states=[Success(SCRIPT)]),
        State.deserialize({"type": SCRIPT}),
        flow_run(
            name=SCRIPT, state=SCRIPT, state_message=SCRIPT, labels=(SCRIPT,), parameters={SCRIPT: [SCRIPT]}
        ),
        log_record(SCRIPT, level=SCRIPT),
        StateResult(SCRIPT, "ERROR", Failed(SCRIPT), SCRIPT, error=NotFound(SCRIPT)),
        Project(SCRIPT, f'" onmouseover="alert(1)" {SCRIPT}'),
        Records([log_record(SCRIPT, level=SCRIPT), log_record(f"https://x.org/{SCRIPT}")], kind=LogRecord),
    ],
    ids=lambda value: type(value).__name__,
)
def test_nothing_of_what_a_server_says_is_html(value: Any) -> None:
    shown = page(value)

    assert not shown.all("script")
    assert not any(name.startswith("on") for _, attributes in shown.elements for name in attributes)
    assert "script" in shown.text or "script" in str(shown.elements)


@pytest.mark.parametrize(
    "value",
    [
        Failed(TOKEN, context={"token": TOKEN}),
        Success(result=TOKEN),
        ApiToken(RUN, "ci", "TENANT", token=TOKEN),
        flow_run(name=TOKEN, state_message=f"https://x.org/?token={TOKEN}", parameters={"token": TOKEN}),
        log_record(f"using {TOKEN}"),
        Records([log_record(TOKEN)], kind=LogRecord),
        Records([ApiToken(RUN, "ci", "TENANT", token=TOKEN)], kind=ApiToken),
    ],
    ids=lambda value: type(value).__name__,
)
def test_no_token_is_shown(value: Any) -> None:
    assert TOKEN not in value._repr_html_()


def test_a_result_is_shown_field_by_field() -> None:
    shown = page(flow_run(duration=0.25, labels=("etl", "gpu"), start_time=now() - timedelta(minutes=3)))

    assert "brave-otter" in shown.text
    assert "durations" not in shown.text
    assert "250 ms" in shown.text
    assert f"{RUN}" in shown.text
    [time] = shown.all("time")
    assert str(time["title"]).startswith("3 min")
    assert str(time["title"]).endswith("ago")


def test_results_in_a_result_are_tables_in_it() -> None:
    holder = TagSlot("db", RUN, RUN, "load", -1, now(), None)
    shown = page(TagLimit(RUN, "db", 1, holders=(holder,)))
    assert len(shown.all("table")) == 2
    assert "load" in shown.text


def test_a_flow_run_shows_the_states_of_its_task_runs() -> None:
    task_runs = (
        TaskRunInfo("1", "2", "load", 2, Running("loading")),
        TaskRunInfo("3", "4", "sum", 1, Success()),
    )
    info = FlowRunInfo(
        RUN, "brave-otter", RUN, Project("p", "sales"), {"day": 1}, {}, 2, now(), Running(), task_runs
    )

    shown = page(info)

    assert "load" in shown.text
    assert "sales" in shown.text
    assert '{"day": 1}' in shown.text
    titles = [each.get("title") for each in shown.all("span")]
    assert "loading" in titles


def test_a_list_is_a_table_with_a_note_on_what_is_left_out() -> None:
    shown = page(Records([flow_run(name=f"run-{number}") for number in range(MAX_ROWS + 50)], kind=FlowRun))

    assert len(shown.all("tr")) == MAX_ROWS + 1
    assert f"Only the first {MAX_ROWS} of {MAX_ROWS + 50} are shown" in shown.text
    assert f"run-{MAX_ROWS}" not in shown.text


def test_an_empty_list_shows_its_columns() -> None:
    shown = page(Records([], kind=FlowRun))
    assert "no flow runs" in shown.text
    assert len(shown.all("th")) == len(columns_of(FlowRun))


@pytest.mark.parametrize(
    ("number", "kind", "count"),
    [(0, FlowVersion, "no flow versions"), (1, FlowRun, "1 flow run"), (2, FlowRun, "2 flow runs")],
)
def test_a_list_tells_how_many_there_are(number: int, kind: Any, count: str) -> None:
    assert page(Records([flow_run()] * number, kind=kind)).text.endswith(count)


def test_a_list_that_was_cut_says_that_there_are_more() -> None:
    cut = Records([flow_run()] * 100, kind=FlowRun, is_whole=False)
    assert page(cut).text.endswith("100 flow runs; there are more (limit=)")


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.25, "250 ms"), (2.04, "2.0 s"), (125.0, "2 min 5 s"), (7300.0, "2 h 1 min")]
)
def test_durations_are_told_as_people_tell_them(seconds: float, text: str) -> None:
    assert text in page(flow_run(duration=seconds)).text


def test_long_texts_are_cut_and_whole_in_the_title() -> None:
    shown = page(log_record("x" * 1000))
    assert "x" * 1000 not in shown.text
    assert any(each.get("title") == "x" * 1000 for each in shown.all("span"))


def test_many_very_long_texts_make_no_page_that_nobody_can_open() -> None:
    records = Records([log_record("<x> " * 250_000)] * 100, kind=LogRecord)
    assert len(records._repr_html_()) < 3_000_000
    assert len(Failed("<x> " * 250_000)._repr_html_()) < 30_000


def test_a_carriage_return_breaks_the_line() -> None:
    assert "one\ntwo\nthree" in page(log_record("one\r\ntwo\rthree")).text


def test_ids_in_tables_are_cut_to_what_tells_them_apart() -> None:
    shown = page(Records([flow_run()], kind=FlowRun))
    assert RUN not in shown.text
    assert RUN[-8:] in shown.text
    assert any(each.get("title") == RUN for each in shown.all("code"))


def test_urls_in_messages_are_links() -> None:
    shown = page(log_record("see https://example.org/a?b=1&c=2, or (http://x.org/y)."))
    assert [each["href"] for each in shown.all("a")] == ["https://example.org/a?b=1&c=2", "http://x.org/y"]
    assert "see https://example.org/a?b=1&c=2, or (http://x.org/y)." in shown.text


def test_addresses_that_run_code_are_no_links() -> None:
    assert not page(log_record("javascript:alert(1) data:text/html,x file:///etc/passwd")).all("a")


@pytest.mark.parametrize("kind", [kind for kind in vars(results).values() if is_dataclass(kind)])
def test_every_kind_of_result_has_a_table(kind: Any) -> None:
    """The columns that are told apart by name exist."""
    assert set(columns_of(kind)) <= {each.name for each in fields(kind)}
    assert "no " in page(Records([], kind=kind)).text


def test_whether_something_is_so_is_shown_in_words() -> None:
    agent = Agent(RUN, None, "LocalAgent", (), None, now(), True)
    assert "is activeyes" in page(agent).text


def luminance(color: str) -> float:
    """Relative luminance by WCAG 2."""
    channels = [int(color[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    darker, brighter = sorted((luminance(one), luminance(other)))
    return (brighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("color", sorted({*STATE_COLORS.values(), *LEVEL_COLORS.values()}))
def test_colours_can_be_read_on_light_and_dark_pages(color: str) -> None:
    assert re.fullmatch("#[0-9a-f]{6}", color)
    assert contrast(color, INK) >= 4.5
    assert contrast(color, "#111111") >= 2.5


def test_every_state_has_a_colour() -> None:
    assert set(STATE_COLORS) == {ROOT, *STATE_TYPES}
    assert state_color("Aborted") == STATE_COLORS["Cancelled"]
    assert state_color("Unheard") == STATE_COLORS[ROOT]


def test_states_have_a_repr_for_notebooks_in_the_public_package() -> None:
    assert all(hasattr(getattr(states, name), "_repr_html_") for name in ("State", "Success", "Queued"))
