"""What an operation selects, worked out once per document, and answers cut to it.

The contract has neither interfaces nor unions, so each selection belongs to one known type.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from graphql import GraphQLObjectType, get_named_type, is_non_null_type

from orchestra_client.server.collecting import collect, selection_sets

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from graphql import FieldNode, FragmentDefinitionNode, SelectionSetNode
    from graphql.execution.values import VariableValues

    from orchestra_client.server.documents import Operation

TYPE_NAME = "__typename"


@dataclass(frozen=True, slots=True)
class Selected:
    """One selected field.

    Attributes:
        key: its name in the answer.
        name: its name in the contract.
        nodes: where the document selects it; several nodes are merged.
        parent: the name of the type it belongs to.
        is_required: the contract says that it is never null.
        inner: what is selected of it in turn; None for a scalar.
    """

    key: str
    name: str
    nodes: list[FieldNode]
    parent: str
    is_required: bool
    inner: Plan | None


Plan = tuple[Selected, ...]


def plan(operation: Operation, root: GraphQLObjectType, variables: VariableValues) -> Plan:
    """What `operation` selects of `root`; remembered with the operation unless it depends on the variables."""
    if operation.plan is not None:
        return operation.plan
    made = _Planner(operation.fragments, variables).plan([operation.node.selection_set], root)
    if not operation.is_conditional:
        operation.plan = made
    return made


class _Planner:
    def __init__(self, fragments: Mapping[str, FragmentDefinitionNode], variables: VariableValues) -> None:
        self._fragments = fragments
        self._variables = variables

    def plan(self, sets: Iterable[SelectionSetNode], parent: GraphQLObjectType) -> Plan:
        merged = collect(sets, self._fragments, self._variables)
        return tuple(self._selected(key, nodes, parent) for key, nodes in merged.items())

    def _selected(self, key: str, nodes: list[FieldNode], parent: GraphQLObjectType) -> Selected:
        name = nodes[0].name.value
        if name.startswith("__"):
            return Selected(key, name, nodes, parent.name, is_required=False, inner=None)
        type_ = parent.fields[name].type
        named = get_named_type(type_)
        inner = None
        if isinstance(named, GraphQLObjectType):
            inner = self.plan(selection_sets(nodes), named)
        return Selected(key, name, nodes, parent.name, is_non_null_type(type_), inner)


def cut(value: Any, selected: Selected) -> Any:
    """A resolver's value with just what was selected of it.

    Args:
        value: a scalar, a mapping by the contract's names, a list of either, or None.
        selected: the field it is the value of.

    Raises:
        LookupError: something that the contract says is never null is missing.
    """
    if value is None:
        if selected.is_required:
            raise LookupError(f"no value for {selected.parent}.{selected.name}")
        return None
    if selected.inner is None:
        return value
    if isinstance(value, (list, tuple)):
        return [_cut_object(item, selected.inner) for item in value]
    return _cut_object(value, selected.inner)


def _cut_object(value: Mapping[str, Any], inner: Plan) -> dict[str, Any]:
    return {
        selected.key: selected.parent
        if selected.name == TYPE_NAME
        else cut(value.get(selected.name), selected)
        for selected in inner
    }
