"""What follows from tasks and edges, and changing them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestra_client.errors import FlowError
from orchestra_client.flows import Flow, Parameter, Task, task


@task
def step(x: Any = None, y: Any = None) -> Any:
    return x, y


@pytest.fixture
def diamond() -> Flow:
    with Flow("diamond") as flow:
        top = step(task_args={"name": "top", "tags": ["a", "b"]})
        left, right = (step(top, task_args={"name": name, "tags": ["b"]}) for name in ("left", "right"))
        step(left, right, task_args={"name": "bottom"})
    return flow


def names(tasks: Any) -> list[str]:
    return [each.name for each in tasks]


def test_neighbours_roots_and_ends(diamond: Flow) -> None:
    top, left, right, bottom = diamond.tasks
    assert names(diamond.root_tasks()) == ["top"]
    assert names(diamond.terminal_tasks()) == names(diamond.reference_tasks()) == ["bottom"]
    assert diamond.upstream_tasks(bottom) == diamond.downstream_tasks(top) == {left, right}
    assert {edge.key for edge in diamond.edges_to(bottom)} == {"x", "y"}
    assert {edge.downstream_task for edge in diamond.edges_from(left)} == {bottom}
    with pytest.raises(FlowError, match="not in the flow"):
        diamond.edges_to(Task("elsewhere"))


def test_order(diamond: Flow) -> None:
    assert names(diamond.sorted_tasks()) == ["top", "left", "right", "bottom"]
    assert names(diamond.sorted_tasks([diamond.task_of("left-b-1")])) == ["left", "bottom"]


def test_finding_tasks(diamond: Flow) -> None:
    assert names(diamond.get_tasks()) == ["top", "left", "right", "bottom"]
    assert names(diamond.get_tasks(tags=["b"])) == ["top", "left", "right"]
    assert names(diamond.get_tasks(name="left", tags=["a"])) == []
    assert names(diamond.get_tasks(slug="bottom-1")) == ["bottom"]
    assert diamond.get_tasks(task_type=Parameter) == []


def test_reference_tasks_are_the_terminal_ones_unless_set(diamond: Flow) -> None:
    diamond.set_reference_tasks([diamond.task_of("top-a-b-1")])
    assert names(diamond.reference_tasks()) == ["top"]
    diamond.set_reference_tasks([])
    assert names(diamond.reference_tasks()) == ["bottom"]


def test_sets_of_the_flow_are_read_only(diamond: Flow) -> None:
    with pytest.raises(AttributeError):
        diamond.tasks.add(Task())  # type: ignore[attr-defined]
    with pytest.raises(TypeError):
        diamond.slugs[Task()] = "x"  # type: ignore[index]


def test_a_copy_goes_its_own_way(diamond: Flow) -> None:
    copied = diamond.copy()
    with copied:
        step(diamond.task_of("bottom-1"), 5)
    assert (len(diamond.tasks), len(copied.tasks)) == (4, 5)
    assert (len(diamond.edges), len(copied.edges)) == (4, 5)
    assert (len(diamond.constants), len(copied.constants)) == (0, 1)
    assert names(diamond.terminal_tasks()) == ["bottom"]


def test_replacing_keeps_edges_constants_and_references(diamond: Flow) -> None:
    left = diamond.task_of("left-b-1")
    diamond.constants[left] = {"y": 5}
    diamond.set_reference_tasks([left])
    new = step.copy(name="new")
    diamond.replace(left, new)
    assert left not in diamond.tasks
    assert names(diamond.upstream_tasks(new)) == ["top"]
    assert names(diamond.downstream_tasks(new)) == ["bottom"]
    assert diamond.constants[new] == {"y": 5}
    assert list(diamond.reference_tasks()) == [new]
    with pytest.raises(FlowError, match="not in the flow"):
        diamond.replace(left, new)


def test_update_merges_flows() -> None:
    flows = []
    for name in ("one", "two"):
        with Flow(name) as flow:
            step(Parameter("x", default=name), 5)
        flows.append(flow)
    one, two = flows
    with pytest.raises(FlowError, match="parameter or slug 'x'"):
        one.copy().update(two)
    one.update(two, merge_parameters=True)
    assert list(one.slugs.values()) == ["x", "step-1", "step-2"] or sorted(one.slugs.values()) == [
        "step-1",
        "step-2",
        "x",
    ]
    [x] = one.parameters()
    assert x.default == "one"
    assert names(one.downstream_tasks(x)) == ["step", "step"]
    assert list(one.constants.values()) == [{"y": 5}, {"y": 5}]


@given(st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8)), max_size=30))
def test_edges_either_keep_the_order_or_are_refused(pairs: list[tuple[int, int]]) -> None:
    tasks = [Task(str(number)) for number in range(9)]
    flow = Flow("f", tasks=tasks)
    for upstream, downstream in pairs:
        try:
            flow.add_edge(tasks[upstream], tasks[downstream])
        except FlowError:
            assert upstream == downstream or _reaches(flow, tasks[downstream], tasks[upstream])
    place = {each: number for number, each in enumerate(flow.sorted_tasks())}
    assert len(place) == 9
    assert all(place[edge.upstream_task] < place[edge.downstream_task] for edge in flow.edges)


def _reaches(flow: Flow, start: Task, end: Task) -> bool:
    return start is end or any(_reaches(flow, each, end) for each in flow.downstream_tasks(start))
