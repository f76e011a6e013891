"""Which server, as whom."""

from __future__ import annotations

import logging
import uuid

import pytest

from orchestra_client.auth import CredentialSource
from orchestra_client.auth.resolution import open_store, resolve_login
from orchestra_client.config import context
from orchestra_client.errors import ConfigurationError

SERVER = "https://api.example.com/graphql"
SAVED = "orc_saved"


@pytest.fixture
def environ(isolated_environment) -> dict[str, str]:
    return {"ORCHESTRA_HOME": str(isolated_environment)}


@pytest.fixture
def saved(environ) -> dict[str, str]:
    open_store(environ).save_login(SERVER, SAVED, tenant_id="t1", tenant_slug="team")
    return environ


def test_the_argument_wins(saved):
    saved["ORCHESTRA_API_TOKEN"] = "orc_environment"
    with context(api_token="orc_context"):
        credentials = resolve_login(SERVER, "orc_argument", saved).credentials
    assert (credentials.api_token, credentials.source) == ("orc_argument", CredentialSource.ARGUMENT)


def test_then_the_context(saved):
    saved["ORCHESTRA_API_TOKEN"] = "orc_environment"
    with context(api_token="orc_context"):
        credentials = resolve_login(SERVER, None, saved).credentials
    assert (credentials.api_token, credentials.source) == ("orc_context", CredentialSource.CONTEXT)


def test_then_the_environment(saved):
    saved["ORCHESTRA_API_TOKEN"] = "orc_environment"
    credentials = resolve_login(SERVER, None, saved).credentials
    assert (credentials.api_token, credentials.source) == ("orc_environment", CredentialSource.ENVIRONMENT)
    assert credentials.wish is None, "the saved tenant belongs to the saved token"


def test_then_the_saved_login_with_its_tenant(saved):
    login = resolve_login(None, None, saved)
    assert login.server.url == SERVER
    assert (login.credentials.api_token, login.credentials.source) == (SAVED, CredentialSource.SAVED_LOGIN)
    assert login.credentials.wish.tenant_id == "t1"
    assert str(login.store.path) in login.credentials.describe()


def test_the_saved_login_of_another_server_is_not_sent(saved):
    assert resolve_login("https://other.example/graphql", None, saved).credentials.api_token is None


def test_the_variable_for_the_tenant_wins_over_the_saved_one(saved):
    saved["ORCHESTRA_TENANT"] = "other-team"
    wish = resolve_login(None, None, saved).credentials.wish
    assert (wish.tenant_id, wish.tenant_slug, wish.source) == (None, "other-team", "ORCHESTRA_TENANT")


def test_the_variable_for_the_tenant_may_be_an_id(saved):
    tenant = uuid.uuid4()
    saved["ORCHESTRA_TENANT"] = str(tenant).upper()
    assert resolve_login(None, None, saved).credentials.wish.tenant_id == str(tenant)


@pytest.mark.parametrize("server", ["memory:", None])
def test_an_embedded_store_is_not_locked_by_variables_for_another_server(environ, server):
    environ |= {"ORCHESTRA_API_TOKEN": "orc_cloud", "ORCHESTRA_TENANT": "cloud-team"}
    credentials = resolve_login(server, None, environ).credentials
    assert (credentials.api_token, credentials.wish) == (None, None)


def test_an_embedded_store_that_a_variable_names_heeds_the_others(environ):
    environ |= {
        "ORCHESTRA_API_SERVER": "memory:",
        "ORCHESTRA_API_TOKEN": "orc_own",
        "ORCHESTRA_TENANT": "own",
    }
    credentials = resolve_login(None, None, environ).credentials
    assert (credentials.api_token, credentials.wish.tenant_slug) == ("orc_own", "own")


def test_an_embedded_store_honours_a_token_that_is_given(environ):
    assert resolve_login("memory:", "orc_given", environ).credentials.api_token == "orc_given"


def test_a_line_break_after_a_token_is_forgiven(environ):
    assert resolve_login(SERVER, " orc_token\n", environ).credentials.api_token == "orc_token"


@pytest.mark.parametrize("token", ["orc_a b", "orc_a\nb", "orc_ü", "\x00", 7])
def test_what_cannot_be_a_token_is_refused_without_showing_it(environ, token):
    with pytest.raises(ConfigurationError, match="the api_token argument") as caught:
        resolve_login(SERVER, token, environ)
    assert str(token) not in str(caught.value)


def test_a_damaged_file_does_not_matter_to_whoever_does_not_need_it(environ):
    path = open_store(environ).path
    path.parent.mkdir(parents=True)
    path.write_text("{")
    path.chmod(0o600)
    assert resolve_login(SERVER, "orc_token", environ).credentials.api_token == "orc_token"
    with pytest.raises(ConfigurationError, match="damaged"):
        resolve_login(None, None, environ)


def test_nothing_is_written_or_shown_by_looking(environ, isolated_environment, caplog):
    with caplog.at_level(logging.DEBUG):
        resolve_login(SERVER, "orc_" + "q" * 43, environ)
    assert not isolated_environment.exists()
    assert "qqq" not in caplog.text


@pytest.mark.parametrize(("value", "expected"), [("1", "KeyringTokens"), ("0", None)])
def test_the_keyring_is_switched_by_a_variable(environ, value, expected):
    keeper = open_store(environ | {"ORCHESTRA_KEYRING": value})._keeper
    assert getattr(keeper, "__name__", None) == expected
