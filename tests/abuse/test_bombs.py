"""Requests that are small to send and would be endless to answer: each is refused, or answered in bounded time."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from graphql import get_introspection_query

from orchestra_client.server.endpoint import _encoded

from .contract import tables
from .world import World, codes, flow, state

if TYPE_CHECKING:
    from collections.abc import Iterator

SECONDS = 5
"""Far more than any answer here takes alone, and far less than what was planted."""


@pytest.fixture(autouse=True)
def in_time() -> Iterator[None]:
    started = time.process_time()
    yield
    assert time.process_time() - started < SECONDS


def nested(opening: str, middle: str, closing: str, levels: int) -> str:
    return opening * levels + middle + closing * levels


class TestDepth:
    """Given something nested without end, then PAYLOAD_TOO_LARGE, or what is wrong with it anyway."""

    @pytest.mark.parametrize("levels", [13, 100, 10_000])
    @pytest.mark.parametrize(
        ("opening", "middle", "closing"),
        [
            ("flow_runs { flow { ", "id", " } }"),
            ("... on flow { flow_runs { flow { ", "id", " } } }"),
            ("... { flow_runs { flow { ", "id", " } } }"),
            ("a: flow_runs { b: flow { ", "c: id", " } }"),
        ],
    )
    def test_of_selections(self, world: World, opening: str, middle: str, closing: str, levels: int) -> None:
        query = "{ flow { " + nested(opening, middle, closing, levels) + " } }"
        answer = world.user.answer(query)
        assert codes(answer) == ["PAYLOAD_TOO_LARGE"]
        assert answer.status == 200

    def test_twelve_levels_are_allowed_and_thirteen_are_not(self, world: World) -> None:
        def query(levels: int) -> str:
            tail = "id" if levels % 2 == 0 else "flow { id }"
            return "{ flow { " + nested("flow_runs { flow { ", tail, " } }", (levels - 2) // 2) + " } }"

        assert codes(world.user.answer(query(12))) == []
        assert codes(world.user.answer(query(13))) == ["PAYLOAD_TOO_LARGE"]

    @pytest.mark.parametrize("levels", [25, 100, 10_000, 100_000])
    @pytest.mark.parametrize("key", ["_and", "_or", "_not"])
    def test_of_filters_in_the_document(self, world: World, key: str, levels: int) -> None:
        where = nested(f"{{{key}: ", "{}", "}", levels)
        told = codes(world.user.answer(f"{{ flow(where: {where}) {{ id }} }}"))
        assert told in (["PAYLOAD_TOO_LARGE"], ["BAD_USER_INPUT"])

    @pytest.mark.parametrize("levels", [25, 200, 900])
    @pytest.mark.parametrize("key", ["_and", "_or", "_not"])
    def test_of_filters_in_variables(self, world: World, key: str, levels: int) -> None:
        where: Any = {}
        for _ in range(levels):
            where = {key: where if key == "_not" else [where]}
        query = "query($where: flow_bool_exp) { flow(where: $where) { id } }"
        assert codes(world.user.answer(query, {"where": where})) == ["BAD_USER_INPUT"]

    @pytest.mark.parametrize("table", tables())
    def test_of_relationships_in_filters(self, world: World, table: str) -> None:
        for field, other in tables()[table].relationships.items():
            back = next((f for f, t in tables()[other].relationships.items() if t == table), None)
            if back is None:
                continue
            where = nested(f"{{{field}: {{{back}: ", "{}", "}}", 40)
            assert codes(world.user.answer(f"{{ {table}(where: {where}) {{ id }} }}")) == ["BAD_USER_INPUT"]

    @pytest.mark.parametrize(
        "text",
        [
            "[" * 100_000,
            "{" * 100_000,
            "(" * 100_000,
            "{a" * 100_000,
            "{a(b:" * 10_000,
            "{a(b:[{c:" * 10_000,
            "query($a:" + "[" * 10_000 + "Int" + "]" * 10_000 + "){hello}",
            "query($a:Int=" + "[" * 10_000 + "]" * 10_000 + "){hello}",
            "{hello @a(b:" + "[" * 10_000 + "]" * 10_000 + ")}",
            '"""' * 10_001,
            "{project(where:{name:{_in:" + "[" * 10_000 + "]" * 10_000 + "}}){id}}",
        ],
        ids=lambda text: text[:16],
    )
    def test_of_anything_that_can_be_opened(self, world: World, text: str) -> None:
        assert codes(world.user.answer(text))[0] in (
            "GRAPHQL_PARSE_FAILED",
            "GRAPHQL_VALIDATION_FAILED",
            "PAYLOAD_TOO_LARGE",
        )

    @pytest.mark.parametrize("levels", [260, 600, 950])
    def test_of_values(self, world: World, levels: int) -> None:
        value = _deep(levels)
        query = 'mutation($v: JSON) { set_key_value(input: {key: "deep", value: $v}) { id } }'
        assert codes(world.user.answer(query, {"v": value})) == ["BAD_USER_INPUT"]
        assert world.user('{ key_value(where: {key: {_eq: "deep"}}) { id } }') == {"key_value": []}

    @pytest.mark.parametrize("levels", [260, 600, 950])
    def test_a_deep_state_fails_alone(self, world: World, levels: int) -> None:
        [deep, plain] = world.ids(world.mine, "flow_run")
        items = [
            {"flow_run_id": deep, "state": state("Failed", context=_deep(levels))},
            {"flow_run_id": plain, "state": state("Failed")},
        ]
        answer = world.user.do("set_flow_run_states", "states { status code }", states=items)
        assert answer["states"] == [
            {"status": "ERROR", "code": "BAD_USER_INPUT"},
            {"status": "SUCCESS", "code": None},
        ]

    def test_the_deepest_value_can_be_written_read_and_searched(self, world: World) -> None:
        world.user.do("set_key_value", "id", key="deep", value=_deep(240))
        query = """{ key_value(where: {key: {_eq: "deep"}}, order_by: {value: asc}, distinct_on: [value]) { value }
                     found: key_value(where: {value: {_contains: [[]]}}) { key }
                     same: key_value(where: {value: {_eq: []}}) { key } }"""
        data = world.user(query)
        assert data["key_value"] == [{"value": _deep(240)}]
        assert _encoded(data).startswith(b'{"key_value":[{"value":[[[')


