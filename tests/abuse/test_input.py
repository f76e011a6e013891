"""Values of wrong kinds and sizes in every argument: refused with BAD_USER_INPUT, and nothing is changed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from orchestra_client.server.endpoint import _encoded

from .contract import Path, Root, is_of_table, mutations, paths, replaced, roots, sample, tables
from .world import World, codes, plausible, state

WRONG: dict[str, list[Any]] = {
    "UUID": [
        "",
        "x",
        7,
        1.5,
        True,
        [[]],
        {},
        "8f9b1f6e-3a0c-4d5e-9b7a-1c2d3e4f5a6",
        "8f9b1f6e-3a0c-4d5e-9b7a-1c2d3e4f5a6b\n",
        "{8f9b1f6e-3a0c-4d5e-9b7a-1c2d3e4f5a6b}",
        "urn:uuid:8f9b1f6e-3a0c-4d5e-9b7a-1c2d3e4f5a6b",
        "８f9b1f6e-3a0c-4d5e-9b7a-1c2d3e4f5a6b",
        "8f9b1f6e_3a0c_4d5e_9b7a_1c2d3e4f5a6b",
        "x" * 1_000_000,
    ],
    "String": [7, 1.5, True, {}, {"a": 1}, [[]], 2**70],
    "Int": ["7", 1.5, True, {}, 2**31, -(2**31) - 1, 2**70, 10**400, 1e400, float("nan")],
    "Boolean": ["true", 1, 0, {}, "no"],
    "DateTime": [
        "",
        "x",
        7,
        True,
        {},
        "2031-13-01T00:00:00Z",
        "2031-02-30T00:00:00Z",
        "10000-01-01T00:00:00Z",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "2031-01-01T00:00:00+99:99",
        "2031-01-01T00:00:00" + "Z" * 1_000_000,
    ],
    "role": ["ADMIN", "user", "", 7, True, {}],
    "log_level_name": [7, 20, True, {}],
    "log_level": ["NOTICE", "info", "", 7, 20, True, {}],
}


def cases(*scalars: str) -> list[Any]:
    return [
        pytest.param(root, path, scalar, id=f"{root.name}({'.'.join(path)})")
        for root in roots().values()
        if not is_of_table(root)
        for scalar in scalars
        for path in paths(root.definition.args, {scalar})
    ]


def _plain(world: World, root: Root, path: Path = ()) -> dict[str, Any]:
    return sample(root.definition.args, plausible(root, world.own), through=path)


class TestKinds:
    @pytest.mark.parametrize(("root", "path", "scalar"), cases(*WRONG))
    def test_a_wrong_value_is_refused(self, world: World, root: Root, path: Path, scalar: str) -> None:
        before = world.image()
        arguments = _plain(world, root, path)
        for value in WRONG[scalar]:
            answer = world.user.attack(root, replaced(arguments, path, value))
            assert set(codes(answer)) == {"BAD_USER_INPUT"}, value
            assert answer.status == 200
            assert answer.body["data"] in (None, {root.name: None})
            assert len(json.dumps(answer.body)) < 5000
        assert world.image() == before

    @pytest.mark.parametrize(("root", "path", "scalar"), cases("JSON"))
    def test_any_json_is_taken_or_refused(self, world: World, root: Root, path: Path, scalar: str) -> None:
        values = [
            None,
            True,
            0,
            -1,
            1.5,
            2**70,
            -(10**400),
            "",
            "x",
            [],
            [[]],
            {},
            {"": 1},
            {"type": 5},
            {"type": "x" * 99},
        ]
        for value in values:
            world.restore()
            before = world.image()
            answer = world.user.attack(root, replaced(_plain(world, root, path), path, value))
            if codes(answer):
                assert world.image() == before
            _encoded(answer.body)

    @pytest.mark.parametrize("root", mutations(), ids=lambda root: root.name)
    def test_unknown_fields_missing_fields_and_no_object(self, world: World, root: Root) -> None:
        before = world.image()
        plain = _plain(world, root)
        for input in (
            {**plain["input"], "nothing": 1},
            {**plain["input"], "__typename": "x"},
            {**plain["input"], "tenantId": world.theirs},
            *({k: v for k, v in plain["input"].items() if k != name} for name in _required(root)),
            *({**plain["input"], name: None} for name in _required(root)),
            None,
            [],
            "x",
            7,
            [plain["input"], plain["input"]],
        ):
            answer = world.user.attack(root, {"input": input})
            assert set(codes(answer)) == {"BAD_USER_INPUT"}, input
            assert answer.status == 200
        assert set(codes(world.user.attack(root, {}))) == {"BAD_USER_INPUT"}
        assert world.image() == before

    @pytest.mark.parametrize("root", mutations(), ids=lambda root: root.name)
    def test_empty_and_endless_texts(self, world: World, root: Root) -> None:
        for path in paths(root.definition.args, {"String"}):
            for text in ("", " ", "x" * 300, "x" * 1_000_000):
                world.restore()
                codes(world.user.attack(root, replaced(_plain(world, root, path), path, text)))

    def test_unknown_variables_are_no_harm(self, world: World) -> None:
        assert codes(world.user.answer("{ hello }", {"unused": [1], "": {}, "a b": None})) == []

    def test_unknown_fields_and_arguments(self, world: World) -> None:
        for query in (
            "{ nothing }",
            "{ flow { nothing } }",
            "{ flow { id { x } } }",
            "{ flow }",
            "{ flow(nothing: 1) { id } }",
            "{ flow(where: {nothing: 1}) { id } }",
            "{ flow(where: {name: {_nothing: 1}}) { id } }",
            "{ hello @nothing }",
            "query($a: nothing) { hello }",
            "query($a: flow) { hello }",
            "subscription { hello }",
            "mutation { hello }",
            "fragment F on flow { id }",
            "type flow { id: Int }",
            "{ ...Nothing }",
            "query A { hello } query A { hello }",
            "{ hello } query A { hello }",
            "",
            "# nothing",
            "\ufeff",
            "null",
        ):
            answer = world.user.answer(query)
            assert answer.status in (200, 400)
            told = set(codes(answer))
            assert told & {"GRAPHQL_VALIDATION_FAILED", "GRAPHQL_PARSE_FAILED", "BAD_USER_INPUT"}, query
            assert answer.body["data"] is None


class TestNothingSelected:
    """Given selections of which nothing is left, then rows without anything in them."""

    @pytest.mark.parametrize(
        "nothing", ["", "id @skip(if: true)", "... @include(if: false) { id }", "...None"]
    )
    @pytest.mark.parametrize("table", ["flow", "flow_run_state"])
    def test_of_a_table(self, world: World, table: str, nothing: str) -> None:
        fields = f"""{table} {{ {nothing} }} one: {table}_by_pk(id: $id) {{ {nothing} }}
                     {table}_aggregate {{ nodes {{ {nothing} }} aggregate {{ count @skip(if: true) }} }}
                     sliced: {table}(limit: 1, distinct_on: [id]) {{ tenant_id {nothing} }}"""
        fragment = f" fragment None on {table} {{ id @skip(if: true) }}" if "None" in nothing else ""
        body = world.user.answer(f"query($id: UUID!) {{ {fields} }}{fragment}", {"id": world.own(table)}).body
        assert codes(body) == []
        rows = [{}] * len(world.rows(world.mine, table))
        assert body["data"][table] == rows
        assert body["data"]["one"] == {}
        assert body["data"][f"{table}_aggregate"] == {"nodes": rows, "aggregate": {}}

    @pytest.mark.parametrize("nothing", ["", "id @skip(if: true)"])
    def test_of_relationships(self, world: World, nothing: str) -> None:
        for table in tables().values():
            for field in table.relationships:
                many = f"{field}_aggregate {{ nodes {{ {nothing} }} }}" if field in table.manys else ""
                query = f"{{ {table.name} {{ {field} {{ {nothing} }} {many} }} }}"
                assert codes(world.user.answer(query)) == [], query

    def test_of_everything(self, world: World) -> None:
        for query in (
            "{ hello @skip(if: true) }",
            'mutation { create_project(input: {name: "new"}) { id @skip(if: true) } }',
        ):
            assert codes(world.user.answer(query)) == []


def _required(root: Root) -> list[str]:
    from graphql import get_nullable_type, is_required_input_field

    fields = get_nullable_type(root.definition.args["input"].type).fields
    return [name for name, field in fields.items() if is_required_input_field(field)]


class TestNumbers:
    @pytest.mark.parametrize("table", tables())
    @pytest.mark.parametrize("argument", ["limit", "offset"])
    def test_limits_and_offsets(self, world: World, table: str, argument: str) -> None:
        query = f"query($n: Int) {{ {table}({argument}: $n) {{ id }} {table}_aggregate({argument}: $n) {{ nodes {{ id }} }} }}"
        for number in (-1, -(2**31), 2**31, 1.5, "1", True, 10**400):
            assert set(codes(world.user.answer(query, {"n": number}))) == {"BAD_USER_INPUT"}
        for number in (None, 0, 1.0, 2**31 - 1):
            assert codes(world.user.answer(query, {"n": number})) == []

    def test_limits_and_offsets_of_relationships(self, world: World) -> None:
        for table in tables().values():
            for field in table.manys:
                for arguments in ("limit: -1", "offset: -1"):
                    for query in (
                        f"{{ {table.name} {{ {field}({arguments}) {{ id }} }} }}",
                        f"{{ {table.name} {{ {field}_aggregate({arguments}) {{ nodes {{ id }} }} }} }}",
                    ):
                        assert codes(world.user.answer(query)) == ["BAD_USER_INPUT"]

    @pytest.mark.parametrize(
        "literal", ["1e999", "-1e999", "1" + "0" * 5000, "-1" + "0" * 5000, "[1, {a: 1e400}]"]
    )
    def test_numbers_that_nothing_can_hold(self, world: World, literal: str) -> None:
        query = f'mutation {{ set_key_value(input: {{key: "new", value: {literal}}}) {{ id }} }}'
        assert codes(world.user.answer(query)) == ["BAD_USER_INPUT"]
        assert world.user('{ key_value(where: {key: {_eq: "new"}}) { id } }') == {"key_value": []}

    @pytest.mark.parametrize(
        "number",
        [2**53 + 1, 2**63, -(2**63) - 1, 2**64, 2**200, 10**4000, 0.1, 1e-300, 1.7976931348623157e308, -0.0],
    )
    def test_numbers_that_json_can_hold_survive(self, world: World, number: float) -> None:
        world.user.do("set_key_value", "id", key="number", value=[number])
        body = world.user.answer('{ key_value(where: {key: {_eq: "number"}}) { value } }').body
        assert json.loads(_encoded(body))["data"]["key_value"] == [{"value": [number]}]
        query = "query($v: JSON) { key_value(where: {value: {_eq: $v}}) { key } }"
        assert world.user(query, v=[number]) == {"key_value": [{"key": "number"}]}

    def test_floats_in_filters(self, world: World) -> None:
        query = "query($n: Float) { flow_run(where: {duration: {_eq: $n}}) { id } }"
        for number in (10**400, "1.5", True, float("inf"), float("nan")):
            assert codes(world.user.answer(query, {"n": number})) == ["BAD_USER_INPUT"]
        for literal in ("1e400", "1" + "0" * 400, "-1e400"):
            codes(world.user.answer(f"{{ flow_run(where: {{duration: {{_eq: {literal}}}}}) {{ id }} }}"))


class TestSizes:
    @pytest.mark.parametrize("kind", ["flow_run", "task_run"])
    def test_a_state_of_more_than_a_megabyte_fails_alone(self, world: World, kind: str) -> None:
        [first, second, third] = [*world.ids(world.mine, kind), world.run][:3]
        items = [
            {f"{kind}_id": first, "state": state("Failed", context={"a": "x" * 1_000_001})},
            {f"{kind}_id": second, "state": state("Failed", context={"a": "é" * 500_001})},
            {f"{kind}_id": second, "state": state("Failed", context={"a": "x" * 990_000})},
        ]
        assert third
        answer = world.user.do(f"set_{kind}_states", "states { code }", states=items)
        assert [item["code"] for item in answer["states"]] == ["PAYLOAD_TOO_LARGE", "PAYLOAD_TOO_LARGE", None]

    def test_a_single_one_is_an_error(self, world: World) -> None:
        before = world.image()
        items = [{"flow_run_id": world.run, "state": state("Failed", context={"a": "x" * 1_000_001})}]
        answer = world.user.attack(roots()["set_flow_run_states"], {"input": {"states": items}})
        assert codes(answer) == ["PAYLOAD_TOO_LARGE"]
        assert world.image() == before

    def test_a_log_message_of_a_megabyte_is_kept_and_a_longer_one_is_cut_with_a_mark(
        self, world: World
    ) -> None:
        texts = ["x" * 1_000_000, "é" * 1_000_007]
        world.user.do("write_run_logs", logs=[{"flow_run_id": world.run, "message": text} for text in texts])
        query = "query($id: UUID) { log(where: {flow_run_id: {_eq: $id}, level: {_eq: INFO}}) { message } }"
        kept = [row["message"] for row in world.user(query, id=world.run)["log"][-2:]]
        assert kept[0] == texts[0]
        assert kept[1].startswith("é" * 1_000_000)
        assert "7 more characters" in kept[1]

    def test_ten_thousand_logs_in_one_request(self, world: World) -> None:
        logs = [{"flow_run_id": world.run, "message": f"line {n}"} for n in range(10_000)]
        world.user.do("write_run_logs", logs=logs)
        query = 'query($id: UUID) { log(where: {flow_run_id: {_eq: $id}, message: {_like: "line %"}}) { message } }'
        found = [row["message"] for row in world.user(query, id=world.run)["log"]]
        assert found == [log["message"] for log in logs]

    def test_one_bad_record_refuses_the_request_and_is_named(self, world: World) -> None:
        before = world.image()
        logs = [
            {"flow_run_id": world.run, "message": "good"},
            {"flow_run_id": world.theirs, "message": "bad"},
        ]
        answer = world.user.attack(roots()["write_run_logs"], {"input": {"logs": logs}})
        assert codes(answer) == ["BAD_USER_INPUT"]
        assert "logs[1]" in answer.body["errors"][0]["message"]
        assert world.image() == before
