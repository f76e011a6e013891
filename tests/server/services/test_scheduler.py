"""The scheduler: the next ten runs of every active schedule, each once."""

from __future__ import annotations

import datetime as dt
import logging
from typing import TYPE_CHECKING, Any

import pytest

from orchestra_client.server.services.scheduler import Scheduler
from orchestra_client.server.store.views import Scope

from .conftest import counted

if TYPE_CHECKING:
    from tests.server.runs.conftest import Clock, Server

    from .conftest import Process

FIELDS = (
    "id idempotency_key scheduled_start_time state state_start_time version auto_scheduled labels parameters"
)


def cron(expression: str, zone: str = "UTC", **more: Any) -> dict[str, Any]:
    start = {"dt": "2026-01-01T00:00:00", "tz": zone}
    return {"type": "CronClock", "cron": expression, "start_date": start, **more}


def schedule(*clocks: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "Schedule", "clocks": list(clocks), **more}


def runs(server: Server, fields: str = FIELDS) -> list[dict[str, Any]]:
    query = (
        f"{{ flow_run(order_by: [{{scheduled_start_time: asc}}, {{idempotency_key: asc}}]) {{ {fields} }} }}"
    )
    return server(query)["flow_run"]


def keys(server: Server) -> list[str]:
    return [run["idempotency_key"].removeprefix("auto-scheduled:") for run in runs(server)]


def group_of(server: Server, flow_id: str) -> str:
    query = "query($id: UUID!) { flow_by_pk(id: $id) { flow_group_id } }"
    return server(query, id=flow_id)["flow_by_pk"]["flow_group_id"]


HOURLY = schedule(cron("0 * * * *"))


def test_an_active_schedule_has_its_next_ten_runs_waiting(server: Server, process: Process) -> None:
    server.flow("a", "b", schedule=HOURLY)

    assert process.run(Scheduler()) == {"Scheduled": 10}

    found = runs(server, f"{FIELDS} task_runs {{ state }} states {{ state version }}")
    hours = [dt.datetime(2026, 3, 1, 13, tzinfo=dt.UTC) + dt.timedelta(hours=n) for n in range(10)]
    assert [run["idempotency_key"] for run in found] == [
        f"auto-scheduled:{hour.isoformat()}" for hour in hours
    ]
    starts = [hour.isoformat(timespec="microseconds") for hour in hours]
    assert [run["scheduled_start_time"] for run in found] == starts
    assert [run["state_start_time"] for run in found] == starts
    first = found[0]
    assert (first["state"], first["version"], first["auto_scheduled"]) == ("Scheduled", 1, True)
    assert first["task_runs"] == [{"state": "Pending"}] * 2
    assert first["states"] == [{"state": "Scheduled", "version": 1}]


def test_another_round_adds_only_what_is_new(server: Server, process: Process, clock: Clock) -> None:
    server.flow(schedule=HOURLY)
    process.run(Scheduler())
    scheduler = Scheduler()
    assert process.run(scheduler) == {}

    clock.advance(hours=2)

    assert process.run(scheduler) == {"Scheduled": 2}
    assert len(set(keys(server))) == 12


def test_no_run_is_made_for_a_moment_that_has_passed(server: Server, process: Process, clock: Clock) -> None:
    server.flow(schedule=HOURLY)
    clock.advance(days=30)

    process.run(Scheduler())

    assert min(run["scheduled_start_time"] for run in runs(server)) > clock.at()


def test_an_agent_gets_a_scheduled_run_when_its_time_comes(
    server: Server, process: Process, clock: Clock
) -> None:
    server.flow(schedule=HOURLY)
    process.run(Scheduler())
    assert server.do("get_runs_in_queue", "flow_run_ids", labels=[]) == {"flow_run_ids": []}

    clock.advance(hours=1)

    assert server.do("get_runs_in_queue", "flow_run_ids", labels=[]) == {
        "flow_run_ids": [runs(server)[0]["id"]]
    }


def test_a_schedule_that_is_off_makes_none(server: Server, process: Process) -> None:
    inactive = server.flow(name="off", schedule=HOURLY)
    archived = server.flow(name="old", schedule=HOURLY)
    server.flow(name="none")
    process.run(Scheduler())
    server.do("set_schedule_inactive", flow_id=inactive)
    server.do("archive_flow", flow_id=archived)
    assert runs(server) == []

    assert process.run(Scheduler()) == {}
    server.do("set_schedule_active", flow_id=inactive)
    assert process.run(Scheduler()) == {"Scheduled": 10}


