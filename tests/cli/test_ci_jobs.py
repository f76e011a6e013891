"""The workflows in `examples/ci`, command by command, as jobs of a CI whose issuer is on this machine."""

from __future__ import annotations

import shlex
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

from tests.ci_issuer import Issuer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from orchestra_client import Client
    from tests.cli.conftest import Orchestra

EXAMPLES = Path(__file__).parents[2] / "examples" / "ci"
FLOW = "from orchestra_client.flows import Flow\nflow = Flow('from a job')\n"


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with Issuer(time.time) as issuer:
        yield issuer


def commands(value: Any) -> Iterator[str]:
    """What the jobs type, in the order of the file; installing is done."""
    if isinstance(value, dict):
        for item in value.values():
            yield from commands(item)
    elif isinstance(value, list):
        for item in value:
            yield from commands(item)
    elif isinstance(value, str) and value.startswith("orchestra "):
        yield value


def run_example(name: str, orchestra: Orchestra, project: str, environ: dict[str, str]) -> list[str]:
    """Run a workflow's commands, one job after the other; what each printed."""
    lines = list(commands(yaml.safe_load((EXAMPLES / name).read_text("utf-8"))))
    assert len(lines) == 3
    orchestra.environ.pop("ORCHESTRA_API_TOKEN")
    printed = []
    for line in lines:
        words = shlex.split(line.replace("$PROJECT", project))
        printed.append(orchestra(*words[1:], environ=environ).out)
    return printed


@pytest.fixture
def project(
    client: Client, issuer: Issuer, orchestra: Orchestra, unique: Callable[[str], str]
) -> Iterator[str]:
    """A project, a directory of flows, and a trust in the jobs of the repository."""
    name = unique("jobs")
    client.create_project(name)
    trust = client.create_trust(
        name, issuer=issuer.url, claims={"repository": "acme/flows", "ref": "refs/heads/main"}
    )
    folder = orchestra.directory / "flows"
    folder.mkdir()
    (folder / "a.py").write_text(FLOW)
    yield name
    client.delete_trust(trust.id)


@pytest.mark.slow
def test_a_job_of_github_logs_in_plans_and_registers(
    issuer: Issuer, orchestra: Orchestra, client: Client, project: str
) -> None:
    def token() -> dict[str, str]:
        [audience] = parse_qs(urlsplit(issuer.asked[-1]).query)["audience"]
        return {"value": issuer.token(aud=audience)}

    issuer.answers["/token"] = token
    environ = {
        "GITHUB_ACTIONS": "true",
        "ACTIONS_ID_TOKEN_REQUEST_URL": f"{issuer.url}/token?api-version=2.0",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "of the job",
        "ORCHESTRA_TENANT": "default",
    }

    _, plan, done = run_example("github-actions.yml", orchestra, project, environ)

    assert plan.startswith("new\tfrom a job")
    assert done.startswith("new\tfrom a job\t1\t")
    assert [flow.name for flow in client.flows(project=project)] == ["from a job"]


@pytest.mark.slow
def test_a_job_of_gitlab_logs_in_plans_and_registers(
    issuer: Issuer, orchestra: Orchestra, client: Client, project: str, server_url: str
) -> None:
    environ = {
        "GITLAB_CI": "true",
        "ORCHESTRA_OIDC_TOKEN": issuer.token(aud=server_url.removesuffix("/graphql")),
        "ORCHESTRA_TENANT": "default",
    }

    _, plan, done = run_example("gitlab-ci.yml", orchestra, project, environ)

    assert plan.startswith("new\tfrom a job")
    assert done.startswith("new\tfrom a job\t1\t")
    assert [flow.name for flow in client.flows(project=project)] == ["from a job"]
