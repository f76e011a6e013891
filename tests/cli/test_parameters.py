"""Parameters as they are given on the command line."""

from __future__ import annotations

from typing import Any

import click
import pytest

from orchestra_client.cli.parameters import parameter_value, read_pairs, read_parameter_file


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3),
        ("true", True),
        ("null", None),
        ('{"a": [1]}', {"a": [1]}),
        ('"3"', "3"),
        ("Berlin", "Berlin"),
        ("2026-11-20", "2026-11-20"),
        ("", ""),
        ("a=b", "a=b"),
        ("NaN", "NaN"),
        ("{1: 2}", "{1: 2}"),
        ('{"a": 1, "a": 2}', '{"a": 1, "a": 2}'),
        ("9" * 5000, "9" * 5000),
        ("[" * 100_000, "[" * 100_000),
    ],
)
def test_a_value_is_json_where_it_reads_as_json_else_text(text: str, value: Any) -> None:
    assert parameter_value(text) == value


def test_pairs_are_split_at_their_first_sign() -> None:
    assert read_pairs(["url=http://x/?a=b", "n=1"]) == {"url": "http://x/?a=b", "n": 1}


@pytest.mark.parametrize("pairs", [["day"], ["=3"], [" =3"], ["day=1", "day=2"]])
def test_what_is_no_pair_or_given_twice_is_an_error_of_usage(pairs: list[str]) -> None:
    with pytest.raises(click.BadParameter):
        read_pairs(pairs)


def test_a_file_holds_an_object() -> None:
    assert read_parameter_file("f.json", '{"day": 1}') == {"day": 1}


@pytest.mark.parametrize("text", ["", "[]", "3", '{"a": NaN}', '{"a": 1, "a": 2}', "{", "[" * 100_000])
def test_a_file_that_holds_something_else_is_named(text: str) -> None:
    with pytest.raises(click.BadParameter, match=r"f\.json"):
        read_parameter_file("f.json", text)
