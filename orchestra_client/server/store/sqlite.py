"""What SQLite lacks and PostgreSQL has: JSON containment and equality, LIKE that minds case, ILIKE beyond ASCII.

Registered on every connection. The JSON rules are those of PostgreSQL's `jsonb` operators
(https://www.postgresql.org/docs/current/datatype-json.html#JSON-CONTAINMENT), so that a filter means the same on
either database. Every function is pure, and answers NULL for NULL.
"""

from __future__ import annotations

import sqlite3
import time
from typing import TYPE_CHECKING, Any

from orchestra_client.server.store import json

if TYPE_CHECKING:
    from collections.abc import Callable


def use_wal(connection: sqlite3.Connection, *, timeout: float) -> None:
    """Let readers and the writer of a file work side by side (https://sqlite.org/wal.html).

    SQLite does not wait when others make the same switch on a new file at the same moment, so this does.

    Args:
        connection: to the file, in no transaction.
        timeout: seconds to go on trying.

    Raises:
        sqlite3.OperationalError: the file stayed locked.
    """
    deadline = time.monotonic() + timeout
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
        time.sleep(0.01)


def add_functions(connection: sqlite3.Connection) -> None:
    """Make `connection` understand what the store's statements use."""
    functions: dict[str, tuple[Callable[..., Any], int]] = {
        # SQLite's own knows A to Z alone; SQLAlchemy's ILIKE is `lower(a) LIKE lower(b)` here.
        "lower": (str.lower, 1),
        "json_identity": (identity, 1),
        "json_contains": (contains, 2),
        "json_has_any": (has_any, 2),
        "json_has_all": (has_all, 2),
    }
    for name, (function, arguments) in functions.items():
        connection.create_function(name, arguments, _strict(function), deterministic=True)
    connection.execute("PRAGMA case_sensitive_like=ON")


def identity(text: str) -> str:
    """The same text for all JSON texts that are equal: neither spacing, the order of keys, nor ``1.0`` for ``1`` count."""
    return json.dumps(_normal(json.loads(text)))


def contains(whole: str, part: str) -> bool:
    """PostgreSQL's ``whole @> part``, both given as JSON text."""
    left, right = json.loads(whole), json.loads(part)
    if isinstance(left, list) and not isinstance(right, list | dict):
        return any(_contains(item, right) for item in left)
    return _contains(left, right)


def has_any(whole: str, keys: str) -> bool:
    """PostgreSQL's ``whole ?| keys``: one of the strings is a key, an item, or the value itself."""
    present = _strings(json.loads(whole))
    return any(key in present for key in json.loads(keys))


def has_all(whole: str, keys: str) -> bool:
    """PostgreSQL's ``whole ?& keys``: all of the strings are keys or items, or the value itself."""
    present = _strings(json.loads(whole))
    return all(key in present for key in json.loads(keys))


def _contains(left: Any, right: Any) -> bool:
    if isinstance(right, dict):
        return isinstance(left, dict) and all(k in left and _contains(left[k], v) for k, v in right.items())
    if isinstance(right, list):
        return isinstance(left, list) and all(any(_contains(x, item) for x in left) for item in right)
    # Python takes True for 1; JSON does not.
    return isinstance(left, bool) == isinstance(right, bool) and bool(left == right)


def _strings(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set(value)
    items = value if isinstance(value, list) else [value]
    return {item for item in items if isinstance(item, str)}


def _normal(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _normal(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        return [_normal(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _strict(function: Callable[..., Any]) -> Callable[..., Any]:
    def strict(*arguments: Any) -> Any:
        try:
            return None if None in arguments else function(*arguments)
        except RecursionError:
            # One row nested hundreds of levels deep must not fail every query that passes over it.
            return None

    return strict
