"""Two server processes on one SQLite file, and clients that want the same thing at the same moment."""

from __future__ import annotations

import uuid
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from .processes import Server, at_once
from .world import flow, state

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.slow

ROUNDS = 10
CLIENTS = 4
"""To each of the servers."""


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Server]]:
    """Two processes that were started at the same time on a file that was not there."""
    folder = tmp_path_factory.mktemp("servers") / "here"
    pair = [Server(folder, arguments=("--log-level", "warning")) for _ in range(2)]
    for server in pair:
        server.start()
    for server in pair:
        server.wait_until_ready()
    yield pair
    for server in pair:
        assert "Traceback" not in server.log()
        server.stop()


class Everybody:
    """Clients of both servers, each with a connection of its own, that all do the same at once."""

    def __init__(self, servers: list[Server]) -> None:
        self.clients = [(server, server.client()) for server in servers for _ in range(CLIENTS)]

    def __call__(
        self, query: str, variables: Callable[[int], dict[str, Any]], **headers: str
    ) -> list[dict[str, Any]]:
        def ask(number: int) -> dict[str, Any]:
            server, client = self.clients[number]
            body = {"query": query, "variables": variables(number)}
            return dict(client.post(server.url, json=body, headers=headers).json())

        return at_once(*[lambda number=number: ask(number) for number in range(len(self.clients))])

    def close(self) -> None:
        for _, client in self.clients:
            client.close()


@pytest.fixture
def everybody(servers: list[Server]) -> Iterator[Everybody]:
    clients = Everybody(servers)
    yield clients
    clients.close()


def make(server: Server, mutation: str, fields: str = "id", **input: Any) -> Any:
    query = f"mutation($i: {mutation}_input!) {{ {mutation}(input: $i) {{ {fields} }} }}"
    return server.data(query, i=input)[mutation]


SET_FLOW_RUN = """mutation($i: set_flow_run_states_input!) {
    set_flow_run_states(input: $i) { states { status code version } } }"""
SET_TASK_RUN = SET_FLOW_RUN.replace("flow_run", "task_run")


def outcome(body: dict[str, Any]) -> str:
    """The status of a single state's answer, or the code it was refused with."""
    if "errors" in body:
        return str(body["errors"][0]["extensions"]["code"])
    [field] = body["data"].values()
    return str(field["states"][0]["status"])


def test_of_many_that_name_one_version_one_has_it(servers: list[Server], everybody: Everybody) -> None:
    flow_id = make(servers[0], "create_flow", serialized_flow=flow("versions"))["id"]
    run = make(servers[0], "create_flow_run", flow_id=flow_id)["id"]
    for turn in range(ROUNDS):
        told = everybody(
            SET_FLOW_RUN,
            lambda number: {
                "i": {
                    "states": [
                        {
                            "flow_run_id": run,
                            "version": 1 + turn,  # noqa: B023 (called at once)
                            "state": state("Scheduled", message=f"client {number}"),
                        }
                    ]
                }
            },
        )
        assert Counter(map(outcome, told)) == {"SUCCESS": 1, "VERSION_LOCKING_ERROR": len(told) - 1}
        query = "query($id: UUID!) { flow_run_by_pk(id: $id) { version state_message states { version message } } }"
        [seen, also] = [server.data(query, id=run)["flow_run_by_pk"] for server in servers]
        winner = next(n for n, body in enumerate(told) if outcome(body) == "SUCCESS")
        assert seen == also
        assert seen["version"] == 2 + turn == len(seen["states"])
        assert seen["state_message"] == f"client {winner}"


def test_without_a_version_none_is_lost(servers: list[Server], everybody: Everybody) -> None:
    flow_id = make(servers[0], "create_flow", serialized_flow=flow("appended"))["id"]
    run = make(servers[0], "create_flow_run", flow_id=flow_id)["id"]
    for turn in range(ROUNDS):
        item = {"flow_run_id": run, "state": state("Scheduled")}
        told = everybody(
            SET_FLOW_RUN,
            lambda number: {"i": {"states": [{**item, "transition_id": f"{turn} {number}"}]}},  # noqa: B023
        )
        assert set(map(outcome, told)) == {"SUCCESS"}
    query = "query($id: UUID!) { flow_run_by_pk(id: $id) { version states { version } } }"
    found = servers[0].data(query, id=run)["flow_run_by_pk"]
    assert found["version"] == 1 + ROUNDS * len(everybody.clients)
    assert sorted(row["version"] for row in found["states"]) == list(range(1, found["version"] + 1))


