"""Colours are for people who want them."""

from __future__ import annotations

import io
from contextlib import redirect_stdout
from typing import TYPE_CHECKING

import pytest

from orchestra_client.cli.output import Column, print_fields, print_json, print_list, state_style

if TYPE_CHECKING:
    from collections.abc import Callable

ESCAPE = "\x1b"
GREEN = f"{ESCAPE}[32m"
RED = f"{ESCAPE}[31m"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """That of somebody whose variables say nothing about colours."""
    for name in ("NO_COLOR", "FORCE_COLOR", "COLORTERM", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")


def at_terminal(write: Callable[[], None]) -> str:
    """What a function writes on a terminal."""
    with redirect_stdout(Terminal()) as terminal:
        write()
    return terminal.getvalue()


def print_states() -> None:
    print_list(["Success"], [Column("STATE", str, state_style)], as_json=False)


def print_dangerous() -> None:
    print_fields({"name": f"{RED}red"}, as_json=False)
    print_json({"name": f"{RED}red"})


def test_at_a_terminal_states_have_colours() -> None:
    assert f"{GREEN}Success" in at_terminal(print_states)


def test_no_color_means_no_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")

    shown = at_terminal(print_states)

    assert "Success" in shown
    assert GREEN not in shown


def test_a_terminal_that_knows_no_colours_gets_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")

    assert ESCAPE not in at_terminal(print_states)


def test_a_pipe_gets_no_colours(capsys: pytest.CaptureFixture[str]) -> None:
    print_states()

    assert capsys.readouterr().out == "Success\n"


def test_what_is_shown_cannot_paint(capsys: pytest.CaptureFixture[str]) -> None:
    print_dangerous()

    assert ESCAPE not in capsys.readouterr().out
    assert ESCAPE not in at_terminal(print_dangerous)
