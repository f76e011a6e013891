"""Nothing reaches another tenant's row, by any path; a run's own token reaches what the run needs."""

from __future__ import annotations

import pytest

from orchestra_client.server.schema import api
from orchestra_client.server.store.relations import table_types

FOREIGN = {
    "project": "Foreign",
    "flow_group": "foreign",
    "flow": "foreign-1",
    "task": "foreign-1/spy",
    "flow_run": "run-x",
    "task_run": "run-x:foreign-1/spy:-1",
    "log": "run-x@1secret",
}
TYPES = table_types(api().schema)


def test_the_foreign_rows_exist(library):
    for table, name in FOREIGN.items():
        row = {"id": library.id_of(name)}
        assert (
            library.ask(f"query Q($id: UUID!) {{ {table}_by_pk(id: $id) {{ id }} }}", who="theirs", **row)
            == row
        )


@pytest.mark.parametrize("table", FOREIGN)
def test_no_root_field_shows_a_foreign_row(library, table):
    query = f"""
      query Q($id: UUID!) {{
        by_pk: {table}_by_pk(id: $id) {{ id }}
        where: {table}(where: {{id: {{_eq: $id}}}}) {{ id }}
        in: {table}(where: {{_or: [{{id: {{_in: [$id]}}}}, {{_not: {{_not: {{id: {{_eq: $id}}}}}}}}]}}) {{ id }}
        all: {table} {{ id }}
        count: {table}_aggregate(where: {{id: {{_eq: $id}}}}) {{ aggregate {{ count }} nodes {{ id }} }}
      }}
    """
    foreign = library.id_of(FOREIGN[table])
    answer = library.ask(query, id=foreign)
    assert answer["by_pk"] is None
    assert answer["where"] == answer["in"] == []
    assert answer["count"] == {"aggregate": {"count": 0}, "nodes": []}
    assert foreign not in {row["id"] for row in answer["all"]}


@pytest.mark.parametrize(
    ("table", "relationship"),
    [(name, field) for name, type_ in TYPES.items() for field in type_.relationships],
)
def test_no_relationship_in_a_filter_finds_a_foreign_row(library, table, relationship):
    """Every relationship of the contract, asked for the ids of all foreign rows and tenants."""
    other = TYPES[table].relationships[relationship].table
    ids = [library.id_of(name) for name in FOREIGN.values()] + [library.tenants["theirs"]]
    query = f"query Q($ids: [UUID!]) {{ {table}(where: {{{relationship}: {{id: {{_in: $ids}}}}}}) {{ id }} }}"
    if "cloud_hook" not in {table, other}:
        assert library.ask(query, ids=ids) == []


def test_a_row_that_refers_across_tenants_leads_nowhere(library):
    """`run-y` is theirs and names our flow, which nothing should ever write."""
    flow = """
      query Q($id: UUID!) {
        flow_by_pk(id: $id) {
          flow_runs(where: {name: {_eq: "run-y"}}) { id }
          flow_runs_aggregate { aggregate { count } nodes { name } }
        }
      }
    """
    answer = library.ask(flow, id=library.id_of("etl-2"))
    assert answer["flow_runs"] == []
    assert answer["flow_runs_aggregate"]["aggregate"] == {"count": 3}
    assert library.ask('{ flow(where: {flow_runs: {name: {_eq: "run-y"}}}) { name } }') == []

    run = '{ flow_run(where: {name: {_eq: "run-y"}}) { flow { name project { name } } } }'
    assert library.ask(run, who="theirs") == [{"flow": None}]
    assert library.ask('{ flow_run(where: {flow: {name: {_eq: "etl"}}}) { id } }', who="theirs") == []
    ordered = "{ flow_run(order_by: {flow: {name: asc}}) { name } }"
    assert library.ask(ordered, who="theirs") == [{"name": "run-x"}, {"name": "run-y"}]


def test_tenants_are_those_that_the_principal_has(library):
    assert library.ask("{ tenant { slug } }") == [{"slug": "ours"}]
    assert library.ask("{ tenant_aggregate { aggregate { count } } }") == {"aggregate": {"count": 1}}
    query = "query Q($id: UUID!) { tenant_by_pk(id: $id) { slug } }"
    assert library.ask(query, id=library.tenants["theirs"]) is None
    assert library.ask('{ project(where: {tenant: {slug: {_eq: "theirs"}}}) { name } }') == []
    assert library.ask("{ flow_run { tenant { slug } } }") == [{"tenant": {"slug": "ours"}}] * 5


def test_an_ordering_by_a_relationship_stays_inside(library):
    rows = library.ask(
        "{ flow_run(order_by: {flow: {project: {tenant: {slug: desc}}}, name: asc}) { name } }"
    )
    assert [row["name"] for row in rows] == ["run-1", "run-2", "run-3", "run-4", "run-5"]


def test_a_runs_own_token_sees_what_the_run_needs(library):
    query = """
      {
        flow_run { name flow { name flow_runs { name } project { name flows { name version } } } }
        task_run { flow_run { name } }
        log { flow_run { name } }
        project { name }
        task(order_by: {slug: asc}) { slug task_runs { flow_run { name } } }
        agent { id }
      }
    """
    answer = library.ask(query, who="runner")
    flow = {"name": "etl", "version": 2}
    assert answer["flow_run"] == [
        {
            "name": "run-1",
            "flow": {
                "name": "etl",
                "flow_runs": [{"name": "run-1"}],
                "project": {"name": "Alpha", "flows": [flow]},
            },
        }
    ]
    assert {row["flow_run"]["name"] for row in answer["task_run"]} == {"run-1"}
    assert {row["flow_run"]["name"] for row in answer["log"]} == {"run-1"}
    assert answer["project"] == [{"name": "Alpha"}]
    own = [{"flow_run": {"name": "run-1"}}]
    assert answer["task"] == [{"slug": "extract", "task_runs": own}, {"slug": "load", "task_runs": own}]
    assert answer["agent"] == []


def test_one_document_kept_for_all_answers_each_its_own(library):
    query = (
        "{ project(order_by: {name: asc}) { name flows { flow_runs_aggregate { aggregate { count } } } } }"
    )
    for _ in range(3):
        assert [row["name"] for row in library.ask(query, who="theirs")] == ["Foreign"]
        assert [row["name"] for row in library.ask(query, who="runner")] == ["Alpha"]
        assert len(library.ask(query)) == 3
