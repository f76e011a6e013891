"""A run in a process of its own, with everything that the process starts."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from orchestra_client.agent.deployment import Deployment, Ending
from orchestra_client.clock import SystemClock

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from orchestra_client.agent.output import Output
    from orchestra_client.clock import Clock

__all__ = ["DISOWNED", "LocalProcess", "reap_orphans"]

DISOWNED = 3
"""The exit status of a process that found its run to be someone else's; see `orchestra_client.engine.run`."""

_PATIENCE = 2.0
"""Seconds for what a process has left in its group, from SIGTERM to SIGKILL."""

_HINTS = {
    signal.SIGKILL: " (kill -9, or the system ran out of memory)",
    signal.SIGSEGV: " (a crash in compiled code)",
}


class LocalProcess(Deployment):
    """A process with a session and a process group of its own, which are ended as a whole.

    A signal to the agent, such as Ctrl-C, does not reach it, and it outlives an agent that is killed. What it has left
    in its group lives on if its exit status is 0: a run that came to its own end may mean to leave something running.
    After any other end, that of a cancelled run among them, what is left is ended with it.

    Args:
        command: the program and its arguments; everybody on this machine can read them.
        environment: all of its environment variables.
        working_dir: where it starts.
        output: what it writes to, closed when it has ended.
        clock: tells the time; for tests.

    Raises:
        OSError: it cannot be started.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        working_dir: str | Path,
        output: Output,
        clock: Clock | None = None,
    ) -> None:
        self._output = output
        self._clock = clock or SystemClock()
        self._was_told = False
        self._kills_at: float | None = None
        try:
            self._process = subprocess.Popen(  # noqa: S603 - the command is the agent's own
                command,
                env=dict(environment),
                cwd=working_dir,
                stdin=subprocess.DEVNULL,
                stdout=output.file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except BaseException:
            output.close()
            raise
        self.pid = self._process.pid

    def poll(self) -> Ending | None:
        """Look whether it has ended, and leave no defunct process behind."""
        self._output.collect()
        status = _status_of(self._process)
        if status is None:
            return None
        # What is left is ended before the process is reaped: until then, nobody else can have its group's number.
        if (status != 0 or self._was_told) and not self._is_group_ended(status):
            return None
        self._process.wait()
        return Ending(_reason(status), status == 0, self._output.close(), is_disowned=status == DISOWNED)

    def terminate(self) -> None:
        """Send SIGTERM to the whole group."""
        self._was_told = True
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """Send SIGKILL to the whole group."""
        self._signal(signal.SIGKILL)

    def describe(self) -> str:
        """Its number."""
        return f"process {self.pid}"

    def _is_group_ended(self, status: int) -> bool:
        """End what is left of the group: politely, unless its process was killed without the agent's asking."""
        if (self._was_told or status > 0) and _has_others(self.pid):
            now = self._clock.monotonic()
            if self._kills_at is None:
                self._kills_at = now + _PATIENCE
                if not self._was_told:
                    self._signal(signal.SIGTERM)
            if now < self._kills_at:
                return False
        self._signal(signal.SIGKILL)
        return True

    def _signal(self, number: signal.Signals) -> None:
        # A group of which only the defunct leader is left is no longer there, or not ours to signal, on some systems.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)


def _reason(status: int) -> str:
    if status >= 0:
        return f"ended with exit status {status}"
    try:
        number = signal.Signals(-status)
    except ValueError:
        return f"was ended by signal {-status}"
    return f"was ended by {number.name}{_HINTS.get(number, '')}"


if hasattr(os, "waitid"):

    def _status_of(process: subprocess.Popen[bytes]) -> int | None:
        """The exit status of a process, or less than 0 for a signal, without reaping it; None while it goes on."""
        seen = os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if seen is None:
            return None
        return seen.si_status if seen.si_code == os.CLD_EXITED else -seen.si_status

else:  # pragma: no cover - macOS before Python 3.13

    def _status_of(process: subprocess.Popen[bytes]) -> int | None:
        """The exit status of a process, or less than 0 for a signal; None while it goes on."""
        return process.poll()


def _has_others(group: int) -> bool:
    """Whether a process group has members besides its leader; False where the system does not tell."""
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, ValueError, IndexError):
            # The name, in parentheses, may hold anything; after it come the state, the parent and the group.
            state, _, found = (folder / "stat").read_text(errors="replace").rpartition(")")[2].split()[:3]
            if int(found) == group and state not in "ZX" and folder.name != str(group):
                return True
    return False


def reap_orphans(own: frozenset[int]) -> None:
    """Reap processes that others left to this one, as the first process of a container has to.

    Args:
        own: children that are being waited for; they are left alone.
    """
    while True:
        try:
            seen = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return
        if seen is None or seen.si_pid in own:
            # One of ours hides those behind it until it is reaped, within moments.
            return
        with suppress(ChildProcessError):
            os.waitpid(seen.si_pid, 0)
