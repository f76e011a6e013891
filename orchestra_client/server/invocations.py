"""Resolvers called: with a session or a bare connection, in which transaction, and creations only once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import DBAPIError, IntegrityError

from orchestra_client.errors import BadInput
from orchestra_client.server.answers import Repeatable
from orchestra_client.server.store.session import Session

if TYPE_CHECKING:
    from graphql import GraphQLResolveInfo
    from sqlalchemy import Connection

    from orchestra_client.server.answers import Answers
    from orchestra_client.server.context import Context
    from orchestra_client.server.schema import RootField
    from orchestra_client.server.store.database import Database
    from orchestra_client.server.store.group_commit import GroupCommit

# PostgreSQL ends one of two transactions that wait for each other.
_DEADLOCK = "40P01"


@dataclass(frozen=True, slots=True)
class Invocation:
    """A root field with everything its resolver is told, but the transaction.

    Attributes:
        field: what is asked for.
        key: its name in the answer.
        context: who asks.
        info: where the document asks for it.
        arguments: coerced and checked.
    """

    field: RootField
    key: str
    context: Context
    info: GraphQLResolveInfo[Any]
    arguments: dict[str, Any]

    def run(self, connection: Connection, *, now: str) -> Any:
        """The resolver's value.

        Args:
            connection: an open transaction.
            now: its time.

        Raises:
            BadInput: it writes, and there is no tenant to write for.
        """
        target: Any = connection
        resolver, scope = self.field.resolver, self.context.principal.scope
        if not resolver.unscoped:
            if resolver.writes and scope.tenant_id is None:
                raise BadInput("The request acts in no tenant; join one, or make one with create_tenant.")
            target = Session(connection, scope, now=now, can_write=resolver.writes)
        return self.field.call(target, self.context, self.info, self.arguments)

    def prepared(self) -> Invocation:
        """The same, with what its resolver wants to know beforehand; call it outside of any transaction."""
        prepare = self.field.resolver.prepare
        if prepare is None:
            return self
        value = prepare(self.context, **self.arguments)
        return replace(self, arguments={**self.arguments, "prepared": value})

    @property
    def repeatable(self) -> Repeatable | None:
        """How a repeat of it is recognised; None for what creates nothing, or came without an Idempotency-Key."""
        key = self.context.credentials.idempotency_key
        if not (key and self.field.resolver.creates):
            return None
        return Repeatable.of(self.context.principal, key, self.key, self.info.field_name, self.arguments)


def change(invocation: Invocation, database: Database, writers: GroupCommit, answers: Answers) -> Any:
    """The value of a mutation, whose changes are kept or undone as one; of a repeated creation, its first answer."""
    repeatable = invocation.repeatable
    invocation = invocation.prepared()

    def work(connection: Connection) -> Any:
        if repeatable and (kept := answers.find(connection, repeatable)):
            return kept[0]
        now = database.now()
        value = invocation.run(connection, now=now)
        if repeatable:
            answers.keep(connection, repeatable, value, now=now)
        return value

    try:
        return writers.run(work)
    except DBAPIError as error:
        if not _is_lost_race(error):
            raise
        # Nothing of it is left, and what the other one made is there now.
        return writers.run(work)


def _is_lost_race(error: DBAPIError) -> bool:
    """Whether another transaction came first with the same; PostgreSQL lets both begin."""
    return isinstance(error, IntegrityError) or getattr(error.orig, "sqlstate", None) == _DEADLOCK
