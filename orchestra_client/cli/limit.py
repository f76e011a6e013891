"""`orchestra limit`: how many task runs with a tag may run at once, and who holds the slots."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import click

from orchestra_client.cli.numbers import WholeNumber
from orchestra_client.cli.options import connected, filled, json_option, limit_option
from orchestra_client.cli.output import Column, nothing, print_list, say, say_if_more
from orchestra_client.cli.prompts import confirm

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from orchestra_client.cli.options import Connect
    from orchestra_client.results import TagLimit, TagSlot


_MOST = 2**31 - 1
"""What the API's integers can tell."""


class _Line(NamedTuple):
    """A limit with one of its holders, or with None when it has none."""

    limit: TagLimit
    holder: TagSlot | None

    @property
    def used(self) -> str:
        holders = self.limit.holders
        return f"{'?' if holders is None else len(holders)}/{self.limit.limit}"

    @property
    def task(self) -> str | None:
        if self.holder is None:
            return None
        place = "" if self.holder.map_index < 0 else f"[{self.holder.map_index}]"
        return self.holder.task_name + place


_COLUMNS = [
    Column("TAG", lambda line: line.limit.tag),
    Column("USED", lambda line: line.used),
    Column("HELD BY", lambda line: line.task),
    Column("FLOW RUN", lambda line: line.holder and line.holder.flow_run_name),
    Column("SINCE", lambda line: line.holder and line.holder.since),
    Column("ID", lambda line: line.holder and line.holder.flow_run_id),
]


@click.group()
def limit() -> None:
    """Limit how many task runs with a tag may run at once."""


@limit.command("list")
@click.option(
    "--tag", "tags", multiple=True, type=filled, metavar="TAG", help="Only this tag; give it once for each."
)
@click.option("--full", "is_full", is_flag=True, help="Only limits whose slots are all taken.")
@limit_option
@json_option
@connected
def list_limits(connect: Connect, *, tags: tuple[str, ...], is_full: bool, limit: int, as_json: bool) -> None:
    """List the limits, a line for each task run that holds a slot.

    An older server does not tell who holds them; then a question mark stands for their number.
    """
    with connect() as client:
        known = client.task_tag_limits()
    found = [each for each in known if (not tags or each.tag in tags) and (not is_full or full(each))]
    known_tags = {each.tag for each in known}
    for tag in tags:
        if tag not in known_tags:
            raise _without_limit(tag)
    shown = found[:limit]
    print_list(
        shown if as_json else list(_lines(shown)),
        _COLUMNS,
        as_json=as_json,
        none=nothing("limits", "`orchestra limit set TAG N` sets one", is_filtered=bool(tags or is_full)),
    )
    say_if_more(found, limit)


def full(limit: TagLimit) -> bool:
    """Whether a task run with the tag would have to wait, as far as the server tells."""
    return limit.holders is not None and len(limit.holders) >= limit.limit


def _lines(limits: Sequence[TagLimit]) -> Iterator[_Line]:
    for each in limits:
        for holder in each.holders or (None,):
            yield _Line(each, holder)


@limit.command("set")
@click.argument("tag", type=filled)
@click.argument("slots", metavar="N", type=WholeNumber(0, _MOST))
@connected
def set_limit(connect: Connect, *, tag: str, slots: int) -> None:
    """Let at most N task runs with TAG run at once; 0 lets none start.

    Those that are running go on.
    """
    with connect() as client:
        client.update_task_tag_limit(tag, slots)
    runs = "1 task run" if slots == 1 else f"{slots} task runs"
    say(f"At most {runs} with the tag '{tag}' may run at once from now on.")


@limit.command("delete")
@click.argument("tag", type=filled)
@click.option("--yes", is_flag=True, help="Do not ask.")
@connected
def delete_limit(connect: Connect, *, tag: str, yes: bool) -> None:
    """Let any number of task runs with TAG run at once again."""
    with connect() as client:
        limit_id = next((each.id for each in client.task_tag_limits() if each.tag == tag), None)
        if limit_id is None:
            raise _without_limit(tag)
        confirm(f"Delete the limit of the tag '{tag}'?", is_confirmed=yes)
        client.delete_task_tag_limit(limit_id)
    say(f"The tag '{tag}' has no limit any more.")


def _without_limit(tag: str) -> click.ClickException:
    return click.ClickException(
        f"The tag '{tag}' has no limit; `orchestra limit list` shows those that have."
    )
