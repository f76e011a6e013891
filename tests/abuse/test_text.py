"""Hostile text in every string that the contract takes: SQL, NUL, halves of surrogate pairs; and what must survive."""

from __future__ import annotations

import json
from typing import Any

import pytest

from .contract import Path, Root, is_of_table, paths, replaced, roots, sample, tables
from .world import World, codes, compressed, flow, plausible

SQL = [
    "'",
    "''; DROP TABLE flow; --",
    "' OR '1'='1",
    '" OR ""="',
    "x' union select digest from api_token --",
    "') OR 1=1 --",
    "%' ESCAPE 'x",
    "\\",
    "\\'",
    ":scope_tenant_id",
    "?",
    "$1",
    "%(id)s",
    "{0}",
    "%s",
]
FILTERED = ["'", "' OR '1'='1", "x' union select digest from api_token --", "\\", ":scope_tenant_id"]
"""Those of them that filters are asked for; the others are other words for the same."""
OPERATORS = (
    "_eq",
    "_neq",
    "_gt",
    "_gte",
    "_lt",
    "_lte",
    "_like",
    "_nlike",
    "_ilike",
    "_nilike",
    "_in",
    "_nin",
)
NUL, HALF, LAST_HALF = "a\0b", "a\ud800b", "a\udfffb"
SURVIVORS = [
    "😀 🏳️‍🌈 👩‍👩‍👧‍👦",
    "\u202eabc\u202c \u2066x\u2069",
    "e\u0301 é Å Å ﬁ",
    "𠜎𝔘𐍈 \U0010ffff \uffff \ufffe \ufeff",
    "' \" ` \\ \\u0000 \\x00 %s {} $a --",
    "\u2028\u2029\x85\x7f\x1b[31m\r\n\t\x01\x1f",
    "NULL",
    "ß ẞ İ ı",
]

TEXT_PATHS = [
    pytest.param(root, path, id=f"{root.name}({'.'.join(path)})")
    for root in roots().values()
    if not is_of_table(root)
    for path in paths(root.definition.args, {"String", "JSON"})
]


def _is_json(root: Root, path: Path) -> bool:
    return path in set(paths(root.definition.args, {"JSON"}))


def _plain(world: World, root: Root, path: Path) -> dict[str, Any]:
    return sample(root.definition.args, plausible(root, world.own), through=path)


class TestSql:
    """Given SQL as text, then it is text."""

    @pytest.mark.parametrize("name", tables())
    def test_every_text_filter_compares_with_it(self, world: World, name: str) -> None:
        before = world.image()
        columns = [column for column, scalar in tables()[name].columns.items() if scalar == "String"]
        for column in columns:
            for text in FILTERED:
                # A pattern that ends in the escape is no pattern; doubled it is one.
                pattern = text + "\\" if text.endswith("\\") else text
                fields = " ".join(
                    f"{op}: {name}(where: {{{column}: {{{op}: {_value(op)}}}}}) {{ id }}" for op in OPERATORS
                )
                data = world.tenant(f"query($t: String!, $p: String!) {{ {fields} }}", t=text, p=pattern)
                rows = world.rows(world.mine, name)
                assert data["_eq"] == data["_in"] == [], column
                assert (
                    len(data["_neq"]) == len(data["_nin"]) == len([r for r in rows if r[column] is not None])
                )
                assert data["_like"] == data["_ilike"] == [], column
        assert world.image() == before

    @pytest.mark.parametrize("name", tables())
    def test_every_json_filter_compares_with_it(self, world: World, name: str) -> None:
        before = world.image()
        columns = [column for column, scalar in tables()[name].columns.items() if scalar == "JSON"]
        for column in columns:
            for text in FILTERED:
                operators = {
                    "_eq": "$j",
                    "_contains": "$j",
                    "_contained_in": "$j",
                    "_in": "[$j]",
                    "_has_key": "$t",
                    "_has_keys_any": "[$t]",
                    "_has_keys_all": "[$t]",
                }
                fields = " ".join(
                    f"{op}: {name}(where: {{{column}: {{{op}: {value}}}}}) {{ id }}"
                    for op, value in operators.items()
                )
                query = f"query($j: JSON!, $t: String!) {{ {fields} }}"
                data = world.tenant(query, j={text: [text]}, t=text)
                assert not any(rows for op, rows in data.items() if op != "_contained_in"), column
        assert world.image() == before

    @pytest.mark.parametrize(("root", "path"), TEXT_PATHS)
    def test_every_text_input_is_kept_or_refused(self, world: World, root: Root, path: Path) -> None:
        before = world.dump(world.theirs)
        for text in SQL[:4]:
            value = {text: text} if _is_json(root, path) else text
            codes(world.user.attack(root, replaced(_plain(world, root, path), path, value)))
        assert world.dump(world.theirs) == before

    def test_names_of_columns_directions_and_operators_are_the_schemas_own(self, world: World) -> None:
        for query in (
            '{ flow(order_by: {name: "asc; DROP TABLE flow"}) { id } }',
            "{ flow(order_by: {digest: asc}) { id } }",
            "{ flow(distinct_on: [digest]) { id } }",
            '{ flow(where: {name: {_regex: "x"}}) { id } }',
            "{ flow_aggregate { aggregate { count(columns: [seq]) } } }",
            '{ flow(limit: "1; DROP TABLE flow") { id } }',
            "{ flow { seq } }",
            "{ task_run_state { transition_id } }",
            "{ secret { ciphertext } }",
        ):
            answer = world.user.answer(query)
            assert answer.status == 400
            assert codes(answer)[0] == "GRAPHQL_VALIDATION_FAILED"


