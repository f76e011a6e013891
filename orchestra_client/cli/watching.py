"""Watching a flow run from the command line: all of it, or its log alone."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import click

from orchestra_client.cli.lookup import read_flow_run
from orchestra_client.cli.output import as_plain, print_json
from orchestra_client.cli.terminal import is_watched
from orchestra_client.errors import WaitTimeout
from orchestra_client.watching import LogsWritten, display_for
from orchestra_client.watching.lines import moment_text, record_text

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import timedelta

    from orchestra_client.cli.options import Connect
    from orchestra_client.client import Client
    from orchestra_client.results import LogRecord
    from orchestra_client.watching import WatchEvent

__all__ = ["follow_log", "last", "patient", "print_log", "watch_to_the_end"]


def patient(connect: Connect) -> Client:
    """Open a client that waits out a restart of the server, though somebody may be looking on."""
    from orchestra_client.transport import RetryPolicy  # noqa: PLC0415 - only where somebody waits

    return connect(retry=RetryPolicy())


def watch_to_the_end(
    connect: Connect, flow_run_id: str, *, logs: bool, timeout: timedelta | None, as_json: bool
) -> None:
    """Show what happens to a flow run until it is finished; then end with the exit status that tells how.

    Args:
        connect: opens a client of the run's tenant.
        flow_run_id: the run.
        logs: whether to show its log.
        timeout: how long to watch at most; None means until the end.
        as_json: whether to show it on stderr, and write the finished run as JSON on stdout.

    Raises:
        SystemExit: 0 for a success, 1 for any other end.
        click.ClickException: it is not finished in time.
    """
    with patient(connect) as client:
        try:
            state = client.watch_flow_run(
                flow_run_id,
                logs=logs,
                timeout=timeout.total_seconds() if timeout is not None else None,
                display=display_for(sys.stderr if as_json else sys.stdout, hint=_hint),
            )
        except WaitTimeout as error:
            raise click.ClickException(
                f"The flow run is still {error.state_type} after {timeout}, and goes on. {_hint(flow_run_id)}"
            ) from None
        if as_json:
            print_json(read_flow_run(client, flow_run_id))
    sys.exit(0 if state.is_successful() else 1)


def _hint(flow_run_id: str) -> str:
    return (
        f"Watch it with `orchestra flow-run watch {flow_run_id}`, "
        f"or end it with `orchestra flow-run cancel {flow_run_id}`."
    )


def follow_log(
    connect: Connect, flow_run_id: str, *, min_level: str | None, tail: int | None, as_json: bool
) -> None:
    """Write a flow run's log, and what comes until the run is finished.

    Args:
        connect: opens a client of the run's tenant.
        flow_run_id: the run.
        min_level: leaves out what is below; None means nothing.
        tail: how many records to begin with; None means all.
        as_json: whether to write each record as one line of JSON.
    """
    known: list[LogRecord] = []
    with patient(connect) as client:
        if tail is not None:
            known = client.get_flow_run_logs(flow_run_id, min_level)
            print_log(last(known, tail), as_json=as_json)
        client.watch_flow_run(flow_run_id, min_level=min_level, display=_LogLines(known, as_json=as_json))


class _LogLines:
    """A display of log records alone."""

    def __init__(self, known: Iterable[LogRecord], *, as_json: bool) -> None:
        self._known = {record.id for record in known}
        self._as_json = as_json

    def update(self, event: WatchEvent) -> None:
        if isinstance(event, LogsWritten):
            new = [record for record in event.records if record.id not in self._known]
            print_log(new, as_json=self._as_json)

    def close(self) -> None:
        """Nothing is held."""


def last(records: list[LogRecord], count: int | None) -> list[LogRecord]:
    """The last records of a log; None means all."""
    return records if count is None else records[max(0, len(records) - count) :]


def print_log(records: Iterable[LogRecord], *, as_json: bool) -> None:
    """Write records of a log, each from a line of its own on.

    Args:
        records: what to write.
        as_json: whether to write each as one line of JSON.
    """
    for record in records:
        if as_json:
            click.echo(json.dumps(as_plain(record), ensure_ascii=False))
        elif is_watched():
            _print_in_colour(record)
        else:
            click.echo(f"{moment_text(record.timestamp)} {record_text(record)}")


def _print_in_colour(record: LogRecord) -> None:
    from rich.console import Console  # noqa: PLC0415 - only needed for people

    from orchestra_client.watching.terminal import record_line  # noqa: PLC0415 - as above

    Console(highlight=False).print(record_line(record), soft_wrap=True)
