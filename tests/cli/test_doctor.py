"""`orchestra doctor`, with everything that can be wrong."""

from __future__ import annotations

import json
import re
import threading
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from orchestra_client.cli.diagnosis.examination import Examination
from orchestra_client.cli.diagnosis.findings import Verdict
from orchestra_client.cli.diagnosis.machine import _EXTRAS
from orchestra_client.cli.diagnosis.server import _SERVICES, CAPABILITIES
from orchestra_client.cli.options import open_client
from orchestra_client.server.resolvers.info import CAPABILITIES as KNOWN
from orchestra_client.states import Running

from .conftest import TOKEN

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestra_client import Client

    from .conftest import Done, Orchestra

pytestmark = pytest.mark.slow

SIGNS = "✓!✗–"

# What a server of the older API does not know.
OURS = ("capabilities", "api_token_id", "task_tag_slots", "late_flow_runs(")
UNKNOWN = {"errors": [{"message": "Cannot query field", "extensions": {"code": "GRAPHQL_VALIDATION_FAILED"}}]}

Answer = tuple[int, str, bytes | Iterator[bytes]]


@contextmanager
def answering(answer: Callable[[str, bytes, dict[str, str]], Answer], *, ahead: float = 0) -> Iterator[str]:
    """A server that answers as it is told, by a clock that is ahead; gives its URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            status, kind, written = answer(self.path, body, dict(self.headers))
            self.send_response(status)
            self.send_header("content-type", kind)
            self.send_header("connection", "close")
            self.end_headers()
            with suppress(ConnectionError):
                for part in [written] if isinstance(written, bytes) else written:
                    self.wfile.write(part)

        do_GET = do_POST

        def date_time_string(self, timestamp: float | None = None) -> str:
            return format_datetime(datetime.now(UTC) + timedelta(seconds=ahead), usegmt=True)

        def log_message(self, format: str, *arguments: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/graphql"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def passing_on(server_url: str, unknown: tuple[str, ...] = ()) -> Callable[..., Answer]:
    """Answers what the real server answers, but for what it does not know."""

    def answer(path: str, body: bytes, headers: dict[str, str]) -> Answer:
        if not body:
            return 404, "text/plain", b"no such page"
        if any(part in json.loads(body)["query"] for part in unknown):
            return 200, "application/json", json.dumps(UNKNOWN).encode()
        kept = {name: value for name, value in headers.items() if name.lower() == "authorization"}
        kept["content-type"] = "application/json"
        theirs = httpx.post(server_url, content=body, headers=kept, trust_env=False)
        return theirs.status_code, "application/json", theirs.content

    return answer


def verdicts(done: Done) -> dict[str, str]:
    """The sign of each check."""
    found = (line for line in done.out.splitlines() if line[:1] in SIGNS and line[:1])
    return {line[2:15].strip(): line[0] for line in found}


def finding(done: Done, check: str) -> Any:
    [found] = [each for each in done.json["findings"] if each["check"] == check]
    return found


def test_a_server_that_is_well(orchestra: Orchestra) -> None:
    done = orchestra("doctor")

    signs = verdicts(done)
    assert {name: signs[name] for name in ("configuration", "server", "clock", "login", "version")} == {
        "configuration": "✓",
        "server": "✓",
        "clock": "✓",
        "login": "✓",
        "version": "✓",
    }
    assert signs["services"] == signs["files"] == signs["package"] == "✓"
    assert (
        f"{TOKEN[:4]}…{TOKEN[-4:]} (from ORCHESTRA_API_TOKEN), in the tenant default, scope USER" in done.out
    )
    assert TOKEN not in done.out + done.err


def test_json_has_what_each_check_found(orchestra: Orchestra, server_url: str) -> None:
    done = orchestra("doctor", "--json")

    assert done.json["ok"] is True
    assert finding(done, "configuration")["record"] == {"server": server_url, "from": "ORCHESTRA_API_SERVER"}
    assert "transition_id" in finding(done, "version")["record"]["capabilities"]
    assert TOKEN not in done.out


def test_a_terminal_gets_the_same_in_lines_that_fit(orchestra: Orchestra) -> None:
    done = orchestra.at_terminal("doctor", environ={"COLUMNS": "60"})

    assert "✓  configuration" in done.out
    assert max(map(len, done.out.splitlines())) <= 60


def test_a_server_that_is_down(orchestra: Orchestra) -> None:
    done = orchestra("doctor", "--api-server", "http://127.0.0.1:1", status=1)

    assert verdicts(done) == {"configuration": "✓", "server": "✗", "files": "✓", "package": "✓"}
    assert "Is it running, and is that its address?" in done.out


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (
            (200, "text/html", b"<html><h1>Welcome to nginx!</h1></html>"),
            "whether this is the address of an API.",
        ),
        ((404, "text/html", b"<h1>404 Not Found</h1>"), "usually ends in /graphql"),
        ((502, "text/html", b"<h1>502 Bad Gateway</h1>"), "is in trouble"),
        ((200, "application/json", b'{"ok": true}'), "whether this is the address of an API."),
        ((200, "application/json", b'{"data": {"hello": 1}}'), "but not an orchestration server"),
        ((200, "application/json", json.dumps(UNKNOWN).encode()), "but not an orchestration server"),
        (
            (200, "application/json", b'{"errors": [{"message": "no auth_info"}]}'),
            "but not an orchestration server",
        ),
        ((429, "text/plain", b"Slow down."), "asks for patience"),
    ],
)
def test_something_that_is_no_api(orchestra: Orchestra, answer: Answer, said: str) -> None:
    with answering(lambda *_: answer) as url:
        done = orchestra("doctor", "--api-server", url, status=1)

    assert said in done.out
    assert "Traceback" not in done.err
    signs = verdicts(done)
    assert "✗" in {signs["server"], signs.get("login")}
    assert not {"agents", "version"} & signs.keys()


def test_a_server_that_never_finishes_its_answer_is_left() -> None:
    """Each read brings something in time, so that only a deadline for the whole of it helps."""
    is_over = threading.Event()

    def drip(*_: object) -> Answer:
        return 200, "application/json", iter(lambda: b"" if is_over.wait(0.05) else b" ", b"")

    with answering(drip) as url:
        connect = partial(open_client, url, None)
        examination = Examination(connect, url, None, None, deadline=0.5)
        began = time.monotonic()
        found = {each.check: each.verdict for each in examination.findings()}
        took = time.monotonic() - began
        is_over.set()

    assert took < 5
    assert found["server"] is Verdict.PROBLEM
    assert "login" not in found


def test_a_token_that_is_refused(orchestra: Orchestra) -> None:
    done = orchestra("doctor", environ={"ORCHESTRA_API_TOKEN": "orc_" + "x" * 43}, status=4)

    signs = verdicts(done)
    assert (signs["server"], signs["login"]) == ("✓", "✗")
    assert "agents" not in signs
    assert "orchestra auth login" in done.out
    assert "x" * 43 not in done.out


def test_no_token(orchestra: Orchestra, server_url: str) -> None:
    del orchestra.environ["ORCHESTRA_API_TOKEN"]

    done = orchestra("doctor", "--json", status=4)

    assert finding(done, "login")["message"].startswith("no token: ")


def test_a_tenant_that_the_token_does_not_see(orchestra: Orchestra) -> None:
    done = orchestra("doctor", "--tenant", "elsewhere", status=1)

    assert verdicts(done)["login"] == "✗"
    assert "orchestra tenant list" in done.out
    assert "agents" not in verdicts(done)


def test_a_token_that_may_not_see_everything(orchestra: Orchestra, client: Client) -> None:
    token = client.create_api_token("agent", scope="RUNNER").token
    assert token is not None

    done = orchestra("doctor", environ={"ORCHESTRA_API_TOKEN": token})

    signs = verdicts(done)
    assert signs["login"] == "✓"
    assert "✗" not in signs.values()


def test_a_token_that_ends_soon(orchestra: Orchestra, client: Client) -> None:
    token = client.create_api_token("short", scope="USER", expires_in=timedelta(hours=5)).token
    assert token is not None

    done = orchestra("doctor", environ={"ORCHESTRA_API_TOKEN": token})

    assert verdicts(done)["login"] == "!"
    assert "(in 4 h" in done.out


def test_a_server_of_the_older_api(orchestra: Orchestra, server_url: str) -> None:
    with answering(passing_on(server_url, OURS)) as url:
        done = orchestra("doctor", "--api-server", url)

    signs = verdicts(done)
    assert (signs["login"], signs["version"], signs["services"]) == ("✓", "!", "–")
    assert "transition_id: a state whose answer is lost may be refused when it is repeated" in done.out
    assert "✗" not in signs.values()


@pytest.mark.parametrize(
    ("ahead", "said"), [(60.5, "6[01] s behind the server's"), (-60.5, "6[01] s ahead of the server's")]
)
def test_clocks_that_do_not_agree(orchestra: Orchestra, server_url: str, ahead: float, said: str) -> None:
    with answering(passing_on(server_url), ahead=ahead) as url:
        done = orchestra("doctor", "--api-server", url)

    assert verdicts(done)["clock"] == "!"
    assert re.search(said, done.out)


def test_saved_files_that_others_can_read(orchestra: Orchestra, server_url: str) -> None:
    home = orchestra.home / "orchestra"
    home.mkdir(mode=0o755)
    saved = home / "credentials.json"
    entry = {"api_token": TOKEN}
    saved.write_text(json.dumps({"version": 1, "active": server_url, "servers": {server_url: entry}}))
    saved.chmod(0o644)
    (home / "secret.key").write_text("x")
    (home / "secret.key").chmod(0o640)
    for name in ("ORCHESTRA_API_SERVER", "ORCHESTRA_API_TOKEN"):
        del orchestra.environ[name]

    done = orchestra("doctor", status=1)

    assert verdicts(done)["files"] == "✗"
    assert "credentials.json, secret.key" in done.out
    assert f"chmod go= {home / 'secret.key'}" in done.out
    (home / "secret.key").chmod(0o600)
    assert verdicts(orchestra("doctor"))["files"] == "✓"


def test_a_damaged_file_of_logins(orchestra: Orchestra) -> None:
    home = orchestra.home / "orchestra"
    home.mkdir(mode=0o700)
    (home / "credentials.json").write_text("{")
    for name in ("ORCHESTRA_API_SERVER", "ORCHESTRA_API_TOKEN"):
        del orchestra.environ[name]

    done = orchestra("doctor", status=1)

    assert verdicts(done)["configuration"] == "✗"
    assert "is damaged" in done.out


def test_where_nothing_is_configured_nothing_is_made(orchestra: Orchestra) -> None:
    for name in ("ORCHESTRA_API_SERVER", "ORCHESTRA_API_TOKEN"):
        del orchestra.environ[name]

    done = orchestra("doctor")

    assert (verdicts(done)["configuration"], verdicts(done)["server"]) == ("!", "–")
    assert not (orchestra.home / "orchestra").exists()


def test_a_store_in_a_file(orchestra: Orchestra) -> None:
    store = {"ORCHESTRA_API_SERVER": "sqlite:///runs.db", "ORCHESTRA_API_TOKEN": ""}
    orchestra("kv", "set", "a", "b", environ=store)

    done = orchestra("doctor", environ=store)

    assert verdicts(done)["server"] == "✓"
    assert verdicts(done)["agents"] == "!"


def test_what_work_there_is(
    orchestra: Orchestra, client: Client, unique: Callable[[str], str], flow_id: str
) -> None:
    tag, late, box = unique("db"), unique("late"), unique("box")
    client.update_task_tag_limit(tag, 0)
    client.create_flow_run(
        flow_id=flow_id, run_name=late, scheduled_start_time=datetime.now(UTC) - timedelta(hours=1)
    )
    ask(client, client.register_agent("LocalAgent", name=box, labels=["gpu"]), ["gpu"])

    done = orchestra("doctor", "--json")

    assert late in [each["name"] for each in finding(done, "late runs")["record"]]
    assert finding(done, "late runs")["verdict"] == "warning"
    assert box in [each["name"] for each in finding(done, "agents")["record"]]
    assert finding(done, "agents")["verdict"] == "ok"
    assert f"{tag} (0): its limit is 0, which lets none start" in finding(done, "tag limits")["details"]


def ask(client: Client, agent_id: str, labels: list[str]) -> None:
    """Ask for runs, as an agent does."""
    query = "mutation($input: get_runs_in_queue_input!) { get_runs_in_queue(input: $input) { flow_run_ids } }"
    client.graphql(query, variables={"input": {"agent_id": agent_id, "labels": labels}})


@pytest.fixture
def flow_id(client: Client, unique: Callable[[str], str]) -> str:
    name = unique("flow")
    client.create_project(name)
    flow = {"name": name, "tasks": [{"name": "a", "slug": "a-1"}], "parameters": [], "edges": []}
    return client.register(flow, project_name=name, no_url=True)


def test_why_a_run_is_not_running(
    orchestra: Orchestra, client: Client, unique: Callable[[str], str], flow_id: str
) -> None:
    name = unique("stuck")
    flow_run_id = client.create_flow_run(flow_id=flow_id, run_name=name, labels=["nobody-has-this"])

    done = orchestra("doctor", name, "--json")

    found = finding(done, "flow run")
    assert found["verdict"] == "warning"
    assert found["record"]["flow_run_id"] == flow_run_id
    assert found["record"]["reasons"][0]["code"] in {"no_agents", "no_agent_with_labels", "agents_silent"}
    shown = orchestra("doctor", flow_run_id).out
    assert f"Flow run '{name}' is Scheduled." in shown
    assert "nobody-has-this" in shown
    assert found["advice"] in shown


def test_a_run_that_is_well(orchestra: Orchestra, client: Client, flow_id: str) -> None:
    flow_run_id = client.create_flow_run(flow_id=flow_id)
    client.set_flow_run_state(flow_run_id, version=1, state=Running())

    assert verdicts(orchestra("doctor", flow_run_id))["flow run"] == "✓"


def test_a_run_that_is_not_there(orchestra: Orchestra, unique: Callable[[str], str]) -> None:
    done = orchestra("doctor", unique("nothing"), status=1)

    assert verdicts(done)["flow run"] == "✗"


def test_the_doctor_knows_what_there_is_to_know() -> None:
    """What servers can do, their services, and the extras of the package."""
    extras = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8"))["project"]

    assert set(CAPABILITIES) == set(KNOWN)
    assert set(_EXTRAS) == set(extras["optional-dependencies"]) - {"all", "dev", "docs"}
    assert set(_SERVICES) == {"scheduler", "zombie-reaper", "lazarus", "late-runs"}
