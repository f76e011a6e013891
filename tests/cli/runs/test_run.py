"""`orchestra run`."""

from __future__ import annotations

import json
import signal
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest
from click.testing import CliRunner

from orchestra_client.cli.run import run as run_command
from tests.cli.runs.conftest import AGENT_LABEL

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from orchestra_client import Client
    from tests.cli.conftest import Orchestra
    from tests.cli.runs.conftest import Shop

pytestmark = pytest.mark.slow


def test_a_pipe_gets_the_runs_id_and_nothing_else(orchestra: Orchestra, shop: Shop) -> None:
    done = orchestra("run", shop.flow, "-p", "day=1")

    [run] = shop.runs()
    assert done.out == f"{run.id}\n"
    assert f"Created a flow run of {shop.flow} (project {shop.project}, version 1)" in done.err
    assert "`orchestra agent start` starts one" in done.err


def test_a_run_is_made_as_the_options_say(orchestra: Orchestra, shop: Shop) -> None:
    given = json.dumps({"day": "2026-11-20", "city": "Oslo"})

    done = orchestra(
        "run",
        shop.flow,
        *("--param-file", "-", "--param", "city=[1, 2]"),
        *("--label", "eu", "--label", "big one", "--name", "monday", "--json"),
        stdin=given,
    )

    assert done.json["parameters"] == {"day": "2026-11-20", "city": [1, 2]}
    assert (done.json["name"], done.json["labels"]) == ("monday", ["big one", "eu"])
    assert (done.json["state"], done.json["project"]) == ("Scheduled", shop.project)
    assert done.json["id"] in done.err
    assert "orchestra agent start --label 'big one' --label eu" in done.err


def test_a_run_for_later_says_when_that_is(orchestra: Orchestra, shop: Shop) -> None:
    done = orchestra("run", shop.flow, "-p", "day=1", "--at", "2 hours")

    [run] = shop.runs()
    assert run.scheduled_start_time is not None
    assert timedelta(minutes=119) < run.scheduled_start_time - datetime.now(UTC) <= timedelta(hours=2)
    assert f"it starts at {run.scheduled_start_time.isoformat(timespec='seconds')}" in done.err


def test_a_flow_goes_by_name_version_group_or_id(orchestra: Orchestra, shop: Shop) -> None:
    second = shop.register()
    [flow] = shop.client.flows(flow_id=second)
    assert flow.version_group_id is not None

    for named in (shop.flow, flow.version_group_id, second.upper()):
        orchestra("run", named, "-p", "day=1")

    assert [run.flow_id for run in shop.runs()] == [second] * 3


def test_an_archived_version_is_not_run(orchestra: Orchestra, shop: Shop) -> None:
    shop.register()

    done = orchestra("run", shop.ids[0], "-p", "day=1", status=1)

    assert "archived" in done.err
    assert shop.runs() == []


def test_of_several_flows_of_a_name_one_must_be_chosen(
    orchestra: Orchestra, shop: Shop, unique: Callable[[str], str]
) -> None:
    other = unique("other")
    shop.client.create_project(other)
    shop.register(other)

    done = orchestra("run", shop.flow, "-p", "day=1", status=1)
    assert "--project" in done.err
    assert all(f"{flow_id}  {shop.flow} (project " in done.err for flow_id in shop.ids)

    orchestra("run", shop.flow, "-p", "day=1", "--project", shop.project)
    assert [run.flow_id for run in shop.runs()] == [shop.ids[0]]


def test_a_flow_that_does_not_exist_is_said_to(orchestra: Orchestra, shop: Shop) -> None:
    done = orchestra("run", shop.flow, "--project", "nowhere", status=1)

    assert "orchestra flow list" in done.err
    assert done.out == ""


@pytest.mark.parametrize(("pairs", "named"), [(["city=1"], "'day'"), (["day=1", "dya=2"], "'dya'")])
def test_parameters_that_do_not_fit_are_named_and_nothing_is_made(
    orchestra: Orchestra, shop: Shop, pairs: list[str], named: str
) -> None:
    done = orchestra("run", shop.flow, *(word for pair in pairs for word in ("-p", pair)), status=2)

    assert named in done.err
    assert f"orchestra flow show {shop.ids[0]}" in done.err
    assert shop.runs() == []


def test_a_key_makes_one_run_whatever_version_comes_between(orchestra: Orchestra, shop: Shop) -> None:
    words = ("run", shop.flow, "-p", "day=1", "--idempotency-key", "monday")

    first = orchestra(*words)
    shop.register()
    again = orchestra(*words)

    assert first.out == again.out
    assert len(shop.runs()) == 1
    assert first.err.startswith("Created a flow run of ")
    assert again.err.startswith("There is the flow run of ")


def test_nothing_is_said_of_agents_when_one_would_take_it(orchestra: Orchestra, shop: Shop) -> None:
    agent_id = shop.client.register_agent("LocalAgent", "box", [shop.project, "more"])
    shop.client.get_runs_in_queue([shop.project, "more"], agent_id=agent_id)

    done = orchestra("run", shop.flow, "-p", "day=1", "--label", shop.project)

    assert "agent" not in done.err


