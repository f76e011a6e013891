"""A server that speaks the API of 1.4 and nothing of ours: what the client does without."""

from __future__ import annotations

import re
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from orchestra_client.errors import TransportProtocolError, TransportTimeout, Unsuccessful, VersionConflict
from orchestra_client.graphql.documents import document
from orchestra_client.states import Queued, Running, Submitted, Success
from orchestra_client.testing import AsyncFaultyTransport, FaultyTransport, MemoryServer
from orchestra_client.transport import Request, Response
from orchestra_client.transport.embedded import AsyncEmbeddedTransport, EmbeddedTransport

if TYPE_CHECKING:
    from orchestra_client.testing import Faults, VirtualClock

OURS = ["capabilities", "code version }", "update_heartbeats(", "task_tag_slots(", "late_flow_runs("]
NOBODY = "00000000-0000-4000-8000-000000000000"
TOKEN = "orc_" + "t" * 43
UNKNOWN = {"message": "Cannot query field", "extensions": {"code": "GRAPHQL_VALIDATION_FAILED"}}


def refused(request: Request, unknown: list[str]) -> Response | None:
    states = request.variables.get("input", {}).get("states", ())
    if any(part in request.text for part in unknown) or any("transition_id" in state for state in states):
        return Response(400, {}, {"errors": [UNKNOWN]})
    return None


def as_it_reads(request: Request) -> Request:
    """Without the header that it ignores."""
    headers = {name: value for name, value in request.headers.items() if name != "idempotency-key"}
    return replace(request, headers=headers)


class Older(EmbeddedTransport):
    unknown = OURS

    def send(self, request: Request) -> Response:
        return refused(request, self.unknown) or super().send(as_it_reads(request))


class AsyncOlder(AsyncEmbeddedTransport):
    unknown = OURS

    async def send(self, request: Request) -> Response:
        return refused(request, self.unknown) or await super().send(as_it_reads(request))


@pytest.fixture
def client(open_client: Any, server: MemoryServer, colour: str) -> Any:
    return open_older(open_client, server, colour, OURS)


def open_older(open_client: Any, server: MemoryServer, colour: str, unknown: list[str]) -> Any:
    older: Any = (Older if colour == "sync" else AsyncOlder)(server._service)
    older.unknown = unknown
    faulty: Any = FaultyTransport if colour == "sync" else AsyncFaultyTransport
    return open_client(server, transport=faulty(older, server.faults, server.clock))


def test_states_are_set(client: Any, flow_run_id: str) -> None:
    assert client.set_flow_run_state(flow_run_id, 1, Submitted()).is_submitted()
    assert client.set_flow_run_state(flow_run_id, None, Running()).is_running()
    with pytest.raises(VersionConflict):
        client.set_flow_run_state(flow_run_id, 1, Running())


def test_registering_prints_the_url_of_the_flows_page(
    open_client: Any, server: MemoryServer, colour: str, serialized_flow: Any, capsys: Any
) -> None:
    older: Any = (Older if colour == "sync" else AsyncOlder)(server._service)
    client = open_client(server, transport=older, api_server="https://api.example.com", api_token=TOKEN)
    client.create_project("sales")
    client.register(serialized_flow, "sales")

    group = client.graphql("{ flow { flow_group_id } }").data.flow[0].flow_group_id
    assert capsys.readouterr().out == f"Flow URL: https://cloud.example.com/default/flow/{group}\n"


def test_registering_at_an_embedded_server_prints_the_id(
    client: Any, serialized_flow: Any, capsys: Any
) -> None:
    client.create_project("sales")
    flow_id = client.register(serialized_flow, "sales")

    assert capsys.readouterr().out == f"Flow ID: {flow_id}\n"


def large_flow() -> dict[str, Any]:
    tasks = [{"name": f"t{number}", "slug": f"t{number}"} for number in range(1200)]
    edges = [
        {"upstream_task": {"slug": "t0"}, "downstream_task": {"slug": task["slug"]}} for task in tasks[1:]
    ]
    schedule = {"type": "Schedule", "clocks": [{"type": "IntervalClock", "interval": 3_600_000_000}]}
    return {"name": "large", "tasks": tasks, "edges": edges, "schedule": schedule}


