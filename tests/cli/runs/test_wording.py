"""What goes wrong is told in the words of the command line, not in those of Python."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from orchestra_client.states import Running

if TYPE_CHECKING:
    from tests.cli.conftest import Done, Orchestra
    from tests.cli.runs.conftest import Shop

_PYTHON = re.compile(r"api_token=|api_server argument|api_server=|api_token argument|client\.|=\[|\bNone\b")


def check(done: Done) -> None:
    assert not _PYTHON.search(done.out + done.err), done


@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        (("flow-run", "list", "--api-server", "ftp://x"), 2, "--api-server"),
        (("flow-run", "list", "--api-server", "http://user:pw@x"), 2, "ORCHESTRA_API_TOKEN"),
        (("auth", "login", "--api-server", "foo"), 2, "--api-server"),
        (("agent", "start", "--api-server", "foo"), 2, "--api-server"),
        (("agent", "start", "--health-address", "8080"), 2, "--health-address"),
        (("graphql", "  "), 2, "The query is empty"),
        (("server", "start", "--database", "foo"), 2, "--database"),
        (("kv", "set", "key", '{"a": NaN}', "--json-value"), 2, "it has NaN"),
        (("kv", "set", "key", '{"a": 1e999}', "--json-value"), 2, "it has 1e999"),
        (("token", "create", "x", "--expires-in", "0 s"), 2, "'0 s' is no time at all"),
    ],
)
def test_wrong_usage(orchestra: Orchestra, words: tuple[str, ...], status: int, told: str) -> None:
    done = orchestra(*words, status=status)
    assert told in done.err
    check(done)


@pytest.mark.parametrize("words", [("auth", "token"), ("flow-run", "list"), ("doctor",)])
def test_no_login(orchestra: Orchestra, words: tuple[str, ...]) -> None:
    del orchestra.environ["ORCHESTRA_API_TOKEN"]
    done = orchestra(*words, status=4)
    assert "orchestra auth login" in done.err + done.out
    check(done)


def test_no_server_in_a_ci(orchestra: Orchestra) -> None:
    del orchestra.environ["ORCHESTRA_API_SERVER"]
    check(orchestra("flow-run", "list", environ={"CI": "true"}, status=1))


def test_no_server(orchestra: Orchestra) -> None:
    del orchestra.environ["ORCHESTRA_API_SERVER"]
    check(orchestra("flow-run", "list"))


@pytest.mark.parametrize(
    ("pairs", "told"),
    [
        ((), "The flow requires the parameter 'day'; give it with -p day=…."),
        (("-p", "day=1", "-p", "dya=1"), "The flow has no parameter 'dya'; it has 'city', 'day'."),
    ],
)
def test_parameters_that_do_not_fit(
    orchestra: Orchestra, shop: Shop, pairs: tuple[str, ...], told: str
) -> None:
    done = orchestra("run", shop.flow, *pairs, status=2)
    assert told in done.err
    assert "orchestra flow show" in done.err
    check(done)


def test_what_is_no_matter_of_parameters_does_not_speak_of_them(orchestra: Orchestra, shop: Shop) -> None:
    orchestra("flow", "archive", shop.flow, "--yes")
    done = orchestra("run", shop.flow, "-p", "day=1", status=1)
    assert "parameter" not in done.err


def test_advice(orchestra: Orchestra, shop: Shop) -> None:
    # Given a run that waits for a slot of another one, and one with a label that no agent has
    tag = f"{shop.flow} tag"
    shop.register(tasks=[{"name": "load", "slug": "load-1", "tags": [tag]}])
    holder, waiting = shop.begin(), shop.begin()
    late = shop.run(labels=["nobody"])
    for limit in (1, 0):
        shop.client.update_task_tag_limit(tag, limit)
        if limit:
            task_run = shop.client.task_runs(holder)[0]
            shop.client.set_task_run_state(task_run.id, None, Running())
        # When somebody asks, then commands are advised
        for words in (("doctor",), ("flow-run", "show")):
            for run_id in (waiting, late):
                done = orchestra(*words, run_id)
                check(done)
                said = (
                    "orchestra agent start" if run_id == late else f"orchestra limit set '{tag}' {limit + 1}"
                )
                assert said in done.out


def test_a_run_that_fills_its_own_limit_is_well(orchestra: Orchestra, shop: Shop) -> None:
    tag = f"{shop.flow}-own"
    shop.register(tasks=[{"name": name, "slug": f"{name}-1", "tags": [tag]} for name in ("load", "save")])
    shop.client.update_task_tag_limit(tag, 1)
    run_id = shop.begin()
    shop.client.set_task_run_state(shop.client.task_runs(run_id)[0].id, None, Running())

    done = orchestra("doctor", run_id)

    assert "✓ flow run" in done.out
    assert "they run one after another" in done.out
    assert f"orchestra limit set {tag} 2" in done.out
    assert "There is nothing to do" not in done.out
