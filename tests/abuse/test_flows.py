"""Serialized flows that nobody's `flow.serialize()` makes: refused when they are registered, not when they are used."""

from __future__ import annotations

import base64
import gzip
import json
from typing import TYPE_CHECKING, Any

import pytest

from .contract import roots
from .world import World, codes, compressed, flow

if TYPE_CHECKING:
    from collections.abc import Callable

WRONG: list[Any] = [
    None,
    True,
    -1,
    1.5,
    2**70,
    "x",
    [],
    [1],
    [[]],
    [None],
    {},
    {"a": 1},
    [{"name": 1}],
    [{"slug": []}],
    {"clocks": 5},
    {"clocks": [5]},
    {"clocks": [{"parameter_defaults": 5}]},
    {"labels": 5},
    {"labels": [5, [], {}]},
]
PARTS: dict[str, tuple[tuple[str, ...], Callable[[str, Any], Any]]] = {
    "flow": (
        (
            "name",
            "tasks",
            "edges",
            "parameters",
            "reference_tasks",
            "schedule",
            "environment",
            "run_config",
            "storage",
            "__version__",
            "type",
        ),
        lambda key, value: flow(**{key: value}),
    ),
    "task": (
        (
            "name",
            "slug",
            "type",
            "description",
            "max_retries",
            "retry_delay",
            "trigger",
            "auto_generated",
            "cache_key",
            "tags",
        ),
        lambda key, value: flow(tasks=[{"name": "a", "slug": "a-1", key: value}], edges=[]),
    ),
    "edge": (
        ("upstream_task", "downstream_task", "key", "mapped"),
        lambda key, value: flow(edges=[{**flow()["edges"][0], key: value}]),
    ),
    "parameter": (
        ("name", "default", "required", "slug"),
        lambda key, value: flow(parameters=[{"name": "p", "required": False, key: value}]),
    ),
}
CASES = [pytest.param(part, key, id=f"{part}.{key}") for part, (keys, _) in PARTS.items() for key in keys]


@pytest.mark.parametrize(("part", "key"), CASES)
def test_a_wrong_part_is_refused_or_harmless(world: World, part: str, key: str) -> None:
    """Given a flow with one wrong part, then it is refused whole, or it registers, runs, is scheduled and read."""
    for value in WRONG:
        for name, serialized in (
            ("create_flow", PARTS[part][1](key, value)),
            ("create_flow_from_compressed_string", compressed(PARTS[part][1](key, value))),
        ):
            before = world.image()
            answer = world.user.attack(roots()[name], {"input": {"serialized_flow": serialized}})
            if codes(answer):
                assert world.image() == before
            else:
                _use(world, answer.body["data"][name]["id"])


def _use(world: World, flow_id: str) -> None:
    for mutation in ("create_flow_run", "set_schedule_active", "set_schedule_inactive", "archive_flow"):
        codes(world.user.attack(roots()[mutation], {"input": {"flow_id": flow_id}}))
    [found] = world.user(
        """query($id: UUID!) { flow(where: {id: {_eq: $id}}) {
             version core_version environment run_config storage parameters schedule serialized_flow
             tasks { slug max_retries retry_delay tags trigger cache_key type description } edges { key mapped }
             flow_runs { labels parameters run_config } } }""",
        id=flow_id,
    )["flow"]
    assert all(isinstance(task["max_retries"], int) for task in found["tasks"])
    json.dumps(found, allow_nan=False)


@pytest.mark.parametrize("key", PARTS["task"][0])
def test_a_wrong_task_of_a_batch_leaves_the_flow_as_it_was(world: World, key: str) -> None:
    for value in WRONG:
        world.restore()
        before = world.image()
        tasks = [{"name": "good", "slug": "good-1"}, {"name": "bad", "slug": "bad-1", key: value}]
        arguments = {"input": {"flow_id": world.own("flow"), "serialized_tasks": tasks}}
        if codes(world.user.attack(roots()["register_tasks"], arguments)):
            assert world.image() == before


@pytest.mark.parametrize("key", PARTS["edge"][0])
def test_a_wrong_edge_of_a_batch_leaves_the_flow_as_it_was(world: World, key: str) -> None:
    for value in WRONG:
        world.restore()
        before = world.image()
        good = flow()["edges"][0]
        edges = [{**good, "key": "new"}, {**good, key: value}]
        arguments = {"input": {"flow_id": world.own("flow"), "serialized_edges": edges}}
        if codes(world.user.attack(roots()["register_edges"], arguments)):
            assert world.image() == before


class TestCompressed:
    """Given something else than base64(gzip(JSON of a flow)), then it is refused and nothing is registered."""

    def register(self, world: World, text: str) -> list[str]:
        before = world.image()
        root = roots()["create_flow_from_compressed_string"]
        told = codes(world.user.attack(root, {"input": {"serialized_flow": text}}))
        assert world.image() == before
        return told

    @pytest.mark.parametrize(
        "data",
        [
            b"",
            b"rubbish",
            b"\x1f\x8b",
            gzip.compress(b""),
            gzip.compress(b"not JSON"),
            gzip.compress(b"\xff\xfe{}"),
            gzip.compress(b'{"name": NaN}'),
            gzip.compress(b'{"name": "f", "storage": {"a": 1e999}}'),
            gzip.compress(b'{"name": "f", "storage": {"a": 1' + b"0" * 5000 + b"}}"),
            gzip.compress(json.dumps(flow()).encode())[:-9],
            gzip.compress(json.dumps(flow()).encode()) + b"and more",
            gzip.compress(json.dumps(flow()).encode()) * 2,
        ],
        ids=[
            "nothing",
            "rubbish",
            "a head alone",
            "empty",
            "no JSON",
            "no UTF-8",
            "NaN",
            "Infinity",
            "endless digits",
            "cut off",
            "more behind",
            "twice",
        ],
    )
    def test_rubbish(self, world: World, data: bytes) -> None:
        assert self.register(world, base64.b64encode(data).decode()) == ["BAD_USER_INPUT"]

    @pytest.mark.parametrize("text", ["", "=", "é", "a b", "*********", "A" * 10_001], ids=ascii)
    def test_no_base64(self, world: World, text: str) -> None:
        assert self.register(world, text) == ["BAD_USER_INPUT"]

    def test_a_bomb_of_gzip_is_not_unpacked(self, world: World) -> None:
        bomb = gzip.compress(b" " * 200_000_000, compresslevel=1)
        assert self.register(world, base64.b64encode(bomb).decode()) == ["PAYLOAD_TOO_LARGE"]

    @pytest.mark.parametrize("levels", [251, 900, 5_000, 1_000_000])
    def test_a_bomb_of_levels(self, world: World, levels: int) -> None:
        text = b'{"name": "f", "storage": ' + b"[" * levels + b"]" * levels + b"}"
        assert self.register(world, base64.b64encode(gzip.compress(text)).decode()) == ["BAD_USER_INPUT"]
