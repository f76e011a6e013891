"""Filters: every operator, nulls that collapse, and relationships, on every kind of database."""

from __future__ import annotations

import pytest

RUNS = ["run-1", "run-2", "run-3", "run-4", "run-5"]
PROJECTS = ["Alpha", "beta", "ÄPFEL"]


@pytest.mark.parametrize(
    ("where", "names"),
    [
        ('{state: {_eq: "Success"}}', ["run-1", "run-3"]),
        # As in SQL, a row without a value is neither equal nor unequal to one.
        ('{state: {_neq: "Success"}}', ["run-2", "run-4"]),
        ("{version: {_eq: 1}}", RUNS),
        ("{duration: {_gt: 2}}", ["run-2"]),
        ("{duration: {_gte: 2}}", ["run-2", "run-3"]),
        ("{duration: {_lt: 7.5}}", ["run-3"]),
        ("{duration: {_lte: 7.5}}", ["run-2", "run-3"]),
        ('{state_timestamp: {_gt: "2030-01-01T12:03:00Z"}}', ["run-4"]),
        ('{state_timestamp: {_gte: "2030-01-01T13:03:00+01:00"}}', ["run-3", "run-4"]),
        ('{state_timestamp: {_in: ["2030-01-01T12:01:00", "2030-01-01T12:02"]}}', ["run-1", "run-2"]),
        ('{name: {_gt: "run-3", _lt: "run-5"}}', ["run-4"]),
        ('{state: {_in: ["Failed", "Running", "x"]}}', ["run-2", "run-4"]),
        ('{state: {_in: "Failed"}}', ["run-2"]),
        ("{state: {_in: []}}", []),
        ('{state: {_nin: ["Failed", "Running"]}}', ["run-1", "run-3"]),
        ("{state: {_nin: []}}", RUNS),
        ("{duration: {_in: [2, 7.5]}}", ["run-2", "run-3"]),
        ("{auto_scheduled: {_eq: false}}", RUNS),
        ("{auto_scheduled: {_in: [true]}}", []),
        ("{auto_scheduled: {_neq: true}, version: {_in: [1, 2]}}", RUNS),
        ("{state: {_is_null: true}}", ["run-5"]),
        ("{state: {_is_null: false}}", ["run-1", "run-2", "run-3", "run-4"]),
        ("{parameters: {_is_null: true}}", ["run-5"]),
    ],
)
def test_comparisons(library, where, names):
    assert library.names("flow_run", where) == names


@pytest.mark.parametrize(
    ("where", "names"),
    [
        ('{name: {_like: "A%"}}', ["Alpha"]),
        ('{name: {_like: "a%"}}', []),
        ('{name: {_like: "_eta"}}', ["beta"]),
        ('{name: {_nlike: "%a"}}', ["ÄPFEL"]),
        ('{name: {_ilike: "ALPHA"}}', ["Alpha"]),
        ('{name: {_ilike: "äpf%"}}', ["ÄPFEL"]),
        ('{name: {_nilike: "%A"}}', ["ÄPFEL"]),
        # A backslash takes the meaning of % and _ away, and its own.
        ('{description: {_like: "100\\\\% sure\\\\_%"}}', ["beta"]),
        ('{description: {_like: "100\\\\%"}}', []),
        ('{description: {_ilike: "BACK\\\\\\\\SLASH%"}}', ["ÄPFEL"]),
        ('{description: {_like: ""}}', []),
    ],
)
def test_patterns(library, where, names):
    assert library.names("project", where) == names


