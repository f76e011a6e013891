"""The public API as type checkers see it; `mypy` checks this file, nothing runs it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, assert_type

from matplotlib.axes import Axes
from pandas import DataFrame

from orchestra_client import AsyncClient, Client, Flow, Parameter, State, task
from orchestra_client.client import Client as ClientByModule
from orchestra_client.flows import FunctionTask
from orchestra_client.graphql import GraphQLResult
from orchestra_client.records import Records
from orchestra_client.results import (
    Agent,
    AgentConfig,
    ApiToken,
    CreatedFlowRun,
    Explanation,
    FlowDiff,
    FlowRun,
    FlowRunInfo,
    FlowVersion,
    HeartbeatResult,
    JobLogin,
    LateFlowRun,
    LogRecord,
    MappedChild,
    Project,
    Reason,
    RegisteredFlow,
    RegistrationPlan,
    RegistrationResult,
    StateResult,
    TagLimit,
    TagSlot,
    TaskRun,
    TaskRunInfo,
    Tenant,
    Trust,
)
from orchestra_client.states import Running
from orchestra_client.testing import MemoryServer, VirtualClock, async_memory_client, memory_client
from orchestra_client.transport import RetryPolicy
from orchestra_client.watching.plain import PlainDisplay

if TYPE_CHECKING:
    from uuid import UUID


assert_type(Client, type[ClientByModule])


class SerializableThing:
    """A flow of one's own."""

    def serialize(self, build: bool = False) -> dict[str, Any]:
        """The flow as JSON."""
        return {"build": build}


@task
def plain(x: int) -> int:
    """A task without settings."""
    return x


@task(max_retries=3, retry_delay=timedelta(seconds=10))
def retried(x: int) -> int:
    """A task with settings."""
    return x


def written() -> Flow:
    """A flow of this library."""
    with Flow("f") as flow:
        assert_type(flow, Flow)
        assert_type(Parameter("x", default=0), Parameter)
        assert_type(plain, FunctionTask)
        assert_type(retried(plain(1)), FunctionTask)
        assert_type(retried.map([1, 2]), FunctionTask)
    assert_type(flow.content_hash(), str)
    return flow


