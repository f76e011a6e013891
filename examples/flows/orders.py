"""A day's orders: fetched from every shop, one of which fails at first, and written one after another.

The demo registers this flow with an agent; `python examples/flows/orders.py` runs it here, with no server.
"""

from __future__ import annotations

import time
from datetime import timedelta

from orchestra_client import Flow, Parameter, context, task
from orchestra_client.flows import Script, unmapped

ORDERS = {"north": 12, "south": 7, "west": 21}


@task
def open_shops(shops: list[str]) -> list[str]:
    """The shops that the run is about."""
    context.logger.info("%d shops are open", len(shops))
    return shops


@task(max_retries=2, retry_delay=timedelta(seconds=1))
def fetch_orders(shop: str, day: str) -> int:
    """How many orders a shop took; the west one is out of reach at the first try."""
    if shop == "west" and context.task_run_count == 1:
        raise ConnectionError(f"the shop {shop} does not answer")
    context.logger.info("%s took %d orders on %s", shop, ORDERS[shop], day)
    return ORDERS[shop]


@task(tags=["warehouse"])
def store(orders: int, seconds: float) -> int:
    """Write the orders; the tag's limit lets one at a time into the warehouse."""
    time.sleep(seconds)
    context.logger.info("%d orders are in the warehouse", orders)
    return orders


@task
def report(stored: list[int]) -> int:
    """The sum of it all."""
    context.logger.info("%d orders in all", sum(stored))
    return sum(stored)


with Flow("daily-orders", storage=Script(__file__)) as flow:
    day = Parameter("day")
    shops = open_shops(Parameter("shops", default=list(ORDERS)))
    seconds = Parameter("seconds", default=0.3)
    fetched = fetch_orders.map(shops, day=unmapped(day))
    total = report(store.map(fetched, seconds=unmapped(seconds)))

if __name__ == "__main__":
    state = flow.run(day="2026-11-20")
    print(state, state.result[total].result)