def _value(operator: str) -> str:
    if operator in ("_in", "_nin"):
        return "[$t]"
    return "$p" if operator.endswith("like") else "$t"


class TestUnstorable:
    """Given characters that no database keeps, then they are refused, or mended where a program printed them."""

    @pytest.mark.parametrize(("root", "path"), TEXT_PATHS)
    def test_in_variables(self, world: World, root: Root, path: Path) -> None:
        for bad in (NUL, HALF, LAST_HALF):
            values: list[Any] = [bad]
            if _is_json(root, path):
                values = [bad, {bad: 1}, {"a": [{"b": bad}]}]
            for value in values:
                before = world.image()
                answer = world.user.attack(root, replaced(_plain(world, root, path), path, value))
                told = codes(answer)
                assert json.dumps(answer.body).isascii()
                if told:
                    assert world.image() == before
                else:
                    assert path[-1] in MENDED, "was accepted"

    @pytest.mark.parametrize(("root", "path"), TEXT_PATHS)
    def test_in_literals(self, world: World, root: Root, path: Path) -> None:
        for escape in ("\\u0000", "\\uD800", "\\uDC00\\uD800", "\\u{0}", "\\u{D800}", "\\u{110000}"):
            arguments = replaced(_plain(world, root, path), path, "<HERE>")
            literal = _literal(arguments, root).replace("<HERE>", escape)
            query = f"{root.parent.lower()} {{ {root.name}{literal} {root.selection} }}"
            told = codes(world.user.answer(query))
            assert told or path[-1] in MENDED

    @pytest.mark.parametrize("name", tables())
    def test_in_filters(self, world: World, name: str) -> None:
        for column, scalar in tables()[name].columns.items():
            if scalar not in ("String", "JSON"):
                continue
            for bad in (NUL, HALF):
                for operator in ("_eq", "_neq") + (
                    ("_like", "_gt") if scalar == "String" else ("_contains",)
                ):
                    query = (
                        f"query($v: {scalar}) {{ {name}(where: {{{column}: {{{operator}: $v}}}}) {{ id }} }}"
                    )
                    assert codes(world.tenant.answer(query, {"v": bad})) == ["BAD_USER_INPUT"]
                for operator in ("_in", "_nin"):
                    query = f"query($v: [{scalar}!]) {{ {name}(where: {{{column}: {{{operator}: $v}}}}) {{ id }} }}"
                    assert codes(world.tenant.answer(query, {"v": ["a", bad]})) == ["BAD_USER_INPUT"]

    @pytest.mark.parametrize("bad", [NUL, HALF])
    def test_in_a_compressed_flow(self, world: World, bad: str) -> None:
        for hostile in (
            flow(bad),
            flow(storage={"a": [bad]}),
            flow(storage={bad: 1}),
            flow(__version__=bad),
            flow(tasks=[{"name": bad, "slug": "a-1"}], edges=[]),
            flow(tasks=[{"name": "a", "slug": "a-1", "cache_key": bad}], edges=[]),
        ):
            before = world.image()
            root = roots()["create_flow_from_compressed_string"]
            answer = world.user.attack(root, {"input": {"serialized_flow": compressed(hostile)}})
            assert codes(answer) == ["BAD_USER_INPUT"]
            assert world.image() == before

    def test_a_logged_line_is_kept_with_a_mark(self, world: World) -> None:
        logs = [{"flow_run_id": world.run, "message": bad, "info": {bad: bad}} for bad in (NUL, HALF)]
        world.user.do("write_run_logs", logs=[*logs, {"flow_run_id": world.run, "message": "after"}])
        query = "query($id: UUID) { log(where: {flow_run_id: {_eq: $id}}, order_by: {created: asc}) { message info } }"
        found = world.user(query, id=world.run)["log"][-3:]
        assert [line["message"] for line in found] == ["a\ufffdb", "a\ufffdb", "after"]
        assert found[0]["info"] == {"a\ufffdb": "a\ufffdb"}

    @pytest.mark.parametrize("bad", [NUL, HALF])
    @pytest.mark.parametrize("kind", ["flow_run", "task_run"])
    def test_a_state_is_kept_with_a_mark_and_so_are_its_neighbours(
        self, world: World, kind: str, bad: str
    ) -> None:
        """What a program raised may hold anything; losing its Failed state for that would lose the run."""
        [first, second] = world.ids(world.mine, kind)[:2]
        items = [
            {f"{kind}_id": first, "state": {"type": "Failed", "message": bad, "context": {"e": [bad]}}},
            {f"{kind}_id": second, "state": {"type": "Failed", "message": "plain"}},
        ]
        answer = world.user.do(f"set_{kind}_states", "states { status }", states=items)
        assert [item["status"] for item in answer["states"]] == ["SUCCESS", "SUCCESS"]
        query = f"query($id: UUID!) {{ {kind}_by_pk(id: $id) {{ state_message serialized_state }} }}"
        found = world.user(query, id=first)[f"{kind}_by_pk"]
        assert found["state_message"] == found["serialized_state"]["message"] == "a\ufffdb"
        assert found["serialized_state"]["context"] == {"e": ["a\ufffdb"]}

    def test_an_item_with_an_unstorable_id_fails_alone(self, world: World) -> None:
        [first, second] = world.ids(world.mine, "flow_run")[:2]
        items = [
            {"flow_run_id": first, "transition_id": NUL, "state": {"type": "Failed", "message": "m"}},
            {"flow_run_id": second, "state": {"type": "Failed", "message": "plain"}},
        ]
        answer = world.user.do("set_flow_run_states", "states { status code }", states=items)
        assert [item["code"] for item in answer["states"]] == ["BAD_USER_INPUT", None]


