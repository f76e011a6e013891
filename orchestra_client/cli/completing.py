"""Names that the Tab key offers, from the server that a command would use."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from orchestra_client.errors import OrchestraError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import click

    from orchestra_client.client import Client

    Complete = Callable[[click.Context, click.Parameter, str], list[str]]
    """What click takes as `shell_complete`."""

__all__ = ["flow_names", "project_names", "tenant_slugs"]

PATIENCE = 2.0
"""Seconds for the answer: whoever pressed the key waits."""

MAX_NAMES = 1000

_HARMLESS = frozenset("_-.,:/@%+=")


def _names(read: Callable[[Client], Iterable[str]]) -> Complete:
    def complete(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
        try:
            found = _ask(context, read)
        except OrchestraError:
            return []
        return sorted({name for name in found if name.startswith(incomplete) and _is_harmless(name)})

    return complete


def _is_harmless(name: str) -> bool:
    """Whether a shell takes a name as it stands for one word: what it completes, it puts on the line unquoted."""
    return not name.startswith("-") and all(each.isalnum() or each in _HARMLESS for each in name)


def _ask(context: click.Context, read: Callable[[Client], Iterable[str]]) -> list[str]:
    from orchestra_client.auth.resolution import resolve_login  # noqa: PLC0415 - only when the key is pressed
    from orchestra_client.cli.options import open_client  # noqa: PLC0415 - as above
    from orchestra_client.transport import RetryPolicy  # noqa: PLC0415 - as above

    api_server, tenant = context.params.get("api_server"), context.params.get("tenant")
    if resolve_login(api_server, None, os.environ).server.is_embedded:
        # Opening a store may create it.
        return []
    once = RetryPolicy(max_attempts=1)
    with open_client(api_server, tenant, timeout=PATIENCE, retry=once) as client:
        return list(read(client))


project_names = _names(lambda client: [project.name for project in client.projects(limit=MAX_NAMES)])
"""Of the tenant's projects."""

flow_names = _names(lambda client: [flow.name for flow in client.flows(limit=MAX_NAMES)])
"""Of the tenant's flows."""

tenant_slugs = _names(lambda client: [tenant.slug for tenant in client.get_available_tenants()])
"""Of the tenants that the token sees."""
