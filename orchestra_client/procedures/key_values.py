"""Key values by their keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestra_client.operations import key_values
from orchestra_client.procedures.deletion import delete

if TYPE_CHECKING:
    from orchestra_client.operation import Procedure

__all__ = ["delete_key_value"]


def delete_key_value(key: str) -> Procedure[bool]:
    """Forget a key and its value.

    Raises:
        NotFound: there is no such key.
    """
    key_value_id, _ = yield key_values.find_key_value(key)
    return (yield from delete(key_values.delete_key_value(key_value_id)))
