"""What each kind of token may ask for, from the contract's own `@roles`; and a run's token, shut in with its run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from .contract import Path, Root, is_of_table, mutations, paths, roots, sample, tables
from .world import UNKNOWN, Asker, World, codes, flow, plausible, table_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestra_client.server.service import Answer


def _nobodys(root: Root) -> dict[str, Any]:
    """Arguments that refer to nothing, so that being allowed changes as little as possible."""
    return sample(root.definition.args, plausible(root, lambda _table: UNKNOWN))


def _is_shut_out(answer: Answer, root: Root) -> bool:
    """Whether the field itself was refused, not what it was asked to do."""
    return any(
        error["message"].endswith(f"may not use {root.name}.") for error in answer.body.get("errors", [])
    )


class TestMatrix:
    """Given a root field and a role, then the field is refused exactly where the contract says so."""

    @pytest.mark.parametrize("role", ["USER", "TENANT", "RUNNER", "bound RUNNER"])
    @pytest.mark.parametrize("root", roots().values(), ids=lambda root: root.name)
    def test_a_role_may_what_it_is_allowed_and_nothing_else(
        self, world: World, root: Root, role: str
    ) -> None:
        is_allowed = role.removeprefix("bound ") in root.allow and (root.run_bound or role != "bound RUNNER")
        answer = world.askers[role].attack(root, _nobodys(root))
        told = codes(answer)
        if is_allowed:
            assert not _is_shut_out(answer, root)
        else:
            assert told == ["FORBIDDEN"]
            assert _is_shut_out(answer, root)
            assert answer.status == 200
            assert answer.body["data"] is None

    @pytest.mark.parametrize("root", roots().values(), ids=lambda root: root.name)
    def test_a_refresh_token_may_refresh_and_nothing_else(self, world: World, root: Root) -> None:
        pair = world.user.do("switch_tenant", "access_token refresh_token", tenant_id=world.mine)
        before = world.image()
        arguments = _nobodys(root)
        if root.name == "refresh_token":
            arguments = {"input": {"access_token": pair["access_token"]}}
        refresher = Asker(world.service, pair["refresh_token"])
        expected = [] if root.name == "refresh_token" else ["UNAUTHENTICATED"]
        assert codes(refresher.attack(root, arguments)) == expected
        assert world.image() == before

    @pytest.mark.parametrize("root", roots().values(), ids=lambda root: root.name)
    def test_without_a_credential_what_is_open_is_read_and_nothing_else(
        self, world: World, root: Root
    ) -> None:
        before = world.image()
        answer = Asker(world.service).attack(root, _nobodys(root))
        assert codes(answer) == ["UNAUTHENTICATED"]
        assert ("has no token" in answer.body["errors"][0]["message"]) is not root.is_open
        assert world.image() == before

    @pytest.mark.parametrize("root", mutations(), ids=lambda root: root.name)
    def test_a_refused_field_stops_its_neighbours(self, world: World, root: Root) -> None:
        if "RUNNER" in root.allow:
            return
        before = world.image()
        query = root.document.replace(
            "{ ", '{ neighbour: set_key_value(input: {key: "new", value: 1}) { id } ', 1
        )
        assert codes(world.runner.answer(query, _nobodys(root))) == ["FORBIDDEN"]
        assert world.image() == before

    def test_no_alias_and_no_fragment_hides_a_field(self, world: World) -> None:
        for query in (
            "{ hello: secret_names }",
            "{ ...F } fragment F on Query { hello: secret_names }",
            "{ ... on Query { ... { hello: secret_names } } }",
            "query($yes: Boolean = true) { hello @skip(if: $yes) hello: secret_names @include(if: $yes) }",
        ):
            assert codes(world.runner.answer(query))[-1] in ("FORBIDDEN", "GRAPHQL_VALIDATION_FAILED")

    def test_a_role_cannot_hand_on_more_than_it_has(self, world: World) -> None:
        for asker, scope in (("TENANT", "USER"), ("RUNNER", "RUNNER"), ("bound RUNNER", "RUNNER")):
            query = 'mutation($s: role!) { create_api_token(input: {name: "t", scope: $s}) { token } }'
            assert codes(world.askers[asker].answer(query, {"s": scope})) == ["FORBIDDEN"]

    def test_what_a_runner_may_call_it_may_call_with_its_own_run(self, world: World) -> None:
        """Else being shut in would tell nothing."""
        state = {"type": "Success", "message": "done"}
        task_run = _task_run(world, world.run)
        assert world.bound.do(
            "set_task_run_states", "states { status }", states=[{"task_run_id": task_run, "state": state}]
        )["states"] == [{"status": "SUCCESS"}]
        world.bound.do("write_run_logs", logs=[{"flow_run_id": world.run, "message": "m"}])
        world.bound.do("update_flow_run_heartbeat", flow_run_id=world.run)
        world.bound.do("set_key_value", "id", key="of a run", value=1)
        assert world.bound('{ secret_value(name: "secret") }')["secret_value"].startswith("secret of")


WITH_RUN = [
    pytest.param(root, path, id=f"{root.name}({'.'.join(path)})")
    for root in roots().values()
    if not is_of_table(root) and "RUNNER" in root.allow and root.run_bound
    for path in paths(root.definition.args, {"UUID"})
    if table_of(path, root) in {"flow_run", "task_run", "task_run_artifact"}
]


def _task_run(world: World, flow_run_id: str) -> str:
    rows = world.rows(world.mine, "task_run")
    return next(str(row["id"]) for row in rows if row["flow_run_id"] == flow_run_id)


class TestBoundToOneRun:
    """Given a token for one run, then the tenant's other runs are as far away as another tenant's."""

    @pytest.fixture
    def other(self, world: World) -> Iterator[dict[str, str]]:
        """The ids of another run of the tenant, and of what belongs to it."""
        run = next(key for key in world.ids(world.mine, "flow_run") if key != world.run)
        task_run = _task_run(world, run)
        artifacts = world.rows(world.mine, "task_run_artifact")
        artifact = next(row["id"] for row in artifacts if row["task_run_id"] == task_run)
        return {"flow_run": run, "task_run": task_run, "task_run_artifact": artifact}

    @pytest.mark.parametrize("name", [name for name in tables() if "RUNNER" in roots()[name].allow])
    def test_only_what_a_run_needs_is_seen(self, world: World, other: dict[str, str], name: str) -> None:
        seen = {row["id"] for row in world.bound(f"{{ {name} {{ id }} }}")[name]}
        rows = world.rows(world.mine, name)
        assert seen == {row["id"] for row in rows if _is_needed(name, row, world)}
        assert other.get(name) not in seen

    def test_other_flows_are_not_seen(self, world: World) -> None:
        fields = "{ flow { name } task { slug } edge { key } project { name } flow_group { name } }"
        before = world.bound(fields)
        project = world.tenant.do("create_project", "id", name="another")["id"]
        world.tenant.do("create_flow", "id", project_id=project, serialized_flow=flow("another"))
        assert world.bound(fields) == before

    @pytest.mark.parametrize(("root", "path"), WITH_RUN)
    def test_another_run_is_not_to_be_found(
        self, world: World, other: dict[str, str], root: Root, path: Path
    ) -> None:
        def of_other(table: str) -> str:
            return other.get(table) or world.ids(world.mine, table)[0]

        before = {name: rows for name, rows in world.dump().items() if name != "key_value"}
        answer = world.bound.attack(
            root, sample(root.definition.args, plausible(root, of_other), through=path)
        )
        told = codes(answer)
        assert told in (["NOT_FOUND"], ["BAD_USER_INPUT"]) or "'success': False" in str(answer.body)
        after = {name: rows for name, rows in world.dump().items() if name != "key_value"}
        assert after == before

    def test_a_batch_reaches_its_own_run_alone(self, world: World, other: dict[str, str]) -> None:
        items = [
            {"flow_run_id": run, "state": {"type": "Success", "message": "done"}}
            for run in (other["flow_run"], world.run)
        ]
        answer = world.bound.do("set_flow_run_states", "states { status code }", states=items)
        assert [item["code"] for item in answer["states"]] == ["NOT_FOUND", None]

    def test_cached_results_of_other_runs_are_there_to_be_reused(
        self, world: World, other: dict[str, str]
    ) -> None:
        item = {"task_run_id": other["task_run"], "state": {"type": "Cached", "message": "kept"}}
        world.tenant.do("set_task_run_states", "states { status }", states=[item])
        found = world.bound('{ task_run(where: {state: {_eq: "Cached"}}) { id } }')["task_run"]
        assert found == [{"id": other["task_run"]}]

    def test_a_cached_task_run_leads_nowhere_else(self, world: World, other: dict[str, str]) -> None:
        item = {"task_run_id": other["task_run"], "state": {"type": "Cached", "message": "kept"}}
        world.tenant.do("set_task_run_states", "states { status }", states=[item])
        [row] = world.bound(
            """{ task_run(where: {state: {_eq: "Cached"}}) {
                   flow_run { id } logs { id } states { id } artifacts { id } logs_aggregate { aggregate { count } } } }"""
        )["task_run"]
        counted = {"aggregate": {"count": 0}}
        assert row == {"flow_run": None, "logs": [], "states": [], "artifacts": [], "logs_aggregate": counted}


def _is_needed(table: str, row: dict[str, Any], world: World) -> bool:
    """Whether WIRE.md's "a RUNNER token only what a run needs" covers a row; the world has one flow and two runs."""
    match table:
        case "tenant" | "project" | "flow_group" | "flow" | "task" | "edge" | "key_value":
            return True
        case "flow_run":
            return bool(row["id"] == world.run)
        case "task_run" | "flow_run_state" | "log":
            return bool(row["flow_run_id"] == world.run)
        case "task_run_state" | "task_run_artifact":
            task_runs = world.rows(world.mine, "task_run")
            return row["task_run_id"] in {r["id"] for r in task_runs if r["flow_run_id"] == world.run}
    return False
