"""What waits on disk to be delivered: a folder with a stream for each process that writes, one file for each delivery.

A stream is a folder. Its files are named by number and key, and delivered in that order; a file that was delivered is
removed. The writer holds the lock of its stream while it lives, so a stream whose lock is free was left behind, and
whoever takes the lock delivers it::

    spool/                                      0700
      20261120T090000123456-4711-a1b2c3/        a stream: when and by which process it was opened
        lock                                    held by its process, or by the one that delivers what that left behind
        00000001-6f2e8b9c-….jsonl               0600
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import shutil
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from orchestra_client.auth.file_lock import try_lock
from orchestra_client.config import home
from orchestra_client.delivery.journal import Journal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from orchestra_client.clock import Clock

__all__ = ["LIFETIME", "Entry", "Spool", "Stream", "is_outdated", "spool_folder"]

LIFETIME = timedelta(days=7)
"""How long something that nobody could deliver is kept."""

_LOCK = "lock"
_NAME = re.compile(r"(\d{8})-([0-9a-f-]{36})\.jsonl")


def spool_folder(kind: str, server: str | None = None) -> Path:
    """Where deliveries wait on disk: below `ORCHESTRA_HOME`, and those for one server apart from another's.

    A server refuses what belongs to another one, and what is refused is lost.

    Args:
        kind: what is delivered, e.g. ``"logs"``.
        server: the URL of the server; unset means what `ORCHESTRA_API_SERVER` says.
    """
    url = server or os.environ.get("ORCHESTRA_API_SERVER")
    return home() / "spool" / (hashlib.sha256(url.encode()).hexdigest()[:16] if url else "configured") / kind


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a stream.

    Attributes:
        path: where it is.
        number: its place in the stream's order.
        key: the UUID under which it is delivered, with every attempt and by whichever process.
    """

    path: Path
    number: int
    key: str

    def remove(self) -> None:
        """Remove the file: it was delivered, or is lost."""
        with suppress(OSError):
            self.path.unlink()


class Stream:
    """The files of one process, in their order, and the lock on them.

    Safe to share between threads, as far as they do not deliver the same files. A forked child that does not write to
    it calls `abandon`.

    Args:
        path: of the stream's folder.
        lock: the descriptor of its lock file, locked.
    """

    def __init__(self, path: Path, lock: int) -> None:
        self.path = path
        self._lock = lock
        self._number = 0

    def __repr__(self) -> str:
        return f"<Stream {self.path.name}>"

    @property
    def name(self) -> str:
        """What the stream is called; no other one is called so."""
        return self.path.name

    def entries(self) -> list[Entry]:
        """What is there to be delivered, in order."""
        matches = (
            (path, _NAME.fullmatch(path.name)) for path in (self.path.iterdir() if self.path.exists() else ())
        )
        found = [Entry(path, int(match[1]), match[2]) for path, match in matches if match]
        return sorted(found, key=lambda entry: entry.number)

    def journal(self, key: str, capacity: int) -> Journal:
        """A new last entry, to append lines to.

        Args:
            key: under which it will be delivered.
            capacity: bytes that it can hold.

        Raises:
            OSError: there is no room for it.
        """
        return Journal(self._next(key), capacity)

    def write(self, key: str, content: bytes) -> Entry:
        """Make a new last entry at once: it is there as a whole or not at all.

        Args:
            key: under which it will be delivered.
            content: lines, each with its newline.

        Raises:
            OSError: there is no room for it.
        """
        path = self._next(key)
        part = path.with_suffix(".part")
        try:
            descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
            part.rename(path)
        except BaseException:
            with suppress(OSError):
                part.unlink()
            raise
        return Entry(path, self._number, key)

    def size(self) -> int:
        """Bytes of all its files."""
        return sum(_size(path) for path in self.path.glob("*.jsonl"))

    def close(self) -> None:
        """Free the lock, so that others may deliver what is left; an empty stream is removed before."""
        if not self.entries():
            shutil.rmtree(self.path, ignore_errors=True)
        self.abandon()

    def abandon(self) -> None:
        """Close this process's hold on the lock, and touch nothing else."""
        with suppress(OSError):
            os.close(self._lock)

    def _next(self, key: str) -> Path:
        self._number += 1
        return self.path / f"{self._number:08d}-{key}.jsonl"


class Spool:
    """A folder of streams, shared by any number of processes of one user.

    Safe to share between threads.

    Args:
        folder: is created with its parents when it is needed, for its owner alone.
        clock: for the names of streams and the age of what was left behind.
    """

    def __init__(self, folder: Path, clock: Clock) -> None:
        self.folder = folder
        self._clock = clock

    def open_stream(self) -> Stream:
        """A new stream, locked by this process.

        Raises:
            OSError: the folder cannot be written to.
        """
        _make_private(self.folder)
        started = self._clock.now().strftime("%Y%m%dT%H%M%S%f")
        path = self.folder / f"{started}-{os.getpid()}-{secrets.token_hex(3)}"
        # Under its name only once it is locked, else others would take it for one that was left behind.
        unborn = path.with_name(f".{path.name}")
        unborn.mkdir(mode=0o700)
        lock = os.open(unborn / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        try_lock(lock)
        unborn.rename(path)
        return Stream(path, lock)

    def adopt(self, is_wanted: Callable[[str], bool] = lambda name: True) -> Iterator[Stream]:
        """Streams that were left behind, the oldest first, each locked by this process until it is closed.

        Args:
            is_wanted: called with a stream's name; those of which it says no are left alone.
        """
        for path in self._folders():
            if is_wanted(path.name) and (stream := _adopted(path)) is not None:
                yield stream

    def size(self) -> int:
        """Bytes of all files of all streams."""
        return sum(_size(file) for path in self._folders() for file in path.glob("*.jsonl"))

    def _folders(self) -> list[Path]:
        with suppress(OSError):
            return sorted(path for path in self.folder.iterdir() if not path.name.startswith("."))
        return []


def is_outdated(path: Path, now: datetime) -> bool:
    """Whether a file of a stream has waited for longer than `LIFETIME`."""
    with suppress(OSError):
        return now - datetime.fromtimestamp(path.stat().st_mtime, UTC) >= LIFETIME
    return True


def _make_private(folder: Path) -> None:
    """Make a folder; its missing parents are as private as it is, which `mkdir` alone does not see to."""
    for path in reversed((folder, *folder.parents)):
        if not path.exists():
            path.mkdir(mode=0o700, exist_ok=True)


def _adopted(path: Path) -> Stream | None:
    try:
        lock = os.open(path / _LOCK, os.O_RDWR)
    except OSError:
        return None
    if not try_lock(lock):
        os.close(lock)
        return None
    return Stream(path, lock)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