def test_the_groups_schedule_goes_before_the_flows(server: Server, process: Process) -> None:
    flow_id = server.flow(schedule=HOURLY)
    process.run(Scheduler())
    group = group_of(server, flow_id)

    clocks = {"cron_clocks": [{"cron": "30 9 * * *"}], "timezone": "Asia/Tokyo"}
    server.do("set_flow_group_schedule", flow_group_id=group, **clocks)
    assert process.run(Scheduler()) == {"Scheduled": 10}

    assert keys(server)[:2] == ["2026-03-02T00:30:00+00:00", "2026-03-03T00:30:00+00:00"]
    server.do("delete_flow_group_schedule", flow_group_id=group)
    process.run(Scheduler())
    assert keys(server)[0] == "2026-03-01T13:00:00+00:00"


def test_the_groups_interval_counts_from_when_it_was_set(server: Server, process: Process) -> None:
    flow_id = server.flow(schedule=HOURLY)
    clocks = {"interval_clocks": [{"interval": 600}], "timezone": "America/New_York"}
    server.do("set_flow_group_schedule", flow_group_id=group_of(server, flow_id), **clocks)

    process.run(Scheduler())

    assert keys(server)[:2] == ["2026-03-01T12:10:00+00:00", "2026-03-01T12:20:00+00:00"]


def test_parameters_are_the_flows_the_groups_and_the_clocks(server: Server, process: Process) -> None:
    parameters = [{"name": name, "required": name == "c", "default": "flow"} for name in "abc"]
    clock = cron("0 9 * * *", parameter_defaults={"c": 0})
    flow_id = server.flow(schedule=schedule(clock), parameters=parameters)
    server.do(
        "set_flow_group_default_parameters",
        flow_group_id=group_of(server, flow_id),
        default_parameters={"b": "group", "c": "group"},
    )

    process.run(Scheduler())

    assert runs(server)[0]["parameters"] == {"a": "flow", "b": "group", "c": 0}


def test_labels_are_the_clocks_else_the_groups(server: Server, process: Process) -> None:
    clocks = cron("0 8 * * *"), cron("0 9 * * *", labels=["gpu", "big"]), cron("0 10 * * *", labels=[])
    flow_id = server.flow(schedule=schedule(*clocks))
    server.do("set_flow_group_labels", flow_group_id=group_of(server, flow_id), labels=["prod"])

    process.run(Scheduler())

    assert [run["labels"] for run in runs(server)[:3]] == [["prod"], ["big", "gpu"], []]


def test_clocks_that_agree_on_a_moment_alone_get_a_run_each(
    server: Server, process: Process, clock: Clock
) -> None:
    parameters = [{"name": "n", "required": False, "default": 0}]
    clocks = [cron("0 9 * * *", parameter_defaults={"n": n}) for n in (1, 2, 2)]
    server.flow(schedule=schedule(*clocks), parameters=parameters)

    process.run(Scheduler())

    assert [run["parameters"]["n"] for run in runs(server)[:4]] == [1, 2, 1, 2]
    assert keys(server)[:2] == ["2026-03-02T09:00:00+00:00", "2026-03-02T09:00:00+00:00:2"]
    clock.advance(days=1)
    assert process.run(Scheduler()) == {"Scheduled": 2}


def test_a_schedule_that_ends_has_fewer(server: Server, process: Process) -> None:
    end = {"dt": "2026-03-01T14:30:00", "tz": "UTC"}
    server.flow(schedule=schedule(cron("0 * * * *", end_date=end)))
    assert process.run(Scheduler()) == {"Scheduled": 2}


def test_local_times_become_utc_over_a_change_of_clocks(
    server: Server, process: Process, clock: Clock
) -> None:
    clock.advance(days=26)
    server.flow(schedule=schedule(cron("0 9 * * *", "Europe/Berlin")))

    process.run(Scheduler())

    assert keys(server)[:2] == ["2026-03-28T08:00:00+00:00", "2026-03-29T07:00:00+00:00"]


def test_moments_with_microseconds_are_told_apart(server: Server, process: Process) -> None:
    start = {"dt": "2026-01-01T00:00:00.123456", "tz": "UTC"}
    server.flow(schedule=schedule({"type": "IntervalClock", "interval": 3_600_000_000, "start_date": start}))
    assert process.run(Scheduler()) == {"Scheduled": 10}
    assert process.run(Scheduler()) == {}
    assert keys(server)[0] == "2026-03-01T13:00:00.123456+00:00"


