"""Log records as the API wants them: Python's own made into drafts, drafts into numbered, timed lines of JSON."""

from __future__ import annotations

from bisect import bisect_right
from datetime import UTC, datetime
from functools import lru_cache
from json import loads
from json.encoder import encode_basestring_ascii as quote
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from logging import LogRecord

__all__ = ["Draft", "Sequencer", "cut", "level_of", "read_record"]

_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
_STARTS = (20, 30, 40, 50)
_MICROSECOND = 1_000_000
# A record that is older than the one before it by more than this came from a clock that was set back.
_MAX_DISORDER = 5 * _MICROSECOND


class Draft(NamedTuple):
    """A log record before it has its place in the order.

    Attributes:
        flow_run_id: the run that it belongs to, or None.
        task_run_id: the task run, or None.
        created: seconds since the epoch.
        name: the logger's.
        level: one of the API's five.
        message: complete, masked, and not too long.
        level_name: the level as its logger calls it, where that is none of the five; else None.
    """

    flow_run_id: str | None
    task_run_id: str | None
    created: float
    name: str
    level: str
    message: str
    level_name: str | None = None


def level_of(record: LogRecord) -> tuple[str, str | None]:
    """The API's level for a record: of the five, the highest that is not above its own.

    Returns:
        That level, and the record's own name for it where that is another; what is below all five is ``DEBUG``.
    """
    name = record.levelname
    level = _LEVELS[bisect_right(_STARTS, record.levelno)]
    return level, None if name == level else name


def cut(message: str, max_bytes: int, length: int) -> str:
    """A message that is at most so long as JSON, quotes not counted; where it was cut, a mark says so.

    Args:
        message: the text, or the start of it.
        max_bytes: at least 100.
        length: characters of the whole text, for the mark.
    """
    # In JSON, a character takes from one byte to twelve.
    if len(message) * 12 <= max_bytes or (len(message) <= max_bytes and _size(message) <= max_bytes):
        return message
    kept = message[:max_bytes]
    mark = f" … [cut off; it has {length} characters]"
    room = max_bytes - _size(mark)
    while (size := _size(kept)) > room:
        # In proportion, as if the long characters were spread evenly; they are not, so perhaps again.
        kept = kept[: min(len(kept) * room // size, len(kept) - 1)]
    return kept + mark


def _size(text: str) -> int:
    return len(quote(text)) - 2


class Sequencer:
    """Gives each record its number and its time.

    Numbers rise by one, and so that readers, who sort by time, find the order in which things were logged, no record
    has the time of the one before. Not safe to share between threads.

    Args:
        stream: what the process is called in the records.
    """

    def __init__(self, stream: str) -> None:
        self.stream = stream
        self._tail = f'"stream":{quote(stream)}'
        self._number = 0
        self._last = 0

    def line(self, draft: Draft) -> bytes:
        """The next record as the API wants it: one line of JSON in ASCII, with its newline."""
        self._number += 1
        timestamp = self._timestamp(draft.created)
        flow_run_id, task_run_id, _, name, level, message, level_name = draft
        named = "" if level_name is None else f',"level":{quote(level_name)}'
        line = (
            f'{{"flow_run_id":{_quoted(flow_run_id)},"task_run_id":{_quoted(task_run_id)},'
            f'"timestamp":"{timestamp}","name":{_quoted(name)},"level":"{level}","message":{quote(message)},'
            f'"info":{{"sequence":{self._number},{self._tail}{named}}}}}\n'
        )
        return line.encode("ascii")

    def skip(self) -> None:
        """Pass over a number: its record is lost, and readers can see where."""
        self._number += 1

    def _timestamp(self, created: float) -> str:
        now = int(created * _MICROSECOND)
        if now <= self._last < now + _MAX_DISORDER:
            now = self._last + 1
        self._last = now
        seconds, fraction = divmod(now, _MICROSECOND)
        return f"{_second(seconds)}.{fraction:06d}+00:00"


def read_record(line: bytes) -> dict[str, Any]:
    """A record of its line.

    Raises:
        ValueError: it is none.
    """
    record = loads(line)
    if not isinstance(record, dict):
        raise ValueError("a log record is a JSON object")
    return record


@lru_cache(maxsize=16)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


@lru_cache(maxsize=1024)
def _quoted(text: str | None) -> str:
    return "null" if text is None else quote(text)
