"""Who asks: from the credentials of a request to a principal."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from orchestra_client.errors import AuthenticationError, ConfigurationError, PermissionDenied
from orchestra_client.server.access import accounts, jwts
from orchestra_client.server.access.keys import SigningKeys
from orchestra_client.server.access.oidc import JobLogins
from orchestra_client.server.access.tokens import digest, is_api_token
from orchestra_client.server.context import Principal
from orchestra_client.server.store.types import format_time

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, Row

    from orchestra_client.server.access.jwts import Claims
    from orchestra_client.server.context import Credentials, Settings
    from orchestra_client.server.store.database import Database
    from orchestra_client.server.vault import Vault


class Access:
    """Decides who asks and what for.

    Every request looks up the API token at the root of its credential, so that a deleted or expired one ends at
    once whatever was derived from it, and a lost membership counts from the next request.

    Safe to share between threads, not across a fork (nor is the database).

    Args:
        database: where users, memberships, tokens and signing keys are.
        vault: decrypts the signing keys.
        settings: whether to ask for a login, and how long sessions live.

    Attributes:
        keys: signs and verifies sessions.
        jobs: logs CI jobs in.
        settings: as given.
    """

    def __init__(self, database: Database, vault: Vault, settings: Settings) -> None:
        self._database = database
        self.keys = SigningKeys(vault)
        self.jobs = JobLogins(database, self.keys)
        self.settings = settings

    def now(self) -> str:
        """The time by the server's clock, in the store's text form."""
        return self._database.now()

    def authenticate(self, credentials: Credentials) -> Principal:
        """Who asks, with an API token or a session's JWT.

        A server without login takes everyone for the admin user and looks at no API token; only a session that it
        opened itself is told apart, for the tenant that it was opened for.

        Raises:
            AuthenticationError: the token is missing, unknown, deleted, expired or not sound.
            PermissionDenied: the token is good, and not for the tenant that was asked for.
        """
        with self._database.connect(write=False) as connection:
            token = credentials.token
            is_session = token is not None and not is_api_token(token)
            if self.settings.auth == "none" and not (is_session and self._is_ours(connection, token or "")):
                return self._admin(connection, credentials)
            if not token:
                raise AuthenticationError(
                    "The request has no token; send `Authorization: Bearer TOKEN` with an API token (orc_…) or a "
                    "session's access token."
                )
            if is_session:
                return self._of_session(connection, credentials, self.verify(connection, token))
            return self._of_api_token(connection, credentials, token)

    def verify(
        self,
        connection: Connection,
        token: str,
        *,
        typ: jwts.TokenType | None = None,
        is_expiry_ignored: bool = False,
    ) -> Claims:
        """The claims of a session's token, as :func:`~orchestra_client.server.access.jwts.verify` finds them.

        Raises:
            AuthenticationError: the token is not sound, or its key is not in this database.
        """
        key = self.keys.find(connection, jwts.key_id(token))
        if key is None:
            raise AuthenticationError(
                "The token is neither an API token (orc_…) nor a session's token of this server; log in again."
            )
        now = dt.datetime.fromisoformat(self.now()).timestamp()
        return jwts.verify(token, key, now=now, typ=typ, is_expiry_ignored=is_expiry_ignored)

    def _is_ours(self, connection: Connection, token: str) -> bool:
        return self.keys.find(connection, jwts.key_id(token)) is not None

    def _admin(self, connection: Connection, credentials: Credentials) -> Principal:
        rows = connection.execute(accounts.BY_USERNAME, {"value": accounts.ADMIN}).all()
        if not rows:
            raise ConfigurationError(f"The database has no user {accounts.ADMIN!r}; bootstrap it first.")
        return _principal(rows, credentials.tenant_id)

    def _of_api_token(self, connection: Connection, credentials: Credentials, token: str) -> Principal:
        rows = connection.execute(accounts.BY_DIGEST, {"value": digest(token)}).all()
        if not rows:
            raise AuthenticationError(
                "This server does not know the API token, or it was deleted; use another one."
            )
        self._check_expiry(rows[0])
        return _principal(rows, credentials.tenant_id)

    def _of_session(self, connection: Connection, credentials: Credentials, claims: Claims) -> Principal:
        rows = self._root(connection, claims)
        self._check_expiry(rows[0])
        if credentials.tenant_id and _canonical(credentials.tenant_id) != claims.tenant_id:
            raise PermissionDenied(
                f"The session works in tenant {claims.tenant_id} and the request asks for another; switch to it first."
            )
        principal = _principal(rows, claims.tenant_id)
        is_refresh = claims.typ == "refresh"
        return Principal(
            principal.role,
            # A refresh token reaches no row, whatever field it is sent to.
            tenant_id=None if is_refresh else claims.tenant_id,
            tenant_ids=() if is_refresh else principal.tenant_ids,
            user_id=principal.user_id,
            token_id=principal.token_id,
            flow_run_id=principal.flow_run_id,
            expires_at=format_time(dt.datetime.fromtimestamp(claims.exp, dt.UTC)),
            root_expires_at=principal.root_expires_at,
            oidc_trust_id=principal.oidc_trust_id,
            is_refresh=is_refresh,
        )

    def _root(self, connection: Connection, claims: Claims) -> Sequence[Row[Any]]:
        """The API token that the session was opened with; on a server without login, its user."""
        if claims.token_id is None and self.settings.auth == "none":
            rows = connection.execute(accounts.BY_USER_ID, {"value": claims.sub}).all()
        else:
            rows = connection.execute(accounts.BY_TOKEN_ID, {"value": claims.token_id}).all()
        if not rows:
            raise AuthenticationError(
                "The API token that the session was opened with is gone; log in with another."
            )
        return rows

    def _check_expiry(self, root: Row[Any]) -> None:
        if root.expires_at is not None and root.expires_at <= self.now():
            raise AuthenticationError(f"The API token expired at {root.expires_at}; use another one.")


def _principal(rows: Sequence[Row[Any]], asked_tenant: str | None) -> Principal:
    root = rows[0]
    tenant_ids = (
        tuple(row.member_of for row in rows if row.member_of) if root.scope == "USER" else (root.tenant_id,)
    )
    return Principal(
        root.scope,
        tenant_id=_tenant(tenant_ids, asked_tenant),
        tenant_ids=tenant_ids,
        user_id=root.user_id,
        token_id=root.token_id,
        flow_run_id=root.flow_run_id,
        expires_at=root.expires_at,
        root_expires_at=root.expires_at,
        oidc_trust_id=root.oidc_trust_id,
    )


def _tenant(tenant_ids: tuple[str, ...], asked: str | None) -> str | None:
    if not asked:
        return tenant_ids[0] if tenant_ids else None
    if _canonical(asked) not in tenant_ids:
        raise PermissionDenied(
            f"The token gives no access to tenant {asked[:64]!a}; it may not exist. Ask for one that it is for, or "
            "for none to act in its own."
        )
    return _canonical(asked)


def _canonical(tenant_id: str) -> str:
    return tenant_id.strip().lower()
