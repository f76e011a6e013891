"""Tenants and the users in them, as far as credentials are concerned."""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from orchestra_client.errors import BadInput, UniquenessViolation
from orchestra_client.server import checks
from orchestra_client.server.store.tables import membership, tenant, user

if TYPE_CHECKING:
    from sqlalchemy import Connection

_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def create(connection: Connection, *, now: str, name: str, slug: str, user_id: str) -> str:
    """Make a tenant with its first member.

    Args:
        connection: a write transaction.
        now: the time.
        name: for people.
        slug: for addresses and commands: lower-case letters and digits, in groups joined by single dashes.
        user_id: who becomes a member; where they have no default tenant yet, this one is it.

    Returns:
        The tenant's id.

    Raises:
        BadInput: the name or the slug is empty, too long, or the slug has other characters.
        UniquenessViolation: another tenant has the slug.
    """
    name = checks.name(name, "tenant's name")
    if not _SLUG.fullmatch(slug) or len(slug) > checks.MAX_NAME:
        raise BadInput(
            f"The tenant's slug must be lower-case letters and digits in groups joined by single dashes, like "
            f"my-team, at most {checks.MAX_NAME} characters."
        )
    tenant_id = str(uuid.uuid4())
    row = {"id": tenant_id, "created": now, "updated": now, "name": name, "slug": slug, "settings": {}}
    try:
        connection.execute(insert(tenant), row)
    except IntegrityError:
        raise UniquenessViolation(
            f"A tenant with the slug {slug!r} exists already; choose another."
        ) from None
    _join(connection, now=now, user_id=user_id, tenant_id=tenant_id)
    return tenant_id


def account(connection: Connection, user_id: str) -> dict[str, Any]:
    """A user as the contract's `user`: with memberships, each with its tenant."""
    person = connection.execute(select(user).where(user.c.id == user_id)).mappings().one()
    statement = (
        select(membership, tenant)
        .join_from(membership, tenant)
        .where(membership.c.user_id == user_id)
        .order_by(membership.c.created, membership.c.id)
    )
    memberships = [
        {
            **{column.name: row[column] for column in membership.c},
            "tenant": {column.name: row[column] for column in tenant.c},
        }
        for row in connection.execute(statement).mappings()
    ]
    default = next((m for m in memberships if m["id"] == person["default_membership_id"]), None)
    return {**person, "memberships": memberships, "default_membership": default}


def all_ids(connection: Connection) -> list[str]:
    """The ids of all tenants, for services that look after each in turn."""
    return list(connection.scalars(select(tenant.c.id).order_by(tenant.c.id)))


def _join(connection: Connection, *, now: str, user_id: str, tenant_id: str) -> None:
    row = {"id": str(uuid.uuid4()), "created": now, "user_id": user_id, "tenant_id": tenant_id}
    connection.execute(insert(membership), row)
    is_homeless = user.c.default_membership_id.is_(None)
    connection.execute(
        update(user)
        .where(user.c.id == user_id, is_homeless)
        .values(default_membership_id=row["id"], updated=now)
    )