def test_a_state_that_everybody_repeats_is_entered_once(servers: list[Server], everybody: Everybody) -> None:
    flow_id = make(servers[0], "create_flow", serialized_flow=flow("repeated"))["id"]
    run = make(servers[0], "create_flow_run", flow_id=flow_id)["id"]
    item = {"flow_run_id": run, "version": 1, "transition_id": "the same", "state": state("Running")}
    told = everybody(SET_FLOW_RUN, lambda _number: {"i": {"states": [item]}})
    assert [body["data"]["set_flow_run_states"]["states"][0]["version"] for body in told] == [2] * len(told)


def test_of_many_agents_one_submits_a_run(servers: list[Server], everybody: Everybody) -> None:
    flow_id = make(servers[0], "create_flow", serialized_flow=flow("submitted"))["id"]
    agent = make(servers[0], "register_agent", type="local")["id"]
    for _ in range(ROUNDS):
        run = make(servers[0], "create_flow_run", flow_id=flow_id)["id"]
        asked = {"i": {"states": [{"flow_run_id": run, "state": state("Submitted")}]}}
        told = everybody(SET_FLOW_RUN, lambda _number: asked, **{"X-Orchestra-Agent-Id": agent})  # noqa: B023 (called at once)
        assert Counter(map(outcome, told)) == {"SUCCESS": 1, "STATE_CONFLICT": len(told) - 1}


def test_one_idempotency_key_makes_one_run(servers: list[Server], everybody: Everybody) -> None:
    flow_id = make(servers[0], "create_flow", serialized_flow=flow("keys"))["id"]
    query = "mutation($i: create_flow_run_input!) { create_flow_run(input: $i) { id } }"
    for turn in range(ROUNDS):
        told = everybody(query, lambda _number: {"i": {"flow_id": flow_id, "idempotency_key": f"key {turn}"}})  # noqa: B023
        assert len({body["data"]["create_flow_run"]["id"] for body in told}) == 1
    count = "query($id: UUID) { flow_run_aggregate(where: {flow_id: {_eq: $id}}) { aggregate { count } } }"
    assert servers[1].data(count, id=flow_id)["flow_run_aggregate"]["aggregate"]["count"] == ROUNDS


def test_one_key_registers_one_version(servers: list[Server], everybody: Everybody) -> None:
    query = "mutation($i: create_flow_input!) { create_flow(input: $i) { id } }"
    given = {
        "serialized_flow": flow("registered"),
        "version_group_id": "registered",
        "idempotency_key": "key",
    }
    told = everybody(query, lambda _number: {"i": given})
    assert len({body["data"]["create_flow"]["id"] for body in told}) == 1


def test_without_a_key_each_registers_a_version_and_one_is_current(
    servers: list[Server], everybody: Everybody
) -> None:
    query = "mutation($i: create_flow_input!) { create_flow(input: $i) { id } }"
    everybody(query, lambda _number: {"i": {"serialized_flow": flow("many"), "version_group_id": "many"}})
    found = servers[1].data('{ flow(where: {version_group_id: {_eq: "many"}}) { version archived } }')["flow"]
    assert sorted(row["version"] for row in found) == list(range(1, len(everybody.clients) + 1))
    assert [row["version"] for row in found if not row["archived"]] == [len(everybody.clients)]


@pytest.mark.parametrize(
    ("mutation", "input", "table"),
    [
        ("create_project", {"name": "one project"}, "project"),
        ("register_agent", {"type": "one agent"}, "agent"),
        ("create_agent_config", {"name": "one config", "settings": {}}, "agent_config"),
    ],
)
def test_one_request_sent_by_everybody_creates_once(
    servers: list[Server], everybody: Everybody, mutation: str, input: dict[str, Any], table: str
) -> None:
    query = f"mutation($i: {mutation}_input!) {{ {mutation}(input: $i) {{ id }} }}"
    told = everybody(query, lambda _number: {"i": input}, **{"Idempotency-Key": str(uuid.uuid4())})
    assert len({body["data"][mutation]["id"] for body in told}) == 1
    [(column, value)] = [item for item in input.items() if isinstance(item[1], str)]
    count = f"query($v: String) {{ {table}(where: {{{column}: {{_eq: $v}}}}) {{ id }} }}"
    assert len(servers[1].data(count, v=value)[table]) == 1


