"""The server about itself: that it is there, what it can do, and what the types of states are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestra_client._version import __version__
from orchestra_client.server.registry import query
from orchestra_client.states.hierarchy import ANCESTORS, COLORS, PARENTS, ROOT

if TYPE_CHECKING:
    from orchestra_client.server.context import Context
    from orchestra_client.server.store.session import Session

CORE_VERSION = "1.4.1"
"""The newest of the older clients that this server answers."""

CAPABILITIES = (
    "atomic_registration",
    "idempotency_key_header",
    "large_flows",
    "late_flow_runs",
    "oidc",
    "scoped_api_tokens",
    "task_tag_slots",
    "transition_id",
    "update_heartbeats",
)
"""What this server can do and an older one cannot; clients ask before they rely on it."""


@query("hello")
def hello(session: Session, context: Context) -> str:
    """A greeting."""
    return "Hello from orchestra"


@query("api")
def api(session: Session, context: Context) -> dict[str, Any]:
    """Which server this is. Older clients tell an open server from the cloud by `backend`."""
    return {
        "backend": "SERVER",
        "mode": "normal",
        "version": __version__,
        "core_version": CORE_VERSION,
        "capabilities": list(CAPABILITIES),
    }


@query("reference_data")
def reference_data(session: Session, context: Context) -> dict[str, Any]:
    """The tree of state types, nested, and about each type its parent, all above it, and its colour."""
    return {
        "state_hierarchy": {ROOT: _below(ROOT)},
        "state_info": {
            name: {"parent": PARENTS.get(name), "ancestors": sorted(above - {name}), "color": COLORS[name]}
            for name, above in ANCESTORS.items()
        },
    }


def _below(type_name: str) -> dict[str, Any]:
    return {name: _below(name) for name, parent in PARENTS.items() if parent == type_name}
