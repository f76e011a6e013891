"""Secrets: JSON values that runs read by name, unreadable at rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, select

from orchestra_client.errors import BadInput, NotFound
from orchestra_client.server import checks
from orchestra_client.server.registry import mutation, query

if TYPE_CHECKING:
    from sqlalchemy import RowMapping

    from orchestra_client.server.context import Context
    from orchestra_client.server.store.session import Session

Input = dict[str, Any]


@mutation("set_secret")
def set_secret(session: Session, context: Context, input: Input) -> dict[str, Any]:  # noqa: A002
    """Write a secret, over the one of that name.

    Null is refused: who reads it could not tell it from a secret without a value, and old clients refuse it, too.
    """
    name = checks.name(input["name"], "secret's name")
    if input.get("value") is None:
        raise BadInput("A secret needs a value other than null; to remove the secret, use delete_secret.")
    ciphertext = context.vault.encrypt_json(input["value"])
    existing = _find(session, name)
    if existing is None:
        session.insert("secret", {"name": name, "ciphertext": ciphertext})
    else:
        session.update("secret", {"id": existing["id"], "ciphertext": ciphertext})
    return {"success": True}


@mutation("delete_secret")
def delete_secret(session: Session, context: Context, input: Input) -> dict[str, Any]:  # noqa: A002
    """Forget a secret."""
    existing = _find(session, checks.name(input["name"], "secret's name"))
    if existing is None:
        raise NotFound("No secret has this name; secret_names lists those there are.")
    session.delete("secret", [existing["id"]])
    return {"success": True}


@query("secret_value")
def secret_value(session: Session, context: Context, name: str) -> Any:
    """The value of a secret.

    Raises:
        NotFound: there is none of that name; older clients recognise this very message.
    """
    existing = _find(session, name.strip())
    if existing is None:
        raise NotFound("No value found for the requested key")
    return context.vault.decrypt_json(existing["ciphertext"])


@query("secret_names")
def secret_names(session: Session, context: Context) -> list[str]:
    """The names of the tenant's secrets, in order."""
    secrets = session.views["secret"]
    return [row["name"] for row in session.rows(select(secrets.c.name).order_by(secrets.c.name))]


def _find(session: Session, name: str) -> RowMapping | None:
    secrets = session.views["secret"]
    statement = select(secrets.c.id, secrets.c.ciphertext).where(secrets.c.name == bindparam("name"))
    return session.first(statement, name=name)
