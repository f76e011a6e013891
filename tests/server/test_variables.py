"""Variables: read as graphql-core reads them, only faster."""

from __future__ import annotations

from typing import Any

import pytest
from graphql import OperationDefinitionNode, get_variable_values, parse
from hypothesis import given
from hypothesis import strategies as st

from orchestra_client.server.documents import Operation
from orchestra_client.server.failures import RequestRefused
from orchestra_client.server.schema import api
from orchestra_client.server.variables import declared, read_variables

TYPES = [
    "set_task_run_states_input!",
    "create_flow_run_input",
    "create_flow_input",
    "get_or_create_task_run_input",
    "task_run_bool_exp",
    "[task_run_order_by!]",
    "write_run_logs_input",
    "[UUID!]!",
    "[Int]",
    "Boolean",
    "JSON",
    "DateTime",
    "log_level",
    "Int! = 3",
    'String = "x"',
]
UUID = "F2504E04-4F89-41D3-9A0C-0305E82C3301"
NAMES = [
    *(
        "states",
        "task_run_id",
        "version",
        "state",
        "transition_id",
        "flow_id",
        "parameters",
        "labels",
        "map_index",
    ),
    *(
        "task_id",
        "flow_run_id",
        "serialized_flow",
        "set_schedule_active",
        "scheduled_start_time",
        "logs",
        "level",
    ),
    *("_and", "_or", "_not", "_eq", "_in", "_is_null", "id", "flow_run", "created", "message", "nonsense"),
]
SCALARS = st.sampled_from(
    [None, True, False, 0, 7, 2**40, 1.5, "", "x", UUID, "2020-01-01T00:00:00", "INFO", "desc", "[]"]
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=12,
)


def operation(type_: str) -> Operation:
    node = parse(f"query ($v: {type_}) {{ hello }}").definitions[0]
    assert isinstance(node, OperationDefinitionNode)
    return Operation(node, {}, declared(api().schema, node), is_conditional=False)


def expected(asked: Operation, sent: dict[str, Any]) -> Any:
    values = get_variable_values(api().schema, asked.node.variable_definitions, sent)
    return None if isinstance(values, list) else values.coerced


def read(asked: Operation, sent: dict[str, Any]) -> Any:
    try:
        return read_variables(api().schema, asked, sent).coerced
    except RequestRefused:
        return None


@pytest.mark.parametrize("type_", TYPES)
@given(value=VALUES)
def test_any_value_is_read_as_graphql_core_reads_it(type_: str, value: Any) -> None:
    asked = operation(type_)
    assert read(asked, {"v": value}) == expected(asked, {"v": value})


@pytest.mark.parametrize("type_", TYPES)
def test_a_variable_that_is_missing_is_read_as_graphql_core_reads_it(type_: str) -> None:
    asked = operation(type_)
    assert read(asked, {}) == expected(asked, {})


def test_good_input_is_read_with_its_defaults() -> None:
    asked = operation("get_or_create_task_run_input!")
    sent = {"flow_run_id": UUID, "task_id": UUID}
    assert read(asked, {"v": sent}) == {
        "v": {"flow_run_id": UUID.lower(), "task_id": UUID.lower(), "map_index": -1}
    }


def test_a_filter_that_contains_itself_is_read() -> None:
    asked = operation("task_run_bool_exp!")
    sent = {
        "_and": [{"_or": [{"_not": {"id": {"_eq": UUID}}}]}],
        "flow_run": {"task_runs": {"state": {"_eq": None}}},
    }
    found = read(asked, {"v": sent})["v"]
    assert found["_and"][0]["_or"][0]["_not"]["id"]["_eq"] == UUID.lower()
    assert found["flow_run"]["task_runs"]["state"] == {"_eq": None}


@pytest.mark.parametrize(
    ("sent", "place"),
    [
        ({"flow_run_id": UUID}, "task_id"),
        ({"flow_run_id": UUID, "task_id": "rubbish"}, "task_id"),
        ({"flow_run_id": UUID, "task_id": UUID, "map_index": "1"}, "map_index"),
        ({"flow_run_id": UUID, "task_id": UUID, "nonsense": 1}, "nonsense"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(sent: dict[str, Any], place: str) -> None:
    with pytest.raises(RequestRefused) as caught:
        read_variables(api().schema, operation("get_or_create_task_run_input!"), {"v": sent})
    [error] = caught.value.formatted()
    assert place in error["message"]
    assert error["extensions"] == {"code": "BAD_USER_INPUT"}
