"""States on disk, while they wait to be answered."""

from __future__ import annotations

import json
import logging
import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from orchestra_client.delivery.shelf import Shelf
from orchestra_client.delivery.spool import is_outdated
from orchestra_client.operations.states import Change

if TYPE_CHECKING:
    from pathlib import Path

    from orchestra_client.clock import Clock
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
        clock: tells the time.
    """

    def __init__(self, spool: Spool, clock: Clock) -> None:
        self._spool = spool
        self._clock = clock
        self._begin_anew()

    def _begin_anew(self) -> None:
        self._lock = threading.Lock()
        self._own: Stream | None = None
        # By folder, each with the files that are not answered yet.
        self._inherited: dict[Path, tuple[Stream, set[Path]]] = {}
        self._released: set[Path] = set()
        self._shelf = Shelf(self._clock)

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
        return [report for stream in self._spool.adopt(self._is_wanted) for report in self._inherit(stream)]

    def _is_wanted(self, name: str) -> bool:
        with self._lock:
            return self._shelf.is_due(name)

    def _inherit(self, stream: Stream) -> list[Report]:
        reports = [report for report in map(_read, stream.entries()) if report is not None]
        if reports:
            with self._lock:
                self._inherited[stream.path] = (
                    stream,
                    {each.path for each in reports if each.path is not None},
                )
        else:
            stream.close()
        return reports

    def answered(self, report: Report) -> None:
        """Be done with a report; a stream of which it was the last one is let go of."""
        report.remove()
        self._let_go(report)

    def release(self, report: Report) -> bool:
        """Leave a report that was taken over to a process whose credential reaches its run, unless it is too old.

        Returns:
            Whether it is left; one of this process, or one that nobody could deliver for `LIFETIME`, is not.
        """
        if report.path is None or is_outdated(report.path, self._clock.now()):
            return False
        with self._lock:
            if report.path.parent not in self._inherited:
                return False
            self._released.add(report.path.parent)
        self._let_go(report)
        return True

    def _let_go(self, report: Report) -> None:
        if report.path is None:
            return
        with self._lock:
            stream, waiting = self._inherited.get(report.path.parent, (None, set()))
            waiting.discard(report.path)
            if stream is None or waiting:
                return
            del self._inherited[report.path.parent]
            if report.path.parent in self._released:
                self._released.remove(report.path.parent)
                self._shelf.put(report.path.parent.name)
        stream.close()

    def close(self) -> None:
        """Let go of everything; what was not answered is for the next process to adopt."""
        with self._lock:
            for stream, _ in self._inherited.values():
                stream.close()
            self._inherited = {}
            if self._own is not None:
                self._own.close()
            self._own = None

    def abandon(self) -> None:
        """Leave everything to the process that this one was forked from."""
        for stream in (*(each for each, _ in self._inherited.values()), *((self._own,) if self._own else ())):
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
