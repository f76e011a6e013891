"""A run in a process of its own, with everything that the process starts."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from typing import TYPE_CHECKING

from orchestra_client.agent.deployment import Deployment, Ending

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from orchestra_client.agent.output import Output

__all__ = ["DISOWNED", "LocalProcess", "reap_orphans"]

DISOWNED = 3
"""The exit status of a process that found its run to be someone else's; see `orchestra_client.engine.run`."""

_HINTS = {
    signal.SIGKILL: " (kill -9, or the system ran out of memory)",
    signal.SIGSEGV: " (a crash in compiled code)",
}


class LocalProcess(Deployment):
    """A process with a session and a process group of its own, which are ended as a whole.

    A signal to the agent, such as Ctrl-C, does not reach it, and it outlives an agent that is killed. When it was told
    to end, or was ended by a signal, what it has left in its group is ended with it.

    Args:
        command: the program and its arguments; everybody on this machine can read them.
        environment: all of its environment variables.
        working_dir: where it starts.
        output: what it writes to, closed when it has ended.

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
    ) -> None:
        self._output = output
        self._was_told = False
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
        killer = _ended_by(self._process)
        if killer is None:
            return None
        if killer or self._was_told:
            # Before it is reaped: until then, nobody else can have its number, nor its group's.
            self._signal(signal.SIGKILL)
        status = self._process.wait()
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

    def _ended_by(process: subprocess.Popen[bytes]) -> bool | None:
        """Whether a signal ended a process, without reaping it; None while it goes on."""
        seen = os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        return None if seen is None else seen.si_code != os.CLD_EXITED

else:  # pragma: no cover - macOS before Python 3.13

    def _ended_by(process: subprocess.Popen[bytes]) -> bool | None:
        """Whether a signal ended a process; None while it goes on."""
        status = process.poll()
        return None if status is None else status < 0


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
