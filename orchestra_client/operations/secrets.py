"""Secrets: values that runs need and nobody else sees."""

from __future__ import annotations

from typing import Any

from orchestra_client.operation import Operation
from orchestra_client.operations import checks
from orchestra_client.operations.answers import mutated

__all__ = ["delete_secret", "get_secret", "list_secret_names", "set_secret"]


def set_secret(name: str, value: Any) -> Operation[bool]:
    """Set a secret; the result is whether it worked."""
    given = {"name": checks.filled(name, "name"), "value": checks.json_value(value, "value")}
    return Operation("set_secret", {"input": given}, mutated)


def get_secret(name: str) -> Operation[Any]:
    """Read a secret's value."""
    return Operation("get_secret", {"name": checks.filled(name, "name")}, lambda value: value)


def delete_secret(name: str) -> Operation[bool]:
    """Delete a secret; the result is whether it worked."""
    return Operation("delete_secret", {"input": {"name": checks.filled(name, "name")}}, mutated)


def list_secret_names() -> Operation[list[str]]:
    """List the secrets' names."""
    return Operation("list_secret_names", {}, sorted)
