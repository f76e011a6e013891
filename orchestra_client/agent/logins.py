"""By which login an agent's clients act, and what becomes of it when somebody logs in anew."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING
from weakref import WeakSet

from orchestra_client.errors import ConfigurationError

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

    def open(self) -> Client:
        """Open a client, which the caller closes.

        Raises:
            ConfigurationError: no server is configured, or the one that is makes no sense.
        """
        client = self._open_client()
        self._clients.add(client)
        return client

    def renew(self) -> bool:
        """Read the saved login again, where the clients act by it.

        Returns:
            Whether it has another token than before, by which they act now.
        """
        # All of them, not the first alone.
        renewed = [self._is_renewed(client) for client in list(self._clients)]
        return any(renewed)

    @staticmethod
    def _is_renewed(client: Client) -> bool:
        from orchestra_client.auth.resolution import saved_anew  # noqa: PLC0415 - only where a token was refused

        session = client._session
        try:
            login = saved_anew(session.credentials, client._server.url, client._store)
        except ConfigurationError as error:
            _log.warning("The saved login cannot be read again: %s", error)
            return False
        if login is None:
            return False
        session.adopt(login)
        return True
