"""A terminal that a page's commands are typed into, one after another, as its reader would."""

from __future__ import annotations

import doctest
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from contextlib import suppress
from dataclasses import dataclass
from threading import Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07]*\x07|\r")
_DONE = re.compile(r"^\x01done (\d+)\n", re.MULTILINE)
_COLUMNS = 110
_SIZE = struct.pack("HHHH", 50, _COLUMNS, 0, 0)
_LIMIT = 90.0
"""Seconds that a command may take."""
_FAREWELL = 10.0
"""Seconds that what still runs gets to end."""


@dataclass(frozen=True)
class Step:
    """A command of a block, and what the page says that it prints; None: the page does not say."""

    command: str
    expected: str | None


def steps(text: str) -> Iterator[Step]:
    """The commands of a block; ``$`` begins one, a backslash at the end of a line or ``>`` continues it."""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        lines = part.splitlines(keepends=True)
        command = lines.pop(0)
        while command.endswith("\\\n") or (lines and lines[0].startswith("> ")):
            command += lines.pop(0).removeprefix("> ")
        printed = "".join(lines)
        yield Step(command.rstrip("\n"), printed if printed.strip() else None)


def matches(expected: str, printed: str) -> bool:
    """Whether a command printed what the page says; ``…`` stands for anything, spaces count as one."""
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    return doctest.OutputChecker().check_output(expected.replace("…", "..."), printed, flags)


class Shell:
    """bash at a pseudo-terminal of its own.

    Args:
        environ: its environment.
        directory: where it starts.
    """

    def __init__(self, environ: Mapping[str, str], directory: Path) -> None:
        self._terminal, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, _SIZE)
        settings = termios.tcgetattr(theirs)
        settings[3] &= ~termios.ECHO
        termios.tcsetattr(theirs, termios.TCSANOW, settings)
        self._bash = subprocess.Popen(
            ["bash", "--norc", "--noprofile", "--noediting"],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            # A terminal that cannot move its cursor: what is printed stays.
            env={**environ, "TERM": "dumb", "COLUMNS": str(_COLUMNS), "PS1": "", "PS2": "", "NO_COLOR": "1"},
            cwd=directory,
            start_new_session=True,
        )
        os.close(theirs)
        self._reader: Thread | None = None

    def run(self, command: str) -> tuple[int, str]:
        """Type a command; its exit status and what it printed."""
        self._type(command)
        printed = self._read_until(_DONE)
        done = _DONE.search(printed)
        assert done is not None, f"{command!r} goes on and on: {printed}"
        return int(done[1]), printed[: done.start()].removesuffix("\n")

    def begin(self, command: str, expected: str) -> None:
        """Type a command that goes on, and wait until it has printed what the page says."""
        self._type(command)
        last = expected.rstrip("\n").splitlines()[-1]
        parts = [re.escape(part) for part in re.split(r"…|\.\.\.", last)]
        ready = ".*".join(parts)
        printed = self._read_until(re.compile(f"{ready}|{_DONE.pattern}", re.MULTILINE))
        assert matches(f"…{expected.rstrip()}…", printed), f"{command}\n{printed}"
        # Somebody has to read what is still printed, or its writer waits.
        self._reader = Thread(target=self._read_on, daemon=True)
        self._reader.start()

    def close(self) -> None:
        """End what runs in the terminal by Ctrl-C, and close it; what does not end then loses its terminal."""
        with suppress(OSError):
            os.write(self._terminal, b"\x03\nexit\n")
        if self._reader is None:
            self._reader = Thread(target=self._read_on, daemon=True)
            self._reader.start()
        try:
            self._bash.wait(_FAREWELL)
        except subprocess.TimeoutExpired:
            self._bash.kill()
            self._bash.wait()
        self._reader.join(_FAREWELL)
        os.close(self._terminal)

    def _read_on(self) -> None:
        with suppress(OSError):  # how Linux says that the other side is closed
            while os.read(self._terminal, 65536):
                pass

    def _type(self, command: str) -> None:
        os.write(self._terminal, f"{command}\nprintf '\\n\\001done %s\\n' $?\n".encode())

    def _read_until(self, pattern: re.Pattern[str]) -> str:
        printed, end = "", time.monotonic() + _LIMIT
        while not pattern.search(printed) and time.monotonic() < end:
            if select.select([self._terminal], [], [], 0.2)[0]:
                try:
                    printed += os.read(self._terminal, 65536).decode("utf-8", "replace")
                except OSError:
                    break
                printed = _ESCAPES.sub("", printed)
        return printed
