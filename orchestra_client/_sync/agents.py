# Generated from orchestra_client/_async/agents.py by tools/generate.py: do not edit.
"""Agents: making themselves known, listing them, their configurations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestra_client._sync.base import Part
from orchestra_client.operations import agents

if TYPE_CHECKING:
    from collections.abc import Iterable

    from orchestra_client.operations.checks import Id
    from orchestra_client.records import Records
    from orchestra_client.results import Agent, AgentConfig

__all__ = ["Agents"]


class Agents(Part):
    """The client's methods for agents."""

    def register_agent(
        self,
        agent_type: str,
        name: str | None = None,
        labels: Iterable[str] | None = None,
        agent_config_id: Id | None = None,
    ) -> str:
        """Make an agent known. A lost answer never makes it known twice.

        Args:
            agent_type: e.g. ``LocalAgent``.
            name: for people; unset means none.
            labels: of the runs it takes; unset means none.
            agent_config_id: the configuration it follows; unset means none.

        Returns:
            The id of the agent.

        Raises:
            BadInput: the type, the name or a label is empty, or the id is no UUID. Also a ValueError.
            NotFound: there is no such configuration in this tenant.
        """
        key, tenant_id = self._session.new_id(), self._session.tenant_id
        registration = agents.register_agent(agent_type, name, labels, agent_config_id, tenant_id, key=key)
        return self._execute(registration)

    def get_agent_config(self, agent_config_id: Id) -> AgentConfig:
        """Read an agent configuration.

        Args:
            agent_config_id: the configuration.

        Returns:
            The configuration; what agents need is in its `settings`.

        Raises:
            BadInput: the id is no UUID. Also a ValueError.
            NotFound: there is no such configuration in this tenant.
        """
        return self._execute(agents.get_agent_config(agent_config_id))

    def agents(
        self,
        *,
        is_active: bool | None = None,
        labels: Iterable[str] | None = None,
        name: str | None = None,
        limit: int = 100,
        offset: int = 0,
    ) -> Records[Agent]:
        """List agents.

        Args:
            is_active: True for those that asked for runs in the last minute by the server's clock, False for the
                others; unset means both.
            labels: those with all of these labels, and maybe more; unset means any.
            name: those of this name; unset means any.
            limit: how many at most, from 1 to 10000; `is_whole` of the result tells whether there are more.
            offset: how many to leave out first.

        Returns:
            The agents, those first that asked for runs last. An agent that starts again is another one.

        Raises:
            BadInput: a filter makes no sense. Nothing was sent. Also a ValueError.
        """
        wanted = agents.list_agents(
            is_active=is_active,
            labels=labels,
            name=name,
            limit=limit,
            offset=offset,
            now=self._server_now(),
        )
        return self._execute(wanted)
