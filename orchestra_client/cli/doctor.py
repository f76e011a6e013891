"""`orchestra doctor`: what is wrong, and what to do about it."""

from __future__ import annotations

import logging
import sys
from functools import partial
from typing import TYPE_CHECKING

import click

from orchestra_client.cli.diagnosis.findings import Verdict
from orchestra_client.cli.options import api_server_option, filled, json_option, open_client, tenant_option
from orchestra_client.cli.output import in_one_line, people_console, print_json, say
from orchestra_client.cli.root import NotLoggedIn
from orchestra_client.cli.terminal import is_watched

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from orchestra_client.cli.diagnosis.findings import Finding

_SIGNS = {Verdict.OK: "✓", Verdict.WARNING: "!", Verdict.PROBLEM: "✗", Verdict.SKIPPED: "–"}
_STYLES = {Verdict.OK: "green", Verdict.WARNING: "yellow", Verdict.PROBLEM: "red", Verdict.SKIPPED: "dim"}
_WIDTH = len("configuration")


@click.command()
@click.argument("flow_run", metavar="[RUN]", type=filled, required=False)
@json_option
@api_server_option
@tenant_option
def doctor(*, flow_run: str | None, as_json: bool, api_server: str | None, tenant: str | None) -> None:
    """Find out what is wrong, and what to do about it.

    Looks at the configuration, the server, its clock, version and services, the login, agents, late runs, tag limits,
    saved files and the installed package. With the id or the name of a flow RUN, also tells why it is not running.

    Nothing is changed. The exit status is 0 when there is no problem (warnings are none), 4 when the server wants a
    login, and else 1.
    """
    from orchestra_client.cli.diagnosis.examination import Examination  # noqa: PLC0415 - slow to import

    # What the client would warn of is told by the findings.
    logging.getLogger("orchestra_client").setLevel(logging.ERROR)
    connect = partial(open_client, api_server, tenant)
    findings = Examination(connect, api_server, tenant, flow_run).findings()
    found = list(findings if as_json else _shown(findings))
    problems = [finding for finding in found if finding.verdict is Verdict.PROBLEM]
    if as_json:
        print_json({"ok": not problems, "findings": found})
    else:
        say(_summary(found))
    if problems:
        sys.exit(NotLoggedIn.exit_code if any(map(_wants_login, problems)) else 1)


def _wants_login(problem: Finding) -> bool:
    """Not where the token is good, and only the tenant is wrong."""
    return problem.check == "login" and (problem.record is None or problem.record.is_refused)


def _shown(findings: Iterable[Finding]) -> Iterator[Finding]:
    """The findings, each shown as soon as it is there."""
    for finding in findings:
        if is_watched():
            _show(finding)
        else:
            _write(finding)
        yield finding


def _lines(finding: Finding) -> Iterator[str]:
    yield finding.message
    yield from finding.details
    if finding.advice:
        yield f"→ {finding.advice}"


def _write(finding: Finding) -> None:
    """For pipes: lines that are as long as they are."""
    first, *others = map(in_one_line, _lines(finding))
    click.echo(f"{_SIGNS[finding.verdict]} {finding.check:<{_WIDTH}}  {first}")
    for line in others:
        click.echo(" " * (_WIDTH + 4) + line)


def _show(finding: Finding) -> None:
    """For terminals: in colours, broken where the line ends."""
    from rich.table import Table  # noqa: PLC0415 - as above
    from rich.text import Text  # noqa: PLC0415 - as above

    first, *others = map(in_one_line, _lines(finding))
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(width=1)
    grid.add_column(width=_WIDTH)
    grid.add_column(overflow="fold")
    sign = Text(_SIGNS[finding.verdict], style=_STYLES[finding.verdict])
    grid.add_row(sign, Text(finding.check, style="bold"), Text(first))
    for line in others:
        grid.add_row("", "", Text(line, style="cyan" if line.startswith("→") else "dim"))
    people_console().print(grid)


def _summary(findings: list[Finding]) -> str:
    counts = {
        what: sum(finding.verdict is verdict for finding in findings)
        for what, verdict in (("problem", Verdict.PROBLEM), ("warning", Verdict.WARNING))
    }
    said = [f"{count} {what}{'' if count == 1 else 's'}" for what, count in counts.items() if count]
    return f"{' and '.join(said)}." if said else "All is well."
