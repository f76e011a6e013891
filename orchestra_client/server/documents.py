"""Documents: parsed, checked against the limits and the schema, and remembered."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeVar

from graphql import (
    FragmentDefinitionNode,
    GraphQLSyntaxError,
    ListTypeNode,
    NamedTypeNode,
    NonNullTypeNode,
    OperationDefinitionNode,
    parse,
    validate,
)
from graphql.validation.validate import ValidationAbortedError

from orchestra_client.errors import BadInput, PayloadTooLarge
from orchestra_client.server.failures import RequestRefused
from orchestra_client.server.limits import MAX_TOKENS, check_document
from orchestra_client.server.variables import Variable, declared

if TYPE_CHECKING:
    from graphql import DefinitionNode, DocumentNode, GraphQLSchema, TypeNode

    from orchestra_client.server.context import Settings
    from orchestra_client.server.selections import Plan

MAX_ERRORS = 20
"""Validation errors that are reported of one document."""

MAX_LENGTH = 4 * 1024 * 1024
"""Characters of a document; the parser looks at each of them, which it is spared with values in variables."""

MAX_REMEMBERED = 512
"""Documents kept ready."""

MAX_REMEMBERED_LENGTH = 32 * 1024
"""Characters of a document that is worth keeping."""

# Older clients write the types of variables as the old server's database named them.
_OLDER_NAMES = {"uuid": "UUID", "jsonb": "JSON", "json": "JSON", "timestamptz": "DateTime"}


@dataclass(slots=True)
class Operation:
    """An operation of a valid document, with what is worked out of it once.

    Attributes:
        node: the operation.
        fragments: of its document, by name.
        variables: what it declares.
        is_conditional: may hold `@skip` or `@include`, so that what is selected depends on the variables.
        plan: what it selects, kept here by whoever finds out.
    """

    node: OperationDefinitionNode
    fragments: dict[str, FragmentDefinitionNode]
    variables: tuple[Variable, ...]
    is_conditional: bool
    plan: Plan | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """A valid document.

    Attributes:
        operations: by name; an operation without one is under None.
    """

    operations: dict[str | None, Operation]

    def operation(self, name: str | None) -> Operation:
        """The operation to execute.

        Args:
            name: may be left out when there is just one.

        Raises:
            BadInput: there is none of that name, or a choice without a name.
        """
        if not name and len(self.operations) == 1:
            return next(iter(self.operations.values()))
        if name in self.operations:
            return self.operations[name]
        known = ", ".join(str(known) for known in self.operations) or "none"
        raise BadInput(
            f"The document has no operation {name!r}; operationName must be one of: {known}."
            if name
            else f"The document has several operations; name one of them in operationName: {known}."
        )


@dataclass(slots=True)
class Documents:
    """Reads documents, and remembers those it is given again.

    A document is kept from its second use on, so that clients that write ids into their documents, each of which
    is then new, push none out that others use all the time. Safe to share between threads.

    Attributes:
        schema: what documents must fit.
        settings: the limits on their size.
    """

    schema: GraphQLSchema
    settings: Settings
    _kept: OrderedDict[str, Document] = field(default_factory=OrderedDict)
    _seen: OrderedDict[int, None] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def read(self, text: str) -> Document:
        """The document of a text.

        Raises:
            RequestRefused: it cannot be parsed, or does not fit the schema.
            PayloadTooLarge: it is larger or deeper than the limits.
        """
        with self._lock:
            document = self._kept.get(text)
            if document is not None:
                self._kept.move_to_end(text)
                return document
        document = _read(text, self.schema, self.settings)
        if len(text) <= MAX_REMEMBERED_LENGTH:
            self._remember(text, document)
        return document

    def _remember(self, text: str, document: Document) -> None:
        with self._lock:
            if hash(text) in self._seen:
                _put(self._kept, text, document, MAX_REMEMBERED)
            else:
                _put(self._seen, hash(text), None, 8 * MAX_REMEMBERED)


_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


def _put(recent: OrderedDict[_Key, _Value], key: _Key, value: _Value, size: int) -> None:
    recent[key] = value
    if len(recent) > size:
        recent.popitem(last=False)


def _read(text: str, schema: GraphQLSchema, settings: Settings) -> Document:
    node = _parse(text)
    check_document(node, settings)
    node = replace(node, definitions=tuple(map(_with_own_types, node.definitions)))
    if errors := validate(schema, node, max_errors=MAX_ERRORS):
        if isinstance(errors[0], ValidationAbortedError):
            raise PayloadTooLarge("The document takes too long to validate. Split it into several requests.")
        raise RequestRefused("GRAPHQL_VALIDATION_FAILED", errors)
    fragments = {d.name.value: d for d in node.definitions if isinstance(d, FragmentDefinitionNode)}
    operations = {
        definition.name.value if definition.name else None: Operation(
            definition, fragments, declared(schema, definition), is_conditional="@" in text
        )
        for definition in node.definitions
        if isinstance(definition, OperationDefinitionNode)
    }
    return Document(operations)


def _parse(text: str) -> DocumentNode:
    if len(text) > MAX_LENGTH:
        raise PayloadTooLarge(
            f"The document has {len(text)} characters of at most {MAX_LENGTH}; put values into variables."
        )
    try:
        return parse(text, max_lexical_tokens=MAX_TOKENS)
    except GraphQLSyntaxError as error:
        # The parser ends so where a limit was met, its own on nesting included.
        if error.message.endswith("Parsing aborted."):
            raise PayloadTooLarge(error.message) from None
        raise RequestRefused("GRAPHQL_PARSE_FAILED", [error]) from None


def _with_own_types(definition: DefinitionNode) -> DefinitionNode:
    """The definition with the types of its variables under the names that the contract has for them."""
    if not isinstance(definition, OperationDefinitionNode) or not definition.variable_definitions:
        return definition
    variables = tuple(replace(node, type=_own_type(node.type)) for node in definition.variable_definitions)
    return replace(definition, variable_definitions=variables)


def _own_type(node: TypeNode) -> TypeNode:
    if isinstance(node, NamedTypeNode):
        name = _OLDER_NAMES.get(node.name.value, node.name.value)
        return replace(node, name=replace(node.name, value=name))
    assert isinstance(node, (ListTypeNode, NonNullTypeNode))
    # A renamed type is a list, or not, as it was before.
    return replace(node, type=_own_type(node.type))  # type: ignore[arg-type]
