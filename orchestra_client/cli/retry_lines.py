"""How people are told that a request is sent again: by what is wrong with the server, and how long there is hope."""

from __future__ import annotations

import logging
import re

__all__ = ["tell_of_retries_in_words"]

_NUMBER = re.compile(r"\[Errno -?[0-9]+\] ")


class _InWords(logging.Filter):
    """Rewords the client's warnings of retries, which name its operations."""

    def filter(self, record: logging.LogRecord) -> bool:
        seconds_left = getattr(record, "seconds_left", None)
        if seconds_left is not None:
            # What to do comes with the error, once there is no hope left.
            problem, _, _ = _NUMBER.sub("", str(getattr(record, "problem", ""))).partition(". ")
            record.msg = "%s; trying for another %.0f s."
            record.args = (problem.rstrip("."), max(seconds_left, 0.0))
        return True


_IN_WORDS = _InWords()


def tell_of_retries_in_words() -> None:
    """From now on, in this process."""
    # The logger keeps one of each filter.
    logging.getLogger("orchestra_client").addFilter(_IN_WORDS)
