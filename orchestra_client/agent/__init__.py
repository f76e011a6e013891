"""Agents: they take flow runs from the server's queue, run each somewhere, and stand by it until its end.

:class:`LocalAgent` runs each flow run in a process of its own. An agent that runs them elsewhere overrides
:meth:`Agent.deploy`, and nothing else.
"""

from __future__ import annotations

from orchestra_client.agent.base import Agent
from orchestra_client.agent.deployment import Deployment, Ending
from orchestra_client.agent.local import LocalAgent
from orchestra_client.agent.pace import Pace
from orchestra_client.agent.runs import ClaimedRun

__all__ = ["Agent", "ClaimedRun", "Deployment", "Ending", "LocalAgent", "Pace"]
