"""Flow runs as pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestra_client._async.base import AsyncPart
from orchestra_client.errors import MissingExtra
from orchestra_client.procedures.timelines import read_timeline

if TYPE_CHECKING:
    from collections.abc import Iterable

    from matplotlib.axes import Axes

    from orchestra_client.operations.checks import Id
    from orchestra_client.results import TaskRun

__all__ = ["AsyncTimelines"]


class AsyncTimelines(AsyncPart):
    """The client's methods for pictures."""

    async def plot_timeline(
        self,
        flow_run_id: Id | None = None,
        *,
        task_runs: Iterable[TaskRun] | None = None,
        ax: Axes | None = None,
    ) -> Axes:
        """Draw when the task runs of a flow run ran: bars, coloured by the state they ended in.

        The tries of a task run that was tried again are bars of their own, one behind the other. Children of mapped
        tasks stand together. What still runs is hatched, and reaches to the present by the server's clock.

        Args:
            flow_run_id: the flow run; may be left out when `task_runs` is given.
            task_runs: what to draw of it, as `task_runs` lists them; unset means all, up to 5000.
            ax: the axes of matplotlib to draw on; unset means a new figure.

        Returns:
            The axes, for titles and the like of one's own; ``axes.figure.savefig("run.png")`` keeps the picture.

        Raises:
            BadInput: neither a flow run nor task runs are given, or the id is no UUID. Also a ValueError.
            MissingExtra: matplotlib is not installed.
            NotFound: there is no such run in this tenant.
        """
        try:
            from orchestra_client.timeline.drawing import draw  # noqa: PLC0415 - slow to import, and an extra
        except ModuleNotFoundError as error:
            if (error.name or "").startswith("orchestra_client"):
                raise
            raise MissingExtra("notebook", "A picture of a timeline") from error
        timeline = await self._run(read_timeline(flow_run_id, task_runs))
        return draw(timeline, self._server_now(), ax)
