"""Runs as pictures: bars, their colours and where they stand."""

from __future__ import annotations

import builtins
import io
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import pytest
from matplotlib import colors, dates, pyplot

from orchestra_client.errors import BadInput, MissingExtra, NotFound
from orchestra_client.html.palette import STATE_COLORS
from orchestra_client.results import TaskRun
from orchestra_client.states import Failed, Mapped, Retrying, Running, Skipped, State, Success
from orchestra_client.testing import MemoryServer, VirtualClock, memory_client
from orchestra_client.timeline.attempts import Change, attempts_of
from orchestra_client.timeline.drawing import draw
from orchestra_client.timeline.lanes import MAX_HEIGHT, Timeline, bands_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.axes import Axes

    from orchestra_client import Client

START = datetime(2026, 1, 1, tzinfo=UTC)
NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(autouse=True)
def no_window() -> Iterator[None]:
    mpl.use("Agg")
    yield
    pyplot.close("all")


def task_run(
    name: str, index: int = -1, *, start: float | None = 0, end: float | None = 1, **parts: Any
) -> TaskRun:
    usual: dict[str, Any] = {
        "id": f"{name}-{index}",
        "flow_run_id": "run",
        "task_id": name,
        "task_name": name,
        "task_slug": name,
        "map_index": index,
        "name": None,
        "state": "Success" if end is not None else "Running",
        "state_message": None,
        "start_time": None if start is None else START + timedelta(seconds=start),
        "end_time": None if end is None else START + timedelta(seconds=end),
        "duration": None,
        "run_count": 1,
        "tags": (),
        "version": 1,
        "heartbeat": None,
    }
    return TaskRun(**{**usual, **parts})


def drawn(ax: Axes) -> list[tuple[str, float, float]]:
    """The bars: the state that each is coloured by, and its first and last second."""
    by_color = {colors.to_hex(color): name for name, color in reversed(STATE_COLORS.items())}
    bars = []
    for patch in ax.patches:
        begin, width = patch.get_x(), patch.get_width()
        since = (dates.num2date(begin) - START).total_seconds()
        bars.append(
            (by_color[colors.to_hex(patch.get_facecolor())], round(since, 2), round(since + width * 86400, 2))
        )
    return bars


def labels(ax: Axes) -> list[str]:
    return [label.get_text() for label in ax.get_yticklabels()]


def legend(ax: Axes) -> list[str]:
    found = ax.get_legend()
    return [text.get_text() for text in found.get_texts()] if found else []


class World:
    """A flow run of three tasks, driven by hand."""

    def __init__(self, client: Client, clock: VirtualClock) -> None:
        self.client, self.clock = client, clock
        client.create_project("tests")
        tasks = [{"name": name, "slug": name} for name in ("extract", "load", "report")]
        flow_id = client.register({"name": "orders", "tasks": tasks, "edges": []}, "tests", no_url=True)
        self.id = client.create_flow_run(flow_id, run_name="brave-otter")
        client.set_flow_run_state(self.id, None, Running())
        self.tasks = {task.slug: task.id for task in client.graphql("{ task { id slug } }").data.task}

    def enters(self, slug: str, state: State, *, index: int | None = None, after: float = 0) -> None:
        self.clock.advance(after)
        run = self.client.get_task_run_info(self.id, self.tasks[slug], index)
        self.client.set_task_run_state(run.id, None, state)


@pytest.fixture
def world() -> Iterator[World]:
    clock = VirtualClock(START)
    with memory_client(clock=clock) as client:
        yield World(client, clock)


def test_bars_are_where_task_runs_ran_in_the_colours_of_their_states(world: World) -> None:
    world.enters("extract", Running(), after=2)
    world.enters("extract", Success(), after=10)
    world.enters("load", Running(), after=1)
    world.enters("load", Failed(), after=7)

    ax = world.client.plot_timeline(world.id)

    assert drawn(ax) == [("Success", 2, 12), ("Failed", 13, 20)]
    assert labels(ax) == ["extract", "load", "report"]
    assert legend(ax) == ["Success", "Failed"]
    assert ax.get_title(loc="left") == "orders brave-otter"


