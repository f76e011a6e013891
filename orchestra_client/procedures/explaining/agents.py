"""Why no agent takes a flow run whose time has come. Pure."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from orchestra_client.procedures.explaining.wording import (
    ago,
    count,
    listed,
    quoted,
    start_command,
)
from orchestra_client.results import Reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from orchestra_client.results import Agent

__all__ = ["fits", "reason_of_agents"]

_SOON = timedelta(seconds=30)
"""How long a run may be due without anybody wondering; agents ask every 10 s at least."""


def fits(labels: Sequence[str], agent: Agent) -> bool:
    """Whether an agent takes runs with these labels: with all of them, or without any, runs without any."""
    return set(labels) <= set(agent.labels) if labels else not agent.labels


def reason_of_agents(
    labels: Sequence[str],
    agents: Sequence[Agent],
    in_hand: Mapping[str, int],
    *,
    due: datetime,
    now: datetime,
) -> Reason:
    """Why no agent has taken a run.

    Args:
        labels: the run's.
        agents: those that are registered, the one that asked last first.
        in_hand: how many runs those have that could take it, by the agent's id.
        due: since when the run waits.
        now: what o'clock it is at the server.
    """
    if not agents:
        return _no_agents(labels)
    able = [agent for agent in agents if fits(labels, agent)]
    if not able:
        return _no_agent_with_labels(labels, agents, now)
    active = [agent for agent in able if agent.is_active]
    if not active:
        return _agents_silent(labels, able, now)
    if now - due < _SOON:
        return _about_to_start(active, due, now)
    return _agents_busy(active, in_hand, due, now)


def _no_agents(labels: Sequence[str]) -> Reason:
    wanted = f" with the {_labels(labels)}" if labels else ""
    return Reason(
        "no_agents",
        f"No agent has ever asked this server for runs; the run waits for one{wanted}.",
        f"Start one where the flow can run: {start_command(labels)}",
    )


def _no_agent_with_labels(labels: Sequence[str], agents: Sequence[Agent], now: datetime) -> Reason:
    wanted = f"No agent has its {_labels(labels)}" if labels else "It has no labels, and all agents want some"
    # Whoever asks for runs first, then whoever comes closest.
    nearest = sorted(agents, key=lambda agent: (not agent.is_active, len(_missing(labels, agent))))
    told = [f"{_named(agent)} {_unfit(labels, agent)}, {_asked(agent, now)}" for agent in _different(nearest)]
    return Reason(
        "no_agent_with_labels",
        f"{wanted}: {listed(told, '; ')}.",
        f"Start an agent that takes it: {start_command(labels)}. "
        "Or make the run anew, with labels that an agent has: orchestra run … --label LABEL",
        "Create the run anew with labels=[…] that an agent has.",
    )


def _agents_silent(labels: Sequence[str], able: Sequence[Agent], now: datetime) -> Reason:
    told = [f"{_named(agent)} {_asked(agent, now)}" for agent in _different(able)]
    return Reason(
        "agents_silent",
        f"No agent that may take it asks for runs: {listed(told, '; ')}.",
        f"See whether it still runs, and whether it reaches this server; or start another: {start_command(labels)}",
    )


def _about_to_start(active: Sequence[Agent], due: datetime, now: datetime) -> Reason:
    return Reason(
        "about_to_start",
        f"It became due {ago(due, now)}, and {listed([_named(agent) for agent in active])} may take it.",
        "Wait some seconds; agents ask at intervals.",
    )


def _agents_busy(active: Sequence[Agent], in_hand: Mapping[str, int], due: datetime, now: datetime) -> Reason:
    told = [
        f"{_named(agent)} {_asked(agent, now)} and has {count(in_hand.get(agent.id, 0), 'run')} in hand"
        for agent in active
    ]
    return Reason(
        "agent_busy",
        f"It became due {ago(due, now)}, and was not taken by those that may: {listed(told, '; ')}.",
        "An agent at its limit (orchestra agent start --limit) takes it when one of its runs ends; raise the limit or "
        "start another agent. With few runs in hand, its own log says why it takes none.",
    )


def _named(agent: Agent) -> str:
    return f"agent {agent.name or agent.type!r}"


def _asked(agent: Agent, now: datetime) -> str:
    return (
        "has never asked for runs" if agent.last_queried is None else f"asked {ago(agent.last_queried, now)}"
    )


def _labels(labels: Sequence[str]) -> str:
    return f"label{'' if len(labels) == 1 else 's'} {quoted(labels)}"


def _missing(labels: Sequence[str], agent: Agent) -> list[str]:
    return sorted(set(labels) - set(agent.labels))


def _unfit(labels: Sequence[str], agent: Agent) -> str:
    if not labels:
        return f"wants {quoted(agent.labels)}"
    return f"lacks {quoted(_missing(labels, agent))}"


def _different(agents: Iterable[Agent]) -> list[Agent]:
    """Without those that started again, and are another agent of the same name and labels since."""
    latest: dict[tuple[str | None, tuple[str, ...]], Agent] = {}
    for agent in agents:
        latest.setdefault((agent.name, agent.labels), agent)
    return list(latest.values())
