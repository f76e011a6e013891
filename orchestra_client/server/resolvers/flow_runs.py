"""Flow runs: creating, naming, labelling, cancelling and deleting them."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, select

from orchestra_client.errors import BadInput, NotFound
from orchestra_client.server import checks
from orchestra_client.server.registry import mutation
from orchestra_client.server.runs.creation import create_runs
from orchestra_client.server.runs.settings import merged_labels, merged_parameters, merged_run_config
from orchestra_client.server.transitions.cancelling import cancel_flow_runs

if TYPE_CHECKING:
    from sqlalchemy import BindParameter, RowMapping, Select

    from orchestra_client.server.context import Context
    from orchestra_client.server.store.session import Session
    from orchestra_client.server.store.views import Views

Input = dict[str, Any]


@mutation("create_flow_run")
def create_flow_run(session: Session, context: Context, input: Input) -> dict[str, Any]:  # noqa: A002
    """A run of a flow, or of the unarchived flow of a version group, Scheduled for now or later.

    With an idempotency key that the flow has seen, the first run's id; parameters and context, where they are
    given, must then be the first ones.
    """
    for name in ("parameters", "context", "run_config"):
        if not isinstance(input.get(name), dict | None):
            raise BadInput(f"{name} must be an object.")
    checks.bounded(input.get("idempotency_key") or "", "idempotency_key")
    flow = _flow(session, input)
    first = _first_run(session, flow, input) if input.get("idempotency_key") else None
    if first is not None:
        _check_repeat(session, first, input)
        return {"id": first["id"]}
    if flow["archived"]:
        raise BadInput(f"Flow {flow['id']} is archived; run the newest version of its group instead.")
    [run_id] = create_runs(session, [_run(session, flow, input)])
    return {"id": run_id}


@mutation("delete_flow_run")
def delete_flow_run(session: Session, context: Context, input: Input) -> dict[str, Any]:  # noqa: A002
    """Delete a run with its task runs, states and logs."""
    if not session.delete("flow_run", [input["flow_run_id"]]):
        raise _not_found(input["flow_run_id"])
    return {"success": True}


@mutation("cancel_flow_run")
def cancel_flow_run(session: Session, context: Context, input: Input) -> dict[str, Any]:  # noqa: A002
    """Tell a running run to stop; end another unfinished one, with its task runs; leave a finished one."""
    run_id = input["flow_run_id"]
    states = cancel_flow_runs(session, [run_id], "The flow run was cancelled on request.")
    if run_id not in states:
        raise _not_found(run_id)
    return {"state": states[run_id]}


@mutation("set_flow_run_name")
def set_flow_run_name(session: Session, context: Context, input: Input) -> dict[str, Any]:  # noqa: A002
    """Rename a run."""
    name = checks.name(input["name"], "flow run's name")
    if not session.update("flow_run", {"id": input["flow_run_id"], "name": name}):
        raise _not_found(input["flow_run_id"])
    return {"success": True}


@mutation("set_flow_run_labels")
def set_flow_run_labels(session: Session, context: Context, input: Input) -> dict[str, Any]:  # noqa: A002
    """Replace a run's labels, so that other agents may take it."""
    labels = sorted(set(input["labels"]))
    if not session.update("flow_run", {"id": input["flow_run_id"], "labels": labels}):
        raise _not_found(input["flow_run_id"])
    return {"id": input["flow_run_id"]}


def _not_found(run_id: str) -> NotFound:
    return NotFound(f"No flow run has the ID {run_id}.")


def _flow(session: Session, input: Input) -> RowMapping:  # noqa: A002
    flow_id, group = input.get("flow_id"), input.get("version_group_id")
    if not flow_id and not group:
        raise BadInput("Give a flow_id, or a version_group_id.")
    # Both of the same key wait here for each other (PostgreSQL; SQLite has one writer at a time).
    by_id = bool(flow_id)
    locked_id = session.scalar(_flow_id(session.views, by_id=by_id), wanted=flow_id or group)
    if locked_id is None:
        what = (
            f"No flow has the ID {flow_id}."
            if by_id
            else f"No flow of version group {group!r} is unarchived."
        )
        raise NotFound(what)
    flow = session.first(_flow_settings(session.views), id=locked_id)
    assert flow is not None
    return flow