def test_what_still_runs_reaches_to_the_present_and_is_hatched(world: World) -> None:
    world.enters("extract", Running(), after=2)
    world.clock.advance(40)

    ax = world.client.plot_timeline(world.id)

    assert drawn(ax) == [("Running", 2, 42)]
    assert ax.patches[0].get_hatch()


def test_each_try_is_a_bar(world: World) -> None:
    world.enters("load", Running(), after=1)
    world.enters("load", Retrying(), after=4)
    world.enters("load", Running(), after=10)
    world.enters("load", Success(), after=5)

    assert drawn(world.client.plot_timeline(world.id)) == [("Retrying", 1, 5), ("Success", 15, 20)]


def test_what_waits_for_its_next_try_does_not_run(world: World) -> None:
    world.enters("load", Running(), after=1)
    world.enters("load", Retrying(), after=4)
    world.clock.advance(60)

    assert drawn(world.client.plot_timeline(world.id)) == [("Retrying", 1, 5)]


def test_children_of_a_mapped_task_stand_together(world: World) -> None:
    world.enters("extract", Running(), after=1)
    world.enters("extract", Success(), after=1)
    world.enters("load", Running())
    world.enters("load", Mapped())
    for index in (1, 0):
        world.enters("load", Running(), index=index, after=1)
    for index in (0, 1):
        world.enters("load", Success(), index=index, after=2)
    world.enters("report", Skipped())

    ax = world.client.plot_timeline(world.id)

    assert labels(ax) == ["extract", "load × 2", "report"]
    assert drawn(ax)[1:3] == [("Success", 4, 6), ("Success", 3, 8)]
    tops = [patch.get_y() for patch in ax.patches]
    assert tops == sorted(tops)


def test_a_selection_can_be_drawn_on_axes_of_ones_own(world: World) -> None:
    world.enters("extract", Running())
    world.enters("extract", Success(), after=3)
    world.enters("load", Running())
    _, ax = pyplot.subplots()

    found = world.client.plot_timeline(task_runs=world.client.task_runs(world.id, state="Success"), ax=ax)

    assert found is ax
    assert labels(ax) == ["extract"]
    assert ax.get_title(loc="left") == ""


def test_a_run_that_has_not_begun_has_labels_and_no_bars(world: World) -> None:
    ax = world.client.plot_timeline(world.id)
    assert sorted(labels(ax)) == ["extract", "load", "report"]
    assert (drawn(ax), legend(ax)) == ([], [])
    assert [text.get_text() for text in ax.texts] == ["nothing has run yet"]
    assert not ax.xaxis.get_visible()


def test_a_finished_run_without_task_runs_had_nothing_to_run(world: World) -> None:
    empty = {"name": "empty", "tasks": [], "edges": []}
    run_id = world.client.create_flow_run(world.client.register(empty, "tests", no_url=True))
    assert [text.get_text() for text in world.client.plot_timeline(run_id).texts] == ["nothing has run yet"]
    for state in (Running(), Success()):
        world.client.set_flow_run_state(run_id, None, state)

    assert [text.get_text() for text in world.client.plot_timeline(run_id).texts] == [
        "there was nothing to run"
    ]


def test_of_a_run_that_failed_before_a_task_began_nothing_ran(world: World) -> None:
    world.client.set_flow_run_state(world.id, None, Failed())

    assert [text.get_text() for text in world.client.plot_timeline(world.id).texts] == ["nothing ran"]


def test_the_picture_can_be_saved(world: World, tmp_path: Any) -> None:
    world.enters("extract", Running())
    world.client.plot_timeline(world.id).figure.savefig(tmp_path / "run.png")
    assert (tmp_path / "run.png").stat().st_size > 5000


def test_what_makes_no_sense_is_refused(world: World) -> None:
    with pytest.raises(BadInput, match="say what to draw"):
        world.client.plot_timeline()
    with pytest.raises(NotFound, match=NOBODY):
        world.client.plot_timeline(NOBODY)


