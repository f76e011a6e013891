"""What to do about a credential that the server does not take, or that may not do what was asked."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from orchestra_client.auth.resolution import open_store
from orchestra_client.auth.session import NOBODY, CredentialSource
from orchestra_client.config import normalize_server
from orchestra_client.errors import ConfigurationError, mask_token

if TYPE_CHECKING:
    from orchestra_client.errors import AuthenticationError, PermissionDenied

__all__ = ["is_from_environment", "log_in_advice", "of_denial", "of_refusal"]

_VARIABLE = CredentialSource.ENVIRONMENT.value


def of_refusal(error: AuthenticationError, api_server: str | None) -> str:
    """What was refused, and what to do about it.

    Args:
        error: the refusal.
        api_server: the URL that the command was given; None means what is configured.
    """
    source = error.source or ""
    told = str(error)
    if source.startswith(NOBODY):
        # None of the places in Python where it could have been matters to whoever types commands.
        told = f"{error.reason} No API token was sent: {_VARIABLE} is not set, and no login for the server is saved."
    return f"{told}\n{log_in_advice(api_server, hides_login=is_from_environment(source))}"


def of_denial(error: PermissionDenied) -> str:
    """What was denied to whom, and how to find out more."""
    sent = f" It was asked with {error.source}." if error.source else ""
    return (
        f"{error}{sent}\n`orchestra auth status` tells what it may do; for more, log in with another token by "
        "`orchestra auth login`, or ask an admin for one."
    )


def is_from_environment(source: str) -> bool:
    """Whether a credential, as it is described in errors, is that of the environment."""
    return f"from {_VARIABLE}" in source


def log_in_advice(api_server: str | None, *, hides_login: bool) -> str:
    """How to get in.

    Args:
        api_server: the server's URL; None means what is configured.
        hides_login: whether the token that was refused is the environment's, before which no login counts.
    """
    if not hides_login:
        return f"Log in with `orchestra auth login`, or set {_VARIABLE}."
    saved = _saved_token(api_server)
    if saved is None:
        return f"Set {_VARIABLE} to a token that works, or unset it and log in with `orchestra auth login`."
    return f"Unset {_VARIABLE} to use your saved login {mask_token(saved)}, or set it to a token that works."


def _saved_token(api_server: str | None) -> str | None:
    store = open_store(os.environ)
    try:
        server = api_server or os.environ.get("ORCHESTRA_API_SERVER") or store.active_server
        saved = store.load(normalize_server(server)) if server else None
    except ConfigurationError:
        # Nothing is to be hoped for from a login that cannot be read.
        return None
    return saved.api_token if saved and saved.api_token != os.environ.get(_VARIABLE) else None
