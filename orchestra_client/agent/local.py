"""The agent that runs each flow run in a process on its own machine."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from orchestra_client.agent.base import Agent
from orchestra_client.agent.output import Output
from orchestra_client.agent.process import LocalProcess
from orchestra_client.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from orchestra_client.agent.deployment import Deployment
    from orchestra_client.agent.runs import ClaimedRun

__all__ = ["COMMAND", "LocalAgent", "inherited"]

COMMAND = (sys.executable, "-m", "orchestra_client.engine.run")
"""What runs a flow run: the engine, in the agent's own Python."""

_RUN_CONFIGS = {None, "LocalRun", "UniversalRun"}

# What a Python program needs to find its parts, to read and write text and times, and to reach the server.
_INHERITED = {
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "TMPDIR",
    "TZ",
    "LANG",
    "LANGUAGE",
    "VIRTUAL_ENV",
    "LD_LIBRARY_PATH",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "ORCHESTRA_HOME",
    "ORCHESTRA_LOG_LEVEL",
    "ORCHESTRA_LONGEST_WAIT",
    "ORCHESTRA_DEBUG",
}
_INHERITED_PREFIXES = ("PYTHON", "LC_")


class LocalAgent(Agent):
    """Runs each flow run in a process of its own.

    The process has a session and a process group of its own, and only what it needs: a token for this run alone, a
    minimal environment, a working directory. It outlives an agent that is killed, and reports for itself. The agent
    watches it: a process that dies without a word is reported within seconds, and one whose run is cancelled is
    ended with everything it started.

    Takes runs with a `LocalRun`, a `UniversalRun` or no run config. ::

        LocalAgent(name="box-3", labels=["reporting"], limit=4).start()

    Args:
        env: environment variables for all runs; a run config's own win.
        working_dir: where runs start whose run config says nothing; unset means where the agent runs.
        show_flow_logs: whether to print what the processes write; else only the last lines of one that fails are
            kept, for its message.
        command: what runs a flow run, given its environment; unset means the engine, in the agent's own Python.
        options: the arguments of `Agent`.

    Raises:
        ConfigurationError: an argument makes no sense, or this system has no process groups.
    """

    reaps_orphans: ClassVar[bool] = True

    def __init__(
        self,
        *,
        env: Mapping[str, str] | None = None,
        working_dir: str | Path | None = None,
        show_flow_logs: bool = False,
        command: Sequence[str] = COMMAND,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        if not hasattr(os, "killpg"):
            raise ConfigurationError("The local agent needs process groups, which this system does not have.")
        self.env = dict(env or {})
        self.working_dir = Path(working_dir or Path.cwd()).absolute()
        self.show_flow_logs = show_flow_logs
        self.command = tuple(command)

    def deploy(self, run: ClaimedRun) -> Deployment:
        """Start the process of a run; see `Agent.deploy`.

        Raises:
            ConfigurationError: its run config is for another kind of agent, or names a directory that is not there.
            OSError: the process cannot be started.
        """
        kind = run.run_config.get("type")
        if kind not in _RUN_CONFIGS:
            raise ConfigurationError(
                f"its run config is a {kind}, which a local agent cannot follow; give the flow a LocalRun or a "
                "UniversalRun, or labels of an agent that can"
            )
        return LocalProcess(
            self.command,
            environment=self._environment(run),
            working_dir=self._working_dir(run),
            output=Output(show=_show if self.show_flow_logs else None),
            clock=self.clock,
        )

    def _environment(self, run: ClaimedRun) -> dict[str, str]:
        own = {str(name): str(value) for name, value in (run.run_config.get("env") or {}).items()}
        return {**inherited(os.environ), **self.env, **own, **run.environment}

    def _working_dir(self, run: ClaimedRun) -> Path:
        chosen = Path(run.run_config.get("working_dir") or self.working_dir)
        if not chosen.is_dir():
            raise ConfigurationError(f"its working directory {chosen} is not there on this machine")
        return chosen


def inherited(environ: Mapping[str, str]) -> dict[str, str]:
    """The part of an environment that every run needs; no credentials of the agent are in it.

    Args:
        environ: the agent's environment variables.
    """
    return {
        name: value
        for name, value in environ.items()
        if name.upper() in _INHERITED or name.startswith(_INHERITED_PREFIXES)
    }


def _show(line: str) -> None:
    print(line, flush=True)
