"""Record the JSON that a release of Prefect writes for its states, as a fixture for our tests.

Runs under the Python that has that release, and needs nothing else::

    .peers/prefect-1.4.1/bin/python tools/record_golden_states.py > tests/schemas/golden/prefect-1.4.1.json

Releases 0.6 to 0.11 run with the dependencies of 0.12 and their own unpacked wheel first in PYTHONPATH; 0.5
needs marshmallow 3.0.0b19 besides.

Each entry of the output has a name, the JSON, and what the release itself says that JSON means: the type and
the fields of the state after loading it again.
"""

from __future__ import annotations

import collections
import collections.abc
import datetime
import importlib
import inspect
import json
import sys
import warnings
from typing import Any

# Releases before 0.9 look for these where Python 3.9 and older kept them.
for _name in ("Iterable", "Mapping", "MutableMapping", "MutableSet", "Sequence"):
    if not hasattr(collections, _name):
        setattr(collections, _name, getattr(collections.abc, _name))

MOMENT = datetime.datetime(2020, 2, 29, 12, 30, 15, 123456, tzinfo=datetime.timezone.utc)  # noqa: UP017 - old Pythons
CONTEXT = {"tags": ["a", "ü"], "nested": {"rows": [1, 2.5, None, True]}}

FIELDS = (
    "message",
    "context",
    "start_time",
    "run_count",
    "loop_count",
    "n_map_states",
    "cached_parameters",
    "cached_result_expiration",
    "hashed_inputs",
)

OWN_ARGUMENTS: dict[str, dict[str, Any]] = {
    "Scheduled": {"start_time": MOMENT},
    "Resume": {"start_time": MOMENT},
    "Retrying": {"start_time": MOMENT, "run_count": 3},
    "Queued": {"start_time": MOMENT},
    "Looped": {"loop_count": 4},
    "Cached": {
        "cached_parameters": {"x": [1, {"y": None}]},
        "cached_result_expiration": MOMENT,
        "hashed_inputs": {"x": "0a1b"},
    },
}


def engine(part: str) -> Any:
    """A module of the engine of the Prefect that is installed here."""
    return importlib.import_module("prefect.engine." + part)


def state_names() -> list[str]:
    """The names of all states this release can write."""
    return sorted(importlib.import_module("prefect.serialization.state").StateSchema.type_schemas)


def make(name: str, **arguments: Any) -> Any:
    """A state of the class `name`, given those of the arguments that its class takes in this release."""
    cls = getattr(engine("state"), name)
    taken = inspect.signature(cls.__init__).parameters
    return cls(**{key: value for key, value in arguments.items() if key in taken})


def results() -> dict[str, Any]:
    """Results of every kind that this release can make without further packages."""
    module = engine("result")
    made = {"no value": module.Result(None), "value": module.Result(5)}
    if "result_handler" in inspect.signature(module.Result.__init__).parameters:
        handlers = engine("result_handlers")
        for handler in (handlers.JSONResultHandler(), handlers.LocalResultHandler(dir=".")):
            made["safe, " + type(handler).__name__] = module.Result({"x": [1, 2]}, result_handler=handler)
        made["safe, JSONResultHandler"].store_safe_value()
    if "location" in inspect.signature(module.Result.__init__).parameters:
        kinds = importlib.import_module("prefect.engine.results")
        custom = type("CustomResult42", (module.Result,), {})
        made["location"] = module.Result(5, location="a/b.txt")
        made["PrefectResult"] = kinds.PrefectResult(value={"x": [1]}, location='{"x": [1]}')
        made["LocalResult"] = kinds.LocalResult(dir="/tmp", location="b.txt", validate_dir=False)
        made["S3Result"] = kinds.S3Result(bucket="bucket", location="c.txt")
        made["custom class"] = custom(location="d.txt")
    return made


def own_states() -> dict[str, Any]:
    """States that exercise what this release can write, by a name for each."""
    states = {}
    for name in state_names():
        states[name + ", bare"] = make(name)
        inner = make("Retrying", message="inner", start_time=MOMENT, run_count=2)
        arguments = {
            "message": "a message",
            "context": CONTEXT,
            "state": inner,
            **OWN_ARGUMENTS.get(name, {}),
        }
        states[name + ", full"] = make(name, **arguments)
    for kind, result in results().items():
        states["Success with " + kind] = make("Success", result=result)
        states["Retrying for inputs with " + kind] = make(
            "Retrying", start_time=MOMENT, cached_inputs={"x": result}
        )
    states["Mapped over three"] = make("Mapped", map_states=[make("Success") for _ in range(3)])
    states["Failed by an exception"] = make("Failed", message=ValueError("it broke"))
    return states


def without_now(document: Any) -> Any:
    """The JSON with each default start time, which is the time of recording, set to one moment."""
    if isinstance(document, dict):
        fixed = {key: without_now(value) for key, value in document.items()}
        if fixed.get("start_time"):
            fixed["start_time"] = MOMENT.isoformat()
        return fixed
    return document


def describe(state: Any) -> dict[str, Any]:
    """What a state of this release says about itself, as JSON."""
    described: dict[str, Any] = {"type": type(state).__name__}
    for name in FIELDS:
        if hasattr(state, name):
            value = getattr(state, name)
            described[name] = value.isoformat() if isinstance(value, datetime.datetime) else value
    result = state._result
    described["location"] = getattr(result, "location", None)
    described["safe_value"] = result.value if type(result).__name__ == "SafeResult" else None
    described["cached_inputs"] = sorted(getattr(state, "cached_inputs", None) or {})
    if getattr(state, "state", None) is not None:
        described["state"] = describe(state.state)
    return described


def record() -> dict[str, Any]:
    """Everything this release writes, with its own reading of it."""
    prefect = importlib.import_module("prefect")
    load = engine("state").State.deserialize
    states = []
    for name, state in own_states().items():
        document = without_now(json.loads(json.dumps(state.serialize())))
        states.append(
            {"name": name, "json": document, "means": describe(load(json.loads(json.dumps(document))))}
        )
    return {"prefect": prefect.__version__, "states": states}


def write(recorded: dict[str, Any]) -> None:
    """Print what was recorded, one state a line, so that a change shows as the lines it touches."""
    lines = [json.dumps(state, sort_keys=True, ensure_ascii=False) for state in recorded["states"]]
    head = json.dumps(recorded["prefect"])
    sys.stdout.write("\n".join((f'{{"prefect": {head}, "states": [', ",\n".join(lines), "]}", "")))


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    write(record())
