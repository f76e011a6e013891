"""Trusts in issuers of CI tokens, and the login of jobs by them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, func, select

from orchestra_client.errors import BadInput, PermissionDenied, UniquenessViolation
from orchestra_client.server.access.oidc_trusts import trust_of
from orchestra_client.server.registry import mutation, query

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from orchestra_client.server.access.oidc import Job
    from orchestra_client.server.context import Context
    from orchestra_client.server.store.session import Session

Input = dict[str, Any]

MAX_TRUSTS = 100
"""Of one tenant: each of an issuer's is looked at when a stranger brings a token of it."""


@mutation("create_oidc_trust", creates=True)
def create_oidc_trust(session: Session, context: Context, input: Input) -> dict[str, Any]:  # noqa: A002
    """Let some of a CI's jobs log in to the tenant."""
    _check_lasting(context)
    if (end := context.principal.root_expires_at) is not None:
        raise PermissionDenied(
            f"The API token expires at {end}, and a trust does not; make it with a token that does not either."
        )
    trust = trust_of(input)
    trusts = session.views["oidc_trust"]
    if session.scalar(select(func.count()).select_from(trusts)) >= MAX_TRUSTS:
        raise BadInput(f"The tenant has {MAX_TRUSTS} trusts already; delete those that nobody needs.")
    same = select(trusts.c.id).where(trusts.c.name == bindparam("name"))
    if session.first(same, name=trust["name"]) is not None:
        raise UniquenessViolation(f"A trust named {trust['name']!r} exists already; choose another name.")
    [trust_id] = session.insert("oidc_trust", trust)
    return {"id": trust_id}


@mutation("delete_oidc_trust")
def delete_oidc_trust(session: Session, context: Context, input: Input) -> dict[str, Any]:  # noqa: A002
    """Let them in no more, and end at once what was logged in by the trust."""
    _check_lasting(context)
    session.require("oidc_trust", input["trust_id"])
    session.delete("oidc_trust", [input["trust_id"]])
    return {"success": True}


@query("oidc_trust")
def list_oidc_trusts(session: Session, context: Context) -> list[dict[str, Any]]:
    """The tenant's trusts."""
    trusts = session.views["oidc_trust"]
    return [dict(row) for row in session.rows(select(trusts).order_by(trusts.c.name))]


def verify_oidc_token(context: Context, input: Input) -> Job:  # noqa: A002 (the argument's name in the API)
    """Whose token it is; the issuer may have to be asked for its keys first."""
    return context.access.jobs.verify(input["token"], input.get("tenant"))


@mutation("exchange_oidc_token", creates=True, unscoped=True, prepare=verify_oidc_token)
def exchange_oidc_token(
    connection: Connection,
    context: Context,
    input: Input,  # noqa: A002 (the argument's name in the API)
    prepared: Job,
) -> dict[str, Any]:
    """Log in a job whose token was verified."""
    return context.access.jobs.admit(connection, prepared)


def _check_lasting(context: Context) -> None:
    # A trust lasts, and what a CI job gets shall not.
    if context.principal.oidc_trust_id is not None:
        raise PermissionDenied("A CI job that logged in by OIDC cannot change what is trusted; an admin can.")
