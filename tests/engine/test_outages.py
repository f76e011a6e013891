"""A run while the API is away: what happened is not lost, and what must be asked is asked until it is answered."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from orchestra_client.engine import ThreadExecutor
from orchestra_client.errors import TransportError
from orchestra_client.flows import Flow, task

if TYPE_CHECKING:
    from .conftest import Bench

FOR_EVER = 10**9

pytestmark = pytest.mark.slow


@task
def double(x: int) -> int:
    return 2 * x


def test_a_run_rides_out_an_outage(bench: Bench) -> None:
    faults = bench.server.faults

    @task
    def cut() -> int:
        faults.refuse_connections(15, matching="")
        return 1

    with Flow("outage") as flow:
        doubled = double(cut())
    flow_run_id = bench.create(flow)
    state = bench.run(flow, flow_run_id)
    assert state.result[doubled].result == 2
    history = bench.history(flow_run_id)
    assert history["flow"] == ["Scheduled", "Running", "Success"]
    assert history["cut-1"] == history["double-1"] == ["Pending", "Running", "Success"]
    assert sum(bench.clock.pauses) > 30


def test_tasks_that_run_go_on_while_the_api_is_away(bench: Bench) -> None:
    faults = bench.server.faults
    ended: list[int] = []

    @task
    def work(x: int) -> int:
        if x == 0:
            faults.refuse_connections(4, matching="")
        ended.append(x)
        return x

    with Flow("side by side") as flow:
        worked = work.map([0, 1, 2])
    assert bench.run(flow, executor=ThreadExecutor(3)).result[worked].result == [0, 1, 2]
    assert sorted(ended) == [0, 1, 2]


def test_a_run_whose_api_does_not_come_back_is_given_up(bench: Bench) -> None:
    @task
    def cut() -> int:
        bench.server.faults.refuse_connections(FOR_EVER, matching="")
        return 1

    with Flow("gone") as flow:
        double(cut())
    flow_run_id = bench.create(flow)
    prepared = bench.prepare(flow, flow_run_id, patience=10)
    with pytest.raises(TransportError):
        prepared.run()
    assert list(bench.folder.glob("*/*.jsonl")), "that the first task ended waits on disk"
