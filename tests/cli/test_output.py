"""Colours are for people who want them."""

from __future__ import annotations

import io
import sys

import pytest

from orchestra_client.cli.output import Column, print_fields, print_json, print_list, state_style

GREEN = "\x1b[32m"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """In place of stdout, for somebody whose variables say nothing."""
    for name in ("NO_COLOR", "FORCE_COLOR", "COLORTERM", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    return terminal


def print_states() -> None:
    print_list(["Success"], [Column("STATE", str, state_style)], as_json=False)


def test_at_a_terminal_states_have_colours(terminal: Terminal) -> None:
    print_states()

    assert f"{GREEN}Success" in terminal.getvalue()


def test_no_color_means_no_colour(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")

    print_states()

    assert "Success" in terminal.getvalue()
    assert GREEN not in terminal.getvalue()


def test_a_terminal_that_knows_no_colours_gets_none(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "dumb")

    print_states()

    assert "\x1b" not in terminal.getvalue()


def test_a_pipe_gets_no_escape_sequences_even_of_what_it_shows(capsys: pytest.CaptureFixture[str]) -> None:
    print_states()
    print_fields({"name": "\x1b[31mred\x1b[0m"}, as_json=False)

    assert "\x1b" not in capsys.readouterr().out


def test_a_terminal_gets_no_escape_sequences_of_what_it_shows(terminal: Terminal) -> None:
    print_fields({"name": "\x1b[31mred\x1b[0m"}, as_json=False)
    print_json({"name": "\x1b[31mred\x1b[0m"})

    assert "\x1b" not in terminal.getvalue()
