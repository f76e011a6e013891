"""What becomes of a saved login when somebody logs in anew: it is named, and not thrown away for a lesser one unasked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from orchestra_client.cli.logins import facts_of
from orchestra_client.cli.output import say
from orchestra_client.cli.terminal import can_ask
from orchestra_client.errors import ConfigurationError, OrchestraError, mask_token

if TYPE_CHECKING:
    from orchestra_client.auth.store import CredentialStore
    from orchestra_client.cli.logins import TokenFacts
    from orchestra_client.client import Client

__all__ = ["see_to_replaced"]

_WIDTH = {"RUNNER": 0, "TENANT": 1, "USER": 2}
"""How much each scope may do, compared with the others."""


def see_to_replaced(
    client: Client, store: CredentialStore, server: str, token: str | None, *, is_confirmed: bool
) -> None:
    """Tell which saved login is about to be replaced; ask, where somebody can be asked and would lose by it.

    Args:
        client: of the server.
        store: the saved logins.
        server: its URL, normalized.
        token: the new one; None for one that is not compared.
        is_confirmed: nothing is asked.

    Raises:
        click.Abort: somebody wants to keep the old one.
    """
    try:
        saved = store.load(server)
    except ConfigurationError:
        # A new login is just what helps: that the old one cannot be read must not stand in its way.
        say(f"This replaces a saved login for {server} that cannot be read.")
        return
    old = saved.api_token if saved else None
    if old is None or old == token:
        return
    loss = _loss(client, old, token) if token else None
    told = f" The new one {loss}." if loss else ""
    say(f"This replaces your saved login for {server}, with {mask_token(old)}.{told}")
    if loss and can_ask() and not is_confirmed:
        say("Nothing else keeps that token: whoever has no copy of it cannot log in with it again.")
        click.confirm("Replace it?", abort=True, err=True)


def _loss(client: Client, old: str, new: str) -> str | None:
    """What the old token can that the new one cannot; None where nothing is lost, or the old one does not work."""
    try:
        before, after = facts_of(client, old), facts_of(client, new)
    except OrchestraError:
        return None
    lost = _scopes(before, after)
    if before.expires_at is None and after.expires_at is not None:
        lost.append(f"expires at {after.expires_at:%Y-%m-%d %H:%M} UTC, where the old one does not")
    return " and ".join(lost) or None


def _scopes(before: TokenFacts, after: TokenFacts) -> list[str]:
    if _WIDTH.get(after.scope or "", 2) >= _WIDTH.get(before.scope or "", 0):
        return []
    return [f"has the scope {after.scope} instead of {before.scope}"]
