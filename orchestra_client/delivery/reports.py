"""States on disk, while they wait to be answered."""

from __future__ import annotations

import json
import logging
import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from orchestra_client.operations.states import Change

if TYPE_CHECKING:
    from pathlib import Path

    from orchestra_client.delivery.spool import Entry, Spool, Stream
    from orchestra_client.operations.states import Run

__all__ = ["KeptReports", "Report"]

_log = logging.getLogger("orchestra_client.delivery")


@dataclass(frozen=True, slots=True)
class Report:
    """A state that is reported, or is going to be.

    Attributes:
        run: the kind of run.
        change: the state, the run, the version that it must have, and the transition's id.
        path: of its file; None when it is in memory alone.
    """

    run: Run
    change: Change
    path: Path | None

    def remove(self) -> None:
        """Remove its file: it was answered."""
        if self.path is not None:
            with suppress(OSError):
                self.path.unlink()


class KeptReports:
    """The files of reports: those of this process, and those that ended processes left behind.

    Safe to share between threads. In a forked child, `abandon` leaves them to the parent.

    Args:
        spool: where the files are.
    """

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._begin_anew()

    def _begin_anew(self) -> None:
        self._lock = threading.Lock()
        self._own: Stream | None = None
        self._inherited: list[Stream] = []

    def keep(self, run: Run, change: Change) -> Report:
        """Write a state to disk; where that fails, it is in memory alone, which the log says."""
        content = json.dumps(
            {
                "run": run,
                "run_id": change.run_id,
                "version": change.version,
                "state": change.state.serialize(),
            }
        )
        try:
            with self._lock:
                self._own = self._own or self._spool.open_stream()
                path = self._own.write(change.transition_id, f"{content}\n".encode("ascii")).path
        except OSError as error:
            _log.warning("A state of run %s is in memory alone: %s.", change.run_id, error)
            return Report(run, change, None)
        return Report(run, change, path)

    def adopt(self) -> list[Report]:
        """Take over what ended processes left behind, in the order in which it was reported."""
        return [report for stream in self._spool.adopt() for report in self._inherit(stream)]

    def _inherit(self, stream: Stream) -> list[Report]:
        reports = [report for report in map(_read, stream.entries()) if report is not None]
        if reports:
            self._inherited.append(stream)
        else:
            stream.close()
        return reports

    def release_inherited(self) -> None:
        """Let go of what was taken over: all of it is answered."""
        for stream in self._inherited:
            stream.close()
        self._inherited = []

    def close(self) -> None:
        """Let go of everything; what was not answered is for the next process to adopt."""
        with self._lock:
            self.release_inherited()
            if self._own is not None:
                self._own.close()
            self._own = None

    def abandon(self) -> None:
        """Leave everything to the process that this one was forked from."""
        for stream in (*self._inherited, *((self._own,) if self._own else ())):
            stream.abandon()
        self._begin_anew()


def _read(entry: Entry) -> Report | None:
    from orchestra_client.states import State  # noqa: PLC0415 - slow to import, and seldom needed here

    try:
        document: dict[str, Any] = json.loads(entry.path.read_bytes())
        state = State.deserialize(document["state"])
        change = Change(document["run_id"], document["version"], state, entry.key)
        return Report(document["run"], change, entry.path)
    except (OSError, ValueError, KeyError, TypeError) as error:
        _log.warning("A state is lost: %s cannot be read (%r).", entry.path, error)
        entry.remove()
        return None
