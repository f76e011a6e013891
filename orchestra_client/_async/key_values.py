"""Key values: small JSON documents that runs share."""

from __future__ import annotations

from typing import Any

from orchestra_client._async.base import AsyncPart
from orchestra_client.operations import key_values as operations
from orchestra_client.procedures import key_values

__all__ = ["AsyncKeyValues"]


class AsyncKeyValues(AsyncPart):
    """The client's methods for key values."""

    async def set_key_value(self, key: str, value: Any) -> str:
        """Write a value under a key, over the one that is there.

        Args:
            key: not empty.
            value: anything that is JSON.

        Returns:
            The id of the pair.

        Raises:
            BadInput: the key is empty, or the value is not JSON.
        """
        return await self._execute(operations.set_key_value(key, value))

    async def get_key_value(self, key: str) -> Any:
        """Read the value under a key.

        Args:
            key: the key.

        Returns:
            The value.

        Raises:
            NotFound: there is no such key in this tenant.
        """
        _, value = await self._execute(operations.find_key_value(key))
        return value

    async def delete_key_value(self, key: str) -> bool:
        """Forget a key and its value.

        Args:
            key: the key.

        Returns:
            Whether it is gone.

        Raises:
            NotFound: there is no such key in this tenant.
        """
        return await self._run(key_values.delete_key_value(key))

    async def key_names(self) -> list[str]:
        """List all keys.

        Returns:
            The keys in alphabetical order.
        """
        return await self._execute(operations.list_keys())
