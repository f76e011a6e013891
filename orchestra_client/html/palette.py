"""The colours of states and log levels on pages, light or dark."""

from __future__ import annotations

from orchestra_client.states.hierarchy import PARENTS, ROOT, canonical_name

__all__ = ["INK", "LEVEL_COLORS", "STATE_COLORS", "state_color"]

INK = "#ffffff"
"""The text on a state's colour: at least 4.5 times as bright as any of them, as WCAG 2 asks for."""

STATE_COLORS = {
    ROOT: "#57606a",
    "Pending": "#57606a",
    "Scheduled": "#8a5a00",
    "Paused": "#8250df",
    "Resume": "#8a5a00",
    "Retrying": "#bc4c00",
    "Running": "#0969da",
    "Cancelling": "#a8326e",
    "Finished": "#4a5ba8",
    "Looped": "#4a5ba8",
    "Cancelled": "#a8326e",
    "Success": "#1a7f37",
    "Cached": "#0f766e",
    "Mapped": "#4a5ba8",
    "Skipped": "#5c6b3c",
    "Failed": "#cf222e",
    "TimedOut": "#b3360b",
    "TriggerFailed": "#c0264b",
    "ValidationFailed": "#c0264b",
    "Submitted": "#7a6a00",
    "Queued": "#7a6a00",
    "ClientFailed": "#cf222e",
}
"""The background of each type of state, dark enough for white text and bright enough to be seen on a dark page."""

LEVEL_COLORS = {
    "DEBUG": "#57606a",
    "INFO": "#0969da",
    "WARNING": "#8a5a00",
    "ERROR": "#cf222e",
    "CRITICAL": "#a8326e",
}
"""The same for log levels."""


def state_color(type_name: str) -> str:
    """The colour of a type of state; of one that is not known, that of a plain state."""
    name = canonical_name(type_name)
    return STATE_COLORS[name if name in PARENTS else ROOT]
