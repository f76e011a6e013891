"""The transport for a server's URL."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from orchestra_client.config import ServerChoice
    from orchestra_client.transport import AsyncTransport

__all__ = ["open_transport"]


def open_transport(
    server: ServerChoice, *, http2: bool, verify: bool | str, proxy: str | None
) -> AsyncTransport:
    """Open what carries requests to a server; what the other kind of server needs is not even imported.

    Args:
        server: where to.
        http2: whether to speak HTTP/2; only counts over HTTP, as do the others.
        verify: whether, or with which CA bundle, to check the server's certificate.
        proxy: the URL of a proxy; None for what the environment says.

    Raises:
        ConfigurationError: an option cannot be used, or the embedded store cannot be opened.
        MissingExtra: HTTP/2, or the embedded server, is not installed.
    """
    if server.is_embedded:
        from orchestra_client.transport.embedded import AsyncEmbeddedTransport  # noqa: PLC0415

        return AsyncEmbeddedTransport(server.url)
    from orchestra_client.transport.http import AsyncHTTPTransport, HTTPOptions  # noqa: PLC0415

    return AsyncHTTPTransport(server.url, HTTPOptions(http2=http2, verify=verify, proxy=proxy))
