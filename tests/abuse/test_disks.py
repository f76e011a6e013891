"""A disk that is full, a database that cannot be written or is none: a clear error, and nothing is lost by it."""

from __future__ import annotations

import os
import re
import resource
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from orchestra_client.server.context import Credentials, Settings
from orchestra_client.server.service import GraphQLRequest, Service

from .processes import Server

if TYPE_CHECKING:
    from collections.abc import Iterator

WRITE = 'mutation($v: JSON) { set_key_value(input: {key: "big", value: $v}) { id } }'
READ = "{ project { name } key_value { key } }"


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    service = Service.open(f"sqlite:///{tmp_path}/runs.db", home=tmp_path, settings=Settings(auth="none"))
    yield service
    service.close()


def ask(service: Service, query: str, **variables: Any) -> dict[str, Any]:
    return service.execute(GraphQLRequest(query, variables, request_id="r"), Credentials()).body


def pragma(service: Service, text: str) -> None:
    """Set something on the one connection that a service with one client uses."""
    with service.database.connect(write=False) as connection:
        connection.exec_driver_sql(f"PRAGMA {text}")


def code(body: dict[str, Any]) -> str:
    [error] = body["errors"]
    assert not re.search("sqlite|SQL|Traceback", error["message"]), error
    return str(error["extensions"]["code"])


class TestFull:
    """Given no more room, then a write is refused as a passing trouble, and reads go on."""

    def test_what_does_not_fit_is_refused_whole(self, service: Service) -> None:
        assert "errors" not in ask(service, 'mutation { create_project(input: {name: "before"}) { id } }')
        with service.database.connect(write=False) as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        pragma(service, f"max_page_count={pages + 3}")
        assert code(ask(service, WRITE, v="x" * 1_000_000)) == "API_ERROR"
        assert ask(service, READ)["data"] == {"project": [{"name": "before"}], "key_value": []}
        pragma(service, "max_page_count=1000000")
        assert "errors" not in ask(service, WRITE, v="x" * 1_000_000)
        assert ask(service, READ)["data"]["key_value"] == [{"key": "big"}]

    @pytest.mark.slow
    def test_a_server_whose_disk_is_full_recovers(self, tmp_path: Path) -> None:
        with Server(tmp_path / "here", arguments=("--log-level", "warning")) as server:
            server.data('mutation { create_project(input: {name: "before"}) { id } }')
            sizes = [path.stat().st_size for path in (tmp_path / "here").glob("runs.db*")]
            _limit_files(server, max(sizes) + 50_000)
            assert code(server.ask(WRITE, v="x" * 3_000_000)) == "API_ERROR"
            assert server.data(READ) == {"project": [{"name": "before"}], "key_value": []}
            _limit_files(server, resource.RLIM_INFINITY)
            server.data(WRITE, v="x" * 3_000_000)
            assert server.data(READ)["key_value"] == [{"key": "big"}]
        with closing(sqlite3.connect(tmp_path / "here" / "runs.db")) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]

    @pytest.mark.slow
    def test_a_server_that_cannot_even_start(self, tmp_path: Path) -> None:
        """Given room for no more than a few pages, then the start says so, and a later one with room succeeds."""
        server = Server(tmp_path / "here", arguments=("--log-level", "warning"))
        server.start()
        _limit_files(server, 8192)
        assert server.wait(timeout=20) != 0
        told = Path(server.errors.name).read_text()
        assert "Traceback" not in told
        with Server(tmp_path / "here", arguments=("--log-level", "warning")) as again:
            assert again.data("{ hello }")


def _limit_files(server: Server, size: int) -> None:
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


class TestReadOnly:
    def test_writes_are_refused_and_reads_go_on(self, service: Service) -> None:
        ask(service, 'mutation { create_project(input: {name: "before"}) { id } }')
        pragma(service, "query_only=ON")
        assert code(ask(service, WRITE, v=1)) == "API_ERROR"
        assert ask(service, READ)["data"] == {"project": [{"name": "before"}], "key_value": []}
        pragma(service, "query_only=OFF")
        assert "errors" not in ask(service, WRITE, v=1)


class TestNoDatabase:
    @pytest.mark.slow
    @pytest.mark.parametrize("content", [b"rubbish " * 1000, b"SQLite format 3\0" + b"\xff" * 5000])
    def test_a_file_of_something_else_is_left_alone(self, tmp_path: Path, content: bytes) -> None:
        path = tmp_path / "notes.txt"
        path.write_bytes(content)
        told = _refused_start(tmp_path, f"sqlite:///{path}")
        assert str(path) in told
        assert path.read_bytes() == content
        assert sorted(p.name for p in tmp_path.glob("notes.txt*")) == ["notes.txt"]

    @pytest.mark.slow
    def test_a_folder_that_is_none(self, tmp_path: Path) -> None:
        assert "/no/such/folder" in _refused_start(tmp_path, "sqlite:////no/such/folder/runs.db")


def _refused_start(folder: Path, url: str) -> str:
    """What a server says that does not start."""
    server = Server(folder, database=url)
    server.start()
    assert server.wait(timeout=20) not in (0, None)
    told = Path(server.errors.name).read_text()
    assert "Traceback" not in told, told
    assert os.environ.get("ORCHESTRA_BOOTSTRAP_TOKEN", "orc_ttt") not in told
    return told
