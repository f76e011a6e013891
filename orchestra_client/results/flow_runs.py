"""Flow runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from orchestra_client.results.record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from orchestra_client.errors import OrchestraError
    from orchestra_client.results.flows import Project
    from orchestra_client.results.task_runs import TaskRunInfo
    from orchestra_client.states import State

__all__ = ["CreatedFlowRun", "FlowRun", "FlowRunInfo", "LateFlowRun"]


@dataclass(frozen=True, slots=True)
class FlowRunInfo(Record):
    """A flow run as far as running it takes.

    Attributes:
        id: its UUID.
        name: given or made up when it was created.
        flow_id: the flow's UUID.
        project: the flow's project; None when the flow has none.
        parameters: by name, as the run will see them.
        context: what was given when the run was created.
        version: of the state; send it with the next one.
        scheduled_start_time: when it was to start.
        state: the current state.
        task_runs: its task runs, children of mapped ones left out.
        flow_name: the flow's name.
        heartbeat: the last sign of life of its process, by the server's clock; None before the first one.
    """

    id: str
    name: str
    flow_id: str
    project: Project | None
    parameters: Mapping[str, Any]
    context: Mapping[str, Any]
    version: int
    scheduled_start_time: datetime | None
    state: State
    task_runs: tuple[TaskRunInfo, ...]
    flow_name: str | None = None
    heartbeat: datetime | None = None


@dataclass(frozen=True, slots=True)
class CreatedFlowRun(Record):
    """What became of one flow run of a batch; true when it was created.

    Attributes:
        id: the new run's UUID; None when it was refused.
        error: why it was refused.
    """

    id: str | None
    error: OrchestraError | None = None

    def __bool__(self) -> bool:
        return self.id is not None


@dataclass(frozen=True, slots=True)
class FlowRun(Record):
    """A flow run as a list shows it.

    Attributes:
        id: its UUID.
        name: given or made up when it was created.
        flow_id: the UUID of the flow's version.
        flow_name: the flow's name.
        flow_version: which version of the flow it runs.
        project: the name of the flow's project; None when it has none.
        state: the type of its state, e.g. ``Running``.
        state_message: what the state says, for people.
        scheduled_start_time: when it was to start, in UTC.
        start_time: when it entered Running first, in UTC; None until then.
        end_time: when it finished, in UTC; None until then.
        duration: seconds from start to end; None until then.
        labels: an agent that has all of them takes it.
        parameters: by name.
        agent_id: the agent that took it; None when none has.
        version: of the state.
        heartbeat: its last sign of life, in UTC.
    """

    id: str
    name: str
    flow_id: str
    flow_name: str | None
    flow_version: int | None
    project: str | None
    state: str
    state_message: str | None
    scheduled_start_time: datetime | None
    start_time: datetime | None
    end_time: datetime | None
    duration: float | None
    labels: tuple[str, ...]
    parameters: Mapping[str, Any]
    agent_id: str | None
    version: int
    heartbeat: datetime | None


@dataclass(frozen=True, slots=True)
class LateFlowRun(Record):
    """A flow run that no agent has taken although its time has come.

    Attributes:
        flow_run_id: its UUID.
        name: the run's name.
        labels: those an agent needs to take it.
        due: since when it waits, in UTC.
        reason: why, for people, as the server sees it; None from a server that does not tell, where
            `explain_flow_run` finds out.
    """

    flow_run_id: str
    name: str | None
    labels: tuple[str, ...]
    due: datetime
    reason: str | None
