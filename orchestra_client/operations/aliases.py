"""Many calls of one mutation in one request, for an API that has only the singular form.

Each call is a field of its own under an alias ``i0``, ``i1``, …; each fails or succeeds by itself.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

from orchestra_client.failures import error_of, root_errors
from orchestra_client.operation import Operation, Repeat

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from orchestra_client.errors import OrchestraError

__all__ = ["MAX_ALIASES", "aliased", "chunks"]

T = TypeVar("T")

MAX_ALIASES = 250
"""How many calls share a request: servers bound the fields of one, ours at 1000."""


def aliased(
    field: str,
    inputs: Sequence[dict[str, Any]],
    selection: str,
    read: Callable[[dict[str, Any] | None, OrchestraError | None], T],
    repeat: Repeat = Repeat.SAFE,
) -> Operation[list[T]]:
    """One request that calls a mutation once for each input.

    Args:
        field: the mutation's field; its input type is called like it, with ``_input``.
        inputs: at most `MAX_ALIASES`, in order.
        selection: what to select of each answer.
        read: makes a result of an input's answer, and of its error when there was one.
        repeat: whether the whole may be sent again.

    Returns:
        The operation; its result has one item for each input, in their order.
    """
    variables = {f"i{index}": given for index, given in enumerate(inputs)}
    name = "".join(part.capitalize() for part in field.split("_")) + "s"

    def parse(body: dict[str, Any]) -> list[T]:
        if refused := root_errors(body):
            raise error_of(refused, operation=name)
        data, errors = body.get("data") or {}, _errors_by_alias(body.get("errors") or ())
        return [read(data.get(alias), _error(field, errors.get(alias))) for alias in variables]

    text = _text(name, field, len(inputs), selection)
    return Operation(name, variables, parse, repeat, text=text, tolerant=True)


def chunks(items: Sequence[T], size: int = MAX_ALIASES) -> Iterator[Sequence[T]]:
    """The items in slices of at most `size`, in order."""
    return (items[start : start + size] for start in range(0, len(items), size))


@lru_cache(maxsize=64)
def _text(name: str, field: str, number: int, selection: str) -> str:
    declared = ", ".join(f"$i{index}: {field}_input!" for index in range(number))
    called = "\n".join(f"  i{index}: {field}(input: $i{index}) {selection}" for index in range(number))
    return f"mutation {name}({declared}) {{\n{called}\n}}"


def _errors_by_alias(errors: Sequence[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {error["path"][0]: error for error in errors if error.get("path")}


def _error(field: str, error: dict[str, Any] | None) -> OrchestraError | None:
    return None if error is None else error_of([error], operation=field)
