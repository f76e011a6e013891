# Generated from orchestra_client/_async/session.py by tools/generate.py: do not edit.
"""Getting operations to the server and their answers back: credentials, retries, procedures."""

from __future__ import annotations

import logging
import threading
from itertools import count
from typing import TYPE_CHECKING, Any, TypeVar

from orchestra_client._sync.authentication import Authentication
from orchestra_client._version import __version__
from orchestra_client.errors import (
    ClientError,
    ConfigurationError,
    OrchestraError,
    RateLimited,
    ServerError,
    TransportError,
)
from orchestra_client.exchange import Reply, describe_failure, request_for, result_of
from orchestra_client.operation import Pause, Repeat
from orchestra_client.operations.server import get_capabilities
from orchestra_client.transport.debug import log_attempt
from orchestra_client.transport.guard import Guard
from orchestra_client.transport.retry import failure_of_error, failure_of_response
from orchestra_client.web import WebCall, server_of, web_result

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestra_client.auth import Credentials
    from orchestra_client.auth.session import Ticket
    from orchestra_client.clock import Clock
    from orchestra_client.operation import Operation, Procedure
    from orchestra_client.transport import Failure, Request, Response, RetryPolicy, Transport

__all__ = ["Session"]

T = TypeVar("T")

_log = logging.getLogger("orchestra_client")


