"""Two tenants whose rows bear the same names, everybody who may ask, and all that is in the database."""

from __future__ import annotations

import base64
import gzip
import json
import re
import sqlite3
import uuid
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import Table, select

from orchestra_client.server.context import Credentials
from orchestra_client.server.service import Answer, GraphQLRequest, Service
from orchestra_client.server.store.tables import metadata

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .contract import Path, Root

UNKNOWN = "00000000-0000-4000-8000-000000000000"

CODES = {
    "UNAUTHENTICATED",
    "FORBIDDEN",
    "NOT_FOUND",
    "BAD_USER_INPUT",
    "VERSION_LOCKING_ERROR",
    "STATE_CONFLICT",
    "UNIQUENESS_VIOLATION",
    "PAYLOAD_TOO_LARGE",
    "GRAPHQL_PARSE_FAILED",
    "GRAPHQL_VALIDATION_FAILED",
}
"""What an abuse can be answered with: the codes of WIRE.md without those that mean "try again" or "my fault"."""

_FROM_INSIDE = re.compile(
    r"Traceback|File \"|sqlite3?\b|sqlalchemy|psycopg|SELECT |INSERT INTO|UPDATE \w+ SET|DELETE FROM|orchestra_client"
)


def codes(answer: Answer | dict[str, Any]) -> list[str]:
    """The codes of an answer's errors, once they are known to be clear: a code of the API and nothing from inside."""
    body = answer.body if isinstance(answer, Answer) else answer
    errors = body.get("errors", [])
    for error in errors:
        assert error["extensions"]["code"] in CODES, error
        assert error["message"], error
        assert not _FROM_INSIDE.search(error["message"].replace("'; DROP TABLE", "")), error
    return [error["extensions"]["code"] for error in errors]


@dataclass
class Asker:
    """Asks a service with one credential."""

    service: Service
    token: str | None = None
    headers: dict[str, str] = field(default_factory=dict)

    def answer(self, query: str, variables: dict[str, Any] | None = None) -> Answer:
        request = GraphQLRequest(query, variables, request_id="r")
        return self.service.execute(request, Credentials(self.token, **self.headers))

    def __call__(self, query: str, **variables: Any) -> Any:
        """The data of an answer without errors."""
        body = self.answer(query, variables).body
        assert "errors" not in body, body["errors"]
        return body["data"]

    def do(self, mutation: str, fields: str = "success", **input: Any) -> Any:
        query = f"mutation($input: {mutation}_input!) {{ {mutation}(input: $input) {{ {fields} }} }}"
        return self(query, input=input)[mutation]

    def attack(self, root: Root, arguments: dict[str, Any]) -> Answer:
        """Ask for a root field with everything that it can answer."""
        return self.answer(root.document, arguments)


def state(type_name: str, **more: Any) -> dict[str, Any]:
    return {"type": type_name, "message": None, "_result": {"type": "NoResultType"}, **more}


def flow(name: str = "flow", **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "tasks": [
            {"name": "a", "slug": "a-1", "tags": ["tag"], "cache_key": "cache"},
            {"name": "b", "slug": "b-1"},
        ],
        "edges": [{"upstream_task": {"slug": "a-1"}, "downstream_task": {"slug": "b-1"}, "key": "x"}],
        "parameters": [{"name": "p", "required": False, "default": 1}],
        **more,
    }


