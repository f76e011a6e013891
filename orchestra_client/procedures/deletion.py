"""Deleting something, when the answer to an earlier attempt may have been lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestra_client.errors import NotFound

if TYPE_CHECKING:
    from orchestra_client.operation import Operation, Procedure

__all__ = ["delete"]


def delete(operation: Operation[bool]) -> Procedure[bool]:
    """Delete something; gone on a repeat is as good as deleted.

    Args:
        operation: deletes it, and raises `NotFound` when it is not there.

    Returns:
        Whether it is gone because of this call.
    """
    try:
        deleted: bool = yield operation
    except NotFound as error:
        if error.was_repeated:
            # It was there for the first attempt, whose answer was lost.
            return True
        raise
    return deleted