class Session(Authentication):
    """Executes operations and procedures: with the right credential, and again when that is safe and may help.

    Safe to share between threads; they share one credential, which is renewed once for all of
    them. Not usable in a forked child.

    Args:
        transport: carries single requests; closed with the session.
        credentials: what to authenticate with.
        retry: when to send again.
        clock: tells the time and waits.
        random: returns a float in [0, 1).
        new_id: returns a new UUID as text.
        timeout: seconds for each attempt; None for the transport's own.
        server: the server's name, for messages.
    """

    def __init__(
        self,
        transport: Transport,
        credentials: Credentials,
        *,
        retry: RetryPolicy,
        clock: Clock,
        random: Callable[[], float],
        new_id: Callable[[], str],
        timeout: float | None,
        server: str,
    ) -> None:
        super().__init__(credentials, clock)
        self.headers: dict[str, str] = {"x-orchestra-client-version": __version__}
        self.transport = transport
        self.new_id = new_id
        self.server = server
        self.guard = Guard()
        self._retry = retry
        self._random = random
        self._timeout = timeout
        self._learning = threading.Lock()
        self._capabilities: frozenset[str] | None = None

    def execute(self, operation: Operation[T]) -> T:
        """Send an operation until it is answered for good, and read the answer.

        Args:
            operation: what to ask.

        Returns:
            The operation's result.

        Raises:
            TransportError: no usable answer came back in time.
            AuthenticationError: the credential was refused, also after renewing it.
            ClientError: the API answered with errors.
            ClientClosed: after `close`, or in a forked child.
        """
        self.guard.check()
        reply = self._deliver(operation)
        return result_of(operation, reply, server=self.server, credential=self._credential(operation))

    def fetch(self, call: WebCall) -> Any:
        """Send a plain HTTP request.

        Args:
            call: what to send.

        Returns:
            The answer's JSON.

        Raises:
            TransportError: no answer came back in time.
            ClientError: the answer's status says that it failed.
            ConfigurationError: the server is not reached over HTTP.
        """
        self.guard.check()
        return web_result(call, self._deliver(call))

    def run(self, procedure: Procedure[T]) -> T:
        """Execute what a procedure yields, and hand it the results, until it returns.

        Args:
            procedure: not started yet.

        Returns:
            What it returned.

        Raises:
            OrchestraError: what it raised, or let pass.
        """
        try:
            step = next(procedure)
            while True:
                try:
                    result = self._perform(step)
                except OrchestraError as error:
                    step = procedure.throw(error)
                else:
                    step = procedure.send(result)
        except StopIteration as stop:
            returned: T = stop.value
            return returned
        finally:
            procedure.close()

    def capabilities(self) -> frozenset[str]:
        """What the server can do beyond the older API; asked once, and nothing for a server of that API."""
        if self._capabilities is None:
            with self._learning:
                if self._capabilities is None:
                    self._capabilities = self._ask_capabilities()
        return self._capabilities

    def close(self) -> None:
        """Release the connections. Closing twice does nothing."""
        if self.guard.close():
            self.transport.close()

    def _perform(self, step: Operation[Any] | Pause) -> Any:
        if isinstance(step, Pause):
            return self.clock.sleep(step.seconds)
        return self.execute(step)

    def _deliver(self, operation: Operation[Any]) -> Reply:
        started, was_replayed, was_repeated = self.clock.monotonic(), False, False
        for attempt in count(1):
            if operation.bearer is None:
                self.make_ready()
            ticket, request_id = self.credentials.ticket, self.new_id()
            outcome = self._attempt(operation, ticket, request_id, attempt)
            if not was_replayed and self._is_renewed(operation, outcome, ticket):
                was_replayed = True
                continue
            failure = self._failure(outcome)
            delay = self._delay(operation, failure, attempt, started)
            if failure is None or delay is None:
                break
            was_repeated = was_repeated or not failure.was_not_applied
            # A warning, which Python shows even where nobody set up logging: a silent minute looks like a hang.
            _log.warning(
                "%s at %s failed (%s); again in %.1f s.",
                operation.document_name,
                server_of(operation, self.server),
                failure.reason,
                delay,
                # For who shows it in other words.
                extra={
                    "problem": self._problem(operation, outcome, failure),
                    "seconds_left": self._retry.budget - (self.clock.monotonic() - started),
                },
            )
            self.clock.sleep(delay)
        if isinstance(outcome, TransportError):
            raise describe_failure(outcome, operation, attempt, request_id, self._credential(operation))
        retry_after = failure.retry_after if failure else None
        return Reply(outcome, attempt, request_id, was_repeated, retry_after)

    def _attempt(
        self, operation: Operation[Any], ticket: Ticket, request_id: str, attempt: int
    ) -> Response | TransportError:
        bearer = ticket.bearer if operation.bearer is None else operation.bearer
        request = request_for(
            operation,
            headers={**self.headers, **self.tenant_headers},
            bearer=bearer,
            request_id=request_id,
            timeout=self._timeout,
        )
        outcome: Response | TransportError
        try:
            outcome = self._send(operation, request)
        except TransportError as error:
            outcome = error
        else:
            self.credentials.learn(outcome.headers.get("date"), self._epoch())
        log_attempt(request, outcome, attempt=attempt)
        return outcome

    def _send(self, operation: Operation[Any], request: Request) -> Response:
        if not isinstance(operation, WebCall):
            return self.transport.send(request)
        if not hasattr(self.transport, "request"):
            raise ConfigurationError(f"{self.server} is not reached over HTTP, so it has no paths to ask")
        response: Response = self.transport.request(
            operation.method,
            operation.path,
            server=operation.server,
            headers=request.headers,
            timeout=self._timeout,
            **{"params" if operation.method == "GET" else "json": operation.params},
        )
        return response

    def _problem(
        self, operation: Operation[Any], outcome: Response | TransportError, failure: Failure
    ) -> str:
        if isinstance(outcome, TransportError):
            return str(outcome)
        return f"{server_of(operation, self.server)} answered {failure.reason}"

    def _failure(self, outcome: Response | TransportError) -> Failure | None:
        if isinstance(outcome, TransportError):
            return failure_of_error(outcome)
        return failure_of_response(outcome, self.credentials.server_time(self._epoch()))

    def _delay(
        self, operation: Operation[Any], failure: Failure | None, attempt: int, started: float
    ) -> float | None:
        if failure is None:
            return None
        is_idempotent = failure.was_not_applied or self._is_repeatable(operation)
        return self._retry.next_delay(
            failure,
            attempt=attempt,
            elapsed=self.clock.monotonic() - started,
            random=self._random,
            is_idempotent=is_idempotent,
        )

    def _is_repeatable(self, operation: Operation[Any]) -> bool:
        if operation.repeat is not Repeat.KEYED:
            return operation.repeat is Repeat.SAFE
        try:
            return "idempotency_key_header" in self.capabilities()
        except OrchestraError:
            # It may be a server that would do everything twice.
            return False

    def _ask_capabilities(self) -> frozenset[str]:
        try:
            return self.execute(get_capabilities())
        except (ServerError, RateLimited):
            raise
        except ClientError:
            return frozenset()
