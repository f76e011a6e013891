"""Tag limits: how many task runs with a tag may be Running at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from orchestra_client.errors import BadInput
from orchestra_client.server import checks
from orchestra_client.server.registry import mutation

if TYPE_CHECKING:
    from orchestra_client.server.context import Context
    from orchestra_client.server.store.session import Session

Input = dict[str, Any]


@mutation("update_task_tag_limit")
def update_task_tag_limit(session: Session, context: Context, input: Input) -> dict[str, Any]:  # noqa: A002
    """Set the limit of a tag, which need not have one yet; 0 stops the tag."""
    tag = checks.name(input["tag"], "tag")
    if input["limit"] < 0:
        raise BadInput("A tag limit must be at least 0; 0 lets no task run with the tag start.")
    limits = session.views["task_tag_limit"]
    existing = session.first(select(limits.c.id).where(limits.c.tag == tag))
    if existing is None:
        [limit_id] = session.insert("task_tag_limit", {"tag": tag, "limit": input["limit"]})
        return {"id": limit_id}
    session.update("task_tag_limit", {"id": existing["id"], "limit": input["limit"]})
    return {"id": existing["id"]}


@mutation("delete_task_tag_limit")
def delete_task_tag_limit(session: Session, context: Context, input: Input) -> dict[str, Any]:  # noqa: A002
    """Let any number of task runs with the tag run again."""
    session.require("task_tag_limit", input["limit_id"], lock=True)
    session.delete("task_tag_limit", [input["limit_id"]])
    return {"success": True}
