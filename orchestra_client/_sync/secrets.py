# Generated from orchestra_client/_async/secrets.py by tools/generate.py: do not edit.
"""Secrets: values that runs need and nobody else sees."""

from __future__ import annotations

from typing import Any

from orchestra_client._sync.base import Part
from orchestra_client.errors import Unsuccessful
from orchestra_client.operations import secrets
from orchestra_client.procedures.deletion import delete

__all__ = ["Secrets"]


class Secrets(Part):
    """The client's methods for secrets."""

    def set_secret(self, name: str, value: Any) -> None:
        """Set a secret, over the value it may have.

        Args:
            name: to read it by.
            value: anything that is JSON.

        Raises:
            BadInput: the name is empty, or the value is not JSON. Also a ValueError.
            Unsuccessful: the API did not set it, and did not say why. Also a ValueError.
            ClientError: the API refused it.
        """
        if not self._execute(secrets.set_secret(name, value)):
            raise Unsuccessful(f"the secret {name!r} was not set", operation="SetSecret")

    def get_secret(self, name: str) -> Any:
        """Read a secret.

        Args:
            name: the secret's name.

        Returns:
            The value.

        Raises:
            NotFound: there is no such secret in this tenant.
        """
        return self._execute(secrets.get_secret(name))

    def delete_secret(self, name: str) -> bool:
        """Delete a secret.

        Args:
            name: the secret's name.

        Returns:
            Whether it is gone.

        Raises:
            NotFound: there is no such secret in this tenant.
        """
        return self._run(delete(secrets.delete_secret(name)))

    def secret_names(self) -> list[str]:
        """List the names of all secrets.

        Returns:
            The names in alphabetical order.
        """
        return self._execute(secrets.list_secret_names())