@pytest.mark.parametrize(
    ("where", "names"),
    [
        ("{}", RUNS),
        ("null", RUNS),
        ("{state: null}", RUNS),
        ("{state: {}}", RUNS),
        ("{state: {_eq: null}}", RUNS),
        ("{state: {_in: null, _is_null: null}}", RUNS),
        ("{parameters: {_contains: null}}", RUNS),
        ('{state: {_eq: null, _neq: "Success"}}', ["run-2", "run-4"]),
        ("{_and: []}", RUNS),
        ("{_and: null, _or: null, _not: null}", RUNS),
        ("{_and: [{}, null]}", RUNS),
        ('{_and: {state: {_eq: "Failed"}}}', ["run-2"]),
        ('{_and: [{state: {_eq: "Success"}}, {duration: {_is_null: false}}]}', ["run-3"]),
        ("{_or: []}", []),
        ("{_or: [{}]}", RUNS),
        ("{_or: [null]}", RUNS),
        ('{_or: [{state: {_eq: null}}, {state: {_eq: "Failed"}}]}', RUNS),
        ('{_or: [{state: {_eq: "Failed"}}, {state: {_is_null: true}}]}', ["run-2", "run-5"]),
        ('{version: {_eq: 1}, _or: {state: {_eq: "Failed"}}}', ["run-2"]),
        ('{_not: {state: {_eq: "Success"}}}', ["run-2", "run-4"]),
        ("{_not: {}}", []),
        ("{_not: {_not: {}}}", RUNS),
        ("{flow: null}", RUNS),
    ],
)
def test_conjunctions_and_nulls(library, where, names):
    assert library.names("flow_run", where) == names


@pytest.mark.parametrize(
    ("table", "where", "names"),
    [
        ("flow_run", '{flow: {project: {name: {_eq: "beta"}}}}', ["run-4", "run-5"]),
        ("flow_run", '{flow: {flow_group: {flows: {archived: {_eq: true}}}}}', ["run-1", "run-2", "run-3"]),
        ("project", '{flows: {flow_runs: {state: {_eq: "Running"}}}}', ["beta"]),
        ("project", "{flows: {}}", ["Alpha", "beta"]),
        ("project", "{_not: {flows: {}}}", ["ÄPFEL"]),
        ("project", '{_not: {flows: {flow_runs: {state: {_eq: "Failed"}}}}}', ["beta", "ÄPFEL"]),
        ("project", '{flows: {_or: [{flow_runs: {logs: {level: {_eq: ERROR}}}}, {name: {_eq: "report"}}]}}', ["Alpha", "beta"]),
        ("flow", "{project: {}}", ["etl", "etl", "report"]),
        ("flow", "{_not: {project: {}}}", ["loose"]),
        ("task", '{task_runs: {map_index: {_gt: 1}}, flow: {tasks: {slug: {_eq: "load"}}}}', ["Extract"]),
        # The same table at several levels, and two relationships side by side.
        ("flow", '{flow_group: {flows: {flow_group: {flows: {version: {_eq: 2}}}}}}', ["etl", "etl"]),
        ("flow_run", '{task_runs: {state: {_eq: "Mapped"}}, logs: {level: {_eq: DEBUG}}}', ["run-2"]),
    ],
)  # fmt: skip
def test_relationships(library, table, where, names):
    assert library.names(table, where) == names


def test_enums_and_nulls_in_logs(library):
    assert library.names("log", "{level: {_in: [ERROR, DEBUG]}}", "message") == ["early", "only"]
    assert library.names("log", "{level: {_is_null: true}}", "timestamp") == [
        "2030-01-01T12:02:00.000000+00:00"
    ]
    assert library.names("log", "{level: {_neq: INFO}}", "message") == ["early", "only"]


def test_what_older_clients_ask_for_cached_states(library):
    query = """
      query Cached($where: task_run_bool_exp) {
        task_run(where: $where, order_by: {state_timestamp: desc}) { state task { slug } }
      }
    """
    where = {
        "state": {"_eq": "Mapped"},
        "_or": [
            {"_and": [{"cache_key": {"_eq": None}}, {"cache_key": {"_is_null": False}}]},
            {"task_id": {"_eq": library.id_of("etl-2/extract")}},
        ],
        "state_timestamp": {"_gte": None},
    }
    assert library.ask(query, where=where) == [{"state": "Mapped", "task": {"slug": "extract"}}]


