"""What the agents of these tests start for each run: a small stand-in for the engine, told what to do by a parameter."""

from __future__ import annotations

import ctypes
import json
import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from orchestra_client import Client
from orchestra_client.delivery.handler import OrchestraHandler
from orchestra_client.delivery.outbox import Outbox
from orchestra_client.states import Failed, Retrying, Running, Success
from orchestra_client.transport.retry import RetryPolicy

RUN = os.environ["ORCHESTRA_FLOW_RUN_ID"]
GRANDCHILD = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"


def note(folder: str, name: str, text: object) -> None:
    """Tell the test something, all of it at once."""
    part = Path(folder) / f"{name}.part"
    part.write_text(str(text))
    part.rename(Path(folder) / name)


def main() -> int:
    with Client() as client:
        info = client.get_flow_run_info(RUN)
        does, folder = info.parameters["does"], info.parameters["folder"]
        note(folder, f"{RUN}.pid", os.getpid())
        if does == "exit early":
            print("there is no such flow")
            return 4
        client.set_flow_run_state(RUN, info.version, Running())
        return act(client, info, does, folder)


def act(client, info, does, folder) -> int:
    version = info.version + 1
    if does == "succeed":
        client.set_flow_run_state(RUN, version, Success())
    elif does == "fail":
        client.set_flow_run_state(RUN, version, Failed("as told"))
        return 1
    elif does == "tell":
        note(folder, "told", json.dumps({"env": dict(os.environ), "cwd": str(Path.cwd()), "argv": sys.argv}))
        client.set_flow_run_state(RUN, version, Success())
    elif does == "forget":
        print("well then")
    elif does == "hand back":
        if info.task_runs[0].state.is_finished():
            raise AssertionError("nothing was left to do")
        start = client._session.clock.now()
        client.set_task_run_state(info.task_runs[0].id, info.task_runs[0].version, Retrying(start_time=start))
        note(folder, f"handed back {info.version}", "")
    elif does == "sleep":
        client.set_task_run_state(info.task_runs[0].id, info.task_runs[0].version, Running())
        print("one\ntwo\nabout to sleep\nhere is", os.environ["ORCHESTRA_API_TOKEN"], flush=True)
        note(folder, "asleep", "")
        sleep_until(folder)
        state, version = client.get_flow_run_state(RUN), client.get_flow_run_info(RUN).version
        if state.is_running():
            client.set_flow_run_state(RUN, version, Success("slept well"))
    elif does == "leave behind":
        leave_behind(version)
    elif does == "be stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        for number in range(2):
            child = subprocess.Popen([sys.executable, "-c", GRANDCHILD], stdout=subprocess.PIPE)
            child.stdout.readline()
            note(folder, f"grandchild-{number}", child.pid)
        note(folder, "stubborn", "")
        time.sleep(600)
    elif does == "hold the lock":
        note(folder, "holding", "")
        # Called through PyDLL, a function of C keeps the interpreter's lock: no other thread runs meanwhile.
        ctypes.PyDLL(None).usleep(ctypes.c_uint(int(info.parameters["seconds"] * 1e6)))
        client.set_flow_run_state(RUN, version, Success())
    return 0


def leave_behind(version: int) -> None:
    """Report and log while the server is out of reach, and die."""

    def open_client() -> Client:
        return Client("http://127.0.0.1:9", retry=RetryPolicy(budget=0))

    handler = OrchestraHandler(open_client)
    logging.getLogger("work").addHandler(handler)
    logging.getLogger("work").warning("the last words", extra={"flow_run_id": RUN})
    Outbox(open_client).set_flow_run_state(RUN, version, Success("left behind"))
    os.kill(os.getpid(), signal.SIGKILL)


def sleep_until(folder: str) -> None:
    deadline = time.monotonic() + 60
    while not (Path(folder) / "wake").exists() and time.monotonic() < deadline:
        time.sleep(0.05)


if __name__ == "__main__":
    sys.exit(main())
