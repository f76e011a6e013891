"""Flow groups: what all versions of a flow share, over what each was registered with."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from sqlalchemy import select

from orchestra_client.errors import BadInput
from orchestra_client.server.registration.serialized import check_schedule
from orchestra_client.server.registration.versions import DEFAULT_SETTINGS, delete_auto_scheduled
from orchestra_client.server.registry import mutation

if TYPE_CHECKING:
    from orchestra_client.server.context import Context
    from orchestra_client.server.store.session import Session

Input = dict[str, Any]
SUCCESS = {"success": True}


@mutation("set_flow_group_labels")
def set_flow_group_labels(session: Session, context: Context, input: Input) -> dict[str, Any]:  # noqa: A002
    """The labels of runs that name none themselves; null goes back to the flow's own."""
    labels = input.get("labels")
    return _change(session, input, labels=None if labels is None else sorted(set(labels)))


@mutation("set_flow_group_default_parameters")
def set_flow_group_default_parameters(session: Session, context: Context, input: Input) -> dict[str, Any]:  # noqa: A002
    """Parameters of runs, over the flow's defaults and under those a run is given."""
    defaults = input.get("default_parameters") or {}
    _require_object(defaults, "default_parameters")
    return _change(session, input, default_parameters=defaults)


@mutation("set_flow_group_run_config")
def set_flow_group_run_config(session: Session, context: Context, input: Input) -> dict[str, Any]:  # noqa: A002
    """The run config of runs that name none themselves; null goes back to the flow's own."""
    if input.get("run_config") is not None:
        _require_object(input["run_config"], "run_config")
    return _change(session, input, run_config=input.get("run_config"))


@mutation("set_flow_group_description")
def set_flow_group_description(session: Session, context: Context, input: Input) -> dict[str, Any]:  # noqa: A002
    """What the group is about, in Markdown."""
    return _change(session, input, description=input.get("description"))


@mutation("set_flow_group_schedule")
def set_flow_group_schedule(session: Session, context: Context, input: Input) -> dict[str, Any]:  # noqa: A002
    """A schedule over the flow's own; runs that the old one made and that have not begun are deleted."""
    zone = _zone(input.get("timezone") or "UTC")
    start = _start(session.now, zone)
    clocks = [_cron_clock(clock, start) for clock in input.get("cron_clocks") or []]
    clocks += [_interval_clock(clock, start) for clock in input.get("interval_clocks") or []]
    if not clocks:
        raise BadInput("A schedule needs at least one clock; delete_flow_group_schedule removes a schedule.")
    schedule = {"type": "Schedule", "clocks": clocks}
    check_schedule(schedule)
    return _reschedule(session, input, schedule)


@mutation("delete_flow_group_schedule")
def delete_flow_group_schedule(session: Session, context: Context, input: Input) -> dict[str, Any]:  # noqa: A002
    """Back to the flow's own schedule."""
    return _reschedule(session, input, None)


def _setting(mutation_name: str, setting: str, *, value: bool) -> None:
    @mutation(mutation_name)
    def change(session: Session, context: Context, input: Input) -> dict[str, Any]:  # noqa: A002
        flow = session.require("flow", input["flow_id"])
        group = session.require("flow_group", flow["flow_group_id"], lock=True)
        settings = {**DEFAULT_SETTINGS, **(group["settings"] or {}), setting: value}
        session.update("flow_group", {"id": group["id"], "settings": settings})
        # Older runners read the settings from the flow.
        session.update(
            "flow", *({"id": flow_id, "settings": settings} for flow_id in _flow_ids(session, group["id"]))
        )
        return SUCCESS


for _name, _key in (
    ("heartbeat", "heartbeat_enabled"),
    ("lazarus_process", "lazarus_enabled"),
    ("version_lock", "version_locking_enabled"),
):
    _setting(f"enable_flow_{_name}", _key, value=True)
    _setting(f"disable_flow_{_name}", _key, value=False)


def _change(session: Session, input: Input, **values: object) -> dict[str, Any]:  # noqa: A002
    session.require("flow_group", input["flow_group_id"], lock=True)
    session.update("flow_group", {"id": input["flow_group_id"], **values})
    return SUCCESS


def _reschedule(session: Session, input: Input, schedule: dict[str, Any] | None) -> dict[str, Any]:  # noqa: A002
    answer = _change(session, input, schedule=schedule)
    delete_auto_scheduled(session, _flow_ids(session, input["flow_group_id"]))
    return answer


def _flow_ids(session: Session, flow_group_id: str) -> list[str]:
    flows = session.views["flow"]
    statement = select(flows.c.id).where(flows.c.flow_group_id == flow_group_id)
    return [row["id"] for row in session.rows(statement)]


def _start(now: str, zone: str) -> dict[str, str]:
    """The local time, which clocks count from and take their zone from."""
    wall = dt.datetime.fromisoformat(now).astimezone(ZoneInfo(zone)).replace(tzinfo=None, microsecond=0)
    return {"dt": wall.isoformat(), "tz": zone}


def _cron_clock(clock: dict[str, Any], start: dict[str, str]) -> dict[str, Any]:
    return {"type": "CronClock", "cron": clock["cron"], "start_date": start, **_clock(clock)}


def _interval_clock(clock: dict[str, Any], start: dict[str, str]) -> dict[str, Any]:
    if clock["interval"] < 60:
        raise BadInput("An interval must be at least 60 seconds.")
    # Microseconds, as flows serialize their own intervals.
    return {
        "type": "IntervalClock",
        "interval": clock["interval"] * 1_000_000,
        "start_date": start,
        **_clock(clock),
    }


def _clock(clock: dict[str, Any]) -> dict[str, Any]:
    defaults = clock.get("parameter_defaults") or {}
    _require_object(defaults, "parameter_defaults")
    return {"end_date": None, "parameter_defaults": defaults, "labels": clock.get("labels")}


def _zone(name: str) -> str:
    try:
        return ZoneInfo(name).key
    except (KeyError, ValueError, OSError):
        raise BadInput(f"{name!r} is not a time zone; use a name such as Europe/Berlin.") from None


def _require_object(value: object, what: str) -> None:
    if not isinstance(value, dict):
        raise BadInput(f"{what} must be an object.")
