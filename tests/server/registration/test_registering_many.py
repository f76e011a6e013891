"""The mutation `register_flows`: many versions and the end of others in one transaction, on each kind of database."""

from __future__ import annotations

import base64
import gzip
import json
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event

from orchestra_client.server.context import Credentials, Settings
from orchestra_client.server.registration import serialized
from orchestra_client.server.resolvers import flows
from orchestra_client.server.service import Service
from tests.server.resolvers.conftest import Asker, Clock, edge, flow, task

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def ask(url: str, tmp_path: Path) -> Iterator[Asker]:
    service = Service.open(url, home=tmp_path, settings=Settings(auth="none"), clock=Clock())
    yield Asker(service)
    service.close()


@pytest.fixture
def project(ask: Asker) -> str:
    made: str = ask.do("create_project", "id", name="p")["id"]
    return made


def register(ask: Asker, project: str, *given: Any, archive: Any = None) -> list[dict[str, Any]]:
    items = [item if "serialized_flow" in item else {"serialized_flow": item} for item in given]
    answer = ask.do(
        "register_flows", "flows { id version created }", project_id=project, flows=items, archive=archive
    )
    found: list[dict[str, Any]] = answer["flows"]
    return found


def refused(ask: Asker, project: str, *given: Any, archive: Any = None) -> tuple[str, str]:
    items = [item if "serialized_flow" in item else {"serialized_flow": item} for item in given]
    return ask.refused("register_flows", project_id=project, flows=items, archive=archive)


def rows(ask: Asker) -> list[dict[str, Any]]:
    order = "order_by: [{name: asc}, {version: asc}]"
    found: list[dict[str, Any]] = ask(f"{{ flow({order}) {{ name version archived is_schedule_active }} }}")[
        "flow"
    ]
    return found


def counts(ask: Asker) -> dict[str, int]:
    tables = ("flow", "flow_group", "task", "edge", "flow_run")
    asked = " ".join(f"{name}_aggregate {{ aggregate {{ count }} }}" for name in tables)
    return {
        name.removesuffix("_aggregate"): each["aggregate"]["count"]
        for name, each in ask(f"{{ {asked} }}").items()
    }


def compressed(value: Any) -> str:
    return base64.b64encode(gzip.compress(json.dumps(value).encode())).decode()


def hourly(**clock: Any) -> dict[str, Any]:
    return {"type": "Schedule", "clocks": [{"type": "IntervalClock", "interval": 3_600_000_000, **clock}]}


def test_versions_are_answered_in_the_order_of_the_input(ask: Asker, project: str) -> None:
    register(ask, project, {"serialized_flow": flow("b"), "idempotency_key": "k"})

    told = register(
        ask,
        project,
        flow("c"),
        {"serialized_flow": flow("b"), "idempotency_key": "k"},
        {"serialized_flow": compressed(flow("a"))},
        {"serialized_flow": flow("b2"), "version_group_id": "mine", "description": "why"},
    )

    assert [(each["version"], each["created"]) for each in told] == [
        (1, True),
        (1, False),
        (1, True),
        (1, True),
    ]
    names = ask(
        "query($ids: [UUID!]) { flow(where: {id: {_in: $ids}}) { id name } }", ids=[t["id"] for t in told]
    )
    named = {row["id"]: row["name"] for row in names["flow"]}
    assert [named[each["id"]] for each in told] == ["c", "b", "a", "b2"]


def test_a_flow_is_as_if_it_was_registered_by_itself(ask: Asker, project: str) -> None:
    written = flow(
        "same",
        tasks=[task("a-1"), task("b-1", tags=["db"]), task("c-1")],
        edges=[edge("a-1", "b-1", key="x", mapped=True), edge("b-1", "c-1"), edge("b-1", "c-1")],
        reference_tasks=[{"slug": "b-1"}],
        schedule=hourly(),
    )
    other = {**written, "name": "other"}
    alone = ask.do("create_flow", "id", project_id=project, serialized_flow=written)["id"]
    [_, together] = register(ask, project, flow("first"), other)

    query = """query($id: UUID!) { flow_by_pk(id: $id) {
        version archived schedule is_schedule_active settings parameters core_version
        tasks(order_by: {slug: asc}) {
          slug tags mapped is_root_task is_terminal_task is_reference_task upstream: max_retries
        }
        edges(order_by: [{key: asc}]) { key mapped upstream_task { slug } downstream_task { slug } }
    } }"""
    found = [ask(query, id=flow_id)["flow_by_pk"] for flow_id in (alone, together["id"])]
    assert found[0] == found[1]
    assert len(found[0]["edges"]) == 2


