"""How long the `orchestra` command takes, as a process, against Python alone and against Prefect 1.4.1's command.

Usage::

    python benchmarks/bench_cli.py [.peers/prefect-1.4.1] [--quick]

Every figure is the median of many fresh processes, start and end included, with the bytecode already written. The
lists come from a server process of ours on this machine, with one project in it. The ratio is to Python alone,
round by round.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from rounds import print_table, ratio, read_options, take_turns

from orchestra_client import Client

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

ROUNDS = 40
LIMIT = 150.0
"""Milliseconds over bare Python that `orchestra --help` may take."""

ORCHESTRA = str(Path(sys.executable).parent / "orchestra")
BARE = "python alone"
HELP = "orchestra --help"
SIDES = {
    BARE: [sys.executable, "-c", "pass"],
    "import click": [sys.executable, "-c", "import click"],
    HELP: [ORCHESTRA, "--help"],
    "orchestra --version": [ORCHESTRA, "--version"],
    "orchestra flow-run list --help": [ORCHESTRA, "flow-run", "list", "--help"],
    "the same list in Python": [
        sys.executable,
        "-c",
        "from orchestra_client import Client\nwith Client() as client: print(client.projects())",
    ],
    "orchestra project list": [ORCHESTRA, "project", "list"],
    "orchestra project list --json": [ORCHESTRA, "project", "list", "--json"],
}

PEER = [["--help"], ["version"], ["get", "projects"]]


def run(command: Sequence[str], environment: Mapping[str, str]) -> float:
    """Milliseconds of a process."""
    started = time.perf_counter()
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
    return (time.perf_counter() - started) * 1000


@contextmanager
def served(home: str) -> Iterator[dict[str, str]]:
    """A server process with a project in it; the environment that leads to it."""
    environment = {"HOME": home, "ORCHESTRA_HOME": home, "PATH": os.environ["PATH"]}
    command = [ORCHESTRA, "server", "start", "--port", "0", "--auth", "none", "--log-level", "error"]
    server = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        url = server.stdout.readline().split()[-1]
        with Client(url) as client:
            client.create_project("etl")
        endpoint = url.removesuffix("/graphql")
        yield {
            **environment,
            "ORCHESTRA_API_SERVER": url,
            "PREFECT__BACKEND": "server",
            "PREFECT__SERVER__ENDPOINT": endpoint,
            "PREFECT__CLOUD__API": endpoint,
        }
    finally:
        server.terminate()
        server.wait()


def main() -> None:
    """Measure, and print a table."""
    options = read_options(main.__doc__ or "")
    commands: dict[str, list[str]] = dict(SIDES)
    if options.peer:
        peer = str(options.peer.parent / "prefect")
        commands |= {f"{' '.join(['prefect', *words])} (1.4.1)": [peer, *words] for words in PEER}
    with tempfile.TemporaryDirectory() as home, served(home) as environment:
        sides = {name: partial(run, command, environment) for name, command in commands.items()}
        figures = take_turns(sides, options.choose(ROUNDS, 1))
    bare = statistics.median(figures[BARE])
    rows = [
        (
            name,
            f"{statistics.median(times):.0f}",
            f"{statistics.median(times) - bare:+.0f}",
            f"{ratio(times, figures[BARE]):.1f}",
        )
        for name, times in figures.items()
    ]
    print_table(("", "ms", "over python, ms", "python x"), rows)
    print(
        f"{HELP}: {statistics.median(figures[HELP]) - bare:.0f} ms over bare Python; to reach: {LIMIT:.0f}."
    )


if __name__ == "__main__":
    main()
