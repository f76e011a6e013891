"""Running a flow run as a process of its own: ``python -m orchestra_client.engine.run``.

The environment says what to run: `ORCHESTRA_API_SERVER` and `ORCHESTRA_API_TOKEN` where and as whom,
`ORCHESTRA_FLOW_RUN_ID` which flow run. Further: `ORCHESTRA_LOG_LEVEL` (``INFO``), and `ORCHESTRA_LONGEST_WAIT`, the
seconds (600) that the process waits for a retry before it leaves that to the queue.

Exit codes:

===  =====================================================================================================
0    the flow run is in a state that was reported: finished, also Failed, or left to the queue for a retry
1    it could not be reported how the flow run ended; the reason is on standard error
2    the environment does not say what to run
3    someone else owns the flow run; nothing was reported
4    the flow run is Cancelled, which was reported; an agent ends what the process has left behind
143  ended by SIGTERM before the flow run had come to an end
===  =====================================================================================================

`SIGTERM` ends the tasks. If the flow run is being cancelled, it is reported as Cancelled, with exit code 4.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from functools import partial
from typing import TYPE_CHECKING

from orchestra_client.client import Client
from orchestra_client.config import context, number
from orchestra_client.engine.console import set_up_logging
from orchestra_client.engine.loading import load_flow
from orchestra_client.engine.own_output import bound_output
from orchestra_client.engine.ownership import refuse_live_run
from orchestra_client.engine.remote import LONGEST_WAIT, ServerRun
from orchestra_client.engine.reporting import RunDisowned
from orchestra_client.errors import OrchestraError, TransportError
from orchestra_client.states import Failed
from orchestra_client.transport.retry import RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestra_client.flows import Flow

__all__ = ["CANCELLED", "MISUSED", "NOT_OURS", "NOT_REPORTED", "REPORTED", "TERMINATED", "main"]

REPORTED, NOT_REPORTED, MISUSED, NOT_OURS, CANCELLED, TERMINATED = 0, 1, 2, 3, 4, 143

_log = logging.getLogger("orchestra_client.engine")


def main(environ: Mapping[str, str] = os.environ) -> int:
    """Run the flow run that the environment names.

    Args:
        environ: the environment variables.

    Returns:
        The exit code; see the module's docstring.
    """
    flow_run_id = environ.get("ORCHESTRA_FLOW_RUN_ID")
    if not flow_run_id:
        print("Set ORCHESTRA_FLOW_RUN_ID to the id of the flow run.", file=sys.stderr)
        return MISUSED
    handler = set_up_logging(environ.get("ORCHESTRA_LOG_LEVEL", "INFO").upper())
    output = bound_output()
    try:
        with context(flow_run_id=flow_run_id), Client() as client:
            return _Process(
                client, flow_run_id, number(environ, "ORCHESTRA_LONGEST_WAIT", default=LONGEST_WAIT)
            ).run()
    except OrchestraError as error:
        _log.error("Flow run %s cannot be run: %s", flow_run_id, error)
        return NOT_REPORTED
    finally:
        handler.close()
        if output is not None:
            output.stop(1.0)


class _Process:
    """This process, as far as it is about one flow run."""

    def __init__(self, client: Client, flow_run_id: str, longest_wait: float) -> None:
        self._client = client
        self._flow_run_id = flow_run_id
        self._longest_wait = longest_wait
        self._server_run: ServerRun | None = None
        self._is_terminated = False

    def run(self) -> int:
        signal.signal(signal.SIGTERM, self._on_sigterm)
        try:
            flow = load_flow(self._client, self._flow_run_id)
            self._server_run = self._prepare(flow)
            if not self._is_terminated and self._server_run.run().is_cancelled():
                return CANCELLED
        except RunDisowned as error:
            return self._leave_alone(error)
        except TransportError:
            raise  # what happened waits on disk; a failure on top would contradict it
        except (Exception, SystemExit) as error:  # noqa: BLE001 (flows may raise anything while they are loaded)
            return self._report_failure(error)
        return TERMINATED if self._is_terminated and not self._has_ended() else REPORTED

    def _prepare(self, flow: Flow) -> ServerRun:
        # What delivers waits for the API in its own way.
        impatient = partial(Client, retry=RetryPolicy(budget=0))
        return ServerRun(
            flow, self._flow_run_id, Client, open_delivery=impatient, longest_wait=self._longest_wait
        )

    def _report_failure(self, error: BaseException) -> int:
        """Report a flow run that could not even begin, or that the engine could not go on with."""
        _log.error("Flow run %s failed.", self._flow_run_id, exc_info=error)
        info = self._client.get_flow_run_info(self._flow_run_id)
        if self._server_run is None or not self._server_run.has_begun:
            try:
                refuse_live_run(info, self._client._server_now())
            except RunDisowned as disowned:
                return self._leave_alone(disowned)
        if not info.state.is_finished():
            state = Failed(f"The flow run could not go on: {type(error).__name__}: {error}")
            self._client.set_flow_run_state(self._flow_run_id, info.version, state)
        return REPORTED

    def _leave_alone(self, why: RunDisowned) -> int:
        _log.warning("Flow run %s is left alone: %s", self._flow_run_id, why)
        return TERMINATED if self._is_terminated else NOT_OURS

    def _has_ended(self) -> bool:
        return self._client.get_flow_run_state(self._flow_run_id).is_finished()

    def _on_sigterm(self, number: int, frame: object) -> None:
        # A signal's handler may interrupt anything, so it asks nobody and takes no lock.
        self._is_terminated = True
        threading.Thread(target=self._end, name="orchestra-sigterm", daemon=True).start()

    def _end(self) -> None:
        try:
            with Client(retry=RetryPolicy(budget=0), timeout=5) as client:
                state = client.get_flow_run_state(self._flow_run_id)
        except OrchestraError as error:
            _log.warning("Told to end by SIGTERM; why, cannot be asked: %s", error)
            state = None
        if self._server_run is None:
            os._exit(TERMINATED)  # the flow is being loaded, which nothing else can interrupt
        if state is not None and (state.is_cancelling() or state.is_cancelled()):
            self._server_run.cancel(state.message or "The flow run was cancelled.")
        else:
            self._server_run.abandon("the process was told to end by SIGTERM")


if __name__ == "__main__":
    sys.exit(main())
