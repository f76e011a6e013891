"""The flow of bench_engine.py, run by Prefect 1.4.1: under that environment's own Python.

``engine_worker.py EXECUTOR TASKS`` prints the tasks a second, with EXECUTOR ``local`` or ``threads``.
"""

from __future__ import annotations

import logging
import sys
import time


def main(kind: str, tasks: int) -> float:
    """Run the flow once.

    Returns:
        Tasks a second.
    """
    from prefect import Flow, task  # type: ignore[import-not-found] # noqa: PLC0415 (of the other environment)
    from prefect.executors import (  # type: ignore[import-not-found] # noqa: PLC0415
        LocalDaskExecutor,
        LocalExecutor,
    )

    logging.disable(logging.CRITICAL)

    @task  # type: ignore[untyped-decorator]  # as its module is not here
    def nothing(x: int) -> int:
        return x

    with Flow("nothing") as flow:
        nothing.map(list(range(tasks)))
    executor = LocalExecutor() if kind == "local" else LocalDaskExecutor(scheduler="threads", num_workers=8)
    started = time.perf_counter()
    assert flow.run(executor=executor).is_successful()
    return tasks / (time.perf_counter() - started)


if __name__ == "__main__":
    print(main(sys.argv[1], int(sys.argv[2])))
