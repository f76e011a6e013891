"""What logging and heartbeats cost, and how fast logs arrive: ours against Prefect 1.4.1's, in one run.

Usage::

    python benchmarks/bench_delivery.py [.peers/prefect-1.4.1] [--quick]

A real `orchestra server start --auth token` on an SQLite file takes what both send; each side is a process of its own
(delivery_worker.py), all default settings. An emit is the handler's share of logging a record. Records a second count
from the first that is logged until the last is stored, and what was stored is counted afterwards. A round of beats is
one beat for every live run: once every 30 seconds, so that its processor time is shown as a share of a core over those.
"""

from __future__ import annotations

import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench_server import TOKEN, flow, server
from rounds import Options, print_table, read_options, take_turns

from orchestra_client import Client

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
ROUNDS = 7
EMITS, RECORDS = 20_000, 60_000
BEATS = (1, 1_000, 10_000)
INTERVAL_MS = 30_000.0
BEAT_ROUNDS, MAX_SINGLE_BEATS = 3, 1_000


class Runs:
    """Flow runs to log and to beat for.

    Args:
        client: on the server.
        count: how many.
    """

    def __init__(self, client: Client, count: int) -> None:
        self._client = client
        client.create_project("benchmarks")
        flow_id = client.register(
            {**flow(), "tasks": flow()["tasks"][:1]}, project_name="benchmarks", no_url=True
        )
        self.ids = [str(each.id) for each in client.create_flow_runs([{"flow_id": flow_id}] * count)]
        self.task_run_id = client.get_flow_run_info(self.ids[0]).task_runs[0].id
        self.logged = 0

    def check(self) -> None:
        """End the benchmark, should a record be missing, or be there twice."""
        answer: Any = self._client.graphql("query { log_aggregate { aggregate { count } } }")
        stored = answer["data"]["log_aggregate"]["aggregate"]["count"]
        if stored != self.logged:
            raise SystemExit(f"{self.logged} records were logged, and {stored} are stored.")


@contextlib.contextmanager
def worker(side: str, python: Path | str, runs: Runs, environ: dict[str, str]) -> Iterator[Any]:
    """Measures in a process of its own: called with a case and its value."""
    with subprocess.Popen(
        [python, HERE / "delivery_worker.py", side],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **environ, "PYTHONWARNINGS": "ignore"},
    ) as process:
        stdin, stdout = process.stdin, process.stdout
        assert stdin is not None
        assert stdout is not None

        def ask(case: str, value: Any) -> dict[str, float]:
            asked = {
                "case": case,
                "value": value,
                "flow_run_id": runs.ids[0],
                "task_run_id": runs.task_run_id,
            }
            stdin.write(json.dumps(asked) + "\n")
            stdin.flush()
            answer: dict[str, float] = json.loads(stdout.readline())
            return answer

        yield ask
        stdin.close()


def compare(
    sides: dict[str, Any], runs: Runs, case: str, value: Any, rounds: int
) -> dict[str, dict[str, float]]:
    """The medians of all that each side measured of a case."""
    measured: dict[str, list[dict[str, float]]] = {}

    def measure(side: str) -> float:
        measured.setdefault(side, []).append(sides[side](case, value))
        if isinstance(value, int):
            runs.logged += value
        return 0.0

    take_turns({side: partial(measure, side) for side in sides}, rounds)
    return {
        # The first round only warms up.
        side: {name: statistics.median(each[name] for each in figures[1:]) for name in figures[0]}
        for side, figures in measured.items()
    }


def rows_of(sides: dict[str, Any], runs: Runs, options: Options) -> list[tuple[str, ...]]:
    """The table's rows."""
    rounds = options.choose(ROUNDS, 1)
    rows: list[tuple[str, ...]] = []
    emits = compare(sides, runs, "emit", options.choose(EMITS, 200), rounds)
    rows.append(row("emit of a record, µs", emits, "emit", ".1f"))
    rates = compare(sides, runs, "deliver", options.choose(RECORDS, 500), rounds)
    rows.append(row("records a second, logged to stored", rates, "rate", ",.0f", is_rate=True))
    runs.check()
    for count in BEATS:
        some = runs.ids[: options.choose(count, min(count, 3))]
        # One by one, as the peer beats, ten thousand take minutes.
        able = {side: ask for side, ask in sides.items() if side == "ours" or len(some) <= MAX_SINGLE_BEATS}
        beats = compare(able, runs, "beat", some, options.choose(BEAT_ROUNDS, 1))
        rows.append(row(f"round of {len(some):,} beats, ms", beats, "round", ",.1f"))
        shares = {side: {"share": each["cpu"] / INTERVAL_MS * 100} for side, each in beats.items()}
        rows.append(row("  of a core over 30 s, %", shares, "share", ".3f"))
    return rows


def row(
    name: str, figures: dict[str, dict[str, float]], what: str, shown: str, *, is_rate: bool = False
) -> tuple[str, ...]:
    """A figure of both sides as text, and how much better ours is."""
    ours = figures["ours"][what]
    if "peer" not in figures:
        return name, f"{ours:{shown}}", "", ""
    theirs = figures["peer"][what]
    better = ours / theirs if is_rate else theirs / ours
    return name, f"{ours:{shown}}", f"{theirs:{shown}}", f"{better:.1f}×"


def main() -> None:
    """Measure, and print a table."""
    options = read_options(main.__doc__ or "")
    os.environ["NO_PROXY"] = "127.0.0.1"
    with tempfile.TemporaryDirectory() as home, contextlib.ExitStack() as stack:
        os.environ["ORCHESTRA_HOME"] = home
        url = stack.enter_context(server(Path(home)))
        os.environ.update(ORCHESTRA_API_SERVER=url, ORCHESTRA_API_TOKEN=TOKEN)
        runs = Runs(stack.enter_context(Client()), options.choose(max(BEATS), 3))
        sides = {"ours": stack.enter_context(worker("ours", sys.executable, runs, {}))}
        if options.peer:
            sides["peer"] = stack.enter_context(worker("peer", options.peer, runs, peer_environ(url, home)))
        rows = rows_of(sides, runs, options)
    print_table(("", "ours", "Prefect", "better"), rows)
    print(
        "To reach: an emit in 15 µs, 30,000 records a second, and for 10,000 runs 20 requests and 5 % of a core."
    )


def peer_environ(url: str, home: str) -> dict[str, str]:
    """What Prefect reads to find the server."""
    return {
        "PREFECT__BACKEND": "cloud",
        "PREFECT__CLOUD__API": url,
        "PREFECT__CLOUD__API_KEY": TOKEN,
        "PREFECT__CLOUD__SEND_FLOW_RUN_LOGS": "true",
        "PREFECT__LOGGING__LEVEL": "INFO",
        "PREFECT__HOME_DIR": home,
    }


if __name__ == "__main__":
    main()
