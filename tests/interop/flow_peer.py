"""The other side of test_peer_flows.py: runs under a peer's Python and answers one JSON request a line.

`{"author": true}` answers the flows of authored.py as the peer serializes them; `{"load": JSON}` what it reads in a
flow, written again; `{"schedule": JSON}` likewise for a schedule, and `{"schedule": JSON, "after": …, "n": …}` when it
runs. What goes wrong is answered as `{"error": text}`.
"""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any

warnings.simplefilter("ignore")

import pendulum  # noqa: E402 (they warn while they are imported)
import prefect  # noqa: E402 (they warn while they are imported)
from prefect.engine import cache_validators  # noqa: E402 (they warn while they are imported)
from prefect.serialization.flow import FlowSchema  # noqa: E402 (they warn while they are imported)
from prefect.serialization.schedule import ScheduleSchema  # noqa: E402 (they warn while they are imported)
from prefect.utilities.tasks import tags  # noqa: E402 (they warn while they are imported)

sys.path.insert(0, str(Path(__file__).resolve().parent))

import authored  # noqa: E402 (found by the line above)

if not hasattr(pendulum.tz, "_Timezone"):
    pendulum.tz._Timezone = pendulum.tz.Timezone  # the name of pendulum 2, which the peer asks pendulum 3 for

API = SimpleNamespace(
    Flow=prefect.Flow,
    Parameter=prefect.Parameter,
    Task=prefect.Task,
    cache_validators=cache_validators,
    is_equal=lambda x, y: (
        x.is_equal(y) if hasattr(x, "is_equal") else prefect.tasks.core.operators.Equal().bind(x, y)
    ),
    tags=tags,
    task=prefect.task,
    triggers=prefect.triggers,
    unmapped=prefect.unmapped,
)


def describe(flow: Any, serialized: Any) -> dict[str, Any]:
    slug = getattr(flow, "slugs", None)
    slug = slug.__getitem__ if slug else lambda task: task.slug
    return {
        "serialized": serialized,
        "slugs": sorted(slug(task) for task in flow.tasks),
        "names": sorted(task.name for task in flow.tasks),
        "constants": sorted(
            [task.name, name, repr(value)]
            for task, values in flow.constants.items()
            for name, value in values.items()
        ),
    }


def answer(request: dict[str, Any]) -> Any:
    if "load" in request:
        flow = FlowSchema().load(request["load"])
        return describe(flow, FlowSchema().dump(flow))
    if "schedule" in request:
        schedule = ScheduleSchema().load(request["schedule"])
        if "after" not in request:
            return ScheduleSchema().dump(schedule)
        times = schedule.next(request["n"], after=pendulum.parse(request["after"]))
        return [pendulum.instance(each).in_timezone("UTC").to_iso8601_string() for each in times]
    return {name: describe(flow, flow.serialize()) for name, flow in authored.author(API).items()}


def main() -> None:
    for line in sys.stdin:
        try:
            reply = {"answer": answer(json.loads(line))}
        except Exception as error:
            reply = {"error": f"{type(error).__name__}: {error}"}
        sys.stdout.write(json.dumps(reply) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
