"""How long the package takes to import, against Python alone and against httpx.

Usage::

    python benchmarks/bench_import.py [.peers/prefect-1.4.1] [--quick]

Every figure is the median of many fresh processes, start and end included, with the bytecode already written.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from functools import partial
from typing import TYPE_CHECKING

from rounds import print_table, read_options, take_turns

if TYPE_CHECKING:
    from pathlib import Path

ROUNDS = 40
LIMIT = 60.0
"""Milliseconds over bare Python that `import orchestra_client` may take."""

BARE = "python alone"
OURS = "import orchestra_client"
SIDES = {
    BARE: "pass",
    "import httpx": "import httpx",
    OURS: "import orchestra_client",
    "from orchestra_client import Client": "from orchestra_client import Client",
}
PEER = "import prefect (1.4.1)"


def run(python: str | Path, code: str) -> float:
    """Milliseconds of a process that executes `code`."""
    started = time.perf_counter()
    subprocess.run([python, "-W", "ignore", "-c", code], check=True, stdout=subprocess.DEVNULL)
    return (time.perf_counter() - started) * 1000


def main() -> None:
    """Measure, and print a table."""
    options = read_options(main.__doc__ or "")
    sides = {name: partial(run, sys.executable, code) for name, code in SIDES.items()}
    if options.peer:
        sides[PEER] = partial(run, options.peer, "import prefect")
    figures = take_turns(sides, options.choose(ROUNDS, 1))
    bare = statistics.median(figures[BARE])
    rows = [
        (name, f"{statistics.median(times):.1f}", f"{statistics.median(times) - bare:+.1f}")
        for name, times in figures.items()
    ]
    print_table(("", "ms", "over python, ms"), rows)
    over = statistics.median(figures[OURS]) - bare
    print(f"{OURS}: {over:.1f} ms over bare Python; to reach: {LIMIT:.0f}.")


if __name__ == "__main__":
    main()
