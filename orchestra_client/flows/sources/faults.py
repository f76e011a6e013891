"""What is wrong with a source that cannot be loaded: for people, and for whatever marks the line."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestra_client.errors import mask_secrets
from orchestra_client.flows.sources.base import Place, shorten
from orchestra_client.flows.sources.surroundings import is_users_own

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Fault", "fault"]

_MAX_FRAMES = 6


@dataclass(frozen=True, slots=True)
class Fault:
    """A source that cannot be loaded, or flows in it that cannot be registered.

    Attributes:
        source: the path or the module.
        message: one line, without a secret of ours.
        place: the line of the user's code where it happened; without a line known, the source itself.
        frames: how it came there, the last call last: the user's own code alone.
        advice: what to do; None where the message says it.
    """

    source: str
    message: str
    place: Place
    frames: tuple[str, ...] = ()
    advice: str | None = None


def fault(source: str, error: BaseException) -> Fault:
    """Describe what a source raised.

    Args:
        source: the path or the module.
        error: as caught, with its traceback.
    """
    frames = list(_users_frames(error))
    if isinstance(error, SyntaxError) and error.filename:
        place = Place(shorten(error.filename), error.lineno or 1)
    else:
        place = Place(shorten(frames[-1].filename), frames[-1].lineno or 1) if frames else Place(source)
    lines = tuple(
        f"{shorten(each.filename)}:{each.lineno} in {each.name}: {each.line}"
        for each in frames[-_MAX_FRAMES:]
    )
    return Fault(
        source, mask_secrets(_message(error)), place, tuple(map(mask_secrets, lines)), _advice(error)
    )


def _users_frames(error: BaseException) -> Iterator[traceback.FrameSummary]:
    for frame in traceback.extract_tb(error.__traceback__):
        if is_users_own(frame.filename):
            yield frame


def _message(error: BaseException) -> str:
    if isinstance(error, SystemExit):
        return f"it ends the process: sys.exit({'' if error.code is None else repr(error.code)})"
    text = str(error.msg if isinstance(error, SyntaxError) else error).strip()
    return f"{type(error).__name__}: {text.splitlines()[0]}" if text else type(error).__name__


def _advice(error: BaseException) -> str | None:
    match error:
        case SystemExit():
            return 'put what is only for running the file behind `if __name__ == "__main__":`'
        case ImportError() if "relative import" in str(error):
            return "a file is run on its own; register a module of a package with -m package.module"
        case ModuleNotFoundError():
            return f"install {error.name}, or leave it to the tasks to import it"
    return None