MENDED = {"message", "info", "state"}
"""Where what cannot be stored becomes U+FFFD: the text of logs and of states."""


class TestSurvival:
    """Given any other text, then what is read back is what was written, to the last character."""

    @pytest.mark.parametrize("text", SURVIVORS)
    def test_names_and_values(self, world: World, text: str) -> None:
        key = text.strip()
        world.user.do("set_key_value", "id", key=key, value={text: [text]})
        found = world.user("query($k: String) { key_value(where: {key: {_eq: $k}}) { key value } }", k=key)
        assert found["key_value"] == [{"key": key, "value": {text: [text]}}]
        world.user.do("set_secret", name=key, value=text)
        assert world.user("query($k: String!) { secret_value(name: $k) }", k=key)["secret_value"] == text

    @pytest.mark.parametrize("text", SURVIVORS)
    def test_states_logs_and_flows(self, world: World, text: str) -> None:
        item = {
            "flow_run_id": world.run,
            "state": {"type": "Failed", "message": text, "context": {text: text}},
        }
        world.user.do("set_flow_run_states", "states { status }", states=[item])
        world.user.do("write_run_logs", logs=[{"flow_run_id": world.run, "message": text, "name": text}])
        made = world.user.do(
            "create_flow_from_compressed_string",
            "id",
            serialized_flow=compressed(flow(text, storage={text: text})),
        )
        data = world.user(
            """query($run: UUID!, $flow: UUID!, $text: String!) {
                 flow_run_by_pk(id: $run) { serialized_state logs(where: {message: {_eq: $text}}) { message name } }
                 flow_by_pk(id: $flow) { name storage } }""",
            run=world.run,
            flow=made["id"],
            text=text,
        )
        assert data["flow_run_by_pk"]["serialized_state"] == item["state"]
        assert data["flow_run_by_pk"]["logs"] == [{"message": text, "name": text}]
        assert data["flow_by_pk"] == {"name": text, "storage": {text: text}}


def _literal(arguments: dict[str, Any], root: Root) -> str:
    """Arguments as GraphQL writes them in a document."""
    enums = {"RUNNER", "INFO"}

    def write(value: Any) -> str:
        if isinstance(value, dict):
            return "{" + ", ".join(f"{name}: {write(item)}" for name, item in value.items()) + "}"
        if isinstance(value, list):
            return "[" + ", ".join(map(write, value)) + "]"
        return str(value) if value in enums else json.dumps(value)

    return "(" + ", ".join(f"{name}: {write(value)}" for name, value in arguments.items()) + ")"