@pytest.mark.slow
def test_a_large_flow_is_registered_in_pieces_and_its_schedule_last(client: Any, faults: Faults) -> None:
    client.create_project("sales")

    client.register(large_flow(), "sales", no_url=True)

    creation, *pieces, last = faults.sent("mutation")[1:]
    assert creation.variables["input"]["set_schedule_active"] is False
    sent = [
        len(
            piece.variables["input"].get("serialized_tasks", piece.variables["input"].get("serialized_edges"))
        )
        for piece in pieces
    ]
    assert sent == [500, 500, 200, 500, 500, 199]
    assert "SetScheduleActive" in last.text
    assert (count(client, "task"), count(client, "edge")) == (1200, 1199)


@pytest.mark.slow
def test_a_registration_that_ended_in_the_middle_is_completed_by_the_next(
    client: Any, faults: Faults
) -> None:
    """Given a version that lacks edges, when the flow is registered again, then that version is completed."""
    client.create_project("sales")
    faults.answer(418, 1, matching="RegisterEdges")
    with pytest.raises(TransportProtocolError):
        client.register(large_flow(), "sales", no_url=True)
    assert client.graphql("{ flow { is_schedule_active } }").data.flow[0].is_schedule_active is False

    client.register(large_flow(), "sales", no_url=True)

    [flow] = client.graphql("{ flow { version is_schedule_active } }").data.flow
    assert (flow.version, flow.is_schedule_active) == (1, True)
    assert (count(client, "task"), count(client, "edge")) == (1200, 1199)


def test_states_of_a_batch_are_set(client: Any, flow_run_id: str) -> None:
    results = client.set_flow_run_states([(flow_run_id, 1, Submitted()), (flow_run_id, 1, Running())])

    assert [result.status for result in results] == ["SUCCESS", "ERROR"]
    assert "State update failed" in str(results[1].error)


def test_a_state_whose_answer_was_lost_is_read_back(client: Any, flow_run_id: str, faults: Faults) -> None:
    """Given no transition ids, when a repeat conflicts with its own first attempt, then the state counts as set."""
    faults.lose_answers(1, matching="mutation SetFlowRunStates")

    state = client.set_flow_run_state(flow_run_id, 1, Submitted("mine"))

    assert state.message == "mine"
    assert client.get_flow_run_info(flow_run_id).version == 2


def test_a_task_runs_state_whose_answer_was_lost_is_read_back(
    client: Any, flow_run_id: str, faults: Faults
) -> None:
    client.set_flow_run_state(flow_run_id, 1, Running())
    task_run = client.get_flow_run_info(flow_run_id).task_runs[0]
    faults.lose_answers(1, matching="mutation SetTaskRunStates")

    assert client.set_task_run_state(task_run.id, 0, Running("mine")).message == "mine"
    assert client.get_task_run_info(flow_run_id, task_run.task_id).version == 1


def test_somebody_elses_state_is_not_taken_for_ours(
    client: Any, flow_run_id: str, server: MemoryServer, faults: Faults
) -> None:
    """Given a run that another agent claimed in equal words, when our repeated claim conflicts, then ours has lost."""
    with server.client() as other:
        other.set_flow_run_state(flow_run_id, 1, Submitted("claimed"))
    faults.answer(504, 1, matching="mutation SetFlowRunStates")

    with pytest.raises(VersionConflict):
        client.set_flow_run_state(flow_run_id, 1, Submitted("claimed"))

    assert len(faults.sent("query GetFlowRunState")) == 1


def test_a_state_without_a_version_is_not_sent_twice(client: Any, flow_run_id: str, faults: Faults) -> None:
    faults.lose_answers(1, matching="mutation SetFlowRunStates")

    with pytest.raises(TransportTimeout):
        client.set_flow_run_state(flow_run_id, None, Running())

    assert client.get_flow_run_info(flow_run_id).version == 2


@pytest.mark.parametrize(
    ("document", "call", "table"),
    [
        ("RegisterAgent", lambda c, _: c.register_agent("LocalAgent"), "agent"),
        ("CreateTenant", lambda c, _: c.create_tenant("x"), "tenant"),
        ("WriteRunLogs", lambda c, run: c.write_run_logs([{"flow_run_id": run, "message": "x"}]), "log"),
    ],
)
def test_what_only_the_header_would_protect_is_not_sent_twice(
    document: str, call: Any, table: str, client: Any, flow_run_id: str, faults: Faults
) -> None:
    before = count(client, table)
    faults.lose_answers(1, matching=f"mutation {document}")

    with pytest.raises(TransportTimeout):
        call(client, flow_run_id)

    assert count(client, table) == before + 1
    assert len(faults.sent(f"mutation {document}")) == 1


