"""What one request may have read: so many rows, for so long."""

from __future__ import annotations

import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from orchestra_client.server.context import Settings
from orchestra_client.server.service import GraphQLRequest, Service
from orchestra_client.server.store.session import Session
from orchestra_client.server.store.views import Scope
from tests.server.resolvers.conftest import Asker, flow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

TOO_MANY = ["PAYLOAD_TOO_LARGE"]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Asker]]:
    """A server on a file with 30 projects and a flow with 30 runs, with settings of its own."""
    url = f"sqlite:///{tmp_path / 'store.db'}"

    def opened(**settings: Any) -> Service:
        return Service.open(url, home=tmp_path, settings=Settings(auth="none", **settings))

    with closing(opened()) as service:
        flow_id = Asker(service).do("create_flow", "id", serialized_flow=flow())["id"]
        assert service.bootstrapped is not None
        run = {
            "flow_id": flow_id,
            "version": 0,
            "labels": [],
            "auto_scheduled": False,
            "times_resurrected": 0,
        }
        with service.database.write(Scope(service.bootstrapped.tenant_id)) as session:
            session.insert("project", *({"name": f"p{n}"} for n in range(30)))
            session.insert("flow_run", *({**run, "name": f"r{n}"} for n in range(30)))
    services: list[Service] = []

    def start(**settings: Any) -> Asker:
        services.append(opened(**settings))
        return Asker(services[-1])

    yield start
    for service in services:
        service.close()


def codes(ask: Asker, query: str) -> list[str]:
    body = ask.service.execute(GraphQLRequest(query), ask.credentials).body
    return [error["extensions"]["code"] for error in body.get("errors", [])]


class TestRows:
    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            ("{ project { id } }", []),
            ("{ project(limit: 30) { id } other: project(limit: 1) { id } }", TOO_MANY),
            ("{ flow { flow_runs { id } } }", TOO_MANY),
            ("{ flow { flow_runs(limit: 29) { id } } }", []),
            ("{ flow { flow_runs_aggregate { nodes { id } } } }", TOO_MANY),
            ("{ flow_run(limit: 15) { flow { id } } }", []),
            ("{ flow_run(limit: 16) { flow { id } } }", TOO_MANY),
            ("{ project_aggregate { aggregate { count } } flow_run_aggregate { aggregate { count } } }", []),
        ],
    )
    def test_as_many_as_allowed_are_answered(
        self, start: Callable[..., Asker], query: str, expected: list[str]
    ) -> None:
        assert codes(start(max_rows=30), query) == expected

    def test_no_more_are_read_than_may_be_answered(
        self, start: Callable[..., Asker], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """However many there are: they would fill the memory before they are counted."""
        ask, read = start(max_rows=10), []
        rows = Session.rows

        def counting(self: Session, *arguments: Any, **named: Any) -> Any:
            found = rows(self, *arguments, **named)
            read.append(len(found))
            return found

        monkeypatch.setattr(Session, "rows", counting)
        for query in ("{ project { id } }", "{ flow { flow_runs { id } } }", "{ project(limit: 20) { id } }"):
            assert codes(ask, query) == TOO_MANY
        assert max(read) == 11

    def test_once_there_were_too_many_nothing_more_is_read(
        self, start: Callable[..., Asker], statements: list[str]
    ) -> None:
        ask = start(max_rows=10)
        fields = " ".join(f"a{n}: project_by_pk(id: $id) {{ id }}" for n in range(100))
        query = f'query($id: UUID = "{"0" * 8}-0000-4000-8000-{"0" * 12}") {{ r: agent {{ id }} {fields} }}'
        statements.clear()
        assert codes(ask, query) == []
        assert len(statements) > 100

        statements.clear()
        assert set(codes(ask, query.replace("agent", "project"))) == set(TOO_MANY)
        assert len(statements) < 5


class TestTime:
    def test_a_query_that_takes_too_long_is_ended(self, start: Callable[..., Asker]) -> None:
        ask = start(query_timeout=-1)

        for query in ("{ project { id } }", "{ flow_run_aggregate { aggregate { count } } }"):
            assert codes(ask, query) == ["PAYLOAD_TOO_LARGE"]

    def test_one_statement_that_takes_too_long_is_ended_too(self, start: Callable[..., Asker]) -> None:
        """Given runs that lead to runs again and again, and a name that none has: 130 to the power of 4 are compared."""
        ask = start(query_timeout=0.2)
        [flow_id] = [row["id"] for row in ask("{ flow { id } }")["flow"]]
        for _ in range(100):
            ask.do("create_flow_run", "id", flow_id=flow_id)
        where = '{name: {_ilike: "%nobody%"}}'
        for _ in range(3):
            where = f"{{flow: {{flow_runs: {where}}}}}"
        started = time.monotonic()

        assert codes(ask, f"{{ flow_run_aggregate(where: {where}) {{ aggregate {{ count }} }} }}") == TOO_MANY

        assert time.monotonic() - started < 10
        assert codes(ask, "{ project { id } }") == []

    def test_a_mutation_is_not(self, start: Callable[..., Asker]) -> None:
        ask = start(query_timeout=-1)

        assert ask.do("create_project", "id", name="slow")["id"]
