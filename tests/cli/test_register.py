"""Registering from files, as CI and authors do: real processes, the real server, a pseudo-terminal."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from orchestra_client import Client
from orchestra_client.cli.github import annotate, summarize
from orchestra_client.cli.register import register
from orchestra_client.cli.registration_report import Report, Row, print_report, where_of
from orchestra_client.flows.sources import Place
from orchestra_client.flows.sources.faults import Fault
from orchestra_client.results import FieldChange, FlowDiff
from tests.cli.conftest import TOKEN

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.conftest import Orchestra

slow = pytest.mark.slow

FLOW = """
from datetime import timedelta
from orchestra_client.flows import Flow, task
from orchestra_client.schedules import IntervalClock, Schedule

@task{settings}
def load(): ...

with Flow({name!r}, Schedule([IntervalClock(timedelta(hours={hours}))])) as flow:
    load()
"""
BROKEN = "import no_such_module\n"


def flow(name: str, settings: str = "", hours: int = 1) -> str:
    return FLOW.format(name=name, settings=settings, hours=hours)


@pytest.fixture
def project(client: Client, unique: Callable[[str], str]) -> str:
    name = unique("registered")
    client.create_project(name)
    return name


@pytest.fixture
def write(orchestra: Orchestra) -> Callable[..., None]:
    """Write files into the command's directory."""

    def write(**files: str) -> None:
        for name, text in files.items():
            file = orchestra.directory / "flows" / f"{name}.py"
            file.parent.mkdir(exist_ok=True)
            file.write_text(text)

    return write


def state_of(client: Client, project: str) -> list[dict[str, Any]]:
    where = {"project": {"name": {"_eq": project}}}
    query = """
        query ($where: flow_bool_exp!) {
          flow(where: $where, order_by: [{name: asc}, {version: asc}]) {
            name version archived is_schedule_active run_config serialized_flow storage
          }
        }
    """
    return list(client.graphql(query, variables={"where": where})["data"]["flow"])


def versions(client: Client, project: str) -> list[tuple[str, int]]:
    return [(row["name"], row["version"]) for row in state_of(client, project) if not row["archived"]]


@slow
def test_what_has_changed_is_registered_and_the_rest_goes_on_beside_an_error(
    orchestra: Orchestra, client: Client, project: str, write: Callable[..., None]
) -> None:
    write(a=flow("first"), b=flow("second"), bad=BROKEN)

    before = orchestra("register", "flows", "--project", project, status=1)
    write(b=flow("second", hours=2))
    after = orchestra("register", "flows", "--project", project, status=1)

    lines = [line.split("\t") for line in before.out.splitlines()]
    assert [(status, name, version, place) for status, name, version, _, place in lines] == [
        ("new", "first", "1", "flows/a.py:9"),
        ("new", "second", "1", "flows/b.py:9"),
    ]
    assert "flows/bad.py:1: ModuleNotFoundError: No module named 'no_such_module'" in before.err
    assert f"Project {project}: 2 new, 1 failed." in before.err
    assert sorted(line.split("\t")[:3] for line in after.out.splitlines()) == [
        ["changed", "second", "2"],
        ["unchanged", "first", "1"],
    ]
    assert versions(client, project) == [("first", 1), ("second", 2)]


@slow
def test_a_plan_shows_what_would_change_and_changes_nothing(
    orchestra: Orchestra, client: Client, project: str, write: Callable[..., None]
) -> None:
    write(a=flow("changed"), b=flow("kept"), c=flow("old"))
    orchestra("register", "flows", "--project", project)
    write(a=flow("changed", "(max_retries=2, retry_delay=60)", hours=24), c=flow("new"))
    before = state_of(client, project)

    plan = orchestra("register", "flows", "--project", project, "--plan", "--prune")

    lines = plan.out.splitlines()
    assert [line.split("\t")[:2] for line in lines if not line.startswith("\t")] == [
        ["changed", "changed"],
        ["unchanged", "kept"],
        ["new", "new"],
        ["archived", "old"],
    ]
    diff = [line.strip() for line in lines if line.startswith("\t")]
    assert any(line.startswith("~ task load-1: ") and "max_retries: 0 → 2" in line for line in diff)
    assert any(line.startswith("~ schedule: ") for line in diff)
    assert "~ storage source: 10 lines, 2 of them gone → 10 lines, 2 of them new" in diff
    assert plan.err == f"Project {project}: 1 new, 1 changed, 1 archived, 1 unchanged. Nothing was done.\n"
    assert state_of(client, project) == before


