"""Checks of input that several resolvers share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestra_client.errors import BadInput, NotFound

if TYPE_CHECKING:
    from orchestra_client.server.store.session import Session

MAX_NAME = 255
"""Characters of a name, slug, tag or key: what PostgreSQL can keep in an index, whatever the characters."""


def own_tenant(session: Session, input: dict[str, Any]) -> None:  # noqa: A002 (the argument's name in the API)
    """Older clients repeat the tenant in their input; it must be the one the request acts in.

    Raises:
        NotFound: it is another.
    """
    tenant_id = input.get("tenant_id")
    if tenant_id is not None and tenant_id != session.scope.tenant_id:
        raise NotFound(
            f"No tenant has the ID {tenant_id}, or the request acts in another; log in to it first."
        )


def name(value: str, what: str) -> str:
    """A name without surrounding blanks.

    Raises:
        BadInput: nothing remains, or more than `MAX_NAME` characters.
    """
    value = value.strip()
    if not value:
        raise BadInput(f"The {what} must not be empty.")
    return bounded(value, f"The {what}")


def bounded(value: str, what: str) -> str:
    """A text that others are looked up by, as it is.

    Raises:
        BadInput: it has more than `MAX_NAME` characters.
    """
    if len(value) > MAX_NAME:
        raise BadInput(f"{what} must have at most {MAX_NAME} characters; it has {len(value)}.")
    return value
