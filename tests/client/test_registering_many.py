"""Many flows are registered as one thing: planned, compared, sent a few requests at a time, each refusal by itself."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from orchestra_client.errors import (
    BadInput,
    ConfigurationError,
    FlowError,
    FlowStorageError,
    PayloadTooLarge,
    TransportError,
)
from orchestra_client.flows import Flow, Local, LocalRun, Module, Script, UniversalRun, task
from orchestra_client.schedules import IntervalSchedule
from orchestra_client.testing import AsyncFaultyTransport, FaultyTransport
from orchestra_client.transport import Request, Response
from orchestra_client.transport.embedded import AsyncEmbeddedTransport, EmbeddedTransport

if TYPE_CHECKING:
    from pathlib import Path

    from orchestra_client.results import RegisteredFlow
    from orchestra_client.testing import Faults, MemoryServer


def one(name: str, *, retries: int = 0, **settings: Any) -> Flow:
    @task(max_retries=retries, retry_delay=timedelta(seconds=1) if retries else None)
    def load(x: int) -> int:
        return x

    with Flow(name, **settings) as flow:
        load(1)
    return flow


def several(number: int, **settings: Any) -> list[Flow]:
    return [one(f"flow {index:03}", **settings) for index in range(number)]


def bad(name: str) -> dict[str, Any]:
    """A flow that the client has nothing against, and the server refuses."""
    return {"name": name, "tasks": [{"slug": "a", "name": "a", "max_retries": -1}], "edges": []}


def rows(client: Any, where: str = "") -> list[Any]:
    query = f"{{ flow{where} {{ id name version archived is_schedule_active idempotency_key run_config storage }} }}"
    found: list[Any] = client.graphql(query)["data"]["flow"]
    return sorted(found, key=lambda row: (row["name"], row["version"]))


def current(client: Any) -> dict[str, int]:
    return {row["name"]: row["version"] for row in rows(client, "(where: {archived: {_eq: false}})")}


def kinds(plan_or_result: Any) -> list[str]:
    items = plan_or_result.changes if hasattr(plan_or_result, "changes") else plan_or_result.flows
    return [each.kind for each in items]


@pytest.fixture
def client(client: Any) -> Any:
    client.create_project("sales")
    return client


class TestPlans:
    """A plan says what would change, and changes nothing."""

    def test_flows_are_new_changed_unchanged_or_archived(self, client: Any) -> None:
        client.register_flows([one("a"), one("b"), one("c")], "sales", build=False)

        plan = client.plan_registration([one("new"), one("b", retries=3), one("a")], "sales", prune=True)

        assert [(each.name, each.kind, each.version) for each in plan.changes] == [
            ("new", "new", None),
            ("b", "changed", 1),
            ("a", "unchanged", 1),
            ("c", "archived", 1),
        ]
        assert plan.project.name == "sales"
        assert plan
        assert current(client) == {"a": 1, "b": 1, "c": 1}

    def test_nothing_to_do_is_false(self, client: Any) -> None:
        client.register_flows(several(3), "sales", build=False)
        assert not client.plan_registration(several(3), "sales", prune=True)

    def test_without_any_flow_pruning_archives_all(self, client: Any) -> None:
        client.register_flows(several(2), "sales", build=False)
        assert kinds(client.plan_registration([], "sales", prune=True)) == ["archived", "archived"]

    def test_a_change_has_its_difference(self, client: Any) -> None:
        client.register_flows([one("a")], "sales", build=False)

        [change] = client.plan_registration([one("a", retries=3)], "sales").changes

        assert list(change.diff.lines()) == ["~ task load-1: max_retries: 0 → 3, retry_delay: none → 1"]

    @pytest.mark.parametrize("number", [3, 800])
    def test_unchanged_flows_take_one_request(self, client: Any, faults: Faults, number: int) -> None:
        flows = several(number)
        client.register_flows(flows, "sales", build=False)
        before = len(faults.requests)

        plan = client.plan_registration(flows, "sales")
        assert len(faults.requests) - before == 1
        assert set(kinds(plan)) == {"unchanged"}

        result = client.register_flows(flows, "sales", prune=True)
        assert len(faults.requests) - before <= 5
        assert set(kinds(result)) == {"unchanged"}
        assert len(rows(client)) == number

    def test_what_was_registered_in_pieces_is_compared_with_its_tasks(self, client: Any) -> None:
        """Given a flow as Prefect 1.4 registers it, its tasks after it, then these are what differs from."""
        written = one("a", retries=2).serialize()
        bare = {**written, "tasks": [], "edges": []}
        mutation = "mutation($input: %s_input!) { %s(input: $input) { __typename } }"
        flow_id = client.register(bare, "sales", no_url=True, idempotency_key="of Prefect")
        tasks = {"flow_id": flow_id, "serialized_tasks": written["tasks"]}
        client.graphql(mutation % (("register_tasks",) * 2), variables={"input": tasks})

        [change] = client.plan_registration([one("a", retries=3)], "sales").changes

        assert change.kind == "changed"
        assert [str(each) for each in change.diff.tasks_changed] == ["load-1: max_retries: 2 → 3"]
        assert (change.diff.tasks_added, change.diff.is_partial) == ((), True)

    def test_a_forced_version_is_not_changed_afterwards(self, client: Any) -> None:
        for flows in ([one("a")], [{"name": "a", "tasks": [], "edges": []}]):
            client.register_flows(flows, "sales", build=False, force=True)
            assert kinds(client.plan_registration(flows, "sales")) == ["unchanged"]

    def test_a_version_that_was_registered_with_another_key_is_compared_by_its_content(
        self, client: Any
    ) -> None:
        client.register(one("a"), "sales", build=False, idempotency_key="of my own", no_url=True)

        assert kinds(client.plan_registration([one("a")], "sales")) == ["unchanged"]
        assert kinds(client.plan_registration([one("a", retries=1)], "sales")) == ["changed"]

    def test_an_archived_flow_is_changed_even_if_its_content_is_not(self, client: Any) -> None:
        client.archive_flow(client.register(one("a"), "sales", build=False, no_url=True))

        [change] = client.plan_registration([one("a")], "sales").changes
        assert (change.kind, str(change.diff)) == ("changed", "~ archived: True → False")
        client.register_flows([one("a")], "sales", build=False)

        assert current(client) == {"a": 2}

    def test_a_flow_under_a_new_name_is_new(self, client: Any) -> None:
        client.register_flows([one("before")], "sales", build=False)
        assert kinds(client.plan_registration([one("after")], "sales", prune=True)) == ["new", "archived"]

    def test_a_name_from_earlier_in_a_version_group_is_compared_with_the_groups_latest(
        self, client: Any
    ) -> None:
        """Given a group whose latest version has another name, when the old name comes back, then it has changed."""
        for name in ("old name", "new name"):
            client.register(one(name), "sales", build=False, version_group_id="group", no_url=True)

        [change] = client.plan_registration([one("old name")], "sales").changes
        client.register_flows([one("old name")], "sales", build=False)

        assert (change.kind, change.version) == ("changed", 2)
        assert current(client) == {"old name": 3}

    def test_other_projects_do_not_count(self, client: Any) -> None:
        client.create_project("other")
        client.register_flows([one("a")], "other", build=False)

        assert kinds(client.plan_registration([one("a")], "sales", prune=True)) == ["new"]
        assert kinds(client.plan_registration([], "sales", prune=True)) == []

    def test_two_flows_of_one_name_are_refused(self, client: Any) -> None:
        with pytest.raises(BadInput, match=r"flows\[0\] and flows\[2\] are both named 'a'"):
            client.plan_registration([one("a"), one("b"), one("a")], "sales")

    def test_a_project_that_does_not_exist_is_told(self, client: Any) -> None:
        for flows in ([], [one("a")]):
            with pytest.raises(
                BadInput, match=r"no project 'nowhere'; create it with create_project\('nowhere'\)"
            ):
                client.plan_registration(flows, "nowhere")

    def test_a_single_flow_is_no_list(self, client: Any) -> None:
        for flow in (one("a"), one("a").serialize()):
            with pytest.raises(TypeError, match="a list of flows"):
                client.plan_registration(flow, "sales")

    def test_what_is_no_flow_is_a_type_error(self, client: Any) -> None:
        with pytest.raises(TypeError, match=r"flows\[1\] must have a method serialize"):
            client.plan_registration([one("a"), "flow.py"], "sales")

    def test_a_flow_that_cannot_be_written_is_refused_and_the_others_are_planned(self, client: Any) -> None:
        class Broken:
            name = "broken"

            def serialize(self, build: bool = False) -> Any:
                raise TypeError("no such file")

        flows = [Broken(), {"name": " "}, one("a", storage=Script("/nowhere.py")), one("b")]
        changes = client.plan_registration(flows, "sales").changes

        assert [each.kind for each in changes] == ["refused", "refused", "refused", "new"]
        assert "TypeError: no such file" in str(changes[0].error)
        assert [type(each.error) for each in changes[:3]] == [FlowError, BadInput, FlowStorageError]

    @pytest.mark.parametrize("name", ["a\0", "a\ud800"])
    def test_a_name_that_cannot_be_sent_is_refused_and_the_others_are_registered(
        self, client: Any, name: str
    ) -> None:
        result = client.register_flows([{"name": name, "tasks": []}, one("good")], "sales")

        assert [(each.name, each.kind) for each in result.flows] == [("flows[0]", "refused"), ("good", "new")]
        assert "half of a surrogate pair" in str(result.failed[0].error)


class TestLabels:
    """Labels of a registration are added to the flows' own, and are part of what is compared."""

    def test_they_join_the_flows_own(self, client: Any) -> None:
        flows = [one("a", run_config=LocalRun(labels=["gpu"], env={"A": "1"})), one("b")]

        client.register_flows(flows, "sales", build=False, labels=["prod", "prod"])

        a, b = rows(client)
        assert (a["run_config"]["type"], a["run_config"]["labels"]) == ("LocalRun", ["gpu", "prod"])
        assert a["run_config"]["env"] == {"A": "1"}
        assert (b["run_config"]["type"], b["run_config"]["labels"]) == ("UniversalRun", ["prod"])
        assert flows[0].run_config is not None
        assert flows[0].run_config.labels == {"gpu"}

    def test_other_labels_are_a_change_and_the_same_are_none(self, client: Any) -> None:
        client.register_flows([one("a")], "sales", build=False, labels=["x", "y"])

        assert kinds(client.plan_registration([one("a")], "sales", labels=["y", "x"])) == ["unchanged"]
        assert kinds(client.plan_registration([one("a")], "sales", labels=["x"])) == ["changed"]
        written = one("a", run_config=UniversalRun(labels=["x", "y"]))
        assert kinds(client.plan_registration([written], "sales")) == ["unchanged"]

    def test_of_a_flow_that_hashes_itself_they_count_too(self, client: Any) -> None:
        class Own:
            def serialize(self, build: bool = False) -> dict[str, Any]:
                return {"name": "own", "tasks": [], "edges": [], "environment": {"labels": ["a"]}}

            def content_hash(self) -> str:
                return "h"

        client.register_flows([Own()], "sales", labels=["b"])

        assert kinds(client.plan_registration([Own()], "sales", labels=["b"])) == ["unchanged"]
        assert kinds(client.plan_registration([Own()], "sales")) == ["changed"]
        assert client.graphql("{ flow { environment } }").data.flow[0].environment == {"labels": ["a", "b"]}


