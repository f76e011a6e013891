"""A server and an agent as processes of their own, with nothing but a folder to leave things in."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["Machine"]

_PATIENCE = 30
"""Seconds for a process to end after it was told to."""


def _new_token() -> str:
    return f"orc_{secrets.token_urlsafe(32)}"


@dataclass(frozen=True)
class Machine:
    """Where the processes of the demo run; nothing that is configured elsewhere on this machine counts there.

    Attributes:
        folder: their home and working directory; whoever made it removes it.
        api_token: the token of the server's first user.
    """

    folder: Path
    api_token: str = field(default_factory=_new_token, repr=False)

    @contextmanager
    def running_server(self) -> Iterator[str]:
        """Start a server with a database of its own, and end it afterwards.

        Returns:
            A context manager that gives the server's URL.
        """
        with self._running(
            "server", "start", "--port", "0", ORCHESTRA_BOOTSTRAP_TOKEN=self.api_token
        ) as process:
            assert process.stdout is not None
            ready = next((line for line in process.stdout if line.startswith("Listening on ")), None)
            if ready is None:
                raise SystemExit(
                    f"The server did not start.\n{self._log('server').read_text('utf-8')}".rstrip()
                )
            yield ready.removeprefix("Listening on ").strip()

    @contextmanager
    def running_agent(self, url: str) -> Iterator[subprocess.Popen[str]]:
        """Start an agent that takes runs from a server; told to end, it sees them through first.

        Args:
            url: the server's.

        Returns:
            A context manager that gives the process, which has ended afterwards.
        """
        command = ("agent", "start", "--name", "demo", "--drain-timeout", "10", "--api-server", url)
        with self._running(*command, ORCHESTRA_API_TOKEN=self.api_token) as process:
            try:
                yield process
            except BaseException:
                # With the signal that ends it, this is the second one: it does not wait for its runs any more.
                process.send_signal(signal.SIGINT)
                raise

    @contextmanager
    def _running(self, *words: str, **variables: str) -> Iterator[subprocess.Popen[str]]:
        """An `orchestra` command that is ended afterwards."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("ORCHESTRA_")}
        with self._log(words[0]).open("w") as log:
            process = subprocess.Popen(  # noqa: S603 (our own command)
                [sys.executable, "-m", "orchestra_client", *words],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env={**kept, "ORCHESTRA_HOME": str(self.folder), **variables},
                cwd=self.folder,
            )
            try:
                yield process
            finally:
                process.terminate()
                # Read to its end, too: a process that cannot write does not end.
                process.communicate(timeout=_PATIENCE)

    def _log(self, command: str) -> Path:
        return self.folder / f"{command}.log"
