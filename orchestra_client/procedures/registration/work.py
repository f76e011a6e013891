"""Turning the changes of a plan into what is sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from orchestra_client.errors import FlowError, OrchestraError
from orchestra_client.operations.registration import Registration
from orchestra_client.procedures.registration.documents import serialized, with_labels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestra_client.procedures.registration.candidates import Candidate
    from orchestra_client.results.registration import FlowChange

__all__ = ["Work"]


class Work:
    """How the flows of one registration are built.

    Args:
        candidates: the flows, by name.
        labels: that the runs need besides the flows' own.
        set_schedule_active: whether the schedules shall make runs.
        build: whether flows are built into their storages.
    """

    def __init__(
        self,
        candidates: Mapping[str, Candidate],
        *,
        labels: Sequence[str],
        set_schedule_active: bool,
        build: bool,
    ) -> None:
        self._candidates = candidates
        self._labels = labels
        self._set_schedule_active = set_schedule_active
        self._build = build

    def registration(self, change: FlowChange) -> Registration:
        """Build a flow, and make what is sent of it.

        Raises:
            OrchestraError: it cannot be built.
        """
        candidate = self._candidates[change.name]
        return Registration(
            self._document(candidate), change.hash or candidate.hash, self._set_schedule_active
        )

    def _document(self, candidate: Candidate) -> Mapping[str, Any]:
        if not self._build or isinstance(candidate.flow, Mapping):
            return candidate.document
        try:
            return with_labels(serialized(candidate.flow, build=True), self._labels)
        except OrchestraError:
            raise
        except Exception as error:
            # A foreign storage builds images and uploads files: it may raise anything.
            raise FlowError(f"building the flow failed: {type(error).__name__}: {error}") from error
