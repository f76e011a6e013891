"""Commands that the command advises to type next."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from orchestra_client.config import ServerSource

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestra_client.client import Client

__all__ = ["agent_start"]

_BY_ITSELF = {ServerSource.ENVIRONMENT, ServerSource.SAVED_LOGIN}


def agent_start(client: Client, labels: Sequence[str] = ()) -> str:
    """The command that starts an agent where a client is: with the options by which it finds server and tenant.

    Args:
        client: of the server and tenant that are meant.
        labels: that the agent is to have.
    """
    words = ["orchestra agent start"]
    if client._server.source not in _BY_ITSELF:
        words.append(f"--api-server {shlex.quote(client._server.url)}")
    wish = client._session.credentials.wish
    if wish is not None and wish.source == "an argument":
        words.append(f"--tenant {shlex.quote(wish.name)}")
    return " ".join([*words, *(f"--label {shlex.quote(label)}" for label in labels)])
