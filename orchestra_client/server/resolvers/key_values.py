"""Key values: small JSON documents that runs share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from orchestra_client.server import checks
from orchestra_client.server.registry import mutation

if TYPE_CHECKING:
    from orchestra_client.server.context import Context
    from orchestra_client.server.store.session import Session

Input = dict[str, Any]


@mutation("set_key_value")
def set_key_value(session: Session, context: Context, input: Input) -> dict[str, Any]:  # noqa: A002
    """Write a value under a key, over the one that is there."""
    key = checks.name(input["key"], "key")
    pairs = session.views["key_value"]
    existing = session.first(select(pairs.c.id).where(pairs.c.key == key))
    if existing is None:
        [pair_id] = session.insert("key_value", {"key": key, "value": input.get("value")})
        return {"id": pair_id}
    session.update("key_value", {"id": existing["id"], "value": input.get("value")})
    return {"id": existing["id"]}


@mutation("delete_key_value")
def delete_key_value(session: Session, context: Context, input: Input) -> dict[str, Any]:  # noqa: A002
    """Forget a key and its value."""
    session.require("key_value", input["key_value_id"], lock=True)
    session.delete("key_value", [input["key_value_id"]])
    return {"success": True}
