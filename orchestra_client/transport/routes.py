"""Ways to servers: for each proxy that leads to some of them, and for the direct way, one pool with TLS and one without.

These are httpx's transports without its client around them. The client would keep cookies, look for redirects and for
credentials in URLs, none of which is wanted here, and take as long for it as all of our own code takes for a call.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Generic
from urllib.request import getproxies, proxy_bypass

from .http_options import T, open_pool

if TYPE_CHECKING:
    import httpx

    from .http_options import HTTPOptions

__all__ = ["Routes"]


class Routes(Generic[T]):
    """Finds the pool for a URL, and opens it first when there is none yet.

    Safe to share between threads, as far as the pools are.

    Args:
        kind: `httpx.HTTPTransport` or `httpx.AsyncHTTPTransport`.
        options: how to connect.
    """

    def __init__(self, kind: type[T], options: HTTPOptions) -> None:
        self._kind: type[T] = kind
        self._options = options
        self._pools: dict[tuple[str | None, bool], T] = {}
        self._lock = threading.Lock()

    @property
    def opened(self) -> list[T]:
        """The pools that were opened so far."""
        with self._lock:
            return list(self._pools.values())

    def to(self, url: httpx.URL) -> T:
        """The pool for a URL; nothing is connected before it is used.

        Raises:
            MissingExtra: HTTP/2 is asked for and not installed.
            ConfigurationError: the proxy or the CA bundle cannot be used.
        """
        proxy, tls = self._proxy(url), url.scheme != "http"
        with self._lock:
            if (proxy, tls) not in self._pools:
                self._pools[proxy, tls] = open_pool(self._kind, self._options, proxy, tls=tls)
            return self._pools[proxy, tls]

    def _proxy(self, url: httpx.URL) -> str | None:
        if self._options.proxy or not self._options.trust_env:
            return self._options.proxy
        proxies = getproxies()
        proxy = proxies.get(url.scheme) or proxies.get("all")
        if not proxy or proxy_bypass(url.netloc.decode("ascii")):
            return None
        return proxy if "://" in proxy else f"http://{proxy}"
