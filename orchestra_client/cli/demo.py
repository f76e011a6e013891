"""`orchestra demo`: the main job from start to finish."""

from __future__ import annotations

import sys

import click


@click.command()
def demo() -> None:
    """See the main job from start to finish: a server, an agent, a flow, two runs that want the same slot.

    It takes some ten seconds, uses a server of its own whatever is configured, and leaves nothing behind. The exit
    status is 0 when everything in the runs' story is as it should be.
    """
    from orchestra_client.demo.play import main  # noqa: PLC0415 - slow to import

    sys.exit(main())
