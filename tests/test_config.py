"""Which server is meant, what environment variables say, and the context."""

from __future__ import annotations

import asyncio
import logging
import pickle
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from orchestra_client import AsyncClient, Client
from orchestra_client.config import (
    Context,
    ServerSource,
    context,
    flag,
    home,
    is_ci,
    make_home,
    normalize_database,
    normalize_server,
    number,
    resolve_server,
)
from orchestra_client.errors import ConfigurationError

ENVIRON = {"ORCHESTRA_API_SERVER": "http://environment", "ORCHESTRA_HOME": "/srv/orchestra"}


class TestServerUrls:
    @pytest.mark.parametrize(
        ("given", "normal"),
        [
            ("http://127.0.0.1:4200", "http://127.0.0.1:4200/graphql"),
            ("http://127.0.0.1:4200/", "http://127.0.0.1:4200/"),
            ("HTTPS://API.Example.com", "https://api.example.com/graphql"),
            ("https://api.example.com:443/graphql/alpha", "https://api.example.com/graphql/alpha"),
            (" http://host:80 ", "http://host/graphql"),
            ("http://[::1]:4200", "http://[::1]:4200/graphql"),
            ("https://host/graphql?team=a", "https://host/graphql?team=a"),
            ("sqlite:////srv/runs.db", "sqlite:////srv/runs.db"),
            ("memory:", "memory:"),
            ("postgresql+psycopg://me@db/runs", "postgresql+psycopg://me@db/runs"),
            ("postgresql://me@db/runs", "postgresql+psycopg://me@db/runs"),
        ],
    )
    def test_are_written_in_one_form(self, given, normal):
        assert normalize_server(given) == normal
        assert normalize_server(normal) == normal

    def test_of_a_relative_file_become_absolute(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        assert normalize_server("sqlite:///runs.db") == f"sqlite:///{tmp_path}/runs.db"

    @pytest.mark.parametrize(
        ("given", "advice"),
        [
            ("localhost:4200", "http://localhost:4200"),
            ("127.0.0.1:4200/graphql", "http://127.0.0.1:4200/graphql"),
            ("api.example.com", "https://api.example.com"),
            ("runs.db", "sqlite:///runs.db"),
            ("ftp://host", "use http"),
            ("http://", "a host is missing"),
            ("http://host:port", "Port"),
            ("http://host:99999", "ort"),
            ("http://me:pw@host", "ORCHESTRA_API_TOKEN"),
            ("http://host/#here", "fragment"),
            ("sqlite://runs.db", "three slashes"),
            ("sqlite:///", "three slashes"),
            ("sqlite:///:memory:", "memory:"),
            ("memory:mine", "takes no name"),
            ("postgresql:db", "postgresql\\+psycopg://"),
            ("   ", "use http"),
        ],
    )
    def test_that_make_no_sense_are_refused_with_advice(self, given, advice):
        with pytest.raises(ConfigurationError, match=advice) as caught:
            normalize_server(given, origin="ORCHESTRA_API_SERVER")
        assert "ORCHESTRA_API_SERVER" in str(caught.value)
        assert "pw" not in str(caught.value)

    def test_of_another_type_are_refused(self):
        with pytest.raises(ConfigurationError, match="int"):
            normalize_server(4200)  # type: ignore[arg-type]

    def test_hide_the_password_of_a_database(self):
        choice = resolve_server("postgresql+psycopg://me:hunter2@db/runs", {})
        assert choice.shown == "postgresql+psycopg://me:…@db/runs"
        assert "hunter2" not in repr(choice)
        assert "hunter2" in choice.url


class TestDatabaseUrls:
    @pytest.mark.parametrize(
        "url",
        ["sqlite:////srv/runs.db", "memory:", "postgresql+psycopg://me@db/runs", "postgresql://db/runs"],
    )
    def test_are_written_as_those_of_servers(self, url):
        assert normalize_database(url, origin="--database") == normalize_server(url)

    @pytest.mark.parametrize(
        "url",
        [
            "mysql://me:pw@db/runs",
            "http://127.0.0.1:4200",
            "db.example.com/runs",
            "runs.db",
            "",
            "sqlite://x",
        ],
    )
    def test_that_are_none_are_refused_without_proposing_a_server(self, url):
        with pytest.raises(
            ConfigurationError, match=r"not the URL of a database \(--database\): .*sqlite:///"
        ) as caught:
            normalize_database(url, origin="--database")
        assert "http" not in str(caught.value).replace(url, "")
        assert "pw" not in str(caught.value)


class TestResolving:
    def test_prefers_the_argument(self):
        with context(api_server="http://context"):
            choice = resolve_server("http://argument", ENVIRON, saved=lambda: "http://saved")
        assert (choice.url, choice.source) == ("http://argument/graphql", ServerSource.ARGUMENT)

    def test_then_the_context(self):
        with context(api_server="http://context"):
            choice = resolve_server(None, ENVIRON, saved=lambda: "http://saved")
        assert (choice.url, choice.source) == ("http://context/graphql", ServerSource.CONTEXT)

    def test_then_the_environment(self):
        choice = resolve_server(None, ENVIRON, saved=lambda: "http://saved")
        assert (choice.url, choice.source) == ("http://environment/graphql", ServerSource.ENVIRONMENT)

    def test_then_the_saved_login(self):
        choice = resolve_server(None, {"ORCHESTRA_HOME": "/srv"}, saved=lambda: "http://saved/graphql")
        assert (choice.url, choice.source) == ("http://saved/graphql", ServerSource.SAVED_LOGIN)

    def test_then_the_embedded_store(self):
        choice = resolve_server(None, {"ORCHESTRA_HOME": "/srv/orchestra"})
        assert (choice.url, choice.source) == ("sqlite:////srv/orchestra/orchestra.db", ServerSource.EMBEDDED)
        assert choice.is_embedded

    def test_does_not_read_the_saved_login_when_it_need_not(self):
        def unreadable() -> str:
            raise ConfigurationError("the file is damaged")

        assert resolve_server(None, ENVIRON, saved=unreadable).url == "http://environment/graphql"

    def test_refuses_to_guess_in_ci(self):
        with pytest.raises(ConfigurationError, match="ORCHESTRA_API_SERVER"):
            resolve_server(None, {"CI": "true"})

    def test_uses_what_is_configured_in_ci(self):
        assert resolve_server("memory:", {"CI": "true"}).url == "memory:"

    def test_is_said_in_one_log_line(self, caplog):
        with caplog.at_level(logging.INFO, logger="orchestra_client"):
            resolve_server(None, ENVIRON)
        assert [record.getMessage() for record in caplog.records] == [
            "Using the server http://environment/graphql (ORCHESTRA_API_SERVER)."
        ]

    @pytest.mark.parametrize("kind", [Client, AsyncClient])
    def test_a_private_server_that_nobody_asked_for_is_warned_of(self, kind, caplog):
        client = kind()
        [record] = [record for record in caplog.records if record.levelname == "WARNING"]
        assert client.api_server in record.getMessage()
        assert "orchestra auth login" in record.getMessage()

    def test_a_server_that_was_named_is_not_warned_of(self, caplog):
        Client("memory:")
        assert [record for record in caplog.records if record.levelname == "WARNING"] == []


class TestEnvironment:
    @pytest.mark.parametrize(("text", "value"), [("1", True), ("ON", True), ("no", False), ("0", False)])
    def test_flag_reads_on_and_off(self, text, value):
        assert flag({"X": text}, "X", default=not value) is value

    @pytest.mark.parametrize("environ", [{}, {"X": ""}, {"X": "  "}])
    def test_flag_has_a_default(self, environ):
        assert flag(environ, "X", default=True) is True

    def test_flag_refuses_what_is_neither(self):
        with pytest.raises(ConfigurationError, match=r"X is on or off.*'maybe'"):
            flag({"X": "maybe"}, "X")

    def test_number_reads_a_number(self):
        assert number({"X": "2.5"}, "X", default=1) == 2.5
        assert number({}, "X", default=1) == 1

    @pytest.mark.parametrize("text", ["ten", "nan", "inf", "-1", "1e999"])
    def test_number_refuses_what_is_none(self, text):
        with pytest.raises(ConfigurationError, match="X is a number from 0 up"):
            number({"X": text}, "X", default=1)

    @pytest.mark.parametrize(
        ("value", "answer"),
        [("true", True), ("1", True), ("woodpecker", True), ("false", False), ("", False)],
    )
    def test_ci_is_whatever_is_not_negative(self, value, answer):
        assert is_ci({"CI": value}) is answer


class TestHome:
    def test_is_what_the_variable_says(self):
        assert home({"ORCHESTRA_HOME": "/srv/orchestra"}) == Path("/srv/orchestra")

    def test_is_absolute(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        assert home({"ORCHESTRA_HOME": "here"}) == tmp_path / "here"

    def test_is_the_platforms_place_otherwise(self, monkeypatch):
        monkeypatch.delenv("ORCHESTRA_HOME")
        assert home().name == "orchestra"
        assert home().is_relative_to(Path.home())

    def test_is_made_for_its_owner_alone(self, isolated_environment):
        assert make_home() == isolated_environment
        assert isolated_environment.stat().st_mode & 0o777 == 0o700

    def test_that_cannot_be_made_is_explained(self, tmp_path):
        (tmp_path / "file").write_text("in the way")
        with pytest.raises(ConfigurationError, match="set ORCHESTRA_HOME"):
            make_home({"ORCHESTRA_HOME": str(tmp_path / "file" / "home")})


class TestContext:
    def test_holds_inside_the_block_only(self):
        with context(api_server="http://a"):
            assert context.api_server == context["api_server"] == context.get("api_server") == "http://a"
        assert context.get("api_server") is None

    def test_nests(self):
        with context(a=1, b=1), context(b=2):
            assert dict(context) == {"a": 1, "b": 2}

    def test_returns_to_what_was_after_an_error(self):
        with pytest.raises(RuntimeError), context(a=1):
            raise RuntimeError
        assert len(context) == 0

    def test_says_how_to_set_what_is_missing(self):
        with pytest.raises(AttributeError, match=r"with context\(api_server=…\)"):
            _ = context.api_server

    def test_is_not_shared_with_other_threads(self):
        seen = []
        with context(a=1):
            thread = threading.Thread(target=lambda: seen.append(context.get("a")))
            thread.start()
            thread.join()
        assert seen == [None]

    def test_is_kept_apart_between_tasks(self):
        async def read(value: int) -> int:
            with context(a=value):
                await asyncio.sleep(0)
                return context.a

        async def main() -> list[int]:
            return await asyncio.gather(*(read(value) for value in range(20)))

        assert asyncio.run(main()) == list(range(20))

    def test_shows_no_token(self):
        with context(api_token="orc_secret", api_server="http://a"):
            assert repr(context) == "<context: api_token=…, api_server='http://a'>"

    def test_of_ones_own_is_independent(self):
        with Context()(a=1):
            assert "a" not in context

    @pytest.mark.slow
    def test_is_light_to_import(self):
        code = "import sys; from orchestra_client import context; print(*sys.modules)"
        modules = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert not {"httpx", "gql", "graphql", "platformdirs"} & set(modules.stdout.split())


def test_the_context_pickles_as_that_of_whichever_process_loads_it() -> None:
    with context(api_server="memory:"):
        assert pickle.loads(pickle.dumps(context)) is context


def test_a_context_takes_values_of_any_name() -> None:
    with context(**{"self": 1}):
        assert context["self"] == 1
