"""All checks in their order, none of which may keep anybody waiting."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Thread
from typing import TYPE_CHECKING, TypeVar

import click

from orchestra_client.auth.resolution import resolve_login
from orchestra_client.cli.diagnosis import login, machine, server, work
from orchestra_client.cli.diagnosis.findings import Finding, Verdict
from orchestra_client.cli.logins import current_status
from orchestra_client.config import home
from orchestra_client.errors import (
    AuthenticationError,
    ConfigurationError,
    OrchestraError,
    TransportError,
    TransportProtocolError,
    TransportTimeout,
)
from orchestra_client.transport import RetryPolicy
from orchestra_client.transport.http import HTTPOptions, HTTPTransport, Timeouts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from orchestra_client.cli.options import Connect
    from orchestra_client.client import Client
    from orchestra_client.config import ServerChoice

__all__ = ["Examination"]

T = TypeVar("T")

ANSWER = 5.0
"""Seconds for each part of an answer."""

DEADLINE = 15.0
"""Seconds for a check as a whole, however a server or the lookup of its name drags it out."""


@dataclass(slots=True)
class Examination:
    """One round of all checks.

    Attributes:
        connect: opens a client.
        api_server: the server's URL; None means what is configured.
        tenant: slug or id of the tenant; None means what is configured.
        flow_run: id or name of a run to explain, or None.
        deadline: seconds for each check.
        skew: by how many seconds the server's clock is ahead, as soon as that is known.
    """

    connect: Connect
    api_server: str | None
    tenant: str | None
    flow_run: str | None
    deadline: float = DEADLINE
    skew: float = 0.0

    def findings(self) -> Iterator[Finding]:
        """Check one thing after another, as the findings are taken."""
        # Before the saved login is read, which mends what it can.
        exposed = machine.exposed_files(home())
        choice = None
        try:
            choice = resolve_login(self.api_server, None, os.environ).server
        except ConfigurationError as error:
            yield _problem("configuration", error)
        else:
            yield machine.check_configuration(choice)
        yield machine.check_files(home(), exposed)
        yield machine.check_extras()
        if choice is not None:
            yield from self._of_server(choice)

    def _of_server(self, choice: ServerChoice) -> Iterator[Finding]:
        """Until something keeps the rest from being looked at."""
        checks = self._checks_of_store(choice) if choice.is_embedded else self._checks_over_http(choice)
        try:
            yield from checks
        except OrchestraError as error:
            yield _problem("login" if isinstance(error, AuthenticationError) else "server", error)

    def _checks_of_store(self, choice: ServerChoice) -> Iterator[Finding]:
        if (missing := server.check_store(choice)) is not None:
            yield missing
            return
        with self._asked(lambda: self.connect(timeout=ANSWER)) as client:
            yield Finding("server", Verdict.OK, "the store is open in this process")
            yield from self._of_work(client)

    def _checks_over_http(self, choice: ServerChoice) -> Iterator[Finding]:
        transport = HTTPTransport(choice.url, HTTPOptions(Timeouts(ANSWER, ANSWER, ANSWER, ANSWER)))
        reached, answer = self._asked(lambda: server.check_reach(transport, choice))
        skew = server.skew_of(answer, time.time())
        self.skew = skew or 0.0
        yield reached
        yield server.check_clock(skew)
        status = self._asked(lambda: current_status(self.api_server, self.tenant))
        logged_in = login.check_login(status, self._now())
        yield logged_in
        if logged_in.verdict is Verdict.PROBLEM:
            return
        with self.connect(timeout=ANSWER, retry=RetryPolicy(max_attempts=1)) as client:
            yield from self._checked("version", lambda: server.check_version(client))
            yield from self._checked("services", lambda: server.check_services(client, self._now()))
            yield from self._of_work(client)

    def _of_work(self, client: Client) -> Iterator[Finding]:
        yield from self._checked("agents", lambda: work.check_agents(client, self._now()))
        yield from self._checked("late runs", lambda: work.check_late_flow_runs(client, self._now()))
        yield from self._checked("tag limits", lambda: work.check_limits(client, self._now()))
        wanted = self.flow_run
        if wanted is not None:
            yield from self._checked("flow run", lambda: work.check_flow_run(client, wanted))

    def _checked(self, name: str, check: Callable[[], Finding]) -> Iterator[Finding]:
        """One check; what only concerns this one, as a missing right, does not end the others."""
        try:
            yield self._asked(check)
        except (TransportError, AuthenticationError):
            raise
        except OrchestraError as error:
            yield Finding(name, Verdict.WARNING, f"cannot be told: {error}")
        except click.ClickException as error:
            yield Finding(name, Verdict.PROBLEM, error.message)

    def _asked(self, question: Callable[[], T]) -> T:
        """The answer to a question, in time and of a kind that can be read."""
        try:
            return _within(self.deadline, question)
        except OrchestraError:
            raise
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise TransportProtocolError(
                "The server answered with something that the contract does not allow; is it the address of another API?"
            ) from error

    def _now(self) -> datetime:
        """The time by the server's clock."""
        return datetime.now(UTC) + timedelta(seconds=self.skew)


def _problem(check: str, error: OrchestraError) -> Finding:
    advice = None
    if isinstance(error, TransportError):
        advice = "Nothing that needs the server was looked at. Is it running, and is that its address?"
    return Finding(check, Verdict.PROBLEM, str(error), advice=advice)


def _within(seconds: float, work: Callable[[], T]) -> T:
    """Do something that might not end.

    Args:
        seconds: to wait for it; afterwards it is left to itself.
        work: done in another thread, which does not keep the process from ending.

    Returns:
        What it returned.

    Raises:
        TransportTimeout: it has not ended in time.
        BaseException: what it raised.
    """
    outcome: list[T] = []
    failure: list[BaseException] = []

    def run() -> None:
        try:
            outcome.append(work())
        except BaseException as error:  # noqa: BLE001 (raised again by who waits)
            failure.append(error)

    thread = Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if failure:
        raise failure[0]
    if not outcome:
        raise TransportTimeout(f"The server has not finished its answer within {seconds:.0f} seconds.")
    return outcome[0]
