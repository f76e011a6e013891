"""Why a list is empty: there is nothing, nothing like that, or a name is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cli.conftest import Orchestra
    from tests.cli.runs.conftest import Shop


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("flow-run", "list", "--project", "nosuch"), "There is no project 'nosuch'."),
        (("flow-run", "list", "--flow", "nosuch"), "There is no flow 'nosuch'."),
        (("flow", "list", "--project", "nosuch", "--json"), "There is no project 'nosuch'."),
        (("limit", "list", "--tag", "nosuch"), "The tag 'nosuch' has no limit"),
    ],
)
def test_a_name_that_nothing_has_is_an_error(orchestra: Orchestra, words: tuple[str, ...], told: str) -> None:
    done = orchestra(*words, status=1)

    assert told in done.err
    assert done.out == ""


def test_a_name_that_something_has_is_none(orchestra: Orchestra, shop: Shop) -> None:
    for option, name in (("--project", shop.project), ("--flow", shop.flow)):
        assert orchestra("flow-run", "list", option, name).err == "There are no such flow runs.\n"
    orchestra("flow", "archive", shop.flow, "--yes")
    orchestra("flow-run", "list", "--flow", shop.flow, "--project", shop.project)


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("project", "There are no projects yet; `orchestra project create NAME` makes one."),
        ("flow", "There are no flows yet; `orchestra register --project NAME PATH` registers some."),
        ("flow-run", "There are no flow runs yet; `orchestra run FLOW` makes one."),
        ("agent", "There are no agents yet; `orchestra agent start` starts one."),
        ("limit", "There are no limits yet; `orchestra limit set TAG N` sets one."),
        ("secret", "There are no secrets yet; `orchestra secret set NAME` makes one."),
        ("kv", "There are no keys yet; `orchestra kv set KEY VALUE` sets one."),
    ],
)
def test_where_there_is_nothing_it_says_how_to_make_something(
    orchestra: Orchestra, command: str, told: str
) -> None:
    orchestra.environ["ORCHESTRA_API_SERVER"] = "memory:"

    assert told in orchestra(command, "list").err
