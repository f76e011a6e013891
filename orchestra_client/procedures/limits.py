"""Tag limits with who holds their slots."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from orchestra_client.operations import limits
from orchestra_client.records import Records
from orchestra_client.results import TagLimit

if TYPE_CHECKING:
    from orchestra_client.operation import Procedure
    from orchestra_client.results import TagSlot

__all__ = ["get_task_tag_limit", "list_task_tag_limits"]


def list_task_tag_limits(*, tells_holders: bool) -> Procedure[Records[TagLimit]]:
    """Read all limits.

    Args:
        tells_holders: whether the server tells who holds the slots.

    Returns:
        The limits in the order of their tags, `holders` being None where the server does not tell.
    """
    known: Records[TagLimit] = yield limits.list_task_tag_limits()
    if not tells_holders:
        return known
    slots: list[TagSlot] = yield limits.list_task_tag_slots()
    held = (replace(limit, holders=tuple(slot for slot in slots if slot.tag == limit.tag)) for limit in known)
    return Records(held, kind=TagLimit)


def get_task_tag_limit(tag: str) -> Procedure[int | None]:
    """Read one tag's limit; None when it has none."""
    known: Records[TagLimit] = yield limits.list_task_tag_limits(tag)
    return known[0].limit if known else None
