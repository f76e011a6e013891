"""The requests of this package, sent through a client's session.

The client's own methods check every argument, make a new key for each call, and turn failures into results; what is
delivered from here is checked already, keeps its key from attempt to attempt, and needs to know how it failed.
"""

from __future__ import annotations

import contextvars
import threading
from typing import TYPE_CHECKING, Any

from orchestra_client.delivery.forks import renew_in_children
from orchestra_client.delivery.records import read_record
from orchestra_client.operation import Operation, Repeat
from orchestra_client.operations.answers import nothing
from orchestra_client.procedures.heartbeats import update_heartbeats
from orchestra_client.procedures.states import set_run_states
from orchestra_client.transport.payload import WrittenVariables

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from orchestra_client.client import Client
    from orchestra_client.operations.states import Change, Run
    from orchestra_client.results import HeartbeatResult, StateResult

__all__ = ["Channel", "ChannelSource"]

_IS_STORED = "query IsLogStored($where: log_bool_exp!) { is_log_stored: log(where: $where, limit: 1) { id } }"


class Channel:
    """What is delivered, as calls; as safe to share as the client is, and as useless in a forked child.

    Args:
        client: closed with the channel.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._session = client._session

    @property
    def api_server(self) -> str:
        """The URL of the server."""
        return self._client.api_server

    def write_logs(self, lines: Sequence[bytes], key: str) -> None:
        """Write log records, all or none.

        Args:
            lines: the records, each as JSON, as the API wants them.
            key: the same with every attempt for these records.

        Raises:
            OrchestraError: they were not written, or nobody knows.
        """
        variables = WrittenVariables(b'{"input":{"logs":[%b]}}' % b",".join(lines))
        self._session.execute(Operation("write_run_logs", variables, nothing, Repeat.KEYED, key))

    def is_healthy(self) -> bool:
        """Whether the API takes an empty batch, so that one it fails over fails by what is in it.

        Raises:
            OrchestraError: it does not.
        """
        self.write_logs([], self._session.new_id())
        return True

    def has_log(self, line: bytes) -> bool:
        """Whether a log record is stored, recognised by its time and its `info`.

        Args:
            line: the record as JSON.

        Raises:
            OrchestraError: the API did not tell.
        """
        record = read_record(line)
        where: dict[str, Any] = {
            name: {"_eq": record[name]}
            for name in ("flow_run_id", "task_run_id", "timestamp")
            if record[name]
        }
        where["info"] = {"_contains": record["info"]}
        return self._session.execute(Operation("is_log_stored", {"where": where}, bool, text=_IS_STORED))

    def tells_states(self) -> bool:
        """Whether the answer to a beat tells the run's state and version.

        Raises:
            OrchestraError: the API did not answer.
        """
        return "update_heartbeats" in self._session.capabilities()

    def beat(self, flow_run_ids: Sequence[str], task_run_ids: Sequence[str]) -> list[HeartbeatResult]:
        """Beat for runs, in one request where the server takes many.

        Args:
            flow_run_ids: checked ids.
            task_run_ids: checked ids.

        Returns:
            One result for each: the flow runs, then the task runs, in their order.

        Raises:
            OrchestraError: the API did not answer.
        """
        has_batch = self.tells_states()
        return self._session.run(update_heartbeats(flow_run_ids, task_run_ids, has_batch=has_batch))

    def set_states(self, run: Run, changes: Sequence[Change]) -> list[StateResult]:
        """Set states; a change that is sent again under the same `transition_id` is answered as the first time.

        Args:
            run: the kind of all the runs.
            changes: in order.

        Returns:
            One result for each, in their order.

        Raises:
            OrchestraError: the API did not answer.
        """
        knows = "transition_id" in self._session.capabilities()
        now = self._session.clock.now
        return self._session.run(set_run_states(run, changes, knows_transitions=knows, now=now))

    def close(self) -> None:
        """Close the client."""
        self._client.close()


class ChannelSource:
    """The channel of this process, opened when it is first needed.

    Safe to share between threads. A forked child opens its own.

    Args:
        open_client: opens its client; unset means one for the configured server that leaves retrying to whoever
            delivers.
    """

    def __init__(self, open_client: Callable[[], Client] | None) -> None:
        self._open_client = open_client or _configured_client
        # Threads start without the context in which the server may be named.
        self._context = contextvars.copy_context()
        self._inherited: list[Channel] = []
        self._channel: Channel | None = None
        self._lock = threading.Lock()
        renew_in_children(self)

    def renew(self) -> None:
        """Begin anew in a forked child."""
        if self._channel is not None:
            # Collected, it would close connections that the parent uses.
            self._inherited.append(self._channel)
        self._channel = None
        self._lock = threading.Lock()

    @property
    def api_server(self) -> str | None:
        """The URL of the server; None before anything was sent."""
        return self._channel.api_server if self._channel else None

    def channel(self) -> Channel:
        """The channel.

        Raises:
            OrchestraError: the client cannot be opened.
        """
        with self._lock:
            if self._channel is None:
                self._channel = Channel(self._context.run(self._open_client))
            return self._channel

    def close(self) -> None:
        """Close the channel, if there is one."""
        with self._lock:
            if self._channel is not None:
                self._channel.close()
                self._channel = None


def _configured_client() -> Client:
    from orchestra_client.client import Client  # noqa: PLC0415 - slow to import, and often the caller has done it
    from orchestra_client.transport.retry import RetryPolicy  # noqa: PLC0415 - as above

    return Client(retry=RetryPolicy(budget=0))
