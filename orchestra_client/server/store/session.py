"""A session: one transaction of one principal, the only way for a resolver to reach the store."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, delete, insert, select, update

from orchestra_client.errors import NotFound
from orchestra_client.server.store import tables as t
from orchestra_client.server.store.ids import new_id
from orchestra_client.server.store.views import views_for, writable_views_for, write_criterion

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from sqlalchemy import BindParameter, Connection, CursorResult, Executable, RowMapping, Select
    from sqlalchemy.sql import Delete, Insert, Update

    from orchestra_client.server.store.views import Scope, Views


class Session:
    """Reads and writes rows inside one transaction, within one scope.

    Not safe to share between threads. Made by :class:`~orchestra_client.server.store.database.Database`, which
    commits when its block ends and rolls back when it raises.

    Attributes:
        scope: whose rows can be reached.
        views: what to build SELECT statements from, one per table.
        writable: the views of the rows that may also be changed; a row that another is to hang on is looked up here.
        tenant_views: the views of all of the tenant, also for a token that is bound to one run: for rules that count
            across runs, never for an answer.
        now: the transaction's time, in the store's text form; every row written carries the same.
        can_write: whether the transaction holds the right to write.
    """

    def __init__(self, connection: Connection, scope: Scope, *, now: str, can_write: bool) -> None:
        self._connection = connection
        self._run_bound = scope.flow_run_id is not None
        self._parameters = scope.parameters
        self.scope = scope
        self.now = now
        self.can_write = can_write
        self.views: Views = views_for(run_bound=self._run_bound)
        self.tenant_views: Views = views_for(run_bound=False)
        self.writable: Views = writable_views_for(run_bound=self._run_bound)

    @property
    def dialect(self) -> str:
        """The database's kind: ``"sqlite"`` or ``"postgresql"``."""
        return self._connection.dialect.name

    # ------------------------------------------------------------------------------------------ reading

    def rows(self, statement: Select[Any], **parameters: object) -> Sequence[RowMapping]:
        """All rows of a SELECT built from `views`."""
        return self._execute(statement, parameters).mappings().all()

    def first(self, statement: Select[Any], **parameters: object) -> RowMapping | None:
        """The first row of a SELECT built from `views`, or None."""
        return self._execute(statement, parameters).mappings().first()

    def scalar(self, statement: Select[Any], **parameters: object) -> Any:
        """The first column of the first row of a SELECT built from `views`, or None."""
        return self._execute(statement, parameters).scalar()

    def get(self, table: str, id: str, *, lock: bool = False) -> RowMapping | None:  # noqa: A002 (the column's name)
        """One row by its id, or None where there is none in this scope.

        Args:
            table: the table's name.
            id: the row's id.
            lock: only a row that the scope may change, held until the transaction ends (by PostgreSQL;
                SQLite's writer holds them all).
        """
        if lock:
            return self.first(_held_by_id(table, run_bound=self._run_bound), key=id)
        return self.first(_by_id(self.views, table), id=id)

    def require(self, table: str, id: str, *, lock: bool = False) -> RowMapping:  # noqa: A002 (the column's name)
        """One row by its id.

        Raises:
            NotFound: there is no such row in this scope; another tenant's row counts as none.
        """
        row = self.get(table, id, lock=lock)
        if row is None:
            raise NotFound(f"No {table.replace('_', ' ')} has the ID {id}.")
        return row

    def hold(self, table: str, ids: Collection[str], *columns: str) -> Sequence[RowMapping]:
        """Rows that the scope may change, by their ids, held until the transaction ends (by PostgreSQL).

        All are held in the order of their ids, so that two who hold the same rows do not wait for each other.

        Args:
            table: the table's name.
            ids: of the rows.
            columns: which to read, `id` among them; none means all.

        Returns:
            One row for each id, in the order of the ids as text.

        Raises:
            NotFound: one of them is not in this scope; another tenant's row counts as none.
        """
        rows = self.rows(_held_by_ids(table, columns, run_bound=self._run_bound), keys=list(ids))
        if missing := set(ids) - {row["id"] for row in rows}:
            raise NotFound(f"No {table.replace('_', ' ')} has the ID {min(missing)}.")
        return rows

    # ------------------------------------------------------------------------------------------ writing

    def insert(self, table: str, *rows: Mapping[str, object]) -> list[str]:
        """Add rows, all with the same columns; ids, tenant and times are filled in where they are not given.

        The rows that a new row refers to must have been found with this session before.

        Returns:
            The ids, in the order of `rows`.
        """
        if not rows:
            return []
        columns = t.metadata.tables[table].c
        common = {"tenant_id": self.scope.tenant_id, "created": self.now}
        if "updated" in columns:
            common["updated"] = self.now
        filled = [{"id": new_id(), **common, **row, "tenant_id": self.scope.tenant_id} for row in rows]
        self._connection.execute(_insert(table), filled)
        return [str(row["id"]) for row in filled]

    def update(self, table: str, *rows: Mapping[str, object]) -> int:
        """Change rows of this scope by id; each row names its `id` and the same columns as its fellows.

        Returns:
            How many rows were found and changed.
        """
        if not rows:
            return 0
        changed = sorted(rows[0].keys() - {"id"})
        statement = _update(table, tuple(changed), run_bound=self._run_bound)
        parameters = [
            {**self._parameters, "row_id": row["id"], "updated": self.now, **{c: row[c] for c in changed}}
            for row in rows
        ]
        return self._connection.execute(statement, parameters).rowcount

    def delete(self, table: str, ids: Collection[str]) -> int:
        """Remove rows of this scope by id, with what hangs on them.

        Returns:
            How many there were.
        """
        if not ids:
            return 0
        statement = _delete(table, run_bound=self._run_bound)
        return self._connection.execute(statement, {**self._parameters, "keys": list(ids)}).rowcount

    def _execute(self, statement: Executable, parameters: Mapping[str, object]) -> CursorResult[Any]:
        return self._connection.execute(statement, {**self._parameters, **parameters})


