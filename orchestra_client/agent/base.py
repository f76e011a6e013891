"""What all agents have in common: everything but where a run runs."""

from __future__ import annotations

import logging
import os
import random as chance
import socket
from abc import ABC, abstractmethod
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, ClassVar

from orchestra_client.agent.api import AgentApi
from orchestra_client.agent.health import HealthServer, parse_address
from orchestra_client.agent.leftovers import Leftovers
from orchestra_client.agent.logins import Logins
from orchestra_client.agent.pace import Pace
from orchestra_client.agent.shift import Shift
from orchestra_client.clock import SystemClock
from orchestra_client.config import ServerSource
from orchestra_client.delivery.heartbeats import Heartbeats
from orchestra_client.errors import ConfigurationError
from orchestra_client.operations import checks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from orchestra_client.agent.deployment import Deployment
    from orchestra_client.agent.runs import ClaimedRun
    from orchestra_client.client import Client
    from orchestra_client.clock import Clock

__all__ = ["Agent", "configured_client"]

_log = logging.getLogger("orchestra_client.agent")

_TIMEOUT = 15.0
"""Seconds to wait for an answer: a server that hangs shall not keep the agent from everything else."""

_STUCK = 120.0
"""Seconds without a turn after which an agent is not well."""


class Agent(ABC):
    """Takes flow runs from the server's queue and stands by them until their ends.

    To write one, override `deploy`::

        class Printing(Agent):
            def deploy(self, run):
                print(f"{run} would begin now")
                return Nothing()              # a Deployment, which tells how it goes on

    The agent asks for runs at growing intervals while there are none, claims each so that one agent alone gets it,
    makes a token for this run, has it deployed, beats for it as long as its deployment lives, reports it when it ends
    without a word of its own, and ends it when it is cancelled. While the server is away, all goes on, and is reported
    afterwards.

    `start` belongs to one thread; `stop` and `status` may be called from any.

    Args:
        name: for people, and the same for each start; unset means this machine's name.
        labels: of the runs to take: those all of whose labels are among these. Unset takes runs without labels.
        limit: runs at the same time, at least 1; unset means as many as come.
        max_polls: how often to ask for runs; then the agent waits for its runs and ends. Unset means for ever.
        health_address: ``HOST:PORT`` to answer probes at, with JSON; port 0 picks a free one. Unset means nowhere.
        show_unmatched: whether to tell of late runs, once each, why this agent cannot take them.
        open_client: opens a client; the agent uses several and closes them. Unset means the configured server, with
            every request sent once: the agent itself asks again.
        pace: intervals and patience; unset means those of `Pace`.
        clock: tells the time; for tests.
        random: returns a float in [0, 1); for tests.

    Attributes:
        stops: how often the agent was told to stop.

    Raises:
        ConfigurationError: an argument makes no sense.
        BadInput: the name or a label is empty.
    """

    reaps_orphans: ClassVar[bool] = False
    """Whether it starts processes here, and, where it is the first process of a container, reaps what they orphan."""

    def __init__(
        self,
        *,
        name: str | None = None,
        labels: Iterable[str] = (),
        limit: int | None = None,
        max_polls: int | None = None,
        health_address: str | None = None,
        show_unmatched: bool = True,
        open_client: Callable[[], Client] | None = None,
        pace: Pace | None = None,
        clock: Clock | None = None,
        random: Callable[[], float] = chance.random,
    ) -> None:
        self.name = checks.filled(socket.gethostname() if name is None else name, "name")
        self.labels = tuple(sorted(set(checks.labels(labels))))
        self.limit = _count(limit, "limit")
        self.max_polls = _count(max_polls, "max_polls")
        self.health_address = None if health_address is None else parse_address(health_address)
        self.show_unmatched = show_unmatched
        self.pace = pace or Pace()
        self.clock = clock or SystemClock()
        self.random = random
        self.stops = 0
        self._open_client = open_client or configured_client
        self._shift: Shift | None = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}, labels {list(self.labels)}>"

    @abstractmethod
    def deploy(self, run: ClaimedRun) -> Deployment:
        """Get a run on its way. The only method to override.

        Whatever it raises ends the run as Failed, with that for its message.

        Args:
            run: the run, which is this agent's and has not begun. Its `environment` is what a process needs to run it
                with ``python -m orchestra_client.engine.run``.

        Returns:
            What the agent holds it by.
        """

    def start(self, on_ready: Callable[[str], object] | None = None) -> bool:
        """Register, and work until the agent is told to stop, or has asked `max_polls` times, and its runs have ended.

        Args:
            on_ready: called once it is registered, with a line that says who asks whom for what.

        Returns:
            Whether the end of every run is known to the server.

        Raises:
            ConfigurationError: no server is configured, or the health address cannot be listened on.
            TransportError: the server cannot be reached. Later, the agent waits for it.
            AuthenticationError: the server refused the token; or did so later, for as long as `Pace.refused` says,
                and no run is under way.
        """
        logins = Logins(self._open_client)
        with ExitStack() as stack:
            health = None
            if self.health_address is not None:
                health = stack.enter_context(HealthServer(self.health_address, self.status))
            client = stack.enter_context(logins.open())
            api = AgentApi(client, type(self).__name__, self.name, self.labels)
            api.register()
            logins.learn(client)
            heartbeats = stack.enter_context(Heartbeats(logins.open, interval=self.pace.beat))
            leftovers = stack.enter_context(Leftovers(logins.open, client._server.url))
            self._shift = Shift(self, api, heartbeats, leftovers, logins)
            (on_ready or _log.info)(self._line(client, health))
            return self._shift.run()

    def stop(self) -> None:
        """Take no more runs, wait for those that are under way, and end; told again, end them.

        It only takes a note, so it may be called from a signal handler.
        """
        self.stops += 1

    def status(self) -> tuple[bool, dict[str, Any]]:
        """How the agent is.

        Returns:
            Whether it works as it should, and what there is to tell about it, as JSON.
        """
        shift = self._shift
        told: dict[str, Any] = {"name": self.name, "labels": list(self.labels), "limit": self.limit}
        if shift is None:
            return True, {"status": "starting", **told}
        age = self.clock.monotonic() - shift.turned_at
        away_for = shift.contact.away_for
        is_stuck, is_refused = age >= _STUCK, shift.contact.refused_for is not None
        status = "waiting for the server" if away_for is not None else "working"
        status = "refused" if is_refused else "stopping" if shift.is_draining else status
        # Whoever restarts what is not well would end runs that have tokens of their own.
        is_useless = is_refused and not shift.roster.live()
        return not (is_stuck or is_useless), {
            "status": "stuck" if is_stuck else status,
            **told,
            "runs": [charge.run.id for charge in shift.roster.all()],
            "polls": shift.polls,
            "server_away_seconds": None if away_for is None else round(away_for, 1),
            "last_turn_seconds": round(age, 1),
        }

    def _line(self, client: Client, health: HealthServer | None) -> str:
        labels = f"with the labels {', '.join(self.labels)}" if self.labels else "without labels"
        limit = f", {self.limit} at the same time" if self.limit else ""
        probe = f"; health at {health.url}" if health else ""
        return f"Agent {self.name!r} asks {client.api_server} for runs {labels}{limit}{probe}"


