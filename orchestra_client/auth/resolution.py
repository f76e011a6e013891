"""Which server, as whom: what the arguments, the context, the environment and the saved login say together."""

from __future__ import annotations

import logging
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestra_client.config import ServerChoice, ServerSource, context, flag, home, resolve_server
from orchestra_client.errors import ConfigurationError

from .os_keyring import KeyringTokens
from .session import Credentials, CredentialSource, TenantWish
from .store import CredentialStore, SavedLogin

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Login", "checked_token", "open_store", "resolve_login", "saved_anew"]

_log = logging.getLogger("orchestra_client")


@dataclass(frozen=True, slots=True)
class Login:
    """What a client starts with.

    Attributes:
        server: the server to talk to.
        credentials: as whom.
        store: where a login can be saved.
    """

    server: ServerChoice
    credentials: Credentials
    store: CredentialStore


def open_store(environ: Mapping[str, str], *, use_keyring: bool | None = None) -> CredentialStore:
    """The saved logins of this user; nothing is read or created yet.

    Args:
        environ: the environment variables.
        use_keyring: keep tokens in the operating system's keyring; unset means what `ORCHESTRA_KEYRING` says.

    Raises:
        ConfigurationError: `ORCHESTRA_KEYRING` is neither on nor off.
    """
    if use_keyring is None:
        use_keyring = flag(environ, "ORCHESTRA_KEYRING")
    return CredentialStore(home(environ), keeper=KeyringTokens if use_keyring else None)


def resolve_login(
    api_server: str | None,
    api_token: str | None,
    environ: Mapping[str, str],
    *,
    store: CredentialStore | None = None,
) -> Login:
    """Find out which server is meant and as whom, and say the server in one log line.

    The token is the first of: the argument, `context.api_token`, `ORCHESTRA_API_TOKEN`, the saved login for that very
    server. The tenant is `ORCHESTRA_TENANT`, or else that of the saved login when its token is used. An embedded server
    asks for no login: variables count there only when `ORCHESTRA_API_SERVER` names that very store, for a token or a
    tenant of some server elsewhere would lock people out of their own.

    Args:
        api_server: the client's argument.
        api_token: the client's argument.
        environ: the environment variables.
        store: the saved logins; unset means those that :func:`open_store` finds.

    Raises:
        ConfigurationError: the server or the token makes no sense, nothing is configured in CI, or the saved login
            is needed and cannot be read.
    """
    store = store or open_store(environ)
    server = resolve_server(api_server, environ, saved=lambda: store.active_server)
    return Login(server, _credentials(server, api_token, environ, store), store)


def _credentials(
    server: ServerChoice, api_token: str | None, environ: Mapping[str, str], store: CredentialStore
) -> Credentials:
    if server.is_embedded and server.source is not ServerSource.ENVIRONMENT:
        environ = {}
    wish = _tenant(environ.get("ORCHESTRA_TENANT"))
    for token, source in (
        (api_token, CredentialSource.ARGUMENT),
        (context.get("api_token"), CredentialSource.CONTEXT),
        (environ.get("ORCHESTRA_API_TOKEN"), CredentialSource.ENVIRONMENT),
    ):
        if token:
            return Credentials(checked_token(token, source), source, wish=wish)
    saved = None if server.is_embedded else store.load(server.url)
    return Credentials(wish=wish) if saved is None else _from_saved(saved, wish, store)


def _from_saved(saved: SavedLogin, wish: TenantWish | None, store: CredentialStore) -> Credentials:
    if not saved.api_token:
        return Credentials(wish=wish)
    source = CredentialSource.SAVED_LOGIN
    if wish is None and saved.tenant_id:
        wish = TenantWish(saved.tenant_id, saved.tenant_slug, source.value)
    return Credentials(checked_token(saved.api_token, source), source, wish=wish, location=str(store.path))


def saved_anew(current: Credentials, server: str, store: CredentialStore) -> Credentials | None:
    """The saved login, where somebody has logged in with another token since; None where nothing is new.

    Args:
        current: what a client uses. Only credentials that came from the saved login are ever replaced by it.
        server: the URL, as it is saved.
        store: the saved logins.

    Raises:
        ConfigurationError: the saved login cannot be read.
    """
    if current.source is not CredentialSource.SAVED_LOGIN:
        return None
    saved = store.load(server)
    if saved is None or saved.api_token in {None, current.api_token}:
        return None
    wish = current.wish
    is_own = wish is not None and wish.source != CredentialSource.SAVED_LOGIN.value
    return _from_saved(saved, wish if is_own else None, store)


def _tenant(name: str | None) -> TenantWish | None:
    """The tenant of `ORCHESTRA_TENANT`, which may be a UUID or a slug."""
    name = (name or "").strip()
    if not name:
        return None
    try:
        return TenantWish(str(uuid.UUID(name)), None, "ORCHESTRA_TENANT")
    except ValueError:
        return TenantWish(None, name, "ORCHESTRA_TENANT")


def checked_token(token: str, source: CredentialSource) -> str:
    """The token without the line break that a file or a paste adds.

    Args:
        token: as it was given.
        source: where, for messages.

    Raises:
        ConfigurationError: it cannot be a token; the message does not show it.
    """
    if not isinstance(token, str):
        raise ConfigurationError(f"An API token is text, not {type(token).__name__} ({source.value}).")
    token = token.strip()
    if not token:
        raise ConfigurationError(f"The API token from {source.value} is empty.")
    if not token.isascii() or not token.isprintable() or " " in token:
        raise ConfigurationError(
            f"The API token from {source.value} holds a space or another character that no token has; copy it again."
        )
    return token
