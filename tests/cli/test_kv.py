"""`orchestra kv`: what goes in comes out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestra_client import Client

    from .conftest import Orchestra

pytestmark = pytest.mark.slow


def test_text_stays_text(orchestra: Orchestra, client: Client, unique: Callable[[str], str]) -> None:
    key = unique("version")

    orchestra("kv", "set", key, "1.10")

    assert client.get_key_value(key) == "1.10"
    assert orchestra("kv", "get", key).out == "1.10\n"
    assert orchestra("kv", "get", key, "--json").json == "1.10"


def test_json_is_written_and_read_as_json(
    orchestra: Orchestra, client: Client, unique: Callable[[str], str]
) -> None:
    key = unique("mark")

    orchestra("kv", "set", key, "--json-value", '{"rows": [1, null]}')

    assert client.get_key_value(key) == {"rows": [1, None]}
    assert orchestra("kv", "get", key).json == {"rows": [1, None]}


def test_a_dash_reads_stdin(orchestra: Orchestra, client: Client, unique: Callable[[str], str]) -> None:
    key = unique("note")

    orchestra("kv", "set", key, "-", stdin="first\nsecond\n")

    assert client.get_key_value(key) == "first\nsecond"
    assert "stdin" in orchestra("kv", "set", key, "-", stdin="", status=2).err


def test_a_key_that_is_not_there_fails(orchestra: Orchestra, unique: Callable[[str], str]) -> None:
    key = unique("nothing")

    done = orchestra("kv", "get", key, status=1)

    assert done.out == ""
    assert key in done.err
    orchestra("kv", "delete", key, "--yes", status=1)


def test_keys_are_listed_and_deleted(
    orchestra: Orchestra, client: Client, unique: Callable[[str], str]
) -> None:
    prefix = unique("listed")
    for name in "ba":
        client.set_key_value(f"{prefix}-{name}", 1)

    orchestra("kv", "delete", f"{prefix}-b", "--yes")

    assert orchestra("kv", "list", "--match", f"{prefix}-*").out == f"{prefix}-a\n"
    assert orchestra("kv", "list", "--match", f"{prefix}-*", "--json").json == [f"{prefix}-a"]


def test_a_terminal_cannot_be_made_to_obey_a_value(
    orchestra: Orchestra, client: Client, unique: Callable[[str], str]
) -> None:
    key = unique("key\x1b[2J")
    client.set_key_value(key, 1)

    assert "\x1b[2J" not in orchestra("kv", "list").out