def _deep(levels: int) -> Any:
    value: Any = []
    for _ in range(levels - 1):
        value = [value]
    return value


class TestFragments:
    @pytest.mark.parametrize(
        "fragments",
        [
            "fragment A on Query { ...A }",
            "fragment A on Query { hello ...B } fragment B on Query { ...A }",
            "fragment A on Query { flow { ...F } } fragment F on flow { flow_runs { flow { ...F } } }",
            " ".join(f"fragment {'A' if i == 0 else f'A{i}'} on Query {{ ...A{i + 1} }}" for i in range(500))
            + " fragment A500 on Query { ...A }",
        ],
        ids=["itself", "each other", "deeper", "a long way round"],
    )
    def test_cycles_are_no_documents(self, world: World, fragments: str) -> None:
        answer = world.user.answer(f"{{ ...A }} {fragments}")
        # The longest way exceeds what is followed before there is a validation.
        assert codes(answer)[0] in ("GRAPHQL_VALIDATION_FAILED", "BAD_USER_INPUT")

    def test_doubling_is_counted_not_followed(self, world: World) -> None:
        doubling = " ".join(
            f"fragment F{i} on flow {{ ...F{i + 1} a{i}: id ...F{i + 1} }}" for i in range(60)
        )
        answer = world.user.answer(f"{{ flow {{ ...F0 }} }} {doubling} fragment F60 on flow {{ id }}")
        assert codes(answer) == ["PAYLOAD_TOO_LARGE"]

    def test_many_in_one_place(self, world: World) -> None:
        spread = " ".join(f"...F{i}" for i in range(1000))
        made = " ".join(f"fragment F{i} on flow {{ id name }}" for i in range(1000))
        assert codes(world.user.answer(f"{{ flow {{ {spread} }} }} {made}")) == ["PAYLOAD_TOO_LARGE"]