@pytest.mark.parametrize("operator", ["_eq", "_neq", "_in", "_nin", "_like", "_ilike", "_gt", "_lte"])
@pytest.mark.parametrize(
    "value",
    [
        "' OR '1'='1",
        "x'; DROP TABLE project; --",
        '" OR 1=1 --',
        "%(scope_tenant_id)s :scope_tenant_id ? {} %s",
        "\\' OR TRUE --",
        "))) UNION SELECT * FROM tenant --",
        "💥\u0300\u202e",
    ],
)
def test_sql_in_a_value_stays_text(library, operator, value):
    operand = [value] if operator in {"_in", "_nin"} else value
    query = "query ($where: project_bool_exp) { project(where: $where) { name } }"
    found = {row["name"] for row in library.ask(query, where={"name": {operator: operand}})}
    if operator in {"_neq", "_nin"}:
        assert found == set(PROJECTS)
    elif operator in {"_gt", "_lte"}:
        assert found <= set(PROJECTS)
    else:
        assert found == set()
    assert library.names("project", "{}") == PROJECTS


def test_quotes_are_found_as_they_are(library):
    query = "query ($text: String) { project(where: {description: {_eq: $text}}) { name } }"
    assert library.ask(query, text="back\\slash, 'single' and \"double\"") == [{"name": "ÄPFEL"}]


@pytest.mark.parametrize("text", ["a\0b", "\ud800"])
@pytest.mark.parametrize(
    "where",
    [
        lambda text: {"name": {"_eq": text}},
        lambda text: {"name": {"_in": ["x", text]}},
        lambda text: {"flow_runs": {"parameters": {"_contains": {"x": [text]}}}},
    ],
)
def test_text_that_cannot_be_stored_is_refused(library, text, where):
    root = "query ($where: flow_bool_exp) { flow(where: $where) { id } }"
    nested = "query ($where: flow_bool_exp) { project { flows(where: $where) { id } } }"
    assert "remove it" in library.refusal(root, where=where(text))
    assert "remove it" in library.refusal(nested, where=where(text))


def test_a_pattern_ending_in_an_escape_is_refused(library):
    assert "two" in library.refusal(r'{ project(where: {name: {_like: "a\\"}}) { id } }')
    assert library.names("project", r'{name: {_like: "a\\\\"}}') == []


def test_a_huge_pattern_is_refused(library):
    query = "query ($text: String) { project(where: {name: {_ilike: $text}}) { id } }"
    assert "50000" in library.refusal(query, text="é" * 25_001)
    assert library.ask(query, text="%" * 50_000) != []


def test_a_filter_nested_too_deep_is_refused(library):
    deep: dict[str, object] = {}
    for _ in range(40):
        deep = {"_not": deep}
    query = "query ($where: project_bool_exp) { project(where: $where) { id } }"
    assert "24 levels" in library.refusal(query, where=deep)


def test_a_filter_through_more_relationships_than_sqlite_reads_is_refused(library, backend):
    where = '{name: {_ilike: "x"}}'
    for _ in range(5):
        where = f"{{flow: {{flow_runs: {where}}}}}"
    query = f"{{ flow_run(where: {where}) {{ id }} }}"
    if backend == "postgresql":
        assert library.ask(query) == []
    else:
        assert "too many relationships" in library.refusal(query)


def test_a_filter_with_too_many_conditions_is_refused(library):
    query = "query ($where: project_bool_exp) { project(where: $where) { name } }"
    many = [{"name": {"_eq": str(n)}} for n in range(501)]
    assert "500 conditions" in library.refusal(query, where={"_or": many})
    enough = [*many[:160], {"name": {"_eq": "beta"}}]
    assert library.ask(query, where={"_or": enough}) == [{"name": "beta"}]


def test_a_list_of_any_length_is_one_parameter(library, statements):
    query = "query ($names: [String!]) { project(where: {name: {_in: $names}}) { name } }"
    names = [f"name {n}" for n in range(40_000)]
    assert library.ask(query, names=[*names, "beta"]) == [{"name": "beta"}]
    assert len(statements[-1]) < 1000
