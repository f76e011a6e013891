"""The flows of bench_runs.py, as a script that our agent's runs load."""

from __future__ import annotations

from orchestra_client.flows import Flow, Parameter, Script, task


@task
def nothing(x: int) -> int:
    """Nothing but its own start and end."""
    return x


@task
def numbers(count: int) -> list[int]:
    """What to map over."""
    return list(range(count))


with Flow("one", storage=Script(__file__)) as one:
    nothing(1)

with Flow("mapped", storage=Script(__file__)) as mapped:
    nothing.map(numbers(Parameter("count")))
