"""Characters that cannot be stored: refused with their place, except in the text of logs."""

from __future__ import annotations

from typing import Any

import pytest

from orchestra_client.errors import BadInput
from orchestra_client.server.characters import MAX_NESTING, checked


def logs(**entry: Any) -> dict[str, Any]:
    return {"input": {"logs": [{"level": "INFO"}, entry]}}


@pytest.mark.parametrize(
    ("arguments", "place"),
    [
        ({"name": "\0"}, "name"),
        ({"input": {"labels": ["good", "b\0d"]}}, "input.labels[1]"),
        ({"input": {"parameters": {"a": [{"b": "\ud800"}]}}}, "input.parameters.a[0].b"),
        ({"input": {"parameters": {"b\0d": 1}}}, "input.parameters"),
        ({"where": {"name": {"_eq": "\udc00"}}}, "where.name._eq"),
    ],
)
def test_the_place_is_named(arguments: dict[str, Any], place: str) -> None:
    with pytest.raises(BadInput) as caught:
        checked("any_field", arguments)
    assert str(caught.value).startswith(f"{place} holds")


@pytest.mark.parametrize("arguments", [{}, {"a": "ü 😀 \\u0000 \ufffd"}, {"a": [1, None, True, 2**80, 1.5]}])
def test_everything_else_passes_as_it_is(arguments: dict[str, Any]) -> None:
    assert checked("any_field", arguments) is arguments


def test_the_text_of_logs_is_mended_instead() -> None:
    given = logs(message="half \ud800 and \0", info={"k\udfff": ["\ud800"]})
    assert checked("write_run_logs", given) == logs(
        message="half \ufffd and \0", info={"k\ufffd": ["\ufffd"]}
    )


def test_the_rest_of_a_log_is_not() -> None:
    with pytest.raises(BadInput, match=r"input\.logs\[1\]\.name holds"):
        checked("write_run_logs", logs(name="\0"))


def test_a_value_is_nested_so_deep_and_no_deeper() -> None:
    value: Any = "\0"
    for _ in range(MAX_NESTING * 2):
        value = [value]
    with pytest.raises(BadInput, match="nested"):
        checked("any_field", {"input": {"value": value}})