class TestWidth:
    def test_aliases(self, world: World) -> None:
        before = world.image()
        fields = " ".join(f'a{i}: create_project(input: {{name: "p{i}"}}) {{ id }}' for i in range(1001))
        assert codes(world.user.answer(f"mutation {{ {fields} }}")) == ["PAYLOAD_TOO_LARGE"]
        assert world.image() == before

    def test_aliases_in_fragments_count_where_they_are_spread(self, world: World) -> None:
        fields = " ".join(f"a{i}: hello" for i in range(1001))
        query = f"{{ ...F }} fragment F on Query {{ {fields} }}"
        assert codes(world.user.answer(query)) == ["PAYLOAD_TOO_LARGE"]

    @pytest.mark.parametrize("field", ["id", "a: id", "tasks { id }"])
    def test_one_field_again_and_again(self, world: World, field: str) -> None:
        answer = world.user.answer("{ flow { " + f"{field} " * 1500 + "} }")
        assert codes(answer) == ["PAYLOAD_TOO_LARGE"]

    def test_operations(self, world: World) -> None:
        answer = world.user.answer(" ".join(f"query Q{i} {{ hello }}" for i in range(2000)))
        assert codes(answer) == ["BAD_USER_INPUT"]
        assert len(answer.body["errors"][0]["message"]) < 3000

    def test_errors(self, world: World) -> None:
        answer = world.user.answer("{ " + " ".join(f"nothing{i}" for i in range(900)) + " }")
        assert len(codes(answer)) <= 21
        answer = world.user.answer(
            "query($l: [UUID!]) { flow(where: {id: {_in: $l}}) { id } }", {"l": ["x"] * 100_000}
        )
        assert len(codes(answer)) <= 11

    @pytest.mark.parametrize(
        "text", ["#" + "x" * 20_000_000, " " * 20_000_000, '"""' + "\\n\n" * 7_000_000 + '"""']
    )
    def test_documents_of_megabytes(self, world: World, text: str) -> None:
        assert codes(world.user.answer(text + "{ hello }")) == ["PAYLOAD_TOO_LARGE"]

    @pytest.mark.parametrize(
        "query",
        [
            "{{ {0} }}",
            "{{ flow({0}: 1) {{ id }} }}",
            "query(${0}: Int) {{ hello }}",
            "{{ flow(order_by: {{id: {0}}}) {{ id }} }}",
        ],
    )
    def test_names_of_a_megabyte(self, world: World, query: str) -> None:
        answer = world.user.answer(query.format("x" * 1_000_000))
        assert (answer.status, codes(answer)[0]) == (400, "GRAPHQL_VALIDATION_FAILED")
        assert len(str(answer.body)) < 50_000


class TestAnswers:
    """Given few rows that lead to one another, then no answer repeats them without end."""

    def test_there_and_back_again(self, world: World) -> None:
        tasks = [{"name": "t", "slug": f"t-{i}"} for i in range(40)]
        flow_id = world.user.do("create_flow", "id", serialized_flow=flow("wide", tasks=tasks, edges=[]))[
            "id"
        ]
        world.user.do("create_flow_run", "id", flow_id=flow_id)
        for ways in (2, 5):
            query = nested("task_runs { flow_run { ", "id", " } }", ways)
            answer = world.user.answer(
                f"query($f: UUID!) {{ flow_run(where: {{flow_id: {{_eq: $f}}}}) {{ {query} }} }}",
                {"f": flow_id},
            )
            assert codes(answer) == ([] if ways == 2 else ["PAYLOAD_TOO_LARGE"])
            assert len(_encoded(answer.body)) < 10_000_000

    def test_through_aggregates(self, world: World) -> None:
        tasks = [{"name": "t", "slug": f"t-{i}"} for i in range(40)]
        flow_id = world.user.do("create_flow", "id", serialized_flow=flow("wide", tasks=tasks, edges=[]))[
            "id"
        ]
        query = nested("tasks_aggregate { nodes { flow { ", "id", " } } }", 3)
        answer = world.user.answer(f"query($f: UUID!) {{ flow_by_pk(id: $f) {{ {query} }} }}", {"f": flow_id})
        assert codes(answer) == []
        fields = " ".join(f"a{i}: flow_by_pk(id: $f) {{ {query} }}" for i in range(10))
        answer = world.user.answer(f"query($f: UUID!) {{ {fields} }}", {"f": flow_id})
        assert "PAYLOAD_TOO_LARGE" in codes(answer)

    def test_the_usual_introspection_is_answered(self, world: World) -> None:
        assert codes(world.user.answer(get_introspection_query())) == []

    @pytest.mark.parametrize(
        "inside",
        [
            "types { fields { type { fields { type { fields { name } } } } } }",
            "types { possibleTypes { possibleTypes { possibleTypes { name } } } }",
            "types { inputFields { type { inputFields { type { inputFields { name } } } } } }",
        ],
    )
    def test_introspection_in_circles(self, world: World, inside: str) -> None:
        answer = world.user.answer(f"{{ __schema {{ {inside} }} }}")
        assert (answer.status, codes(answer)[0]) == (400, "GRAPHQL_VALIDATION_FAILED")

    def test_introspection_under_a_thousand_names(self, world: World) -> None:
        inside = "types { name fields { name args { name type { name } } type { fields { name } } } }"
        fields = " ".join(f"a{i}: __schema {{ {inside} }}" for i in range(1000))
        assert codes(world.user.answer(f"{{ {fields} }}")) == ["PAYLOAD_TOO_LARGE"]


