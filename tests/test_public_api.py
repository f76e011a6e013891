"""What the package offers by name, and that both clients offer the same."""

from __future__ import annotations

import inspect
import pkgutil
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import orchestra_client
from orchestra_client import AsyncClient, Client, results

ROOT = Path(__file__).resolve().parent.parent

PREFECT_0_12 = [
    "attach_headers",
    "create_flow_run",
    "create_project",
    "delete_task_tag_limit",
    "get",
    "get_auth_token",
    "get_available_tenants",
    "get_cloud_url",
    "get_default_tenant_slug",
    "get_flow_run_info",
    "get_latest_cached_states",
    "get_task_run_info",
    "get_task_tag_limit",
    "graphql",
    "login_to_tenant",
    "logout_from_tenant",
    "post",
    "register",
    "register_agent",
    "save_api_token",
    "set_flow_run_state",
    "set_secret",
    "set_task_run_state",
    "update_flow_run_heartbeat",
    "update_task_run_heartbeat",
    "update_task_tag_limit",
    "write_run_logs",
]

PREFECT_1_4 = [
    "delete_project",
    "set_flow_run_name",
    "set_task_run_name",
    "get_flow_run_state",
    "get_task_run_state",
    "cancel_flow_run",
    "create_tenant",
    "create_task_run_artifact",
    "update_task_run_artifact",
    "delete_task_run_artifact",
    "get_agent_config",
]

OURS = [
    "get_secret",
    "delete_secret",
    "secret_names",
    "set_key_value",
    "get_key_value",
    "delete_key_value",
    "key_names",
    "task_tag_limits",
    "get_runs_in_queue",
    "archive_flow",
    "set_schedule_active",
    "set_schedule_inactive",
    "create_api_token",
    "delete_api_token",
    "api_tokens",
    "login_with_oidc",
    "create_trust",
    "trusts",
    "delete_trust",
    "create_flow_runs",
    "set_flow_run_states",
    "set_task_run_states",
    "update_heartbeats",
    "get_flow_run_logs",
    "wait_for_flow_run",
    "watch_flow_run",
    "plot_timeline",
    "get_mapped_children",
    "get_task_run_infos",
    "gql_transport",
    "agents",
    "explain_flow_run",
    "flow_runs",
    "flows",
    "late_flow_runs",
    "plan_registration",
    "projects",
    "register_flows",
    "task_runs",
]

# The arguments of 0.12's client, in its order; ours may only follow them.
SIGNATURES = {
    "attach_headers": "headers",
    "create_flow_run": "flow_id context parameters scheduled_start_time idempotency_key run_name version_group_id",
    "create_project": "project_name project_description",
    "delete_task_tag_limit": "limit_id",
    "get": "path server headers params token",
    "get_auth_token": "",
    "get_available_tenants": "",
    "get_cloud_url": "subdirectory id as_user",
    "get_default_tenant_slug": "as_user",
    "get_flow_run_info": "flow_run_id",
    "get_latest_cached_states": "task_id cache_key created_after",
    "get_task_run_info": "flow_run_id task_id map_index",
    "get_task_tag_limit": "tag",
    "graphql": "query raise_on_error headers variables token",
    "login_to_tenant": "tenant_slug tenant_id",
    "logout_from_tenant": "",
    "post": "path server headers params token",
    "register": "flow project_name build set_schedule_active version_group_id compressed no_url",
    "register_agent": "agent_type name labels",
    "save_api_token": "",
    "set_flow_run_state": "flow_run_id version state",
    "set_secret": "name value",
    "set_task_run_state": "task_run_id version state cache_for",
    "update_flow_run_heartbeat": "flow_run_id",
    "update_task_run_heartbeat": "task_run_id",
    "update_task_tag_limit": "tag limit",
    "write_run_logs": "logs",
}


def methods(client: type) -> dict[str, Any]:
    return {name: value for name, value in inspect.getmembers(client, callable) if not name.startswith("_")}


