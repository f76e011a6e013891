"""Serialized flows are squeezed the same way every time, and opened with care."""

from __future__ import annotations

import base64
import gzip
import json
import math
import tracemalloc
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestra_client.errors import BadInput
from orchestra_client.graphql import GraphQLResult, compress, decompress

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def packed(data: bytes) -> str:
    return base64.b64encode(gzip.compress(data, mtime=0)).decode()


@given(JSON)
def test_what_is_compressed_comes_back(obj: Any) -> None:
    assert decompress(compress(obj)) == obj


@given(JSON)
def test_any_gzip_reader_opens_what_we_write(obj: Any) -> None:
    assert json.loads(gzip.decompress(base64.b64decode(compress(obj)))) == obj


def test_what_others_wrote_is_read() -> None:
    assert decompress(packed(b'{"name": "etl"}')) == {"name": "etl"}


def test_the_same_flow_gives_the_same_string_at_any_time(monkeypatch: pytest.MonkeyPatch) -> None:
    flow = {"name": "etl", "tasks": [{"slug": f"t-{i}"} for i in range(50)]}
    first = compress(flow)
    monkeypatch.setattr("time.time", lambda: 4e9)

    assert compress(flow) == first
    assert base64.b64decode(first)[4:8] == bytes(4), "the header carries a time"


def test_an_answer_of_the_api_can_be_compressed_as_it_is() -> None:
    assert decompress(compress(GraphQLResult({"a": [{"b": 1}]}))) == {"a": [{"b": 1}]}


@pytest.mark.parametrize(
    ("obj", "path"),
    [
        ({"tasks": [{"retry": math.nan}]}, r"\$\.tasks\[0\]\.retry \(nan\)"),
        ({"a": {1, 2}}, r"\$\.a \(set\)"),
        (object(), r"\$ \(object\)"),
        ([1, (2, math.inf)], r"\$\[1\]\[1\] \(inf\)"),
    ],
)
def test_what_json_cannot_express_is_refused_with_its_path(obj: object, path: str) -> None:
    with pytest.raises(BadInput, match=path):
        compress(obj)


def test_an_object_that_holds_itself_is_refused() -> None:
    loop: list[Any] = []
    loop.append(loop)

    with pytest.raises(BadInput, match="JSON"):
        compress(loop)


def test_a_bomb_is_refused_before_it_unfolds() -> None:
    bomb = packed(b'"' + b"0" * 30_000_000 + b'"')

    tracemalloc.start()
    try:
        with pytest.raises(BadInput, match="more than 100000 bytes"):
            decompress(bomb, max_bytes=100_000)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 2_000_000


def test_what_just_fits_is_accepted() -> None:
    data = b'"0123456789"'

    assert decompress(packed(data), max_bytes=len(data)) == "0123456789"
    with pytest.raises(BadInput, match="more than 11 bytes"):
        decompress(packed(data), max_bytes=len(data) - 1)


@pytest.mark.parametrize(
    ("rubbish", "complaint"),
    [
        ("", "ends in the middle"),
        ("not base64!", "not base64"),
        ("Grüße", "not base64"),
        (base64.b64encode(b"plain text").decode(), "not gzip"),
        (base64.b64encode(zlib.compress(b"{}")).decode(), "not gzip"),
        (base64.b64encode(gzip.compress(b'{"a": 1}', mtime=0)[:-9]).decode(), "ends in the middle"),
        (base64.b64encode(gzip.compress(b"{}", mtime=0) + b"more").decode(), "goes on for 4 bytes"),
        (packed(b"{'a': 1}"), "does not hold JSON"),
        (packed(b"\xff\xfe"), "does not hold JSON"),
        (packed(b"[" * 100_000), "does not hold JSON"),
        (packed(b"1" * 10_000), "does not hold JSON"),
    ],
)
def test_rubbish_is_named(rubbish: str, complaint: str) -> None:
    with pytest.raises(BadInput, match=complaint):
        decompress(rubbish)


def test_a_damaged_string_is_noticed() -> None:
    raw = bytearray(gzip.compress(json.dumps({"name": "etl"}).encode()))
    raw[-6] ^= 0xFF

    with pytest.raises(BadInput, match="not gzip"):
        decompress(base64.b64encode(raw).decode())


def test_line_breaks_in_base64_are_ignored() -> None:
    wrapped = base64.encodebytes(gzip.compress(json.dumps(list(range(200))).encode())).decode()

    assert decompress(wrapped) == list(range(200))
