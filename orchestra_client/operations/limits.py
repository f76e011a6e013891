"""Tag limits: how many task runs with a tag may be Running at once, and which are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestra_client.operation import Operation
from orchestra_client.operations import checks
from orchestra_client.operations.answers import id_of, moment, mutated
from orchestra_client.records import Records
from orchestra_client.results import TagLimit, TagSlot

if TYPE_CHECKING:
    from orchestra_client.operations.checks import Id

__all__ = ["delete_task_tag_limit", "list_task_tag_limits", "list_task_tag_slots", "update_task_tag_limit"]


def update_task_tag_limit(tag: str, limit: int) -> Operation[str]:
    """Set a tag's limit; the result is the limit's id."""
    given = {"tag": checks.filled(tag, "tag"), "limit": checks.count(limit, "limit")}
    return Operation("update_task_tag_limit", {"input": given}, id_of)


def delete_task_tag_limit(limit_id: Id) -> Operation[bool]:
    """Delete a tag's limit; the result is whether it worked."""
    given = {"limit_id": checks.uuid(limit_id, "limit_id")}
    return Operation("delete_task_tag_limit", {"input": given}, mutated)


def list_task_tag_limits(tag: str | None = None) -> Operation[Records[TagLimit]]:
    """Read all limits, or that of one tag; without their holders."""
    where = {} if tag is None else {"tag": {"_eq": checks.filled(tag, "tag")}}
    return Operation(
        "list_task_tag_limits",
        {"where": where},
        lambda rows: Records((TagLimit(**row) for row in rows), kind=TagLimit),
    )


def list_task_tag_slots(tag: str | None = None) -> Operation[list[TagSlot]]:
    """Read who holds the slots of all limited tags, or of one."""
    return Operation("list_task_tag_slots", {"tag": tag}, lambda rows: [_slot(row) for row in rows])


def _slot(row: dict[str, Any]) -> TagSlot:
    times = {name: moment(row[name]) for name in ("since", "heartbeat")}
    return TagSlot(**{**row, **times})
