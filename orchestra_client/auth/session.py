"""The credential that a client's threads or tasks share, and when it has to be renewed.

`Credentials` does no I/O and takes no lock. It is one immutable snapshot behind one reference: reading is a single
attribute access, so any number of threads may read while one writes. Writers (`accept`, `expire`, `drop`, `want`, `become`) are
called by the client's driver while it holds the client's one lock.

The driver's part, in both colours (``lock`` is a `threading.Lock` or an `asyncio.Lock`)::

    step = credentials.next_step(clock())           # None nearly always: no lock is taken for it
    if step:
        async with lock:
            step = credentials.next_step(clock())   # another task may have done it meanwhile
            if step:
                await self._renew(step)             # runs the `login` or `refresh` procedure, then accept()

    ticket = credentials.ticket                     # the bearer and its generation, one consistent pair
    response = await send(request, bearer=ticket.bearer)
    credentials.learn(response.headers.get("date"), clock())

    if is_unauthenticated(response) and not replayed:
        async with lock:
            if credentials.ticket.generation == ticket.generation:   # nobody has renewed since we sent
                step = credentials.renewal                           # "refresh", "login" or None: nothing to try
                …run it as above, or raise AuthenticationError(credentials.describe())
        …send once more with the new ticket; a second refusal is final

`_renew("refresh")` sends `refresh_token` with ``credentials.session.refresh_token`` as its bearer. Refused, it calls
`expire()`, after which `next_step` and `renewal` say "login" (the API token buys a new session for the same tenant).
`_renew("login")` sends `switch_tenant` with ``credentials.api_token`` as its bearer, looking the tenant up by its slug
first when `wish.tenant_id` is None. Requests that belong to a renewal are sent with the bearer that the procedure
names, never through the steps above. Because the generation is compared under the lock, a hundred tasks that are
refused at the same moment renew once.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum
from typing import TYPE_CHECKING, Literal

from orchestra_client.errors import mask_token

from . import tokens

if TYPE_CHECKING:
    from .tokens import TenantSession

__all__ = ["NOBODY", "CredentialSource", "Credentials", "Step", "TenantWish", "Ticket"]

Step = Literal["login", "refresh"]

# How often the server's clock is compared with ours, in seconds of ours.
_LEARNING_INTERVAL = 60.0


class CredentialSource(Enum):
    """Where an API token came from; the value is how a message says it."""

    ARGUMENT = "the api_token argument"
    CONTEXT = "orchestra_client.context"
    ENVIRONMENT = "ORCHESTRA_API_TOKEN"
    PROMPT = "the prompt"
    SAVED_LOGIN = "the saved login"
    OIDC = "the login by OIDC"
    NONE = "nowhere"


@dataclass(frozen=True, slots=True)
class TenantWish:
    """The tenant to log in to, before there is a session for it.

    Attributes:
        tenant_id: its UUID, or None when only the slug is known.
        tenant_slug: its slug, or None when only the id is known.
        source: who wishes, for messages (``"ORCHESTRA_TENANT"``).
    """

    tenant_id: str | None
    tenant_slug: str | None
    source: str

    @property
    def name(self) -> str:
        """The tenant as a message names it."""
        return self.tenant_slug or self.tenant_id or "?"


@dataclass(frozen=True, slots=True)
class Ticket:
    """What one request is sent with.

    Attributes:
        bearer: the token for `Authorization: Bearer`, or None to send none.
        generation: rises whenever the bearer changes.
    """

    bearer: str | None = field(repr=False)
    generation: int


@dataclass(frozen=True, slots=True)
class _Snapshot:
    ticket: Ticket
    session: TenantSession | None
    wish: TenantWish | None


class Credentials:
    """One client's credential: an API token, and a tenant session bought with it.

    Safe to share between threads and tasks as the module describes. Its repr and everything else it prints show no
    token. After a fork the child has a copy of its own; renewing in one does not tell the other.

    Args:
        api_token: None when the server asks for none (an embedded store, a server without login).
        source: where it came from.
        wish: the tenant to log in to before the first request, or None to act as the API token itself.
        location: what to add to the source in messages, e.g. the path of the file.
    """

    def __init__(
        self,
        api_token: str | None = None,
        source: CredentialSource = CredentialSource.NONE,
        *,
        wish: TenantWish | None = None,
        location: str | None = None,
    ) -> None:
        self._api_token = api_token
        self._source = source
        self._location = location
        self._state = _Snapshot(Ticket(api_token, 0), None, wish)
        self._skew = 0.0
        self._learned_at: float | None = None

    def __repr__(self) -> str:
        return f"<Credentials: {self.describe()}>"

    def as_before(self) -> Credentials:
        """The same API token and wish, without a session: what to go back to after trying others."""
        return Credentials(self._api_token, self._source, wish=self._state.wish, location=self._location)

    @property
    def api_token(self) -> str | None:
        """The API token in full, for the `login` procedure and the credential store only."""
        return self._api_token

    @property
    def source(self) -> CredentialSource:
        """Where the API token came from."""
        return self._source

    @property
    def location(self) -> str | None:
        """What messages add to the source, e.g. the path of the file."""
        return self._location

    @property
    def session(self) -> TenantSession | None:
        """The tenant session, or None while the API token speaks for itself."""
        return self._state.session

    @property
    def wish(self) -> TenantWish | None:
        """The tenant that requests are meant for; a session, while there is one, is for this tenant."""
        return self._state.wish

    @property
    def ticket(self) -> Ticket:
        """What to send the next request with: bearer and generation, read as one."""
        return self._state.ticket

    def server_time(self, now: float) -> float:
        """Our epoch seconds as the server would count them."""
        return now + self._skew

    def next_step(self, now: float) -> Step | None:
        """What must happen before a request can be sent; None when it can be sent right away.

        Args:
            now: epoch seconds by our clock.
        """
        state = self._state
        if state.session is None:
            return "login" if state.wish is not None else None
        return "refresh" if tokens.needs_refresh(state.session, now, self._skew) else None

    @property
    def renewal(self) -> Step | None:
        """How to get past a refused bearer: by refreshing, by logging in anew, or not at all."""
        state = self._state
        if state.session is None:
            return None if state.wish is None else "login"
        return "refresh" if state.session.refresh_token else "login"

    def accept(self, session: TenantSession) -> None:
        """Use a new session from now on; its tenant becomes the one that is wished for.

        Args:
            session: from `switch_tenant` or `refresh_token`. A refreshed session without a refresh token of its own
                keeps the old one, and so does a slug that it does not name.
        """
        state = self._state
        old = state.session
        if old is not None and old.tenant_id == session.tenant_id:
            session = replace(
                session,
                refresh_token=session.refresh_token or old.refresh_token,
                tenant_slug=session.tenant_slug or old.tenant_slug,
            )
        source = state.wish.source if state.wish else "login"
        wish = TenantWish(session.tenant_id, session.tenant_slug, source)
        self._change(session.access_token, session, wish)

    def expire(self) -> None:
        """Forget the session, not its tenant: the next step is a login to it."""
        self._change(self._api_token, None, self._state.wish)

    def drop(self) -> None:
        """Log out of the tenant: from now on the API token speaks for itself."""
        self._change(self._api_token, None, None)

    def want(self, wish: TenantWish) -> None:
        """Ask for another tenant; the next step is a login to it."""
        self._change(self._api_token, None, wish)

    def become(
        self,
        token: str,
        source: CredentialSource,
        *,
        location: str | None = None,
        wish: TenantWish | None = None,
    ) -> None:
        """Be somebody else from now on.

        Args:
            token: in place of the API token.
            source: where it came from.
            location: what to add to the source in messages.
            wish: the tenant to log in to before the next request; None lets the token speak for itself.
        """
        self._api_token, self._source, self._location = token, source, location
        self._change(token, None, wish)

    def learn(self, date_header: str | None, received_at: float) -> None:
        """Learn the server's clock from an answer; cheap, and done at most once a minute.

        Args:
            date_header: the answer's `Date`, or None.
            received_at: epoch seconds by our clock.
        """
        if self._learned_at is not None and 0 <= received_at - self._learned_at < _LEARNING_INTERVAL:
            return
        skew = tokens.learn_skew(date_header, received_at)
        if skew is not None:
            self._skew, self._learned_at = skew, received_at

    def describe(self) -> str:
        """Which credential this is and where it came from, for people: masked, in one line."""
        wish = self._state.wish
        tenant = f", tenant {wish.name}" if wish else ""
        if self._api_token is None:
            return f"{NOBODY} (looked at {_LOOKED_AT}; `orchestra auth login` saves one){tenant}"
        place = self._source.value + (f" ({self._location})" if self._location else "")
        return f"API token {mask_token(self._api_token)} from {place}{tenant}"

    def _change(self, bearer: str | None, session: TenantSession | None, wish: TenantWish | None) -> None:
        generation = self._state.ticket.generation + 1
        self._state = _Snapshot(Ticket(bearer, generation), session, wish)


NOBODY = "no API token"
"""How the description of credentials begins that have none."""

_LOOKED_AT = "the api_token argument, orchestra_client.context, ORCHESTRA_API_TOKEN and the saved login"
