"""`orchestra project`: what is made, listed and deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from orchestra_client.flows import Flow, task

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestra_client import Client

    from .conftest import Orchestra

pytestmark = pytest.mark.slow


@pytest.fixture
def project(client: Client, unique: Callable[[str], str]) -> str:
    name = unique("etl")
    client.create_project(name, "every night")
    return name


def test_a_pipe_gets_a_line_for_each(orchestra: Orchestra, project: str) -> None:
    done = orchestra("project", "list", "--name", project)

    assert done.out.split("\t")[:3] == [project, "0", "every night"]


def test_json_has_everything(orchestra: Orchestra, project: str) -> None:
    [found] = orchestra("project", "list", "--name", project, "--json").json

    assert (found["name"], found["description"], found["flow_count"]) == (project, "every night", 0)


def test_a_terminal_gets_a_table(orchestra: Orchestra, project: str) -> None:
    done = orchestra.at_terminal("project", "list", "--name", project)

    heading, row = done.out.splitlines()
    assert heading.split() == ["NAME", "FLOWS", "DESCRIPTION", "ID"]
    assert row.startswith(project)


def test_the_limit_is_kept(orchestra: Orchestra, client: Client, project: str) -> None:
    client.create_project(project + "-2")

    assert len(orchestra("project", "list", "--limit", "1").out.splitlines()) == 1


def test_no_projects_are_no_output(orchestra: Orchestra) -> None:
    done = orchestra("project", "list", "--name", "nothing")

    assert (done.out, done.err) == ("", "There are no such projects.\n")


def test_a_new_project_is_told_by_its_id(
    orchestra: Orchestra, client: Client, unique: Callable[[str], str]
) -> None:
    name = unique("new")

    done = orchestra("project", "create", name, "--description", "for reports")

    [made] = client.projects(name=name)
    assert (done.out, done.err) == (f"{made.id}\n", f"Created the project '{name}'.\n")
    assert made.description == "for reports"


def test_a_project_that_exists_is_no_failure(orchestra: Orchestra, project: str) -> None:
    done = orchestra("project", "create", project, "--json")

    assert done.json["is_new"] is False
    assert "already" in done.err


def test_a_project_is_deleted_with_what_is_in_it(orchestra: Orchestra, client: Client, project: str) -> None:
    flow_id = register_twice(client, project)
    client.create_flow_run(flow_id=flow_id)

    done = orchestra("project", "delete", project, "--yes")

    assert done.err == f"Deleted the project '{project}' with 1 flow and 1 flow run.\n"
    assert not client.projects(name=project)


def test_nobody_deletes_by_accident(orchestra: Orchestra, client: Client, project: str) -> None:
    register_twice(client, project)

    piped = orchestra("project", "delete", project, status=2)
    question = f"Delete the project '{project}' with 1 flow and 0 flow runs?"
    orchestra.at_terminal("project", "delete", project, answers={question: "n"}, status=1)

    assert "--yes" in piped.err
    assert client.projects(name=project)


def test_a_project_that_is_not_there_cannot_be_deleted(orchestra: Orchestra) -> None:
    done = orchestra("project", "delete", "nothing", "--yes", status=1)

    assert "There is no project 'nothing'" in done.err


def register_twice(client: Client, project: str) -> str:
    """Two versions of one flow; the id of the second."""
    for name in ("first", "second"):
        with Flow("report") as flow:
            task(lambda: None, name=name)()
        flow_id = client.register(flow, project, build=False)
    return flow_id
