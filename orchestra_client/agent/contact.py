"""Whether the server answers, and when to ask it again when it does not."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, TypeVar

from orchestra_client.delivery.failures import is_refusal, is_suspect, requested_wait
from orchestra_client.errors import AuthenticationError, OrchestraError

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestra_client.clock import Clock
    from orchestra_client.delivery.backoff import Backoff

__all__ = ["Contact", "given_up", "refused"]

T = TypeVar("T")

_log = logging.getLogger("orchestra_client.agent")

_REMINDER = 60.0
"""Seconds between two lines of the log about a server that is still away."""


class Contact:
    """Keeps track of whether the server answers. Belongs to one thread; others may read `away_for`.

    Args:
        backoff: the pauses while it does not.
        clock: tells the time.
        renew: looks for another token when the server refuses this one; returns whether it found one.

    Attributes:
        was_refused: whether the server refused what it was asked last, for what was asked.
        refusal: the error by which the server refused the agent's token last; None while it takes it.
    """

    def __init__(self, backoff: Backoff, clock: Clock, renew: Callable[[], bool] = lambda: False) -> None:
        self._backoff = backoff
        self._clock = clock
        self._renew = renew
        self._not_before = 0.0
        self._away_since: float | None = None
        self._refused_since: float | None = None
        self._told_at = 0.0
        self.was_refused = False
        self.refusal: AuthenticationError | None = None

    @property
    def pause(self) -> float:
        """Seconds until the server should be asked again; 0 when it may be asked now."""
        return max(self._not_before - self._clock.monotonic(), 0.0)

    @property
    def away_for(self) -> float | None:
        """Seconds since the server answered last; None when it answered the last time it was asked."""
        since = self._away_since
        return None if since is None else self._clock.monotonic() - since

    @property
    def refused_for(self) -> float | None:
        """Seconds since the server first refused the agent's token; None while it takes it."""
        since = self._refused_since
        return None if since is None else self._clock.monotonic() - since

    def ask(self, what: str, call: Callable[[], T]) -> T | None:
        """Ask the server something; an error is told in the log, and kept to decide what comes next.

        Args:
            what: is asked, as the beginning of a sentence.
            call: asks it; never returns None.

        Returns:
            What `call` returned; None when the server did not answer, or refused: then `was_refused` is true.
        """
        self.was_refused = False
        try:
            answer = self._asked(call)
        except AuthenticationError as error:
            self._locked_out(error)
            return None
        except OrchestraError as error:
            self.was_refused = is_refusal(error) or is_suspect(error, self._backoff.failures + 1)
            if not self.was_refused:
                self._failed(what, error)
                return None
            _log.warning("%s was refused: %s", what, error)
            answer = None
        except Exception as error:  # noqa: BLE001 - whatever it is, the runs under way still need their agent
            _log.exception("%s failed unexpectedly.", what)
            self._failed(what, error)
            return None
        self._answered()
        return answer

    def _asked(self, call: Callable[[], T]) -> T:
        try:
            return call()
        except AuthenticationError:
            if not self._renew():
                raise
        return call()

    def _answered(self) -> None:
        if self._away_since is not None:
            _log.warning("The server answers again, after %.0f s.", self.away_for)
        if self._refused_since is not None:
            _log.warning("The server takes this agent's token again, after %.0f s.", self.refused_for)
        self._away_since, self._refused_since, self.refusal, self._not_before = None, None, None, 0.0
        self._backoff.succeed()

    def _locked_out(self, error: AuthenticationError) -> None:
        now = self._clock.monotonic()
        self._not_before = now + self._backoff.fail()
        # It answers, so it is not away.
        self._away_since, self.refusal = None, error
        if self._refused_since is None:
            self._refused_since = now
        elif now - self._told_at < _REMINDER:
            return
        self._told_at = now
        _log.error("%s", refused(error))

    def _failed(self, what: str, error: Exception) -> None:
        now = self._clock.monotonic()
        # Whoever is away refuses nothing: what answered before may have been something in between.
        self._refused_since = self.refusal = None
        pause = self._backoff.fail(requested_wait(error) if isinstance(error, OrchestraError) else 0.0)
        self._not_before = now + pause
        if self._away_since is None:
            self._away_since = now
            _log.warning("%s failed (%s). The runs go on; the server is asked again and again.", what, error)
        elif now - self._told_at < _REMINDER:
            return
        else:
            _log.warning("No answer for %.0f s: %s", now - self._away_since, error)
        self._told_at = now


def refused(error: AuthenticationError) -> str:
    """That the server refuses the agent's token: which, from where, why, and what to do about it."""
    return (
        f"{_refusal(error)} The runs go on. Make another with `orchestra token create NAME`; then log in with it by "
        "`orchestra auth login` where the agent uses the saved login, which it reads again, or start the agent anew with "
        "it in ORCHESTRA_API_TOKEN."
    )


def given_up(error: AuthenticationError) -> AuthenticationError:
    """The error by which an agent ends that was refused for too long."""
    return AuthenticationError(
        f"{_refusal(error)} No run is under way, and nobody has mended it for a while, so the agent ends.",
        source=error.source,
        operation=error.operation,
    )


def _refusal(error: AuthenticationError) -> str:
    return f"The server refuses this agent's {error.source or 'token'}: {error.reason.rstrip('.')}."
