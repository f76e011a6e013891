"""API tokens: making, listing and revoking them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, get_args

from orchestra_client.errors import BadInput
from orchestra_client.operation import Operation, Repeat
from orchestra_client.operations import checks
from orchestra_client.operations.answers import id_of, moment, mutated
from orchestra_client.records import Records
from orchestra_client.results import ApiToken, Scope

if TYPE_CHECKING:
    from orchestra_client.operations.checks import Id

__all__ = ["create_api_token", "delete_api_token", "end_of", "list_api_tokens"]


def end_of(expires_in: timedelta | datetime | None, now: datetime) -> datetime | None:
    """The moment at which a token stops working; None for never.

    Args:
        expires_in: how long it works, or until when; None means for ever.
        now: the server's time.

    Raises:
        TypeError: it is something else.
        BadInput: there is no such moment.
    """
    if not isinstance(expires_in, timedelta | datetime | None):
        raise TypeError(f"expires_in must be a timedelta or a datetime, not {type(expires_in).__name__}")
    if not isinstance(expires_in, timedelta):
        return expires_in
    try:
        return now + expires_in
    except OverflowError:
        raise BadInput(f"expires_in is beyond the dates there are: {expires_in} from now") from None


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
