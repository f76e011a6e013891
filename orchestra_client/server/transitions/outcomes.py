"""What became of a proposed state: the answer for one item of a batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from orchestra_client.errors import OrchestraError, VersionConflict, error_class

if TYPE_CHECKING:
    from orchestra_client.server.transitions.runs import Run


@dataclass(frozen=True, slots=True)
class Outcome:
    """The answer for one proposed state. Immutable; safe to share.

    Attributes:
        status: ``SUCCESS`` when the run has the state, ``QUEUED`` when a tag limit keeps it out of Running for
            now, ``ERROR`` when it was refused.
        message: why, unless it is a success.
        code: of a refusal, as it stands in ``errors[].extensions.code`` elsewhere.
        version: the run's, after the state when it was accepted; None when there is no such run.
        expected: the version that a refused proposal named.
    """

    status: Literal["SUCCESS", "QUEUED", "ERROR"]
    message: str | None = None
    code: str | None = None
    version: int | None = None
    expected: int | None = None

    def payload(self, run_id: str) -> dict[str, Any]:
        """The `state_payload` of the contract."""
        return {
            "id": run_id,
            "status": self.status,
            "message": self.message,
            "code": self.code,
            "version": self.version,
        }

    def error(self) -> OrchestraError:
        """The refusal as the error that its code stands for."""
        message = self.message or ""
        if self.code == "VERSION_LOCKING_ERROR":
            return VersionConflict(message, expected=self.expected, current=self.version)
        return error_class(self.code)(message)


def accepted(version: int) -> Outcome:
    """The run has the state, at this version."""
    return Outcome("SUCCESS", version=version)


def refused(run: Run, code: str, reason: str) -> Outcome:
    """The state was refused because of what the run is."""
    return Outcome("ERROR", f"{failure(run.noun, run.id)}: {reason}", code, run.version)


def failure(noun: str, run_id: str) -> str:
    """How every refusal begins; agents of 0.12 to 1.4.1 know by "State update failed" to leave a run alone."""
    return f"State update failed for {noun} ID {run_id}"
