"""Telling where code that someone else wrote went wrong."""

from __future__ import annotations

import traceback

__all__ = ["fault_of"]


def fault_of(error: BaseException) -> str:
    """What went wrong, and in which line of which file: one line for people.

    Args:
        error: as caught.

    Returns:
        The error's type and message, then the place it was raised at, or where the syntax is wrong.
    """
    text = f"{type(error).__name__}: {error.msg if isinstance(error, SyntaxError) else error}"
    if isinstance(error, SyntaxError) and error.filename:
        return f"{text} (file {error.filename}, line {error.lineno})"
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith("<frozen ") and frame.filename != __file__
    ]
    return f"{text} (file {frames[-1].filename}, line {frames[-1].lineno})" if frames else text
