"""Another tenant's rows through everything that the contract has: nothing is seen, nothing is changed.

The attacks are made from the schema, so a field that is added is attacked, too. Both tenants hold rows under the same
names, so that what goes by name could reach the wrong one.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from .contract import Path, Root, is_of_table, mutations, paths, replaced, roots, sample, tables
from .world import UNKNOWN, World, codes, plausible, table_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from .contract import Table

    Read = Callable[..., Any]

TABLES = list(tables())
ASKERS = ["USER", "TENANT", "bound RUNNER"]


def _ids_in(root: Root) -> list[Path]:
    return [] if is_of_table(root) else list(paths(root.definition.args, {"UUID"}))


WITH_ID = [
    pytest.param(root, path, id=f"{root.name}({'.'.join(path)})")
    for root in roots().values()
    for path in _ids_in(root)
]


def refused_or(found: dict[str, Any]) -> Any:
    """The data of an answer whose only errors may be that the role may not ask."""
    if errors := found.get("errors"):
        assert {error["extensions"]["code"] for error in errors} == {"FORBIDDEN"}, errors
        return None
    return found["data"]


# A role decides which fields may be asked, whether a token is bound to a run which rows are there.
@pytest.fixture(params=["USER", "bound RUNNER"])
def read(request: pytest.FixtureRequest, world: World) -> Read:
    asker = world.askers[request.param]
    return lambda query, **variables: refused_or(asker.answer(query, variables).body)


class TestReading:
    """Given two tenants, when one asks for the other's rows, then there are none."""

    @pytest.mark.parametrize("name", TABLES)
    def test_lists_ids_and_counts_hold_none(self, world: World, read: Callable[..., Any], name: str) -> None:
        theirs = world.ids(world.theirs, name)
        assert theirs, f"the world holds no {name} to attack"
        data = read(
            f"""query($ids: [UUID!]) {{ all: {name} {{ id }}  asked: {name}(where: {{id: {{_in: $ids}}}}) {{ id }}
                  counted: {name}_aggregate(where: {{id: {{_in: $ids}}}}) {{ aggregate {{ count }} nodes {{ id }} }}
                  total: {name}_aggregate {{ aggregate {{ count }} nodes {{ id }} }} }}""",
            ids=theirs,
        )
        if data is None:
            return
        assert not {row["id"] for row in data["all"]} & set(theirs)
        assert {row["id"] for row in data["all"]} <= set(world.ids(world.mine, name))
        assert data["asked"] == []
        assert data["counted"] == {"aggregate": {"count": 0}, "nodes": []}
        assert data["total"]["aggregate"]["count"] == len(data["all"]) == len(data["total"]["nodes"])
        for key in theirs:
            found = read(f"query($id: UUID!) {{ {name}_by_pk(id: $id) {{ id }} }}", id=key)
            assert found == {f"{name}_by_pk": None}

    @pytest.mark.parametrize("name", TABLES)
    def test_no_filter_finds_them_by_any_of_their_values(self, world: World, read: Read, name: str) -> None:
        [theirs] = world.rows(world.theirs, name)[:1]
        values = {column: theirs[column] for column in tables()[name].columns if theirs[column] is not None}
        declared = ", ".join(f"${column}: {tables()[name].columns[column]}" for column in values)
        fields = " ".join(
            f"eq_{column}: {name}(where: {{{column}: {{_eq: ${column}}}}}) {{ id }} "
            f"not_{column}: {name}(where: {{_not: {{{column}: {{_neq: ${column}}}}}}}) {{ id }} "
            f"or_{column}: {name}(where: {{_or: [{{{column}: {{_eq: ${column}}}}}, {{id: {{_eq: $id}}}}]}}) {{ id }} "
            for column in values
        )
        data = read(f"query({declared}) {{ {fields} }}", **values)
        found = {row["id"] for rows in (data or {}).values() for row in rows}
        assert found <= set(world.ids(world.mine, name))

    @pytest.mark.parametrize("name", TABLES)
    def test_no_filter_reaches_them_through_a_relationship(self, world: World, read: Read, name: str) -> None:
        for field, other in tables()[name].relationships.items():
            theirs = world.ids(world.theirs, other)
            query = f"query($ids: [UUID!]) {{ {name}(where: {{{field}: {{id: {{_in: $ids}}}}}}) {{ id }} }}"
            assert read(query, ids=theirs) in (None, {name: []}), field

    def test_no_relationship_leads_a_role_to_a_table_it_may_not_read(self) -> None:
        for name, table in tables().items():
            for field, other in table.relationships.items():
                assert roots()[name].allow <= roots()[other].allow, f"{name}.{field}"


def crossings() -> list[Any]:
    return [
        pytest.param(table, field, id=f"{table.name}.{field}")
        for table in tables().values()
        for field in table.relationships
        # The tenant is what decides whose a row is; there is nothing to cross.
        if table.relationships[field] != "tenant"
    ]


