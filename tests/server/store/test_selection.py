"""Selections: nested relationships, aliases, fragments, directives, and one statement for each level."""

from __future__ import annotations

import gc
import uuid

import pytest


def test_only_what_was_selected_in_the_order_it_was_selected(library):
    query = '{ flow(where: {name: {_eq: "report"}}) { version flow_runs(limit: 1, order_by: {name: asc}) { name } name project { name } } }'
    [row] = library.ask(query)
    assert list(row.items()) == [
        ("version", 1),
        ("flow_runs", [{"name": "run-4"}]),
        ("name", "report"),
        ("project", {"name": "beta"}),
    ]


def test_the_values_of_every_scalar(library):
    query = "query ($id: UUID!) { flow_run_by_pk(id: $id) { id labels parameters duration auto_scheduled version state_timestamp agent_id } }"
    assert library.ask(query, id=library.id_of("run-2")) == {
        "id": library.id_of("run-2"),
        "labels": ["b"],
        "parameters": {"x": 2.5},
        "duration": 7.5,
        "auto_scheduled": False,
        "version": 1,
        "state_timestamp": "2030-01-01T12:02:00.000000+00:00",
        "agent_id": None,
    }


def test_by_pk_of_nothing_is_null(library):
    assert (
        library.ask(f'{{ flow_by_pk(id: "{library.id_of("nothing")}") {{ id project {{ id }} }} }}') is None
    )


def test_relationships_in_both_directions(library):
    query = """
      query Q($id: UUID!) {
        flow_run_by_pk(id: $id) {
          name
          flow { name project { name } flow_group { flows(order_by: {version: asc}) { version } } }
          task_runs(where: {map_index: {_eq: -1}}, order_by: {task: {slug: asc}}) { state task { slug flow { name } } }
        }
      }
    """
    assert library.ask(query, id=library.id_of("run-2")) == {
        "name": "run-2",
        "flow": {
            "name": "etl",
            "project": {"name": "Alpha"},
            "flow_group": {"flows": [{"version": 1}, {"version": 2}]},
        },
        "task_runs": [
            {"state": "Mapped", "task": {"slug": "extract", "flow": {"name": "etl"}}},
            {"state": "TriggerFailed", "task": {"slug": "load", "flow": {"name": "etl"}}},
        ],
    }


def test_a_row_without_its_relationship(library):
    query = '{ flow(where: {name: {_eq: "loose"}}) { project { name } flow_runs { id } tasks_aggregate { aggregate { count } nodes { id } } } }'
    assert library.ask(query) == [
        {"project": None, "flow_runs": [], "tasks_aggregate": {"aggregate": {"count": 0}, "nodes": []}}
    ]


def test_one_field_twice_with_different_arguments(library):
    query = """
      {
        flow(where: {name: {_eq: "etl"}, version: {_eq: 2}}) {
          good: flow_runs(where: {state: {_eq: "Success"}}, order_by: {name: asc}) { run: name }
          bad: flow_runs(where: {state: {_eq: "Failed"}}) { name title: name }
        }
      }
    """
    assert library.ask(query) == [
        {
            "good": [{"run": "run-1"}, {"run": "run-3"}],
            "bad": [{"name": "run-2", "title": "run-2"}],
        }
    ]


def test_fragments_inline_fragments_and_merged_fields(library):
    query = """
      query Q {
        project(where: {name: {_eq: "beta"}}) { ...P ... on project { flows { ...F } } }
        project { description }
      }
      fragment P on project { name flows { name flow_runs(order_by: {name: asc}) { name } } ... { name } }
      fragment F on flow { version flow_runs { state } ...G }
      fragment G on flow { flow_runs { flow { name } } }
    """.replace("project { description }", "")
    merged = query.replace("flow_runs { state }", "flow_runs(order_by: {name: asc}) { state }").replace(
        "flow_runs { flow", "flow_runs(order_by: {name: asc}) { flow"
    )
    assert library.ask(merged) == [
        {
            "name": "beta",
            "flows": [
                {
                    "name": "report",
                    "flow_runs": [
                        {"name": "run-4", "state": "Running", "flow": {"name": "report"}},
                        {"name": "run-5", "state": None, "flow": {"name": "report"}},
                    ],
                    "version": 1,
                }
            ],
        }
    ]


def test_one_root_field_selected_twice(library):
    query = '{ project(where: {name: {_eq: "beta"}}) { name } project(where: {name: {_eq: "beta"}}) { flows { name } } }'
    assert library.ask(query) == [{"name": "beta", "flows": [{"name": "report"}]}]


@pytest.mark.parametrize("wanted", [True, False])
def test_include_and_skip(library, wanted):
    query = """
      query Q($yes: Boolean!) {
        flow(where: {name: {_eq: "report"}}) {
          name @include(if: $yes)
          version @skip(if: $yes)
          ...F @include(if: $yes)
          ... @skip(if: $yes) { project { name } }
        }
      }
      fragment F on flow { flow_runs(limit: 1, order_by: {name: desc}) { name @include(if: true) id @skip(if: true) } }
    """
    # Twice, for what was read from a document is kept.
    for _ in range(2):
        [row] = library.ask(query, yes=wanted)
        assert row == (
            {"name": "report", "flow_runs": [{"name": "run-5"}]}
            if wanted
            else {"version": 1, "project": {"name": "beta"}}
        )