@pytest.mark.anyio
async def test_the_asynchronous_client_draws_too() -> None:
    with MemoryServer() as server:
        async with server.async_client() as client:
            await client.create_project("p")
            flow_id = await client.register(
                {"name": "f", "tasks": [{"name": "t", "slug": "t"}], "edges": []}, "p", no_url=True
            )
            ax = await client.plot_timeline(await client.create_flow_run(flow_id))
    assert labels(ax) == ["t"]


def test_without_matplotlib_the_extra_is_named(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without_matplotlib(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "orchestra_client.timeline.drawing":
            raise ModuleNotFoundError("No module named 'matplotlib'", name="matplotlib")
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without_matplotlib)
    with pytest.raises(MissingExtra, match=r"orchestra-client\[notebook\]"):
        world.client.plot_timeline(world.id)


def draw_all(*task_runs: TaskRun, title: str | None = None) -> Axes:
    attempts = {run.id: attempts_of(run) for run in task_runs}
    ax = draw(Timeline(title, task_runs, attempts), START + timedelta(minutes=1))
    ax.figure.savefig(io.BytesIO(), format="png")
    return ax


def test_names_are_no_formulas_and_leave_room_for_the_bars() -> None:
    names = ["from $ to $", r"$\frac{1$", "two\nlines", "long" * 50]
    ax = draw_all(*(task_run(name) for name in names), title=r"$\frac{1$ " + "long" * 50)
    assert labels(ax) == [*names[:2], "two lines", "long" * 9 + "lon…"]
    assert ax.get_title(loc="left").startswith(r"$\frac{1$ long")
    assert len(ax.get_title(loc="left")) <= 60
    assert ax.bbox.width > 400


def test_each_of_many_children_is_seen_and_one_that_failed_above_all() -> None:
    children = [
        task_run("load", index, state="Failed" if index == 700 else "Success") for index in range(3000)
    ]
    ax = draw_all(*children)
    assert all(patch.get_window_extent().height >= 1 for patch in ax.patches)
    [highest] = [patch for patch in ax.patches if patch.get_zorder() > 1]
    assert colors.to_hex(highest.get_facecolor()) == STATE_COLORS["Failed"]


def test_of_very_many_tasks_some_are_labelled() -> None:
    ax = draw_all(*(task_run(f"task {index}") for index in range(600)))
    assert labels(ax)[:2] == ["task 0", "task 3"]
    assert len(ax.patches) == 600


def test_many_children_have_narrow_lanes_in_a_band_of_bounded_height() -> None:
    [band] = bands_of([task_run("load", index) for index in range(500)])
    assert (band.label, band.height) == ("load × 500", MAX_HEIGHT)
    assert band.middle(0) > 0
    assert band.middle(499) < MAX_HEIGHT


def test_a_mapped_task_without_children_stands_for_itself() -> None:
    [band] = bands_of([task_run("load", state="Mapped")])
    assert (band.label, band.height) == ("load", 1)


def test_tasks_of_several_flow_runs_are_kept_apart() -> None:
    one, other = task_run("load"), task_run("load", id="x", flow_run_id="other")
    assert len(bands_of([one, other])) == 2


def test_what_ended_without_running_is_a_moment() -> None:
    [attempt] = attempts_of(task_run("load", start=None, end=5, state="TriggerFailed"))
    assert (attempt.start, attempt.end) == (START + timedelta(seconds=5), START + timedelta(seconds=5))


def test_a_try_lasts_while_it_is_being_cancelled() -> None:
    at = [START + timedelta(seconds=seconds) for seconds in range(4)]
    changes = [
        Change(at[0], "Pending"),
        Change(at[1], "Running"),
        Change(at[2], "Cancelling"),
        Change(at[3], "Cancelled"),
    ]
    [attempt] = attempts_of(task_run("load"), changes)
    assert (attempt.start, attempt.end, attempt.state) == (at[1], at[3], "Cancelled")
