"""Agents: making themselves known, their configurations."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Any

from orchestra_client.operation import Operation, Repeat
from orchestra_client.operations import checks, filters
from orchestra_client.operations.answers import first, id_of, moment, words
from orchestra_client.operations.paging import page
from orchestra_client.results import Agent, AgentConfig

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from orchestra_client.operations.checks import Id
    from orchestra_client.records import Records

__all__ = ["ACTIVE", "get_agent_config", "list_agents", "register_agent"]

ACTIVE = timedelta(seconds=60)
"""How long ago an active agent has asked for runs at most; agents ask every 10 s at least."""


def register_agent(
    agent_type: str,
    name: str | None,
    labels: Iterable[str] | None,
    agent_config_id: Id | None,
    tenant_id: str | None,
    *,
    key: str,
) -> Operation[str]:
    """Make an agent known; the result is its id.

    Args:
        agent_type: e.g. ``LocalAgent``.
        name: for people.
        labels: of the runs it takes.
        agent_config_id: the configuration it follows.
        tenant_id: of the session, when there is one.
        key: the same for every repeat of this call.
    """
    given: dict[str, Any] = {
        "type": checks.filled(agent_type, "agent_type"),
        "labels": checks.labels(labels),
    }
    if name is not None:
        given["name"] = checks.filled(name, "name")
    if agent_config_id is not None:
        given["agent_config_id"] = checks.uuid(agent_config_id, "agent_config_id")
    if tenant_id is not None:
        given["tenant_id"] = tenant_id
    return Operation("register_agent", {"input": given}, id_of, Repeat.KEYED, key)


def get_agent_config(agent_config_id: Id) -> Operation[AgentConfig]:
    """Read an agent configuration."""
    config_id = checks.uuid(agent_config_id, "agent_config_id")
    parse = first(f"agent config {config_id}", lambda row: AgentConfig(**row))
    return Operation("get_agent_config", {"where": {"id": {"_eq": config_id}}}, parse)


def list_agents(
    *,
    is_active: bool | None,
    labels: Iterable[str] | None,
    name: str | None,
    limit: int,
    offset: int,
    now: datetime,
) -> Operation[Records[Agent]]:
    """Read agents, those first that asked for runs last.

    Args:
        is_active: whether they asked for runs in the last minute; None for both.
        labels: which they have all of, and maybe others; None for any.
        name: theirs; None for any.
        limit: how many at most.
        offset: how many to leave out first.
        now: what o'clock it is at the server.
    """
    wanted: dict[str, Any] = {"name": filters.text(name, "name"), "labels": filters.having(labels)}
    if filters.flag(is_active, "is_active") is not None:
        asked_lately = {"last_queried": {"_gte": checks.instant(now - ACTIVE, "now")}}
        never_asked = {"last_queried": {"_is_null": True}}
        wanted |= asked_lately if is_active else {"_or": [never_asked, {"_not": asked_lately}]}
    rows_wanted = page(limit, offset)
    return Operation(
        "list_agents",
        {"where": filters.where(wanted), **rows_wanted.variables},
        lambda rows: rows_wanted.read(rows, lambda row: _agent(row, now), Agent),
    )


def _agent(row: dict[str, Any], now: datetime) -> Agent:
    last_queried = moment(row["last_queried"])
    is_active = last_queried is not None and last_queried >= now.astimezone(UTC) - ACTIVE
    return Agent(
        id=row["id"],
        name=row["name"],
        type=row["type"],
        labels=words(row["labels"]),
        core_version=row["core_version"],
        last_queried=last_queried,
        is_active=is_active,
    )
