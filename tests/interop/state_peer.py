"""The other side of test_states.py: runs under a peer's Python and answers one JSON request a line.

`{"load": JSON}` answers what the peer reads in it; `{"same": [JSON, JSON]}` whether it reads the same state in
both; `{"write": true}` states of its own. What goes wrong is answered as `{"error": text}`.
"""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))

import record_golden_states as golden


def answer(request: dict[str, Any]) -> Any:
    load = golden.engine("state").State.deserialize
    if "load" in request:
        return golden.describe(load(request["load"]))
    if "same" in request:
        one, other = map(load, request["same"])
        return one == other and golden.describe(one) == golden.describe(other)
    return golden.record()


def main() -> None:
    warnings.simplefilter("ignore")
    for line in sys.stdin:
        try:
            reply = {"answer": answer(json.loads(line))}
        except Exception as error:
            reply = {"error": f"{type(error).__name__}: {error}"}
        sys.stdout.write(json.dumps(reply) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
