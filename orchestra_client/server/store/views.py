"""What a principal can see of each table and change in it: the one place where tenants are kept apart.

Resolvers never meet a table. They build their statements from the views below, each a subquery that already
holds its criterion, so no join, filter or nested relationship can reach another tenant's row. The ids to compare
with are bound by the session that runs the statement.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import BindParameter, ColumnElement, Subquery, Table, bindparam, false, or_, select, true
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from orchestra_client.server.store import tables as t

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.sql.compiler import SQLCompiler

TENANT: BindParameter[str] = bindparam("scope_tenant_id", required=True)
TENANTS: BindParameter[list[str]] = bindparam("scope_tenant_ids", required=True, expanding=True)
FLOW_RUN: BindParameter[str] = bindparam("scope_flow_run_id", required=True)

_PRIVATE = {"user", "membership", "api_token", "signing_key", "answer", "service_lease", "used_oidc_token"}


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose rows a session may touch.

    Attributes:
        tenant_id: the tenant that everything but the list of tenants is confined to; None sees nothing.
        tenant_ids: the tenants that can be listed.
        flow_run_id: the single run that a run's own token is confined to; None for all of the tenant.
    """

    tenant_id: str | None
    tenant_ids: tuple[str, ...] = ()
    flow_run_id: str | None = None

    @property
    def parameters(self) -> dict[str, object]:
        """The values of the views' bound parameters."""
        return {
            "scope_tenant_id": self.tenant_id,
            "scope_tenant_ids": list(self.tenant_ids),
            "scope_flow_run_id": self.flow_run_id,
        }


class Views:
    """One subquery per table, named as the table is: ``views["flow_run"].c.state``."""

    def __init__(self, criterion: Callable[[Table], ColumnElement[bool]]) -> None:
        self._subqueries = {
            name: select(table).where(criterion(table)).subquery(name)
            for name, table in t.metadata.tables.items()
            if name not in _PRIVATE
        }

    def __getitem__(self, table: str) -> Subquery:
        return self._subqueries[table]


class _OneInAHundred(FunctionElement[Any]):
    """A condition, with a hint for SQLite about how many rows meet it.

    Left alone, SQLite believes that ten rows equal any value of an indexed column: it looked for fifty ids among all
    the rows of their tenant instead of by primary key. With one row in a hundred it takes what is better: the primary
    key or a reference, else the tenant's index by state and time. PostgreSQL counts for itself and is told nothing.
    """

    name = "one_in_a_hundred"
    inherit_cache = True


@compiles(_OneInAHundred)
def _without_hint(element: _OneInAHundred, compiler: SQLCompiler, **options: Any) -> str:
    return compiler.process(element.clauses, **options)


@compiles(_OneInAHundred, "sqlite")
def _with_hint(element: _OneInAHundred, compiler: SQLCompiler, **options: Any) -> str:
    return f"likelihood({compiler.process(element.clauses, **options)}, 0.01)"


def tenant_criterion(table: Table) -> ColumnElement[bool]:
    """The rows of the scope's tenant; of the table of tenants, those that the scope lists."""
    return table.c.id.in_(TENANTS) if table is t.tenant else _OneInAHundred(table.c.tenant_id == TENANT)


def run_criterion(table: Table) -> ColumnElement[bool]:
    """The rows that one run needs to read: its own, its flow's, cached task runs, secrets and key values."""
    own_flow = select(t.flow.c.id).where(t.flow.c.id == _of_run(t.flow_run.c.flow_id)).scalar_subquery()
    needed: dict[Table, ColumnElement[bool]] = {
        t.flow: t.flow.c.id == _of_run(t.flow_run.c.flow_id),
        t.flow_group: t.flow_group.c.id == _of_flow(t.flow.c.flow_group_id),
        t.project: t.project.c.id == _of_flow(t.flow.c.project_id),
        t.task: t.task.c.flow_id == own_flow,
        t.edge: t.edge.c.flow_id == own_flow,
        t.task_run: or_(t.task_run.c.flow_run_id == FLOW_RUN, t.task_run.c.state == "Cached"),
        t.flow_run_state: t.flow_run_state.c.flow_run_id == FLOW_RUN,
        t.secret: true(),
        t.tenant: true(),
    }
    return tenant_criterion(table) & needed.get(table, _run_owned(table))


def run_write_criterion(table: Table) -> ColumnElement[bool]:
    """The rows that one run may change: its own and its tenant's key values."""
    return tenant_criterion(table) & _run_owned(table)


def _run_owned(table: Table) -> ColumnElement[bool]:
    owned: dict[Table, ColumnElement[bool]] = {
        t.flow_run: t.flow_run.c.id == FLOW_RUN,
        t.task_run: t.task_run.c.flow_run_id == FLOW_RUN,
        t.task_run_state: t.task_run_state.c.task_run_id.in_(_own_task_runs()),
        t.task_run_artifact: t.task_run_artifact.c.task_run_id.in_(_own_task_runs()),
        t.log: t.log.c.flow_run_id == FLOW_RUN,
        t.key_value: true(),
    }
    return owned.get(table, false())


def _of_run(column: ColumnElement[str]) -> ColumnElement[str]:
    return select(column).where(t.flow_run.c.id == FLOW_RUN).scalar_subquery()


def _of_flow(column: ColumnElement[str]) -> ColumnElement[str]:
    return select(column).where(t.flow.c.id == _of_run(t.flow_run.c.flow_id)).scalar_subquery()


def _own_task_runs() -> ColumnElement[str]:
    return select(t.task_run.c.id).where(t.task_run.c.flow_run_id == FLOW_RUN).scalar_subquery()


@cache
def views_for(*, run_bound: bool) -> Views:
    """The views of a whole tenant, or of a token that is bound to one run."""
    return Views(run_criterion if run_bound else tenant_criterion)


@cache
def writable_views_for(*, run_bound: bool) -> Views:
    """The views of what may also be changed: less than `views_for` for a token that is bound to one run."""
    return Views(run_write_criterion) if run_bound else views_for(run_bound=False)


@cache
def write_criterion(table: Table, *, run_bound: bool) -> ColumnElement[bool]:
    """Which rows of `table` may be updated or deleted."""
    return run_write_criterion(table) if run_bound else tenant_criterion(table)
