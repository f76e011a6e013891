# Generated from orchestra_client/_async/flow_runs.py by tools/generate.py: do not edit.
"""Flow runs: creating, reading, naming, cancelling, waiting for them, and setting their states."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestra_client._sync.base import Part
from orchestra_client.operations import flow_runs, states
from orchestra_client.procedures import flow_runs as many
from orchestra_client.procedures.states import set_run_state, set_run_states

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from orchestra_client.operations.checks import Id
    from orchestra_client.operations.flow_runs import FlowRunArguments
    from orchestra_client.results import CreatedFlowRun, FlowRunInfo, StateResult
    from orchestra_client.states import State

__all__ = ["FlowRuns"]


class FlowRuns(Part):
    """The client's methods for flow runs."""

    def create_flow_run(  # noqa: PLR0917 - the arguments' order is the API's
        self,
        flow_id: Id | None = None,
        context: Mapping[str, Any] | None = None,
        parameters: Mapping[str, Any] | None = None,
        scheduled_start_time: datetime | None = None,
        idempotency_key: str | None = None,
        run_name: str | None = None,
        version_group_id: str | None = None,
        run_config: Any = None,
        labels: Iterable[str] | None = None,
    ) -> str:
        """Create a flow run. A lost answer never makes a second one: every call carries an idempotency key.

        Args:
            flow_id: the flow to run; wins over `version_group_id`.
            context: what the run finds in its context, as a JSON object.
            parameters: by name; those left out have the flow group's or the flow's defaults.
            scheduled_start_time: when to start; a naive time is UTC; unset means now.
            idempotency_key: a later call with the same key for the same flow answers this run's id and creates
                nothing, however much later: here keys never expire, while the older cloud kept them for 24 hours.
                Unset means a new key, which still covers the call's own retries.
            run_name: unset means a made-up name.
            version_group_id: runs the current version of this group; for callers that outlive versions.
            run_config: how to run it, over the flow's own: a JSON object, or anything with `serialize()`.
            labels: agents that have all of them take the run; unset means the flow's.

        Returns:
            The id of the flow run.

        Raises:
            BadInput: neither `flow_id` nor `version_group_id` is given, the id is no UUID, a required parameter is
                missing, one is unknown, or `idempotency_key` was used with other parameters or another context. Also a
                ValueError.
            NotFound: there is no such flow.
            ClientError: the API refused it for another reason.
        """
        arguments: FlowRunArguments = {
            "flow_id": flow_id,
            "context": context,
            "parameters": parameters,
            "scheduled_start_time": scheduled_start_time,
            "idempotency_key": idempotency_key,
            "run_name": run_name,
            "version_group_id": version_group_id,
            "run_config": run_config,
            "labels": labels,
        }
        return self._execute(flow_runs.create_flow_run(arguments, new_key=self._session.new_id()))

    def create_flow_runs(self, runs: Iterable[FlowRunArguments]) -> list[CreatedFlowRun]:
        """Create many flow runs, a few hundred a request. One that is refused does not stop the others.

        Args:
            runs: for each a dict with the arguments of `create_flow_run`, e.g.
                ``[{"flow_id": flow_id, "parameters": {"day": day}} for day in days]``.

        Returns:
            One item for each, in their order, with its `id` or its `error`; true when it was created.

        Raises:
            BadInput: one of the dicts makes no sense; nothing was created.
            TypeError: one has an argument that does not exist; nothing was created.
        """
        wanted = list(runs)
        keys = [self._session.new_id() for _ in wanted]
        return self._run(many.create_flow_runs(wanted, keys))

    def get_flow_run_info(self, flow_run_id: Id) -> FlowRunInfo:
        """Read a flow run: version, state, parameters, context, and its task runs.

        Args:
            flow_run_id: the run.

        Returns:
            The run; its `task_runs` leave out the children of mapped tasks.

        Raises:
            BadInput: the id is no UUID. Also a ValueError.
            NotFound: there is no such run in this tenant.
            ClientError: the API refused it for another reason.
        """
        return self._execute(flow_runs.get_flow_run_info(flow_run_id))

    def get_flow_run_state(self, flow_run_id: Id) -> State:
        """Read a flow run's state.

        Args:
            flow_run_id: the run.

        Returns:
            The current state.

        Raises:
            BadInput: the id is no UUID. Also a ValueError.
            NotFound: there is no such run in this tenant.
        """
        return self._execute(flow_runs.get_flow_run_state(flow_run_id))

    def set_flow_run_state(self, flow_run_id: Id, version: int | None, state: State) -> State:
        """Set a flow run's state.

        Args:
            flow_run_id: the run.
            version: the version the run must have for the state to be taken, which makes it a claim that only
                one caller wins; None takes it whatever the version.
            state: the new state.

        Returns:
            The state the run is to be considered in: `state`, or `Queued` when a limit keeps it from running; try
            again after its `start_time`.

        Raises:
            BadInput: the id is no UUID, or the version is negative. Also a ValueError.
            VersionConflict: the run has another version, so someone else moved it.
            StateConflict: the run's state does not allow this one.
            StateSerializationError: something in the state is not JSON.
            ClientError: the API refused it for another reason.
        """
        change = states.change("flow_run", flow_run_id, version, state, self._session.new_id())
        knows = self._server_has("transition_id")
        now = self._session.clock.now
        return self._run(set_run_state("flow_run", change, knows_transitions=knows, now=now))

    def set_flow_run_states(self, changes: Iterable[tuple[Id, int | None, State]]) -> list[StateResult]:
        """Set states of many flow runs, a few hundred a request. One that is refused does not stop the others.

        Args:
            changes: for each ``(flow_run_id, version, state)``, as `set_flow_run_state` takes them.

        Returns:
            One result for each, in their order; false for those that were refused (`error` says why) or must wait.

        Raises:
            BadInput: an id is no UUID, or a version is negative. None was set. Also a ValueError.
        """
        checked = [states.change("flow_run", *each, self._session.new_id()) for each in changes]
        knows = self._server_has("transition_id")
        now = self._session.clock.now
        return self._run(set_run_states("flow_run", checked, knows_transitions=knows, now=now))

    def set_flow_run_name(self, flow_run_id: Id, name: str) -> bool:
        """Rename a flow run.

        Args:
            flow_run_id: the run.
            name: not empty.

        Returns:
            Whether it worked.

        Raises:
            BadInput: the id is no UUID, or the name is empty. Also a ValueError.
            NotFound: there is no such run in this tenant.
        """
        return self._execute(flow_runs.set_flow_run_name(flow_run_id, name))

    def cancel_flow_run(self, flow_run_id: Id) -> bool:
        """Cancel a flow run: a running one is asked to stop, another unfinished one is Cancelled at once.

        Args:
            flow_run_id: the run; cancelling a finished one does nothing.

        Returns:
            True once the server has taken note; `get_flow_run_state` tells how far it is.

        Raises:
            BadInput: the id is no UUID. Also a ValueError.
            NotFound: there is no such run in this tenant.
        """
        return bool(self._execute(flow_runs.cancel_flow_run(flow_run_id)))

    def wait_for_flow_run(
        self,
        flow_run_id: Id,
        timeout: float | None = None,  # by the client's clock, which tests replace
        on_poll: Callable[[State], object] | None = None,
    ) -> FlowRunInfo:
        """Wait until a flow run is finished, asking at growing intervals of up to ten seconds.

        Args:
            flow_run_id: the run.
            timeout: seconds to wait at most; unset means for ever.
            on_poll: called with the state each time it was asked, to show that something is happening.

        Returns:
            The finished run, whether it succeeded, failed or was cancelled.

        Raises:
            BadInput: the id is no UUID, or `timeout` is negative. Nothing was sent. Also a ValueError.
            WaitTimeout: it is not finished in time; carries `flow_run_id` and `state_type`.
            NotFound: there is no such run in this tenant, or it was deleted meanwhile.
        """
        monotonic = self._session.clock.monotonic
        waiting = many.wait_for_flow_run(flow_run_id, timeout=timeout, on_poll=on_poll, monotonic=monotonic)
        return self._run(waiting)

    def get_runs_in_queue(
        self,
        labels: Iterable[str] | None = None,
        before: datetime | None = None,
        agent_id: Id | None = None,
    ) -> list[str]:
        """Ask which flow runs are due.

        Args:
            labels: of the agent; runs with other labels are left out. Unset asks for runs without labels.
            before: due until then; a naive time is UTC; unset means now.
            agent_id: the agent that asks, so that the server knows it is alive.

        Returns:
            The ids of the runs, the longest due first.

        Raises:
            BadInput: the agent's id is no UUID, or a label is empty. Also a ValueError.
        """
        tenant_id = self._session.tenant_id
        return self._execute(flow_runs.get_runs_in_queue(labels, before, agent_id, tenant_id))