def test_the_versions_before_are_archived(ask: Asker, project: str) -> None:
    register(ask, project, flow("a"), flow("b"))
    told = register(ask, project, flow("a"), flow("c"))

    assert [each["version"] for each in told] == [2, 1]
    assert [(row["name"], row["version"]) for row in rows(ask) if not row["archived"]] == [
        ("a", 2),
        ("b", 1),
        ("c", 1),
    ]


def test_other_flows_are_archived_with_it(ask: Asker, project: str) -> None:
    old = register(ask, project, flow("a"), flow("b"))
    run = ask.do("create_flow_run", "id", flow_id=old[1]["id"])["id"]

    register(ask, project, flow("a"), archive=[old[1]["id"]])

    assert [row["name"] for row in rows(ask) if not row["archived"]] == ["a"]
    state = ask("query($id: UUID!) { flow_run_by_pk(id: $id) { state } }", id=run)
    assert state["flow_run_by_pk"]["state"] == "Cancelled"


@pytest.mark.parametrize(
    "bad",
    [
        flow("bad", edges=[edge("a-1", "ghost")]),
        {"serialized_flow": "no gzip"},
        {"name": ""},
        flow("bad", schedule=hourly(), parameters=[{"name": "x", "required": True}]),
    ],
    ids=["an edge", "no gzip", "no name", "a schedule without a value"],
)
def test_one_that_is_refused_in_the_middle_leaves_nothing(ask: Asker, project: str, bad: Any) -> None:
    old = register(ask, project, flow("a"), flow("z"))
    before = counts(ask), rows(ask)

    code, message = refused(ask, project, flow("a"), flow("b"), bad, flow("c"), archive=[old[1]["id"]])

    assert code == "BAD_USER_INPUT"
    assert message.startswith("flows[2]")
    assert (counts(ask), rows(ask)) == before


def test_an_unknown_flow_to_archive_leaves_nothing(ask: Asker, project: str) -> None:
    before = counts(ask)
    code, _ = refused(ask, project, flow("a"), archive=[str(uuid.uuid4())])
    assert (code, counts(ask)) == ("NOT_FOUND", before)


def test_two_versions_of_one_group_are_refused(ask: Asker, project: str) -> None:
    group = ask("{ flow_group { name } }") if register(ask, project, flow("old")) else None
    name = group["flow_group"][0]["name"]  # type: ignore[index]  # it was registered

    code, message = refused(
        ask, project, flow("old"), {"serialized_flow": flow("new"), "version_group_id": name}
    )

    assert code == "BAD_USER_INPUT"
    assert "'old' and 'new' are of one version group" in message
    twice = {"serialized_flow": flow("x"), "version_group_id": "twice"}
    assert refused(ask, project, twice, twice)[0] == "BAD_USER_INPUT"


def test_a_new_flow_that_stands_twice_is_refused(ask: Asker, project: str) -> None:
    code, message = refused(ask, project, flow("a"), flow("b"), flow("a"))

    assert code == "BAD_USER_INPUT"
    assert "'a' and 'a' are of one version group" in message


def test_a_version_cannot_be_current_and_archived(ask: Asker, project: str) -> None:
    given = {"serialized_flow": flow("a"), "idempotency_key": "k"}
    [known] = register(ask, project, given)

    code, message = refused(ask, project, flow("b"), given, archive=[known["id"]])

    assert code == "BAD_USER_INPUT"
    assert f"archive names {known['id']}, the current version of flows[1]" in message
    assert [row["archived"] for row in rows(ask)] == [False]


def test_what_others_have_is_neither_archived_nor_registered_into(ask: Asker, project: str) -> None:
    [own] = register(ask, project, flow("a"))
    other = ask.do("create_tenant", "id", name="other", slug="other")["id"]
    stranger = Asker(ask.service, Credentials(tenant_id=other))

    assert refused(stranger, project, flow("b"))[0] == "NOT_FOUND"
    place = stranger.do("create_project", "id", name="p")["id"]
    assert refused(stranger, place, flow("b"), archive=[own["id"]])[0] == "NOT_FOUND"
    assert rows(stranger) == []
    assert [row["archived"] for row in rows(ask)] == [False]


def test_schedules_are_active_where_they_shall(ask: Asker, project: str) -> None:
    def scheduled(name: str, active: bool | None = None) -> dict[str, Any]:
        given = {"serialized_flow": flow(name, schedule=hourly())}
        return given if active is None else {**given, "set_schedule_active": active}

    register(
        ask, project, scheduled("a"), scheduled("b", active=False), scheduled("c", active=True), flow("d")
    )

    assert [row["is_schedule_active"] for row in rows(ask)] == [True, False, True, False]