def _first_run(session: Session, flow: RowMapping, input: Input) -> RowMapping | None:  # noqa: A002
    by_id = bool(input.get("flow_id"))
    wanted = flow["id"] if by_id else input["version_group_id"]
    statement = _runs_of_key(session.views, by_id=by_id)
    return session.first(statement, wanted=wanted, key=input["idempotency_key"])


def _check_repeat(session: Session, first: RowMapping, input: Input) -> None:  # noqa: A002
    parameters, context = input.get("parameters"), input.get("context")
    if parameters is not None and parameters != first["given_parameters"]:
        # Written otherwise it may still mean the same.
        flow = session.first(_flow_settings(session.views), id=first["flow_id"])
        assert flow is not None
        parameters = merged_parameters(flow["parameters"], flow["group_parameters"], parameters)
    elif parameters is not None:
        # The same, whatever the defaults were then or are now.
        parameters = first["parameters"]
    for name, value in (("parameters", parameters), ("context", context)):
        if value is not None and value != first[name]:
            raise BadInput(
                f"The idempotency key {input['idempotency_key']!r} belongs to run {first['id']}, which was created "
                f"with other {name}; use another key for another run."
            )


def _run(session: Session, flow: RowMapping, input: Input) -> dict[str, Any]:  # noqa: A002
    name = input.get("flow_run_name")
    run_config = input.get("run_config")
    return {
        "flow_id": flow["id"],
        "name": checks.name(name, "flow run's name") if name else None,
        "labels": merged_labels(flow, run_config, input.get("labels")),
        "parameters": merged_parameters(
            flow["parameters"], flow["group_parameters"], input.get("parameters")
        ),
        "given_parameters": input.get("parameters") or {},
        "context": input.get("context") or {},
        "run_config": merged_run_config(flow, run_config),
        "idempotency_key": input.get("idempotency_key") or None,
        "auto_scheduled": False,
        "scheduled_start_time": input.get("scheduled_start_time") or session.now,
    }


@cache
def _flow_id(views: Views, *, by_id: bool) -> Select[Any]:
    flows = views["flow"]
    wanted: BindParameter[str] = bindparam("wanted")
    if by_id:
        return select(flows.c.id).where(flows.c.id == wanted).with_for_update(key_share=True)
    of_group = (flows.c.version_group_id == wanted) & flows.c.archived.is_(False)
    return (
        select(flows.c.id)
        .where(of_group)
        .order_by(flows.c.version.desc())
        .limit(1)
        .with_for_update(key_share=True)
    )


@cache
def _flow_settings(views: Views) -> Select[Any]:
    flows, groups = views["flow"], views["flow_group"]
    return (
        select(
            flows.c.id,
            flows.c.archived,
            flows.c.parameters,
            flows.c.run_config,
            flows.c.environment,
            groups.c.labels.label("group_labels"),
            groups.c.run_config.label("group_run_config"),
            groups.c.default_parameters.label("group_parameters"),
        )
        .join(groups, groups.c.id == flows.c.flow_group_id)
        .where(flows.c.id == bindparam("id"))
    )


@cache
def _runs_of_key(views: Views, *, by_id: bool) -> Select[Any]:
    # Of a version group, every version counts: a repeat may come after a new one was registered.
    runs, flows = views["flow_run"], views["flow"]
    owner = flows.c.id if by_id else flows.c.version_group_id
    return (
        select(runs.c.id, runs.c.flow_id, runs.c.parameters, runs.c.given_parameters, runs.c.context)
        .join(flows, flows.c.id == runs.c.flow_id)
        .where(owner == bindparam("wanted"), runs.c.idempotency_key == bindparam("key"))
        .order_by(runs.c.created.desc())
        .limit(1)
    )
