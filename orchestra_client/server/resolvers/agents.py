"""Agents and their configurations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestra_client.errors import BadInput
from orchestra_client.server import checks
from orchestra_client.server.registry import mutation

if TYPE_CHECKING:
    from orchestra_client.server.context import Context
    from orchestra_client.server.store.session import Session

Input = dict[str, Any]


@mutation("register_agent", creates=True)
def register_agent(session: Session, context: Context, input: Input) -> dict[str, Any]:  # noqa: A002
    """A new agent; one that starts again registers again."""
    checks.own_tenant(session, input)
    if input.get("agent_config_id"):
        session.require("agent_config", input["agent_config_id"])
    agent = {
        "type": checks.name(input["type"], "agent's type"),
        "name": input.get("name"),
        "labels": sorted(set(input.get("labels") or [])),
        "agent_config_id": input.get("agent_config_id"),
        "core_version": context.credentials.client_version,
        "last_queried": None,
    }
    [agent_id] = session.insert("agent", agent)
    return {"id": agent_id}


@mutation("delete_agent")
def delete_agent(session: Session, context: Context, input: Input) -> dict[str, Any]:  # noqa: A002
    """Forget an agent; the runs it took stay."""
    session.require("agent", input["agent_id"], lock=True)
    session.delete("agent", [input["agent_id"]])
    return {"success": True}


@mutation("create_agent_config", creates=True)
def create_agent_config(session: Session, context: Context, input: Input) -> dict[str, Any]:  # noqa: A002
    """Settings that several agents share."""
    checks.own_tenant(session, input)
    if not isinstance(input["settings"], dict):
        raise BadInput("An agent config's settings must be an object.")
    config = {"name": checks.name(input["name"], "agent config's name"), "settings": input["settings"]}
    [config_id] = session.insert("agent_config", config)
    return {"id": config_id}
