"""How long `orchestra register` takes for many flows of which none, one or all have changed, and how often it asks.

Usage::

    python benchmarks/bench_register_command.py [--quick]

A server in a process of its own, on SQLite; the command as a fresh process each time, start and end included. One file
for each flow, of ten tasks each. The requests are those in the server's log.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rounds import print_table, read_options

if TYPE_CHECKING:
    from collections.abc import Iterator

FLOWS = 800
LIMIT_SECONDS, LIMIT_REQUESTS = 10.0, 5
"""For all flows, none of which has changed."""

COMMAND = [sys.executable, "-m", "orchestra_client"]
TOKEN = "orc_" + "b" * 43
FLOW = """
from datetime import timedelta
from orchestra_client.flows import Flow, task
from orchestra_client.schedules import IntervalClock, Schedule

@task(max_retries=2, retry_delay=60)
def step(number, before=None):
    return number

with Flow("flow-{number}", Schedule([IntervalClock(timedelta(hours={hours}))])) as flow:
    last = None
    for number in range(10):
        last = step(number, before=last)
"""


def write(folder: Path, number: int, hours: int = 1) -> None:
    """Write a file with a flow."""
    (folder / f"flow_{number}.py").write_text(FLOW.format(number=number, hours=hours), encoding="utf-8")


@contextmanager
def server(home: Path, environ: dict[str, str]) -> Iterator[Path]:
    """Run a server that the environment then names; gives its log."""
    log = home / "server.log"
    with log.open("w") as stream:
        process = subprocess.Popen(
            [*COMMAND, "server", "start", "--port", "0", "--log-level", "info", "--no-services"],
            stdout=subprocess.PIPE,
            stderr=stream,
            text=True,
            env={**environ, "ORCHESTRA_BOOTSTRAP_TOKEN": TOKEN},
        )
        assert process.stdout is not None
        try:
            environ["ORCHESTRA_API_SERVER"] = process.stdout.readline().split()[-1]
            environ["ORCHESTRA_API_TOKEN"] = TOKEN
            yield log
        finally:
            process.terminate()
            process.wait(30)
            process.stdout.close()


def requests(log: Path) -> int:
    """How many requests the server has answered."""
    return len(re.findall(r" \d{3} [\d.]+ ms$", log.read_text(encoding="utf-8"), re.MULTILINE))


def main() -> None:
    """Measure, and print a table."""
    options = read_options(main.__doc__ or "")
    count = options.choose(FLOWS, 8)
    with tempfile.TemporaryDirectory() as directory:
        home, folder = Path(directory), Path(directory, "flows")
        folder.mkdir()
        for number in range(count):
            write(folder, number)
        environ = {**os.environ, "ORCHESTRA_HOME": str(home)}
        words = ["register", str(folder), "--project", "benchmark", "--create-project"]
        rows = []
        with server(home, environ) as log:

            def measure(name: str, *more: str) -> tuple[float, int]:
                before, started = requests(log), time.perf_counter()
                subprocess.run([*COMMAND, *words, *more], check=True, env=environ, capture_output=True)
                taken = time.perf_counter() - started
                asked = requests(log) - before
                rows.append((name, f"{taken:.2f}", str(asked)))
                return taken, asked

            measure(f"{count} new")
            # The second time, Python has compiled the modules and the server has seen the queries.
            measure(f"{count} unchanged")
            taken, asked = measure(f"{count} unchanged, again")
            write(folder, 0, hours=2)
            measure(f"--plan with 1 changed of {count}", "--plan", "--prune")
            measure(f"1 changed of {count}")
            for number in range(count):
                write(folder, number, hours=3)
            measure(f"--plan with {count} changed", "--plan")
            measure(f"{count} changed, --atomic", "--atomic")
    print_table(("", "s", "requests"), rows)
    print(
        f"{count} unchanged: {taken:.2f} s, {asked} requests; to reach: {LIMIT_SECONDS:.0f} s, {LIMIT_REQUESTS}."
    )


if __name__ == "__main__":
    main()
