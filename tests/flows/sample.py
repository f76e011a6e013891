"""A flow with one of everything, for tests in this and in other processes."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from orchestra_client.flows import (
    Flow,
    LocalRun,
    Module,
    Parameter,
    Task,
    flatten,
    tags,
    task,
    triggers,
    unmapped,
)
from orchestra_client.flows.cache_validators import partial_inputs_only
from orchestra_client.schedules import CronClock, IntervalClock, Schedule, filters
from orchestra_client.states import Result


@task(
    max_retries=2,
    retry_delay=1.5,
    retry_backoff=2,
    retry_jitter=0.1,
    retry_on=[ValueError, OSError],
    tags=["c", "a", "b"],
)
def extract(table: str, limit: int | None = None) -> list[int]:
    return []


@task(
    trigger=triggers.some_failed(at_least=1),
    skip_on_upstream_skip=False,
    cache_for=timedelta(days=1),
    cache_validator=partial_inputs_only(["x"]),
    cache_key="key",
    timeout=30,
    target="{flow_name}/{task_name}",
    result=Result(type="LocalResult", fields={"dir": "/data"}),
    log_stdout=True,
    task_run_name="run of {x}",
    nout=2,
)
def transform(x: Any, **options: Any) -> Any:
    return x, options


class Save(Task):
    def run(self, rows: Any, path: str = "out") -> None:
        pass


def build() -> Flow:
    """The flow."""
    schedule = Schedule(
        [
            IntervalClock(
                timedelta(hours=1),
                start_date=datetime(2020, 1, 1, tzinfo=ZoneInfo("America/New_York")),
                parameter_defaults={"z": {"b": 1, "a": 2}, "table": "t"},
                labels=["y", "x"],
            ),
            CronClock(
                "30 2 * * *", end_date=datetime(2030, 1, 1, tzinfo=UTC), parameter_defaults={"table": "u"}
            ),
        ],
        filters=[filters.is_weekday, filters.between_times(time(9), time(17))],
    )
    run_config = LocalRun(env={"B": "2", "A": "1"}, labels={"gpu", "eu", "big"}, working_dir="/srv")
    storage = Module("tests.flows.sample:build", secrets=["TOKEN"])
    with Flow("sample: ü", schedule, run_config=run_config, storage=storage) as flow:
        table, limit = Parameter("table", tags=["p"]), Parameter("limit", default=0)
        rows = extract(table, limit)
        parts = transform.map(
            rows, option=unmapped({"a": rows, "b": {limit, table, 5}}), other=flatten([[1], [2]])
        )
        with tags("late"):
            saved = Save(trigger=triggers.all_finished)(rows=[parts, rows["k"]])
        extract("again", upstream_tasks=[saved])
    flow.set_reference_tasks([saved, parts])
    return flow