class TestRegistering:
    """What has changed is registered; what is refused stops nobody."""

    def test_only_what_has_changed_makes_a_version(self, client: Any) -> None:
        client.register_flows([one("a"), one("b")], "sales", build=False)

        result = client.register_flows([one("a"), one("b", retries=1), one("c")], "sales", build=False)

        assert [(each.name, each.kind, each.version) for each in result.flows] == [
            ("a", "unchanged", 1),
            ("b", "changed", 2),
            ("c", "new", 1),
        ]
        assert {row["id"] for row in rows(client, "(where: {archived: {_eq: false}})")} == {
            each.flow_id for each in result.flows
        }
        assert result

    def test_one_that_is_refused_stops_nobody(self, client: Any) -> None:
        flows = [one("a"), bad("b"), one("c"), {"name": "d", "tasks": [{}]}]

        result = client.register_flows(flows, "sales", build=False)

        assert [bool(each) for each in result.flows] == [True, False, True, False]
        assert not result
        assert [each.name for each in result.failed] == ["b", "d"]
        assert "max_retries" in str(result.flows[1].error)
        assert isinstance(result.flows[1].error, BadInput)
        assert current(client) == {"a": 1, "c": 1}

    def test_only_new_and_changed_flows_are_built(self, client: Any, tmp_path: Path) -> None:
        """Given an unchanged and a changed flow, when both are registered, then one file is written."""
        same, other = one("a", storage=Local(tmp_path / "a")), one("b", storage=Local(tmp_path / "b"))
        client.register_flows([same], "sales", build=False)

        result = client.register_flows([same, other], "sales")

        assert kinds(result) == ["unchanged", "new"]
        assert not (tmp_path / "a").exists()
        assert len(list((tmp_path / "b").rglob("*.json"))) == 1
        assert rows(client)[1]["storage"]["flows"]

    def test_building_that_fails_is_that_flows_error(self, client: Any) -> None:
        class Image:
            name = "image"

            def serialize(self, build: bool = False) -> dict[str, Any]:
                if build:
                    raise OSError("no docker here")
                return {"name": "image", "tasks": [], "edges": []}

        result = client.register_flows([Image(), one("a", storage=Module("m")), one("b")], "sales")

        assert "building the flow failed: OSError: no docker here" in str(result.flows[0].error)
        assert "has no storage" in str(result.flows[2].error)
        assert current(client) == {"a": 1}

    def test_building_changes_no_hash(self, client: Any, tmp_path: Path) -> None:
        (tmp_path / "flow.py").write_text("x = 1")
        flows = [one("a", storage=Script(tmp_path / "flow.py")), one("b", storage=Module("m"))]
        client.register_flows(flows, "sales")
        assert kinds(client.plan_registration(flows, "sales")) == ["unchanged", "unchanged"]

    def test_schedules_are_active_unless_they_shall_not(self, client: Any) -> None:
        def scheduled(name: str) -> Flow:
            return one(name, schedule=IntervalSchedule(timedelta(hours=1)))

        client.register_flows([scheduled("a")], "sales", build=False)
        client.register_flows([scheduled("b")], "sales", build=False, set_schedule_active=False)

        assert [row["is_schedule_active"] for row in rows(client)] == [True, False]

    def test_forcing_twice_makes_two_versions(self, client: Any) -> None:
        for _ in range(3):
            client.register_flows([one("a")], "sales", build=False, force=True)
        assert current(client) == {"a": 3}

    def test_force_makes_versions_of_all(self, client: Any) -> None:
        client.register_flows([one("a"), one("b")], "sales", build=False)

        result = client.register_flows([one("a"), one("b", retries=1)], "sales", build=False, force=True)

        assert kinds(result) == ["changed", "changed"]
        assert current(client) == {"a": 2, "b": 2}
        assert not client.plan_registration([one("a")], "sales", force=True).changes[0].diff

    def test_what_is_not_given_is_archived(self, client: Any) -> None:
        client.register_flows([one("a"), one("b"), one("c")], "sales", build=False)

        result = client.register_flows([one("b")], "sales", build=False, prune=True)

        assert [(each.name, each.kind) for each in result.flows] == [
            ("b", "unchanged"),
            ("a", "archived"),
            ("c", "archived"),
        ]
        assert current(client) == {"b": 1}

    def test_nothing_is_archived_while_a_flow_fails(self, client: Any) -> None:
        """Given a flow that failed, which may be another under its new name, then the others stay."""
        client.register_flows([one("a")], "sales", build=False)

        result = client.register_flows([bad("b")], "sales", prune=True)

        assert [bool(each) for each in result.flows] == [False, False]
        assert "left as it is" in str(result.flows[1].error)
        assert current(client) == {"a": 1}

    def test_a_flow_that_is_refused_is_not_archived(self, client: Any) -> None:
        client.register_flows([one("a")], "sales", build=False)
        broken = one("a", storage=Script("/nowhere.py"))

        assert kinds(client.plan_registration([broken], "sales", prune=True)) == ["refused"]

    def test_progress_is_told_for_each(self, client: Any) -> None:
        client.register_flows([one("a"), one("z")], "sales", build=False)
        told: list[tuple[str, int, int]] = []

        def tell(flow: RegisteredFlow, done: int, total: int) -> None:
            told.append((f"{flow.name} {flow.kind} {flow.version} {bool(flow)}", done, total))

        flows = [one("a"), one("b"), one("c")]
        client.register_flows(flows, "sales", build=False, prune=True, on_progress=tell)

        assert told == [
            ("a unchanged 1 True", 1, 4),
            ("b new 1 True", 2, 4),
            ("c new 1 True", 3, 4),
            ("z archived 1 True", 4, 4),
        ]

    def test_many_flows_take_few_requests(self, client: Any, faults: Faults) -> None:
        result = client.register_flows(several(120), "sales", build=False)

        assert [flow.version for flow in result.flows] == [1] * 120
        assert len(faults.sent("mutation RegisterFlows")) == 3

    def test_lost_answers_double_nothing(self, client: Any, faults: Faults) -> None:
        for options in ({}, {"force": True}, {"atomic": True}):
            faults.lose_answers(2, matching="mutation RegisterFlows")
            client.register_flows(
                [one("a", retries=len(rows(client))), one("b")], "sales", build=False, **options
            )

        assert current(client) == {"a": 3, "b": 2}

    def test_a_server_that_is_gone_stops_it_and_tells_what_was_done(
        self, client: Any, faults: Faults
    ) -> None:
        """Given an outage after the first request, then those registered are told, and all others have its error."""
        flows = several(60)

        def fail(*_: Any) -> None:
            faults.refuse_connections(1000)

        result = client.register_flows(flows, "sales", build=False, prune=True, on_progress=fail)

        assert [bool(each) for each in result.flows] == [True] * 50 + [False] * 10
        assert all(isinstance(each.error, TransportError) for each in result.failed)