@slow
def test_neither_a_plan_nor_a_file_without_flows_makes_a_store(
    orchestra: Orchestra, write: Callable[..., None]
) -> None:
    write(empty="")
    nothing = ["register", "flows", "--project", "p", "--api-server", "sqlite:///fresh.db"]
    orchestra(*nothing, status=2)
    write(a=flow("etl"))
    words = ["register", "flows", "--project", "p", "--create-project", "--api-server", "sqlite:///fresh.db"]

    refused = orchestra(*words, "--plan", status=2)
    made = (orchestra.directory / "fresh.db").exists()
    orchestra(*words)

    assert "There is no store" in refused.err
    assert not made
    assert orchestra(*words, "--plan").out.startswith("unchanged\tetl")


@slow
def test_a_token_that_may_only_run_is_enough_for_a_plan_and_not_to_register(
    orchestra: Orchestra, client: Client, project: str, write: Callable[..., None]
) -> None:
    write(a=flow("etl"))
    environ = {"ORCHESTRA_API_TOKEN": client.create_api_token("plans", scope="RUNNER").token}
    words = ["register", "flows", "--project", project]

    plan = orchestra(*words, "--plan", environ=environ)
    refused = orchestra(*words, status=1, environ=environ)

    assert plan.out.startswith("new\tetl")
    assert "RUNNER" in refused.err
    assert versions(client, project) == []


@slow
def test_pruning_archives_what_is_gone_but_not_beside_an_error(
    orchestra: Orchestra, client: Client, project: str, write: Callable[..., None]
) -> None:
    write(a=flow("kept"), b=flow("gone"))
    orchestra("register", "flows", "--project", project)
    write(b=BROKEN)

    careful = orchestra("register", "flows", "--project", project, "--prune", status=1)
    left = versions(client, project)
    write(b="")
    done = orchestra("register", "flows", "--project", project, "--prune")

    assert "Nothing is archived, because not every flow could be loaded." in careful.err
    assert left == [("gone", 1), ("kept", 1)]
    assert [line.split("\t")[:2] for line in done.out.splitlines()] == [
        ["unchanged", "kept"],
        ["archived", "gone"],
    ]
    assert versions(client, project) == [("kept", 1)]


@slow
def test_a_file_does_not_take_over_a_flow_that_it_imports(
    orchestra: Orchestra, client: Client, project: str, write: Callable[..., None]
) -> None:
    write(base=flow("base").replace(" as flow", " as base_flow"), user="from base import *\n" + flow("user"))
    orchestra("register", "flows", "--project", project)

    done = orchestra("register", "flows/user.py", "--project", project, "--prune")

    assert "'base' is imported from flows/base.py; give that file to register it." in done.err
    assert "Nothing is archived" in done.err
    assert versions(client, project) == [("base", 1), ("user", 1)]


@slow
def test_a_person_is_asked_before_flows_are_archived(
    orchestra: Orchestra, client: Client, project: str, write: Callable[..., None]
) -> None:
    write(a=flow("kept"), b=flow("gone"))
    orchestra("register", "flows", "--project", project)
    write(b="")
    words = ("register", "flows", "--project", project, "--prune")

    no = orchestra.at_terminal(*words, answers={"Archive the flow": "n"}, status=1)
    left = versions(client, project)
    orchestra.at_terminal(*words, "--yes")

    assert f"that {project} has besides: gone?" in no.out
    assert left == [("gone", 1), ("kept", 1)]
    assert versions(client, project) == [("kept", 1)]


@slow
def test_the_question_shows_names_without_what_would_move_the_cursor(
    orchestra: Orchestra, client: Client, project: str, write: Callable[..., None]
) -> None:
    write(a=flow("kept"), b=flow("\x1b[2Jgone\nProceed?"))
    orchestra("register", "flows", "--project", project)
    write(b="")
    words = ("register", "flows", "--project", project, "--prune")

    asked = orchestra.at_terminal(*words, answers={"Archive the flow": "n"}, status=1)

    [question] = [line for line in asked.painted.splitlines() if "Archive the flow" in line]
    assert "\x1b[2J" not in question
    assert "Proceed?" in question


