"""The questions every state answers about its kind.

Each is true for a class and all classes below it, users' own subclasses included. A state of a type that this
version does not know answers no to all of them.
"""

from __future__ import annotations

from typing import ClassVar

__all__ = ["StateChecks"]


class StateChecks:
    """`is_…()` for each kind of state, answered from the names of a class and those above it.

    Safe to use from any thread and after a fork: nothing here changes.
    """

    __slots__ = ()

    _lineage: ClassVar[frozenset[str]]

    def is_pending(self) -> bool:
        """Whether the run has not begun yet: `Pending` and all scheduled states."""
        return "Pending" in self._lineage

    def is_scheduled(self) -> bool:
        """Whether the state waits for a time: `Scheduled` and those below it, and `Queued`."""
        return "Scheduled" in self._lineage or "Queued" in self._lineage

    def is_paused(self) -> bool:
        """Whether the run waits to be resumed."""
        return "Paused" in self._lineage

    def is_retrying(self) -> bool:
        """Whether the run failed and waits for its next try."""
        return "Retrying" in self._lineage

    def is_running(self) -> bool:
        """Whether the run is under way: `Running` and `Cancelling`."""
        return "Running" in self._lineage

    def is_cancelling(self) -> bool:
        """Whether the run is under way and asked to stop."""
        return "Cancelling" in self._lineage

    def is_finished(self) -> bool:
        """Whether the run came to an end, of whatever kind."""
        return "Finished" in self._lineage

    def is_looped(self) -> bool:
        """Whether one round of a looping task ended and the next one follows."""
        return "Looped" in self._lineage

    def is_cancelled(self) -> bool:
        """Whether the run was ended by a person; that is no failure."""
        return "Cancelled" in self._lineage

    def is_successful(self) -> bool:
        """Whether the run ended well: `Success`, `Cached`, `Mapped` and `Skipped`."""
        return "Success" in self._lineage

    def is_cached(self) -> bool:
        """Whether the result may be used again by a later run."""
        return "Cached" in self._lineage

    def is_mapped(self) -> bool:
        """Whether the run became one run for each item; how those ended is told by theirs."""
        return "Mapped" in self._lineage

    def is_skipped(self) -> bool:
        """Whether the run was passed over, which counts as a success."""
        return "Skipped" in self._lineage

    def is_failed(self) -> bool:
        """Whether the run ended badly: `Failed`, `TimedOut`, `TriggerFailed` and `ValidationFailed`."""
        return "Failed" in self._lineage

    def is_timed_out(self) -> bool:
        """Whether the run took longer than it was allowed to."""
        return "TimedOut" in self._lineage

    def is_trigger_failed(self) -> bool:
        """Whether the run never began because of how the runs before it ended."""
        return "TriggerFailed" in self._lineage

    def is_validation_failed(self) -> bool:
        """Whether the run returned something that its checks refused."""
        return "ValidationFailed" in self._lineage

    def is_meta_state(self) -> bool:
        """Whether the state stands around another state, its `state`."""
        return "_MetaState" in self._lineage

    def is_submitted(self) -> bool:
        """Whether an agent or executor has taken the run."""
        return "Submitted" in self._lineage

    def is_queued(self) -> bool:
        """Whether the run waits for a free slot."""
        return "Queued" in self._lineage

    def is_client_failed(self) -> bool:
        """Whether the state inside could not be reported."""
        return "ClientFailed" in self._lineage