class TestAtomic:
    """All of it or nothing."""

    def test_all_is_done_at_once(self, client: Any, faults: Faults) -> None:
        client.register_flows([one("a"), one("b"), one("z")], "sales", build=False)
        before = len(faults.sent("mutation"))

        flows = [one("a"), one("b", retries=1), one("c")]
        result = client.register_flows(flows, "sales", build=False, atomic=True, prune=True)

        assert len(faults.sent("mutation")) - before == 1
        assert [(each.name, each.kind, each.version) for each in result.flows] == [
            ("a", "unchanged", 1),
            ("b", "changed", 2),
            ("c", "new", 1),
            ("z", "archived", 1),
        ]
        assert current(client) == {"a": 1, "b": 2, "c": 1}

    def test_one_that_the_server_refuses_undoes_everything(self, client: Any) -> None:
        client.register_flows([one("a"), one("z")], "sales", build=False)
        before = rows(client)

        flows = [one("a", retries=1), one("b"), bad("middle"), one("c")]
        with pytest.raises(BadInput, match=r"^the flow 'middle': .*max_retries") as caught:
            client.register_flows(flows, "sales", build=False, atomic=True, prune=True)

        assert (caught.value.flow_name, caught.value.index) == ("middle", 2)
        assert rows(client) == before

    def test_one_that_cannot_be_built_stops_it_before_anything_is_sent(
        self, client: Any, faults: Faults
    ) -> None:
        for flows in ([one("a"), one("b")], [one("a"), {"name": ""}]):
            before = len(faults.sent("mutation"))
            with pytest.raises((FlowError, BadInput)) as caught:
                client.register_flows(flows, "sales", atomic=True)
            assert caught.value.flow_name in {"a", "flows[1]"}
            assert len(faults.sent("mutation")) == before

    def test_too_many_bytes_for_one_request_are_told(self, client: Any, faults: Faults) -> None:
        faults.answer(413, 1, matching="mutation RegisterFlows")
        with pytest.raises(PayloadTooLarge):
            client.register_flows([one("a")], "sales", build=False, atomic=True)
        assert current(client) == {}

    def test_nothing_to_do_sends_nothing(self, client: Any, faults: Faults) -> None:
        client.register_flows([one("a")], "sales", build=False)
        before = len(faults.sent("mutation"))
        assert client.register_flows([one("a")], "sales", atomic=True, prune=True)
        assert len(faults.sent("mutation")) == before


