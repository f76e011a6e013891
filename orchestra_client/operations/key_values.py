"""Key values: small JSON documents that runs share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestra_client.operation import Operation
from orchestra_client.operations import checks
from orchestra_client.operations.answers import first, id_of, mutated

if TYPE_CHECKING:
    from orchestra_client.operations.checks import Id

__all__ = ["delete_key_value", "find_key_value", "list_keys", "set_key_value"]


def set_key_value(key: str, value: Any) -> Operation[str]:
    """Write a value under a key; the result is the pair's id."""
    given = {"key": checks.filled(key, "key"), "value": checks.json_value(value, "value")}
    return Operation("set_key_value", {"input": given}, id_of)


def find_key_value(key: str) -> Operation[tuple[str, Any]]:
    """Read a key; the result is the pair's id and the value."""
    where = {"key": {"_eq": checks.filled(key, "key")}}
    parse = first(f"key {key!r}", lambda row: (row["id"], row["value"]))
    return Operation("find_key_value", {"where": where}, parse)


def delete_key_value(key_value_id: Id) -> Operation[bool]:
    """Delete a pair by its id; the result is whether it worked."""
    given = {"key_value_id": checks.uuid(key_value_id, "key_value_id")}
    return Operation("delete_key_value", {"input": given}, mutated)


def list_keys() -> Operation[list[str]]:
    """List all keys in alphabetical order."""
    return Operation("list_keys", {}, lambda rows: [row["key"] for row in rows])
