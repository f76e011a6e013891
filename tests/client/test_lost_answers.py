"""A server that did what was asked, and an answer that never came back: nothing may happen twice.

Each call is made once undisturbed and once with its answers lost; both must change every table by the same.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from orchestra_client.contract import schema_text
from orchestra_client.errors import RateLimited, ServerError, TransportTimeout
from orchestra_client.states import Running, Submitted, Success

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestra_client.testing import Faults

TABLES = re.findall(r"^  (\w+)_aggregate\(", schema_text().split("extend type Query")[1], re.MULTILINE)


class World(NamedTuple):
    """What a call may refer to; new for each call.

    Attributes:
        name: of whatever the call makes.
        flow_run_id: a Running flow run at version 2.
        task_run_id: a Pending one of its task runs, at version 0.
    """

    name: str
    flow: dict[str, Any]
    flow_id: str
    flow_run_id: str
    task_run_id: str
    task_id: str


CREATIONS: dict[str, tuple[str, Callable[[Any, World], Any]]] = {
    "create_project": ("CreateProject", lambda c, w: c.create_project(w.name)),
    "create_tenant": ("CreateTenant", lambda c, w: c.create_tenant(w.name)),
    "register": ("CreateFlow", lambda c, w: c.register({**w.flow, "name": w.name}, "sales", no_url=True)),
    "register again": ("CreateFlow", lambda c, w: c.register(w.flow, "sales", no_url=True, force=True)),
    "register plainly": (
        "CreateFlow",
        lambda c, w: c.register({**w.flow, "name": w.name}, "sales", no_url=True, compressed=False),
    ),
    "create_flow_run": ("CreateFlowRun", lambda c, w: c.create_flow_run(w.flow_id, parameters={"day": "1"})),
    "create_flow_runs": (
        "CreateFlowRuns",
        lambda c, w: c.create_flow_runs([{"flow_id": w.flow_id, "parameters": {"day": "1"}}] * 3),
    ),
    "get_task_run_info": (
        "GetOrCreateTaskRunInfo",
        lambda c, w: c.get_task_run_info(w.flow_run_id, w.task_id, map_index=7),
    ),
    "register_agent": ("RegisterAgent", lambda c, w: c.register_agent("LocalAgent", w.name)),
    "create_task_run_artifact": (
        "CreateTaskRunArtifact",
        lambda c, w: c.create_task_run_artifact(w.task_run_id, "markdown", {"markdown": "# x"}),
    ),
    "create_api_token": ("CreateApiToken", lambda c, w: c.create_api_token(w.name)),
    "write_run_logs": (
        "WriteRunLogs",
        lambda c, w: c.write_run_logs([{"flow_run_id": w.flow_run_id, "message": w.name}] * 2),
    ),
    "set_secret": ("SetSecret", lambda c, w: c.set_secret(w.name, 1)),
    "set_key_value": ("SetKeyValue", lambda c, w: c.set_key_value(w.name, {"a": 1})),
    "update_task_tag_limit": ("UpdateTaskTagLimit", lambda c, w: c.update_task_tag_limit(w.name, 3)),
}

STATES: dict[str, tuple[str, Callable[[Any, World], Any]]] = {
    "a flow run": ("SetFlowRunStates", lambda c, w: c.set_flow_run_state(w.flow_run_id, 2, Success())),
    "a flow run of any version": (
        "SetFlowRunStates",
        lambda c, w: c.set_flow_run_state(w.flow_run_id, None, Running("still")),
    ),
    "a task run": ("SetTaskRunStates", lambda c, w: c.set_task_run_state(w.task_run_id, 0, Running())),
    "a task run of any version": (
        "SetTaskRunStates",
        lambda c, w: c.set_task_run_state(w.task_run_id, None, Running()),
    ),
    "many flow runs": (
        "SetFlowRunStates",
        lambda c, w: c.set_flow_run_states([(w.flow_run_id, 2, Running("a")), (w.flow_run_id, 3, Success())]),
    ),
    "many task runs": (
        "SetTaskRunStates",
        lambda c, w: c.set_task_run_states([(w.task_run_id, 0, Running()), (w.task_run_id, 1, Success())]),
    ),
    "cancelling": ("CancelFlowRun", lambda c, w: c.cancel_flow_run(w.flow_run_id)),
}


@pytest.fixture
def new_world(client: Any, flow_id: str, serialized_flow: dict[str, Any]) -> Callable[[str], World]:
    def make(name: str) -> World:
        run_id = client.create_flow_run(flow_id, parameters={"day": "1"})
        client.set_flow_run_state(run_id, 1, Running())
        task_run = client.get_flow_run_info(run_id).task_runs[0]
        return World(name, serialized_flow, flow_id, run_id, task_run.id, task_run.task_id)

    return make


def rows(client: Any) -> dict[str, int]:
    counts = "".join(f"{table}: {table}_aggregate {{ aggregate {{ count }} }} " for table in TABLES)
    data = client.graphql(f"{{ {counts} }}").data
    tokens = len(client.api_tokens())
    return {"api_token": tokens, "secrets": len(client.secret_names())} | {
        table: data[table].aggregate["count"] for table in TABLES
    }


def change(client: Any, call: Callable[[], Any]) -> dict[str, int]:
    before = rows(client)
    assert call() is not False
    return {table: after - before[table] for table, after in rows(client).items() if after != before[table]}


@pytest.mark.parametrize(
    ("document", "call"), [*CREATIONS.values(), *STATES.values()], ids=[*CREATIONS, *STATES]
)
def test_lost_answers_double_nothing(
    document: str, call: Any, client: Any, faults: Faults, new_world: Callable[[str], World]
) -> None:
    one, other = new_world("one"), new_world("other")
    undisturbed = change(client, lambda: call(client, one))

    faults.lose_answers(2, matching=f"mutation {document}")
    disturbed = change(client, lambda: call(client, other))

    assert len(faults.sent(f"mutation {document}")) >= 4
    assert disturbed == undisturbed
    assert undisturbed


def test_the_answer_that_arrives_is_the_one_that_was_lost(client: Any, faults: Faults) -> None:
    faults.lose_answers(1, matching="CreateApiToken")

    token = client.create_api_token("ci")

    assert [token.id] == [each.id for each in client.api_tokens() if each.name == "ci"]


@pytest.mark.parametrize(
    ("document", "make", "delete"),
    [
        ("DeleteProject", lambda c: c.create_project("p"), lambda c, _: c.delete_project("p")),
        ("DeleteSecret", lambda c: c.set_secret("s", 1), lambda c, _: c.delete_secret("s")),
        ("DeleteKeyValue", lambda c: c.set_key_value("k", 1), lambda c, _: c.delete_key_value("k")),
        ("DeleteApiToken", lambda c: c.create_api_token("t").id, lambda c, each: c.delete_api_token(each)),
        (
            "DeleteTaskTagLimit",
            lambda c: c.update_task_tag_limit("t", 1),
            lambda c, each: c.delete_task_tag_limit(each) is None,
        ),
    ],
)
def test_what_is_gone_when_asked_again_was_deleted(
    document: str, make: Any, delete: Any, client: Any, faults: Faults
) -> None:
    made = make(client)
    faults.lose_answers(1, matching=document)

    assert delete(client, made) is True


def test_a_mutation_of_ones_own_is_not_repeated_after_it_may_have_been_applied(
    client: Any, faults: Faults
) -> None:
    faults.lose_answers(1, matching="create_project")

    with pytest.raises(TransportTimeout) as caught:
        client.graphql('mutation { create_project(input: {name: "p"}) { id } }')

    assert caught.value.attempts == 1
    assert len(client.graphql("{ project { id } }").data.project) == 1


@pytest.mark.parametrize("fault", [lambda f: f.refuse_connections(2), lambda f: f.answer(429, 2)])
def test_a_mutation_of_ones_own_is_repeated_when_it_surely_was_not_applied(
    fault: Any, client: Any, faults: Faults
) -> None:
    fault(faults)

    result = client.graphql('mutation { create_project(input: {name: "p"}) { id } }')

    assert result.data.create_project.id
    assert len(faults.requests) == 3


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_query_of_ones_own_is_repeated_on_any_trouble_of_the_server(
    status: int, client: Any, faults: Faults
) -> None:
    faults.answer(status, 3)

    assert client.graphql("{ hello }").data.hello


def test_a_lost_claim_is_no_claim_of_somebody_else(client: Any, faults: Faults, flow_run_id: str) -> None:
    """Given two agents, when the winner's answer is lost, then it still wins and the other loses."""
    faults.lose_answers(1, matching="SetFlowRunStates")

    assert client.set_flow_run_state(flow_run_id, 1, Submitted("mine")).is_submitted()
    with pytest.raises(Exception, match="State update failed"):
        client.set_flow_run_state(flow_run_id, 1, Submitted("theirs"))


def test_trouble_that_lasts_longer_than_the_budget_is_told(client: Any, faults: Faults, clock: Any) -> None:
    faults.answer(503, 1000)
    began = clock.monotonic()

    with pytest.raises(Exception, match="HTTP 503") as caught:
        client.create_project("p")

    assert clock.monotonic() - began <= 60
    assert caught.value.attempts > 5
    assert not isinstance(caught.value, ServerError)


def test_being_asked_for_patience_tells_how_much(client: Any, faults: Faults) -> None:
    faults.answer(429, 1000, retry_after=120)

    with pytest.raises(RateLimited) as caught:
        client.create_project("p")

    assert (caught.value.retry_after, caught.value.attempts) == (120, 1)


def test_a_wish_to_wait_is_respected(client: Any, faults: Faults, clock: Any) -> None:
    faults.answer(429, 1, retry_after=17)

    client.create_project("p")

    assert clock.pauses == [17]
