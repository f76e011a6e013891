"""The tree of state types as plain tables, for whoever needs names and no objects.

The server asks this module on every transition, so it imports nothing beyond the standard library's
lightest parts: no date library, no schemas, no state classes. A test keeps the tables and the classes of
:mod:`orchestra_client.states` equal.

A type that is not in the tree, one that a newer peer invented, is a plain ``State``: it has no other
ancestor, so it is neither running nor finished nor anything else that a rule could act on.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "ANCESTORS",
    "COLORS",
    "FAILED",
    "FINISHED",
    "META",
    "PARENTS",
    "PENDING",
    "RENAMED",
    "ROOT",
    "RUNNING",
    "SCHEDULED",
    "STATE_TYPES",
    "SUCCESSFUL",
    "canonical_name",
    "descendants",
    "is_a",
    "is_known",
]

ROOT = "State"

PARENTS: Mapping[str, str] = MappingProxyType(
    {
        "Pending": ROOT,
        "Scheduled": "Pending",
        "Paused": "Scheduled",
        "Resume": "Scheduled",
        "Retrying": "Scheduled",
        "Running": ROOT,
        "Cancelling": "Running",
        "Finished": ROOT,
        "Looped": "Finished",
        "Cancelled": "Finished",
        "Success": "Finished",
        "Cached": "Success",
        "Mapped": "Success",
        "Skipped": "Success",
        "Failed": "Finished",
        "TimedOut": "Failed",
        "TriggerFailed": "Failed",
        "ValidationFailed": "Failed",
        "Submitted": ROOT,
        "Queued": ROOT,
        "ClientFailed": ROOT,
    }
)
"""Each state type and its parent, parents first. ``State``, the root, has none and is not a key."""

RENAMED: Mapping[str, str] = MappingProxyType({"Aborted": "Cancelled", "CachedState": "Cached"})
"""Types that Prefect 0.3 to 0.6 wrote, and what they were called from then on."""

COLORS: Mapping[str, str] = MappingProxyType(
    {
        ROOT: "#696969",
        "Pending": "#7ebdff",
        "Scheduled": "#ffab00",
        "Paused": "#99a8e8",
        "Resume": "#f58c0c",
        "Retrying": "#f66a0a",
        "Running": "#3d67ff",
        "Cancelling": "#E8E8E8",
        "Finished": "#003ccb",
        "Looped": "#003ccb",
        "Cancelled": "#bdbdbd",
        "Success": "#28a745",
        "Cached": "#34d058",
        "Mapped": "#003ccb",
        "Skipped": "#62757f",
        "Failed": "#eb0000",
        "TimedOut": "#ff4e33",
        "TriggerFailed": "#ff5131",
        "ValidationFailed": "#ff5131",
        "Submitted": "#ffdf5d",
        "Queued": "#ffea7f",
        "ClientFailed": "#eb0000",
    }
)
"""The colour each type is shown in, as ``#rrggbb``; the same ones that existing dashboards use."""


def _lineage(type_name: str) -> frozenset[str]:
    names = {type_name}
    while type_name != ROOT:
        type_name = PARENTS[type_name]
        names.add(type_name)
    return frozenset(names)


ANCESTORS: Mapping[str, frozenset[str]] = MappingProxyType(
    {name: _lineage(name) for name in (ROOT, *PARENTS)}
)
"""Each known type with itself and everything above it, up to ``State``."""


def canonical_name(type_name: str) -> str:
    """Today's name of a state type: an old name is replaced, any other comes back as it is."""
    return RENAMED.get(type_name, type_name)


def is_known(type_name: str) -> bool:
    """Whether `type_name` is one of the 21 types of the tree, under today's name or an old one."""
    return canonical_name(type_name) in PARENTS


def is_a(type_name: str, ancestor: str) -> bool:
    """Whether a state of one type counts as one of another.

    Args:
        type_name: the type of the state at hand, e.g. ``"TimedOut"``; may be unknown.
        ancestor: the type asked for, e.g. ``"Finished"``.

    Returns:
        True for the type itself and for everything below it. An unknown type is itself and a ``State``.
    """
    name, wanted = canonical_name(type_name), canonical_name(ancestor)
    known = ANCESTORS.get(name)
    return wanted in known if known is not None else wanted in (name, ROOT)


def descendants(type_name: str) -> frozenset[str]:
    """A type and all known types below it; just itself for an unknown one."""
    wanted = canonical_name(type_name)
    return frozenset(name for name in ANCESTORS if wanted in ANCESTORS[name]) | {wanted}


STATE_TYPES: frozenset[str] = frozenset(PARENTS)
"""The names of all 21 types."""

PENDING = descendants("Pending")
"""Waiting for something, the scheduled ones included; meta states are not among them."""

SCHEDULED = descendants("Scheduled")
"""Those that carry a time to start at. The meta state ``Queued`` has one too and is not in this set."""

RUNNING = descendants("Running")
"""Running, and running on the way to being cancelled."""

FINISHED = descendants("Finished")
"""Everything that came to an end."""

SUCCESSFUL = descendants("Success")
"""Everything that came to a good end."""

FAILED = descendants("Failed")
"""Everything that came to a bad end; ``Cancelled`` is not a failure, and ``ClientFailed`` no end."""

META = frozenset({"Submitted", "Queued", "ClientFailed"})
"""States around another state."""
