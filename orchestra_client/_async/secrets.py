"""Secrets: values that runs need and nobody else sees."""

from __future__ import annotations

from typing import Any

from orchestra_client._async.base import AsyncPart
from orchestra_client.errors import Unsuccessful
from orchestra_client.operations import secrets
from orchestra_client.procedures.deletion import delete

__all__ = ["AsyncSecrets"]


class AsyncSecrets(AsyncPart):
    """The client's methods for secrets."""

    async def set_secret(self, name: str, value: Any) -> None:
        """Set a secret, over the value it may have.

        Args:
            name: to read it by.
            value: anything that is JSON.

        Raises:
            BadInput: the name is empty, or the value is not JSON. Also a ValueError.
            Unsuccessful: the API did not set it, and did not say why. Also a ValueError.
            ClientError: the API refused it.
        """
        if not await self._execute(secrets.set_secret(name, value)):
            raise Unsuccessful(f"the secret {name!r} was not set", operation="SetSecret")

    async def get_secret(self, name: str) -> Any:
        """Read a secret.

        Args:
            name: the secret's name.

        Returns:
            The value.

        Raises:
            NotFound: there is no such secret in this tenant.
        """
        return await self._execute(secrets.get_secret(name))

    async def delete_secret(self, name: str) -> bool:
        """Delete a secret.

        Args:
            name: the secret's name.

        Returns:
            Whether it is gone.

        Raises:
            NotFound: there is no such secret in this tenant.
        """
        return await self._run(delete(secrets.delete_secret(name)))

    async def secret_names(self) -> list[str]:
        """List the names of all secrets.

        Returns:
            The names in alphabetical order.
        """
        return await self._execute(secrets.list_secret_names())
