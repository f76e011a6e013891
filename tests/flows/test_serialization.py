"""Flows as JSON: the shape, what comes back, what survives, and that the same flow is the same text everywhere."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from orchestra_client.errors import FlowError
from orchestra_client.flows import Flow, LocalRun, Module, Parameter, Script, Task, task
from orchestra_client.flows.cache_validators import partial_inputs_only
from orchestra_client.flows.run_configs import UnknownRun
from orchestra_client.flows.storage import UnknownStorage
from orchestra_client.flows.triggers import all_successful, some_failed
from tests.flows import sample

ROOT = Path(__file__).resolve().parents[2]


@task
def inc(x: int = 0) -> int:
    return x + 1


@pytest.fixture
def flow() -> Flow:
    return sample.build()


def test_the_shape_of_a_small_flow() -> None:
    with Flow("small") as flow:
        inc(Parameter("x", default=None))
    document = flow.serialize()
    plain = {
        "auto_generated": False,
        "cache_for": None,
        "cache_key": None,
        "cache_validator": {"fn": "prefect.engine.cache_validators.never_use", "kwargs": {}},
        "max_retries": 0,
        "retry_delay": None,
        "skip_on_upstream_skip": True,
        "tags": [],
        "timeout": None,
        "trigger": {"fn": "prefect.triggers.all_successful", "kwargs": {}},
        "__version__": "1.4.1",
    }
    assert document == {
        "name": "small",
        "type": "prefect.core.flow.Flow",
        "tasks": [
            {
                **plain,
                "name": "inc",
                "slug": "inc-1",
                "type": "prefect.tasks.core.function.FunctionTask",
                "inputs": {"x": {"type": "<class 'int'>", "required": False}},
                "outputs": "<class 'int'>",
            },
            {
                **plain,
                "name": "x",
                "slug": "x",
                "type": "prefect.core.parameter.Parameter",
                "inputs": {},
                "outputs": "typing.Any",
            },
        ],
        "edges": [
            {
                "upstream_task": {"slug": "x", "__version__": "1.4.1"},
                "downstream_task": {"slug": "inc-1", "__version__": "1.4.1"},
                "key": "x",
                "mapped": False,
                "flattened": False,
                "__version__": "1.4.1",
            }
        ],
        "parameters": [
            {
                "type": "prefect.core.parameter.Parameter",
                "name": "x",
                "slug": "x",
                "default": None,
                "required": False,
                "tags": [],
                "outputs": "typing.Any",
                "__version__": "1.4.1",
            }
        ],
        "reference_tasks": [],
        "schedule": None,
        "storage": None,
        "run_config": None,
        "__version__": "1.4.1",
    }


def test_what_is_written_is_what_is_read(flow: Flow) -> None:
    document = json.loads(json.dumps(flow.serialize()))
    read = Flow.deserialize(document)
    assert read.serialize() == document
    assert read.content_hash() == flow.content_hash()


def test_what_is_read_has_everything_but_the_code(flow: Flow) -> None:
    read = Flow.deserialize(flow.serialize())
    assert read.is_placeholder
    assert (read.name, read.schedule) == (flow.name, flow.schedule)
    assert sorted(read.slugs.values()) == sorted(flow.slugs.values())
    assert len(read.edges) == len(flow.edges)
    assert {each.name: (each.default, each.required) for each in read.parameters()} == {
        "table": (None, True),
        "limit": (0, False),
    }
    assert {read.slugs[each] for each in read.reference_tasks()} == {"Save-late-1", "transform-1"}
    extract, transform = read.task_of("extract-a-b-c-1"), read.task_of("transform-1")
    assert (extract.tags, extract.max_retries, extract.retry_backoff) == ({"a", "b", "c"}, 2, 2)
    assert extract.retries().wait(2, lambda: 0.5).total_seconds() == 3
    assert (transform.timeout, transform.cache_key) == (30, "key")
    assert transform.trigger == some_failed(at_least=1)
    assert transform.cache_validator == partial_inputs_only(["x"])
    assert transform.result.fields == {"dir": "/data"}
    assert isinstance(read.storage, Module)
    assert isinstance(read.run_config, LocalRun)
    with pytest.raises(FlowError, match="load the flow from its storage"):
        extract.run(table="x")


def test_fields_and_types_of_a_newer_peer_survive(flow: Flow) -> None:
    document = flow.serialize()
    document["environment"] = {"type": "LocalEnvironment", "labels": []}
    document["storage"] = {"type": "Docker", "image_name": "etl", "flows": {"a": "/b"}}
    document["run_config"] = {"type": "KubernetesRun", "labels": ["k8s"], "cpu_limit": "2"}
    document["tasks"][0]["mood"] = [1]
    document["parameters"][0]["mood"] = {"deep": 1}
    for each in document["tasks"]:
        each["trigger"] = {"fn": "elsewhere.trigger", "kwargs": {"x": 1}}

    read = Flow.deserialize(document)

    assert read.serialize() == document
    assert isinstance(read.storage, UnknownStorage)
    assert isinstance(read.run_config, UnknownRun)
    assert read.run_config.labels == {"k8s"}
    with pytest.raises(FlowError, match=r"elsewhere\.trigger travelled by name only"):
        read.task_of("transform-1").trigger({})


def test_absent_and_null_fields_have_their_defaults() -> None:
    document = {
        "name": "bare",
        "tasks": [{"slug": "a", "name": None, "trigger": None, "tags": None}, {"slug": "b"}],
        "edges": [{"upstream_task": {"slug": "a"}, "downstream_task": {"slug": "b"}}],
        "parameters": None,
    }
    read = Flow.deserialize(document)
    first, second = read.sorted_tasks()
    assert (first.name, first.tags, first.max_retries, second.name) == ("a", set(), 0, "b")
    assert first.trigger is all_successful


@pytest.mark.parametrize(
    ("document", "complaint"),
    [
        (None, "a flow"),
        ([], "a flow"),
        ({}, "name: Missing data"),
        ({"name": "f", "tasks": [{"name": "x"}]}, r"tasks\[0\]: slug: Missing data"),
        ({"name": "f", "tasks": [{"slug": "x", "max_retries": "many"}]}, r"tasks\[0\]: max_retries"),
        ({"name": "f", "tasks": [{"slug": "x"}, {"slug": "x"}]}, "slug 'x' already"),
        ({"name": "f", "tasks": [{"slug": "x", "trigger": {}}]}, "trigger"),
        ({"name": "f", "edges": [{"upstream_task": {"slug": "x"}}]}, r"edges\[0\]\.downstream_task: Missing"),
        (
            {"name": "f", "edges": [{"upstream_task": {"slug": "x"}, "downstream_task": {"slug": "y"}}]},
            "no task with the slug 'x'",
        ),
        ({"name": "f", "reference_tasks": [{"slug": "x"}]}, "no task with the slug 'x'"),
        ({"name": "f", "parameters": [{"slug": "x"}]}, "parameter 'x'"),
        ({"name": "f", "schedule": {}}, "a schedule: clocks"),
        ({"name": "f", "storage": {}}, "storage has no type"),
        ({"name": "f", "storage": {"type": "Module"}}, "at storage: module"),
        ({"name": "f", "run_config": 3}, "run_config has no type"),
    ],
)
def test_what_is_no_flow_is_refused_with_its_place(document: Any, complaint: str) -> None:
    with pytest.raises(FlowError, match=complaint):
        Flow.deserialize(document)


def test_building_needs_a_storage() -> None:
    with pytest.raises(FlowError, match="has no storage, so no agent could load it"):
        Flow("f").serialize(build=True)


def test_building_puts_the_flow_into_its_storage_and_does_not_change_the_hash(flow: Flow) -> None:
    before = flow.content_hash()
    assert flow.serialize()["storage"]["flows"] == {}
    assert flow.serialize(build=True)["storage"]["flows"] == {flow.name: "tests.flows.sample:build"}
    assert flow.content_hash() == before


def test_the_hash_tells_flows_apart(flow: Flow) -> None:
    hashes = {flow.content_hash()}
    changes = [
        lambda each: setattr(each, "name", "other"),
        lambda each: setattr(each, "schedule", None),
        lambda each: setattr(each, "run_config", LocalRun(labels=["eu"])),
        lambda each: each.add_task(Task("new")),
        lambda each: each.set_reference_tasks([]),
        lambda each: each.task_of("transform-1").tags.add("new"),
        lambda each: setattr(each.task_of("transform-1"), "retry_jitter", 0.5),
    ]
    for change in changes:
        changed = sample.build()
        change(changed)
        hashes.add(changed.content_hash())
    assert len(hashes) == len(changes) + 1


def test_the_hash_of_a_script_is_that_of_its_source_wherever_it_is(tmp_path: Path) -> None:
    hashes = []
    for folder, source in (("one", "x = 1\n"), ("two", "x = 1\n"), ("three", "x = 2\n")):
        (tmp_path / folder).mkdir()
        script = tmp_path / folder / "flow.py"
        script.write_text(source, encoding="utf-8")
        flow = Flow("f", storage=Script(script))
        flow.serialize(build=True)
        hashes.append(flow.content_hash())
    assert hashes[0] == hashes[1] != hashes[2]


def test_annotations_with_addresses_are_written_without() -> None:
    class Marker:
        pass

    def step(x: Any) -> Any:
        return x

    step.__annotations__["x"] = Marker()
    document = Flow("f", tasks=[task(step)]).serialize()
    assert " at 0x" not in json.dumps(document)


def test_a_function_as_a_template_travels_by_name() -> None:
    document = Flow("f", tasks=[Task(target=_location)]).serialize()
    assert document["tasks"][0]["target"].endswith("test_serialization._location")


def _location(**context: Any) -> str:
    return "here"


@pytest.mark.slow
def test_the_same_flow_is_the_same_text_in_every_process() -> None:
    program = (
        "import json; from tests.flows.sample import build; flow = build();"
        "print(flow.content_hash()); print(json.dumps(flow.serialize(), ensure_ascii=False))"
    )
    texts = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONIOENCODING": "utf-8"},
            cwd=ROOT,
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "42", "4294967295")
    }
    assert len(texts) == 1
    content_hash, text = texts.pop().decode().splitlines()
    assert content_hash == sample.build().content_hash()
    assert json.loads(text) == sample.build().serialize()


@pytest.mark.slow
def test_a_flow_of_two_thousand_tasks_is_written_and_read() -> None:
    with Flow("large") as flow:
        last = inc(0)
        for _ in range(1999):
            last = inc(last)
    assert len(Flow.deserialize(flow.serialize()).sorted_tasks()) == 2000
