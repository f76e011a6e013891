"""Procedures without a client: what they ask, and what they make of the answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from orchestra_client.errors import (
    BadInput,
    ClientError,
    NotFound,
    PermissionDenied,
    ServerError,
    WaitTimeout,
)
from orchestra_client.operation import Operation, Pause
from orchestra_client.operations.states import change
from orchestra_client.procedures.deletion import delete
from orchestra_client.procedures.flow_runs import wait_for_flow_run
from orchestra_client.procedures.logs import get_flow_run_logs
from orchestra_client.procedures.projects import create_project
from orchestra_client.procedures.states import set_run_states
from orchestra_client.procedures.tenants import login_to_tenant
from orchestra_client.results import LogRecord, Project, Tenant
from orchestra_client.states import Running, Success
from orchestra_client.testing import VirtualClock

if TYPE_CHECKING:
    from orchestra_client.operation import Procedure

RUN = "6f2e8b9c-0d1a-4c55-9d3e-2f1b7a8c9d0e"
SALES = Tenant(RUN, "Sales", "sales")
OTHER = Tenant("0d1a6f2e-8b9c-4c55-9d3e-2f1b7a8c9d0e", "Other", "other")


def drive(procedure: Procedure[Any], answers: list[Any]) -> tuple[Any, list[Any]]:
    """Answer each step in turn, with a result or by raising; returns the outcome and the steps."""
    steps: list[Any] = []
    try:
        step = next(procedure)
        while True:
            steps.append(step)
            answer = answers.pop(0)
            step = procedure.throw(answer) if isinstance(answer, Exception) else procedure.send(answer)
    except StopIteration as stop:
        assert answers == []
        return stop.value, steps


def names(steps: list[Any]) -> list[str]:
    return [step.name for step in steps if isinstance(step, Operation)]


def deletion() -> Operation[bool]:
    return Operation("delete_project", {}, bool)


def repeated(error: ClientError) -> ClientError:
    error.was_repeated = True
    return error


def test_something_gone_is_an_error_at_first_and_a_success_on_a_repeat() -> None:
    assert drive(delete(deletion()), [repeated(NotFound("gone"))])[0] is True
    with pytest.raises(NotFound):
        drive(delete(deletion()), [NotFound("gone")])


def test_a_name_that_is_taken_leads_to_the_project_that_has_it() -> None:
    creation = Operation("create_project", {}, str)
    taken = ClientError("Uniqueness violation.")

    outcome, steps = drive(create_project(creation, "sales"), [taken, Project("id", "sales")])

    assert outcome == "id"
    assert names(steps) == ["create_project", "find_project"]


def test_another_refusal_of_a_project_is_raised_as_it_was() -> None:
    refusal = ClientError("no more projects")

    with pytest.raises(ClientError) as caught:
        drive(create_project(Operation("create_project", {}, str), "sales"), [refusal, None])

    assert caught.value is refusal


def test_a_login_sends_the_api_token_and_nothing_else() -> None:
    tokens = {"access_token": "a"}

    login, steps = drive(login_to_tenant("sales", None, api_token="orc_x"), [[OTHER, SALES], tokens])

    assert (login.tenant, login.tokens) == (SALES, tokens)
    assert [step.bearer for step in steps] == ["orc_x", "orc_x"]
    assert steps[1].variables == {"input": {"tenant_id": SALES.id}}


def test_a_token_of_one_tenant_needs_no_session() -> None:
    login, _ = drive(login_to_tenant("sales", None, api_token="orc_x"), [[SALES], PermissionDenied("no")])

    assert login.tokens is None


def test_a_token_that_sees_several_tenants_and_may_enter_none_is_refused() -> None:
    with pytest.raises(PermissionDenied):
        drive(login_to_tenant("sales", None, api_token="orc_x"), [[SALES, OTHER], PermissionDenied("no")])


def test_slug_and_id_must_fit_each_other() -> None:
    with pytest.raises(NotFound, match="sees: sales, other"):
        drive(login_to_tenant("sales", OTHER.id, api_token="orc_x"), [[SALES, OTHER]])


def test_a_server_without_logins_is_sent_no_token() -> None:
    login, steps = drive(login_to_tenant("sales", None, api_token=None), [[SALES]])

    assert login.tokens is None
    assert [step.bearer for step in steps] == [""]


def test_waiting_pauses_longer_and_longer_up_to_ten_seconds() -> None:
    clock = VirtualClock()
    waiting = wait_for_flow_run(RUN, timeout=None, on_poll=None, monotonic=clock.monotonic)
    answers: list[Any] = [item for _ in range(14) for item in (Running(), None)]

    _, steps = drive(waiting, [*answers, Success(), "the run"])

    pauses = [step.seconds for step in steps if isinstance(step, Pause)]
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-1]) == (0.25, 10.0)


def test_a_run_that_is_finished_is_not_too_late() -> None:
    """Given no time at all, when the run is finished already, then it is returned."""
    waiting = wait_for_flow_run(RUN, timeout=0, on_poll=None, monotonic=lambda: 0.0)
    assert drive(waiting, [Success(), "the run"])[0] == "the run"

    with pytest.raises(WaitTimeout, match="get_flow_run_logs"):
        drive(wait_for_flow_run(RUN, timeout=0, on_poll=None, monotonic=lambda: 0.0), [Running()])


def test_states_are_sent_some_hundred_at_a_time() -> None:
    changes = [change("flow_run", RUN, None, Running(), str(number)) for number in range(501)]

    _, steps = drive(
        set_run_states("flow_run", changes, knows_transitions=True, now=VirtualClock().now), [[], [], []]
    )

    assert [len(step.variables["input"]["states"]) for step in steps] == [250, 250, 1]


def test_a_single_state_that_is_refused_becomes_a_result_and_a_failing_server_does_not() -> None:
    changes = [change("flow_run", RUN, 1, Running(), "t")]
    options: Any = {"knows_transitions": True, "now": VirtualClock().now}

    [result], _ = drive(set_run_states("flow_run", changes, **options), [BadInput("no")])
    assert (result.status, result.message) == ("ERROR", "no")
    with pytest.raises(ServerError):
        drive(set_run_states("flow_run", changes, **options), [ServerError("down")])


def test_pages_of_a_log_go_on_after_the_last_record() -> None:
    records = [
        LogRecord(str(number), VirtualClock().now(), None, None, None, None, RUN, None)
        for number in range(1000)
    ]

    found, steps = drive(get_flow_run_logs(RUN, None), [records, records[:1]])

    assert len(found) == 1001
    assert steps[1].variables["where"]["_or"][1]["_and"][1] == {"id": {"_gt": "999"}}