@slow
def test_all_or_nothing(
    orchestra: Orchestra, client: Client, project: str, write: Callable[..., None]
) -> None:
    write(a=flow("one"), b=BROKEN)

    nothing = orchestra("register", "flows", "--project", project, "--atomic", status=1)
    left = versions(client, project)
    write(b=flow("two"))
    orchestra("register", "flows", "--project", project, "--atomic")

    assert "Nothing was registered" in nothing.err
    assert left == []
    assert versions(client, project) == [("one", 1), ("two", 1)]


@slow
def test_all_or_nothing_tells_which_flow_was_refused(
    orchestra: Orchestra, client: Client, project: str, write: Callable[..., None]
) -> None:
    write(a=flow("kept"))
    orchestra("register", "flows", "--project", project)
    refused = {"name": "bad", "tasks": [{"slug": "a", "name": "a", "max_retries": -1}], "edges": []}
    (orchestra.directory / "bad.json").write_text(json.dumps(refused))
    write(b=flow("new"))
    summary = orchestra.directory / "summary.md"
    environ = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(summary)}
    words = ["register", "flows", "bad.json", "--project", project, "--atomic"]

    piped = orchestra(*words, status=1, environ=environ)
    document = orchestra(*words, "--json", status=1)

    assert [line.split("\t")[:2] for line in piped.out.splitlines()] == [
        ["not registered", "kept"],
        ["not registered", "new"],
        ["failed", "bad"],
    ]
    assert "bad.json:1: the flow 'bad': serialized_tasks[0].max_retries" in piped.err
    assert "::error file=bad.json,line=1::The flow 'bad': serialized_tasks[0].max_retries" in piped.err
    assert f"Project {project}: 1 failed, 2 not registered." in piped.err
    assert "1 failed, 2 not registered" in summary.read_text()
    assert [each["status"] for each in document.json["flows"]] == ["not registered"] * 2 + ["failed"]
    assert versions(client, project) == [("kept", 1)]


@slow
def test_labels_schedules_force_and_a_project_that_is_to_be_made(
    orchestra: Orchestra, client: Client, unique: Callable[[str], str], write: Callable[..., None]
) -> None:
    write(a=flow("etl"))
    project = unique("made")
    words = ["register", "flows/a.py", "--project", project, "--label", "eu", "--label", "big"]

    refused = orchestra(*words, status=1)
    planned = orchestra(*words, "--create-project", "--plan")
    left = client.projects(name=project)
    orchestra(*words, "--create-project", "--no-schedule")
    orchestra(*words, "--force")

    assert f"orchestra project create {project}" in refused.err
    assert planned.out.startswith("new\tetl")
    assert not left
    first, second = state_of(client, project)
    assert first["run_config"]["labels"] == second["run_config"]["labels"] == ["big", "eu"]
    assert (first["is_schedule_active"], second["version"]) == (False, 2)
    # What an agent needs travels with it.
    assert second["storage"]["source"] == flow("etl")


@slow
def test_a_file_that_changes_the_environment_does_not_choose_where_it_is_registered(
    orchestra: Orchestra, client: Client, project: str, write: Callable[..., None]
) -> None:
    write(
        a="import os\nos.environ['ORCHESTRA_TENANT'] = 'elsewhere'\n"
        "os.environ['ORCHESTRA_API_SERVER'] = 'http://127.0.0.1:9'\n" + flow("etl")
    )

    done = orchestra("register", "flows", "--project", project, "--tenant", "default")

    assert versions(client, project) == [("etl", 1)]
    assert done.err == f"Project {project}: 1 new.\n"


@pytest.mark.parametrize(
    ("server", "tenant", "where"),
    [
        (
            "https://orchestra.example.com",
            "acme",
            " of the tenant acme at https://orchestra.example.com/graphql",
        ),
        ("http://127.0.0.1:4200", "acme", " of the tenant acme"),
        ("http://127.0.0.1:4200", "default", ""),
        ("http://127.0.0.1:4200", None, ""),
    ],
)
def test_the_summary_names_the_tenant_and_the_server(server: str, tenant: str | None, where: str) -> None:
    with Client(server, TOKEN, tenant_slug=tenant) as client:
        report = Report("sales", is_plan=False, flows=(), errors=(), where=where_of(client))

    assert str(report) == f"Project sales{where}: no flows."


