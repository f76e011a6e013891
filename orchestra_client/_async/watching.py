"""Watching flow runs while they happen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestra_client._async.base import AsyncPart
from orchestra_client.procedures.watching import watch_flow_run
from orchestra_client.watching.display import shown_on
from orchestra_client.watching.lines import async_python_hint

if TYPE_CHECKING:
    from orchestra_client.operations.checks import Id
    from orchestra_client.states import State
    from orchestra_client.watching.display import Display

__all__ = ["AsyncWatching"]


class AsyncWatching(AsyncPart):
    """The client's methods for watching."""

    async def watch_flow_run(
        self,
        flow_run_id: Id,
        *,
        timeout: float | None = None,  # noqa: ASYNC109  # by the client's clock, which tests replace
        logs: bool = True,
        min_level: str | None = None,
        display: Display | None = None,
    ) -> State:
        """Show what happens to a flow run until it is finished: states, how far its task runs are, its log.

        Ctrl-C, or cancelling the task that watches, leaves the run alone and says how to go on with it. What was
        before the watching is shown, too, so nothing is missing however late it starts. It looks four times a second
        while things happen, and else at growing intervals of up to five seconds. When the run has been due for ten
        seconds and nobody has taken it, the first reason of `explain_flow_run` is shown, once.

        Args:
            flow_run_id: the run.
            timeout: seconds to watch at most; unset means until the end.
            logs: whether to show the log of the run and its task runs.
            min_level: ``DEBUG``, ``INFO``, ``WARNING``, ``ERROR`` or ``CRITICAL``: leaves out log records below
                it. Unset means none.
            display: what to show it on, and to close in the end; unset means a bar of tqdm in a notebook, one of
                rich in a terminal, and plain lines anywhere else.

        Returns:
            The final state, whether it is a success or not.

        Raises:
            WaitTimeout: it is not finished in time; carries `flow_run_id` and `state_type`.
            NotFound: there is no such run in this tenant, or it was deleted meanwhile.
            BadInput: the id is no UUID, `timeout` is negative, or `min_level` is none of these levels. Nothing was
                sent. Also a ValueError.
        """
        with shown_on(display, str(flow_run_id), hint=async_python_hint) as shown:
            watching = watch_flow_run(
                flow_run_id,
                emit=shown.update,
                logs=logs,
                min_level=min_level,
                timeout=timeout,
                monotonic=self._session.clock.monotonic,
                now=self._server_now,
            )
            return await self._run(watching)
