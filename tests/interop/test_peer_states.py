"""What we write, real releases of Prefect read, and the other way round."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from orchestra_client import states
from orchestra_client.states import Result, State
from orchestra_client.states.hierarchy import STATE_TYPES

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.interop, pytest.mark.slow]

ROOT = Path(__file__).resolve().parents[2]
# Read once, while the environment is still that of whoever runs the tests.
PEERS = Path(os.environ.get("ORCHESTRA_PEERS", ROOT / ".peers"))
MOMENT = "2020-02-29T12:30:15.123456+00:00"
UNKNOWN_TO = {"0.12.0": {"Cancelling"}, "1.4.1": set()}

COMMON: dict[str, Any] = {
    "message": "a message: ü",
    "context": {"tags": ["a"], "nested": {"rows": [1, 2.5, None]}},
    "cached_inputs": {"x": Result(None, "in.txt"), "y": Result.json([1])},
}
OWN: dict[str, dict[str, Any]] = {
    "Scheduled": {"start_time": MOMENT},
    "Paused": {"start_time": MOMENT},
    "Resume": {"start_time": MOMENT},
    "Retrying": {"start_time": MOMENT, "run_count": 3},
    "Queued": {"start_time": MOMENT},
    "Looped": {"loop_count": 4},
    "Mapped": {"n_map_states": 3},
    "Cached": {
        "cached_parameters": {"x": [1, None]},
        "cached_result_expiration": MOMENT,
        "hashed_inputs": {"x": "0a1b"},
    },
}
RESULTS = {
    "none": Result(None),
    "location": Result(5, "a/b.txt"),
    "json": Result.json({"x": 1}),
    "safe": Result.safe("s3://bucket/key"),
    "local": Result(5, "b.txt", type="LocalResult", fields={"dir": "/tmp"}),
    "s3": Result(5, "c.txt", type="S3Result", fields={"bucket": "bucket"}),
    "gcs": Result(5, "c.txt", type="GCSResult", fields={"bucket": "bucket"}),
    "azure": Result(5, "c.txt", type="AzureResult", fields={"container": "c"}),
}


class Peer:
    """A release of Prefect in a process of its own, asked one thing at a time."""

    def __init__(self, release: str) -> None:
        self.release = release
        python = PEERS / f"prefect-{release}" / "bin" / "python"
        if not python.exists():
            pytest.skip(f"no Prefect {release} in {PEERS}: run `make test-interop`, or set ORCHESTRA_PEERS")
        self.process = subprocess.Popen(
            [python, "-W", "ignore", Path(__file__).with_name("state_peer.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )

    def ask(self, **request: Any) -> Any:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        reply = json.loads(self.process.stdout.readline())
        assert "error" not in reply, reply["error"]
        return reply["answer"]

    def close(self) -> None:
        with self.process:
            self.process.kill()


@pytest.fixture(scope="module", params=sorted(UNKNOWN_TO))
def peer(request: pytest.FixtureRequest) -> Iterator[Peer]:
    peer = Peer(request.param)
    yield peer
    peer.close()


@pytest.mark.parametrize("type_name", sorted(STATE_TYPES))
def test_it_reads_what_we_write(peer: Peer, type_name: str) -> None:
    if type_name in UNKNOWN_TO[peer.release]:
        pytest.skip(f"Prefect {peer.release} has no {type_name}")
    cls, own = getattr(states, type_name), OWN.get(type_name, {})
    inner = states.Retrying("inner", start_time=MOMENT, run_count=2)
    wrapped = {"state": inner} if cls().is_meta_state() else {}

    means = peer.ask(load=cls(**COMMON, **own, **wrapped).serialize())

    assert means["type"] == type_name
    assert (means["message"], means["context"]) == (COMMON["message"], COMMON["context"])
    assert means["cached_inputs"] == ["x", "y"]
    assert {name: means[name] for name in own} == own
    if wrapped:
        assert means["state"]["type"] == "Retrying"
        assert means["state"]["run_count"] == 2
        assert means["state"]["start_time"] == MOMENT


@pytest.mark.parametrize("type_name", sorted(STATE_TYPES))
def test_it_reads_what_we_write_with_nothing_in_it(peer: Peer, type_name: str) -> None:
    if type_name in UNKNOWN_TO[peer.release]:
        pytest.skip(f"Prefect {peer.release} has no {type_name}")
    assert peer.ask(load=getattr(states, type_name)().serialize())["type"] == type_name


@pytest.mark.parametrize("kind", sorted(RESULTS))
def test_it_reads_our_results(peer: Peer, kind: str) -> None:
    result = RESULTS[kind]
    means = peer.ask(load=states.Success(result=result, cached_inputs={"x": result}).serialize())
    assert means["location"] == result.location


def test_it_reads_a_state_with_a_newer_peers_fields(peer: Peer) -> None:
    document = {**states.Running("going").serialize(), "speed": {"rows": [1]}}
    assert peer.ask(load=State.deserialize(document).serialize())["message"] == "going"


def test_we_read_what_it_writes_and_it_reads_that_back(peer: Peer) -> None:
    recorded = peer.ask(write=True)
    assert recorded["prefect"] == peer.release
    assert len(recorded["states"]) > 50
    for entry in recorded["states"]:
        state = State.deserialize(entry["json"])
        assert state.type_name == entry["means"]["type"]
        assert state.message == entry["means"]["message"]
        assert peer.ask(same=[entry["json"], state.serialize()]), entry["name"]


def test_what_is_recorded_is_what_it_writes(peer: Peer) -> None:
    golden = ROOT / "tests" / "schemas" / "golden" / f"prefect-{peer.release}.json"
    recorded = json.loads(golden.read_text(encoding="utf-8"))
    assert peer.ask(write=True) == recorded, "run tools/record_golden_states.py again"