@pytest.mark.parametrize(
    "words",
    [
        [],
        [""],
        ["f", "--label", " "],
        ["f", "--param", "day"],
        ["f", "--param-file", "/dev/zero"],
        ["f", "--param-file", "nowhere.json"],
        ["f", "--param-file", "binary"],
        ["f", "--param-file", "list.json"],
        ["f", "--at", "yesterday"],
        ["f", "--timeout", "5 min"],
        ["f", "--no-logs"],
        ["f", "--watch", "--timeout", "soon"],
    ],
)
def test_what_makes_no_sense_is_an_error_of_usage_before_anything_is_asked(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "list.json").write_text("[]")

    result = CliRunner().invoke(run_command, [*words, "--api-server", "http://127.0.0.1:9"])

    assert result.exit_code == 2, result.output


def test_a_token_that_the_server_does_not_know_is_no_login(orchestra: Orchestra, shop: Shop) -> None:
    done = orchestra("run", shop.flow, status=4, environ={"ORCHESTRA_API_TOKEN": "orc_" + "x" * 43})

    assert "orchestra auth login" in done.err


def test_watched_it_shows_the_log_and_ends_well(orchestra: Orchestra, steps: str) -> None:
    done = orchestra("run", steps, "--label", AGENT_LABEL, "--watch")

    assert "step 0" in done.out
    assert "3 of 3 task runs finished" in done.out
    assert " Success: " in done.out
    assert "Created the flow run" in done.err


def test_watched_a_failure_ends_with_1_and_json_has_the_finished_run(
    orchestra: Orchestra, steps: str
) -> None:
    done = orchestra("run", steps, "--label", AGENT_LABEL, "-p", "count=-1", "--watch", "--json", status=1)

    assert done.json["state"] == "Failed"
    assert "there are no steps [red]back[/red]" in done.err


def test_ctrl_c_at_a_terminal_ends_the_watching_and_not_the_run(orchestra: Orchestra, steps: str) -> None:
    words = ("run", steps, "--label", AGENT_LABEL, "-p", "count=900", "-p", "seconds=0.2", "--watch")

    done = orchestra.at_terminal(*words, answers={"step 1": "\x03"}, status=130)

    run_id = done.out.partition("Created the flow run ")[2][:36]
    assert UUID(run_id)
    assert f"orchestra flow-run cancel {run_id}" in done.out
    assert "Traceback" not in done.out
    assert "0/1" in done.out or "/3" in done.out  # the bar
    assert orchestra("flow-run", "show", run_id, "--json").json["state"] == "Running"
    cancelled = orchestra("flow-run", "cancel", run_id, "--wait", "--json")
    assert [run["state"] for run in cancelled.json] == ["Cancelled"]


def test_whoever_has_read_enough_ends_the_watching_without_a_word(orchestra: Orchestra, shop: Shop) -> None:
    process = orchestra.start("run", shop.flow, "-p", "day=1", "--watch")
    assert process.stdout is not None
    assert process.stderr is not None
    assert " Scheduled" in process.stdout.readline()
    process.stdout.close()
    [run] = shop.runs()

    shop.client.cancel_flow_run(run.id)

    assert process.wait(20) == 0
    assert "Traceback" not in process.stderr.read()


def test_sigint_in_a_pipe_says_how_to_go_on(orchestra: Orchestra, shop: Shop) -> None:
    process = orchestra.start("run", shop.flow, "-p", "day=1", "--watch", "--json")
    assert process.stderr is not None
    assert any(" Scheduled" in line for line in process.stderr)

    process.send_signal(signal.SIGINT)

    out, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert out == ""
    assert "the flow run goes on" in err


def test_watched_for_so_long_at_most(orchestra: Orchestra, shop: Shop) -> None:
    done = orchestra("run", shop.flow, "-p", "day=1", "--watch", "--timeout", "0.3 s", status=1)

    assert "still Scheduled" in done.err
    assert "orchestra flow-run watch" in done.err


def test_the_server_is_named_where_an_agent_would_not_find_it(
    orchestra: Orchestra, shop: Shop, server_url: str
) -> None:
    del orchestra.environ["ORCHESTRA_API_SERVER"]

    done = orchestra("run", shop.flow, "-p", "day=1", "--api-server", server_url)

    assert f"`orchestra agent start --api-server {server_url}` starts one" in done.err


def test_the_hint_of_an_agent_leads_to_the_tenant_of_the_run(orchestra: Orchestra, client: Client) -> None:
    """Given a run in a tenant that the command was told, then the agent that it advises would take it."""
    slug = f"other-{uuid4().hex[:8]}"
    client.create_tenant(slug, slug)
    source = orchestra.directory / "hinted.json"
    source.write_text(json.dumps({"name": "hinted", "tasks": [], "edges": []}))
    orchestra("register", str(source), "--project", "p", "--create-project", "--tenant", slug)

    ran = orchestra("run", "hinted", "--tenant", slug)
    examined = orchestra("doctor", "--tenant", slug, status=None)

    for said in (ran.err, examined.out + examined.err):
        assert f"orchestra agent start --tenant {slug}" in said
