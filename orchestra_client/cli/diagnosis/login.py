"""The check of the login: as whom, in which tenant, until when."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from orchestra_client.auth.session import CredentialSource
from orchestra_client.cli.diagnosis.findings import Finding, Verdict
from orchestra_client.cli.output import when
from orchestra_client.cli.remedies import log_in_advice

if TYPE_CHECKING:
    from datetime import datetime

    from orchestra_client.cli.logins import LoginStatus

__all__ = ["check_login"]

_SOON = timedelta(days=3)
_SWITCH = "See orchestra tenant list, then orchestra tenant switch, or set ORCHESTRA_TENANT."


def check_login(status: LoginStatus, now: datetime) -> Finding:
    """Whether the server takes the token, and what it may do.

    Args:
        status: how things stand with the server.
        now: by the server's clock.
    """
    token = f"{status.credential} (from {status.credential_from})" if status.credential else "no token"
    if not status.works:
        return _failed(status, f"{token}: {status.problem}")
    said = ", ".join([token, *_rights(status), _until(status.expires_at, now)])
    is_ending = status.expires_at is not None and status.expires_at - now < _SOON
    verdict = Verdict.WARNING if is_ending or status.warnings else Verdict.OK
    advice = "Make a new token before it stops working." if is_ending else None
    return Finding("login", verdict, said, status.warnings, advice, status)


def _failed(status: LoginStatus, said: str) -> Finding:
    if status.is_refused:
        return Finding("login", Verdict.PROBLEM, said, status.warnings, _log_in(status), status)
    if status.scope:
        return Finding("login", Verdict.PROBLEM, said, status.warnings, _SWITCH, status)
    verdict = Verdict.PROBLEM if status.has_logins else Verdict.WARNING
    return Finding("login", verdict, said, status.warnings, None, status)


def _log_in(status: LoginStatus) -> str:
    hides_login = status.credential_from == CredentialSource.ENVIRONMENT.value
    return log_in_advice(status.server, hides_login=hides_login)


def _rights(status: LoginStatus) -> list[str]:
    tenant = status.tenant or status.tenant_id
    rights = [f"in the tenant {tenant}" if tenant else "in no tenant"]
    return [*rights, f"scope {status.scope}"] if status.scope else rights


def _until(expires_at: datetime | None, now: datetime) -> str:
    if expires_at is None:
        return "for ever"
    return f"until {expires_at:%Y-%m-%d %H:%M} UTC ({when(expires_at, now)})"
