"""Late runs: whose time has come and that no agent took, and why that may be.

Lateness is no state. Older clients know no such state, and a new version would look like someone else's run to the
agent that is about to take it. It follows from the run's time, and ends with it being taken.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import bindparam, select

from orchestra_client.states.hierarchy import SCHEDULED

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Select

    from orchestra_client.server.store.session import Session
    from orchestra_client.server.store.views import Views

AGENT_SILENCE = 120
"""Seconds after which an agent that asks for no runs counts as gone; agents ask every 10 s at least."""

MAX_NAMED = 5
"""Agents that a reason names."""

_WAITING = sorted(SCHEDULED | {"Queued"})


class Agent(NamedTuple):
    """An agent that asks for runs.

    Attributes:
        name: as it registered.
        labels: the labels it has.
    """

    name: str
    labels: frozenset[str]


def asking_agents(session: Session, since: str) -> list[Agent]:
    """The registered agents that asked for runs since then, the last one first."""
    rows = session.rows(_agents(session.views), since=since)
    return [Agent(row["name"] or row["type"], frozenset(row["labels"])) for row in rows]


def reason(labels: Sequence[str], agents: Sequence[Agent]) -> str:
    """Why no agent has taken a run with these labels, as far as the server can tell, and what helps.

    Args:
        labels: of the run.
        agents: those that ask for runs.
    """
    start = " ".join(["orchestra agent start", *(f"--label {label}" for label in labels)])
    if not agents:
        return f"No registered agent has asked for runs lately; start one with `{start}`."
    fitting = [agent for agent in agents if _fits(frozenset(labels), agent)]
    if fitting:
        return f"{_listed(fitting)} asks for runs and may take it, so it may be at the limit of what it runs."
    wanted = f"the labels {_quoted(labels)}" if labels else "no labels, as this run"
    return f"No agent that asks for runs has {wanted}: {_listed(agents, with_labels=True)}; start one with `{start}`."


@cache
def late_runs(views: Views) -> Select[Any]:
    """The flow runs that have waited since before `due`, the longest first, with their labels and times."""
    runs = views["flow_run"]
    names = ("id", "version", "name", "labels", "state", "state_start_time")
    return (
        select(*(runs.c[name] for name in names))
        .where(runs.c.state.in_(_WAITING), runs.c.state_start_time <= bindparam("due"))
        .order_by(runs.c.state_start_time, runs.c.id)
    )


def _fits(labels: frozenset[str], agent: Agent) -> bool:
    return labels <= agent.labels if labels else not agent.labels


def _listed(agents: Sequence[Agent], *, with_labels: bool = False) -> str:
    shown = [
        f"agent {agent.name!r} has {_quoted(sorted(agent.labels))}"
        if with_labels
        else f"agent {agent.name!r}"
        for agent in agents[:MAX_NAMED]
    ]
    more = len(agents) - len(shown)
    return ", ".join([*shown, *([f"{more} more"] if more else [])])


def _quoted(labels: Iterable[str]) -> str:
    return ", ".join(repr(label) for label in labels) or "none"


@cache
def _agents(views: Views) -> Select[Any]:
    agents = views["agent"]
    return (
        select(agents.c.name, agents.c.type, agents.c.labels)
        .where(agents.c.last_queried >= bindparam("since"))
        .order_by(agents.c.last_queried.desc(), agents.c.id)
    )
