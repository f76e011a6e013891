"""How large a GraphQL document may be, checked before anything is spent on validating or executing it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from graphql import FieldNode, FragmentDefinitionNode, FragmentSpreadNode, OperationDefinitionNode

from orchestra_client.errors import PayloadTooLarge

if TYPE_CHECKING:
    from graphql import DocumentNode, SelectionNode, SelectionSetNode

    from orchestra_client.server.context import Settings

MAX_TOKENS = 100_000
"""Lexical tokens of a document; a thousand aliased mutations need a third of them."""

MAX_FIELDS = 20_000
"""Fields of an operation, those of a fragment counted at each of its spreads."""

MAX_INTROSPECTION_DEPTH = 30
"""The usual introspection query is 13 deep, which a limit for data would refuse."""

INTROSPECTION_COST = 50
"""How many fields one of introspection counts for: it is answered for hundreds of types."""

_INTROSPECTION = frozenset({"__schema", "__type"})


def check_document(document: DocumentNode, settings: Settings) -> None:
    """Refuse a document that is deeper or wider than the server was set up for.

    Raises:
        PayloadTooLarge: says which limit, and what to do.
    """
    gauge = _Gauge(document)
    for operation in document.definitions:
        if isinstance(operation, OperationDefinitionNode):
            extent = gauge.of_set(operation.selection_set)
            _check(extent.depth, settings.max_depth, "levels deep")
            _check(extent.introspection_depth, MAX_INTROSPECTION_DEPTH, "levels deep")
            _check(extent.width, settings.max_aliases, "fields wide at its root")
            _check(extent.size, MAX_FIELDS, "fields large")


def _check(found: int, limit: int, what: str) -> None:
    if found > limit:
        raise PayloadTooLarge(
            f"The operation is {found} {what}; this server takes at most {limit}. Split it into several requests."
        )


class _Extent(NamedTuple):
    """How far selections reach: levels of data and of introspection, fields side by side, and fields in all."""

    depth: int = 0
    introspection_depth: int = 0
    width: int = 0
    size: int = 0


class _Gauge:
    """Measures selections, each fragment once: spreads within spreads cost nothing."""

    def __init__(self, document: DocumentNode) -> None:
        self._fragments = {
            node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
        }
        self._measured: dict[str, _Extent] = {}

    def of_set(self, selection_set: SelectionSetNode | None) -> _Extent:
        if selection_set is None or not selection_set.selections:
            return _Extent()
        depths, introspection_depths, widths, sizes = zip(
            *map(self._of_selection, selection_set.selections), strict=True
        )
        return _Extent(max(depths), max(introspection_depths), sum(widths), sum(sizes))

    def _of_selection(self, node: SelectionNode) -> _Extent:
        if isinstance(node, FragmentSpreadNode):
            return self._of_fragment(node.name.value)
        inner = self.of_set(getattr(node, "selection_set", None))
        if not isinstance(node, FieldNode):
            return inner
        if node.name.value in _INTROSPECTION:
            return _Extent(0, 1 + inner.depth, 1, INTROSPECTION_COST * (1 + inner.size))
        return _Extent(1 + inner.depth, inner.introspection_depth, 1, 1 + inner.size)

    def _of_fragment(self, name: str) -> _Extent:
        if name not in self._measured:
            # Within itself, and where it is not defined, a fragment counts as empty: validation refuses it.
            self._measured[name] = _Extent()
            if fragment := self._fragments.get(name):
                self._measured[name] = self.of_set(fragment.selection_set)
        return self._measured[name]