def test_a_kept_document_follows_its_variables(library):
    query = """
      query Q($state: String, $limit: Int, $version: Int) {
        flow(where: {version: {_eq: $version}}, order_by: {name: asc}) {
          name flow_runs(where: {state: {_eq: $state}}, limit: $limit, order_by: {name: asc}) { name flow { name } }
        }
      }
    """

    def runs(**variables):
        return [run["name"] for flow in library.ask(query, **variables) for run in flow["flow_runs"]]

    for _ in range(3):
        assert runs(state="Success", version=2) == ["run-1", "run-3"]
        assert runs(state="Success", version=2, limit=1) == ["run-1"]
        assert runs(state="Running") == ["run-4"]
        assert runs(state="Success", version=1) == []
        assert len(runs()) == 5


def test_type_names_at_every_level(library):
    query = """
      {
        flow_aggregate(where: {name: {_eq: "report"}}) {
          __typename
          aggregate { __typename count }
          nodes { __typename kind: __typename flow_runs(limit: 1) { __typename } project { __typename } }
        }
      }
    """
    assert library.ask(query) == {
        "__typename": "flow_aggregate",
        "aggregate": {"__typename": "flow_aggregate_fields", "count": 1},
        "nodes": [
            {
                "__typename": "flow",
                "kind": "flow",
                "flow_runs": [{"__typename": "flow_run"}],
                "project": {"__typename": "project"},
            }
        ],
    }


# ------------------------------------------------------------------------------------------------- each parent


@pytest.mark.parametrize(
    ("arguments", "runs"),
    [
        ("limit: 1, order_by: {name: asc}", {"etl": ["run-1"], "report": ["run-4"]}),
        ("limit: 1, offset: 1, order_by: {name: asc}", {"etl": ["run-2"], "report": ["run-5"]}),
        ("offset: 2, order_by: {name: asc}", {"etl": ["run-3"], "report": []}),
        ("limit: 0", {"etl": [], "report": []}),
        ("limit: 2, order_by: {name: desc}", {"etl": ["run-3", "run-2"], "report": ["run-5", "run-4"]}),
        ("distinct_on: state, order_by: {state: asc, name: desc}", {"etl": ["run-2", "run-3"], "report": ["run-4", "run-5"]}),
        ("distinct_on: state, order_by: {state: asc, name: asc}, limit: 1, offset: 1", {"etl": ["run-1"], "report": ["run-5"]}),
        ('limit: 1, where: {state: {_eq: "Success"}}, order_by: {name: desc}', {"etl": ["run-3"], "report": []}),
        ("limit: 1, order_by: {flow: {project: {name: asc}}, name: desc}", {"etl": ["run-3"], "report": ["run-5"]}),
    ],
)  # fmt: skip
def test_arguments_apply_to_each_parents_rows(library, arguments, runs):
    where = '{name: {_in: ["etl", "report"]}, archived: {_eq: false}}'
    rows = library.ask(f"{{ flow(where: {where}) {{ name flow_runs({arguments}) {{ name }} }} }}")
    assert {row["name"]: [run["name"] for run in row["flow_runs"]] for row in rows} == runs


# -------------------------------------------------------------------------------------------------- statements


def test_one_statement_for_each_level(library, statements):
    query = """
      {
        project {
          flows {
            flow_group { name }
            flow_runs(limit: 2) { logs { message } task_runs(order_by: {task: {name: asc}}) { task { name } } }
            tasks_aggregate { aggregate { count } nodes { name } }
          }
        }
      }
    """
    library.ask(query)
    # project, flows, flow_group, flow_runs, logs, task_runs, task, and the tasks' count and nodes
    assert len(statements) == 9


def test_levels_without_parents_cost_nothing(library, statements):
    assert (
        library.ask('{ flow(where: {name: {_eq: "no"}}) { flow_runs { logs { id } } project { name } } }')
        == []
    )
    assert len(statements) == 1


def test_only_selected_columns_are_read(library, statements):
    library.ask("{ flow_run { name flow { version } } }")
    heads = [statement.partition("FROM")[0] for statement in statements]
    assert [head.count(",") for head in heads] == [1, 1]
    assert "serialized_state" not in "".join(heads)


def test_what_was_read_from_a_document_lives_as_long_as_it(library):
    from orchestra_client.server.resolvers.tables import _reader
    from orchestra_client.server.schema import api

    kept = _reader(api().schema)._plans._kept
    gc.collect()
    before = len(kept)
    for n in range(5):
        # A document that is read again, be it by another service, is remembered.
        library.ask(f"{{ flow(limit: {n}) {{ name flow_runs {{ name }} }} }} # {uuid.uuid4()}")
    gc.collect()
    assert len(kept) == before
