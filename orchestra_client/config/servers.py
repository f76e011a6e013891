"""Which server is meant: where its URL comes from, and what may stand in it."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from orchestra_client.errors import ConfigurationError

from .environment import home, is_ci
from .scoped import context

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = [
    "ServerChoice",
    "ServerSource",
    "normalize_database",
    "normalize_server",
    "resolve_server",
    "warn_of_default",
]

_log = logging.getLogger("orchestra_client")


class ServerSource(Enum):
    """Who decided which server is used; the value is how a message says it."""

    ARGUMENT = "the api_server argument"
    CONTEXT = "orchestra_client.context"
    ENVIRONMENT = "ORCHESTRA_API_SERVER"
    SAVED_LOGIN = "the saved login"
    EMBEDDED = "nothing else is configured"


@dataclass(frozen=True, slots=True)
class ServerChoice:
    """The server that a client talks to.

    Attributes:
        url: ``http(s)://…`` with a path, ``sqlite:///`` with an absolute path, ``memory:``, or
            ``postgresql+psycopg://…``.
        source: who decided.
    """

    url: str
    source: ServerSource

    @property
    def is_embedded(self) -> bool:
        """Whether the server runs in this process."""
        return not self.url.startswith(("http://", "https://"))

    @property
    def shown(self) -> str:
        """The URL without a password, for people and logs."""
        return _without_password(self.url)

    def __repr__(self) -> str:
        return f"ServerChoice({self.shown!r}, {self.source})"


def resolve_server(
    api_server: str | None,
    environ: Mapping[str, str],
    *,
    saved: Callable[[], str | None] = lambda: None,
) -> ServerChoice:
    """Find out which server is meant, and say so in one log line.

    The first of these that says something decides: the argument, `context.api_server`, `ORCHESTRA_API_SERVER`, the
    saved login, and at last an embedded store in the home directory.

    Args:
        api_server: the client's argument.
        environ: the environment variables.
        saved: reads the server of the saved login; only called when nothing before it decided.

    Raises:
        ConfigurationError: the URL makes no sense, or nothing is configured in CI.
    """
    choice = _choose(api_server, environ, saved)
    _log.info("Using the server %s (%s).", choice.shown, choice.source.value)
    return choice


def warn_of_default(choice: ServerChoice) -> None:
    """Warn whoever opens a client without having said for which server.

    If they meant another one, they would find an empty server, and take it for the truth.
    """
    if choice.source is ServerSource.EMBEDDED:
        _log.warning(
            "No server is configured, so this uses a private one of yours, %s. For another one set "
            "ORCHESTRA_API_SERVER, log in (orchestra auth login), or name it where you call.",
            choice.shown,
        )


def _choose(
    api_server: str | None, environ: Mapping[str, str], saved: Callable[[], str | None]
) -> ServerChoice:
    candidates: tuple[tuple[ServerSource, Callable[[], str | None]], ...] = (
        (ServerSource.ARGUMENT, lambda: api_server),
        (ServerSource.CONTEXT, lambda: context.get("api_server")),
        (ServerSource.ENVIRONMENT, lambda: environ.get("ORCHESTRA_API_SERVER")),
        (ServerSource.SAVED_LOGIN, saved),
    )
    for source, read in candidates:
        if url := read():
            return ServerChoice(normalize_server(url, origin=source.value), source)
    if is_ci(environ):
        raise ConfigurationError(
            "CI is set and no server is configured: set ORCHESTRA_API_SERVER (and ORCHESTRA_API_TOKEN), or name the "
            "server in the call. For a server of its own that forgets everything, say so: ORCHESTRA_API_SERVER=memory:"
        )
    return ServerChoice(f"sqlite:///{home(environ) / 'orchestra.db'}", ServerSource.EMBEDDED)


def normalize_server(url: str, *, origin: str = ServerSource.ARGUMENT.value) -> str:
    """Check a server's URL and write it in the one form that is compared and saved.

    Args:
        url: ``http(s)://host[:port][/path]``, ``sqlite:///path``, ``memory:`` or ``postgresql+psycopg://…``.
        origin: who gave it, for messages.

    Returns:
        The URL: HTTP without a path gets ``/graphql``; an SQLite path is made absolute.

    Raises:
        ConfigurationError: it is none of these; the message shows what was probably meant.
    """
    return _normalized(url, "server", _SERVERS, origin)


def normalize_database(url: str, *, origin: str) -> str:
    """Check a database's URL and write it in its one form.

    Args:
        url: ``sqlite:///path``, ``memory:`` or ``postgresql+psycopg://…``.
        origin: who gave it, for messages.

    Returns:
        The URL, as :func:`normalize_server` writes it.

    Raises:
        ConfigurationError: it is none of these; the message shows what was probably meant.
    """
    return _normalized(url, "database", _DATABASES, origin)


def _normalized(url: str, what: str, known: Mapping[str, Callable[[str, str], str]], origin: str) -> str:
    if not isinstance(url, str):
        raise ConfigurationError(f"The {what} is given as a URL, not as {type(url).__name__} ({origin}).")
    text = url.strip()
    scheme, separator, rest = text.partition(":")
    scheme = scheme.lower()
    try:
        if separator and scheme in known:
            return known[scheme](scheme, rest)
        raise ValueError(_suggestion(text, is_server=known is _SERVERS))
    except ValueError as error:
        shown = _without_password(text)
        raise ConfigurationError(f"{shown!r} is not the URL of a {what} ({origin}): {error}.") from None


def _http(scheme: str, rest: str) -> str:
    parts = urlsplit(f"{scheme}:{rest}")
    port = parts.port  # raises ValueError for a port that is no number
    if not parts.hostname:
        raise ValueError(f"a host is missing, as in {scheme}://127.0.0.1:4200")
    if parts.username is not None or parts.password is not None:
        raise ValueError(
            "a login does not belong into the URL; the API token is given apart, as by ORCHESTRA_API_TOKEN"
        )
    if parts.fragment:
        raise ValueError("a fragment (#…) never reaches a server; leave it out")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    is_default = port is None or port == {"http": 80, "https": 443}[scheme]
    query = f"?{parts.query}" if parts.query else ""
    return f"{scheme}://{host}{'' if is_default else f':{port}'}{parts.path or '/graphql'}{query}"


def _sqlite(scheme: str, rest: str) -> str:
    path, _, query = rest.removeprefix("///").partition("?")
    if not rest.startswith("///") or not path:
        raise ValueError(
            "a file is named with three slashes, sqlite:///runs.db, or four for an absolute path"
        )
    if path == ":memory:":
        raise ValueError("a store in memory is called memory:")
    return f"{scheme}:///{Path(path).expanduser().absolute()}" + (f"?{query}" if query else "")


def _memory(_scheme: str, rest: str) -> str:
    if rest.strip("/"):
        raise ValueError("memory: takes no name; every client gets a store of its own")
    return "memory:"


def _postgres(_scheme: str, rest: str) -> str:
    if not rest.startswith("//"):
        raise ValueError("it is written postgresql+psycopg://user@host/name")
    return f"postgresql+psycopg:{rest}"


_DATABASES: Mapping[str, Callable[[str, str], str]] = {
    "sqlite": _sqlite,
    "memory": _memory,
    "postgresql": _postgres,
    "postgresql+psycopg": _postgres,
}
_SERVERS: Mapping[str, Callable[[str, str], str]] = {"http": _http, "https": _http, **_DATABASES}


def _suggestion(text: str, *, is_server: bool) -> str:
    kinds = f"use {'http(s)://…, ' if is_server else ''}sqlite:///path, memory: or postgresql+psycopg://…"
    if "://" in text or not text:
        return kinds
    if text.endswith((".db", ".sqlite")):
        return f"it has no scheme; did you mean sqlite:///{text}? Otherwise {kinds}"
    if not is_server:
        return f"it has no scheme; {kinds}"
    is_local = text.startswith(("localhost", "127.", "0.0.0.0", "[::1]"))  # noqa: S104 (read, not bound to)
    return f"it has no scheme; did you mean {'http' if is_local else 'https'}://{text}? Otherwise {kinds}"


def _without_password(url: str) -> str:
    before, at, after = url.rpartition("@")
    if not at:
        return url
    scheme, separator, user = before.rpartition("://")
    return f"{scheme}{separator}{user.partition(':')[0]}:…@{after}" if ":" in user else url
