"""What is selected, as a flat list: fragments unfolded, `@skip` and `@include` obeyed, equal names merged.

The rules are those of the GraphQL specification, section 6.3.2 (CollectFields), for a contract that has neither
interfaces nor unions: a fragment always belongs to the type that it is spread in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphql import (
    FieldNode,
    FragmentSpreadNode,
    GraphQLIncludeDirective,
    GraphQLSkipDirective,
    InlineFragmentNode,
    get_directive_values,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from graphql import FragmentDefinitionNode, SelectionNode, SelectionSetNode
    from graphql.execution.values import VariableValues


def collect(
    sets: Iterable[SelectionSetNode],
    fragments: Mapping[str, FragmentDefinitionNode],
    variables: VariableValues,
) -> dict[str, list[FieldNode]]:
    """The selected fields by their names in the answer, in order; those of one name are merged.

    Args:
        sets: of one object, from one or several places of the document.
        fragments: of the document, by name.
        variables: which `@skip` and `@include` may depend on.
    """
    fields: dict[str, list[FieldNode]] = {}
    for node in _Flattening(fragments, variables).fields(sets):
        fields.setdefault((node.alias or node.name).value, []).append(node)
    return fields


def selection_sets(nodes: Iterable[FieldNode]) -> list[SelectionSetNode]:
    """What several places of a document select of one field."""
    return [node.selection_set for node in nodes if node.selection_set]


class _Flattening:
    """Walks through the selections of one object; each named fragment counts once."""

    def __init__(self, fragments: Mapping[str, FragmentDefinitionNode], variables: VariableValues) -> None:
        self._fragments = fragments
        self._variables = variables
        self._spread: set[str] = set()

    def fields(self, sets: Iterable[SelectionSetNode]) -> Iterator[FieldNode]:
        for node in (node for each in sets for node in each.selections if self._is_included(node)):
            if isinstance(node, FieldNode):
                yield node
            elif isinstance(node, InlineFragmentNode):
                yield from self.fields([node.selection_set])
            elif isinstance(node, FragmentSpreadNode) and node.name.value not in self._spread:
                self._spread.add(node.name.value)
                yield from self.fields([self._fragments[node.name.value].selection_set])

    def _is_included(self, node: SelectionNode) -> bool:
        if not node.directives:
            return True
        skip = get_directive_values(GraphQLSkipDirective, node, self._variables)
        include = get_directive_values(GraphQLIncludeDirective, node, self._variables)
        return not (skip and skip["if"]) and (include is None or include["if"])
