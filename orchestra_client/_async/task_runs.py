"""Task runs: finding or creating them, naming, their states, cached states, mapped children."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestra_client._async.base import AsyncPart
from orchestra_client.operations import states, task_runs
from orchestra_client.procedures.states import set_run_state, set_run_states
from orchestra_client.procedures.task_runs import get_task_run_info, get_task_run_infos

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime, timedelta

    from orchestra_client.operations.checks import Id
    from orchestra_client.operations.filters import StateFilter
    from orchestra_client.records import Records
    from orchestra_client.results import MappedChild, StateResult, TaskRun, TaskRunInfo
    from orchestra_client.states import State

__all__ = ["AsyncTaskRuns"]


class AsyncTaskRuns(AsyncPart):
    """The client's methods for task runs."""

    async def get_task_run_info(
        self, flow_run_id: Id, task_id: Id, map_index: int | None = None
    ) -> TaskRunInfo:
        """Find the run of a task in a flow run; one that does not exist yet is created.

        Args:
            flow_run_id: the flow run.
            task_id: the task.
            map_index: the place among the runs of a mapped task, from 0; unset means it is not mapped.

        Returns:
            The task run. Its `task_slug` is None when the server does not answer it along.

        Raises:
            BadInput: an id is no UUID, or the index is no place. Also a ValueError.
            NotFound: there is no such flow run or task in this tenant.
            ClientError: the API refused it for another reason.
        """
        return await self._run(get_task_run_info(flow_run_id, task_id, map_index))

    async def get_task_run_infos(
        self, flow_run_id: Id, task_id: Id, map_indexes: Iterable[int]
    ) -> list[TaskRunInfo]:
        """Find the runs that a mapped task becomes, a few hundred a request; those that do not exist are created.

        Args:
            flow_run_id: the flow run.
            task_id: the mapped task.
            map_indexes: their places, from 0.

        Returns:
            The task runs, in the order of the indexes.

        Raises:
            NotFound: there is no such flow run or task in this tenant.
            BadInput: an id is no UUID, or one of the indexes is no place; nothing was created. Also a ValueError.
            ClientError: the API refused it for another reason.
        """
        return await self._run(get_task_run_infos(flow_run_id, task_id, list(map_indexes)))

    async def get_task_run_state(self, task_run_id: Id) -> State:
        """Read a task run's state.

        Args:
            task_run_id: the run.

        Returns:
            The current state.

        Raises:
            BadInput: the id is no UUID. Also a ValueError.
            NotFound: there is no such run in this tenant.
        """
        return await self._execute(task_runs.get_task_run_state(task_run_id))

    async def set_task_run_state(
        self,
        task_run_id: Id,
        version: int | None,
        state: State,
        cache_for: timedelta | None = None,
    ) -> State:
        """Set a task run's state.

        Args:
            task_run_id: the run.
            version: the version the run must have for the state to be taken; None takes it whatever the version.
            state: the new state.
            cache_for: how long the result of a success may be used by later runs; it then becomes `Cached`.
                Unset means not at all.

        Returns:
            The state the run is to be considered in: the one set, or `Queued` when a tag limit keeps it from
            running; try again after its `start_time`.

        Raises:
            BadInput: the id is no UUID, or `cache_for` or the version is negative. Nothing was sent. Also a ValueError.
            VersionConflict: the run has another version, so someone else moved it.
            StateConflict: the run's state, or its flow run's, does not allow this one.
            StateSerializationError: something in the state is not JSON.
            ClientError: the API refused it for another reason.
        """
        now = self._session.clock.now
        change = states.change("task_run", task_run_id, version, state, self._session.new_id())
        change = states.caching(change, cache_for, now())
        knows = await self._server_has("transition_id")
        return await self._run(set_run_state("task_run", change, knows_transitions=knows, now=now))

    async def set_task_run_states(self, changes: Iterable[tuple[Id, int | None, State]]) -> list[StateResult]:
        """Set states of many task runs, a few hundred a request. One that is refused does not stop the others.

        Args:
            changes: for each ``(task_run_id, version, state)``, as `set_task_run_state` takes them.

        Returns:
            One result for each, in their order; false for those that were refused (`error` says why) or must wait.

        Raises:
            BadInput: an id is no UUID, or a version is negative. None was set. Also a ValueError.
        """
        checked = [states.change("task_run", *each, self._session.new_id()) for each in changes]
        knows = await self._server_has("transition_id")
        now = self._session.clock.now
        return await self._run(set_run_states("task_run", checked, knows_transitions=knows, now=now))

    async def set_task_run_name(self, task_run_id: Id, name: str) -> bool:
        """Rename a task run.

        Args:
            task_run_id: the run.
            name: not empty.

        Returns:
            Whether it worked.

        Raises:
            BadInput: the id is no UUID, or the name is empty. Also a ValueError.
            NotFound: there is no such run in this tenant.
        """
        return await self._execute(task_runs.set_task_run_name(task_run_id, name))

    async def get_latest_cached_states(
        self, task_id: Id, cache_key: str | None, created_after: datetime
    ) -> list[State]:
        """Find results that may be used again.

        Args:
            task_id: the task whose runs count.
            cache_key: runs of other tasks with this key count, too; None means the task alone.
            created_after: older states are left out; a naive time is UTC.

        Returns:
            `Cached` states, the newest first.

        Raises:
            BadInput: the id is no UUID, or the key is empty. Also a ValueError.
        """
        return await self._execute(task_runs.get_latest_cached_states(task_id, cache_key, created_after))

    async def get_mapped_children(self, task_run_id: Id) -> list[MappedChild]:
        """Read the runs that a mapped task run became.

        Args:
            task_run_id: the mapped task's own run.

        Returns:
            The children in the order of their `map_index`.

        Raises:
            BadInput: the id is no UUID. Also a ValueError.
            NotFound: there is no such run in this tenant.
        """
        return await self._execute(task_runs.get_mapped_children(task_run_id))

    async def task_runs(
        self,
        flow_run_id: Id | None = None,
        *,
        state: StateFilter | None = None,
        name: str | None = None,
        limit: int = 1000,
        offset: int = 0,
    ) -> Records[TaskRun]:
        """List task runs, children of mapped ones among them.

        The own run of a mapped task stands beside its children, which spoils counts and means; its `is_mapped_parent`
        is true. The `duration` of a run that was tried again includes the waiting between its tries.

        Args:
            flow_run_id: their flow run; unset means any.
            state: the name of a state, a `State` class, or several of them; each stands for all below it, as
                ``Failed`` for ``TimedOut``. Unset means any.
            name: of the run or of its task; unset means any.
            limit: how many at most, from 1 to 10000; `is_whole` of the result tells whether there are more.
            offset: how many to leave out first.

        Returns:
            The task runs in the order they began; those that have not begun come last.

        Raises:
            BadInput: a filter makes no sense. Nothing was sent. Also a ValueError.
        """
        wanted = task_runs.list_task_runs(flow_run_id, state=state, name=name, limit=limit, offset=offset)
        return await self._execute(wanted)
