"""Flows for test_peer_agents.py, written with the names of Prefect; imported by the peer where it registers and runs.

Prefect 0.12 can pickle no function by value under Python 3.11 (its cloudpickle predates that), so all that a flow
consists of has a name in this module, by which it is pickled. `@task` would take the function's name away from it.
"""

from __future__ import annotations

import os
import time
from datetime import timedelta

import prefect
from prefect import Flow, Parameter, Task


class Double(Task):
    def run(self, x):
        self.logger.info("doubling %s", x)
        return 2 * x


class Shaky(Task):
    """Fails the first time."""

    def run(self, rows):
        if prefect.context.task_run_count == 1:
            raise ValueError("not yet")
        return sum(rows)


def check(total, expected):
    """Tell what arrived in the only way that is sure to be seen: by failing."""
    if total != expected:
        raise ValueError(f"{total} is not {expected}")


checking = prefect.task(check, name="Check")


class Nap(Task):
    """Takes its time, or until there is a file."""

    def run(self, seconds, alarm):
        end = time.monotonic() + seconds
        while time.monotonic() < end and not os.path.exists(alarm):  # noqa: PTH110 (an empty path is none)
            time.sleep(0.1)


def story() -> Flow:
    """A parameter, a mapped task, a retry."""
    with Flow("story") as flow:
        items = Parameter("items", default=[1, 2, 3])
        expected = Parameter("expected", default=12)
        doubled = Double().map(items)
        total = Shaky(max_retries=1, retry_delay=timedelta(seconds=0))(doubled)
        checking(total, expected)
    return flow


def scarce() -> Flow:
    """One task that holds the only slot of its tag."""
    with Flow("scarce") as flow:
        Nap(tags=["scarce"])(Parameter("seconds"), "")
    return flow


def nap() -> Flow:
    """One task that takes long."""
    with Flow("nap") as flow:
        Nap()(Parameter("seconds"), Parameter("alarm"))
    return flow
