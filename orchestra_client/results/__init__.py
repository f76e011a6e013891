"""What the client's methods return: small immutable records.

Every record can also be read as a dict, e.g. ``record["name"]``, as older clients returned some; see `Record`.
"""

from __future__ import annotations

from orchestra_client.results.agents import Agent, AgentConfig
from orchestra_client.results.explanations import Explanation, Reason
from orchestra_client.results.flow_runs import CreatedFlowRun, FlowRun, FlowRunInfo, LateFlowRun
from orchestra_client.results.flows import FlowVersion, Project
from orchestra_client.results.limits import TagLimit, TagSlot
from orchestra_client.results.logs import LogRecord
from orchestra_client.results.record import Record
from orchestra_client.results.registration import (
    FieldChange,
    FlowChange,
    FlowDiff,
    RegisteredFlow,
    RegistrationPlan,
    RegistrationResult,
    TaskChange,
)
from orchestra_client.results.reports import HeartbeatResult, StateResult
from orchestra_client.results.task_runs import MappedChild, TaskRun, TaskRunInfo
from orchestra_client.results.tenants import ApiToken, Scope, Tenant
from orchestra_client.results.trusts import JobLogin, Trust

__all__ = [
    "Agent",
    "AgentConfig",
    "ApiToken",
    "CreatedFlowRun",
    "Explanation",
    "FieldChange",
    "FlowChange",
    "FlowDiff",
    "FlowRun",
    "FlowRunInfo",
    "FlowVersion",
    "HeartbeatResult",
    "JobLogin",
    "LateFlowRun",
    "LogRecord",
    "MappedChild",
    "Project",
    "Reason",
    "Record",
    "RegisteredFlow",
    "RegistrationPlan",
    "RegistrationResult",
    "Scope",
    "StateResult",
    "TagLimit",
    "TagSlot",
    "TaskChange",
    "TaskRun",
    "TaskRunInfo",
    "Tenant",
    "Trust",
]
