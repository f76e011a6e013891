"""`orchestra token`: tokens for others."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from orchestra_client import Client
from orchestra_client.errors import AuthenticationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from .conftest import Orchestra

pytestmark = pytest.mark.slow


def test_a_token_is_printed_alone_and_works(
    orchestra: Orchestra, server_url: str, unique: Callable[[str], str]
) -> None:
    name = unique("agent")

    made = orchestra("token", "create", name, "--scope", "runner", "--expires-in", "90 days")

    with Client(server_url, made.out.strip()) as runner:
        info = runner.graphql("{ auth_info { api_token_scope expires_at } }").data.auth_info
    assert info.api_token_scope == "RUNNER"
    assert datetime.fromisoformat(info.expires_at) - datetime.now(UTC) > timedelta(days=89)
    assert made.err == f"Made the RUNNER token '{name}'. It is shown only this once.\n"


def test_tokens_are_listed_without_their_secret_parts(
    orchestra: Orchestra, unique: Callable[[str], str]
) -> None:
    name = unique("ci")
    made = orchestra("token", "create", name, "--json").json

    [listed] = orchestra("token", "list", "--name", name, "--json").json

    assert made["token"].startswith("orc_")
    assert (listed["id"], listed["scope"]) == (made["id"], "TENANT")
    assert "token" not in listed
    assert orchestra("token", "list", "--name", name).out.startswith(f"{name}\tTENANT\t")


def test_a_revoked_token_is_refused(
    orchestra: Orchestra, server_url: str, unique: Callable[[str], str]
) -> None:
    name = unique("old")
    token = orchestra("token", "create", name).out.strip()

    assert "--yes" in orchestra("token", "delete", name, status=2).err
    orchestra("token", "delete", name, "--yes")

    with Client(server_url, token) as client, pytest.raises(AuthenticationError):
        client.get_available_tenants()


def test_of_two_tokens_with_one_name_an_id_says_which(
    orchestra: Orchestra, unique: Callable[[str], str]
) -> None:
    name = unique("twin")
    first, second = (orchestra("token", "create", name, "--json").json["id"] for _ in range(2))

    refused = orchestra("token", "delete", name, "--yes", status=1)
    orchestra("token", "delete", first, "--yes")

    assert first in refused.err
    assert second in refused.err
    assert [each["id"] for each in orchestra("token", "list", "--name", name, "--json").json] == [second]


def test_a_token_that_is_not_there_is_an_error_that_says_where_to_look(orchestra: Orchestra) -> None:
    assert "orchestra token list" in orchestra("token", "delete", "nobody", "--yes", status=1).err


def test_a_duration_that_is_none_is_told_before_anything_is_made(
    orchestra: Orchestra, unique: Callable[[str], str]
) -> None:
    name = unique("never")

    assert (
        "'--expires-in': 'soon'" in orchestra("token", "create", name, "--expires-in", "soon", status=2).err
    )
    assert "beyond" in orchestra("token", "create", name, "--expires-in", "99999999 weeks", status=1).err
    assert orchestra("token", "list", "--name", name, "--json").json == []
