"""How a flow run stands: what explaining it takes."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from orchestra_client.operation import Operation
from orchestra_client.operations import checks
from orchestra_client.operations.answers import first, moment, words
from orchestra_client.states.hierarchy import FINISHED, RUNNING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from orchestra_client.operations.checks import Id

__all__ = [
    "MAX_TASK_RUNS",
    "Holder",
    "Standing",
    "Taker",
    "Unfinished",
    "find_runs_in_hand",
    "find_tag_holders",
    "find_upstream",
    "get_standing",
]

MAX_TASK_RUNS = 1000
"""Unfinished task runs, and holders of slots, that are looked at."""


@dataclass(frozen=True, slots=True)
class Taker:
    """The agent that took a flow run.

    Attributes:
        name: for people.
        last_queried: when it last asked for runs; None for never.
    """

    name: str
    last_queried: datetime | None


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A task run that has not come to its end.

    Attributes:
        id: its UUID.
        name: of its task, with its place among mapped ones.
        task_id: the task's UUID.
        map_index: its place among mapped runs; -1 when it is not mapped.
        version: of the state.
        state: the type of its state.
        start: when the state lets it begin; None when it names no time.
        heartbeat: its last sign of life: a heartbeat, or that it entered its state.
        tags: the task's.
    """

    id: str
    name: str
    task_id: str
    map_index: int
    version: int
    state: str
    start: datetime | None
    heartbeat: datetime | None
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Standing:
    """A flow run, its flow, and its unfinished task runs.

    Attributes:
        id: its UUID.
        name: the run's name.
        version: of the state.
        state: the type of its state.
        message: what the state says.
        since: when it entered the state.
        start: when the state lets it begin; None when it names no time.
        heartbeat: its last sign of life: a heartbeat, or that it entered its state.
        labels: those an agent needs to take it.
        times_resurrected: how often it was scheduled again after its process was lost.
        taker: the agent that took it, when the server knows.
        flow_name: its flow's name.
        flow_version: which version of the flow it runs.
        is_archived: whether that version is out of use.
        current_version: the version that is in use; None when there is none.
        version_group_id: what the versions share.
        settings: of the flow's group.
        task_runs: the unfinished ones, at most `MAX_TASK_RUNS`.
    """

    id: str
    name: str
    version: int
    state: str
    message: str | None
    since: datetime | None
    start: datetime | None
    heartbeat: datetime | None
    labels: tuple[str, ...]
    times_resurrected: int
    taker: Taker | None
    flow_name: str
    flow_version: int | None
    is_archived: bool
    current_version: int | None
    version_group_id: str | None
    settings: Mapping[str, Any]
    task_runs: tuple[Unfinished, ...]


@dataclass(frozen=True, slots=True)
class Holder:
    """A task run that holds a slot.

    Attributes:
        task: its task's name, with its place among mapped ones.
        tags: the task's.
        flow_run_id: its flow run.
        flow_run_name: that one's name.
        since: when it entered Running.
    """

    task: str
    tags: tuple[str, ...]
    flow_run_id: str
    flow_run_name: str
    since: datetime | None


def get_standing(flow_run_id: Id) -> Operation[Standing]:
    """Read how a flow run stands."""
    run_id = checks.uuid(flow_run_id, "flow_run_id")
    variables = {
        "where": {"id": {"_eq": run_id}},
        "unfinished": {"state": {"_nin": sorted(FINISHED)}},
        "limit": MAX_TASK_RUNS,
    }
    return Operation("get_standing", variables, first(f"flow run {run_id}", _standing))


def _standing(row: dict[str, Any]) -> Standing:
    flow, agent = row["flow"] or {}, row["agent"]
    group = flow.get("flow_group") or {}
    current = group.get("flows") or ()
    return Standing(
        id=row["id"],
        name=row["name"] or row["id"],
        version=row["version"],
        state=row["state"] or "Pending",
        message=row["state_message"],
        since=moment(row["state_timestamp"]),
        start=moment(row["state_start_time"]),
        heartbeat=_last_sign(row),
        labels=words(row["labels"]),
        times_resurrected=row["times_resurrected"] or 0,
        taker=Taker(agent["name"] or agent["type"], moment(agent["last_queried"])) if agent else None,
        flow_name=flow.get("name") or "",
        flow_version=flow.get("version"),
        is_archived=bool(flow.get("archived")),
        current_version=current[0]["version"] if current else None,
        version_group_id=flow.get("version_group_id"),
        settings=group.get("settings") or {},
        task_runs=tuple(map(_unfinished, row["task_runs"])),
    )


def _unfinished(row: dict[str, Any]) -> Unfinished:
    return Unfinished(
        id=row["id"],
        name=_task_name(row),
        task_id=row["task"]["id"],
        map_index=row["map_index"],
        version=row["version"],
        state=row["state"] or "Pending",
        start=moment(row["state_start_time"]),
        heartbeat=_last_sign(row),
        tags=words(row["task"]["tags"]),
    )


def _last_sign(row: dict[str, Any]) -> datetime | None:
    signs = [moment(row[column]) for column in ("heartbeat", "state_timestamp") if row[column]]
    return max(signs, default=None)


def _task_name(row: dict[str, Any]) -> str:
    place = "" if row["map_index"] < 0 else f"[{row['map_index']}]"
    return f"{row['task']['name']}{place}"


def find_tag_holders(tags: Collection[str]) -> Operation[list[Holder]]:
    """Read which Running task runs have one of some tags, the longest running first."""
    having = [{"task": {"tags": {"_contains": [tag]}}} for tag in sorted(tags)]
    where = {"state": {"_in": sorted(RUNNING)}, "_or": having}
    return Operation(
        "find_tag_holders",
        {"where": where, "limit": MAX_TASK_RUNS},
        lambda rows: [_holder(row) for row in rows],
    )


def _holder(row: dict[str, Any]) -> Holder:
    run = row["flow_run"] or {}
    return Holder(
        task=_task_name(row),
        tags=words(row["task"]["tags"]),
        flow_run_id=run.get("id") or "",
        flow_run_name=run.get("name") or "",
        since=moment(row["state_timestamp"]),
    )


def find_upstream(task_ids: Collection[str]) -> Operation[Mapping[str, set[str]]]:
    """Read which tasks some tasks wait for, by the id of the waiting one."""
    where = {"downstream_task_id": {"_in": sorted(task_ids)}}

    def read(rows: list[dict[str, Any]]) -> Mapping[str, set[str]]:
        upstream: defaultdict[str, set[str]] = defaultdict(set)
        for row in rows:
            upstream[row["downstream_task_id"]].add(row["upstream_task_id"])
        return upstream

    return Operation("find_upstream", {"where": where}, read)


def find_runs_in_hand(agent_ids: Collection[str]) -> Operation[Mapping[str, int]]:
    """Read how many flow runs agents have taken that are not finished, by the agent's id."""
    where = {"agent_id": {"_in": sorted(agent_ids)}, "state": {"_in": sorted(RUNNING | {"Submitted"})}}
    return Operation(
        "find_runs_in_hand",
        {"where": where, "limit": MAX_TASK_RUNS},
        lambda rows: Counter(row["agent_id"] for row in rows),
    )
