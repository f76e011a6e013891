"""What `orchestra flow show` shows."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from orchestra_client.cli.output import Column, as_plain, print_fields, print_json, state_style
from orchestra_client.cli.sections import instant, print_section

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestra_client.client import Client
    from orchestra_client.results import FlowVersion

__all__ = ["print_page", "read_page"]

_SHORT = 5
"""So many versions and runs are shown; `orchestra flow-run list` has more runs."""

_PAGE = """query FlowPage(
  $where: flow_bool_exp!, $versions: flow_bool_exp!, $next: flow_run_bool_exp!, $recent: flow_run_bool_exp!, $limit: Int!
) {
  flow(where: $where) {
    description core_version parameters
    flow_group { description default_parameters }
    tasks(where: { auto_generated: { _eq: false } }, order_by: [{ name: asc }, { slug: asc }]) {
      name slug type max_retries retry_delay mapped tags description
    }
  }
  versions: flow(where: $versions, order_by: [{ version: desc }], limit: $limit) { id version archived created }
  next_runs: flow_run(where: $next, order_by: [{ scheduled_start_time: asc }], limit: $limit) {
    id name state scheduled_start_time
  }
  recent_runs: flow_run(where: $recent, order_by: [{ scheduled_start_time: desc }], limit: $limit) {
    id name state state_message scheduled_start_time start_time end_time
  }
}"""


def read_page(client: Client, flow: FlowVersion) -> dict[str, Any]:
    """Read all that belongs to a flow.

    Args:
        client: of the flow's tenant.
        flow: the flow.

    Returns:
        The flow's fields; its `description`, `core_version`, `parameters` (each with `name`, `required` and the `default`
        that a run gets) and other `tasks`; the newest `versions`; of all versions the `next_runs` and `recent_runs`.
    """
    of_group = {"flow_group_id": {"_eq": flow.flow_group_id}}
    now = datetime.now(UTC).isoformat()
    variables = {
        "where": {"id": {"_eq": flow.id}},
        "versions": of_group,
        "next": {"flow": of_group, "scheduled_start_time": {"_gte": now}},
        "recent": {"flow": of_group, "scheduled_start_time": {"_lt": now}},
        "limit": _SHORT,
    }
    data = client.graphql(_PAGE, variables=variables).data.to_dict()
    [row] = data.pop("flow")
    group = row.pop("flow_group") or {}
    row["parameters"] = _parameters(row["parameters"], group.get("default_parameters"))
    row["tasks"] = [task for task in row["tasks"] if not (task["type"] or "").endswith(".Parameter")]
    row["description"] = group.get("description") or row["description"]
    return {**as_plain(flow), **row, **data}


def _parameters(declared: Any, group: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """The flow's parameters; defaults of its group come before its own."""
    defaults = group or {}
    return [
        {
            "name": each["name"],
            "required": bool(each.get("required")) and each["name"] not in defaults,
            "default": defaults.get(each["name"], each.get("default")),
        }
        for each in declared or ()
    ]


_PARAMETERS = [
    Column("NAME", lambda row: row["name"]),
    Column("DEFAULT", lambda row: "(required)" if row["required"] else json.dumps(row["default"])),
]
_TASKS = [
    Column("NAME", lambda row: row["name"]),
    Column("SLUG", lambda row: row["slug"]),
    Column("RETRIES", lambda row: row["max_retries"] or None),
    Column("MAPPED", lambda row: "mapped" if row["mapped"] else None),
    Column("TAGS", lambda row: row["tags"]),
]
_VERSIONS = [
    Column("VERSION", lambda row: row["version"]),
    Column("REGISTERED", lambda row: instant(row["created"])),
    Column("ARCHIVED", lambda row: row["archived"]),
    Column("ID", lambda row: row["id"]),
]
_RUNS = [
    Column("NAME", lambda row: row["name"]),
    Column("STATE", lambda row: row["state"], state_style),
    Column("SCHEDULED", lambda row: instant(row["scheduled_start_time"])),
    Column("ID", lambda row: row["id"]),
]


def print_page(page: Mapping[str, Any], *, as_json: bool) -> None:
    """Write what `read_page` read."""
    if as_json:
        print_json(page)
        return
    print_fields(_fields(page), as_json=False)
    for title, rows, columns in (
        ("Parameters", page["parameters"], _PARAMETERS),
        ("Tasks", page["tasks"], _TASKS),
        ("Versions", page["versions"], _VERSIONS),
        ("Next runs", page["next_runs"], _RUNS),
        ("Recent runs", page["recent_runs"], _RUNS),
    ):
        print_section(title, rows, columns)


def _fields(page: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "Name": page["name"],
        "Project": page["project"],
        "Version": f"{page['version']} (archived)" if page["is_archived"] else page["version"],
        "ID": page["id"],
        "Version group": page["version_group_id"],
        "Registered": instant(page["created"]),
        "Description": page["description"],
        "Schedule": schedule_text(page["schedule"], is_active=page["is_schedule_active"]),
        "Labels": page["labels"] or None,
    }


def schedule_text(schedule: str | None, *, is_active: bool) -> str | None:
    """A flow's schedule, and whether it is off."""
    return f"{schedule} (off)" if schedule and not is_active else schedule
