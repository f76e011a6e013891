"""What bench_delivery.py measures, in a process of its own: ours, or Prefect 1.4.1's under its own Python.

Started with the name of a side. Each line of standard input is a `case` with its values; each is answered by one
line of JSON. The server stands in the environment, as each side reads it.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MESSAGE = "Task %s: processed chunk %d of 100 without any trouble"


def log(logger: logging.Logger, count: int) -> None:
    """Log so many records as fast as possible."""
    for number in range(count):
        logger.info(MESSAGE, "load", number)


def time_emits(handler: logging.Handler, count: int) -> dict[str, float]:
    """The mean of one `handle`, in microseconds, for records that are made before."""
    records = [
        logging.LogRecord("load", logging.INFO, "load.py", 1, MESSAGE, ("load", number), None)
        for number in range(count)
    ]
    started = time.perf_counter()
    for record in records:
        handler.handle(record)
    return {"emit": (time.perf_counter() - started) / count * 1e6}


def time_delivery(handler: logging.Handler, count: int, deliver: Callable[[], object]) -> dict[str, float]:
    """Records a second, from the first that is logged until the last is stored."""
    logger = logging.Logger("load", logging.INFO)
    logger.addHandler(handler)
    started = time.perf_counter()
    log(logger, count)
    logged = time.perf_counter()
    deliver()
    ended = time.perf_counter()
    return {"rate": count / (ended - started), "log": (logged - started) / count * 1e6}


def time_round(beat: Callable[[], object]) -> dict[str, float]:
    """Processor time and duration of a round of beats, in milliseconds."""
    started, used = time.perf_counter(), time.process_time()
    beat()
    return {
        "cpu": (time.process_time() - used) * 1e3,
        "round": (time.perf_counter() - started) * 1e3,
    }


class Ours:
    """The cases, by orchestra-client."""

    def __init__(self) -> None:
        from orchestra_client import Client  # noqa: PLC0415 - the other side has none of these
        from orchestra_client.delivery import Heartbeats, OrchestraHandler  # noqa: PLC0415
        from orchestra_client.testing import VirtualClock  # noqa: PLC0415

        self._handler = OrchestraHandler()
        self._clock = VirtualClock()
        self._beats = Heartbeats(Client, threaded=False, clock=self._clock, random=lambda: 0.0)

    @contextmanager
    def run(self, flow_run_id: str, task_run_id: str) -> Iterator[None]:
        """In the context of a run."""
        from orchestra_client import context  # noqa: PLC0415

        with context(flow_run_id=flow_run_id, task_run_id=task_run_id):
            yield

    def emit(self, count: int) -> dict[str, float]:
        """Time the handler alone, while its thread sends."""
        times = time_emits(self._handler, count)
        self._handler.deliver(60)
        return times

    def deliver(self, count: int) -> dict[str, float]:
        """Time the way to the server."""
        return time_delivery(self._handler, count, lambda: self._handler.deliver(60))

    def beat(self, flow_run_ids: list[str]) -> dict[str, float]:
        """Time a round for so many runs."""
        beatings = [self._beats.add(flow_run_id) for flow_run_id in flow_run_ids]
        self._beats.turn()
        self._clock.advance(60)
        times = time_round(self._beats.turn)
        for beating in beatings:
            beating.leave()
        return times


class Peer:
    """The cases, by Prefect 1.4.1."""

    def __init__(self) -> None:
        import prefect  # type: ignore[import-not-found] # noqa: PLC0415 - of the other environment
        from prefect.utilities.logging import (  # type: ignore[import-not-found] # noqa: PLC0415
            LOG_MANAGER,
            CloudHandler,
        )

        self._context = prefect.context
        self._client = prefect.Client()
        self._manager = LOG_MANAGER
        self._handler = CloudHandler()

    def run(self, flow_run_id: str, task_run_id: str) -> Any:
        """In the context of a run."""
        return self._context(flow_run_id=flow_run_id, task_run_id=task_run_id, running_with_backend=True)

    def emit(self, count: int) -> dict[str, float]:
        """Time the handler alone."""
        times = time_emits(self._handler, count)
        self._stop()
        return times

    def deliver(self, count: int) -> dict[str, float]:
        """Time the way to the server."""
        return time_delivery(self._handler, count, self._stop)

    def _stop(self) -> None:
        # What its end of a process does; the next record starts its thread anew.
        self._manager.stop()
        self._manager._stopped.clear()

    def beat(self, flow_run_ids: list[str]) -> dict[str, float]:
        """Time a beat for each of so many runs; it has none for several."""
        return time_round(lambda: [self._client.update_flow_run_heartbeat(each) for each in flow_run_ids])


def main() -> None:
    """Answer line by line."""
    logging.disable(logging.DEBUG)
    side: Any = {"ours": Ours, "peer": Peer}[sys.argv[1]]()
    for line in sys.stdin:
        asked = json.loads(line)
        case = getattr(side, asked["case"])
        with side.run(asked["flow_run_id"], asked["task_run_id"]):
            print(json.dumps(case(asked["value"])), flush=True)


if __name__ == "__main__":
    main()
