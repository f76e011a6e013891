"""Checks of the work: who runs it, what waits, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestra_client.cli.diagnosis.findings import Finding, Verdict
from orchestra_client.cli.hints import agent_start
from orchestra_client.cli.limit import full
from orchestra_client.cli.lookup import find_flow_run
from orchestra_client.cli.output import when

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from orchestra_client.client import Client
    from orchestra_client.results import Agent, LateFlowRun, TagLimit

__all__ = ["check_agents", "check_flow_run", "check_late_flow_runs", "check_limits"]

_MOST = 100
_SHOWN = 5

_AT_EASE = {"about_to_start", "finished", "in_turn", "not_due", "paused", "retrying_until", "running"}
"""Codes of reasons that are none to worry: all is as somebody wanted it."""


def check_agents(client: Client, now: datetime) -> Finding:
    """Which agents ask for runs, and for which ones.

    Args:
        client: of the tenant.
        now: by the server's clock.
    """
    active = client.agents(is_active=True, limit=_MOST)
    if active:
        more = "" if active.is_whole else "more than "
        said = f"{more}{_count(len(active), 'agent')} {'asks' if len(active) == 1 else 'ask'} for runs"
        return Finding(
            "agents", Verdict.OK, said, _shortened(_agent(each, now) for each in active), None, active
        )
    silent = client.agents(limit=1)
    return Finding(
        "agents",
        Verdict.WARNING,
        "no agent asks for runs, so none will start",
        tuple(f"the last one was {_agent(each, now)}" for each in silent),
        f"Start one: {agent_start(client)}",
        silent,
    )


def check_late_flow_runs(client: Client, now: datetime) -> Finding:
    """Which runs wait although their time has come.

    Args:
        client: of the tenant.
        now: by the server's clock.
    """
    late = client.late_flow_runs(limit=_MOST)
    if not late:
        return Finding("late runs", Verdict.OK, "none", record=late)
    return Finding(
        "late runs",
        Verdict.WARNING,
        f"{_many(len(late), 'flow run', is_whole=late.is_whole)} late",
        _shortened(_late(each, now) for each in late),
        f"For one of them: orchestra doctor {late[0].flow_run_id}",
        late,
    )


def check_limits(client: Client, now: datetime) -> Finding:
    """Which tag limits let nothing more start, and who holds their slots.

    Args:
        client: of the tenant.
        now: by the server's clock.
    """
    limits = client.task_tag_limits()
    crowded = [each for each in limits if full(each)]
    if not crowded:
        said = f"{_count(len(limits), 'limit')}, none of them full" if limits else "none"
        return Finding("tag limits", Verdict.OK, said, record=limits)
    return Finding(
        "tag limits",
        Verdict.WARNING,
        f"{_many(len(crowded), 'limit')} full; further task runs wait",
        _shortened(line for each in crowded for line in _holders(each, now)),
        "See orchestra limit list; orchestra limit set TAG N makes room.",
        limits,
    )


def check_flow_run(client: Client, wanted: str) -> Finding:
    """Why one run is where it is.

    Args:
        client: of the tenant.
        wanted: the run's id or name.

    Raises:
        click.ClickException: there is no such run.
    """
    found = client.explain_flow_run(find_flow_run(client, wanted).id)
    first, *others = found.reasons
    is_at_ease = all(each.code in _AT_EASE for each in found.reasons)
    verdict = Verdict.OK if is_at_ease else Verdict.WARNING
    more = tuple(f"{each.message} {each.advice}" for each in others)
    return Finding("flow run", verdict, found.summary, more, first.advice or None, found)


def _agent(agent: Agent, now: datetime) -> str:
    labels = f"labels {', '.join(agent.labels)}" if agent.labels else "no labels"
    asked = f"asked {when(agent.last_queried, now)}" if agent.last_queried else "never asked"
    return f"{agent.name or agent.id}: {labels}, {asked}"


def _late(run: LateFlowRun, now: datetime) -> str:
    return f"{run.name or run.flow_run_id}, due {when(run.due, now)}" + (
        f": {run.reason}" if run.reason else ""
    )


def _holders(limit: TagLimit, now: datetime) -> Iterable[str]:
    title = f"{limit.tag} ({limit.limit})"
    if not limit.holders:
        yield f"{title}: its limit is 0, which lets none start"
    for slot in limit.holders or ():
        began = f", which began {when(slot.since, now)}" if slot.since else ""
        yield f"{title}: {slot.task_name} of {slot.flow_run_name or slot.flow_run_id}{began}"


def _shortened(lines: Iterable[str]) -> tuple[str, ...]:
    lines = tuple(lines)
    more = len(lines) - _SHOWN
    return lines if more <= 0 else (*lines[:_SHOWN], f"and {more} more")


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _many(number: int, what: str, *, is_whole: bool = True) -> str:
    more = "" if is_whole else "more than "
    return f"{more}{_count(number, what)} {'is' if number == 1 else 'are'}"