@pytest.mark.parametrize(
    "fault", [lambda f: f.refuse_connections(2, matching="Register"), lambda f: f.answer(429, 2)]
)
def test_what_surely_was_not_applied_is_sent_again(fault: Any, client: Any, faults: Faults) -> None:
    fault(faults)

    assert client.register_agent("LocalAgent")
    assert count(client, "agent") == 1


def count(client: Any, table: str) -> int:
    data = client.graphql(f"{{ {table}_aggregate {{ aggregate {{ count }} }} }}").data
    found: int = data[f"{table}_aggregate"].aggregate["count"]
    return found


def test_flow_runs_and_registrations_have_keys_of_their_own(
    client: Any, flow_id: str, serialized_flow: Any, faults: Faults
) -> None:
    faults.lose_answers(1, matching="mutation CreateFlowRun(")
    faults.lose_answers(1, matching="mutation CreateFlowFrom")

    client.create_flow_run(flow_id, parameters={"day": "1"})
    client.register(serialized_flow, "sales", no_url=True, force=True)

    assert (count(client, "flow_run"), count(client, "flow")) == (1, 2)


def test_heartbeats_are_sent_by_aliases(client: Any, flow_run_id: str, faults: Faults) -> None:
    client.set_flow_run_state(flow_run_id, 1, Running())
    task_runs = [each.id for each in client.get_flow_run_info(flow_run_id).task_runs]
    nobody = "00000000-0000-4000-8000-000000000000"

    beats = client.update_heartbeats([flow_run_id], [*task_runs, nobody])

    assert [bool(beat) for beat in beats] == [True, *(True for _ in task_runs), False]
    assert [beat.id for beat in beats] == [flow_run_id, *task_runs, nobody]
    assert len(faults.sent("heartbeat(")) == 2
    assert client.update_flow_run_heartbeat(flow_run_id)


def test_holders_of_slots_are_not_known(client: Any) -> None:
    client.update_task_tag_limit("db", 1)

    assert [limit.holders for limit in client.task_tag_limits()] == [None]


def test_a_run_that_waits_for_a_slot_is_queued_all_the_same(client: Any, flow_run_id: str) -> None:
    client.update_task_tag_limit("warehouse", 0)
    client.set_flow_run_state(flow_run_id, 1, Running())
    info = client.get_flow_run_info(flow_run_id)
    tagged = next(each for each in info.task_runs if "warehouse" in (each.task_slug or ""))

    assert isinstance(client.set_task_run_state(tagged.id, 0, Running()), Queued)


def test_task_runs_are_found_in_two_steps_where_one_does_not_exist(
    open_client: Any, server: MemoryServer, colour: str, client: Any, flow_run_id: str
) -> None:
    oldest = open_older(open_client, server, colour, [*OURS, "get_or_create_task_run_info"])
    known = client.get_flow_run_info(flow_run_id).task_runs[0]

    assert oldest.get_task_run_info(flow_run_id, known.task_id) == known
    assert oldest.get_task_run_info(flow_run_id, known.task_id, map_index=3).version == 0


HASURA = {
    "flow": "id name version version_group_id flow_group_id archived is_schedule_active schedule run_config environment "
    "created project flow_group labels",
    "project": "id name description flows_aggregate aggregate count",
    "agent": "id name type labels core_version last_queried",
    "flow_run": "id name flow_id state state_message state_start_time scheduled_start_time start_time end_time labels "
    "parameters agent_id version heartbeat flow project",
    "task_run": "id flow_run_id task_id map_index name state state_message start_time end_time run_count version "
    "heartbeat task slug tags",
}
"""What the lists may select: columns and relationships of the last open server of that API."""


@pytest.mark.parametrize(
    ("call", "table"),
    [
        (lambda client: client.flows(name="f", project="p", is_archived=None), "flow"),
        (lambda client: client.projects(), "project"),
        (lambda client: client.agents(is_active=True, labels=["a"]), "agent"),
        (lambda client: client.flow_runs(state="Failed", labels=["a"], project="p"), "flow_run"),
        (lambda client: client.task_runs(NOBODY, state="Failed", name="n"), "task_run"),
        (lambda client: client.late_flow_runs(), "flow_run"),
    ],
)
def test_lists_select_what_is_there(client: Any, faults: Faults, call: Any, table: str) -> None:
    assert call(client) == []

    text = faults.requests[-1].text
    selection = text[text.index(") {", text.index(f": {table}(")) :]
    selected = set(re.findall(r"\b(?:[a-z]\w+|id)\b(?!:)", selection))
    assert selected - set(HASURA[table].split()) <= {"where", "archived", "false"}