# Statements are built once: SQLAlchemy then finds its compiled form by identity instead of by structure.


@cache
def _by_id(views: Views, table: str) -> Select[Any]:
    return select(views[table]).where(views[table].c.id == bindparam("id"))


@cache
def _held_by_id(table: str, *, run_bound: bool) -> Select[Any]:
    target = t.metadata.tables[table]
    criterion = write_criterion(target, run_bound=run_bound)
    return select(target).where(target.c.id == bindparam("key"), criterion).with_for_update()


@cache
def _held_by_ids(table: str, columns: tuple[str, ...], *, run_bound: bool) -> Select[Any]:
    target = t.metadata.tables[table]
    criterion = write_criterion(target, run_bound=run_bound)
    among = target.c.id.in_(bindparam("keys", expanding=True))
    wanted = (target.c[name] for name in columns or target.c.keys())
    return select(*wanted).where(among, criterion).order_by(target.c.id).with_for_update()


@cache
def _insert(table: str) -> Insert:
    return insert(t.metadata.tables[table])


@cache
def _update(table: str, changed: tuple[str, ...], *, run_bound: bool) -> Update:
    target = t.metadata.tables[table]
    values: dict[Any, BindParameter[Any]] = {target.c[name]: bindparam(name) for name in changed}
    if "updated" in target.c:
        values[target.c.updated] = bindparam("updated")
    criterion = write_criterion(target, run_bound=run_bound)
    return update(target).where(target.c.id == bindparam("row_id"), criterion).values(values)


@cache
def _delete(table: str, *, run_bound: bool) -> Delete:
    target = t.metadata.tables[table]
    criterion = write_criterion(target, run_bound=run_bound)
    return delete(target).where(target.c.id.in_(bindparam("keys", expanding=True)), criterion)