def in_threads(run_id: UUID, day: datetime) -> None:
    """Every method of the client for threads."""
    with Client(
        "http://127.0.0.1:4200", "orc_…", tenant_slug="x", timeout=5, retry=RetryPolicy(budget=9)
    ) as client:
        assert_type(client, Client)
        assert_type(client.login_to_tenant(tenant_id=run_id), bool)
        assert_type(client.logout_from_tenant(), None)
        assert_type(client.get_auth_token(), str)
        assert_type(client.save_api_token(), None)
        assert_type(client.get_available_tenants(), list[Tenant])
        assert_type(client.get_default_tenant_slug(as_user=False), str)
        assert_type(client.get_cloud_url("flow-run", "42"), str)
        assert_type(client.create_tenant("x"), str)
        assert_type(client.create_api_token("ci", scope="RUNNER", expires_in=timedelta(days=1)), ApiToken)
        assert_type(client.create_api_token("ci").token, str | None)
        assert_type(client.delete_api_token(run_id), bool)
        assert_type(client.api_tokens(), Records[ApiToken])
        assert_type(client.login_with_oidc(audience="acme", tenant="acme"), JobLogin)
        trust = client.create_trust("ci", issuer="https://gitlab.com", claims={"project_path": "acme/flows"})
        assert_type(trust, Trust)
        assert_type(client.trusts(), Records[Trust])
        assert_type(client.delete_trust(trust.id), bool)
        assert_type(client.create_project("p"), str)
        assert_type(client.delete_project("p"), bool)
        assert_type(client.register({"name": "f"}, "p", idempotency_key="k"), str)
        assert_type(client.register(SerializableThing(), project_name="p"), str)
        assert_type(client.register(written(), "p", build=False, force=True), str)
        assert_type(client.plan_registration([written(), {"name": "f"}], "p", prune=True), RegistrationPlan)
        assert_type(client.plan_registration([SerializableThing()], "p").changes[0].diff, FlowDiff | None)
        assert_type(client.register_flows([written()], "p", atomic=True, labels=["l"]), RegistrationResult)
        assert_type(client.register_flows([], "p", on_progress=print).failed, tuple[RegisteredFlow, ...])
        assert_type(client.set_schedule_active("x"), bool)
        assert_type(client.set_schedule_inactive("x"), bool)
        assert_type(client.archive_flow("x"), bool)
        assert_type(client.create_flow_run("x", parameters={"a": 1}, labels=["l"]), str)
        assert_type(client.create_flow_runs([{"flow_id": "x", "parameters": {"a": 1}}]), list[CreatedFlowRun])
        assert_type(client.get_flow_run_info(run_id), FlowRunInfo)
        assert_type(client.get_flow_run_info(run_id).state, State)
        assert_type(client.get_flow_run_info(run_id).project, Project | None)
        assert_type(client.get_flow_run_info(run_id).task_runs, tuple[TaskRunInfo, ...])
        assert_type(client.get_flow_run_state(run_id), State)
        assert_type(client.set_flow_run_state(run_id, 1, Running()), State)
        assert_type(client.set_flow_run_states([(run_id, None, Running())]), list[StateResult])
        assert_type(client.set_flow_run_name(run_id, "n"), bool)
        assert_type(client.cancel_flow_run(run_id), bool)
        assert_type(client.wait_for_flow_run(run_id, timeout=1, on_poll=print), FlowRunInfo)
        assert_type(client.get_runs_in_queue(labels=["a"], before=day), list[str])
        assert_type(client.get_task_run_info(run_id, "t", map_index=0), TaskRunInfo)
        assert_type(client.get_task_run_infos(run_id, "t", range(3)), list[TaskRunInfo])
        assert_type(client.get_task_run_state(run_id), State)
        assert_type(client.set_task_run_state(run_id, 1, Running(), cache_for=timedelta(1)), State)
        assert_type(client.set_task_run_states([("x", 1, Running())]), list[StateResult])
        assert_type(client.set_task_run_name(run_id, "n"), bool)
        assert_type(client.get_latest_cached_states("t", None, day), list[State])
        assert_type(client.get_mapped_children(run_id), list[MappedChild])
        assert_type(client.update_flow_run_heartbeat(run_id), HeartbeatResult)
        assert_type(client.update_task_run_heartbeat(run_id), HeartbeatResult)
        assert_type(client.update_heartbeats([run_id], task_run_ids=["x"]), list[HeartbeatResult])
        assert_type(client.write_run_logs([{"message": "x", "level": "INFO", "timestamp": day}]), None)
        assert_type(client.get_flow_run_logs(run_id, min_level="INFO"), Records[LogRecord])
        assert_type(client.get_flow_run_logs(run_id, after=None, limit=10), Records[LogRecord])
        assert_type(client.flows(project="p", is_archived=None), Records[FlowVersion])
        assert_type(client.flow_runs(state=Running, since=timedelta(days=1), until=day), Records[FlowRun])
        assert_type(client.flow_runs(state=["Failed", Running], limit=1)[0], FlowRun)
        assert_type(client.flow_runs()[:10], Records[FlowRun])
        assert_type(client.flow_runs(limit=9) + client.flow_runs(limit=9, offset=9), Records[FlowRun])
        assert_type(client.task_runs(run_id, state="Failed"), Records[TaskRun])
        assert_type(client.projects(name="p"), Records[Project])
        assert_type(client.agents(is_active=True, labels=["a"]), Records[Agent])
        assert_type(client.late_flow_runs(overdue=60), Records[LateFlowRun])
        assert_type(client.explain_flow_run(run_id), Explanation)
        assert_type(client.explain_flow_run(run_id).reasons, tuple[Reason, ...])
        assert_type(client.flows().to_pandas(), DataFrame)
        assert_type(client.register_agent("LocalAgent", labels=["a"]), str)
        assert_type(client.get_agent_config(run_id), AgentConfig)
        assert_type(client.get_task_tag_limit("t"), int | None)
        assert_type(client.task_tag_limits(), Records[TagLimit])
        assert_type(client.task_tag_limits()[0].holders, tuple[TagSlot, ...] | None)
        assert_type(client.update_task_tag_limit("t", 1), str)
        assert_type(client.delete_task_tag_limit(run_id), None)
        assert_type(client.set_secret("s", {"any": "JSON"}), None)
        assert_type(client.get_secret("s"), Any)
        assert_type(client.delete_secret("s"), bool)
        assert_type(client.secret_names(), list[str])
        assert_type(client.set_key_value("k", 1), str)
        assert_type(client.get_key_value("k"), Any)
        assert_type(client.delete_key_value("k"), bool)
        assert_type(client.key_names(), list[str])
        assert_type(client.create_task_run_artifact(run_id, "link", {"link": "x"}), str)
        assert_type(client.update_task_run_artifact(run_id, {"link": "y"}), None)
        assert_type(client.delete_task_run_artifact(run_id), None)
        assert_type(client.graphql({"query": {"hello"}}, variables={"a": 1}), GraphQLResult)
        assert_type(client.get("health", params={"a": 1}), dict[str, Any])
        assert_type(client.post("x", headers={"a": "b"}), dict[str, Any])
        assert_type(client.attach_headers({"a": "b"}), None)
        assert_type(client.api_server, str)
        assert_type(client.tenant_id, str | None)
        assert_type(client.close(), None)


async def in_tasks(run_id: UUID) -> None:
    """The same in tasks; that nothing is missing is what `test_public_api` is for."""
    async with AsyncClient() as client:
        assert_type(client, AsyncClient)
        assert_type(await client.create_flow_run("x"), str)
        assert_type(await client.get_flow_run_info(run_id), FlowRunInfo)
        assert_type(await client.set_task_run_state(run_id, 1, Running()), State)
        assert_type(await client.watch_flow_run(run_id, display=PlainDisplay()), State)
        assert_type(await client.plot_timeline(run_id), Axes)
        assert_type(await client.update_heartbeats([run_id]), list[HeartbeatResult])
        assert_type(await client.graphql("{ hello }"), GraphQLResult)
        assert_type(client.save_api_token(), None)
        assert_type(await client.aclose(), None)


async def in_tests() -> None:
    """What tests use."""
    with memory_client(clock=VirtualClock()) as client:
        assert_type(client, Client)
    async with async_memory_client() as async_client:
        assert_type(async_client, AsyncClient)
    with MemoryServer(auth="token") as server:
        assert_type(server.client(), Client)
        assert_type(server.api_token, str | None)


def what_must_not_pass(client: Client) -> None:
    """Mistakes that a type checker finds; an ignore that is not needed would be an error itself."""
    client.set_flow_run_state("x", Running(), 1)  # type: ignore[arg-type]
    client.create_api_token("x", scope="ADMIN")  # type: ignore[arg-type]
    client.create_flow_runs([{"flow": "x"}])  # type: ignore[typeddict-unknown-key]
    client.flow_runs(state=3)  # type: ignore[arg-type]
    client.flow_runs(flow_name="f")  # type: ignore[call-arg]
    client.create_project()  # type: ignore[call-arg]
