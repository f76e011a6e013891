"""How long a state takes to be written and read, ours against Prefect's, in one run.

Usage::

    python benchmarks/bench_states.py [.peers/prefect-1.4.1] [--quick]

The argument is the virtual environment of a Prefect to compare with; without it only ours is measured. Each
figure is the best of several rounds, in microseconds a call.
"""

from __future__ import annotations

import datetime
import json
import subprocess
import timeit
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType

CALLS, ROUNDS = 2000, 7

# Runs in either process: the classes have the same names and arguments.
CASES = {
    "Running": "Running()",
    "Running, with context": "Running('going', context={'tags': ['a', 'b'], 'n': {'rows': [1, 2, 3]}})",
    "Retrying, three inputs": "Retrying('again', start_time=MOMENT, run_count=2, cached_inputs=INPUTS)",
    "Submitted(Scheduled)": "Submitted('taken', state=Scheduled('due', start_time=MOMENT))",
}
MOMENT = "datetime.datetime(2020, 2, 29, tzinfo=datetime.timezone.utc)"
INPUTS = "{name: Result(location=name + '.txt') for name in ('x', 'y', 'z')}"


def best(call: Callable[[], Any], calls: int) -> float:
    """The time of one call in microseconds, in the best round of `calls` each."""
    return min(timeit.repeat(call, number=calls, repeat=ROUNDS)) / calls * 1e6


def measure(names: dict[str, Any], calls: int) -> dict[str, dict[str, float]]:
    """Times for each case, given the classes in `names`."""
    names = {**names, "datetime": datetime}
    names["MOMENT"], names["INPUTS"] = eval(MOMENT, names), eval(INPUTS, names)
    return {case: measure_one(compile(text, case, "eval"), names, calls) for case, text in CASES.items()}


def measure_one(code: CodeType, names: dict[str, Any], calls: int) -> dict[str, float]:
    """Times for the state that `code` makes."""
    state = eval(code, names)
    document = state.serialize()
    return {
        "new": best(lambda: eval(code, names), calls),
        "dump": best(state.serialize, calls),
        "load": best(lambda: state.deserialize(document), calls),
    }


def measure_peer(python: Path, calls: int) -> dict[str, dict[str, float]]:
    """The same in the Prefect that is installed for another Python."""
    code = (
        f"import json, sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); import bench_states as bench;"
        "import prefect.engine.state as states; from prefect.engine.result import Result;"
        f"print(json.dumps(bench.measure({{**vars(states), 'Result': Result}}, {calls})))"
    )
    done = subprocess.run([python, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True)
    times: dict[str, dict[str, float]] = json.loads(done.stdout.splitlines()[-1])
    return times


def main() -> None:
    """Measure, and print a table."""
    # This module is also imported by the peer, without us.
    from rounds import read_options  # noqa: PLC0415

    from orchestra_client import states  # noqa: PLC0415

    options = read_options(main.__doc__ or "")
    calls = options.choose(CALLS, 10)
    ours = measure({name: getattr(states, name) for name in states.__all__}, calls)
    theirs = measure_peer(options.peer, calls) if options.peer else {}
    print(f"{'':24} {'':5} {'ours, µs':>10} {'peer, µs':>10} {'ratio':>7}")
    for case, times in ours.items():
        for what, time in times.items():
            other = theirs.get(case, {}).get(what)
            compared = "" if other is None else f"{other:10.1f} {other / time:6.1f}×"
            print(f"{case:24} {what:5} {time:10.1f} {compared}")


if __name__ == "__main__":
    main()
