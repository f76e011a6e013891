"""Trusts in the tokens of CI jobs, and the login by such a token."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestra_client.errors import BadInput
from orchestra_client.operation import Operation, Repeat
from orchestra_client.operations import checks
from orchestra_client.operations.answers import id_of, moment, mutated
from orchestra_client.records import Records
from orchestra_client.results import JobLogin, Trust

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestra_client.operations.checks import Id
    from orchestra_client.results import Scope

__all__ = ["create_trust", "delete_trust", "exchange_oidc_token", "list_trusts"]

_SCOPES = ("TENANT", "RUNNER")
_NO_TOKEN = ""


def create_trust(
    name: str,
    *,
    issuer: str,
    audience: str,
    claims: Mapping[str, str],
    scope: Scope,
    lifetime: int,
    key: str,
) -> Operation[Trust]:
    """Let jobs of a CI log in to the tenant.

    Args:
        name: what it is for.
        issuer: whose tokens.
        audience: whom they must be made for.
        claims: a pattern for each claim.
        scope: what the jobs may do.
        lifetime: seconds that their login lives.
        key: the same for every repeat of this call.
    """
    if scope not in _SCOPES:
        raise BadInput(f"scope must be one of {', '.join(_SCOPES)}, not {scope!r}")
    patterns = checks.json_object(claims, "claims")
    given = {
        "name": checks.filled(name, "name"),
        "issuer": checks.filled(issuer, "issuer"),
        "audience": checks.filled(audience, "audience"),
        "claims": [
            {"name": checks.filled(claim, "a claim's name"), "pattern": _pattern(claim, pattern)}
            for claim, pattern in patterns.items()
        ],
        "role": scope,
        "token_seconds": checks.within(lifetime, "lifetime", 60, 3600),
    }

    def parse(answer: dict[str, Any]) -> Trust:
        return Trust(id_of(answer), name, issuer, audience, dict(claims), scope, lifetime)

    return Operation("create_trust", {"input": given}, parse, Repeat.KEYED, key)


def delete_trust(trust_id: Id) -> Operation[bool]:
    """Let them in no more; the result is whether it worked."""
    return Operation("delete_trust", {"input": {"trust_id": checks.uuid(trust_id, "trust_id")}}, mutated)


def list_trusts() -> Operation[Records[Trust]]:
    """List the tenant's trusts."""
    return Operation("list_trusts", {}, lambda rows: Records(map(_listed, rows), kind=Trust))


def exchange_oidc_token(token: str, tenant: str | None, *, key: str) -> Operation[JobLogin]:
    """Log in by the token of a CI job.

    Args:
        token: that the CI made.
        tenant: slug or id of the tenant; None where the server has one.
        key: the same for every repeat of this call.
    """
    given = {"token": checks.filled(token, "token").strip()}
    if tenant is not None:
        given["tenant"] = checks.filled(tenant, "tenant")
    # Whichever server has this field knows a repeat by its key.
    return Operation("exchange_oidc_token", {"input": given}, _login, Repeat.SAFE, key, bearer=_NO_TOKEN)


def _pattern(claim: str, pattern: object) -> str:
    return checks.filled(pattern, f"the pattern of claim {claim!r}")  # type: ignore[arg-type]  # it checks the type


def _listed(row: dict[str, Any]) -> Trust:
    return Trust(
        id=row["id"],
        name=row["name"],
        issuer=row["issuer"],
        audience=row["audience"],
        claims={claim["name"]: claim["pattern"] for claim in row["claims"]},
        scope=row["role"],
        lifetime=row["token_seconds"],
        created=moment(row["created"]),
    )


def _login(answer: dict[str, Any]) -> JobLogin:
    return JobLogin(
        tenant_id=answer["tenant_id"],
        tenant_slug=answer["tenant_slug"],
        scope=answer["role"],
        trust=answer["trust"],
        expires_at=moment(answer["expires_at"]),
        access_token=answer["access_token"],
    )
