"""Ids of new rows."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor

from orchestra_client.server.store.ids import new_id


def test_an_id_is_a_canonical_uuid_of_version_7() -> None:
    made = uuid.UUID(new_id())
    assert (made.version, made.variant) == (7, uuid.RFC_4122)
    assert len(new_id()) == 36


def test_ids_sort_as_they_were_made() -> None:
    made = [new_id() for _ in range(10_000)]
    assert sorted(made) == made


def test_threads_make_no_id_twice() -> None:
    with ThreadPoolExecutor(4) as threads:
        made = list(threads.map(lambda _: new_id(), range(20_000)))
    assert len(set(made)) == 20_000
