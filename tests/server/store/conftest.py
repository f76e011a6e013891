"""A library of rows in two tenants, and the whole server's read path to ask it with."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Engine, event

from orchestra_client.server.context import Credentials
from orchestra_client.server.service import GraphQLRequest, Service
from orchestra_client.server.store.views import Scope

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path


def uid(name: str) -> str:
    """The same id for a name, in every database."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, name))


def at(minute: int) -> str:
    return f"2030-01-01T12:{minute:02}:00.000000+00:00"


@dataclass
class Library:
    """A server with rows in two tenants, each asked with a token of its own.

    Attributes:
        service: the server.
        tenants: the ids of the tenants "ours" and "theirs".
        tokens: of each tenant, and "runner": of one run, ours.
    """

    service: Service
    tenants: dict[str, str]
    tokens: dict[str, str]

    def answer(self, query: str, *, who: str = "ours", **variables: Any) -> dict[str, Any]:
        return self.service.execute(GraphQLRequest(query, variables), Credentials(self.tokens[who])).body

    def ask(self, query: str, **options: Any) -> Any:
        """The data; that of the only field when there is one."""
        answer = self.answer(query, **options)
        assert "errors" not in answer, answer["errors"]
        data = answer["data"]
        return next(iter(data.values())) if len(data) == 1 else data

    def names(self, table: str, where: str, column: str = "name", **options: Any) -> list[Any]:
        """What is in a column of the rows that a filter lets through, sorted."""
        rows = self.ask(f"{{ {table}(where: {where}) {{ {column} }} }}", **options)
        return sorted(row[column] for row in rows)

    def id_of(self, name: str) -> str:
        return uid(name)

    def refusal(self, query: str, **options: Any) -> str:
        """The message of the one error, which is about bad input."""
        [error] = self.answer(query, **options)["errors"]
        assert error["extensions"]["code"] == "BAD_USER_INPUT", error
        return str(error["message"])


def _flow(name: str, version: int, group: str, project: str | None, **columns: Any) -> dict[str, Any]:
    return {
        "id": uid(f"{name}-{version}"),
        "flow_group_id": uid(group),
        "project_id": project and uid(project),
        "name": name,
        "version": version,
        "archived": False,
        "is_schedule_active": False,
        **columns,
    }


def _task(slug: str, flow: str, *, tags: list[str], retry_delay: float | None = None) -> dict[str, Any]:
    flags = dict.fromkeys(
        ("mapped", "auto_generated", "is_reference_task", "is_root_task", "is_terminal_task"), False
    )
    columns = {"name": slug.title(), "slug": slug, "max_retries": 0, "tags": tags, "retry_delay": retry_delay}
    return {"id": uid(f"{flow}/{slug}"), "flow_id": uid(flow), **columns, **flags}


def _flow_run(name: str, flow: str, state: str | None, minute: int | None, **columns: Any) -> dict[str, Any]:
    return {
        "id": uid(name),
        "flow_id": uid(flow),
        "name": name,
        "labels": [],
        "auto_scheduled": False,
        "version": 1,
        "times_resurrected": 0,
        "state": state,
        "state_timestamp": None if minute is None else at(minute),
        "serialized_state": state and {"type": state},
        "parameters": None,
        "duration": None,
        **columns,
    }


def _task_run(run: str, task: str, map_index: int, state: str) -> dict[str, Any]:
    return {
        "id": uid(f"{run}:{task}:{map_index}"),
        "flow_run_id": uid(run),
        "task_id": uid(task),
        "map_index": map_index,
        "version": 1,
        "run_count": 0,
        "state": state,
    }


def _log(run: str, minute: int, level: str | None, message: str | None) -> dict[str, Any]:
    return {
        "id": uid(f"{run}@{minute}{message}"),
        "flow_run_id": uid(run),
        "timestamp": at(minute),
        "level": level,
        "message": message,
    }


