"""The first start: what an empty database needs before anyone can log in."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, or_, select, text

from orchestra_client.errors import ConfigurationError
from orchestra_client.server.access import tenants
from orchestra_client.server.access.accounts import ADMIN, BY_DIGEST, BY_USERNAME
from orchestra_client.server.access.keys import SigningKeys
from orchestra_client.server.access.tokens import digest, is_strong, make_token
from orchestra_client.server.store.tables import api_token, user

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row

    from orchestra_client.server.context import Settings
    from orchestra_client.server.store.database import Database
    from orchestra_client.server.vault import Vault

VARIABLE = "ORCHESTRA_BOOTSTRAP_TOKEN"
"""The environment variable from which a server takes `token`."""

# Any number, as long as every server process names the same lock.
_POSTGRESQL_LOCK = text("SELECT pg_advisory_xact_lock(7271053811490251)")


@dataclass(frozen=True, slots=True)
class Bootstrapped:
    """What there is after a start.

    Attributes:
        tenant_id: the admin user's default tenant, or the oldest of theirs; None when they are in none any more.
        user_id: the admin user.
        token: the API token that this start added, to be shown or saved now or never; None when it added none.
    """

    tenant_id: str | None
    user_id: str
    token: str | None


def bootstrap(
    database: Database, vault: Vault, settings: Settings, *, token: str | None = None
) -> Bootstrapped:
    """Set up a migrated database, and check that the vault's key is the one it was set up with.

    An empty database gets the tenant "Default", the user "admin" in it, and a signing key. Whenever the server asks
    for a login and the admin has no USER API token that works, one named "bootstrap" is made: at the first start,
    and at the first with a login on a database that was used without. Repeating it changes nothing, also from
    several processes at once.

    A given `token` works after every start: where the database does not know it, it is added, even if somebody
    deleted it before. Earlier bootstrap tokens go on working until they are deleted.

    Args:
        database: migrated.
        vault: encrypts the signing key.
        settings: of the server, for whether it asks for a login.
        token: from ``ORCHESTRA_BOOTSTRAP_TOKEN``; random when one is needed and none given.

    Raises:
        ConfigurationError: `token` is too short, has another form, or is known with a lesser scope or an expiry; or
            the vault's key is not the one that encrypted the database.
    """
    if token is not None and not is_strong(token):
        raise ConfigurationError(
            f"{VARIABLE} must be orc_ followed by at least 32 letters, digits, dashes or underscores that nobody can "
            "guess, such as orc_$(openssl rand -hex 32)."
        )
    keys = SigningKeys(vault)
    with database.connect(write=False) as connection:
        admin = _admin(connection)
        if (
            admin
            and keys.check(connection)
            and _has_token(connection, database, settings, admin.user_id, token)
        ):
            return Bootstrapped(admin.member_of, admin.user_id, None)
    with database.connect(write=True) as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(_POSTGRESQL_LOCK)
        keys.current(connection, now=database.now())
        return _complete(connection, database, settings, token)


def _complete(
    connection: Connection, database: Database, settings: Settings, token: str | None
) -> Bootstrapped:
    """Add what is missing; another process may have been faster since we looked."""
    if _admin(connection) is None:
        _make_admin(connection, now=database.now())
    admin = _admin(connection)
    assert admin is not None
    if _has_token(connection, database, settings, admin.user_id, token):
        return Bootstrapped(admin.member_of, admin.user_id, None)
    token = token or make_token()
    row = {
        "id": str(uuid.uuid4()),
        "created": database.now(),
        "name": "bootstrap",
        "scope": "USER",
        "user_id": admin.user_id,
        "digest": digest(token),
    }
    connection.execute(insert(api_token), row)
    return Bootstrapped(admin.member_of, admin.user_id, token)


def _admin(connection: Connection) -> Row[Any] | None:
    return connection.execute(BY_USERNAME, {"value": ADMIN}).first()


def _make_admin(connection: Connection, *, now: str) -> None:
    user_id = str(uuid.uuid4())
    row = {"id": user_id, "created": now, "updated": now, "username": ADMIN}
    connection.execute(insert(user), row)
    tenants.create(connection, now=now, name="Default", slug="default", user_id=user_id)


def _has_token(
    connection: Connection, database: Database, settings: Settings, user_id: str, token: str | None
) -> bool:
    """Whether the given token works; without one, whether anybody can log in where a login is asked for."""
    if token is not None:
        return _is_known(connection, token)
    if settings.auth == "none":
        return True
    is_live = or_(api_token.c.expires_at.is_(None), api_token.c.expires_at > database.now())
    live = select(api_token.c.id).where(api_token.c.user_id == user_id, api_token.c.scope == "USER", is_live)
    return connection.execute(live.limit(1)).first() is not None


def _is_known(connection: Connection, token: str) -> bool:
    known = connection.execute(BY_DIGEST, {"value": digest(token)}).first()
    if known is not None and (known.scope != "USER" or known.expires_at is not None):
        raise ConfigurationError(
            f"{VARIABLE} is already the {known.scope} token {known.token_id} with its own scope and expiry; choose "
            "another, or unset it."
        )
    return known is not None