def test_the_public_names_are_sorted_and_complete() -> None:
    names = orchestra_client.__all__

    assert names == sorted(names)
    assert set(names) == set(orchestra_client._HOMES) | {"__version__"}
    assert dir(orchestra_client) == names
    assert all(getattr(orchestra_client, name) is not None for name in names)


def test_a_name_that_does_not_exist_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="Flows"):
        _ = orchestra_client.Flows  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "module",
    [
        "errors",
        "graphql",
        "results",
        "states",
        "testing",
        "transport",
        "operation",
        "clock",
        "client",
        "async_client",
    ],
)
def test_every_public_module_lists_what_it_offers(module: str) -> None:
    found = import_module(f"orchestra_client.{module}")

    assert found.__all__ == sorted(found.__all__)
    assert all(hasattr(found, name) for name in found.__all__)


def test_every_result_is_listed() -> None:
    records = [
        name
        for name, value in vars(results).items()
        if isinstance(value, type) and value.__module__.startswith(results.__name__)
    ]

    assert set(records) <= set(results.__all__)


def test_nothing_of_the_api_is_missing() -> None:
    assert {*PREFECT_0_12, *PREFECT_1_4, *OURS} | {"close"} == set(methods(Client))
    assert sorted(SIGNATURES) == sorted(PREFECT_0_12)


@pytest.mark.parametrize("name", PREFECT_0_12)
def test_the_older_clients_arguments_stand_first_and_in_its_order(name: str) -> None:
    expected = SIGNATURES[name].split()

    given = list(inspect.signature(methods(Client)[name]).parameters)[1:]

    assert given[: len(expected)] == expected


def test_both_clients_have_the_same_methods_with_the_same_signatures() -> None:
    sync, tasks = methods(Client), methods(AsyncClient)

    assert set(tasks) == {"aclose" if name == "close" else name for name in sync}
    for name in set(sync) - {"close", "gql_transport"}:
        assert inspect.signature(sync[name]) == inspect.signature(tasks[name]), name
    assert str(inspect.signature(Client)).replace("'Transport", "'AsyncTransport") == str(
        inspect.signature(AsyncClient)
    )


@pytest.mark.parametrize("client", [Client, AsyncClient])
def test_every_method_explains_itself(client: type) -> None:
    for name, method in methods(client).items():
        text = inspect.getdoc(method) or ""
        arguments = [each for each in inspect.signature(method).parameters if each != "self"]
        assert text.split("\n")[0].endswith("."), name
        for argument in arguments:
            assert re.search(rf"^ +{argument}: ", text, re.MULTILINE), f"{name} does not explain {argument}"


def test_the_methods_of_tasks_are_coroutines() -> None:
    immediate = {"attach_headers", "save_api_token", "gql_transport"}

    assert {
        name for name, method in methods(AsyncClient).items() if not inspect.iscoroutinefunction(method)
    } == immediate
    assert not any(map(inspect.iscoroutinefunction, methods(Client).values()))


def modules_after(code: str) -> set[str]:
    script = f"{code}; import sys; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, check=True, capture_output=True, text=True
    )
    return set(done.stdout.split())


@pytest.mark.slow
def test_importing_the_package_imports_nothing_heavy() -> None:
    heavy = {
        "gql",
        "graphql",
        "httpx",
        "pendulum",
        "marshmallow",
        "sqlalchemy",
        "asyncio",
        "jwt",
        "platformdirs",
    }

    assert not modules_after("import orchestra_client") & heavy


@pytest.mark.slow
def test_the_client_needs_neither_the_server_nor_gql() -> None:
    heavy = {
        "gql",
        "graphql",
        "sqlalchemy",
        "starlette",
        "uvicorn",
        "alembic",
        "orchestra_client.server.service",
    }

    loaded = modules_after("from orchestra_client import Client; Client('http://127.0.0.1:9').close()")

    assert not loaded & heavy


def test_every_module_imports() -> None:
    for info in pkgutil.walk_packages(orchestra_client.__path__, "orchestra_client."):
        if ".cli" not in info.name and ".migrations" not in info.name and not info.name.endswith("__main__"):
            import_module(info.name)
