"""What has become of the flows of a plan so far."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestra_client.operations.registration import NewVersion
from orchestra_client.results.registration import RegisteredFlow, RegistrationResult

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestra_client.errors import OrchestraError
    from orchestra_client.results.registration import FlowChange, RegistrationPlan

__all__ = ["Report"]


class Report:
    """Collects what becomes of each flow of a plan, and tells it on.

    Belongs to one registration; not safe to share.

    Args:
        plan: what was to be done.
        on_progress: called with what became of a flow, how many are done, and how many there are.
    """

    def __init__(
        self, plan: RegistrationPlan, on_progress: Callable[[RegisteredFlow, int, int], object] | None
    ) -> None:
        self.plan = plan
        self._on_progress = on_progress
        # By the identity of the change: two flows to be archived may have the same name.
        self._settled: dict[int, RegisteredFlow] = {}

    @property
    def has_failures(self) -> bool:
        """Whether something has gone wrong with a flow."""
        return not all(self._settled.values())

    def settle(self, change: FlowChange, answer: NewVersion | OrchestraError | None) -> None:
        """Note what became of a flow.

        Args:
            change: of the plan.
            answer: the version that is current now; None where it is the one of before; or why nothing was done.
        """
        if isinstance(answer, NewVersion):
            flow = RegisteredFlow(change.name, change.kind, answer.id, answer.version)
        else:
            flow = RegisteredFlow(change.name, change.kind, change.flow_id, change.version, answer)
        self._settled[id(change)] = flow
        if self._on_progress is not None:
            self._on_progress(flow, len(self._settled), len(self.plan.changes))

    def settle_the_same(self) -> None:
        """Note those that nothing is to be done about."""
        for change in self.plan.of("unchanged", "refused"):
            self.settle(change, change.error)

    def fail_the_rest(self, error: OrchestraError) -> None:
        """Note an error that none of the others survives."""
        for change in self.plan.changes:
            if id(change) not in self._settled:
                self.settle(change, error)

    def result(self) -> RegistrationResult:
        """What has become of all of them, in the order of the plan."""
        flows = tuple(self._settled[id(change)] for change in self.plan.changes)
        return RegistrationResult(self.plan.project, flows)
