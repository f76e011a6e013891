"""What ended processes have not delivered: states and logs that wait on this machine's disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestra_client.delivery.handler import OrchestraHandler
from orchestra_client.delivery.outbox import Outbox
from orchestra_client.delivery.spool import spool_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Set
    from types import TracebackType
    from typing import Self

    from orchestra_client.client import Client

__all__ = ["Leftovers"]

_TIMEOUT = 5.0
"""Seconds to wait for states to be taken when the agent ends."""

_MOMENT = 1.0
"""Seconds to wait for them in between."""


class Leftovers:
    """Delivers what processes of this machine have left behind; a context manager.

    A process that was killed, or ended while the server was away, may have left states and logs on disk. Its agent delivers
    them in its place: the next run's token does not reach this run. Belongs to one thread.

    Args:
        open_client: opens the clients that deliver; they are closed at the end.
        server: the URL of their server, as the runs are told it.
    """

    def __init__(self, open_client: Callable[[], Client], server: str) -> None:
        self._states = Outbox(open_client, folder=spool_folder("states", server))
        self._logs = OrchestraHandler(open_client, spool=spool_folder("logs", server))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._states.close(_TIMEOUT)
        self._logs.close()

    def collect(self) -> None:
        """Have everything delivered that was left behind by now, without waiting for it."""
        self._states.adopt()
        self._logs.adopt()

    def waiting(self) -> set[str]:
        """The ids of the runs, flow runs and task runs alike, of which states wait that were left behind by now."""
        self._states.adopt()
        return self._states.waiting()

    def deliver_states(self, of: Set[str], *, is_first: bool) -> bool:
        """Deliver states that were left behind, before anyone judges how their run ended.

        Args:
            of: the ids of the runs; what waits of others is not waited for.
            is_first: whether to wait for a moment; an agent has more to do than that again and again.

        Returns:
            Whether the server has answered all of them.
        """
        return self._states.deliver(_MOMENT if is_first else 0.0, of=of)
