"""API tokens: making, listing and revoking them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

from orchestra_client.errors import BadInput
from orchestra_client.operation import Operation, Repeat
from orchestra_client.operations import checks
from orchestra_client.operations.answers import id_of, moment, mutated
from orchestra_client.records import Records
from orchestra_client.results import ApiToken, Scope

if TYPE_CHECKING:
    from datetime import datetime

    from orchestra_client.operations.checks import Id

__all__ = ["create_api_token", "delete_api_token", "list_api_tokens"]


def create_api_token(
    name: str,
    scope: Scope,
    *,
    expires_at: datetime | None,
    tenant_id: Id | None,
    flow_run_id: Id | None,
    key: str,
) -> Operation[ApiToken]:
    """Create an API token.

    Args:
        name: what it is for.
        scope: what it may do.
        expires_at: when it stops working; None for never.
        tenant_id: the tenant it acts in; None for the session's.
        flow_run_id: the single run that a RUNNER token is good for; None for any.
        key: the same for every repeat of this call.
    """
    if scope not in get_args(Scope):
        raise BadInput(f"scope must be one of {', '.join(get_args(Scope))}, not {scope!r}")
    given: dict[str, Any] = {"name": checks.filled(name, "name"), "scope": scope}
    if expires_at is not None:
        given["expires_at"] = checks.instant(expires_at, "expires_at")
    for part, value in (("tenant_id", tenant_id), ("flow_run_id", flow_run_id)):
        if value is not None:
            given[part] = checks.uuid(value, part)

    def parse(answer: dict[str, Any]) -> ApiToken:
        return ApiToken(
            id=id_of(answer),
            name=name,
            scope=scope,
            token=answer["token"],
            expires_at=moment(answer.get("expires_at")),
            tenant_id=given.get("tenant_id"),
            flow_run_id=given.get("flow_run_id"),
        )

    return Operation("create_api_token", {"input": given}, parse, Repeat.KEYED, key)


def delete_api_token(token_id: Id) -> Operation[bool]:
    """Revoke an API token; the result is whether it worked."""
    return Operation("delete_api_token", {"input": {"token_id": checks.uuid(token_id, "token_id")}}, mutated)


def list_api_tokens() -> Operation[Records[ApiToken]]:
    """List the API tokens that the caller may see, without their secret parts."""
    return Operation("list_api_tokens", {}, lambda rows: Records(map(_listed, rows), kind=ApiToken))


def _listed(row: dict[str, Any]) -> ApiToken:
    times = {name: moment(row[name]) for name in ("created", "expires_at")}
    return ApiToken(**{**row, **times})
