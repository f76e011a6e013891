"""The keys of issuers: fetched where the issuer says, kept for a while, and never asked for often.

Whoever sends a token decides when they are fetched, without any credential. So an issuer is only asked when some
tenant trusts it, once in a while however many keys are made up, by a few threads at a time, and for so long.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from jwt import PyJWKClient

from orchestra_client.errors import AuthenticationError, RateLimited, ServerError
from orchestra_client.server.access.oidc_tokens import ALGORITHMS
from orchestra_client.server.access.oidc_trusts import is_loopback, shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from jwt import PyJWK

LIFESPAN = 600.0
"""Seconds for which keys are good; a key that an issuer withdraws counts no longer."""

COOLDOWN = 10.0
"""Seconds between two questions to an issuer, when the first one failed or did not bring the key."""

PATIENCE = 5.0
"""Seconds that an issuer is waited for."""

MAX_SECONDS = 30.0
"""How long one answer may take at all: what drips in later than that keeps no thread busy."""

MAX_BYTES = 512 * 1024
"""Of one answer of an issuer; GitHub's keys are 10 kB."""

MAX_WAITING = 4
"""Threads that ask an issuer, or wait for one that does, at the same time: most of a server's must go on answering."""

MAX_WAITING_FOR_FAILED = 2
"""As many more, for issuers that failed the last time: those hold up nobody but each other."""

MAX_ISSUERS = 256
"""Issuers whose keys are kept."""


class Unavailable(Exception):
    """An issuer did not say what its keys are; the text says why, as the end of a sentence. Asking again may help."""


class Unusable(Unavailable):
    """What an issuer says of its keys is wrong, and asking again does not help: somebody has to change it first."""


def fetch_json(url: str) -> Any:
    """The JSON at a URL, which is asked once, and followed nowhere else. Call it in a thread without an event loop.

    Raises:
        Unavailable: there was no answer, or another one.
    """
    # It takes a while to import, and most servers log no jobs in.
    import httpx  # noqa: PLC0415

    try:
        # Only an event loop ends what drips in byte by byte, headers included: no socket ever times out over it.
        return json.loads(asyncio.run(asyncio.wait_for(_fetch(url), MAX_SECONDS)))
    except httpx.InvalidURL:
        raise Unusable(f"cannot be reached at {url}, which is no URL") from None
    except httpx.HTTPError as error:
        raise Unavailable(f"could not be reached at {url} ({type(error).__name__})") from None
    except TimeoutError:
        raise Unavailable(f"took longer than {MAX_SECONDS:.0f} s to answer {url}") from None
    except (ValueError, RecursionError):
        raise Unusable(f"answered {url} with something that is no JSON") from None


async def _fetch(url: str) -> bytes:
    import httpx  # noqa: PLC0415

    # Nothing compressed: a few hundred bytes of it can unpack to more than the memory holds, at once.
    headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
    body = b""
    async with (
        httpx.AsyncClient(timeout=PATIENCE, headers=headers) as client,
        client.stream("GET", url) as response,
    ):
        if response.status_code != 200:
            kind = Unavailable if _is_passing(response.status_code) else Unusable
            raise kind(f"answered {url} with HTTP status {response.status_code}")
        if response.headers.get("Content-Encoding", "identity") != "identity":
            raise Unusable(f"answered {url} with something compressed, which was not asked for")
        async for chunk in response.aiter_raw():
            body += chunk
            if len(body) > MAX_BYTES:
                raise Unusable(f"answered {url} with more than {MAX_BYTES} bytes")
    return body


def _is_passing(status: int) -> bool:
    """Whether another try may be answered otherwise: the issuer is in trouble, slow or busy."""
    return status >= 500 or status in {408, 425, 429}


class KeyClient(PyJWKClient):
    """Finds an issuer's keys as OpenID Connect Discovery 1.0, section 4, describes.

    Args:
        issuer: its URL.
    """

    def __init__(self, issuer: str) -> None:
        # Kept by `Issuer`, which also keeps failures.
        super().__init__(
            f"{issuer.rstrip('/')}/.well-known/openid-configuration", cache_jwk_set=False, timeout=PATIENCE
        )
        self.issuer = issuer

    def fetch_data(self) -> Any:
        """The key set, from where the issuer's configuration says that it is.

        Raises:
            Unavailable: one of the two cannot be had.
        """
        configuration = fetch_json(self.uri)
        if not isinstance(configuration, dict) or configuration.get("issuer") != self.issuer:
            raise Unusable(f"says at {self.uri} that it is another one")
        return fetch_json(self._location(configuration.get("jwks_uri")))

    def _location(self, uri: Any) -> str:
        try:
            parts = urlsplit(uri if isinstance(uri, str) else "")
            # Only an issuer on this machine may have its keys there, too, and be asked without TLS.
            is_local = urlsplit(self.issuer).scheme == "http" and is_loopback(parts.hostname or "")
        except ValueError:
            is_local, parts = False, urlsplit("")
        if not parts.hostname or not (parts.scheme == "https" or (parts.scheme == "http" and is_local)):
            raise Unusable(f"names no https URL of its keys at {self.uri}")
        return str(uri)


