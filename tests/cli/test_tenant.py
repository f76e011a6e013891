"""`orchestra tenant`: which tenants there are, and which one commands act in."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from .conftest import TOKEN

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestra_client import Client

    from .conftest import Orchestra

pytestmark = pytest.mark.slow


@pytest.fixture
def slug(client: Client, unique: Callable[[str], str]) -> str:
    """Of a tenant of this test."""
    made = unique("team")
    client.create_tenant(f"Team {made}", made)
    return made


@pytest.fixture
def member(orchestra: Orchestra, server_url: str) -> Orchestra:
    """The command of somebody whose login is saved, for the default tenant."""
    del orchestra.environ["ORCHESTRA_API_SERVER"], orchestra.environ["ORCHESTRA_API_TOKEN"]
    orchestra("auth", "login", "--api-server", server_url, "--tenant", "default", stdin=TOKEN)
    return orchestra


def current(orchestra: Orchestra) -> str:
    [slug] = [each["slug"] for each in orchestra("tenant", "list", "--json").json if each["is_current"]]
    return slug


def test_the_list_marks_the_current_one(member: Orchestra, slug: str) -> None:
    rows = [line.split("\t") for line in member("tenant", "list").out.splitlines()]

    assert ["default", "Default", "*"] in [row[:3] for row in rows]
    assert [slug, f"Team {slug}", ""] in [row[:3] for row in rows]


def test_the_list_follows_the_option_and_the_variable(orchestra: Orchestra, slug: str) -> None:
    by_option = orchestra("tenant", "list", "--tenant", slug, "--name", slug, "--json").json
    by_variable = orchestra(
        "tenant", "list", "--json", "--name", slug, environ={"ORCHESTRA_TENANT": slug}
    ).json

    assert by_option == by_variable
    assert [(each["slug"], each["is_current"]) for each in by_option] == [(slug, True)]


def test_a_wrong_choice_does_not_hide_the_list(orchestra: Orchestra) -> None:
    done = orchestra("tenant", "list", "--name", "default", environ={"ORCHESTRA_TENANT": "nowhere"})

    assert done.out.startswith("default\t")
    assert "nowhere" in done.err


def test_a_switch_is_kept(member: Orchestra, slug: str) -> None:
    done = member("tenant", "switch", slug)

    assert f"Switched to the tenant {slug}" in done.err
    assert current(member) == slug


def test_a_switch_may_name_the_id(member: Orchestra, client: Client, slug: str) -> None:
    [tenant_id] = [each.id for each in client.get_available_tenants() if each.slug == slug]

    member("tenant", "switch", tenant_id.upper())

    assert current(member) == slug


def test_at_a_terminal_the_tenant_is_asked_for(member: Orchestra, client: Client, slug: str) -> None:
    slugs = [each.slug for each in client.get_available_tenants()]

    member.at_terminal("tenant", "switch", answers={"Which tenant?": str(slugs.index(slug) + 1)})

    assert current(member) == slug


def test_a_switch_that_fails_changes_nothing(member: Orchestra) -> None:
    path = member.home / "orchestra" / "credentials.json"
    before = path.read_bytes()

    done = member("tenant", "switch", "nowhere", status=1)

    [names] = re.findall(r"no tenant 'nowhere'; it sees: (.*)\.$", done.err)
    assert "default" in names.split(", ")
    assert path.read_bytes() == before


def test_a_login_of_the_environment_keeps_no_tenant(orchestra: Orchestra, slug: str) -> None:
    done = orchestra("tenant", "switch", slug, status=1)

    assert "Set ORCHESTRA_TENANT instead" in done.err


def test_a_switch_that_a_variable_undoes_is_told(member: Orchestra, slug: str) -> None:
    done = member("tenant", "switch", slug, environ={"ORCHESTRA_TENANT": "default"})

    assert "ORCHESTRA_TENANT is set, and wins" in done.err


def test_without_a_login_there_is_nothing_to_switch(orchestra: Orchestra, server_url: str) -> None:
    done = orchestra("tenant", "switch", "default", environ={"ORCHESTRA_API_TOKEN": ""}, status=4)

    assert "no saved login" in done.err


def test_a_new_tenant_gets_a_slug_of_its_name(orchestra: Orchestra, unique: Callable[[str], str]) -> None:
    name = unique("Night Shift")

    done = orchestra("tenant", "create", name, "--json")

    assert done.json["slug"] == name.lower().replace(" ", "-")
    assert done.json["slug"] in [each["slug"] for each in orchestra("tenant", "list", "--json").json]
    assert json.dumps(done.json["id"]) not in done.err


def test_a_taken_slug_is_refused(orchestra: Orchestra, slug: str) -> None:
    orchestra("tenant", "create", "Another", "--slug", slug, status=1)