def fill(ask: Asker) -> None:
    """Give a tenant rows in every table that the API writes, under names that every tenant uses."""
    project = ask.do("create_project", "id", name="project")["id"]
    flow_id = ask.do(
        "create_flow",
        "id",
        project_id=project,
        serialized_flow=flow(),
        version_group_id="group",
        idempotency_key="key",
    )["id"]
    config = ask.do("create_agent_config", "id", name="config", settings={"a": 1})["id"]
    agent = ask.do("register_agent", "id", type="local", name="agent", labels=[], agent_config_id=config)[
        "id"
    ]
    ask.do("update_task_tag_limit", "id", tag="tag", limit=3)
    ask.do("set_key_value", "id", key="key", value={"of": "tenant"})
    ask.do(
        "create_oidc_trust",
        "id",
        name="trust",
        issuer="https://ci.example",
        audience="orchestra",
        claims=[{"name": "repository", "pattern": f"of {ask.token}"}],
    )
    ask.do("set_secret", name="secret", value=f"secret of {ask.token}")
    for key in ("key", None):
        run = ask.do("create_flow_run", "id", flow_id=flow_id, idempotency_key=key)["id"]
        agent_asks = Asker(ask.service, ask.token, {"agent_id": agent})
        set_states = "states { status }"
        for type_name in ("Submitted", "Running"):
            item = {"flow_run_id": run, "state": state(type_name)}
            agent_asks.do("set_flow_run_states", set_states, states=[item])
        task_runs = ask("query($id: UUID) { task_run(where: {flow_run_id: {_eq: $id}}) { id } }", id=run)[
            "task_run"
        ]
        for row in task_runs:
            item = {"task_run_id": row["id"], "state": state("Running")}
            ask.do("set_task_run_states", set_states, states=[item])
            ask.do("create_task_run_artifact", "id", task_run_id=row["id"], kind="link", data={"a": 1})
        logs = [{"flow_run_id": run, "message": "of the flow run", "name": "log"}]
        logs += [{"task_run_id": row["id"], "message": "of the task run", "name": "log"} for row in task_runs]
        ask.do("write_run_logs", logs=logs)


@dataclass
class World:
    """A service with the tenants "mine" and "theirs", filled alike, and a run of each that the attacks turn on."""

    service: Service

    def __post_init__(self) -> None:
        assert self.service.bootstrapped is not None
        self._first_day = sqlite3.connect(":memory:")
        self.user = Asker(self.service, self.service.bootstrapped.token)
        self.mine = self.service.bootstrapped.tenant_id or ""
        self.theirs = self.user.do("create_tenant", "id", name="Theirs", slug="theirs")["id"]
        self.tenant = self._with_token("TENANT", self.mine)
        self.victim = self._with_token("TENANT", self.theirs)
        self.runner = self._with_token("RUNNER", self.mine)
        for asker, tenant_id in ((self.tenant, self.mine), (self.victim, self.theirs)):
            fill(asker)
            self.insert("cloud_hook", tenant_id=tenant_id, name="hook", type="web", config={}, active=True)
        # From here on the user has no part in the other tenant.
        self.sql("DELETE FROM membership WHERE tenant_id = ?", self.theirs)
        other_user = self.insert("user", username="other")
        self.insert("membership", user_id=other_user, tenant_id=self.theirs)
        self.run = self.ids(self.mine, "flow_run")[0]
        self.bound = self._with_token("RUNNER", self.mine, flow_run_id=self.run)
        with self._driver() as driver:
            driver.backup(self._first_day)

    @property
    def askers(self) -> dict[str, Asker]:
        """Who belongs to the tenant "mine"."""
        return {"USER": self.user, "TENANT": self.tenant, "RUNNER": self.runner, "bound RUNNER": self.bound}

    def _with_token(self, scope: str, tenant_id: str, **more: Any) -> Asker:
        made = self.user.do("create_api_token", "token", name="t", scope=scope, tenant_id=tenant_id, **more)
        return Asker(self.service, made["token"])

    def close(self) -> None:
        self._first_day.close()
        self.service.close()

    # ------------------------------------------------------------------------------------- behind the API

    def restore(self) -> None:
        """Undo whatever was done to the database."""
        with self._driver() as driver:
            self._first_day.backup(driver)

    @contextmanager
    def _driver(self) -> Iterator[sqlite3.Connection]:
        with self.service.database.connect(write=False) as connection:
            driver = connection.connection.driver_connection
            assert isinstance(driver, sqlite3.Connection)
            # The transaction would forbid it, and there is nothing in it.
            driver.execute("COMMIT")
            yield driver
            driver.execute("BEGIN")

    def sql(self, statement: str, *values: Any) -> None:
        with self.service.database.connect(write=True) as connection:
            connection.exec_driver_sql(statement, values)

    def insert(self, table: str, **row: Any) -> str:
        """Add a row that the API has no way to add."""
        now = self.service.database.now()
        target = metadata.tables[table]
        common = {"id": str(uuid.uuid4()), "created": now, "updated": now}
        row = {name: value for name, value in (common | row).items() if name in target.c}
        with self.service.database.connect(write=True) as connection:
            connection.execute(target.insert(), row)
        return str(row["id"])

    def dump(self, tenant_id: str | None = None) -> dict[str, list[str]]:
        """Every row of every table as text: of one tenant, with the rows that belong to none; or of all."""
        found: dict[str, list[str]] = {}
        with self._driver() as driver:
            for name, table in metadata.tables.items():
                query, values = f'SELECT * FROM "{name}"', ()
                if tenant_id is not None and (name == "tenant" or "tenant_id" in table.c):
                    query += f" WHERE {_tenant_column(table).name} = ?"
                    values = (tenant_id,)
                found[name] = sorted(map(repr, driver.execute(query, values)))
        return found

    def image(self) -> bytes:
        """The database, byte by byte; the same as long as nothing was written to it."""
        with self._driver() as driver:
            return driver.serialize()

    def rows(self, tenant_id: str, table: str) -> list[dict[str, Any]]:
        column = _tenant_column(metadata.tables[table])
        with self.service.database.connect(write=False) as connection:
            statement = select(metadata.tables[table]).where(column == tenant_id)
            return [dict(row) for row in connection.execute(statement).mappings()]

    def ids(self, tenant_id: str, table: str) -> list[str]:
        return [row["id"] for row in self.rows(tenant_id, table)]

    def own(self, table: str) -> str:
        """The id of a row of the tenant "mine"; of runs, of those that the attacks turn on."""
        if table == "user":
            return self._user("admin")
        if table == "flow_run":
            return self.run
        rows = self.rows(self.mine, table)
        return next(str(row["id"]) for row in rows if row.get("flow_run_id") in (None, self.run))

    def foreign(self, table: str) -> str:
        """The id of a row of the tenant "theirs"."""
        return self._user("other") if table == "user" else self.ids(self.theirs, table)[0]

    def _user(self, name: str) -> str:
        with self.service.database.connect(write=False) as connection:
            statement = select(metadata.tables["user"].c.id).filter_by(username=name)
            return str(connection.scalar(statement))


