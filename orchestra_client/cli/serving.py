"""A server process: its socket, its first login, its life."""

from __future__ import annotations

import errno
import gc
import ipaddress
import os
import signal
import socket
from typing import TYPE_CHECKING

import click
import uvicorn

from orchestra_client.auth.resolution import open_store
from orchestra_client.cli.processes import prepare
from orchestra_client.config import home
from orchestra_client.errors import ConfigurationError, mask_token
from orchestra_client.server.access.bootstrap import VARIABLE
from orchestra_client.server.app import create_app
from orchestra_client.server.hosts import LoopbackNames
from orchestra_client.server.protocol import bounded_protocol
from orchestra_client.server.service import Service
from orchestra_client.server.services import Background, all_services

if TYPE_CHECKING:
    from types import FrameType

    from orchestra_client.auth.store import CredentialStore
    from orchestra_client.server.context import Settings
    from orchestra_client.server.services import ServiceSettings

GRACE = 30
"""Seconds that requests under way get to finish after SIGTERM."""

IDLE = 75
"""Seconds that a connection may rest between two requests: longer than clients and load balancers commonly keep one (60),
so that it is they who end it, not the server while a request is on its way."""

BACKLOG = 2048


def listen(host: str, port: int, *, is_open: bool) -> socket.socket:
    """A listening socket.

    Args:
        host: an address or a name of this machine.
        port: 0 picks a free one.
        is_open: the server asks nobody for a login, so it may be reached from this machine alone.

    Raises:
        click.UsageError: an open server would be reachable from elsewhere, or there is no such host.
        click.ClickException: the port is taken, or not ours to take.
    """
    try:
        candidates = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise click.UsageError(f"{host!r} is no address of this machine: {error}.") from None
    if is_open and not all(_is_loopback(str(address[0])) for *_, address in candidates):
        raise click.UsageError(
            f"--auth none lets everyone in who can reach {host or 'this machine'}; use --host 127.0.0.1, or --auth token."
        )
    family, *_, address = candidates[0]
    try:
        return socket.create_server(address[:2], family=family, backlog=BACKLOG)
    except OSError as error:
        reason = {
            errno.EADDRINUSE: "is taken by another process; choose another --port (0 picks a free one)",
            errno.EACCES: "needs more rights; choose a --port above 1023",
        }.get(error.errno or 0, f"cannot be used: {error.strerror}")
        raise click.ClickException(f"Port {port} on {host} {reason}.") from None


def _is_loopback(address: str) -> bool:
    return ipaddress.ip_address(address.partition("%")[0]).is_loopback


def serve(
    listener: socket.socket,
    database: str,
    settings: Settings,
    *,
    services: ServiceSettings | None,
    log_level: str,
) -> None:
    """Answer on a socket until a signal ends it; then finish what is under way and close the database.

    Args:
        listener: from :func:`listen`.
        database: its URL.
        settings: whether requests need a token, and how large they may be.
        services: how the background services are set up; None runs them elsewhere, or not at all.
        log_level: what is logged, on stderr.

    Raises:
        ConfigurationError: the database, the key or the bootstrap token cannot be used.
    """
    prepare(log_level)
    address = _address(listener)
    token = os.environ.get(VARIABLE) or None
    service = Service.open(database, home=home(), settings=settings, token=token)
    try:
        if settings.auth == "none":
            click.echo(
                f"Nobody is asked for a login. Commands find this server by: export ORCHESTRA_API_SERVER={_local(address)}",
                err=True,
            )
        elif token is None:
            _see_to_login(service, address, is_lasting=database != "memory:")
        own = all_services(services) if services else ()
        app = create_app(service, Background(service.database, own, is_server=True))
        config = uvicorn.Config(
            LoopbackNames(app) if settings.auth == "none" else app,
            log_config=None,
            access_log=False,
            server_header=False,
            http=bounded_protocol(settings.request_timeout),
            ws="none",
            timeout_keep_alive=IDLE,
            timeout_graceful_shutdown=GRACE,
        )
        # uvicorn raises the signal that ended it once more; by then all is done, and the exit status is 0.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, _ignore)
        # The schema and the compiled SQL stay for good; the collector need not look at them again and again.
        gc.freeze()
        _Announcing(config, address).run(sockets=[listener])
    finally:
        service.close()


class _Announcing(uvicorn.Server):
    """Says on stdout where it listens, as soon as it does."""

    def __init__(self, config: uvicorn.Config, url: str) -> None:
        super().__init__(config)
        self._url = url

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            print(f"Listening on {self._url}", flush=True)


def _ignore(_number: int, _frame: FrameType | None) -> None: ...


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}/graphql" if ":" in host else f"http://{host}:{port}/graphql"


def _local(address: str) -> str:
    """Who listens everywhere is reached from here by loopback."""
    return address.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:")


def _see_to_login(service: Service, address: str, *, is_lasting: bool) -> None:
    """Save the token of a new database as this user's login, so that commands and scripts here find it.

    Of a database that has its tokens already, say how to get in, where no login for the address is saved; and of one
    that is gone with this process, whose login would be of no use and in the way of another server's.
    """
    if not is_lasting:
        click.echo(
            f"The database is gone when this server ends, so no login is saved. To get in, set {VARIABLE} to a token of "
            "your own and start again, or start with --auth none.",
            err=True,
        )
        return
    store = open_store(os.environ)
    server = _local(address)
    made = service.bootstrapped
    if made is not None and made.token is not None:
        _save_login(store, server, made.token, made.tenant_id)
    elif server not in _saved_servers(store):
        click.echo(
            f"No login for {server} is saved here, and the database has API tokens already: use one of them, or set "
            f"{VARIABLE} to a new one and start again.",
            err=True,
        )


def _saved_servers(store: CredentialStore) -> list[str]:
    try:
        return store.servers()
    except ConfigurationError:
        # Damaged logins are no reason for a server not to start.
        return []


def _save_login(store: CredentialStore, server: str, token: str, tenant_id: str | None) -> None:
    try:
        is_first = store.active_server is None
        store.save_login(server, token, tenant_id=tenant_id, make_active=is_first)
    except ConfigurationError as error:
        raise ConfigurationError(
            f"The first API token could not be saved. Set {VARIABLE} to one of your own and start again. {error}"
        ) from error
    click.echo(
        f"Made the API token {mask_token(token)} and saved it as your login for {server} in {store.path}.",
        err=True,
    )
