"""A run's process: its group, its end, and what it leaves behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from orchestra_client.agent.output import Output
from orchestra_client.agent.process import DISOWNED, LocalProcess
from orchestra_client.engine.own_output import bound_output, cut_output
from orchestra_client.engine.run import CANCELLED, NOT_OURS
from tests.agent.world import defunct_children, lives, until

if TYPE_CHECKING:
    from orchestra_client.agent.deployment import Ending

pytestmark = pytest.mark.slow


def started(code: str) -> LocalProcess:
    return LocalProcess(
        (sys.executable, "-c", code),
        environment={"PATH": os.environ["PATH"]},
        working_dir="/",
        output=Output(),
    )


def end(process: LocalProcess, timeout: float = 20) -> Ending:
    deadline = time.monotonic() + timeout
    while (ending := process.poll()) is None:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return ending


@pytest.mark.parametrize(
    ("code", "reason", "is_clean"),
    [
        ("print('well')", "ended with exit status 0", True),
        ("raise SystemExit(4)", "ended with exit status 4", False),
        ("import os; os.abort()", "was ended by SIGABRT", False),
        (
            "import os; os.kill(os.getpid(), 9)",
            "was ended by SIGKILL (kill -9, or the system ran out of memory)",
            False,
        ),
        ("import os; os.kill(os.getpid(), 35)", "was ended by signal 35", False),
    ],
)
def test_how_it_ended_is_told(code: str, reason: str, is_clean: bool) -> None:
    ending = end(started(code))
    assert (ending.reason, ending.is_clean) == (reason, is_clean)
    assert defunct_children() == []


def test_the_engine_says_by_its_status_that_a_run_is_not_its_own() -> None:
    assert DISOWNED == NOT_OURS
    assert end(started(f"raise SystemExit({DISOWNED})")).is_disowned


def test_it_is_alone_in_a_session_of_its_own() -> None:
    process = started("import time; time.sleep(60)")
    assert os.getsid(process.pid) == os.getpgid(process.pid) == process.pid
    process.kill()
    end(process)


FAMILY = """
import signal, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); time.sleep(60)"],
    stdout=subprocess.PIPE)
child.stdout.readline()
open({path!r}, "w").write(str(child.pid))
{then}
"""


@pytest.mark.parametrize(
    ("then", "is_left"),
    [
        ("time.sleep(60)", False),
        ("import os; os.kill(os.getpid(), 9)", False),
        (f"raise SystemExit({CANCELLED})", False),
        ("pass", True),
    ],
    ids=["terminated", "crashed", "cancelled", "ended well"],
)
def test_what_it_started_ends_with_it_unless_it_ended_well(tmp_path: Path, then: str, is_left: bool) -> None:
    path = tmp_path / "pid"
    process = started(FAMILY.format(path=str(path), then=then))
    until(lambda: path.exists() and path.read_text())
    grandchild = int(path.read_text())
    if "sleep" in then:
        process.terminate()
    end(process)
    if is_left:
        assert lives(grandchild)
        os.kill(grandchild, signal.SIGKILL)
    until(lambda: not lives(grandchild))


def test_what_a_cancelled_run_started_may_clean_up(tmp_path: Path) -> None:
    """Its process has ended before the agent heard of it, so nobody has told the others yet."""
    child = f"""
import signal, sys, time
def tidy(*_):
    open({str(tmp_path / "tidied")!r}, "w").close()
    sys.exit()
signal.signal(signal.SIGTERM, tidy)
print(1, flush=True)
time.sleep(60)"""
    process = started(
        f"import subprocess, sys; "
        f"subprocess.Popen([sys.executable, '-c', {child!r}], stdout=subprocess.PIPE).stdout.readline(); "
        f"sys.exit({CANCELLED})"
    )
    end(process)
    assert (tmp_path / "tidied").exists()


def test_a_process_without_an_agent_keeps_its_output_short() -> None:
    output = Output()
    os.write(output.file.fileno(), b"early\n" * 10)
    output.collect()
    assert not cut_output(output.file.fileno(), limit=60)
    os.write(output.file.fileno(), b"unread\n")
    assert cut_output(output.file.fileno(), limit=60)
    assert os.fstat(output.file.fileno()).st_size == 0
    os.write(output.file.fileno(), b"late\n")
    assert output.close().splitlines()[-2:] == ["early", "late"]


def test_a_file_of_somebodys_own_is_never_cut(tmp_path: Path) -> None:
    with (tmp_path / "log").open("ab") as file:
        file.write(b"x" * 100)
        file.flush()
        assert bound_output(file.fileno()) is None
        assert not cut_output(file.fileno(), limit=10)
    assert (tmp_path / "log").stat().st_size == 100


CHATTY = """
import sys, time
from orchestra_client.engine import own_output
own_output._LIMIT, own_output._INTERVAL = 1000, 0.05
assert own_output.bound_output()
deadline = time.monotonic() + 20
while time.monotonic() < deadline:
    sys.stdout.write("x" * 200 + "\\n")
    sys.stdout.flush()
    time.sleep(0.01)
"""


def test_output_that_nobody_reads_stays_short() -> None:
    process = started(CHATTY)
    sizes: list[int] = []

    def was_cut() -> bool:
        sizes.append(os.fstat(process._output.file.fileno()).st_size)
        return max(sizes) > 1000 and sizes[-1] < max(sizes)

    until(was_cut)
    process.kill()
    end(process)


def test_a_program_that_is_not_there_leaves_nothing_open() -> None:
    output = Output()
    with pytest.raises(OSError):
        LocalProcess(("/nowhere/at/all",), environment={}, working_dir="/", output=output)
    assert output.file.closed


ORPHANS = """
import ctypes, os, subprocess, sys, time
from orchestra_client.agent.process import reap_orphans

ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER: orphans come here, as to the first process
own = subprocess.Popen(["sleep", "60"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
subprocess.run([sys.executable, "-c", "import subprocess; subprocess.Popen(['sleep', '1'])"])
deadline = time.monotonic() + 20
def defunct():
    return [line for line in subprocess.run(["ps", "--ppid", str(os.getpid()), "-o", "stat="],
            capture_output=True, text=True).stdout.split() if line.startswith("Z")]
while not defunct():
    assert time.monotonic() < deadline
    time.sleep(0.02)
reap_orphans(frozenset([own.pid]))
assert not defunct()
own.kill()
time.sleep(0.2)
reap_orphans(frozenset([own.pid]))
assert own.wait() == -9, "its own child is left to whoever waits for it"
reap_orphans(frozenset())
print("reaped")
"""


@pytest.mark.skipif(not Path("/usr/bin/ps").exists() and not Path("/bin/ps").exists(), reason="needs ps")
def test_orphans_of_others_are_reaped() -> None:
    done = subprocess.run(
        [sys.executable, "-c", ORPHANS], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout == "reaped\n", done.stderr
