"""The calls of bench_calls.py, made by Prefect 1.4.1: runs under that environment's own Python.

Each line of standard input is ``{"case": …, "calls": …}``; each is answered by the mean time of one call in
microseconds. The server to call stands in the environment, as Prefect reads it.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def calls_of(given: dict[str, Any]) -> dict[str, Callable[[], object]]:
    """The cases by name.

    Args:
        given: the values that all sides send.
    """
    from prefect import Client  # type: ignore[import-not-found] # noqa: PLC0415 (of the other environment)
    from prefect.engine.state import Running  # type: ignore[import-not-found] # noqa: PLC0415

    client, state, logs = Client(), Running(given["message"]), given["logs"]
    return {
        "set_task_run_state": lambda: client.set_task_run_state(given["task_run_id"], state, 1),
        "heartbeat": lambda: client.update_flow_run_heartbeat(given["flow_run_id"]),
        "write_run_logs, 1": lambda: client.write_run_logs(logs[:1]),
        "write_run_logs, 100": lambda: client.write_run_logs(logs),
    }


def main() -> None:
    """Answer line by line; the first line holds the values to send."""
    logging.disable(logging.CRITICAL)
    calls = calls_of(json.loads(sys.stdin.readline()))
    for line in sys.stdin:
        asked = json.loads(line)
        call = calls[asked["case"]]
        started = time.perf_counter()
        for _ in range(asked["calls"]):
            call()
        print((time.perf_counter() - started) / asked["calls"] * 1e6, flush=True)


if __name__ == "__main__":
    main()
