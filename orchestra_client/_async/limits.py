"""Tag limits: how many task runs with a tag may be Running at once, and which are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestra_client._async.base import AsyncPart
from orchestra_client.errors import Unsuccessful
from orchestra_client.operations import limits as operations
from orchestra_client.procedures import limits
from orchestra_client.procedures.deletion import delete

if TYPE_CHECKING:
    from orchestra_client.operations.checks import Id
    from orchestra_client.records import Records
    from orchestra_client.results import TagLimit

__all__ = ["AsyncLimits"]


class AsyncLimits(AsyncPart):
    """The client's methods for tag limits."""

    async def get_task_tag_limit(self, tag: str) -> int | None:
        """Read how many task runs with a tag may be Running at once.

        Args:
            tag: the tag.

        Returns:
            The limit, or None when the tag has none.
        """
        return await self._run(limits.get_task_tag_limit(tag))

    async def task_tag_limits(self) -> Records[TagLimit]:
        """Read all limits, and who holds their slots.

        Returns:
            The limits in the order of their tags. `holders` is None for servers that do not tell.
        """
        return await self._run(
            limits.list_task_tag_limits(tells_holders=await self._server_has("task_tag_slots"))
        )

    async def update_task_tag_limit(self, tag: str, limit: int) -> str:
        """Set how many task runs with a tag may be Running at once; those that are Running go on.

        Args:
            tag: the tag; it need not have a limit yet.
            limit: at least 0, which lets none start.

        Returns:
            The id of the limit, to delete it with.

        Raises:
            BadInput: the limit is negative, or the tag empty. Also a ValueError.
            ClientError: the API refused it.
        """
        return await self._execute(operations.update_task_tag_limit(tag, limit))

    async def delete_task_tag_limit(self, limit_id: Id) -> None:
        """Delete a limit: any number of task runs with its tag may run again.

        Args:
            limit_id: the limit's id, from `task_tag_limits`.

        Raises:
            NotFound: there is no such limit in this tenant.
            BadInput: the id is no UUID. Also a ValueError.
            Unsuccessful: the API did not delete it, and did not say why. Also a ValueError.
            ClientError: the API refused it.
        """
        if not await self._run(delete(operations.delete_task_tag_limit(limit_id))):
            raise Unsuccessful(f"the limit {limit_id} was not deleted", operation="DeleteTaskTagLimit")
