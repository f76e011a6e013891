"""What GitHub Actions shows of a registration: errors at their lines, and a summary of the job.

After https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions.
"""

from __future__ import annotations

import html
import os
import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from orchestra_client.cli.output import in_one_line, say
from orchestra_client.cli.registration_report import MANY

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from orchestra_client.cli.registration_report import Report, Row
    from orchestra_client.errors import OrchestraError
    from orchestra_client.flows.sources import Place

__all__ = ["annotate", "annotate_failure", "summarize"]

_MAX_ROWS = 500
_MAX_DIFFS, _MAX_LINES = 50, 100
"""GitHub takes up to a mebibyte, and readers less."""


def annotate(report: Report, environ: Mapping[str, str] = os.environ) -> None:
    """Mark the lines of errors, when this is a job of GitHub Actions.

    Args:
        report: of the registration.
        environ: the process's environment.
    """
    if not _is_job(environ):
        return
    root = Path(environ.get("GITHUB_WORKSPACE") or Path.cwd())
    for fault in report.errors:
        say(_error(fault.place, fault.message, root))
    for place, text in report.failures():
        say(_error(place, f"{text[0].upper()}{text[1:]}", root))


def annotate_failure(error: OrchestraError, environ: Mapping[str, str] = os.environ) -> None:
    """Tell what kept everything from being done, when this is a job of GitHub Actions."""
    if _is_job(environ):
        say(_error(None, str(error), Path()))


def _is_job(environ: Mapping[str, str]) -> bool:
    return environ.get("GITHUB_ACTIONS") == "true"


def _error(place: Place | None, message: str, root: Path) -> str:
    if place is None:
        return f"::error::{_data(message)}"
    # `Path.resolve` fails for a link that leads to itself, which may be what the error is about.
    file, root = Path(os.path.realpath(place.file)), Path(os.path.realpath(root))
    if file.is_relative_to(root):
        file = file.relative_to(root)
    return f"::error file={_property(str(file))},line={place.line}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def summarize(report: Report, environ: Mapping[str, str] = os.environ) -> None:
    """Append what was registered, or would be, to the job's summary, when it has one.

    Args:
        report: of the registration.
        environ: the process's environment.
    """
    if not (path := environ.get("GITHUB_STEP_SUMMARY")):
        return
    try:
        with Path(path).open("a", encoding="utf-8", errors="backslashreplace") as summary:
            summary.write("\n".join(_summary(report)) + "\n\n")
    except OSError as error:
        # What counts is done by then.
        say(f"The job has no summary: {error}")


def _summary(report: Report) -> Iterator[str]:
    yield f"### {'Plan for' if report.is_plan else 'Flows of'} the project {_escaped(report.project)}\n"
    yield f"{_escaped(str(report))}\n"
    told = [flow for flow in report.flows if flow.status != "unchanged"]
    if told:
        yield "| | flow | version | file |\n|---|---|---|---|"
    errors: Counter[str] = Counter()
    for flow in told[:_MAX_ROWS]:
        errors[flow.error or ""] += 1
        yield _table_row(flow, is_told=errors[flow.error or ""] > MANY)
    if len(told) > _MAX_ROWS:
        yield f"\nand {len(told) - _MAX_ROWS} more"
    for fault in report.errors:
        yield f"\n- **{_escaped(str(fault.place))}**: {_escaped(fault.message)}"
    for flow in [flow for flow in told if flow.diff][:_MAX_DIFFS]:
        yield from _diff(flow)


def _table_row(flow: Row, *, is_told: bool) -> str:
    reason = "" if is_told else f": {_escaped(flow.error or '')}"
    status = f"**{flow.status}**{reason}" if flow.error else flow.status
    version, place = ("" if each is None else _escaped(str(each)) for each in (flow.version, flow.place))
    return f"| {status} | {_escaped(flow.name)} | {version} | {place} |"


def _diff(flow: Row) -> Iterator[str]:
    lines = [in_one_line(line) for line in flow.diff.lines()] if flow.diff else []
    if len(lines) > _MAX_LINES:
        lines[_MAX_LINES:] = [f"and {len(lines) - _MAX_LINES} more"]
    # One more than any run of them inside, so that nothing inside ends it.
    fence = "`" * max([3, *(len(run) + 1 for line in lines for run in re.findall("`+", line))])
    yield f"\n<details><summary>{html.escape(in_one_line(flow.name))}</summary>\n\n{fence}diff"
    yield from lines
    yield f"{fence}\n\n</details>"


def _escaped(text: str) -> str:
    """Text that Markdown shows as it is."""
    return re.sub(r"([\\`*_\[\]<>|~#&@$])", r"\\\1", in_one_line(text))
