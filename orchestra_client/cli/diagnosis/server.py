"""Checks of the server: whether it answers, what it can do, what time it has, and whether its services run."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestra_client._version import __version__
from orchestra_client.auth.tokens import learn_skew
from orchestra_client.cli.diagnosis.findings import Finding, Verdict
from orchestra_client.cli.output import when
from orchestra_client.errors import AuthenticationError, BadInput, NotFound, PermissionDenied
from orchestra_client.transport import Request
from orchestra_client.transport.answers import graphql_body

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestra_client.client import Client
    from orchestra_client.config import ServerChoice
    from orchestra_client.transport import Response, Transport

__all__ = [
    "CAPABILITIES",
    "check_clock",
    "check_reach",
    "check_services",
    "check_store",
    "check_version",
    "skew_of",
]

_SLOW = 2.0
_LARGEST_SKEW = 5.0

CAPABILITIES = {
    "atomic_registration": "many flows cannot be registered all or none",
    "idempotency_key_header": "creations are not repeated when their answer is lost",
    "large_flows": "large flows are registered in one request, which may be too large",
    "late_flow_runs": "it does not tell why runs are late",
    "oidc": "CI jobs cannot log in with the tokens of their CI",
    "scoped_api_tokens": "runs get the token of their agent, not one of their own",
    "task_tag_slots": "it does not tell who holds the slots of tag limits",
    "transition_id": "a state whose answer is lost may be refused when it is repeated",
    "update_heartbeats": "heartbeats are sent one by one",
}
"""What is missed at a server without a capability."""

_SERVICES = {
    "scheduler": "no runs are made of schedules",
    "zombie-reaper": "runs that died stay Running",
    "lazarus": "runs that lost their agent are not started again",
    "late-runs": "nobody is told of late runs",
}
"""What is missed while a service of the server does not run."""


def check_store(server: ServerChoice) -> Finding | None:
    """Whether there is a store where the URL says; None when that shows only by opening it.

    It is not made for being looked at.
    """
    if server.url == "memory:":
        return Finding(
            "server", Verdict.SKIPPED, "memory: is a new server each time; there is nothing to look at"
        )
    if not server.url.startswith("sqlite:"):
        return None
    path = Path(server.url.removeprefix("sqlite:///").partition("?")[0])
    if path.exists():
        return None
    return Finding(
        "server", Verdict.SKIPPED, f"there is no store at {path} yet; whatever uses it first makes it"
    )


def check_reach(transport: Transport, server: ServerChoice) -> tuple[Finding, Response]:
    """Whether a GraphQL API answers, and how fast.

    Args:
        transport: to the server; one request is sent, without a token.
        server: for messages.

    Returns:
        What was found, and the answer.

    Raises:
        TransportError: there is no answer, or it is not GraphQL.
        OrchestraError: the server refused the request in another way.
    """
    answer = transport.send(Request("query hello { hello }", operation_name="hello"))
    # Who asks for a login is there; the login is another check.
    with suppress(AuthenticationError, PermissionDenied):
        graphql_body(answer, server=server.shown)
    took = f"answers in {answer.elapsed * 1000:.0f} ms"
    record = {"latency": answer.elapsed}
    if answer.elapsed >= _SLOW:
        return Finding(
            "server",
            Verdict.WARNING,
            f"{took}, which is slow",
            advice="Look at its log and its machine, or at the network on the way.",
            record=record,
        ), answer
    return Finding("server", Verdict.OK, took, record=record), answer


def skew_of(answer: Response, received_at: float) -> float | None:
    """By how many seconds the server's clock is ahead of ours; None when it does not tell the time.

    Args:
        answer: with the server's `Date`.
        received_at: epoch seconds by our clock.
    """
    return learn_skew(answer.headers.get("date"), received_at)


def check_clock(skew: float | None) -> Finding:
    """Whether this machine and the server agree about the time.

    Args:
        skew: see :func:`skew_of`.
    """
    if skew is None:
        return Finding("clock", Verdict.SKIPPED, "the server does not tell the time")
    if abs(skew) <= _LARGEST_SKEW:
        return Finding("clock", Verdict.OK, "agrees with the server's", record={"skew": skew})
    return Finding(
        "clock",
        Verdict.WARNING,
        f"this machine's is {abs(skew):.0f} s {'behind' if skew > 0 else 'ahead of'} the server's",
        advice="Set both by a time server (timedatectl set-ntp true): times of states and logs are wrong.",
        record={"skew": skew},
    )


def check_version(client: Client) -> Finding:
    """Which version the server has, and what it cannot do that newer ones can."""
    try:
        api = client.graphql("query api { api { version capabilities } }").data.api
    except BadInput:
        # Servers of the older API do not know the field.
        api = client.graphql("query api { api { version } }").data.api
    known = sorted(api.get("capabilities") or ())
    lacking = [name for name in CAPABILITIES if name not in known]
    record = {"version": api.version, "capabilities": known, "lacking": lacking}
    if not lacking:
        return Finding(
            "version", Verdict.OK, f"{api.version}, with everything this client uses", record=record
        )
    return Finding(
        "version",
        Verdict.WARNING,
        f"{api.version} is older than this client ({__version__}) and lacks some of what it uses",
        tuple(f"{name}: {CAPABILITIES[name]}" for name in lacking),
        "Everything else works; upgrade the server when you can.",
        record,
    )


def check_services(client: Client, now: datetime) -> Finding:
    """Whether what the server does of its own accord is being done.

    Args:
        client: of a server reached over HTTP.
        now: by the server's clock.
    """
    services: Mapping[str, Any] | None
    try:
        services = client.get("health").get("services")
    except NotFound:
        services = None
    if services is None:
        return Finding("services", Verdict.SKIPPED, "the server does not tell of them")
    running = [name for name, each in services.items() if each["status"] == "running"]
    lacking = [name for name in _SERVICES if name not in running]
    record = dict(services)
    if not lacking:
        return Finding("services", Verdict.OK, f"{', '.join(running)} run", record=record)
    return Finding(
        "services",
        Verdict.WARNING,
        f"not running: {', '.join(lacking)}",
        tuple(f"{name}: {_SERVICES[name]} ({_last(services.get(name), now)})" for name in lacking),
        "Start the server without --no-services, or orchestra server services beside it.",
        record,
    )


def _last(service: Mapping[str, Any] | None, now: datetime) -> str:
    moment = service and service["last_success"]
    return f"last done {when(datetime.fromisoformat(moment), now)}" if moment else "never done"
