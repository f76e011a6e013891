"""Logging in as a CI job, by the token that the CI gives it: `orchestra auth login --oidc`."""

from __future__ import annotations

import os

from orchestra_client.auth.resolution import open_store
from orchestra_client.cli.logins import reason_of
from orchestra_client.cli.options import open_client
from orchestra_client.cli.output import say
from orchestra_client.cli.prompts import read_hidden
from orchestra_client.cli.replacing import see_to_replaced
from orchestra_client.cli.root import NotLoggedIn
from orchestra_client.errors import AuthenticationError

__all__ = ["log_in_with_oidc"]

_VARIABLE = "ORCHESTRA_API_TOKEN"


def log_in_with_oidc(server: str, tenant: str | None, *, audience: str | None, with_token: bool) -> None:
    """Exchange the job's token for a short login, and save that for the steps that follow.

    Args:
        server: the URL, normalized.
        tenant: slug or id of the tenant to act in; None for the server's only one.
        audience: whom GitHub is to make the token for; None means the server.
        with_token: read the job's token from stdin instead of looking for it.

    Raises:
        NotLoggedIn: the server refuses the token; what was saved before is untouched, as with every other error.
        ConfigurationError: there is no token; the message says what the CI's settings lack.
    """
    token = read_hidden("OIDC token") if with_token else None
    with open_client(server, tenant) as client:
        try:
            login = client.login_with_oidc(token, audience=audience)
        except AuthenticationError as error:
            raise NotLoggedIn(f"{reason_of(error)}\nNothing was saved.") from None
        see_to_replaced(client, open_store(os.environ), server, None, is_confirmed=True)
        client.save_api_token()
    say(
        f"Logged in to {server}, tenant {login.tenant_slug}, as {login.scope} by the trust '{login.trust}', until "
        f"{login.expires_at:%H:%M} UTC. Saved in {open_store(os.environ).path}."
    )
    if os.environ.get(_VARIABLE):
        say(f"{_VARIABLE} is set, and wins over this login; unset it.")
