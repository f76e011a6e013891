"""What the client's methods return: small immutable records.

Every record also answers ``record["name"]``, as the dicts and tuples of older clients did.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Literal

from orchestra_client.errors import mask_token

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from orchestra_client.errors import ClientError, OrchestraError
    from orchestra_client.states import State

__all__ = [
    "AgentConfig",
    "ApiToken",
    "CreatedFlowRun",
    "FlowRunInfo",
    "HeartbeatResult",
    "LogRecord",
    "MappedChild",
    "Project",
    "Record",
    "Scope",
    "StateResult",
    "TagLimit",
    "TagSlot",
    "TaskRunInfo",
    "Tenant",
]

Scope = Literal["USER", "TENANT", "RUNNER"]
"""What a token may do: a user in its tenants, one tenant, or just what a run needs."""


class Record:
    """The base of all results. Immutable, hence safe to share between threads and tasks; pickles."""

    __slots__ = ()

    def __getitem__(self, name: str) -> Any:
        if name not in (known := [each.name for each in fields(self)]):  # type: ignore[arg-type]  # each subclass is a dataclass
            raise KeyError(f"{type(self).__name__} has no {name!r}; it has: {', '.join(known)}")
        return getattr(self, name)


@dataclass(frozen=True, slots=True)
class Tenant(Record):
    """A tenant: who shares flows, runs and secrets.

    Attributes:
        id: its UUID.
        name: for people.
        slug: for URLs; unique.
    """

    id: str
    name: str
    slug: str


@dataclass(frozen=True, slots=True)
class Project(Record):
    """A project: a named group of flows.

    Attributes:
        id: its UUID.
        name: unique in the tenant.
    """

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class TaskRunInfo(Record):
    """A task run as far as running it takes.

    Attributes:
        id: its UUID.
        task_id: the task's UUID.
        task_slug: the task's name within its flow.
        version: of the state; send it with the next one.
        state: the current state.
    """

    id: str
    task_id: str
    task_slug: str | None
    version: int
    state: State


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


@dataclass(frozen=True, slots=True)
class MappedChild(Record):
    """One of the runs that a mapped task run became.

    Attributes:
        id: its UUID.
        map_index: its place, from 0.
        version: of the state.
        state: the current state.
    """

    id: str
    map_index: int
    version: int
    state: State


@dataclass(frozen=True, slots=True)
class StateResult(Record):
    """What became of one state of a batch.

    Attributes:
        id: the run's UUID.
        status: ``SUCCESS``; ``QUEUED``, when a limit keeps the run out of Running for now; ``ERROR``.
        state: the state the run is to be considered in: the one sent, `Queued` when it must wait, None for an
            error.
        message: why it waits or was refused.
        version: the run's version now, from servers that tell.
        error: what the singular method would have raised; None unless `status` is ``ERROR``.
    """

    id: str
    status: Literal["SUCCESS", "QUEUED", "ERROR"]
    state: State | None
    message: str | None = None
    version: int | None = None
    error: ClientError | None = None

    def __bool__(self) -> bool:
        return self.status == "SUCCESS"


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
class HeartbeatResult(Record):
    """What became of a heartbeat; true when the server took it.

    Attributes:
        id: the run's UUID.
        success: whether the server took it.
        state: the type of the run's state as the server knows it, from servers that tell, so that a run learns
            of its own cancellation.
        message: why it was not taken.
        version: the run's version, from servers that tell.
    """

    id: str
    success: bool
    state: str | None = None
    message: str | None = None
    version: int | None = None

    def __bool__(self) -> bool:
        return self.success


@dataclass(frozen=True, slots=True)
class LogRecord(Record):
    """One line of a run's log.

    Attributes:
        id: its UUID.
        timestamp: when it was logged, in UTC.
        level: ``DEBUG``, ``INFO``, ``WARNING``, ``ERROR`` or ``CRITICAL``.
        name: the logger's name.
        message: the text.
        info: anything else that was sent along, as JSON.
        flow_run_id: the flow run it belongs to.
        task_run_id: the task run it belongs to; None for the flow run's own.
    """

    id: str
    timestamp: datetime
    level: str | None
    name: str | None
    message: str | None
    info: Any
    flow_run_id: str | None
    task_run_id: str | None


@dataclass(frozen=True, slots=True)
class TagSlot(Record):
    """A task run that holds a slot of a tag limit.

    Attributes:
        tag: the limited tag.
        task_run_id: who holds the slot.
        flow_run_id: its flow run.
        task_name: its task.
        map_index: its place among mapped runs; -1 when it is not mapped.
        since: when it entered Running.
        heartbeat: its last sign of life.
    """

    tag: str
    task_run_id: str
    flow_run_id: str
    task_name: str
    map_index: int
    since: datetime | None
    heartbeat: datetime | None


@dataclass(frozen=True, slots=True)
class TagLimit(Record):
    """How many task runs with a tag may be Running at once.

    Attributes:
        id: its UUID, to delete the limit with.
        tag: the tag.
        limit: the number of slots; 0 stops the tag.
        holders: who holds them now; None from a server that does not tell.
    """

    id: str
    tag: str
    limit: int
    holders: tuple[TagSlot, ...] | None = None


@dataclass(frozen=True, slots=True)
class AgentConfig(Record):
    """What agents of one kind share.

    Attributes:
        id: its UUID.
        name: for people.
        settings: as JSON.
    """

    id: str
    name: str
    settings: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ApiToken(Record):
    """An API token. Its secret part is in `token` and shown by no repr.

    Attributes:
        id: its UUID, to revoke it with.
        name: what it is for.
        scope: what it may do.
        token: the token itself; known only to whoever created it, at that moment, and None in lists.
        expires_at: when it stops working, in UTC; None for never.
        tenant_id: the tenant it acts in; None for a user's.
        flow_run_id: the single run it is good for, or None.
        created: when it was made.
    """

    id: str
    name: str
    scope: Scope
    token: str | None = field(default=None, repr=False)
    expires_at: datetime | None = None
    tenant_id: str | None = None
    flow_run_id: str | None = None
    created: datetime | None = None

    def __str__(self) -> str:
        return f"{self.name} ({self.scope}, {mask_token(self.token)})"
