"""Stores of results: files that are there whole or not at all, below their root, read back as they were."""

from __future__ import annotations

import pickle
import stat
import threading
from typing import TYPE_CHECKING, Any

import pytest

from orchestra_client.engine.results import (
    JSONSerializer,
    LocalResults,
    PickleSerializer,
    RemoteResults,
    ResultStore,
)
from orchestra_client.errors import ResultError
from orchestra_client.flows import Flow, task

if TYPE_CHECKING:
    from pathlib import Path

    from orchestra_client.states import State

RUN = {"flow_run_id": "6f2e", "task_slug": "load/../x-1", "map_index": None, "today": "2026-11-20"}


@pytest.fixture(params=["local", "remote"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ResultStore:
    if request.param == "local":
        return LocalResults(tmp_path / "results")
    return RemoteResults(f"memory://results/{tmp_path.name}")


def test_a_value_is_read_back_from_where_its_result_says(store: ResultStore) -> None:
    location = store.place(RUN)
    result = store.write({"rows": (1, 2)}, location)
    assert store.exists(location)
    assert (result.value, result.location) == ({"rows": (1, 2)}, location)
    assert store.read(location) == {"rows": (1, 2)}
    assert pickle.loads(pickle.dumps(store)).read(location) == {"rows": (1, 2)}


def test_each_task_run_has_its_own_place_which_is_the_same_for_each_try(store: ResultStore) -> None:
    assert store.place(RUN) == store.place(RUN) == "6f2e/load-..-x-1.pickle"
    assert store.place({**RUN, "map_index": 3}) == "6f2e/load-..-x-1-3.pickle"


def test_a_template_or_function_decides_the_place(tmp_path: Path) -> None:
    store = LocalResults(tmp_path, "{today}/{map_index}.json", JSONSerializer())
    assert store.place({**RUN, "map_index": 2}) == "2026-11-20/2.json"
    assert store.place(RUN, lambda today, **others: f"of-{today}") == "of-2026-11-20"


@pytest.mark.parametrize("location", ["../out", "/etc/passwd", "a/../../b", "", "..\\out", "a\0b"])
def test_no_place_outside_of_the_root_is_written_to(store: ResultStore, location: str) -> None:
    with pytest.raises(ResultError, match="below the store's root"):
        store.write(1, location)
    with pytest.raises(ResultError, match="below the store's root"):
        store.place({**RUN, "x": location}, "{x}")


def test_a_template_that_cannot_be_filled_is_told(store: ResultStore) -> None:
    with pytest.raises(ResultError, match="needs 'day', which is none of flow_run_id"):
        store.place(RUN, "{day}")


def test_what_is_not_there_is_told_with_its_place(store: ResultStore) -> None:
    with pytest.raises(ResultError, match="cannot be read") as caught:
        store.read("nothing.pickle")
    assert caught.value.location == "nothing.pickle"


def test_files_belong_to_their_owner_alone_and_leave_no_parts(tmp_path: Path) -> None:
    store = LocalResults(tmp_path / "results")
    store.write([1], "a/b.pickle")
    file = tmp_path / "results" / "a" / "b.pickle"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert [path.name for path in file.parent.iterdir()] == ["b.pickle"]


def test_a_value_that_cannot_be_written_leaves_the_one_before(tmp_path: Path) -> None:
    store = LocalResults(tmp_path, serializer=JSONSerializer())
    store.write([1], "a.json")
    with pytest.raises(ResultError, match="is not JSON"):
        store.write({1, 2}, "a.json")
    assert store.read("a.json") == [1]
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_pickle_takes_functions_of_a_script_where_cloudpickle_is_installed() -> None:
    serializer = PickleSerializer()
    assert serializer.loads(serializer.dumps(lambda: 7))() == 7
    with pytest.raises(ResultError, match="cannot be pickled"):
        serializer.dumps(threading.Lock())
    with pytest.raises(ResultError, match="cannot be unpickled"):
        serializer.loads(b"nonsense")


def test_results_of_a_flow_are_stored_before_they_count(tmp_path: Path) -> None:
    seen: list[Any] = []

    def look(subject: Any, old: State, new: State) -> None:
        if new.is_successful():
            seen.append(store.read(str(new.result_object.location)))

    store = LocalResults(tmp_path)
    with Flow("stored", result=store) as flow:
        task(name="rows", state_handlers=[look])(lambda: [1, 2])()
        kept = task(name="kept", checkpoint=False)(lambda: [3])()
        nothing = task(name="nothing")(lambda: None)()
    result = flow.run().result
    assert seen == [[1, 2]]
    assert result[kept].result_object.location is None
    assert result[nothing].result is None
    assert result[nothing].is_successful()


def test_a_result_that_cannot_be_stored_fails_its_task(tmp_path: Path) -> None:
    with Flow("unstorable", result=LocalResults(tmp_path)) as flow:
        lock = task(name="lock")(lambda: [threading.Lock()])()
    state = flow.run().result[lock]
    assert state.is_failed()
    assert "cannot be pickled" in state.message


def test_a_place_that_cannot_be_decided_fails_the_task_before_it_runs(tmp_path: Path) -> None:
    ran: list[int] = []
    with Flow("misplaced", result=LocalResults(tmp_path, "{nonsense}")) as flow:
        one = task(name="one")(lambda: ran.append(1))()
    assert "needs 'nonsense'" in flow.run().result[one].message
    assert ran == []


@pytest.mark.parametrize("directory", [None, "results", "~/results"])
def test_a_flow_is_the_same_wherever_it_is_registered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, directory: str | None
) -> None:
    def content_hash(place: str) -> str:
        (tmp_path / place).mkdir()
        monkeypatch.chdir(tmp_path / place)
        for name in ("HOME", "ORCHESTRA_HOME"):
            monkeypatch.setenv(name, str(tmp_path / place))
        with Flow("anywhere") as flow:
            task(name="one", result=LocalResults(directory))(lambda: 1)()
        return flow.content_hash()

    assert content_hash("here") == content_hash("there")


def test_the_state_of_a_run_has_the_folder_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    store = LocalResults("results")
    assert store.describe(1, "x").fields == {"dir": str(tmp_path / "results")}
    assert store.serialize()["dir"] == "results"


def test_a_store_is_part_of_the_flow_as_json(tmp_path: Path) -> None:
    with Flow("json", result=LocalResults(tmp_path, "{today}.pickle")) as flow:
        task(name="one", result=LocalResults(tmp_path, "x"))(lambda: 1)()
    [document] = flow.serialize()["tasks"]
    assert document["result"]["type"] == "LocalResult"
    assert document["result"]["dir"] == str(tmp_path)
