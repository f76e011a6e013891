"""Late runs: they say so in their own log, and the API tells which they are and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from orchestra_client.server.services.late_runs import LateRuns
from tests.server.runs.conftest import Refused

if TYPE_CHECKING:
    from tests.server.runs.conftest import Clock, Server

    from .conftest import Process

LATE = LateRuns(300)


def agent(server: Server, name: str, *labels: str) -> Server:
    """An agent that asks for runs now."""
    agent_id = server.do("register_agent", "id", type="LocalAgent", name=name, labels=list(labels))["id"]
    asking = server.as_agent(agent_id)
    asking.do("get_runs_in_queue", "flow_run_ids", labels=list(labels))
    return asking


def logs(server: Server, run_id: str) -> list[dict[str, Any]]:
    return server.flow_run(run_id, "logs { name level message timestamp }")["logs"]


def late(server: Server, **arguments: Any) -> list[dict[str, Any]]:
    query = """query($by: Int! = 300, $limit: Int! = 100) {
        late_flow_runs(overdue_seconds: $by, limit: $limit) { flow_run_id name labels due reason } }"""
    return server(query, **arguments)["late_flow_runs"]


def test_a_late_run_says_so_once_in_its_log(server: Server, process: Process, clock: Clock) -> None:
    run_id = server.run()
    clock.advance(seconds=299)
    assert process.run(LATE) == {}
    clock.advance(seconds=1)

    assert process.run(LATE) == {"late": 1}
    assert process.run(LATE) == {}

    name = server.flow_run(run_id, "name")["name"]
    assert logs(server, run_id) == [
        {
            "name": "orchestra.late-runs",
            "level": "WARNING",
            "message": f"Flow run '{name}' ({run_id}) is 5 min 0 s late. No registered agent has asked for runs lately; "
            "start one with `orchestra agent start`.",
            "timestamp": clock.at(),
        }
    ]


def test_neither_state_nor_version_changes(server: Server, process: Process, clock: Clock) -> None:
    run_id = server.run()
    fields = "state version state_message updated states { version }"
    before = server.flow_run(run_id, fields)
    clock.advance(hours=1)

    process.run(LATE)

    assert server.flow_run(run_id, fields) == before
    assert server.set_flow_run(run_id, "Submitted", version=1)["status"] == "SUCCESS"


def test_each_time_a_run_waits_counts(server: Server, process: Process, clock: Clock) -> None:
    run_id = server.run()
    clock.advance(hours=1)
    process.run(LATE)
    server.set_flow_run(run_id, "Running")
    server.set_flow_run(run_id, "Scheduled", start_time=clock.at(hours=1))
    clock.advance(hours=1, seconds=299)
    assert process.run(LATE) == {}
    clock.advance(seconds=1)
    assert process.run(LATE) == {"late": 1}
    assert len(logs(server, run_id)) == 2


def test_a_run_whose_time_has_not_come_is_not_late(server: Server, process: Process, clock: Clock) -> None:
    flow_id = server.flow()
    run_id = server.run(flow_id, scheduled_start_time=clock.at(hours=2))
    server.set_flow_run(server.run(flow_id), "Paused")
    server.set_flow_run(server.run(flow_id), "Running")
    clock.advance(hours=2, seconds=299)
    assert process.run(LATE) == {}
    assert late(server) == []
    clock.advance(seconds=1)
    assert process.run(LATE) == {"late": 1}
    assert [run["flow_run_id"] for run in late(server)] == [run_id]


def test_the_api_tells_which_are_late_now(server: Server, clock: Clock) -> None:
    flow_id = server.flow()
    first = server.run(flow_id, labels=["gpu"])
    due = clock.at()
    clock.advance(minutes=10)
    second = server.run(flow_id)
    clock.advance(minutes=10)
    agent(server, "ant")

    found = late(server)

    assert [run["flow_run_id"] for run in found] == [first, second]
    assert found[0]["labels"] == ["gpu"]
    assert found[0]["due"] == due
    assert [run["flow_run_id"] for run in late(server, limit=1)] == [first]
    assert [run["flow_run_id"] for run in late(server, by=601)] == [first]
    server.set_flow_run(first, "Submitted")
    assert [run["flow_run_id"] for run in late(server)] == [second]


@pytest.mark.parametrize("arguments", [{"by": -1}, {"by": 10**9}, {"limit": 0}, {"limit": 1001}])
def test_what_cannot_be_asked_is_refused(server: Server, arguments: dict[str, int]) -> None:
    with pytest.raises(Refused, match="must be from") as caught:
        late(server, **arguments)
    assert caught.value.code == "BAD_USER_INPUT"


class TestReasons:
    """Why nobody takes a run."""

    @staticmethod
    def reason(server: Server, clock: Clock, *labels: str, **agents: tuple[str, ...]) -> str:
        server.run(labels=list(labels))
        clock.advance(hours=1)
        for name, own in agents.items():
            agent(server, name, *own)
        [run] = late(server)
        reason: str = run["reason"]
        return reason

    def test_no_agent_at_all(self, server: Server, clock: Clock) -> None:
        assert self.reason(server, clock, "gpu", "big") == (
            "No registered agent has asked for runs lately; "
            "start one with `orchestra agent start --label big --label gpu`."
        )

    def test_no_agent_with_the_labels(self, server: Server, clock: Clock) -> None:
        reason = self.reason(server, clock, "gpu", ant=("cpu",), bee=())
        assert reason.startswith("No agent that asks for runs has the labels 'gpu': ")
        assert "agent 'ant' has 'cpu'" in reason
        assert "agent 'bee' has none" in reason

    def test_no_agent_without_labels(self, server: Server, clock: Clock) -> None:
        assert self.reason(server, clock, ant=("cpu",)) == (
            "No agent that asks for runs has no labels, as this run: agent 'ant' has 'cpu'; "
            "start one with `orchestra agent start`."
        )

    def test_an_agent_that_could_take_it(self, server: Server, clock: Clock) -> None:
        assert self.reason(server, clock, "gpu", ant=("gpu", "big")) == (
            "agent 'ant' asks for runs and may take it, so it may be at the limit of what it runs."
        )

    def test_an_agent_that_stopped_asking_does_not_count(self, server: Server, clock: Clock) -> None:
        agent(server, "ant")
        assert self.reason(server, clock).startswith("No registered agent has asked for runs lately")

    def test_many_agents_are_counted(self, server: Server, clock: Clock) -> None:
        reason = self.reason(server, clock, "gpu", **{f"a{n}": ("cpu",) for n in range(8)})
        assert "3 more" in reason


def test_every_tenant_sees_its_own(server: Server, process: Process, clock: Clock) -> None:
    other = server.in_tenant(server.do("create_tenant", "id", name="Other", slug="other")["id"])
    agent(server, "ant", "gpu")
    mine, theirs = server.run(labels=["gpu"]), other.run(labels=["gpu"])
    clock.advance(minutes=5)
    agent(server, "bee", "gpu")

    assert process.run(LATE) == {"late": 2}

    assert [run["flow_run_id"] for run in late(server)] == [mine]
    assert [run["flow_run_id"] for run in late(other)] == [theirs]
    assert "'bee'" in logs(server, mine)[0]["message"]
    assert "No registered agent" in logs(other, theirs)[0]["message"]
