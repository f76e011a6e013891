"""How to connect: timeouts, TLS, proxies, HTTP/2, and the pool of connections made of them."""

from __future__ import annotations

import importlib.util
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import httpx

from orchestra_client._version import __version__
from orchestra_client.errors import ConfigurationError, MissingExtra

__all__ = ["HEADERS", "HTTPOptions", "T", "Timeouts", "open_pool"]

T = TypeVar("T", httpx.HTTPTransport, httpx.AsyncHTTPTransport)

# Enough for hundreds of calls at once. Uvicorn, Node and others hang up on a connection that was idle for five seconds:
# whoever sends a request at that moment cannot tell whether it was read. So ours are given up first.
_LIMITS = httpx.Limits(max_connections=500, max_keepalive_connections=100, keepalive_expiry=4.0)

HEADERS = {
    "user-agent": f"orchestra-client/{__version__}",
    "accept": "application/json",
    "accept-encoding": "gzip, deflate",
}
"""Sent with every message, unless it brings its own."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long to wait, in seconds, for each part of a request.

    Attributes:
        connect: for a connection, TLS included.
        read: for the next bytes of the answer; the first of them come when the server is done.
        write: for the server to take the next bytes of the request.
        pool: for a free connection while all are in use.
    """

    connect: float = 10.0
    read: float = 30.0
    write: float = 30.0
    pool: float = 30.0


@dataclass(frozen=True, slots=True)
class HTTPOptions:
    """How to connect.

    Attributes:
        timeouts: for every request that does not bring its own.
        http2: speak HTTP/2 where the server does; needs the extra ``http2``.
        verify: check the server's certificate: True, False, the path of a CA bundle (or of a directory of
            certificates), or an `ssl.SSLContext`.
        proxy: the proxy's URL; unset means what the environment says (`HTTPS_PROXY`, `NO_PROXY`, …).
        trust_env: read proxies and CA bundles from the environment.
    """

    timeouts: Timeouts = field(default_factory=Timeouts)
    http2: bool = False
    verify: bool | str | ssl.SSLContext = True
    proxy: str | None = field(default=None, repr=False)
    trust_env: bool = True


def open_pool(kind: type[T], options: HTTPOptions, proxy: str | None, *, tls: bool = True) -> T:
    """A pool of connections, none of them made yet.

    Args:
        kind: `httpx.HTTPTransport` or `httpx.AsyncHTTPTransport`.
        options: how to connect.
        proxy: the proxy's URL; None for the direct way.
        tls: False promises that all servers are asked by plain HTTP: the certificates of CAs are not read, which takes
            longer than all else, and none is trusted.

    Raises:
        MissingExtra: HTTP/2 is asked for and not installed.
        ConfigurationError: the proxy or the CA bundle cannot be used.
    """
    if options.http2 and importlib.util.find_spec("h2") is None:
        raise MissingExtra("http2", "HTTP/2")
    try:
        return kind(
            http2=options.http2,
            verify=_verification(options.verify, tls),
            proxy=proxy,
            trust_env=options.trust_env,
            limits=_LIMITS,
        )
    except OSError as error:
        raise ConfigurationError(
            f"The CA certificates cannot be read ({error}); look at SSL_CERT_FILE and SSL_CERT_DIR."
        ) from error
    except (ValueError, ImportError, httpx.InvalidURL):
        # The text would show the proxy's password.
        raise ConfigurationError(
            "The proxy cannot be used: it is written http://host:port (socks5:// needs `pip install httpx[socks]`). "
            "Look at proxy=, HTTP_PROXY, HTTPS_PROXY and ALL_PROXY."
        ) from None


def _verification(verify: bool | str | ssl.SSLContext, tls: bool) -> bool | ssl.SSLContext:
    if verify is True and not tls:
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if not isinstance(verify, str):
        return verify
    try:
        if Path(verify).is_dir():
            return ssl.create_default_context(capath=verify)
        return ssl.create_default_context(cafile=verify)
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationError(f"verify={verify!r} is no bundle of CA certificates: {error}.") from error