def test_a_new_version_takes_over(server: Server, process: Process) -> None:
    server.flow(schedule=HOURLY)
    process.run(Scheduler())
    newer = server.flow("a", schedule=schedule(cron("30 * * * *")))

    process.run(Scheduler())

    found = runs(server, "flow_id idempotency_key")
    assert {run["flow_id"] for run in found} == {newer}
    assert keys(server)[0] == "2026-03-01T12:30:00+00:00"


def test_a_cancelled_run_is_not_made_again(server: Server, process: Process) -> None:
    server.flow(schedule=HOURLY)
    process.run(Scheduler())
    server.do("cancel_flow_run", "state", flow_run_id=runs(server)[0]["id"])
    assert process.run(Scheduler()) == {}


def test_a_run_that_somebody_made_with_that_key_counts(server: Server, process: Process) -> None:
    flow_id = server.flow(schedule=HOURLY)
    server.run(flow_id, idempotency_key="auto-scheduled:2026-03-01T13:00:00+00:00")
    assert process.run(Scheduler()) == {"Scheduled": 9}


BAD = [
    (schedule({"type": "LunarClock"}), "LunarClock"),
    (schedule(cron("every day")), "cron expression"),
    ({"type": "Schedule"}, "clocks"),
    (schedule(cron("0 * * * *"), filters=[{"fn": "my.filters.only_mine", "kwargs": {}}]), "my.filters"),
]


@pytest.mark.parametrize(("broken", "reason"), BAD)
def test_a_broken_schedule_stops_nobody_else_and_is_told_once(
    server: Server, process: Process, caplog: pytest.LogCaptureFixture, broken: Any, reason: str
) -> None:
    flow_id = server.flow(name="broken", schedule=HOURLY)
    # As an earlier version of the server took it.
    tenant_id = server("{ auth_info { tenant_id } }")["auth_info"]["tenant_id"]
    with server.service.database.write(Scope(tenant_id)) as session:
        session.update("flow", {"id": flow_id, "schedule": broken})
    server.flow(name="whole", schedule=HOURLY)
    scheduler = Scheduler()

    with caplog.at_level(logging.WARNING):
        assert process.run(scheduler) == {"Scheduled": 10}
        process.run(scheduler)

    [record] = caplog.records
    assert f"Flow 'broken' ({flow_id}) cannot be scheduled" in record.message
    assert reason in record.message


def test_a_clock_that_names_no_parameter_of_the_flow_stops_nobody_else(
    server: Server, process: Process, caplog: pytest.LogCaptureFixture
) -> None:
    server.flow(name="broken", schedule=schedule(cron("0 9 * * *", parameter_defaults={"typo": 1})))
    server.flow(name="whole", schedule=HOURLY)
    with caplog.at_level(logging.WARNING):
        assert process.run(Scheduler()) == {"Scheduled": 10}
    assert "no parameter 'typo'" in caplog.text


def test_every_tenant_gets_its_own(server: Server, process: Process) -> None:
    other = server.in_tenant(server.do("create_tenant", "id", name="Other", slug="other")["id"])
    server.flow(schedule=HOURLY)
    other.flow(schedule=HOURLY)

    assert process.run(Scheduler()) == {"Scheduled": 20}

    assert len(runs(server)) == len(runs(other)) == 10


def test_the_number_of_statements_does_not_grow_with_flows(server: Server, process: Process) -> None:
    counts = []
    for flows in (1, 20):
        for n in range(flows):
            server.flow("a", name=f"{flows}-{n}", schedule=schedule(cron("0 9 1 1 *")))
        with counted(server) as seen:
            assert process.run(Scheduler()) == {"Scheduled": 10 * flows}
        counts.append(len(seen))
    assert counts[0] == counts[1]


def test_a_flow_of_many_tasks_is_scheduled_in_several_transactions(server: Server, process: Process) -> None:
    server.flow(*(f"t{n:03}" for n in range(200)), schedule=HOURLY)
    with counted(server) as seen:
        assert process.run(Scheduler()) == {"Scheduled": 10}
    assert len([one for one in seen if one.startswith("INSERT INTO flow_run ")]) == 5


def test_a_schedule_that_is_switched_off_meanwhile_wins(server: Server, process: Process) -> None:
    flow_id = server.flow(schedule=HOURLY)

    class Hurried(Scheduler):
        def _create(self, session: Any, chunk: Any) -> int:
            # What another server did between the look and the lock.
            session.update("flow", {"id": flow_id, "is_schedule_active": False})
            return super()._create(session, chunk)

    assert process.run(Hurried()) == {}
    assert runs(server) == []
