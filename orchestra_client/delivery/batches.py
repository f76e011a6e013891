"""Records that are delivered together: how many, in how many bytes, how soon; in memory, on disk, or both."""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from orchestra_client.delivery.journal import read_lines
from orchestra_client.delivery.records import read_record
from orchestra_client.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

    from orchestra_client.delivery.journal import Journal

__all__ = ["Batch", "Limits", "read_sound_lines"]

_log = logging.getLogger("orchestra_client.delivery")

KIB, MIB = 2**10, 2**20

# What is added to a message to make a record: ids, names, quotes.
_OVERHEAD = 4 * KIB


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is delivered at once, and how much waits.

    Attributes:
        max_records: records of one request.
        max_bytes: bytes of one request's records as JSON; our server takes 32 MiB.
        max_age: seconds that a record waits for others to share its request.
        max_message: bytes of one message as JSON; what is beyond is cut off, and a mark says how much.
        max_memory: bytes of records, as JSON, that wait in memory.
        max_spool: bytes that wait on disk, those of other processes included.

    Raises:
        ConfigurationError: a limit makes no sense, or not beside another.
    """

    max_records: int = 4000
    max_bytes: int = MIB
    max_age: float = 1.0
    max_message: int = 256 * KIB
    max_memory: int = 16 * MIB
    max_spool: int = 256 * MIB

    def __post_init__(self) -> None:
        if self.max_records < 1 or self.max_age < 0:
            raise ConfigurationError(
                f"A batch has at least 1 record and waits at least 0 s, not {self.max_records} and {self.max_age}."
            )
        if not 100 <= self.max_message <= self.max_bytes - _OVERHEAD:
            raise ConfigurationError(
                f"A message has at least 100 bytes and fits into a batch with {_OVERHEAD} to spare: "
                f"max_message={self.max_message} does not go with max_bytes={self.max_bytes}."
            )
        if self.max_memory < self.max_bytes:
            raise ConfigurationError(
                f"A batch is made in memory: max_memory={self.max_memory} is below max_bytes={self.max_bytes}."
            )


@dataclass(slots=True, eq=False)
class Batch:
    """Records under one key. They never change once it is sealed. Not safe to share between threads before.

    Attributes:
        key: a UUID, sent with every attempt.
        opened: when it was begun, by the monotonic clock.
        journal: the file that it is written to as it grows; None without one, and once it is sealed.
        path: of the file; None when it is in memory alone.
        lines: the records as JSON; None when they are on disk alone.
        size: bytes as JSON.
        count: of the records.
    """

    key: str
    opened: float
    journal: Journal | None = None
    path: Path | None = None
    lines: list[bytes] | None = field(default_factory=list)
    size: int = 0
    count: int = 0

    def add(self, line: bytes) -> None:
        """Append a record. On disk, too, as long as that works."""
        assert self.lines is not None
        self.lines.append(line)
        self.size += len(line)
        self.count += 1
        if self.journal is not None:
            self.journal.append(line)

    def seal(self) -> None:
        """Add nothing from now on."""
        if self.journal is not None:
            self.journal.seal()
            self.journal = None

    def read(self) -> list[bytes]:
        """The records as JSON; those of a file that was damaged meanwhile are left out."""
        if self.lines is not None:
            return self.lines
        assert self.path is not None
        return read_sound_lines(self.path)

    def discard(self) -> None:
        """Remove its file."""
        if self.path is not None:
            with suppress(OSError):
                self.path.unlink()


def read_sound_lines(path: Path) -> list[bytes]:
    """The records of a file as JSON, without lines that are none."""
    try:
        return [line for line in read_lines(path) if _is_sound(line, path)]
    except OSError as error:
        _log.warning("Log records are lost: %s cannot be read (%s).", path, error.strerror)
        return []


def _is_sound(line: bytes, path: Path) -> bool:
    try:
        read_record(line)
    except ValueError:
        _log.warning("A log record is lost: a line of %s is damaged.", path)
        return False
    return True