class TestCrossedRows:
    """Given rows that refer across tenants, as no resolver makes them, then no relationship follows them."""

    @pytest.mark.parametrize(("table", "field"), crossings())
    def test_the_other_side_is_not_seen(self, world: World, table: Table, field: str) -> None:
        other = table.relationships[field]
        mine, theirs = world.rows(world.mine, table.name)[0], world.ids(world.theirs, other)[0]
        if field in table.ones:
            cross(world, table.name, table.ones[field][1], to=theirs, of=mine["id"])
        else:
            cross(world, other, table.manys[field][1], to=mine["id"], of=theirs)
        filtered = f"{{{field}: {{id: {{_eq: $theirs}}}}}}"
        order = f", order_by: {{{field}: {{id: asc}}}}" if field in table.ones else ""
        many = f"{field}_aggregate {{ aggregate {{ count }} nodes {{ id }} }}" if field in table.manys else ""
        query = f"""query($id: UUID!, $theirs: UUID!) {{
            row: {table.name}(where: {{id: {{_eq: $id}}}}{order}) {{ id {field} {{ id }} {many} }}
            found: {table.name}(where: {filtered}) {{ id }}
            others: {table.name}(where: {{_not: {filtered}}}) {{ id }} }}"""
        data = world.tenant(query, id=mine["id"], theirs=theirs)
        assert theirs not in json.dumps(data)
        assert data["found"] == []
        assert mine["id"] in {row["id"] for row in data["others"]}
        if field in table.ones:
            assert data["row"][0][field] is None
        else:
            nodes = {row["id"] for row in data["row"][0][f"{field}_aggregate"]["nodes"]}
            assert data["row"][0][f"{field}_aggregate"]["aggregate"]["count"] == len(nodes)


# What else has to change lest a constraint forbids the crossing.
_MAKE_UNIQUE = {
    "flow": "version = version + 1000",
    "task": "slug = slug || ' crossed'",
    "flow_run": "idempotency_key = NULL",
}


def cross(world: World, table: str, column: str, *, to: str, of: str) -> None:
    """Let a row refer to another tenant's."""
    also = f", {_MAKE_UNIQUE[table]}" if table in _MAKE_UNIQUE else ""
    world.sql(f"UPDATE {table} SET {column} = ?{also} WHERE id = ?", to, of)


class TestAsking:
    """Given another tenant's id in any argument, then the answer is the one for an id that nobody has."""

    @pytest.mark.parametrize("by", ASKERS)
    @pytest.mark.parametrize(("root", "path"), WITH_ID)
    def test_it_is_as_if_there_were_no_such_row(self, world: World, root: Root, path: Path, by: str) -> None:
        asker = world.askers[by]
        theirs = world.foreign(table_of(path, root))
        before = world.dump(world.theirs)
        arguments = _mine(world, root, path)
        told = {}
        for name, value in (("foreign", theirs), ("unknown", UNKNOWN)):
            answer = asker.attack(root, replaced(arguments, path, value))
            codes(answer)
            told[name] = json.dumps(answer.body).replace(value, "<ID>")
        assert world.dump(world.theirs) == before
        assert _steady(told["foreign"]) == _steady(told["unknown"])
        assert "secret of" not in told["foreign"]

    @pytest.mark.parametrize(("root", "path"), WITH_ID)
    def test_with_an_id_of_ones_own_it_works(self, world: World, root: Root, path: Path) -> None:
        """Else the refusals would tell nothing."""
        told = codes(world.user.attack(root, _mine(world, root, path)))
        assert told == (["UNIQUENESS_VIOLATION"] if root.name == "create_project" else [])

    @pytest.mark.parametrize("root", mutations(), ids=lambda root: root.name)
    def test_all_foreign_ids_at_once_change_nothing(self, world: World, root: Root) -> None:
        before = world.dump(world.theirs)
        make = plausible(root, world.foreign)
        arguments = sample(root.definition.args, make)
        for path in _ids_in(root):
            arguments = sample(root.definition.args, make, through=path)
            for asker in world.askers.values():
                codes(asker.attack(root, arguments))
        assert world.dump(world.theirs) == before

    @pytest.mark.parametrize("root", mutations(), ids=lambda root: root.name)
    def test_the_same_names_mean_ones_own_rows(self, world: World, root: Root) -> None:
        before = world.dump(world.theirs)
        for path in [(), *paths(root.definition.args, {"String"})]:
            arguments = _mine(world, root, path)
            for asker in world.askers.values():
                codes(asker.attack(root, arguments))
            assert world.dump(world.theirs) == before
            world.restore()

    def test_an_item_of_a_batch_fails_alone(self, world: World) -> None:
        for kind in ("flow_run", "task_run"):
            own, foreign = world.ids(world.mine, kind)[0], world.ids(world.theirs, kind)[0]
            items = [
                {f"{kind}_id": key, "state": {"type": "Success", "message": "done"}} for key in (foreign, own)
            ]
            answer = world.tenant.do(f"set_{kind}_states", "states { id status code }", states=items)
            assert [(i["id"], i["status"], i["code"]) for i in answer["states"]] == [
                (foreign, "ERROR", "NOT_FOUND"),
                (own, "SUCCESS", None),
            ]

    def test_heartbeats_of_a_batch_fail_alone(self, world: World) -> None:
        ids = {
            f"{kind}_ids": [world.ids(tenant, kind)[0] for tenant in (world.theirs, world.mine)]
            for kind in ("flow_run", "task_run")
        }
        beats = world.tenant.do("update_heartbeats", "heartbeats { success state version }", **ids)[
            "heartbeats"
        ]
        assert [(beat["success"], beat["state"]) for beat in beats] == [(False, None), (True, "Running")] * 2

    def test_secrets_and_key_values_of_one_name_are_two(self, world: World) -> None:
        query = '{ secret_value(name: "secret") secret_names }'
        assert world.tenant(query)["secret_value"] == f"secret of {world.tenant.token}"
        assert world.victim(query)["secret_value"] == f"secret of {world.victim.token}"


def _mine(world: World, root: Root, path: Path) -> dict[str, Any]:
    return sample(root.definition.args, plausible(root, world.own), through=path)


def _steady(text: str) -> Any:
    """An answer without what differs from one call to the next: ids and tokens that were made."""
    body = json.loads(text)
    for value in (body.get("data") or {}).values():
        if isinstance(value, dict):
            for made in ("id", "token", "key", "expires_at", "access_token", "refresh_token"):
                value.pop(made, None)
    return body
