"""`orchestra secret`: a value goes in by prompt or stdin, and comes out nowhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestra_client import Client

    from .conftest import Orchestra

pytestmark = pytest.mark.slow


def test_a_value_on_stdin_is_kept_as_it_stands(
    orchestra: Orchestra, client: Client, unique: Callable[[str], str]
) -> None:
    name = unique("password")

    done = orchestra("secret", "set", name, stdin=" 0123\n4 \n")

    assert client.get_secret(name) == " 0123\n4 "
    assert (done.out, done.err) == ("", f"The secret '{name}' is set.\n")


def test_a_value_is_asked_for_and_never_shown(
    orchestra: Orchestra, client: Client, unique: Callable[[str], str]
) -> None:
    name = unique("password")

    done = orchestra.at_terminal("secret", "set", name, answers={f"Value of {name}:": "hunter2-hunter2"})

    assert client.get_secret(name) == "hunter2-hunter2"
    assert "hunter2" not in done.out


def test_json_is_kept_as_json_when_that_is_said(
    orchestra: Orchestra, client: Client, unique: Callable[[str], str]
) -> None:
    name = unique("login")

    orchestra("secret", "set", name, "--json-value", stdin='{"user": "a", "port": 1}')

    assert client.get_secret(name) == {"user": "a", "port": 1}


def test_a_value_that_is_no_json_is_refused_without_being_shown(
    orchestra: Orchestra, client: Client, unique: Callable[[str], str]
) -> None:
    name = unique("login")

    done = orchestra("secret", "set", name, "--json-value", stdin="hunter2", status=2)

    assert "The value is no JSON (line 1, column 1)." in done.err
    assert "hunter2" not in done.out + done.err
    assert name not in client.secret_names()


def test_a_value_is_no_argument(orchestra: Orchestra, unique: Callable[[str], str]) -> None:
    done = orchestra("secret", "set", unique("password"), "hunter2", status=2)

    assert "Traceback" not in done.err


def test_names_are_listed_and_values_are_not(
    orchestra: Orchestra, client: Client, unique: Callable[[str], str]
) -> None:
    prefix = unique("listed")
    for name in "ba":
        client.set_secret(f"{prefix}-{name}", "hunter2")

    assert orchestra("secret", "list", "--match", f"{prefix}-*").out == f"{prefix}-a\n{prefix}-b\n"
    listed = orchestra("secret", "list", "--match", f"{prefix}-*", "--limit", "1", "--json")
    assert listed.json == [f"{prefix}-a"]


def test_a_secret_is_deleted_once_somebody_has_said_so(
    orchestra: Orchestra, client: Client, unique: Callable[[str], str]
) -> None:
    name = unique("old")
    client.set_secret(name, 1)

    assert "--yes" in orchestra("secret", "delete", name, status=2).err
    orchestra.at_terminal("secret", "delete", name, answers={f"Delete the secret '{name}'?": "n"}, status=1)
    assert name in client.secret_names()
    orchestra.at_terminal("secret", "delete", name, answers={f"Delete the secret '{name}'?": "y"})
    assert name not in client.secret_names()
    assert f"There is no secret '{name}'" in orchestra("secret", "delete", name, "--yes", status=1).err
