"""One operation: whether it is allowed, and what comes of each of its fields."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from graphql import (
    DocumentNode,
    GraphQLResolveInfo,
    OperationType,
    SelectionSetNode,
    execute_sync,
    get_argument_values,
)
from graphql.pyutils import Path

from orchestra_client.errors import AuthenticationError, PermissionDenied
from orchestra_client.server.characters import checked
from orchestra_client.server.failures import describe
from orchestra_client.server.invocations import Invocation, change
from orchestra_client.server.selections import TYPE_NAME, cut, plan
from orchestra_client.server.store.interruption import within
from orchestra_client.server.variables import read_variables

if TYPE_CHECKING:
    from graphql import GraphQLObjectType
    from graphql.execution.values import VariableValues
    from sqlalchemy import Connection

    from orchestra_client.server.answers import Answers
    from orchestra_client.server.context import Context
    from orchestra_client.server.documents import Operation
    from orchestra_client.server.schema import Api, RootField
    from orchestra_client.server.selections import Plan, Selected
    from orchestra_client.server.store.database import Database
    from orchestra_client.server.store.group_commit import GroupCommit

_NOTHING_IS_ASYNCHRONOUS: Any = None


@dataclass(frozen=True, slots=True)
class Parts:
    """What all operations of a server have in common."""

    api: Api
    database: Database
    writers: GroupCommit
    answers: Answers


def execute(
    parts: Parts,
    context: Context,
    operation: Operation,
    variables: dict[str, Any],
    *,
    request_id: str | None,
) -> dict[str, Any]:
    """Run an operation.

    Args:
        parts: of the server.
        context: who asks, and what resolvers are told.
        operation: what to run.
        variables: as sent.
        request_id: for the log.

    Returns:
        `data`, and `errors` when there are any.

    Raises:
        RequestRefused: the variables do not fit their types.
    """
    values = read_variables(parts.api.schema, operation, variables)
    root = parts.api.schema.get_root_type(operation.node.operation)
    # Validation refuses an operation of a type that the contract has not.
    assert root is not None
    return _Execution(parts, context, operation, root, variables, values, request_id).answer()


@dataclass(slots=True)
class _Execution:
    parts: Parts
    context: Context
    operation: Operation
    root: GraphQLObjectType
    variables: dict[str, Any]
    values: VariableValues
    request_id: str | None

    def answer(self) -> dict[str, Any]:
        selections = plan(self.operation, self.root, self.values)
        errors = [
            self._described(objection, selected)
            for selected in selections
            if (objection := self._objection(selected))
        ]
        # Nothing runs before all of it is known to be allowed.
        data = None if errors else self._data(selections, errors)
        return {"errors": errors, "data": data} if errors else {"data": data}

    def _objection(self, selected: Selected) -> Exception | None:
        principal = self.context.principal
        field = self.parts.api.fields.get((selected.parent, selected.name))
        if field.permits(principal) if field else not (principal.is_refresh or principal.is_stranger):
            return None
        if principal.is_refresh:
            return AuthenticationError(
                "This is a session's refresh token, good for refresh_token alone; send the session's access token."
            )
        bound = " that is bound to one run" if field and principal.role in field.allow else ""
        return PermissionDenied(f"A {principal.role} token{bound} may not use {selected.name}.")

    def _data(self, selections: Plan, errors: list[dict[str, Any]]) -> dict[str, Any] | None:
        if self.operation.node.operation is OperationType.MUTATION or all(
            s.name.startswith("__") for s in selections
        ):
            return self._fields(selections, errors, None)
        try:
            # All fields of a query see the same state of the database.
            with self.parts.database.connect(write=False) as connection:
                return self._fields(selections, errors, connection)
        except Exception as error:  # noqa: BLE001 (whatever it is becomes an answer)
            errors.append(describe(error, request_id=self.request_id))
            return None

    def _fields(
        self, selections: Plan, errors: list[dict[str, Any]], connection: Connection | None
    ) -> dict[str, Any] | None:
        data: dict[str, Any] = {}
        for selected in selections:
            try:
                data[selected.key] = self._value(selected, connection)
            except Exception as error:  # noqa: BLE001 (whatever it is becomes an answer)
                errors.append(self._described(error, selected))
                if selected.is_required:
                    return None
                data[selected.key] = None
        return data

    def _value(self, selected: Selected, connection: Connection | None) -> Any:
        if selected.name == TYPE_NAME:
            return selected.parent
        if selected.name.startswith("__"):
            return self._introspected(selected)
        invocation = self._invocation(selected)
        if connection is None:
            value = change(invocation, self.parts.database, self.parts.writers, self.parts.answers)
        else:
            with within(connection, self.context.budget):
                value = invocation.run(connection, now=self.parts.database.now())
        return value if invocation.field.is_shaped else cut(value, selected)

    def _invocation(self, selected: Selected) -> Invocation:
        field = self.parts.api.fields[selected.parent, selected.name]
        arguments = get_argument_values(field.definition, selected.nodes[0], self.values)
        info = self._info(selected, field)
        return Invocation(field, selected.key, self.context, info, checked(selected.name, arguments))

    def _info(self, selected: Selected, field: RootField) -> GraphQLResolveInfo[Any]:
        """What graphql-core tells resolvers; ours read from it what is selected further inside."""
        return GraphQLResolveInfo(
            field_name=selected.name,
            field_nodes=selected.nodes,
            return_type=field.definition.type,
            parent_type=self.root,
            path=Path(None, selected.key, selected.parent),
            schema=self.parts.api.schema,
            fragments=self.operation.fragments,
            root_value=None,
            operation=self.operation.node,
            variable_values=self.values,
            context=self.context,
            is_awaitable=_NOTHING_IS_ASYNCHRONOUS,
            abort_signal=None,
            async_helpers=_NOTHING_IS_ASYNCHRONOUS,
        )

    def _introspected(self, selected: Selected) -> Any:
        """The schema's description of itself, which graphql-core knows best how to give."""
        alone = replace(self.operation.node, selection_set=SelectionSetNode(selections=tuple(selected.nodes)))
        document = DocumentNode(definitions=(alone, *self.operation.fragments.values()))
        result = execute_sync(self.parts.api.schema, document, variable_values=self.variables)
        if result.errors:
            raise result.errors[0]
        return (result.data or {}).get(selected.key)

    def _described(self, error: Exception, selected: Selected) -> dict[str, Any]:
        return describe(error, path=[selected.key], nodes=selected.nodes, request_id=self.request_id)