@slow
def test_json_is_one_document_though_files_print(
    orchestra: Orchestra, project: str, write: Callable[..., None]
) -> None:
    noise = "import atexit, os, subprocess, sys\nprint('hello')\nos.write(1, b'raw')\nsys.__stdout__.write('kept')\n"
    noise += "subprocess.run(['echo', 'child'])\natexit.register(print, 'goodbye')\n"
    write(a=noise + flow("etl"), b=BROKEN)

    done = orchestra("register", "flows", "--project", project, "--json", status=1)

    [registered], [error] = done.json["flows"], done.json["errors"]
    assert (registered["status"], registered["version"], registered["place"]["file"]) == (
        "new",
        1,
        "flows/a.py",
    )
    assert (error["place"], error["advice"][:22]) == (
        {"file": "flows/b.py", "line": 1},
        "install no_such_module",
    )
    assert all(noise in done.err for noise in ("hello", "raw", "kept", "child", "goodbye"))


@slow
def test_a_module_is_found_in_the_current_directory(
    orchestra: Orchestra, client: Client, project: str
) -> None:
    package = orchestra.directory / "company"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "flows.py").write_text("from . import names\n" + flow("x").replace("'x'", "names.NAME"))
    (package / "names.py").write_text("NAME = 'packaged'")

    done = orchestra("register", "-m", "company", "--project", project)

    assert "no flow at its top level" not in done.err
    [row] = state_of(client, project)
    assert (row["name"], row["storage"]["module"]) == ("packaged", "company.flows")


@slow
def test_a_person_sees_a_bar_and_a_table_with_what_changed(
    orchestra: Orchestra, project: str, write: Callable[..., None]
) -> None:
    write(a=flow("etl [1]"), b=flow("kept"))

    done = orchestra.at_terminal("register", "flows", "--project", project)
    write(a=flow("etl [1]", hours=2))
    plan = orchestra.at_terminal("register", "flows", "--project", project, "--plan")

    assert "Registering " in done.out
    assert "2/2" in done.out
    assert "STATUS" in done.out
    table = plan.out[plan.out.index("STATUS") :]
    assert "changed  etl [1]" in table
    assert "kept" not in table
    assert "\netl [1]\n" in table
    assert "~ schedule: " in table


@slow
def test_what_is_told_meanwhile_stands_in_lines_of_its_own_above_the_bar(
    orchestra: Orchestra, project: str, write: Callable[..., None]
) -> None:
    write(a=flow("etl"), broken="1 +\n")

    done = orchestra.at_terminal("register", "flows", "--project", project, status=1)

    assert "\r\x1b[2Kflows/broken.py:1: SyntaxError" in done.painted


@slow
def test_watching_registers_each_save_and_survives_a_broken_one(
    orchestra: Orchestra, client: Client, project: str, write: Callable[..., None]
) -> None:
    write(a=flow("etl"))
    process = orchestra.start("register", "flows", "--project", project, "--watch")

    def registered(version: int) -> None:
        end = time.monotonic() + 30
        while versions(client, project) != [("etl", version)]:
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < end, versions(client, project)
            time.sleep(0.05)

    registered(1)
    write(helper="X = 1 +\n", a="import helper\n" + flow("etl", hours=2))
    assert process.stderr is not None
    while "helper.py:1: SyntaxError" not in (line := process.stderr.readline()):
        assert line, "it has ended"
    write(helper="X = 1\n")
    registered(2)
    process.send_signal(signal.SIGINT)

    assert process.wait(15) == 130


@slow
def test_a_job_of_github_gets_annotations_and_a_summary(
    orchestra: Orchestra, project: str, write: Callable[..., None]
) -> None:
    write(a=flow("etl|<b>"), b=BROKEN)
    summary = orchestra.directory / "summary.md"
    summary.write_text("before\n")
    environ = {
        "GITHUB_ACTIONS": "true",
        "GITHUB_STEP_SUMMARY": str(summary),
        "GITHUB_WORKSPACE": str(orchestra.directory.parent),
    }

    done = orchestra("register", "flows", "--project", project, status=1, environ=environ)

    assert (
        "::error file=work/flows/b.py,line=1::ModuleNotFoundError: No module named 'no_such_module'\n"
        in done.err
    )
    text = summary.read_text()
    assert text.startswith("before\n### ")
    assert "| new | etl\\|\\<b\\> | 1 | flows/a.py:9 |" in text