@dataclass(slots=True)
class Issuer:
    """One issuer's keys. Safe to share between threads.

    Attributes:
        client: fetches them.
        clock: tells the time in seconds.
    """

    client: KeyClient
    clock: Callable[[], float]
    _keys: list[PyJWK] = field(default_factory=list)
    _fetched: float = float("-inf")
    _tried: float = float("-inf")
    _failure: Unavailable | None = None
    _asking: threading.Thread | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def has_failed(self) -> bool:
        """Whether it did not tell its keys when it was last asked."""
        return self._failure is not None

    def known(self, key_id: str) -> PyJWK | None:
        """A key that need not be fetched."""
        is_fresh = self._age(self._fetched) < LIFESPAN
        return self.client.match_kid(self._keys, key_id) if is_fresh else None

    def fetched(self, key_id: str) -> PyJWK:
        """A key, fetched unless that was tried just now.

        Raises:
            AuthenticationError: the issuer has no such key, or what it says of its keys is wrong.
            ServerError: the issuer does not tell its keys; it may later.
        """
        with self._lock:
            if (key := self.known(key_id)) is not None:
                return key
            wait = COOLDOWN - self._age(self._tried)
            if wait <= 0:
                self._fetch()
            again = f"it can be asked again in {max(wait, 1):.0f} s" if wait > 0 else "it was asked just now"
            if isinstance(self._failure, Unusable):
                # Not as a server's error, which clients take for one that passes, and wait.
                raise AuthenticationError(
                    f"The issuer {self.client.issuer} {self._failure}, so that its tokens cannot be checked; {again}. "
                    "An admin has to correct the trust's issuer, or what the issuer publishes."
                )
            if self._failure is not None:
                raise ServerError(f"The issuer {self.client.issuer} {self._failure}; {again}.")
            if (key := self.known(key_id)) is None:
                raise AuthenticationError(
                    f"The issuer {self.client.issuer} has no key {shown(key_id)}, with which the OIDC token claims to "
                    f"be signed; {again}."
                )
            return key

    def _age(self, moment: float) -> float:
        """Seconds since then; endless when the clock was set back meanwhile."""
        age = self.clock() - moment
        return age if age >= 0 else float("inf")

    def _fetch(self) -> None:
        # In a thread, so that nobody waits longer than this. It is let run on, and what it brings late still counts.
        if self._asking is None or not self._asking.is_alive():
            self._asking = threading.Thread(target=self._ask, name="oidc-issuer", daemon=True)
            self._asking.start()
        self._asking.join(PATIENCE)
        if self._asking.is_alive():
            self._failure = Unavailable(f"did not answer within {PATIENCE:.0f} s")
        # Measured from the end, so that a slow one is left alone for as long as a fast one.
        self._tried = self.clock()

    def _ask(self) -> None:
        try:
            keys = self.client.get_signing_keys()
        except Unavailable as error:
            self._failure = error
        except Exception:  # noqa: BLE001 (PyJWT expects sound keys; what an issuer says can be anything)
            self._failure = Unusable("has no keys that tokens could be signed with")
        else:
            self._keys = [key for key in keys if key.algorithm_name in ALGORITHMS]
            self._fetched, self._failure = self.clock(), None


class Issuers:
    """The keys of every issuer that was asked. Safe to share between threads.

    Args:
        clock: tells the time in seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._known: OrderedDict[str, Issuer] = OrderedDict()
        self._lock = threading.Lock()
        self._turns = threading.BoundedSemaphore(MAX_WAITING)
        self._later_turns = threading.BoundedSemaphore(MAX_WAITING_FOR_FAILED)

    def key(self, issuer: str, key_id: str) -> PyJWK:
        """An issuer's key. This may take seconds: never call it within a transaction.

        Args:
            issuer: its URL, which somebody trusts.
            key_id: the `kid` of a token.

        Raises:
            AuthenticationError: the issuer has no such key.
            ServerError: the issuer does not tell its keys.
            RateLimited: enough others wait for an issuer already.
        """
        known = self._of(issuer)
        if (key := known.known(key_id)) is not None:
            return key
        turns = self._later_turns if known.has_failed else self._turns
        if not turns.acquire(blocking=False):
            raise RateLimited("Others wait for the keys of an issuer already; try again.", retry_after=1)
        try:
            return known.fetched(key_id)
        finally:
            turns.release()

    def _of(self, issuer: str) -> Issuer:
        with self._lock:
            known = self._known.setdefault(issuer, Issuer(KeyClient(issuer), self._clock))
            self._known.move_to_end(issuer)
            while len(self._known) > MAX_ISSUERS:
                self._known.popitem(last=False)
            return known