def _tenant_column(table: Table) -> Any:
    return table.c.id if table.name == "tenant" else table.c.tenant_id


# --------------------------------------------------------------------------------------------- plausible input

ID_TABLES = {
    "id": None,
    "archive": "flow",
    "key_id": "api_token",
    "token_id": "api_token",
    "trust_id": "oidc_trust",
    "limit_id": "task_tag_limit",
    "user_id": "user",
    **{f"{name}_id": name for name in metadata.tables},
}
"""Which table an argument's id is of; a new kind of name has to be told here."""


def table_of(path: Path, root: Root) -> str:
    """The table that the id at `path` is of."""
    name = re.sub(r"s$", "", path[-1])
    table = ID_TABLES[name]
    return table or root.name.removesuffix("_by_pk")


_TEXTS = {
    "version_group_id": "group",
    "idempotency_key": "key",
    "key": "key",
    "tag": "tag",
    "kind": "link",
    "type": "local",
    "slug": "new-tenant",
    "timezone": "UTC",
    "cron": "0 0 * * *",
    "transition_id": "transition",
    "issuer": "https://ci.example",
}
_NAMES = {"secret": "secret", "project": "project", "agent": "agent", "oidc_trust": "trust"}


def plausible(root: Root, ids: Any) -> Any:
    """A maker of values for `contract.sample` that the server has no reason to refuse.

    Args:
        root: the field.
        ids: ``ids(table)`` makes an id.
    """

    def value(path: Path, scalar: str) -> Any:
        name = path[-1]
        match scalar:
            case "UUID":
                return ids(table_of(path, root))
            case "String" if name == "serialized_flow":
                return compressed(flow())
            case "String" if name in _TEXTS:
                return _TEXTS[name]
            case "String":
                return next((text for part, text in _NAMES.items() if part in root.name), "name")
            case "JSON":
                return _json(name)
        return {
            "Int": 60,
            "Float": 1.5,
            "Boolean": True,
            "DateTime": "2100-01-01T00:00:00Z",
            "role": "RUNNER",
            "log_level": "INFO",
            "log_level_name": "INFO",
        }[scalar]

    return value


def _json(name: str) -> Any:
    match name:
        case "serialized_flow":
            return flow()
        case "serialized_tasks":
            return {"name": "c", "slug": "c-1"}
        case "serialized_edges":
            return {"upstream_task": {"slug": "a-1"}, "downstream_task": {"slug": "b-1"}, "key": "y"}
        case "state":
            return state("Running")
    return {}


def compressed(value: Any) -> str:
    return base64.b64encode(gzip.compress(json.dumps(value).encode(), mtime=0)).decode()
