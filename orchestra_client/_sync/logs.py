# Generated from orchestra_client/_async/logs.py by tools/generate.py: do not edit.
"""Logs of runs: writing and reading them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestra_client._sync.base import Part
from orchestra_client.operations import logs as operations
from orchestra_client.procedures.logs import get_flow_run_logs

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from orchestra_client.operations.checks import Id
    from orchestra_client.operations.logs import LogEntry
    from orchestra_client.records import Records
    from orchestra_client.results import LogRecord

__all__ = ["Logs"]


class Logs(Part):
    """The client's methods for logs."""

    def write_run_logs(self, logs: Iterable[LogEntry | Mapping[str, Any]]) -> None:
        """Write records to the logs of runs, all or none of them. A lost answer never writes them twice.

        Args:
            logs: for each record a dict with `flow_run_id`, `task_run_id` or both, and any of `timestamp` (a
                `datetime`, naive meaning UTC, or ISO 8601), `name`, `level` (``DEBUG`` to ``CRITICAL``), `message` and
                `info` (JSON).

        Raises:
            BadInput: a record makes no sense or names no run, which the message tells by its index; nothing was
                written. Also a ValueError.
            Unsuccessful: the API did not write them, and did not say why. Also a ValueError.
            ClientError: the API refused them.
        """
        key = self._session.new_id()
        self._execute(operations.write_run_logs(logs, key=key))

    def get_flow_run_logs(
        self,
        flow_run_id: Id,
        min_level: str | None = None,
        *,
        after: LogRecord | None = None,
        limit: int | None = None,
    ) -> Records[LogRecord]:
        """Read the log of a flow run and its task runs, however long it is.

        With `after` it goes on from there: ``after=records[-1]`` gives what comes behind, and misses none of several
        records of the same moment. Records stand at the time they were logged, so one that is delivered late, with
        an earlier time, is read by `watch_flow_run` and by whoever reads from the beginning.

        Args:
            flow_run_id: the run.
            min_level: ``DEBUG``, ``INFO``, ``WARNING``, ``ERROR`` or ``CRITICAL``: leaves out what is below.
                Unset means everything, records without a level included.
            after: the record to go on behind, from an earlier call; unset means from the beginning.
            limit: how many records at most, the oldest; at least 1. Unset means all.

        Returns:
            The records, the oldest first; none for a run that does not exist.

        Raises:
            BadInput: the id is no UUID, or the level or the limit makes no sense. Also a ValueError.
        """
        return self._run(get_flow_run_logs(flow_run_id, min_level, after=after, limit=limit))