def test_one_name_is_given_to_one_project(servers: list[Server], everybody: Everybody) -> None:
    query = 'mutation { create_project(input: {name: "wanted"}) { id } }'
    told = everybody(query, lambda _number: {})
    codes = [body["errors"][0]["extensions"]["code"] for body in told if "errors" in body]
    assert codes == ["UNIQUENESS_VIOLATION"] * (len(told) - 1)


def test_key_values_secrets_and_limits_of_one_name_are_one(
    servers: list[Server], everybody: Everybody
) -> None:
    query = """mutation($n: Int!) { set_key_value(input: {key: "k", value: {a: "b"}}) { id }
        set_secret(input: {name: "s", value: "v"}) { success }
        update_task_tag_limit(input: {tag: "t", limit: $n}) { id } }"""
    told = everybody(query, lambda number: {"n": number})
    assert len({body["data"]["set_key_value"]["id"] for body in told}) == 1
    assert len({body["data"]["update_task_tag_limit"]["id"] for body in told}) == 1
    assert servers[1].data("{ secret_names }")["secret_names"].count("s") == 1


def test_a_slot_is_taken_once(servers: list[Server], everybody: Everybody) -> None:
    """Given a limit of two and as many task runs as clients, then never more than two are Running."""
    tasks = [{"name": "t", "slug": f"t-{n}", "tags": ["scarce"]} for n in range(len(everybody.clients))]
    flow_id = make(servers[0], "create_flow", serialized_flow=flow("slots", tasks=tasks, edges=[]))["id"]
    make(servers[0], "update_task_tag_limit", tag="scarce", limit=2)
    run = make(servers[0], "create_flow_run", flow_id=flow_id)["id"]
    servers[0].data(SET_FLOW_RUN, i={"states": [{"flow_run_id": run, "state": state("Running")}]})
    query = "query($id: UUID) { task_run(where: {flow_run_id: {_eq: $id}}) { id state } }"
    waiting = [row["id"] for row in servers[0].data(query, id=run)["task_run"]]
    while waiting:
        asking = [*waiting, *waiting * 8][: len(everybody.clients)]
        told = everybody(
            SET_TASK_RUN,
            lambda number: {"i": {"states": [{"task_run_id": asking[number], "state": state("Running")}]}},  # noqa: B023
        )
        assert set(map(outcome, told)) <= {"SUCCESS", "QUEUED"}
        running = [
            row["id"] for row in servers[1].data(query, id=run)["task_run"] if row["state"] == "Running"
        ]
        assert len(running) == min(2, len(waiting))
        slots = servers[0].data('{ task_tag_slots(tag: "scarce") { task_run_id } }')["task_tag_slots"]
        assert sorted(slot["task_run_id"] for slot in slots) == sorted(running)
        done = [{"task_run_id": key, "state": state("Success")} for key in running]
        servers[1].data(SET_TASK_RUN, i={"states": done})
        waiting = [key for key in waiting if key not in running]


def test_one_mapped_task_run_is_made_once(servers: list[Server], everybody: Everybody) -> None:
    flow_id = make(servers[0], "create_flow", serialized_flow=flow("mapped"))["id"]
    run = make(servers[0], "create_flow_run", flow_id=flow_id)["id"]
    task = servers[0].data("query($id: UUID) { task(where: {flow_id: {_eq: $id}}) { id } }", id=flow_id)[
        "task"
    ][0]["id"]
    query = "mutation($i: get_or_create_task_run_input!) { get_or_create_task_run(input: $i) { id } }"
    told = everybody(query, lambda _number: {"i": {"flow_run_id": run, "task_id": task, "map_index": 3}})
    assert len({body["data"]["get_or_create_task_run"]["id"] for body in told}) == 1
