"""Registering many flows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestra_client._async.base import AsyncPart
from orchestra_client.procedures.registration import plan_registration, register_flows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any

    from orchestra_client.procedures.registration import SerializableFlow
    from orchestra_client.results import RegisteredFlow, RegistrationPlan, RegistrationResult

__all__ = ["AsyncRegistration"]


class AsyncRegistration(AsyncPart):
    """The client's methods for registering many flows."""

    async def plan_registration(
        self,
        flows: Iterable[SerializableFlow | Mapping[str, Any]],
        project_name: str,
        *,
        prune: bool = False,
        labels: Iterable[str] | None = None,
        force: bool = False,
    ) -> RegistrationPlan:
        """Tell what `register_flows` would change, and change nothing.

        One request decides for up to a thousand flows whether they have changed; what changed is read from the
        registered versions, up to 200 of them a request. Nothing is built.

        Args:
            flows: each a `Flow`, anything else with `serialize(build=…)`, or a serialized flow as a dict.
            project_name: a project that exists.
            prune: whether to archive the flows of the project that are not among `flows`.
            labels: that the runs of all these flows need besides those that a flow has itself.
            force: whether flows that have not changed count as changed.

        Returns:
            A change for each flow in their order, then those to be archived by name. A flow that cannot be registered
            as it is has the kind ``refused`` and its error. True when anything would change.

        Raises:
            BadInput: there is no such project, or two flows have the same name.
        """
        planned = plan_registration(flows, project_name, prune=prune, labels=labels, force=force)
        return await self._run(planned)

    async def register_flows(
        self,
        flows: Iterable[SerializableFlow | Mapping[str, Any]],
        project_name: str,
        *,
        atomic: bool = False,
        prune: bool = False,
        labels: Iterable[str] | None = None,
        set_schedule_active: bool = True,
        force: bool = False,
        build: bool = True,
        on_progress: Callable[[RegisteredFlow, int, int], object] | None = None,
    ) -> RegistrationResult:
        """Register those of many flows that have changed, several in a request.

        A flow that is refused does not stop the others: its error is in the result, and nothing is pruned then. Once
        the server cannot be reached, or does not take the credential, all that are left have that error. After an
        answer that was lost, flows are sent again with the same keys, so that nothing is registered twice.

        Args:
            flows: each a `Flow`, anything else with `serialize(build=…)`, or a serialized flow as a dict. Whether it
                has changed is told by its content before it is built; see `register` for what counts.
            project_name: a project that exists.
            atomic: whether to do all of it or nothing, in one transaction of the server. Errors are raised then.
            prune: whether to archive the flows of the project that are not among `flows`.
            labels: that the runs of all these flows need besides those that a flow has itself; they are part of what
                is compared, so that other labels make new versions.
            set_schedule_active: whether the schedules of new versions make runs; others stay as active as they are.
            force: whether to make new versions of flows that have not changed, too.
            build: whether to put new and changed flows into their storages; others are never built.
            on_progress: called whenever something has become of a flow, with that, with how many are done, and with
                how many there are, the archived ones included. In the order in which it happens.

        Returns:
            What became of each flow, in their order, then of those to be archived, by name. True when nothing failed.

        Raises:
            BadInput: there is no such project, or two flows have the same name. Nothing was registered.
            ConfigurationError: it shall be atomic, and the server cannot do that. Nothing was registered.
            OrchestraError: whatever stopped an atomic registration; its `flow_name` is that of the flow that did, if one
                did. Nothing was registered.
        """
        return await self._run(
            register_flows(
                flows,
                project_name,
                atomic=atomic,
                prune=prune,
                labels=labels,
                set_schedule_active=set_schedule_active,
                force=force,
                build=build,
                on_progress=on_progress,
                capabilities=await self._session.capabilities(),
            )
        )
