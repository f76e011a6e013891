"""Orderings and distinct_on: as the client wrote them, the same on every kind of database."""

from __future__ import annotations

import pytest


def names(library, arguments, table="flow_run", column="name", **variables):
    declared = f"({', '.join(f'${name}: [{table}_order_by!]' for name in variables)})" if variables else ""
    rows = library.ask(f"query Q{declared} {{ {table}{arguments} {{ {column} }} }}", **variables)
    return [row[column] for row in rows]


@pytest.mark.parametrize(
    ("order_by", "expected"),
    [
        ("{name: desc}", ["run-5", "run-4", "run-3", "run-2", "run-1"]),
        # As in PostgreSQL, nulls count as larger than any value.
        ("{duration: asc, name: asc}", ["run-3", "run-2", "run-1", "run-4", "run-5"]),
        ("{duration: desc, name: asc}", ["run-1", "run-4", "run-5", "run-2", "run-3"]),
        ("{duration: asc_nulls_first, name: desc}", ["run-5", "run-4", "run-1", "run-3", "run-2"]),
        ("{duration: asc_nulls_last, name: desc}", ["run-3", "run-2", "run-5", "run-4", "run-1"]),
        ("{duration: desc_nulls_first, name: desc}", ["run-5", "run-4", "run-1", "run-2", "run-3"]),
        ("{duration: desc_nulls_last, name: asc}", ["run-2", "run-3", "run-1", "run-4", "run-5"]),
        ("{duration: null, name: desc}", ["run-5", "run-4", "run-3", "run-2", "run-1"]),
        # Not in the contract's order of columns, but in that of the request.
        ("{state: asc, name: desc}", ["run-2", "run-4", "run-3", "run-1", "run-5"]),
        ("[{state: asc}, {name: desc}]", ["run-2", "run-4", "run-3", "run-1", "run-5"]),
        ("{name: desc, state: asc}", ["run-5", "run-4", "run-3", "run-2", "run-1"]),
        ("{flow: {name: desc, version: asc}, name: asc}", ["run-4", "run-5", "run-1", "run-2", "run-3"]),
        ("{flow: {project: {name: asc}}, name: desc}", ["run-3", "run-2", "run-1", "run-5", "run-4"]),
        # Only the first mention of a column counts.
        ("[{name: desc}, {name: asc}]", ["run-5", "run-4", "run-3", "run-2", "run-1"]),
    ],
)
def test_order(library, order_by, expected):
    assert names(library, f"(order_by: {order_by})") == expected


def test_rows_that_a_relationship_leads_nowhere_from_sort_as_null(library):
    flows = "(order_by: {project: {name: ORDER}, name: asc}, where: {archived: {_eq: false}})"
    assert names(library, flows.replace("ORDER", "asc"), "flow") == ["etl", "report", "loose"]
    assert names(library, flows.replace("ORDER", "desc"), "flow") == ["loose", "report", "etl"]


@pytest.mark.parametrize("variable", [{"state": "asc", "name": "desc"}, [{"state": "asc"}, {"name": "desc"}]])
def test_a_variable_keeps_the_order_it_was_sent_in(library, variable):
    assert names(library, "(order_by: $by)", by=variable) == ["run-2", "run-4", "run-3", "run-1", "run-5"]


def test_a_variable_within_an_ordering(library):
    query = """
      query Q($state: order_by, $flow: flow_order_by = {version: desc, name: asc}) {
        flow_run(order_by: {flow: $flow, state: $state, name: desc}) { name }
      }
    """
    rows = library.ask(query, state="asc")
    assert [row["name"] for row in rows] == ["run-2", "run-3", "run-1", "run-4", "run-5"]
    rows = library.ask(query, state=None)
    assert [row["name"] for row in rows] == ["run-3", "run-2", "run-1", "run-5", "run-4"]


def test_an_absent_variable_orders_nothing(library):
    assert sorted(names(library, "(order_by: $by)", by=None)) == names(library, "(order_by: {name: asc})")


def test_what_an_ordering_leaves_equal_stands_as_it_arrived(library):
    logs = names(
        library, '(order_by: {timestamp: asc}, where: {flow_run: {name: {_eq: "run-1"}}})', "log", "message"
    )
    assert logs == ["early", "line 0", "line 1", "line 2", "line 3"]
    assert names(library, "", "log", "message")[:5] == ["line 0", "line 1", "line 2", "line 3", "early"]


def test_pages_neither_repeat_nor_skip(library):
    pages = [names(library, f"(order_by: {{version: asc}}, limit: 2, offset: {n})") for n in (0, 2, 4, 6)]
    assert [len(page) for page in pages] == [2, 2, 1, 0]
    assert sorted(name for page in pages for name in page) == names(library, "(order_by: {name: asc})")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("(distinct_on: state, order_by: {state: asc, name: desc})", ["run-2", "run-4", "run-3", "run-5"]),
        ("(distinct_on: [state], order_by: [{state: desc}, {name: asc}])", ["run-5", "run-1", "run-4", "run-2"]),
        ("(distinct_on: [flow_id, state], order_by: {state: asc, flow_id: asc, name: asc})", ["run-2", "run-4", "run-1", "run-5"]),
        ("(distinct_on: state, order_by: {state: asc, name: asc}, limit: 2, offset: 1)", ["run-4", "run-1"]),
        ("(distinct_on: null, order_by: {name: asc}, limit: 1)", ["run-1"]),
        ("(distinct_on: [], order_by: {name: asc}, limit: 1)", ["run-1"]),
        ("(distinct_on: labels, order_by: {labels: asc, name: asc})", ["run-1", "run-2", "run-3"]),
    ],
)  # fmt: skip
def test_distinct_on(library, arguments, expected):
    found = names(library, arguments)
    assert sorted(found) == sorted(expected) if "labels" in arguments else found == expected


def test_distinct_on_alone_sorts_by_its_columns(library):
    query = "{ flow_run(distinct_on: [state, flow_id]) { state } }"
    assert [row["state"] for row in library.ask(query)] == ["Failed", "Running", "Success", None]


@pytest.mark.parametrize(
    "arguments",
    [
        "(distinct_on: state, order_by: {name: asc})",
        "(distinct_on: state, order_by: [{name: asc}, {state: asc}])",
        "(distinct_on: [state, name], order_by: {state: asc, version: asc})",
        "(distinct_on: name, order_by: {flow: {name: asc}, name: asc})",
    ],
)
def test_an_ordering_that_contradicts_distinct_on_is_refused(library, arguments):
    assert "must begin with the same columns" in library.refusal(f"{{ flow_run{arguments} {{ id }} }}")


@pytest.mark.parametrize("arguments", ["limit: -1", "offset: -1", "limit: 5, offset: -3"])
def test_negative_numbers_are_refused(library, arguments):
    assert "must not be negative" in library.refusal(f"{{ flow_run({arguments}) {{ id }} }}")
    assert "must not be negative" in library.refusal(f"{{ flow {{ flow_runs({arguments}) {{ id }} }} }}")


@pytest.mark.parametrize(
    ("arguments", "count"), [("limit: 0", 0), ("limit: null", 5), ("limit: 2147483647", 5), ("offset: 3", 2), ("offset: null", 5)]
)  # fmt: skip
def test_limit_and_offset(library, arguments, count):
    assert len(library.ask(f"{{ flow_run({arguments}) {{ id }} }}")) == count
