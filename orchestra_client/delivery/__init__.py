"""What must not be lost, or must not stop: logs and states on their way to the API, and heartbeats.

- `OrchestraHandler` delivers what is logged; `carry` takes a run's ids along into threads, pools and workers;
  `capture_prints` logs what is printed; `secrets` are masked.
- `Outbox` reports states through outages.
- `Heartbeats` beats for all runs of a process and tells them what they must know.

Logs and states wait in a `spool` on disk, so that they outlive the process; it is described there.
"""

from __future__ import annotations

from .batches import Limits
from .carrying import carry
from .handler import OrchestraHandler
from .heartbeats import Beating, Heartbeats, RunNotice
from .masking import Secrets, secrets
from .outbox import Outbox
from .prints import capture_prints
from .reports import Report

__all__ = [
    "Beating",
    "Heartbeats",
    "Limits",
    "OrchestraHandler",
    "Outbox",
    "Report",
    "RunNotice",
    "Secrets",
    "capture_prints",
    "carry",
    "secrets",
]