def test_late_runs_are_found_without_the_reason(client: Any, flow_run_id: str, clock: VirtualClock) -> None:
    due = clock.now()
    clock.advance(400)

    [late] = client.late_flow_runs()

    assert (late.flow_run_id, late.due, late.reason) == (flow_run_id, due, None)
    assert client.late_flow_runs(overdue=500) == []


STANDING = """
    id name version state state_message state_timestamp state_start_time heartbeat labels times_resurrected agent_id
    agent type last_queried flow flow_run archived version_group_id flow_group flows settings task_runs map_index task
    tags upstream_task_id downstream_task_id
"""
"""What explaining a run may select of that server, beside arguments."""


@pytest.mark.parametrize("name", ["GetStanding", "FindTagHolders", "FindUpstream", "FindRunsInHand"])
def test_explaining_selects_what_is_there(name: str) -> None:
    without_arguments = re.sub(r"\([^()]*\)", "", document(name))
    selected = set(re.findall(r"\w+", without_arguments.split("{", 2)[2]))
    assert selected <= set(STANDING.split())


@pytest.mark.parametrize(("limits", "code"), [([], "queued_by_tag_limit"), (["task_tag_limit("], "running")])
def test_runs_are_explained(
    open_client: Any,
    server: MemoryServer,
    colour: str,
    client: Any,
    flow_run_id: str,
    limits: list[str],
    code: str,
) -> None:
    """Given a server with tag limits, as the cloud had, or without, as the last open one."""
    assert [reason.code for reason in client.explain_flow_run(flow_run_id).reasons] == ["no_agents"]
    client.set_flow_run_state(flow_run_id, 1, Running())
    [tag] = {tag for each in client.task_runs(flow_run_id) for tag in each.tags}
    client.update_task_tag_limit(tag, 0)
    for each in client.task_runs(flow_run_id):
        if tag not in each.tags:
            client.set_task_run_state(each.id, None, Success())

    older = open_older(open_client, server, colour, [*OURS, *limits])

    assert [reason.code for reason in older.explain_flow_run(flow_run_id).reasons] == [code]


class Unwilling:
    """Answers every mutation that it was not done, and does not say why."""

    def __init__(self, field: str) -> None:
        self._answer = Response(200, {}, {"data": {field: {"success": False}}})

    def send(self, request: Request) -> Response:
        return self._answer

    def close(self) -> None: ...


class AsyncUnwilling(Unwilling):
    async def send(self, request: Request) -> Response:
        return self._answer

    async def close(self) -> None: ...


@pytest.mark.parametrize(
    ("field", "call"),
    [
        ("set_secret", lambda client: client.set_secret("KEY", "v")),
        ("delete_task_tag_limit", lambda client: client.delete_task_tag_limit(NOBODY)),
        ("write_run_logs", lambda client: client.write_run_logs([{"flow_run_id": NOBODY, "message": "m"}])),
        ("update_task_run_artifact", lambda client: client.update_task_run_artifact(NOBODY, {"a": 1})),
        ("delete_task_run_artifact", lambda client: client.delete_task_run_artifact(NOBODY)),
    ],
)
def test_what_was_not_done_without_an_error_is_a_value_error(
    open_client: Any, server: MemoryServer, colour: str, field: str, call: Any
) -> None:
    transport = (Unwilling if colour == "sync" else AsyncUnwilling)(field)
    client = open_client(server, transport=transport)

    with pytest.raises(Unsuccessful) as caught:
        call(client)
    assert isinstance(caught.value, ValueError)


def test_a_run_is_watched(client: Any, flow_run_id: str) -> None:
    told = []
    display = SimpleNamespace(update=told.append, close=lambda: None)
    client.write_run_logs([{"flow_run_id": flow_run_id, "message": "hello"}])
    client.cancel_flow_run(flow_run_id)

    assert client.watch_flow_run(flow_run_id, display=display).is_cancelled()

    names = [type(event).__name__ for event in told]
    assert names == ["StateChanged", "LogsWritten", "TaskRunsProgressed", "StateChanged"]
