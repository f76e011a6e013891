"""Aggregates: of a table and of each parent's rows, always over the rows that the arguments leave."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("arguments", "count", "number"),
    [
        ("", "count", 5),
        ('(where: {state: {_eq: "Success"}})', "count", 2),
        ("(limit: 3)", "count", 3),
        ("(limit: 3, offset: 4)", "count", 1),
        ("(offset: 2)", "count", 3),
        ("(distinct_on: state)", "count", 4),
        ("(distinct_on: state, limit: 2)", "count", 2),
        ("", "count(columns: state)", 4),
        ("", "count(columns: [state], distinct: true)", 3),
        ("", "count(columns: labels, distinct: true)", 3),
        ("", "count(columns: [state, flow_id])", 5),
        ("", "count(columns: [state, flow_id], distinct: true)", 4),
        ("", "count(columns: [version, labels], distinct: true)", 3),
        ("", "count(columns: [version, version], distinct: true)", 1),
        ("", "count(columns: [])", 5),
        ("", "count(columns: null, distinct: true)", 5),
        ("(order_by: {duration: asc}, limit: 2)", "count(columns: duration)", 2),
        ("(order_by: {duration: desc}, limit: 2)", "count(columns: duration)", 0),
    ],
)
def test_counts(library, arguments, count, number):
    assert library.ask(f"{{ flow_run_aggregate{arguments} {{ aggregate {{ {count} }} }} }}") == {
        "aggregate": {"count": number}
    }


def test_several_counts_and_nodes(library, statements):
    query = """
      {
        flow_run_aggregate(order_by: {name: desc}, limit: 2) {
          a: aggregate { all: count states: count(columns: state) }
          rows: nodes { name flow { name } }
          b: aggregate { count }
          nodes { state }
        }
      }
    """
    assert library.ask(query) == {
        "a": {"all": 2, "states": 1},
        "rows": [
            {"name": "run-5", "flow": {"name": "report"}},
            {"name": "run-4", "flow": {"name": "report"}},
        ],
        "b": {"count": 2},
        "nodes": [{"state": None}, {"state": "Running"}],
    }
    # One for all counts, one for each list of nodes, one for the flows.
    assert len(statements) == 4


def test_nodes_alone_count_nothing(library, statements):
    library.ask("{ flow_run_aggregate { nodes { name } } }")
    assert len(statements) == 1


@pytest.mark.parametrize(
    ("arguments", "counts"),
    [
        ("", {"etl-1": 0, "etl-2": 3, "report-1": 2, "loose-1": 0}),
        ('(where: {state: {_eq: "Success"}})', {"etl-1": 0, "etl-2": 2, "report-1": 0, "loose-1": 0}),
        ("(limit: 2)", {"etl-1": 0, "etl-2": 2, "report-1": 2, "loose-1": 0}),
        ("(offset: 1)", {"etl-1": 0, "etl-2": 2, "report-1": 1, "loose-1": 0}),
        ("(distinct_on: state)", {"etl-1": 0, "etl-2": 2, "report-1": 2, "loose-1": 0}),
        ("(distinct_on: state, offset: 1)", {"etl-1": 0, "etl-2": 1, "report-1": 1, "loose-1": 0}),
    ],
)
def test_each_parents_rows_in_one_statement(library, statements, arguments, counts):
    query = f"{{ flow {{ name version flow_runs_aggregate{arguments} {{ aggregate {{ count }} nodes {{ name }} }} }} }}"
    rows = library.ask(query)
    found = {f"{row['name']}-{row['version']}": row["flow_runs_aggregate"] for row in rows}
    assert {name: each["aggregate"]["count"] for name, each in found.items()} == counts
    assert {name: len(each["nodes"]) for name, each in found.items()} == counts
    assert len(statements) == 3
