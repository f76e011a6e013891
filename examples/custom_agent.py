"""An agent of one's own: it runs plain functions in threads of its own process. Copy what you need.

An agent overrides one method, `deploy`. This one looks up a function by the name of the flow and runs it in a thread::

    orchestra server start                  # elsewhere
    python examples/custom_agent.py         # registers a flow, creates a run of it, and runs it

Exit status 0 when the run has succeeded.
"""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, Any

from orchestra_client import Client
from orchestra_client.agent import Agent, ClaimedRun, Deployment, Ending
from orchestra_client.states import Cancelled, Failed, Running, Success

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from orchestra_client.states import State

    Function = Callable[[Mapping[str, Any], threading.Event], Any]

LABEL = "functions"


class FunctionRun(Deployment):
    """A run in a thread. A thread can be asked to end, and not be made to."""

    def __init__(self, run: ClaimedRun, function: Function) -> None:
        self._run = run
        self._function = function
        self._is_asked = threading.Event()
        self._ending: Ending | None = None
        threading.Thread(target=self._work, name=f"run {run.name}", daemon=True).start()

    def poll(self) -> Ending | None:
        """Look whether the function has returned."""
        return self._ending

    def terminate(self) -> None:
        """Ask the function to return."""
        self._is_asked.set()

    def kill(self) -> None:
        """Let it be forgotten: nothing ends a thread for good."""
        self._ending = Ending("did not end when it was asked to", is_clean=False)

    def describe(self) -> str:
        """Which function it is."""
        return f"function {self._function.__name__!r}"

    def _work(self) -> None:
        try:
            # What a process would find in its environment: the server, and a token for this run alone.
            given = self._run.environment
            with Client(given["ORCHESTRA_API_SERVER"], given.get("ORCHESTRA_API_TOKEN")) as client:
                self._report(client)
        except Exception as error:  # noqa: BLE001 - whatever it is, the agent reports it
            self._ending = Ending(f"could not report ({error})", is_clean=False)
        else:
            self._ending = Ending("returned", is_clean=True)

    def _report(self, client: Client) -> None:
        # The version makes sure that nobody else has taken the run meanwhile.
        client.set_flow_run_state(self._run.id, self._run.version, Running())
        state = self._call(client.get_flow_run_info(self._run.id).parameters)
        version = client.get_flow_run_info(self._run.id).version
        client.set_flow_run_state(self._run.id, version, state)

    def _call(self, parameters: Mapping[str, Any]) -> State:
        try:
            returned = self._function(parameters, self._is_asked)
        except Exception as error:  # noqa: BLE001 - the function's failure is the run's
            return Failed(f"{type(error).__name__}: {error}")
        if self._is_asked.is_set():
            return Cancelled("The function returned early, as it was asked to.")
        return Success(f"The function returned {returned!r}.")


class FunctionAgent(Agent):
    """Runs a function for each flow run, chosen by the flow's name."""

    def __init__(self, functions: Mapping[str, Function], **options: Any) -> None:
        super().__init__(**options)
        self.functions = functions

    def deploy(self, run: ClaimedRun) -> Deployment:
        """Start the function; what is raised here ends the run as Failed."""
        function = self.functions.get(run.flow_name)
        if function is None:
            raise LookupError(f"there is no function for the flow {run.flow_name!r}")
        return FunctionRun(run, function)


def greet(parameters: Mapping[str, Any], is_asked_to_end: threading.Event) -> str:
    """Greet whoever is named, unless the run is cancelled before."""
    is_asked_to_end.wait(parameters["seconds"])
    return f"Hello, {parameters['name']}!"


def main() -> int:
    """Register a flow, create a run, and let the agent take what there is."""
    names = {"name": "world", "seconds": 0.1}
    parameters = [
        {"name": name, "slug": name, "required": False, "default": value} for name, value in names.items()
    ]
    flow = {"name": "greet", "tasks": [], "edges": [], "parameters": parameters}
    with Client() as client:
        client.create_project("examples")
        flow_id = client.register(flow, project_name="examples", no_url=True)
        flow_run_id = client.create_flow_run(flow_id=flow_id, parameters={"name": "agent"}, labels=[LABEL])
        FunctionAgent({"greet": greet}, labels=[LABEL], max_polls=1).start(on_ready=print)
        state = client.get_flow_run_state(flow_run_id)
    print(f"{type(state).__name__}: {state.message}")
    return 0 if state.is_successful() else 1


if __name__ == "__main__":
    sys.exit(main())
