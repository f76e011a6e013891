"""Mapped tasks: one run for each item, over results, over mapped tasks, over lists of lists."""

from __future__ import annotations

from typing import Any

from orchestra_client.flows import Flow, Task, flatten, task, triggers, unmapped
from orchestra_client.states import Mapped, Skipped, State, TriggerFailed


@task
def numbers(count: int) -> list[int]:
    return list(range(count))


@task
def double(x: int) -> int:
    return 2 * x


@task
def add(x: int, y: int) -> int:
    return x + y


@task
def pair(x: int) -> list[int]:
    return [x, x]


@task
def total(xs: list[int]) -> int:
    return sum(xs)


@task
def number_of(xs: list[Any]) -> int:
    return len(xs)


@task
def odd_fails(x: int) -> int:
    if x % 2:
        raise ValueError(x)
    return x


def run(flow: Flow, of: Task) -> Any:
    return flow.run().result[of]


def test_a_task_maps_over_a_result_of_unknown_length() -> None:
    with Flow("dynamic") as flow:
        doubled = double.map(numbers(4))
    state = run(flow, doubled)
    assert isinstance(state, Mapped)
    assert state.n_map_states == 4
    assert state.result == [0, 2, 4, 6]


def test_mapped_tasks_chain_and_reduce() -> None:
    with Flow("map reduce") as flow:
        summed = total(double.map(double.map(numbers(5))))
    assert run(flow, summed).result == 40


def test_an_unmapped_argument_goes_whole_to_each_run() -> None:
    with Flow("unmapped") as flow:
        added = add.map(numbers(3), unmapped(10))
    assert run(flow, added).result == [10, 11, 12]


def test_several_lists_are_walked_together_up_to_the_shortest() -> None:
    with Flow("zip") as flow:
        added = add.map(numbers(3), [10, 20])
    assert run(flow, added).result == [10, 21]


def test_flatten_joins_lists_of_a_result_and_of_mapped_runs() -> None:
    with Flow("flat") as flow:
        pairs = pair.map(numbers(3))
        doubled = double.map(flatten(pairs))
        summed = total(flatten(pairs))
    state = flow.run()
    assert state.result[doubled].result == [0, 0, 2, 2, 4, 4]
    assert state.result[summed].result == 6


def test_mapping_over_nothing_gives_nothing() -> None:
    with Flow("empty") as flow:
        summed = total(double.map(numbers(0)))
    state = flow.run()
    assert state.is_successful()
    assert state.result[summed].result == 0


def test_a_failed_run_stops_its_own_successor_only() -> None:
    with Flow("partly") as flow:
        checked = odd_fails.map(numbers(3))
        doubled = double.map(checked)
        flow.set_reference_tasks([doubled])
    state = flow.run()
    children = state.result[doubled].map_states
    assert [child.type_name for child in children] == ["Success", "TriggerFailed", "Success"]
    assert state.is_failed()


def test_a_reducing_trigger_counts_the_runs() -> None:
    with Flow("some") as flow:
        checked = odd_fails.map(numbers(4))
        count = number_of.copy(trigger=triggers.some_successful(at_least=0.5)).bind(checked)
    assert run(flow, count).result == 4


def test_what_is_no_list_cannot_be_mapped_over() -> None:
    with Flow("no list") as flow:
        summed = total([1, 2])
        doubled = double.map(summed)
    state = run(flow, doubled)
    assert state.is_failed()
    assert "is no list: Success, int" in state.message


def test_mapping_over_a_failed_or_skipped_task_does_as_the_trigger_says() -> None:
    with Flow("upstream") as flow:
        failed = double.map(odd_fails(1))
        skipped = double.map(task(lambda: Skipped("no"), name="skip")())
    state = flow.run()
    assert isinstance(state.result[failed], TriggerFailed)
    assert isinstance(state.result[skipped], Skipped)


def test_runs_wait_for_their_counterparts_without_a_result() -> None:
    order: list[str] = []

    @task
    def note(text: str) -> None:
        order.append(text)

    with Flow("order") as flow:
        first = note.map(["a", "b"])
        note.map(["c", "d"], upstream_tasks=[first])
    flow.run()
    assert order == ["a", "b", "c", "d"]


def test_ten_thousand_runs_take_no_time_to_speak_of() -> None:
    with Flow("many") as flow:
        summed = total(double.map(numbers(10_000)))
    assert run(flow, summed).result == 9_999 * 10_000


def test_handlers_see_each_run_of_a_mapped_task() -> None:
    seen: list[str] = []

    def watch(subject: Task, old: State, new: State) -> None:
        seen.append(new.type_name)

    with Flow("watched") as flow:
        double.copy(state_handlers=[watch]).map([1, 2])
    flow.run()
    assert sorted(seen) == ["Mapped", "Running", "Running", "Success", "Success"]