class TestLists:
    """Given lists of 100,000, then the databases' limits on parameters and terms are nobody's concern."""

    @pytest.mark.parametrize(
        ("scalar", "value"),
        [
            ("UUID", "8f9b1f6e-3a0c-4d5e-9b7a-1c2d3e4f5a6b"),
            ("String", "x"),
            ("JSON", {"x": 1}),
            ("DateTime", "2031-01-01T00:00:00Z"),
            ("Int", 7),
            ("Float", 7.5),
            ("log_level", "ERROR"),
        ],
    )
    def test_of_every_scalar_in_filters(self, world: World, scalar: str, value: Any) -> None:
        columns = [
            (table.name, column)
            for table in tables().values()
            for column, s in table.columns.items()
            if s == scalar
        ]
        table, column = columns[-1]
        query = (
            f"query($l: [{scalar}!]) {{ {table}(where: {{{column}: {{_in: $l}}}}) {{ id }} "
            f"none: {table}(where: {{{column}: {{_nin: $l}}}}, limit: 1) {{ id }} }}"
        )
        assert codes(world.user.answer(query, {"l": [value] * 100_000})) == []

    def test_of_keys(self, world: World) -> None:
        query = """query($l: [String!]) { flow(where: {storage: {_has_keys_any: $l}}) { id }
                                          all: flow(where: {storage: {_has_keys_all: $l}}) { id } }"""
        assert codes(world.user.answer(query, {"l": [f"k{i}" for i in range(100_000)]})) == []

    def test_of_conditions(self, world: World) -> None:
        query = "query($w: flow_bool_exp) { flow(where: $w) { id } }"
        for key in ("_and", "_or"):
            where = {key: [{"name": {"_eq": "x"}}] * 10_000}
            assert codes(world.user.answer(query, {"w": where})) == ["BAD_USER_INPUT"]

    @pytest.mark.parametrize("argument", ["distinct_on: [{}]", "order_by: [{}]"])
    def test_of_columns(self, world: World, argument: str) -> None:
        column = "{name: asc} " if "order_by" in argument else "name "
        query = "{ flow(%s) { id } project { flows(%s) { id } } }" % ((argument.format(column * 1_000),) * 2)
        assert codes(world.user.answer(query)) == []

    @pytest.mark.parametrize("columns", ["", "(columns: [id])", "(columns: [id, name], distinct: true)"])
    def test_of_counts(self, world: World, columns: str) -> None:
        for number in (400, 600):
            counts = " ".join(f"c{i}: count{columns}" for i in range(number))
            answer = world.user.answer(f"{{ flow_aggregate {{ aggregate {{ {counts} }} }} }}")
            assert codes(answer) == ([] if number == 400 else ["BAD_USER_INPUT"])

    def test_of_labels(self, world: World) -> None:
        labels = [f"label {i}" for i in range(300_000)]
        query = "mutation($l: [String!]) { get_runs_in_queue(input: {labels: $l}) { flow_run_ids } }"
        assert codes(world.user.answer(query, {"l": labels})) == []

    def test_of_tags(self, world: World) -> None:
        tasks = [{"name": "a", "slug": "a-1", "tags": [f"tag {i}" for i in range(300_000)]}]
        query = "mutation($f: JSON!) { create_flow(input: {serialized_flow: $f}) { id } }"
        assert codes(world.user.answer(query, {"f": flow("tags", tasks=tasks, edges=[])})) == [
            "BAD_USER_INPUT"
        ]

    @pytest.mark.parametrize(
        "mutation", ["set_flow_run_states", "set_task_run_states", "write_run_logs", "update_heartbeats"]
    )
    def test_of_items(self, world: World, mutation: str) -> None:
        before = world.image()
        query = f"mutation($i: {mutation}_input!) {{ {mutation}(input: $i) {{ __typename }} }}"
        items = {
            "set_flow_run_states": {
                "states": [{"flow_run_id": world.run, "state": state("Running")}] * 10_001
            },
            "set_task_run_states": {
                "states": [{"task_run_id": world.own("task_run"), "state": state("Running")}] * 10_001
            },
            "write_run_logs": {"logs": [{"flow_run_id": world.run, "message": "m"}] * 10_001},
            "update_heartbeats": {"flow_run_ids": [world.run] * 10_001},
        }
        assert codes(world.user.answer(query, {"i": items[mutation]})) == ["PAYLOAD_TOO_LARGE"]
        assert world.image() == before

    def test_patterns(self, world: World) -> None:
        world.user.do("write_run_logs", logs=[{"flow_run_id": world.run, "message": "a" * 1_000_000}])
        query = "query($p: String) { log(where: {message: {_like: $p}}) { id } other: log(where: {message: {_ilike: $p}}) { id } }"
        assert codes(world.user.answer(query, {"p": "%a" * 20_000 + "b"})) == []
        assert codes(world.user.answer(query, {"p": "%a_" * 20 + "%b"})) == []
        assert codes(world.user.answer(query, {"p": "%" * 60_000})) == ["BAD_USER_INPUT"]
