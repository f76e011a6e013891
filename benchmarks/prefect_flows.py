"""The flows of bench_runs.py, registered by Prefect 1.4.1: runs under that environment's own Python.

Takes the number of mapped tasks as its argument and prints the flows' ids by name, as JSON.
"""

from __future__ import annotations

import json
import sys


def main() -> None:
    """Register both flows with the server that the environment names."""
    from prefect import Client, Flow, task  # type: ignore[import-not-found] # noqa: PLC0415 (of the other environment)

    @task  # type: ignore[untyped-decorator]  # the other environment has no types
    def nothing(x: int) -> int:
        return x

    with Flow("one") as one:
        nothing(1)
    with Flow("mapped") as mapped:
        nothing.map(list(range(int(sys.argv[1]))))
    Client().create_project("peer")
    print(json.dumps({flow.name: flow.register(project_name="peer", no_url=True) for flow in (one, mapped)}))


if __name__ == "__main__":
    main()
