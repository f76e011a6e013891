"""What `orchestra register` tells: of each flow what became of it, or would, and what went wrong."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from orchestra_client.cli.output import Column, in_one_line, people_console, print_json, print_list, say
from orchestra_client.cli.terminal import is_watched
from orchestra_client.flows.sources.base import shorten
from orchestra_client.results import FlowChange

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from orchestra_client.client import Client
    from orchestra_client.flows.discovery import Companions
    from orchestra_client.flows.sources import Place
    from orchestra_client.flows.sources.base import ImportedFlow
    from orchestra_client.flows.sources.faults import Fault
    from orchestra_client.results import FlowDiff, RegisteredFlow

__all__ = [
    "MANY",
    "Report",
    "Row",
    "print_line",
    "print_report",
    "row",
    "tell_companions",
    "tell_faults",
    "tell_imported",
    "where_of",
]

MANY = 5
"""Flows that may have the same error, each told by itself."""

_FIRST_TENANT = "default"
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})

_STYLES = {"new": "green", "changed": "yellow", "archived": "magenta", "failed": "red"}
_MARKS = {"+": "green", "-": "red", "~": "yellow"}
_ORDER = ("new", "changed", "archived", "unchanged", "failed", "not registered")


@dataclass(frozen=True, slots=True)
class Row:
    """One flow.

    Attributes:
        name: the flow's.
        status: ``new``, ``changed``, ``unchanged``, ``archived``, ``failed``; or ``not registered``, because of
            another flow.
        version: the number of the version that is registered, in a plan before anything is done.
        flow_id: its id.
        place: where the flow is written; None for one that is archived.
        error: why it failed.
        diff: how it has changed; in plans.
    """

    name: str
    status: str
    version: int | None
    flow_id: str | None
    place: Place | None
    error: str | None = None
    diff: FlowDiff | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """What a registration did, or would do.

    Attributes:
        project: the project's name.
        is_plan: whether nothing was changed.
        flows: what became of each.
        errors: sources that could not be loaded.
        where: the tenant and the server, as part of a sentence; empty where there is nothing to mix up.
    """

    project: str
    is_plan: bool
    flows: tuple[Row, ...]
    errors: tuple[Fault, ...]
    where: str = field(default="", repr=False)

    def failures(self) -> list[tuple[Place | None, str]]:
        """What to tell of flows that failed: places and sentences. What many share, as an outage, is told once."""
        by_error: dict[str, list[Row]] = {}
        for flow in self.flows:
            if flow.error:
                by_error.setdefault(flow.error, []).append(flow)
        told: list[tuple[Place | None, str]] = []
        for error, flows in by_error.items():
            if len(flows) > MANY:
                told.append(
                    (None, f"{len(flows)} flows, from {flows[0].name!r} to {flows[-1].name!r}: {error}")
                )
            else:
                told += ((flow.place, f"the flow {flow.name!r}: {error}") for flow in flows)
        return told

    @property
    def has_failures(self) -> bool:
        """Whether anything went wrong."""
        return bool(self.errors) or any(flow.error for flow in self.flows)

    def __str__(self) -> str:
        counts = Counter(flow.status for flow in self.flows)
        counts["failed"] += len(self.errors)
        told = ", ".join(f"{counts[status]} {status}" for status in _ORDER if counts[status])
        end = " Nothing was done." if self.is_plan else ""
        return f"Project {self.project}{self.where}: {told or 'no flows'}.{end}"


def where_of(client: Client) -> str:
    """What tells a registration in one tenant or server from that in another, without asking the server.

    Args:
        client: that registered.

    Returns:
        `` of the tenant acme at https://…/graphql``: the tenant where one was chosen, the server where it is not on this
        machine; nothing for the first tenant of a server on this machine.
    """
    # The public id names a tenant to nobody.
    wish = client._session.credentials.wish
    server = urlsplit(client.api_server)
    is_elsewhere = server.scheme.startswith("http") and server.hostname not in _LOOPBACK
    tenant = f" of the tenant {wish.name}" if wish and (is_elsewhere or wish.name != _FIRST_TENANT) else ""
    return f"{tenant} at {client.api_server}" if is_elsewhere else tenant


def row(item: FlowChange | RegisteredFlow, places: Mapping[str, Place]) -> Row:
    """What is told of one flow.

    Args:
        item: of a plan or a result.
        places: where flows are written, by their names.
    """
    return Row(
        item.name,
        "failed" if item.error else item.kind,
        item.version,
        item.flow_id,
        places.get(item.name),
        str(item.error) if item.error else None,
        item.diff if isinstance(item, FlowChange) else None,
    )


_COLUMNS = (
    Column("STATUS", lambda row: row.status, _STYLES.get),
    Column("FLOW", lambda row: row.name),
    Column("VERSION", lambda row: row.version),
    Column("FILE", lambda row: row.place),
)
_PIPED = (*_COLUMNS[:3], Column("ID", lambda row: row.flow_id), *_COLUMNS[3:])


def print_line(row: Row) -> None:
    """Write one flow's line for a pipe."""
    print_list([row], _PIPED, as_json=False)


def print_report(report: Report, *, as_json: bool) -> None:
    """Write the result, as far as no line was written while it happened.

    Args:
        report: of the registration.
        as_json: whether to write one JSON document, and nothing else on stdout.
    """
    if as_json:
        print_json(report)
    elif is_watched():
        _print_for_people(report)
    elif report.is_plan:
        for each in report.flows:
            print_line(each)
            for line in _lines(each):
                click.echo(f"\t{line}")
    for place, text in report.failures():
        say(f"{place}: {text}" if place else f"{text[0].upper()}{text[1:]}")
    say(str(report))


def tell_faults(faults: Iterable[Fault]) -> None:
    """Tell what could not be loaded, where, and what to do about it."""
    for each in faults:
        say(f"{each.place}: {each.message}")
        for line in each.frames:
            say(f"    {line}")
        if each.advice:
            say(f"    To do: {each.advice}.")


def tell_companions(scripts: Iterable[Companions]) -> None:
    """Tell which files flows need that do not travel with them."""
    needed: dict[tuple[str, ...], list[str]] = {}
    for each in scripts:
        needed.setdefault(each.files, []).append(each.source)
    for files, sources in needed.items():
        more = f" and {len(sources) - 1} more" if len(sources) > 1 else ""
        say(
            f"{sources[0]}{more}: the flow needs {', '.join(files)}, which does not travel with it. Install it where "
            "the flow runs, or make a package of both and register it with -m."
        )


def tell_imported(flows: Iterable[ImportedFlow]) -> None:
    """Tell which flows were left out, because the file that has them was not given."""
    for each in flows:
        home = shorten(each.home)
        say(f"{each.place}: the flow {each.name!r} is imported from {home}; give that file to register it.")


def _print_for_people(report: Report) -> None:
    if changed := [each for each in report.flows if each.status != "unchanged"]:
        print_list(changed, _COLUMNS, as_json=False)
    from rich.text import Text  # noqa: PLC0415 - as above

    console = people_console()
    for each in report.flows:
        lines = _lines(each)
        for line in [in_one_line(each.name), *(f"  {line}" for line in lines)] if lines else ():
            # Text, not markup: a name in brackets is a name.
            console.print(Text(line, _MARKS.get(line.strip()[0], "bold")))


def _lines(row: Row) -> list[str]:
    lines = [in_one_line(line) for line in row.diff.lines()] if row.diff is not None else []
    if row.diff is not None and row.diff.is_partial:
        lines.append("  and maybe more, for the server keeps only some of it")
    return lines
