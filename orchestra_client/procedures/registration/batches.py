"""Putting flows together into requests of a bounded size."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

__all__ = ["batches", "size_of"]

T = TypeVar("T")


def batches(
    items: Iterable[T], size: Callable[[T], int], *, max_size: int, max_items: int
) -> Iterator[list[T]]:
    """The items in lists, in order; one that is larger than a list may be has a list of its own.

    Args:
        items: taken one by one, no further than to the first that does not fit.
        size: of an item.
        max_size: of a list's items together.
        max_items: of a list.
    """
    batch: list[T] = []
    total = 0
    for item in items:
        weight = size(item)
        if batch and (total + weight > max_size or len(batch) == max_items):
            yield batch
            batch, total = [], 0
        batch.append(item)
        total += weight
    if batch:
        yield batch


def size_of(document: Mapping[str, Any]) -> int:
    """The bytes of a serialized flow's JSON, more or less."""
    return len(json.dumps(document, default=str))