def test_an_unknown_project_is_not_found(ask: Asker) -> None:
    assert refused(ask, str(uuid.uuid4()), flow("a"))[0] == "NOT_FOUND"


def test_nothing_at_all_is_fine(ask: Asker, project: str) -> None:
    assert register(ask, project) == []


def test_too_many_are_refused(ask: Asker, project: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flows, "MAX_FLOWS", 2)
    code, message = refused(ask, project, flow("a"), flow("b"), flow("c"))
    assert (code, message) == ("BAD_USER_INPUT", "flows are 3; one request has at most 2.")


def test_a_small_request_cannot_fill_the_memory(
    ask: Asker, project: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given flows that fit one by one, when they do not together, then they are refused."""
    monkeypatch.setattr(serialized, "MAX_FLOW_BYTES", 1000)
    text = compressed({"name": "a", "padding": "x" * 600})
    assert len(register(ask, project, {"serialized_flow": text})) == 1
    code, _ = refused(ask, project, {"serialized_flow": text}, {"serialized_flow": text})
    assert code == "PAYLOAD_TOO_LARGE"


def test_many_small_values_are_counted_together(
    ask: Asker, project: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serialized, "MAX_VALUES", 1000)
    texts = [compressed({"name": name, "padding": [1] * 600}) for name in "ab"]
    assert len(register(ask, project, {"serialized_flow": texts[0]})) == 1
    code, message = refused(ask, project, *({"serialized_flow": text} for text in texts))
    assert (code, "The flows hold more than 1000 values in all" in message) == ("PAYLOAD_TOO_LARGE", True)


def test_the_statements_do_not_grow_with_the_flows(ask: Asker, project: str) -> None:
    def statements(number: int) -> int:
        seen: list[str] = []

        def note(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
            seen.append(statement)

        engine = ask.service.database._engine
        event.listen(engine, "before_cursor_execute", note)
        try:
            register(ask, project, *(flow(f"f{index}") for index in range(number)))
        finally:
            event.remove(engine, "before_cursor_execute", note)
        return len(seen)

    for number in (3, 40):
        register(ask, project, *(flow(f"f{index}") for index in range(number)))
    assert statements(3) == statements(40)


def at_once(*tasks: Callable[[], object]) -> None:
    """Run them in threads that begin together; the first error is raised."""
    barrier = threading.Barrier(len(tasks))

    def run(task: Callable[[], object]) -> None:
        barrier.wait()
        task()

    with ThreadPoolExecutor(len(tasks)) as pool:
        for future in [pool.submit(run, task) for task in tasks]:
            future.result()


def test_two_who_register_a_new_flow_at_once_make_one_version_group(
    ask: Asker, project: str, backend: str
) -> None:
    if backend == "memory":
        pytest.skip("one connection is one writer")
    at_once(*[partial(register, ask, project, *(flow(f"f{index}") for index in range(5)))] * 4)

    assert counts(ask)["flow_group"] == 5
    assert [(row["version"], row["archived"]) for row in rows(ask) if row["name"] == "f0"] == [
        (1, True),
        (2, True),
        (3, True),
        (4, False),
    ]


def test_two_projects_that_begin_one_version_group_at_once_share_it(ask: Asker, backend: str) -> None:
    if backend == "memory":
        pytest.skip("one connection is one writer")
    projects = [ask.do("create_project", "id", name=f"p{index}")["id"] for index in range(4)]
    for turn in range(5):
        items = [{"serialized_flow": flow(f"f{n}"), "version_group_id": f"{turn}-{n}"} for n in range(5)]
        at_once(*(partial(register, ask, each, *items) for each in projects))

    versions = [row["version"] for row in rows(ask)]
    assert sorted(versions) == sorted([1, 2, 3, 4] * 25)


def test_archiving_and_registering_at_once_do_not_lock_each_other_out(
    ask: Asker, project: str, backend: str
) -> None:
    if backend == "memory":
        pytest.skip("one connection is one writer")
    names = [f"f{index}" for index in range(10)]
    register(ask, project, *map(flow, names))

    def prune() -> None:
        current = [row["id"] for row in ask("{ flow(where: {archived: {_eq: false}}) { id } }")["flow"]]
        register(ask, project, *map(flow, names), archive=current)

    for _ in range(5):
        at_once(
            prune, prune, *(partial(register, ask, project, *map(flow, reversed(names))) for _ in range(2))
        )

    assert [row["archived"] for row in rows(ask)].count(False) <= len(names)