def _ours() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    yield (
        "project",
        [
            {"id": uid("Alpha"), "name": "Alpha", "description": None},
            {"id": uid("beta"), "name": "beta", "description": "100% sure_thing"},
            {"id": uid("ÄPFEL"), "name": "ÄPFEL", "description": "back\\slash, 'single' and \"double\""},
        ],
    )
    yield "flow_group", [{"id": uid(name), "name": name} for name in ("etl", "report", "loose")]
    yield (
        "flow",
        [
            _flow("etl", 1, "etl", "Alpha", archived=True),
            _flow("etl", 2, "etl", "Alpha"),
            _flow("report", 1, "report", "beta"),
            _flow("loose", 1, "loose", None),
        ],
    )
    yield (
        "task",
        [
            _task("extract", "etl-2", tags=["db", "slow"], retry_delay=1.5),
            _task("load", "etl-2", tags=["db"], retry_delay=60.0),
            _task("render", "report-1", tags=[]),
        ],
    )
    yield (
        "flow_run",
        [
            _flow_run(
                "run-1", "etl-2", "Success", 1, labels=["a", "b"], parameters={"x": 1, "deep": {"y": [1, 2]}}
            ),
            _flow_run("run-2", "etl-2", "Failed", 2, labels=["b"], parameters={"x": 2.5}, duration=7.5),
            _flow_run("run-3", "etl-2", "Success", 3, parameters={"y": None}, duration=2.0),
            _flow_run("run-4", "report-1", "Running", 4, parameters={}),
            _flow_run("run-5", "report-1", None, None),
        ],
    )
    yield (
        "task_run",
        [
            _task_run("run-1", "etl-2/extract", -1, "Success"),
            _task_run("run-1", "etl-2/load", -1, "Success"),
            _task_run("run-2", "etl-2/extract", -1, "Mapped"),
            *(_task_run("run-2", "etl-2/extract", n, "Success") for n in range(3)),
            _task_run("run-2", "etl-2/load", -1, "TriggerFailed"),
            _task_run("run-4", "report-1/render", -1, "Running"),
        ],
    )
    yield (
        "log",
        [
            *(_log("run-1", 5, "INFO", f"line {n}") for n in range(4)),
            _log("run-1", 3, "ERROR", "early"),
            _log("run-2", 1, "DEBUG", "only"),
            _log("run-2", 2, None, None),
        ],
    )


def _theirs() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    yield "project", [{"id": uid("Foreign"), "name": "Foreign"}]
    yield "flow_group", [{"id": uid("foreign"), "name": "foreign"}]
    yield "flow", [_flow("foreign", 1, "foreign", "Foreign")]
    yield "task", [_task("spy", "foreign-1", tags=["db"])]
    # The second refers to a flow of the other tenant, as no request can make it do.
    runs = [("run-x", "foreign-1"), ("run-y", "etl-2")]
    yield "flow_run", [_flow_run(name, flow, "Success", 1) for name, flow in runs]
    yield "task_run", [_task_run("run-x", "foreign-1/spy", -1, "Success")]
    yield "log", [_log("run-x", 1, "INFO", "secret")]


def stock(service: Service) -> Library:
    """Make two tenants in an empty server, and put their rows there."""
    assert service.bootstrapped is not None
    admin = Credentials(service.bootstrapped.token)

    def made(mutation: str, **values: Any) -> str:
        field = "token" if mutation == "create_api_token" else "id"
        query = f"mutation ($input: {mutation}_input!) {{ {mutation}(input: $input) {{ {field} }} }}"
        body = service.execute(GraphQLRequest(query, {"input": values}), admin).body
        return str(body["data"][mutation][field])

    tenants = {slug: made("create_tenant", name=slug, slug=slug) for slug in ("ours", "theirs")}
    for tenant, tables in ((tenants["ours"], _ours()), (tenants["theirs"], _theirs())):
        with service.database.write(Scope(tenant)) as session:
            for table, rows in tables:
                session.insert(table, *rows)
    tokens = {
        slug: made("create_api_token", name=slug, scope="TENANT", tenant_id=tenant)
        for slug, tenant in tenants.items()
    }
    tokens["runner"] = made(
        "create_api_token", name="r", scope="RUNNER", tenant_id=tenants["ours"], flow_run_id=uid("run-1")
    )
    return Library(service, tenants, tokens)


@pytest.fixture(scope="session")
def library(
    backend: str,
    new_url: Callable[[str, Path], AbstractContextManager[str]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Library]:
    """The rows above, on each kind of database; tests only read them."""
    folder = tmp_path_factory.mktemp("library")
    with new_url(backend, folder) as url:
        service = Service.open(url, home=folder)
        yield stock(service)
        service.close()


@pytest.fixture
def statements() -> Iterator[list[str]]:
    """The text of every SELECT of the test's requests, but for the one that looks up the token."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith("SELECT") and not statement.startswith("SELECT api_token"):
            seen.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    yield seen
    event.remove(Engine, "before_cursor_execute", note)
