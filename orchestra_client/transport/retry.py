"""When to send a request again, and how long to wait before: a pure decision.

There is no clock, no sleep and no source of chance in here. The driver that sends requests measures the time since the
first attempt, asks :meth:`RetryPolicy.next_delay`, and sleeps or gives up::

    failure = failure_of(response, now) or failure_of_error(error)
    delay = policy.next_delay(failure, attempt=attempt, elapsed=elapsed, random=random.random, …)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING

from orchestra_client.errors import (
    ConfigurationError,
    TransportConnectionError,
    TransportError,
    TransportTimeout,
)

from .answers import applied_nothing, error_codes, requested_wait

if TYPE_CHECKING:
    from collections.abc import Callable

    from .base import Response

__all__ = ["Failure", "RetryPolicy", "failure_of_error", "failure_of_response", "parse_retry_after"]

# Answers of the API itself: a failure that passes, and a refusal to begin.
_TRANSIENT_CODES = frozenset({"API_ERROR", "RATE_LIMITED"})
_UNAPPLIED_CODE = "RATE_LIMITED"

# HTTP: Too Early (RFC 8470) and Too Many Requests (RFC 6585) refuse a request before it is worked on.
_UNAPPLIED_STATUSES = frozenset({425, 429})
_REQUEST_TIMEOUT = 408
_SERVICE_UNAVAILABLE = 503

# Doubling more often than this adds nothing but an overflow.
_MAX_DOUBLINGS = 32


@dataclass(frozen=True, slots=True)
class Failure:
    """Why one attempt brought nothing, as far as repeating it is concerned.

    Attributes:
        reason: in a few words, for logs (``"HTTP 502"``, ``"connection"``).
        was_not_applied: the server certainly did nothing, so that even a request that is not idempotent may be
            sent again.
        retry_after: seconds that the server asked to wait, or None.
    """

    reason: str
    was_not_applied: bool = False
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How patient a client is.

    Waits grow by doubling from `base` to `maximum`, each shortened at random by up to half, so that many clients that
    failed together do not return together. The server's `Retry-After` makes a wait longer, never shorter.

    Attributes:
        budget: seconds from the first attempt after which no other one begins; 0 switches retrying off.
        base: seconds of the first wait, before chance shortens it.
        maximum: seconds of the longest wait that is not the server's own wish.
        max_attempts: how often a request is sent at most, whatever the clock says.

    Raises:
        ConfigurationError: a figure that makes no sense, e.g. a negative budget.
    """

    budget: float = 60.0
    base: float = 0.5
    maximum: float = 10.0
    max_attempts: int = 20

    def __post_init__(self) -> None:
        if not (0 <= self.budget < math.inf):
            raise ConfigurationError(
                f"The retry budget is a number of seconds from 0 up, not {self.budget!r}."
            )
        if not (0 < self.base <= self.maximum < math.inf):
            raise ConfigurationError(
                f"Retry waits need 0 < base <= maximum, not base={self.base!r} and maximum={self.maximum!r}."
            )
        if self.max_attempts < 1:
            raise ConfigurationError(f"A request is sent at least once: max_attempts={self.max_attempts!r}.")

    def next_delay(
        self,
        failure: Failure | None,
        *,
        attempt: int,
        elapsed: float,
        random: Callable[[], float],
        is_idempotent: bool = True,
    ) -> float | None:
        """Decide whether to send again.

        Args:
            failure: what happened; None for something that repeating would not change.
            attempt: which attempt failed, from 1.
            elapsed: seconds since the first attempt began.
            random: returns a float in [0, 1), e.g. `random.random`.
            is_idempotent: of the request (:attr:`Request.is_idempotent`).

        Returns:
            Seconds to wait before the next attempt, or None to give up. `elapsed` and the wait together never exceed
            the budget: a `Retry-After` beyond it is a reason to give up now rather than to wait in vain.
        """
        if failure is None or attempt >= self.max_attempts:
            return None
        if not (is_idempotent or failure.was_not_applied):
            return None
        delay = max(self._backoff(attempt, random()), failure.retry_after or 0.0)
        return delay if elapsed + delay <= self.budget else None

    def _backoff(self, attempt: int, chance: float) -> float:
        full = min(self.maximum, self.base * 2.0 ** min(attempt - 1, _MAX_DOUBLINGS))
        return full * (1 - chance / 2)


def failure_of_error(error: TransportError) -> Failure | None:
    """What an error of a transport means for repeating; None for one that would only come again.

    Args:
        error: raised by `send`.

    Returns:
        A failure for lost connections and timeouts; None for an answer that was not HTTP.
    """
    if isinstance(error, TransportConnectionError):
        return Failure("connection", was_not_applied=not error.was_sent)
    if isinstance(error, TransportTimeout):
        return Failure("timeout", was_not_applied=not error.was_sent)
    return None


def failure_of_response(response: Response, now: float) -> Failure | None:
    """What an answer means for repeating.

    Args:
        response: of any status.
        now: seconds since the epoch, to read a `Retry-After` that is a date.

    Returns:
        A failure for 408, 425, 429, every 5xx, `API_ERROR` and `RATE_LIMITED`; None for everything else, success and
        errors for good alike.
    """
    status = response.status
    if status >= 500 or status in _UNAPPLIED_STATUSES or status == _REQUEST_TIMEOUT:
        retry_after = _wished_wait(response, now)
        was_not_applied = status in _UNAPPLIED_STATUSES or (
            # A server that says when to come back turned the request away; a crashed one says nothing.
            status == _SERVICE_UNAVAILABLE and retry_after is not None
        )
        return Failure(f"HTTP {status}", was_not_applied, retry_after)
    codes = error_codes(response)
    transient = _TRANSIENT_CODES.intersection(codes)
    if not transient:
        return None
    was_not_applied = set(codes) == {_UNAPPLIED_CODE} and applied_nothing(response)
    return Failure(", ".join(sorted(transient)), was_not_applied, _wished_wait(response, now))


def parse_retry_after(value: str | None, now: float) -> float | None:
    """Read a `Retry-After` header (RFC 9110, section 10.2.3).

    Args:
        value: a number of seconds or an HTTP date; None when the header is missing.
        now: seconds since the epoch, by the clock of whoever wrote a date as far as it is known.

    Returns:
        Seconds to wait, at least 0, or None when the header is missing or makes no sense.
    """
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        seconds = _seconds_until(value, now)
    return max(seconds, 0.0) if math.isfinite(seconds) else None


def _wished_wait(response: Response, now: float) -> float | None:
    header = parse_retry_after(response.headers.get("retry-after"), now)
    return header if header is not None else requested_wait(response)


def _seconds_until(date: str, now: float) -> float:
    # Reading dates needs the email package, which costs more to import than all of this module.
    from email.utils import parsedate_to_datetime  # noqa: PLC0415

    try:
        moment = parsedate_to_datetime(date)
    except ValueError:
        return math.nan
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - now