def configured_client(
    api_server: str | None = None, *, tenant_id: str | None = None, tenant_slug: str | None = None
) -> Client:
    """A client for an agent: each request is sent once, and not waited for too long.

    Args:
        api_server: the server's URL; unset means the configured one.
        tenant_id: the tenant to act in, by its id; unset means what is configured.
        tenant_slug: the same by its slug.

    Raises:
        ConfigurationError: no server is configured, or the one that is makes no sense.
    """
    from orchestra_client.auth.resolution import resolve_login  # noqa: PLC0415 - slow to import
    from orchestra_client.client import Client  # noqa: PLC0415 - as above
    from orchestra_client.transport.retry import RetryPolicy  # noqa: PLC0415 - as above

    server = resolve_login(api_server, None, os.environ).server
    if server.source is ServerSource.EMBEDDED:
        raise ConfigurationError(
            "No server is configured: start one with `orchestra server start`, or name yours with --api-server or "
            f"ORCHESTRA_API_SERVER. The private store of this user is --api-server {server.shown}"
        )
    if server.url == "memory:":
        raise ConfigurationError(
            "memory: is a server of one process alone, which no run could reach; name another."
        )
    return Client(
        api_server,
        tenant_id=tenant_id,
        tenant_slug=tenant_slug,
        timeout=_TIMEOUT,
        retry=RetryPolicy(budget=0),
    )


def _count(value: int | None, name: str) -> int | None:
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 1):  # type: ignore[redundant-expr]  # callers may be unchecked
        raise ConfigurationError(f"The agent's {name} is a whole number from 1 up, not {value!r}.")
    return value
