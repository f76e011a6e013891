"""How SQLite finds rows: what runs ask for all day must not cost more as a tenant's history grows."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event

from .conftest import Server, state

if TYPE_CHECKING:
    from collections.abc import Iterator

# All rows of a tenant, or of a table; `due_runs` are those that the queue has found already.
_EXHAUSTIVE = re.compile(r"SEARCH \w+ USING .*\(tenant_id=\?\)|SCAN (flow|task|log)\w*( |$)")


@pytest.fixture
def url() -> str:
    """Plans are read from SQLite alone."""
    return "memory:"


@contextmanager
def statements(server: Server) -> Iterator[list[tuple[str, Any]]]:
    """The statements that the server sends to its database meanwhile, with the parameters of their first row."""
    seen: list[tuple[str, Any]] = []

    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, is_many: bool) -> None:
        seen.append((statement, parameters[0] if is_many else parameters))

    engine = server.service.database._engine
    event.listen(engine, "before_cursor_execute", note)
    yield seen
    event.remove(engine, "before_cursor_execute", note)


def exhaustive(server: Server, seen: list[tuple[str, Any]]) -> list[str]:
    """The steps of these statements' plans that look at all rows of a tenant or table."""
    found = []
    with server.service.database.connect(write=False) as connection:
        for statement, parameters in seen:
            if statement.startswith(("SELECT", "UPDATE", "DELETE")):
                plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
                found += [row[3] for row in plan if _EXHAUSTIVE.match(row[3])]
    return found


@pytest.mark.parametrize("count", [1, 50, 1000])
def test_states_are_set_by_primary_key(server: Server, count: int) -> None:
    _, runs = server.running(*({"slug": f"t{i:04}", "tags": ["db"]} for i in range(count)))
    server.do("update_task_tag_limit", "id", tag="db", limit=count)
    items = [{"task_run_id": r, "state": state("Running"), "transition_id": f"{r}-t"} for r in runs]

    with statements(server) as seen:
        server.set_task_runs(*items)

    assert len(seen) > 5
    assert exhaustive(server, seen) == []


def test_heartbeats_and_logs_find_their_runs_by_primary_key(server: Server) -> None:
    run_id, runs = server.running(*(f"t{i:02}" for i in range(50)))

    with statements(server) as seen:
        server.do("update_heartbeats", "heartbeats { id }", flow_run_ids=[run_id], task_run_ids=runs)
        server.do("write_run_logs", logs=[{"task_run_id": run} for run in runs])
        server.do("cancel_flow_run", "state", flow_run_id=run_id)

    assert exhaustive(server, seen) == []


@pytest.mark.parametrize("labels", [[], ["a", "b"]])
def test_the_queue_is_read_by_state_and_time(server: Server, labels: list[str]) -> None:
    with statements(server) as seen:
        server.do("get_runs_in_queue", "flow_run_ids", labels=labels)
        server("{ task_tag_slots { tag } }")

    limits = "SEARCH task_tag_limit USING"
    assert [step for step in exhaustive(server, seen) if not step.startswith(limits)] == []


def test_runs_are_created_by_reference(server: Server) -> None:
    flow_id = server.flow("a", "b")
    task_id = server("{ task { id } }")["task"][0]["id"]

    with statements(server) as seen:
        run_id = server.run(flow_id, idempotency_key="k")
        server.do("get_or_create_task_run", "id", flow_run_id=run_id, task_id=task_id, map_index=1)

    assert exhaustive(server, seen) == []


@pytest.mark.parametrize("table", ["flow_run", "task_run"])
def test_a_list_in_the_order_of_arrival_sorts_no_more_than_it_answers(server: Server, table: str) -> None:
    with statements(server) as seen:
        server(f"{{ {table}(limit: 10) {{ id }} }}")

    [(statement, parameters)] = [each for each in seen if f"FROM {table}" in each[0]]
    with server.service.database.connect(write=False) as connection:
        plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)]
    assert any(f"ix_{table}_tenant_id_created" in step for step in plan)
    assert "USE TEMP B-TREE FOR ORDER BY" not in plan
