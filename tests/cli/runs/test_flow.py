"""`orchestra flow`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cli.conftest import Orchestra
    from tests.cli.runs.conftest import Shop

pytestmark = pytest.mark.slow

CRON = {"type": "CronClock", "cron": "0 6 * * *", "parameter_defaults": {"day": 1}}


def test_flows_are_listed_a_line_for_each(orchestra: Orchestra, shop: Shop) -> None:
    second = shop.register(schedule={"type": "Schedule", "clocks": [CRON]})

    done = orchestra("flow", "list", "--project", shop.project)

    assert done.out == f"{shop.flow}\t{shop.project}\t2\t0 6 * * *\t\t{second}\n"


def test_a_schedule_that_is_off_says_so(orchestra: Orchestra, shop: Shop) -> None:
    shop.client.set_schedule_inactive(shop.register(schedule={"type": "Schedule", "clocks": [CRON]}))

    assert "Schedule:      0 6 * * * (off)\n" in orchestra("flow", "show", shop.flow).out


def test_archived_versions_are_listed_when_asked_for(orchestra: Orchestra, shop: Shop) -> None:
    shop.register()

    done = orchestra("flow", "list", "--name", shop.flow, "--archived", "--json")

    assert [flow["id"] for flow in done.json] == [shop.ids[0]]


def test_a_list_has_a_limit_and_says_when_it_is_empty(orchestra: Orchestra, shop: Shop) -> None:
    assert len(orchestra("flow", "list", "--limit", "1").out.splitlines()) == 1

    none = orchestra("flow", "list", "--project", shop.project, "--name", "nothing")
    assert (none.out, none.err) == ("", "There are no such flows.\n")


def test_a_terminal_gets_a_table_with_colours_unless_they_are_unwanted(
    orchestra: Orchestra, shop: Shop
) -> None:
    words = ("flow", "list", "--project", shop.project)

    assert "\x1b[1m" in orchestra.at_terminal(*words).painted
    plain = orchestra.at_terminal(*words, environ={"NO_COLOR": "1"})
    assert "NAME" in plain.out
    assert "\x1b[3" not in plain.painted


def test_a_flow_is_shown_with_what_belongs_to_it(orchestra: Orchestra, shop: Shop) -> None:
    second = shop.register()
    past = shop.run(run_name="now")
    next_run = shop.run(run_name="later", scheduled_start_time=datetime.now(UTC) + timedelta(hours=3))
    sooner = shop.run(run_name="sooner", scheduled_start_time=datetime.now(UTC) + timedelta(hours=2))

    shown = orchestra("flow", "show", shop.flow, "--json").json

    assert (shown["id"], shown["version"], shown["project"]) == (second, 2, shop.project)
    assert shown["parameters"] == [
        {"name": "day", "required": True, "default": None},
        {"name": "city", "required": False, "default": "Berlin"},
    ]
    assert [task["name"] for task in shown["tasks"]] == ["load", "save"]
    assert [version["id"] for version in shown["versions"]] == [second, shop.ids[0]]
    assert [run["id"] for run in shown["next_runs"]] == [sooner, next_run]
    assert [run["id"] for run in shown["recent_runs"]] == [past]


def test_a_group_s_default_is_the_one_that_a_run_gets(orchestra: Orchestra, shop: Shop) -> None:
    [flow] = shop.client.flows(name=shop.flow)
    shop.client.graphql(
        """mutation M($input: set_flow_group_default_parameters_input!) {
          set_flow_group_default_parameters(input: $input) { success } }""",
        variables={"input": {"flow_group_id": flow.flow_group_id, "default_parameters": {"day": "today"}}},
    )

    shown = orchestra("flow", "show", shop.flow)

    assert 'day\t"today"' in shown.out


def test_a_person_reads_the_flow_in_sections(orchestra: Orchestra, shop: Shop) -> None:
    shown = orchestra.at_terminal("flow", "show", shop.ids[0]).out

    for said in (f"Name:          {shop.flow}", "Parameters:", "(required)", "Tasks:", "load-1", "Versions:"):
        assert said in shown
    assert "Next runs:" not in shown


def test_archiving_needs_a_yes(orchestra: Orchestra, shop: Shop) -> None:
    run_id = shop.run(scheduled_start_time=datetime.now(UTC) + timedelta(hours=1))

    refused = orchestra("flow", "archive", shop.flow, status=2)
    assert "--yes" in refused.err
    orchestra.at_terminal("flow", "archive", shop.flow, answers={"scheduled runs?": "n"}, status=1)
    assert shop.client.get_flow_run_state(run_id).type_name == "Scheduled"

    orchestra("flow", "archive", shop.flow, "--yes")
    assert shop.client.get_flow_run_state(run_id).type_name == "Cancelled"
    assert "archived already" in orchestra("flow", "archive", shop.flow).err
