"""By which login an agent's clients act, and what becomes of it when somebody logs in anew."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING
from weakref import WeakSet

from orchestra_client.errors import ConfigurationError, OrchestraError

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestra_client.client import Client

__all__ = ["Logins"]

_log = logging.getLogger("orchestra_client.agent")


class Logins:
    """Opens the clients of an agent, and gives them the token of a later login. Safe to share between threads.

    Args:
        open_client: opens one.
    """

    def __init__(self, open_client: Callable[[], Client]) -> None:
        self._open_client = open_client
        self._clients: WeakSet[Client] = WeakSet()
        self._tenant_id: str | None = None

    def open(self) -> Client:
        """Open a client, which the caller closes.

        Raises:
            ConfigurationError: no server is configured, or the one that is makes no sense.
        """
        client = self._open_client()
        self._clients.add(client)
        return client

    def learn(self, client: Client) -> None:
        """Take note of the tenant in which the agent's runs are: no later login shall lead elsewhere."""
        self._tenant_id = _tenant_of(client)

    def renew(self) -> bool:
        """Read the saved login again, where the clients act by it.

        Returns:
            Whether it has another token than before, by which they act now.
        """
        # All of them, not the first alone.
        renewed = [self._is_renewed(client) for client in list(self._clients)]
        return any(renewed)

    def _is_renewed(self, client: Client) -> bool:
        from orchestra_client.auth.resolution import saved_anew  # noqa: PLC0415 - only where a token was refused

        session = client._session
        before = session.credentials.as_before()
        try:
            login = saved_anew(session.credentials, client._server.url, client._store)
        except ConfigurationError as error:
            _log.warning("The saved login cannot be read again: %s", error)
            return False
        if login is None:
            return False
        session.adopt(login)
        tenant_id = _tenant_of(client)
        if None not in {tenant_id, self._tenant_id} and tenant_id != self._tenant_id:
            # There, the runs under way would look as if they had been deleted, and be ended.
            session.adopt(before)
            _log.error(
                "The saved login is for another tenant (%s) than that of this agent's runs (%s), so it is not used.",
                tenant_id,
                self._tenant_id,
            )
            return False
        return True


def _tenant_of(client: Client) -> str | None:
    """The id of the tenant in which a client acts; None where the server does not tell."""
    try:
        answer = client.graphql("query auth_info { auth_info { tenant_id } }")
    except OrchestraError:
        return None
    tenant_id: str | None = answer.data.auth_info.tenant_id
    return tenant_id
