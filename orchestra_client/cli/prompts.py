"""Questions to a person; where there is none, an error of usage says which option answers instead."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from orchestra_client.cli.numbers import one_of
from orchestra_client.cli.output import in_one_line
from orchestra_client.cli.terminal import can_ask

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["choose", "confirm", "read_hidden", "read_stdin"]

MAX_CHARACTERS = 1_000_000


def confirm(question: str, *, is_confirmed: bool) -> None:
    """Ask before something that cannot be undone.

    Args:
        question: answered by y or n. Names in it may be anybody's: what would move the cursor is left out.
        is_confirmed: ``--yes`` was given; nothing is asked.

    Raises:
        click.Abort: the answer was no.
        click.UsageError: there is nobody to ask.
    """
    if is_confirmed:
        return
    if not can_ask():
        raise click.UsageError("Nobody is there to confirm this; say --yes.")
    click.confirm(in_one_line(question), abort=True, err=True)


def choose(question: str, options: Sequence[str], *, instead: str) -> int:
    """Let a person choose.

    Args:
        question: what is chosen; names in it may be anybody's, as for `confirm`.
        options: at least one; likewise.
        instead: what to give on the command line where nobody can be asked, e.g. ``--tenant SLUG``.

    Returns:
        The chosen option's index.

    Raises:
        click.UsageError: there is nobody to ask.
    """
    question, options = in_one_line(question), [in_one_line(option) for option in options]
    if not can_ask():
        raise click.UsageError(f"{question} Say {instead}: {', '.join(options)}.")
    for number, option in enumerate(options, 1):
        click.echo(f"  {number}. {option}", err=True)
    chosen: int = click.prompt(question, value_proc=one_of(options), err=True)
    return chosen


def read_hidden(what: str) -> str:
    """Read something that no argument may hold, because process lists and shell histories show arguments.

    Args:
        what: asked for at a terminal, without showing the answer; else all of stdin is the value, without its last
            line break.

    Returns:
        The value, not empty.

    Raises:
        click.UsageError: nothing was given, or too much.
    """
    if can_ask():
        answer: str = click.prompt(what, hide_input=True, err=True)
        return answer
    if sys.stdin.isatty():
        raise click.UsageError(f"Nobody can be asked for the {_within_sentence(what)}; pipe it into stdin.")
    return read_stdin(what)


def read_stdin(what: str) -> str:
    """Read all of stdin as one value.

    Args:
        what: it is, for messages.

    Returns:
        The value without its last line break, not empty.

    Raises:
        click.UsageError: nothing was given, too much, or something that is no text.
    """
    named = _within_sentence(what)
    try:
        text = sys.stdin.read(MAX_CHARACTERS + 1)
        # Where the locale names no encoding, Python lets bytes that are no text through as halves of characters.
        text.encode()
    except UnicodeError:
        raise click.UsageError(f"The {named} on stdin is no text.") from None
    if len(text) > MAX_CHARACTERS:
        raise click.UsageError(f"The {named} on stdin is longer than {MAX_CHARACTERS} characters.")
    text = text.removesuffix("\n").removesuffix("\r")
    if not text:
        raise click.UsageError(f"There is no {named} on stdin.")
    return text


def _within_sentence(what: str) -> str:
    """``Value of DB`` as ``value of DB``; an abbreviation stays as it is."""
    return what if what.split(maxsplit=1)[0].isupper() else what[0].lower() + what[1:]
