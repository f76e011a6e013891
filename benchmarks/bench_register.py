"""How long planning and registering many flows takes, and how many requests: all at once, and one after the other.

Usage::

    python benchmarks/bench_register.py [--quick]

Our client with the server in its process, on an SQLite file with its usual durability: what the client and the server
do, without the network between them. Flows of ten tasks each. `bench_register_command.py` measures the whole command.
"""

from __future__ import annotations

import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from rounds import print_table, read_options

from orchestra_client import Client, Flow, task
from orchestra_client.schedules import IntervalSchedule
from orchestra_client.testing import FaultyTransport
from orchestra_client.transport.embedded import EmbeddedTransport

if TYPE_CHECKING:
    from collections.abc import Callable

FLOWS = 800
LIMIT_SECONDS, LIMIT_REQUESTS = 10.0, 5
"""For all flows, none of which has changed."""


@task(max_retries=2, retry_delay=timedelta(minutes=1))
def step(number: int, before: object = None) -> int:
    """One of ten."""
    return number


def write(number: int, hours: int) -> Flow:
    """A flow of ten tasks, one after the other."""
    with Flow(f"flow-{number}", IntervalSchedule(timedelta(hours=hours))) as flow:
        last = None
        for each in range(10):
            last = step(each, before=last)
    return flow


class Bench:
    """Measures calls of one client.

    Args:
        folder: where its database is.
        count: how many flows there are.
    """

    def __init__(self, folder: Path, count: int) -> None:
        self.count = count
        self.rows: list[tuple[str, str, str]] = []
        self._transport = FaultyTransport(EmbeddedTransport(f"sqlite:///{folder / 'runs.db'}"))
        self.client = Client(transport=self._transport)

    def flows(self, hours: int) -> list[Flow]:
        """The flows, as new objects."""
        return [write(number, hours) for number in range(self.count)]

    def measure(self, name: str, call: Callable[[], object]) -> tuple[float, int]:
        """Add a row to the table; returns its seconds and requests."""
        before, started = len(self._transport.faults.requests), time.perf_counter()
        call()
        taken = time.perf_counter() - started
        asked = len(self._transport.faults.requests) - before
        self.rows.append((name, f"{taken:.2f}", str(asked)))
        return taken, asked


def compare(bench: Bench) -> tuple[float, int]:
    """Fill the table; returns what planning takes where nothing has changed."""
    client, count = bench.client, bench.count
    for project in ("one by one", "many", "atomic"):
        client.create_project(project)
    flows = bench.flows(1)

    def one_by_one(flows: list[Flow]) -> None:
        for flow in flows:
            client.register(flow, "one by one", build=False, no_url=True)

    bench.measure(f"{count} new, by register", lambda: one_by_one(flows))
    bench.measure(f"{count} new", lambda: client.register_flows(flows, "many", build=False))
    bench.measure(
        f"{count} new, atomic", lambda: client.register_flows(flows, "atomic", build=False, atomic=True)
    )
    bench.measure(f"{count} unchanged, by register", lambda: one_by_one(flows))
    bench.measure(f"{count} unchanged", lambda: client.register_flows(flows, "many", build=False, prune=True))
    planned = bench.measure(f"plan of {count} unchanged", lambda: client.plan_registration(flows, "many"))
    changed = bench.flows(2)
    bench.measure(
        f"plan of {count} changed, with differences", lambda: client.plan_registration(changed, "many")
    )
    bench.measure(f"{count} changed, by register", lambda: one_by_one(changed))
    bench.measure(f"{count} changed", lambda: client.register_flows(changed, "many", build=False))
    bench.measure(
        f"{count} changed, atomic", lambda: client.register_flows(changed, "atomic", build=False, atomic=True)
    )
    return planned


def main() -> None:
    """Measure, and print a table."""
    options = read_options(main.__doc__ or "")
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), options.choose(FLOWS, 8))
        with bench.client:
            taken, asked = compare(bench)
    print_table(("", "s", "requests"), bench.rows)
    print(
        f"Plan of {bench.count} unchanged: {taken:.2f} s, {asked} request{'' if asked == 1 else 's'}; "
        f"to reach: {LIMIT_SECONDS:.0f} s, {LIMIT_REQUESTS}."
    )


if __name__ == "__main__":
    main()
