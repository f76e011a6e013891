"""Batches of states: answered item by item, in order, a bad one beside its neighbours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event

from .conftest import Refused, Server, state

if TYPE_CHECKING:
    from collections.abc import Iterator


def test_a_bad_item_leaves_its_neighbours_alone(server: Server) -> None:
    _, [a, b, c] = server.running("a", "b", "c")

    answers = server.set_task_runs(
        {"task_run_id": a, "state": state("Running"), "version": 0},
        {"task_run_id": b, "state": state("Running"), "version": 5},
        {"task_run_id": c, "state": state("Running"), "version": 0},
    )

    assert [answer["status"] for answer in answers] == ["SUCCESS", "ERROR", "SUCCESS"]
    assert answers[1] == {
        "id": b,
        "status": "ERROR",
        "message": f"State update failed for task run ID {b}: provided version 5 but current version is 0.",
        "code": "VERSION_LOCKING_ERROR",
        "version": 0,
    }
    assert [server.task_run(run, "state")["state"] for run in (a, b, c)] == ["Running", "Pending", "Running"]


def test_a_run_may_occur_several_times_in_order(server: Server) -> None:
    _, [run] = server.running("a")

    answers = server.set_task_runs(
        {"task_run_id": run, "state": state("Running"), "version": 0},
        {"task_run_id": run, "state": state("Success"), "version": 1},
        {"task_run_id": run, "state": state("Running"), "version": 2},
    )

    assert [answer["version"] for answer in answers] == [1, 2, 2]
    assert answers[2]["code"] == "STATE_CONFLICT"
    assert server.task_run(run, "state version states { state }") == {
        "state": "Success",
        "version": 2,
        "states": [{"state": "Pending"}, {"state": "Running"}, {"state": "Success"}],
    }


def test_an_empty_batch_is_fine(server: Server) -> None:
    assert server.set_task_runs() == []


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ("Running", 'an object with a "type"'),
        ([], 'an object with a "type"'),
        ({"message": "x"}, 'an object with a "type"'),
        ({"type": ""}, 'an object with a "type"'),
        ({"type": 3}, 'an object with a "type"'),
        ({"type": "x" * 65}, 'an object with a "type"'),
        ({"type": "a\nb"}, 'an object with a "type"'),
        ({"type": "Running", "message": 3}, "message must be a text"),
        ({"type": "Scheduled", "start_time": "soon"}, "start_time must be an instant"),
        ({"type": "Scheduled", "start_time": 5}, "start_time must be an instant"),
        ({"type": "Scheduled", "start_time": "0001-01-01T00:00:00+05:00"}, "start_time must be an instant"),
        ({"type": "Submitted", "state": {"message": "no type"}}, "the state inside Submitted"),
    ],
)
def test_rubbish_is_refused_item_by_item(server: Server, document: Any, reason: str) -> None:
    _, [a, b] = server.running("a", "b")

    bad, good = server.set_task_runs(
        {"task_run_id": a, "state": document}, {"task_run_id": b, "state": state("Running")}
    )

    assert (bad["status"], bad["code"], good["status"]) == ("ERROR", "BAD_USER_INPUT", "SUCCESS")
    assert bad["message"].startswith(f"State update failed for task run ID {a}: ")
    assert reason in bad["message"]


def test_a_state_nested_without_end_is_refused_item_by_item(server: Server) -> None:
    _, [a, b] = server.running("a", "b")
    deep: Any = {}
    for _ in range(700):
        deep = {"d": deep}

    bad, good = server.set_task_runs(
        {"task_run_id": a, "state": state("Running", context=deep)},
        {"task_run_id": b, "state": state("Running")},
    )

    assert (bad["status"], bad["code"], good["status"]) == ("ERROR", "BAD_USER_INPUT", "SUCCESS")
    assert "nested more than 250 levels deep" in bad["message"]


def test_a_character_that_cannot_be_stored_does_not_stop_a_state(server: Server) -> None:
    _, [a, b] = server.running("a", "b")

    server.set_task_runs(
        {"task_run_id": a, "state": state("Failed", "boom\0 \ud800", context={"k\0": ["\udfff"]})},
        {"task_run_id": b, "state": state("Failed", "a literal \\u0000 and 123456789012345678901234567890")},
    )

    run = server.task_run(a, "state_message serialized_state")
    assert run["state_message"] == run["serialized_state"]["message"] == "boom\ufffd \ufffd"
    assert run["serialized_state"]["context"] == {"k\ufffd": ["\ufffd"]}
    assert server.task_run(b, "state_message")["state_message"].startswith("a literal \\u0000 and")


def test_an_integer_of_any_size_comes_back_as_it_was_sent(server: Server) -> None:
    _, [run] = server.running("a")
    server.set_task_run(run, "Running", context={"n": 10**30})
    assert server.task_run(run, "serialized_state")["serialized_state"]["context"] == {"n": 10**30}


def test_a_state_over_a_megabyte_is_refused_item_by_item(server: Server) -> None:
    _, [a, b] = server.running("a", "b")

    big, good = server.set_task_runs(
        {"task_run_id": a, "state": state("Success", "é" * 500_000)},
        {"task_run_id": b, "state": state("Success", "é" * 499_000)},
    )

    assert (big["status"], big["code"], good["status"]) == ("ERROR", "PAYLOAD_TOO_LARGE", "SUCCESS")
    assert "store the result and send its location" in big["message"]


def test_a_refusal_of_the_only_item_is_an_error_of_the_field(server: Server) -> None:
    run_id = server.run()
    with pytest.raises(Refused) as caught:
        server.set_flow_runs({"flow_run_id": run_id, "state": {"type": ""}})
    assert caught.value.code == "BAD_USER_INPUT"


@pytest.mark.parametrize("transition_id", ["", "x" * 129])
def test_a_transition_id_has_bounds(server: Server, transition_id: str) -> None:
    with pytest.raises(Refused, match="transition_id has 1 to 128 characters"):
        server.set_flow_run(server.run(), "Running", transition_id=transition_id)


def test_more_states_than_a_request_takes_are_refused_as_a_whole(server: Server) -> None:
    item = {"flow_run_id": server.run(), "state": {"type": "Running"}}
    with pytest.raises(Refused, match="at most 10000") as caught:
        server.set_flow_runs(*[item] * 10_001)
    assert caught.value.code == "PAYLOAD_TOO_LARGE"


@pytest.fixture
def statements(server: Server) -> Iterator[list[str]]:
    """The statements that the server sends to its database."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seen.append(statement)

    event.listen(server.service.database._engine, "before_cursor_execute", note)
    yield seen
    event.remove(server.service.database._engine, "before_cursor_execute", note)


def test_the_number_of_statements_does_not_grow_with_the_batch(server: Server, statements: list[str]) -> None:
    _, runs = server.running(*({"slug": f"t{i:02}", "tags": ["db"]} for i in range(30)))
    server.do("update_task_tag_limit", "id", tag="db", limit=50)
    counts = []
    for part in (runs[:1], runs[1:]):
        statements.clear()
        server.set_task_runs(
            *({"task_run_id": r, "state": state("Running"), "transition_id": f"{r}-t"} for r in part)
        )
        counts.append(len(statements))

    assert counts[0] == counts[1]
