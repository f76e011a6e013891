"""Logs of runs, in bulk.

A request is kept whole or not at all. A record that cannot be kept refuses the request and is named by its index,
so the sender knows which one to drop, and that none of the others was written yet.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, select

from orchestra_client.errors import BadInput, PayloadTooLarge
from orchestra_client.server.registry import mutation
from orchestra_client.server.store.text import storable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Select

    from orchestra_client.server.context import Context
    from orchestra_client.server.store.session import Session
    from orchestra_client.server.store.views import Views

Input = dict[str, Any]

MAX_LOGS = 10_000
"""Records of one request."""

MAX_MESSAGE = 1_000_000
"""Characters of one message. What is beyond is cut off, and a mark says how much."""

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")

# What Python's logging calls a level that has no name.
_NUMBERED = re.compile(r"LEVEL ([0-9]{1,9})")
_STARTS = (20, 30, 40, 50)
_ESCAPES = re.compile(r"\x1b\[[0-9;]*m")

# What loggers call levels besides, syslog's and those of other languages among them; any other name counts as INFO.
_NEAREST = {
    **{name: name for name in LEVELS},
    "ALL": "DEBUG",
    "NOTSET": "DEBUG",
    "SPAM": "DEBUG",
    "TRACE": "DEBUG",
    "VERBOSE": "DEBUG",
    "WARN": "WARNING",
    "ERR": "ERROR",
    "ALERT": "CRITICAL",
    "CRIT": "CRITICAL",
    "EMERG": "CRITICAL",
    "EMERGENCY": "CRITICAL",
    "FATAL": "CRITICAL",
    "PANIC": "CRITICAL",
}


@mutation("write_run_logs", creates=True)
def write_run_logs(session: Session, context: Context, input: Input) -> dict[str, Any]:  # noqa: A002
    """Write log records of flow runs and task runs, in their order."""
    logs = input["logs"]
    if len(logs) > MAX_LOGS:
        raise PayloadTooLarge(f"{len(logs)} logs are too many for one request; send at most {MAX_LOGS}.")
    flow_runs = _owners(session, "flow_run", (log.get("flow_run_id") for log in logs))
    task_runs = _owners(session, "task_run", (log.get("task_run_id") for log in logs))
    owners = [_flow_run_id(session, log, f"logs[{i}]", flow_runs, task_runs) for i, log in enumerate(logs)]
    rows = (_row(session, log, owner) for log, owner in zip(logs, owners, strict=True))
    session.insert("log", *rows)
    return {"success": True}


def _owners(session: Session, table: str, ids: Iterable[str | None]) -> dict[str, str]:
    """The flow run of each of these runs, by their ids, without those that are not there."""
    wanted = {run_id for run_id in ids if run_id is not None}
    if not wanted:
        return {}
    return {row["id"]: row["owner"] for row in session.rows(_runs(session.writable, table), ids=list(wanted))}


def _flow_run_id(
    session: Session, log: Input, path: str, flow_runs: dict[str, str], task_runs: dict[str, str]
) -> str | None:
    flow_run_id, task_run_id = log.get("flow_run_id"), log.get("task_run_id")
    if flow_run_id is not None and flow_run_id not in flow_runs:
        raise BadInput(f"{path}: no flow run has the ID {flow_run_id}; nothing was written.")
    if task_run_id is None:
        # What a run's own token writes is the run's.
        return flow_run_id or session.scope.flow_run_id
    if task_run_id not in task_runs:
        raise BadInput(f"{path}: no task run has the ID {task_run_id}; nothing was written.")
    if flow_run_id not in (None, task_runs[task_run_id]):
        raise BadInput(
            f"{path}: task run {task_run_id} is none of flow run {flow_run_id}; nothing was written."
        )
    return task_runs[task_run_id]


def _row(session: Session, log: Input, flow_run_id: str | None) -> dict[str, Any]:
    return {
        "flow_run_id": flow_run_id,
        "task_run_id": log.get("task_run_id"),
        "timestamp": log.get("timestamp") or session.now,
        "name": log.get("name"),
        "message": _message(log.get("message")),
        **_level(log.get("level") or "INFO", storable(log.get("info"))),
    }


def _level(name: str, info: Any) -> dict[str, Any]:
    """One of the five levels and the record's `info`, which keeps another name that the logger has for it.

    One record with a level of its own would otherwise block all that its sender has to tell.
    """
    if name in LEVELS:
        return {"level": name, "info": info}
    if info is None or isinstance(info, dict):
        info = {"level_name": storable(name), **(info or {})}
    return {"level": _nearest(name), "info": info}


def _nearest(name: str) -> str:
    known = _ESCAPES.sub("", name).strip().upper()
    if numbered := _NUMBERED.fullmatch(known):
        return LEVELS[bisect_right(_STARTS, int(numbered[1]))]
    return _NEAREST.get(known, "INFO")


def _message(message: str | None) -> str | None:
    if message is None or len(message) <= MAX_MESSAGE:
        return message if message is None else storable(message)
    return f"{storable(message[:MAX_MESSAGE])} … [{len(message) - MAX_MESSAGE} more characters were cut off]"


@cache
def _runs(views: Views, table: str) -> Select[Any]:
    runs = views[table]
    owner = runs.c.flow_run_id if table == "task_run" else runs.c.id
    return select(runs.c.id, owner.label("owner")).where(runs.c.id.in_(bindparam("ids", expanding=True)))
