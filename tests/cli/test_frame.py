"""What all commands have in common: who sees what, and what an error looks like."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from typing import Any

import click
import pytest
from click.testing import CliRunner

from orchestra_client.cli.options import connected, json_option, limit_option
from orchestra_client.cli.output import Column, as_plain, print_list, when
from orchestra_client.cli.prompts import choose, confirm, read_hidden, read_stdin
from orchestra_client.results import ApiToken
from orchestra_client.states import Success

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


@click.command()
@limit_option
@json_option
@connected
def a_command(connect: Any, *, limit: int, as_json: bool) -> None:
    """Tell what was given."""
    with connect() as client:
        click.echo(f"{client.api_server} {limit} {as_json}")


def test_a_connected_command_opens_the_server_that_its_option_names() -> None:
    result = CliRunner().invoke(a_command, ["--api-server", "memory:", "--limit", "7", "--json"])

    assert result.output == "memory: 7 True\n"


def test_the_help_shows_a_commands_own_options_first() -> None:
    shown = CliRunner().invoke(a_command, ["--help"]).output

    assert (
        shown.index("--limit") < shown.index("--json") < shown.index("--api-server") < shown.index("--tenant")
    )


def test_a_pipe_gets_one_line_without_breaks_for_each_row(capsys: pytest.CaptureFixture[str]) -> None:
    columns = [Column("NAME", lambda row: row[0]), Column("SINCE", lambda row: row[1])]

    print_list([("a\tb\n\x1b[2J", NOW), ("c", None)], columns, as_json=False)

    assert capsys.readouterr().out == "a b  [2J\t2026-11-20T12:00:00+00:00\nc\t\n"


def test_a_narrow_terminal_gets_whole_ids_and_the_beginnings_of_the_rest(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("orchestra_client.cli.output.is_watched", lambda: True)
    monkeypatch.setenv("COLUMNS", "60")
    columns = [Column("NAME", lambda row: row[0]), Column("ID", lambda row: row[1])]

    print_list([("a name that is longer than that", "1" * 36), ("short", "2" * 36)], columns, as_json=False)

    heading, first, second = capsys.readouterr().out.splitlines()
    assert heading.split() == ["NAME", "ID"]
    assert first.split("  ") == ["a name that is longer…", "1" * 36]
    assert second.split() == ["short", "2" * 36]

    monkeypatch.setenv("COLUMNS", "20")
    print_list([("a name that is longer than that", "1" * 36)], columns, as_json=False)

    assert capsys.readouterr().out.splitlines()[1] == f"a name that…  {'1' * 36}"


def test_wide_characters_are_shown_whole_where_there_is_room(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("orchestra_client.cli.output.is_watched", lambda: True)
    monkeypatch.setenv("COLUMNS", "60")

    print_list(
        [("日本語プロジェクト", 1)],
        [Column("NAME", itemgetter(0)), Column("N", itemgetter(1))],
        as_json=False,
    )

    assert capsys.readouterr().out.splitlines()[1].split() == ["日本語プロジェクト", "1"]


def test_json_has_no_secrets_and_no_objects(capsys: pytest.CaptureFixture[str]) -> None:
    token = ApiToken("1", "ci", "TENANT", token="orc_" + "x" * 43, expires_at=NOW)

    print_list([token], [], as_json=True)

    [written] = json.loads(capsys.readouterr().out)
    assert "token" not in written
    assert written["expires_at"] == "2026-11-20T12:00:00+00:00"
    assert as_plain({"state": Success(), "ids": {1}})["state"]["type"] == "Success"


def test_an_empty_list_says_so_beside_the_output(capsys: pytest.CaptureFixture[str]) -> None:
    print_list([], [], as_json=False, none="no flows")

    assert capsys.readouterr() == ("", "no flows\n")


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.2, "just now"),
        (-1, "1 s ago"),
        (-90, "1 min ago"),
        (7300, "in 2 h"),
        (-100_000, "1 day ago"),
        (-200_000, "2 days ago"),
    ],
)
def test_moments_are_said_as_people_say_them(seconds: float, said: str) -> None:
    assert when(NOW + timedelta(seconds=seconds), NOW) == said


def test_where_nobody_is_nothing_is_asked() -> None:
    @click.command()
    def ask() -> None:
        confirm("Delete it?", is_confirmed=False)

    result = CliRunner().invoke(ask)

    assert result.exit_code == 2
    assert "--yes" in result.output


def test_a_choice_that_nobody_can_make_names_the_option() -> None:
    with pytest.raises(click.UsageError, match="--tenant SLUG: a, b"):
        choose("Which tenant?", ["a", "b"], instead="--tenant SLUG")


def test_a_hidden_value_comes_from_stdin_without_its_last_line_break() -> None:
    @click.command()
    def read() -> None:
        click.echo(repr(read_hidden("Secret")))

    assert CliRunner().invoke(read, input=" a\nb \n").output == "' a\\nb '\n"
    assert CliRunner().invoke(read, input="\n").exit_code == 2


@pytest.mark.parametrize(
    ("what", "said"),
    [("Value of DB", "There is no value of DB on"), ("API token", "There is no API token on")],
)
def test_what_is_missing_on_stdin_keeps_its_name(what: str, said: str) -> None:
    @click.command()
    def read() -> None:
        read_hidden(what)

    assert said in CliRunner().invoke(read, input="").output


@pytest.mark.parametrize("errors", ["strict", "surrogateescape"])
def test_bytes_that_are_no_text_are_no_value(monkeypatch: pytest.MonkeyPatch, errors: str) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"\xff"), "utf-8", errors))

    with pytest.raises(click.UsageError, match="is no text"):
        read_stdin("value")
