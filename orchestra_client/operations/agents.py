"""Agents: making themselves known, their configurations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestra_client.operation import Operation, Repeat
from orchestra_client.operations import checks
from orchestra_client.operations.answers import first, id_of
from orchestra_client.results import AgentConfig

if TYPE_CHECKING:
    from collections.abc import Iterable

    from orchestra_client.operations.checks import Id

__all__ = ["get_agent_config", "register_agent"]


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
