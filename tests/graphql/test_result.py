"""Answers of the API read as items and as attributes."""

from __future__ import annotations

import copy
import json
import pickle

import pytest

from orchestra_client.graphql import GraphQLResult, as_nested_graphql_result


@pytest.fixture
def result() -> GraphQLResult:
    return GraphQLResult(
        {"data": {"flow": [{"id": "1", "project": {"name": "p"}}, {"id": "2", "project": None}], "keys": 3}}
    )


def test_items_and_attributes_reach_the_same(result: GraphQLResult) -> None:
    assert result.data.flow[0].project.name == result["data"]["flow"][0]["project"]["name"] == "p"
    assert result.data.flow is result["data"]["flow"]


def test_dicts_in_lists_of_lists_are_results() -> None:
    assert GraphQLResult(rows=[[{"a": 1}]], pair=({"b": 2},)).rows[0][0].a == 1


def test_a_key_named_like_a_dict_method_is_an_item(result: GraphQLResult) -> None:
    assert result.data["keys"] == 3
    assert list(result.data.keys()) == ["flow", "keys"]


def test_a_missing_field_says_what_there_is(result: GraphQLResult) -> None:
    with pytest.raises(AttributeError, match="no field 'flows'; it has: flow, keys"):
        _ = result.data.flows
    with pytest.raises(KeyError):
        result.data["flows"]
    assert not hasattr(result.data, "flows")
    assert result.get("errors") is None


def test_setting_an_attribute_sets_the_key(result: GraphQLResult) -> None:
    result.extra = {"a": [{"b": 1}]}
    del result.data.flow

    assert result["extra"].a[0].b == 1
    assert result == {"data": {"keys": 3}, "extra": {"a": [{"b": 1}]}}


def test_an_attribute_that_every_dict_has_is_not_shadowed(result: GraphQLResult) -> None:
    with pytest.raises(AttributeError, match=r"result\['items'\] = "):
        result.items = []  # type: ignore[assignment,method-assign]
    with pytest.raises(AttributeError, match="no field 'nope'"):
        del result.nope


def test_everything_put_in_becomes_a_result() -> None:
    result = GraphQLResult()
    result["a"] = {"x": 1}
    result.update({"b": {"x": 2}}, c={"x": 3})
    result.setdefault("d", {"x": 4})
    result |= {"e": {"x": 5}}
    both = result | {"f": {"x": 6}}

    assert [both[key].x for key in "abcdef"] == [1, 2, 3, 4, 5, 6]
    assert result.setdefault("a", None).x == 1
    assert "f" not in result


def test_to_dict_is_plain_and_shares_nothing(result: GraphQLResult) -> None:
    plain = result.to_dict()
    plain["data"]["flow"][0]["id"] = "changed"

    assert type(plain["data"]["flow"][0]) is dict
    assert result.data.flow[0].id == "1"


@pytest.mark.parametrize(
    "duplicate", [copy.copy, copy.deepcopy, lambda r: pickle.loads(pickle.dumps(r)), GraphQLResult.copy]
)
def test_duplicates_are_equal_and_of_the_same_class(duplicate, result: GraphQLResult) -> None:  # type: ignore[no-untyped-def]
    twin = duplicate(result)

    assert twin == result
    assert twin is not result
    assert twin.data.flow[1].id == "2"


def test_a_shallow_copy_shares_and_a_deep_one_does_not(result: GraphQLResult) -> None:
    shallow, deep = result.copy(), copy.deepcopy(result)
    result.data.flow.append("new")

    assert shallow.data.flow[-1] == "new"
    assert deep.data.flow[-1].id == "2"


def test_its_repr_is_json(result: GraphQLResult) -> None:
    result.name = "Grüße"

    assert json.loads(repr(result)) == result
    assert "Grüße" in str(result)


def test_its_repr_survives_what_is_not_json() -> None:
    result = GraphQLResult(moment={1, 2})
    result["self"] = result

    assert "moment" in repr(result)
    assert "{1, 2}" in repr(GraphQLResult(moment={1, 2}))


def test_its_repr_shows_no_token() -> None:
    token = "orc_0123456789abcdefghij"
    result = GraphQLResult(data={"create_api_token": {"token": token}})

    assert token not in repr(result)
    assert result.data.create_api_token.token == token


def test_its_keys_complete_with_the_tab_key(result: GraphQLResult) -> None:
    result["not an identifier"] = 1

    assert {"data", "to_dict", "items"} <= set(dir(result))
    assert "not an identifier" not in dir(result)
    assert result._ipython_key_completions_() == ["data", "not an identifier"]


def test_an_answer_cannot_pose_as_a_protocol() -> None:
    hostile = GraphQLResult({"__deepcopy__": 1, "__setstate__": 2, "__typename": "flow"})

    assert copy.deepcopy(hostile) == hostile
    assert pickle.loads(pickle.dumps(hostile)) == hostile
    assert hostile.__typename == "flow"


def test_nesting_leaves_scalars_and_results_alone(result: GraphQLResult) -> None:
    assert as_nested_graphql_result("text") == "text"
    assert as_nested_graphql_result(result) is result
    assert as_nested_graphql_result([{"a": 1}])[0].a == 1
