"""Waiting for the ends of flow runs that were cancelled."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from orchestra_client.cli.output import say
from orchestra_client.cli.progress import progress_bar
from orchestra_client.errors import WaitTimeout

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta

    from orchestra_client.client import Client
    from orchestra_client.results import FlowRun
    from orchestra_client.states import State

__all__ = ["wait_until_finished"]

_NAMED = 5


def wait_until_finished(client: Client, runs: Sequence[FlowRun], timeout: timedelta | None) -> None:
    """Wait for the ends of cancelled runs, and show that this is what is being done.

    Args:
        client: of the runs' tenant.
        runs: that were cancelled.
        timeout: how long to wait for all of them at most; None means until the end.

    Raises:
        click.ClickException: they have not ended in time.
        KeyboardInterrupt: somebody waits no longer.
    """
    say(
        f"Waiting until {_names(runs)} {'is' if len(runs) == 1 else 'are'} finished. Ctrl-C ends the waiting alone."
    )
    deadline = None if timeout is None else time.monotonic() + timeout.total_seconds()
    try:
        with progress_bar() as show:
            for done, run in enumerate(runs):

                def tell(state: State, run: FlowRun = run, done: int = done) -> None:
                    show(f"{run.name} is {state.type_name}", done, len(runs))

                left = None if deadline is None else max(deadline - time.monotonic(), 0.0)
                client.wait_for_flow_run(run.id, left, tell)
    except WaitTimeout as error:
        raise click.ClickException(
            f"The flow run {run.name} is still {error.state_type} after {timeout}. {_standing(run)}"
        ) from None
    except KeyboardInterrupt:
        say(f"No longer waiting. {_standing(run)}")
        raise


def _names(runs: Sequence[FlowRun]) -> str:
    names = [run.name for run in runs[:_NAMED]]
    more = len(runs) - len(names)
    return ", ".join(names) + (f" and {more} more" if more else "")


def _standing(run: FlowRun) -> str:
    return f"The cancellation stands; `orchestra flow-run show {run.id}` tells how far it is."
