"""Flows that are written with the names of an author, ours or those of a release of Prefect, from one source.

Imported by both sides, so it imports nothing of either.
"""

from __future__ import annotations

import datetime
from typing import Any


def author(api: Any) -> dict[str, Any]:
    """The flows by name.

    Args:
        api: has `Flow`, `Task`, `task`, `Parameter`, `unmapped`, `tags`, `triggers`, `cache_validators`, and
            `is_equal(x, y)`, which differs.

    Returns:
        The flows.
    """
    return {build.__name__: build(api) for build in (plain, slugs, collections, mapping, operators, settings)}


def plain(api: Any) -> Any:
    @api.task
    def load(x, y=1):
        return x

    class Save(api.Task):
        def run(self, rows, **options):
            return rows

    with api.Flow("plain") as flow:
        x, y = api.Parameter("x"), api.Parameter("y", default=0)
        first = load(x, y)
        second = load(first, upstream_tasks=[y])
        Save(name="save it")(rows=second, option=5)
        Save()(rows=second)
    flow.set_reference_tasks([first])
    return flow


def slugs(api: Any) -> Any:
    @api.task(tags=["b", "a"])
    def step(x=None):
        return x

    @api.task(slug="mine")
    def mine(x=None):
        return x

    with api.Flow("slugs") as flow:
        one = step()
        with api.tags("z", "c"):
            two = step(one)
            step(two, task_args={"name": "other", "tags": ["new"]})
        step.copy(name="copied").bind(two)
        step(one)
        mine(one)
        api.Task(name="step-a-b").bind()
    return flow


def collections(api: Any) -> Any:
    @api.task
    def step(x=None, y=None):
        return x

    with api.Flow("collections") as flow:
        one = step(1)
        step([one, 2, (one, [one])], {"a": one, "b": {"deep": one}})
        step([1, [2, {"x": 3}]], y=("long constant", 1))
        step(upstream_tasks=["short", [1, 2, 3, 4], one])
    return flow


def mapping(api: Any) -> Any:
    @api.task
    def step(x=None, y=None):
        return x

    with api.Flow("mapping") as flow:
        one = step.map([1, 2, 3])
        two = step.map(one, api.unmapped(one))
        three = step.map(x=one["key"], y=list(range(20)), upstream_tasks=[two])
        step(three, mapped=True)
        step(three)
    return flow


def operators(api: Any) -> Any:
    @api.task
    def step(x=None):
        return x

    with api.Flow("operators") as flow:
        x, y = step(), step()
        step((x + y) * 2 - x / y // 3 % 4)
        step(x["a"] ** 2)
        step(x[y])
        step((x > 1) & (y <= 2))
        step(api.is_equal(x, y))
        x | y
    return flow


def settings(api: Any) -> Any:
    @api.task(max_retries=3, retry_delay=datetime.timedelta(minutes=1), timeout=60)
    def retried(x=None):
        return x

    @api.task(
        trigger=api.triggers.some_failed(at_least=1),
        skip_on_upstream_skip=False,
        cache_for=datetime.timedelta(days=1),
        cache_validator=api.cache_validators.partial_inputs_only(["x"]),
        cache_key="shared",
    )
    def cached(x=None):
        return x

    with api.Flow("settings") as flow:
        one = retried(1)
        cached(one)
        for trigger in (
            "all_successful",
            "all_failed",
            "any_successful",
            "any_failed",
            "all_finished",
            "manual_only",
        ):
            retried(one, task_args={"name": trigger, "trigger": getattr(api.triggers, trigger)})
    return flow