OURS = ("capabilities", "register_flows(")
WITHOUT_KEYS = (*OURS, "archived idempotency_key }")


def failed(message: str, code: str) -> Response:
    return Response(400, {}, {"errors": [{"message": message, "extensions": {"code": code}}]})


class Limits:
    """What a server does not know, and what it breaks at."""

    unknown: tuple[str, ...] = OURS
    is_broken = False

    def refused(self, request: Request) -> Response | None:
        if self.is_broken and "mutation CreateFlow" in request.text:
            return failed("out of memory", "INTERNAL_SERVER_ERROR")
        if any(part in request.text for part in self.unknown):
            return failed("Cannot query field", "GRAPHQL_VALIDATION_FAILED")
        return None


class Older(Limits, EmbeddedTransport):
    def send(self, request: Request) -> Response:
        return self.refused(request) or super().send(request)


class AsyncOlder(Limits, AsyncEmbeddedTransport):
    async def send(self, request: Request) -> Response:
        return self.refused(request) or await super().send(request)


class TestOlderServers:
    """Servers that register one flow after the other, and perhaps do not tell their keys."""

    @pytest.fixture(params=[OURS, WITHOUT_KEYS], ids=["with keys", "without keys"])
    def older(self, request: Any, server: MemoryServer, colour: str) -> Any:
        older: Any = (Older if colour == "sync" else AsyncOlder)(server._service)
        older.unknown = request.param
        return older

    @pytest.fixture
    def client(self, older: Any, open_client: Any, server: MemoryServer, colour: str) -> Any:
        faulty: Any = FaultyTransport if colour == "sync" else AsyncFaultyTransport
        client = open_client(server, transport=faulty(older, server.faults, server.clock))
        client.create_project("sales")
        return client

    def test_what_has_changed_is_registered(self, client: Any, faults: Faults) -> None:
        client.register_flows([one("a"), one("b"), one("z")], "sales", build=False)
        assert len(faults.sent("i2: create_flow_from_compressed_string")) == 1

        flows = [one("a"), one("b", retries=1), bad("c"), one("d")]
        result = client.register_flows(flows, "sales", build=False)

        assert [(each.name, each.kind, each.version, bool(each)) for each in result.flows] == [
            ("a", "unchanged", 1, True),
            ("b", "changed", 2, True),
            ("c", "new", None, False),
            ("d", "new", 1, True),
        ]
        assert kinds(client.register_flows([one("a")], "sales", prune=True)) == [
            "unchanged",
            *["archived"] * 3,
        ]
        assert current(client) == {"a": 1}

    def test_lost_answers_double_nothing(self, client: Any, faults: Faults) -> None:
        faults.lose_answers(2, matching="create_flow_from")
        client.register_flows([one("a"), one("b")], "sales", build=False)
        assert current(client) == {"a": 1, "b": 1}

    def test_atomic_is_refused_before_anything_is_sent(self, client: Any, faults: Faults) -> None:
        before = len(faults.sent("mutation"))
        with pytest.raises(ConfigurationError, match="atomic_registration"):
            client.register_flows([one("a")], "sales", build=False, atomic=True)
        assert len(faults.sent("mutation")) == before

    def test_a_large_flow_goes_in_pieces(self, client: Any) -> None:
        tasks = [{"name": f"t{number}", "slug": f"t{number}"} for number in range(501)]
        large = {"name": "large", "tasks": tasks, "edges": []}

        assert client.register_flows([one("a"), large, one("b")], "sales", build=False)

        assert current(client) == {"a": 1, "large": 1, "b": 1}
        counted = client.graphql("{ task_aggregate { aggregate { count } } }").data.task_aggregate.aggregate
        assert counted["count"] == 501 + 2

    def test_a_flow_whose_pieces_were_not_all_sent_becomes_whole(self, client: Any, faults: Faults) -> None:
        """Given a version that lacks tasks for an outage, when it is registered again, then all are there."""
        tasks = [{"name": f"t{number}", "slug": f"t{number}"} for number in range(1100)]
        large = {"name": "large", "tasks": tasks, "edges": []}
        faults.answer(418, 1, matching="RegisterTasks")
        assert not client.register_flows([large], "sales", build=False)

        assert kinds(client.plan_registration([large], "sales")) == ["changed"]
        assert client.register_flows([large], "sales", build=False)

        whole = "{ flow(where: {archived: {_eq: false}}) { tasks_aggregate { aggregate { count } } } }"
        [flow] = client.graphql(whole).data.flow
        assert flow.tasks_aggregate.aggregate["count"] == 1100

    def test_requests_that_are_too_large_are_divided(self, client: Any, faults: Faults) -> None:
        faults.answer(413, 1, matching="i0: create_flow_from_compressed_string")

        assert client.register_flows([one("a"), one("b")], "sales", build=False)
        assert current(client) == {"a": 1, "b": 1}

    def test_trouble_with_each_flow_ends_it(self, client: Any, older: Any, faults: Faults) -> None:
        older.is_broken = True

        result = client.register_flows(several(30), "sales", build=False)

        assert [bool(each) for each in result.flows] == [False] * 30
        assert len(faults.sent("mutation CreateFlow")) < 5