def run(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(register, words)
    return result.exit_code, result.output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--project", "p"], "Say which flows"),
        (["gone.py", "--project", "p"], "does not exist"),
        (["empty.py", "--project", "p"], "There is no flow in empty.py"),
        (["-m", "no_such_module", "--project", "p"], "There is no module 'no_such_module'"),
        (["-m", "no_such_module", "--project", "p", "--watch"], "There is no module 'no_such_module'"),
        (["-m", "../flows", "--project", "p"], "There is no module '../flows'"),
        (["-m", ".flows", "--project", "p", "--watch"], "There is no module '.flows'"),
        (["empty.py"], "--project"),
        (["empty.py", "--project", "p", "--watch", "--json"], "leave one out"),
    ],
)
def test_wrong_usage_ends_with_2_before_anything_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("empty.py").write_text("x = 1")

    status, output = run(*words)

    assert status == 2
    assert said in output


def a_report(name: str, error: str | None = None, diff: FlowDiff | None = None) -> Report:
    status = "failed" if error else "changed"
    row = Row(name, status, 3, "id", Place("flows/a.py", 7), error, diff)
    return Report("p", False, (row,), (Fault("b.py", "100% a\r\nb", Place("b,1:2.py", 4)),))


def test_annotations_are_escaped_as_workflow_commands_want_it(capsys: pytest.CaptureFixture[str]) -> None:
    annotate(a_report("x", "no\n::set-output"), {"GITHUB_ACTIONS": "true"})

    assert capsys.readouterr().err.splitlines() == [
        "::error file=b%2C1%3A2.py,line=4::100%25 a%0D%0Ab",
        "::error file=flows/a.py,line=7::The flow 'x': no%0A::set-output",
    ]


def test_an_error_that_many_flows_share_is_told_once(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    rows = [
        Row(f"f{n}", "failed", None, None, Place("a.py", n), "the server cannot be reached")
        for n in range(1, 8)
    ]
    own = Row("own", "failed", None, None, Place("b.py", 1), "it is refused")
    report = Report("p", is_plan=False, flows=(*rows, own), errors=())
    summary = tmp_path / "summary.md"

    print_report(report, as_json=False)
    told = capsys.readouterr().err.splitlines()
    annotate(report, {"GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": str(Path.cwd())})
    annotated = capsys.readouterr().err.splitlines()
    summarize(report, {"GITHUB_STEP_SUMMARY": str(summary)})

    assert told == [
        "7 flows, from 'f1' to 'f7': the server cannot be reached",
        "b.py:1: the flow 'own': it is refused",
        "Project p: 8 failed.",
    ]
    assert annotated == [
        "::error::7 flows, from 'f1' to 'f7': the server cannot be reached",
        "::error file=b.py,line=1::The flow 'own': it is refused",
    ]
    assert summary.read_text().count("the server cannot be reached") == 5


def test_nothing_is_annotated_elsewhere(capsys: pytest.CaptureFixture[str]) -> None:
    annotate(a_report("x", "error"), {})

    assert capsys.readouterr() == ("", "")


def test_names_do_not_become_markdown(tmp_path: Path) -> None:
    change = FieldChange("name", "```", "@team")
    report = a_report("*a*|[b](c)<i>\n# d", diff=FlowDiff(other=(change,)))

    summarize(report, {"GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md")})

    text = (tmp_path / "summary.md").read_text()
    assert "| changed | \\*a\\*\\|\\[b\\](c)\\<i\\> \\# d | 3 | flows/a.py:7 |" in text
    assert "<summary>*a*|[b](c)&lt;i&gt; # d</summary>" in text
    assert "\n````diff\n~ name: ``` → @team\n````\n" in text


def test_a_summary_that_cannot_be_written_is_no_failure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    summarize(a_report("x"), {"GITHUB_STEP_SUMMARY": str(tmp_path)})

    assert "The job has no summary" in capsys.readouterr().err


def test_a_summary_is_bounded(tmp_path: Path) -> None:
    diff = FlowDiff(tasks_added=tuple(f"task-{number}" for number in range(1000)))
    flows = tuple(Row(f"flow {number}", "changed", 1, "id", None, None, diff) for number in range(2000))

    summarize(Report("p", True, flows, ()), {"GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md")})

    text = (tmp_path / "summary.md").read_text()
    assert len(text) < 250_000
    assert "and 1500 more" in text
    assert "and 900 more" in text
