"""Logs of runs: kept whole, in order, once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from orchestra_client.server.context import Credentials
from orchestra_client.server.resolvers.logs import MAX_LOGS, MAX_MESSAGE

from .conftest import Refused, Server

if TYPE_CHECKING:
    from .conftest import Clock

UNKNOWN = "aaaaaaaa-0000-4000-8000-000000000000"


def write(server: Server, *logs: dict[str, Any]) -> None:
    assert server.do("write_run_logs", logs=list(logs)) == {"success": True}


def logs(server: Server, fields: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = server(f"{{ log {{ {fields} }} }}")["log"]
    return rows


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("NOTICE", "INFO"),
        ("TRACE", "DEBUG"),
        ("WARN", "WARNING"),
        ("info", "INFO"),
        ("Fatal", "CRITICAL"),
        ("15", "INFO"),
        ("Level 15", "DEBUG"),
        ("Level 35", "WARNING"),
        ("\x1b[31mWARN\x1b[0m ", "WARNING"),
        ("two words", "INFO"),
    ],
)
def test_a_level_of_the_senders_own_blocks_nothing(server: Server, sent: str, kept: str) -> None:
    """Given a record with a level that is none of the five, when it is sent among others, then all are kept."""
    run_id, _ = server.running("a")

    write(
        server,
        {"flow_run_id": run_id, "message": "before", "level": "ERROR"},
        {"flow_run_id": run_id, "message": "it", "level": sent, "info": {"line": 3}},
    )

    assert logs(server, "message level info") == [
        {"message": "before", "level": "ERROR", "info": None},
        {"message": "it", "level": kept, "info": {"level_name": sent, "line": 3}},
    ]


def test_a_level_may_stand_in_the_document_itself(server: Server) -> None:
    run_id, _ = server.running("a")
    for level in ("WARNING", "NOTICE", '"ERROR"'):
        log = f'{{flow_run_id: "{run_id}", level: {level}, message: "m"}}'
        server(f"mutation {{ write_run_logs(input: {{logs: [{log}]}}) {{ success }} }}")

    assert [log["level"] for log in logs(server, "level")] == ["WARNING", "INFO", "ERROR"]


def test_a_record_is_kept_as_it_was_sent(server: Server) -> None:
    run_id, [task_run] = server.running("a")
    record = {
        "flow_run_id": run_id,
        "task_run_id": task_run,
        "timestamp": "2026-02-03T04:05:06.700000+00:00",
        "name": "prefect.a",
        "level": "WARNING",
        "message": "naïve 🐍\n  twice",
        "info": {"line": 3, "nested": [1, {"a": None}]},
    }

    write(server, record)

    assert logs(server, " ".join(record)) == [record]


def test_what_is_left_out_is_filled_in(server: Server, clock: Clock) -> None:
    run_id, [task_run] = server.running("a")

    write(server, {"task_run_id": task_run})

    assert logs(server, "flow_run_id timestamp level message") == [
        {"flow_run_id": run_id, "timestamp": clock.at(), "level": "INFO", "message": None}
    ]


def test_records_of_one_instant_keep_their_order(server: Server) -> None:
    run_id = server.run()
    write(server, *({"flow_run_id": run_id, "message": str(number)} for number in range(20)))
    assert [row["message"] for row in logs(server, "message")] == [str(number) for number in range(20)]


def test_a_character_that_cannot_be_stored_does_not_stop_a_line(server: Server) -> None:
    run_id = server.run()
    write(server, {"flow_run_id": run_id, "message": "a\0b\ud800c", "info": {"k\0": ["\0"]}})
    assert logs(server, "message info") == [{"message": "a\ufffdb\ufffdc", "info": {"k\ufffd": ["\ufffd"]}}]


def test_a_message_of_any_length_is_kept_up_to_a_bound(server: Server) -> None:
    run_id = server.run()
    write(server, {"flow_run_id": run_id, "message": "é" * (MAX_MESSAGE + 7)})
    [row] = logs(server, "message")
    assert row["message"] == "é" * MAX_MESSAGE + " … [7 more characters were cut off]"


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({"flow_run_id": UNKNOWN}, "no flow run has the ID"),
        ({"task_run_id": UNKNOWN}, "no task run has the ID"),
    ],
)
def test_a_bad_record_refuses_the_request_and_is_named(
    server: Server, record: dict[str, Any], reason: str
) -> None:
    good = {"flow_run_id": server.run()}

    with pytest.raises(Refused, match=rf"^logs\[1\]: {reason} {UNKNOWN}; nothing was written") as caught:
        write(server, good, record, good)

    assert caught.value.code == "BAD_USER_INPUT"
    assert logs(server, "id") == []


def test_a_task_run_of_another_flow_run_is_a_bad_record(server: Server) -> None:
    _, [task_run] = server.running("a")
    with pytest.raises(Refused, match=r"logs\[0\]: task run .* is none of flow run"):
        write(server, {"flow_run_id": server.run(server.flow(name="g")), "task_run_id": task_run})


def test_another_tenants_run_is_a_bad_record(server: Server) -> None:
    run_id = server.run()
    other = server.in_tenant(server.do("create_tenant", "id", name="Other", slug="other")["id"])
    with pytest.raises(Refused, match="no flow run has the ID"):
        write(other, {"flow_run_id": run_id})
    assert logs(server, "id") == []


def test_a_request_sent_again_is_stored_once(server: Server) -> None:
    record = {"flow_run_id": server.run(), "message": "once"}
    repeating = Server(server.service, server.clock, Credentials(idempotency_key="k"))

    write(repeating, record)
    write(repeating, record)

    assert logs(server, "message") == [{"message": "once"}]


def test_more_records_than_a_request_takes_are_refused(server: Server) -> None:
    record = {"flow_run_id": server.run()}
    with pytest.raises(Refused, match=f"at most {MAX_LOGS}") as caught:
        write(server, *[record] * (MAX_LOGS + 1))
    assert caught.value.code == "PAYLOAD_TOO_LARGE"
