"""Loading flows from where they are stored, in a fresh process, and what is said when that cannot be."""

from __future__ import annotations

import json
import runpy
import stat
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from orchestra_client.errors import FlowError, FlowStorageError, MissingExtra
from orchestra_client.flows import Flow, Local, Module, Script, task
from orchestra_client.flows.schemas.storages import dump_storage, load_storage

if TYPE_CHECKING:
    from orchestra_client.flows.storage import Storage

SOURCE = """
from __future__ import annotations
from dataclasses import dataclass
from orchestra_client.flows import Flow, task

@dataclass
class Row:
    number: int

@task
def double(row: int) -> int:
    return Row(row).number * 2

with Flow("etl") as flow:
    double(21)

if __name__ == "__main__":
    raise SystemExit("run as a script")
"""

# Reads a storage's JSON, loads the flow, and runs its only task on its constants.
RUN = """
import json, sys
from orchestra_client.flows.schemas.storages import load_storage
flow = load_storage(json.load(sys.stdin)).load()
[step] = flow.sorted_tasks()
print(flow.name, step.run(**flow.constants[step]))
"""


def run_elsewhere(storage: Storage, folder: Path) -> str:
    result = subprocess.run(
        [sys.executable, "-c", RUN],
        input=json.dumps(dump_storage(storage)),
        cwd=folder,
        text=True,
        capture_output=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


def again(storage: Storage) -> Storage:
    read = load_storage(json.loads(json.dumps(dump_storage(storage))))
    assert read is not None
    return read


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "etl_flow.py"
    path.write_text(SOURCE, encoding="utf-8")
    return path


@pytest.fixture
def importable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


@pytest.mark.slow
def test_a_script_runs_in_a_fresh_process_though_its_file_is_gone(script: Path, tmp_path: Path) -> None:
    storage = Script(script)
    storage.add_flow(storage.load())
    script.unlink()
    assert run_elsewhere(storage, tmp_path) == "etl 42"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("encoding", "first_line"), [("utf-8-sig", ""), ("latin-1", "# -*- coding: latin-1 -*-\n")]
)
def test_a_script_is_read_in_the_encoding_that_python_reads_it_in(
    script: Path, encoding: str, first_line: str
) -> None:
    script.write_text(first_line + SOURCE.replace("etl", "Zürich"), encoding=encoding)
    storage = Script(script)

    assert storage.source == first_line + SOURCE.replace("etl", "Zürich")
    assert again(storage).load("Zürich").name == "Zürich"


def test_a_script_that_was_registered_with_its_byte_order_mark_still_runs(script: Path) -> None:
    storage = Script(script, source=f"\ufeff{SOURCE}")

    assert again(storage).load().name == "etl"


def test_a_script_that_is_in_no_encoding_is_refused(script: Path) -> None:
    script.write_bytes(b"# coding: klingon\n")

    with pytest.raises(FlowStorageError, match="the script cannot be read: unknown encoding"):
        Script(script).source  # noqa: B018 (reads the file)


def test_a_module_runs_in_a_fresh_process(script: Path, tmp_path: Path) -> None:
    assert run_elsewhere(Module("etl_flow"), tmp_path) == "etl 42"
    assert run_elsewhere(Module("etl_flow:flow"), tmp_path) == "etl 42"


@pytest.mark.slow
def test_a_pickled_flow_runs_in_a_fresh_process(script: Path, tmp_path: Path) -> None:
    pytest.importorskip("cloudpickle")
    code = (
        "import sys, json, runpy, cloudpickle; from orchestra_client.flows import Local;"
        "from orchestra_client.flows.schemas.storages import dump_storage;"
        "from tests.flows import sample; flow = sample.Flow('etl');\n"
        "with flow: sample.task(lambda x: x * 2, name='double')(21)\n"
        "storage = Local(sys.argv[1]); storage.add_flow(flow); print(json.dumps(dump_storage(storage)))"
    )
    written = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "flows")],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        check=True,
    )
    storage = load_storage(json.loads(written.stdout))
    assert storage is not None
    assert run_elsewhere(storage, tmp_path) == "etl 42"


def test_a_scripts_source_travels_and_its_hash_is_checked(script: Path) -> None:
    document = dump_storage(Script(script))
    assert document is not None
    assert (document["type"], document["stored_as_script"]) == ("Local", True)
    assert document["source"] == SOURCE
    read = load_storage(document)
    assert read is not None
    assert read.load("etl").name == "etl"
    changed = load_storage({**document, "source": SOURCE + "# changed"})
    assert changed is not None
    with pytest.raises(FlowStorageError, match="has changed: it was registered with the SHA-256"):
        changed.load()


def test_a_script_that_is_on_both_machines_may_travel_by_its_hash_alone(script: Path) -> None:
    document = {
        name: value for name, value in (dump_storage(Script(script)) or {}).items() if name != "source"
    }
    read = load_storage(document)
    assert read is not None
    assert read.load().name == "etl"
    script.write_text("", encoding="utf-8")
    read = load_storage(document)
    assert read is not None
    with pytest.raises(FlowStorageError, match="has changed"):
        read.load()


@pytest.mark.parametrize(
    ("source", "name", "complaint"),
    [
        ("x = 1", None, "there is no flow; a flow must have a name at the top level"),
        ("def broken(:\n  pass", None, r"SyntaxError: .*etl_flow\.py, line 1\)"),
        ("x = 1\ny = 1 / 0", None, r"ZeroDivisionError: .*etl_flow\.py, line 2\)"),
        ("import no_such_module", None, "ModuleNotFoundError"),
        ("import sys; sys.exit(3)", None, r"SystemExit: 3 .*line 1\)"),
        ("FLOWS", None, "several flows, 'one', 'two'; say which one"),
        ("FLOWS", "three", "there is no flow 'three', only 'one', 'two'"),
    ],
)
def test_a_script_without_the_flow(script: Path, source: str, name: str | None, complaint: str) -> None:
    flows = "from orchestra_client.flows import Flow\none, two = Flow('one'), Flow('two'); same = one"
    script.write_text(flows if source == "FLOWS" else source, encoding="utf-8")
    with pytest.raises(FlowStorageError, match=complaint) as caught:
        Script(script).load(name)
    assert caught.value.location == str(script)


def test_a_script_is_the_same_flow_whether_run_or_loaded(script: Path) -> None:
    more = "class Save(Task):\n    def run(self, row: Row) -> Row: ...\nflow.add_task(Save(trigger=lambda states: True))\n"
    source = SOURCE.replace("import Flow, task", "import Flow, Task, task").replace("__main__", "")
    script.write_text(source + more, encoding="utf-8")
    run = runpy.run_path(str(script), run_name="__main__")["flow"]
    assert Script(script).load().content_hash() == run.content_hash()


def test_a_script_that_is_not_there(tmp_path: Path) -> None:
    storage = Script(tmp_path / "gone.py")
    for use in (
        storage.load,
        lambda: storage.add_flow(Flow("f")),
        lambda: Flow("f", storage=storage).serialize(),
    ):
        with pytest.raises(FlowStorageError, match=r"gone\.py: the script cannot be read"):
            use()


def test_one_of_several_flows_is_chosen_by_name(script: Path) -> None:
    script.write_text(
        "from orchestra_client.flows import Flow\none, two = Flow('one'), Flow('two')", encoding="utf-8"
    )
    storage = Script(script)
    assert storage.load("two").name == "two"
    storage.add_flow(Flow("one"))
    assert again(storage).load().name == "one"


def test_modules_and_what_is_wrong_with_them(importable: Path) -> None:
    (importable / "pkg_a").mkdir()
    (importable / "pkg_a" / "__init__.py").write_text("")
    (importable / "pkg_a" / "good.py").write_text(
        "from orchestra_client.flows import Flow\nflow = Flow('good')\ndef make(): return Flow('made')\n"
        "def fail(): raise OSError('disk')\ndef other(): return 5\nclass Box: inner = flow\n"
    )
    (importable / "pkg_a" / "bad.py").write_text("import gone_module\n")
    (importable / "pkg_a" / "worse.py").write_text("x = 1\nraise OSError('boom')\n")

    assert Module("pkg_a.good").load().name == "good"
    assert Module("pkg_a.good:Box.inner").load("good").name == "good"
    assert again(Module("pkg_a.good:make")).load().name == "made"
    for module, name, complaint in (
        ("pkg_z.flows", None, "there is no module 'pkg_z'; install it"),
        ("pkg_a.gone", None, r"there is no module 'pkg_a\.gone'"),
        (
            "pkg_a.bad",
            None,
            "importing it failed: ModuleNotFoundError: No module named 'gone_module'.*bad.py, line 1",
        ),
        ("pkg_a.worse", None, r"OSError: boom \(file .*worse\.py, line 2\)"),
        ("pkg_a.good:nothing", None, "the module has no 'nothing'"),
        ("pkg_a.good:fail", None, r"calling fail\(\) failed: OSError: disk"),
        ("pkg_a.good:other", None, r"other\(\) returned int"),
        ("pkg_a.good", "etl", "there is no flow 'etl', only 'good'"),
    ):
        with pytest.raises(FlowStorageError, match=complaint):
            Module(module).load(name)
    for module in ("", ":flow", "pkg:"):
        with pytest.raises(FlowError, match="is no module"):
            Module(module)


def test_pickled_flows_are_private_and_found_again(tmp_path: Path) -> None:
    pytest.importorskip("cloudpickle")
    storage = Local(tmp_path / "flows")
    with Flow("My Flow / 1", storage=storage) as flow:
        task(lambda x: x, name="same")(5)
    document = flow.serialize(build=True)
    [location] = document["storage"]["flows"].values()
    assert stat.S_IMODE(Path(location).stat().st_mode) == 0o600
    assert flow.serialize(build=True) == document
    assert [each.name for each in Path(location).parent.iterdir()] == [Path(location).name]
    loaded = again(storage).load()
    assert loaded.serialize() == flow.serialize()
    [same] = loaded.tasks
    assert same.run(7) == 7


def test_what_is_wrong_with_pickled_flows(tmp_path: Path) -> None:
    pytest.importorskip("cloudpickle")
    storage = Local(tmp_path)
    with pytest.raises(FlowStorageError, match="there is no flow 'x'; the flows there: none"):
        storage.load("x")
    storage.flows["x"] = str(tmp_path / "x.json")
    with pytest.raises(FlowStorageError, match="cannot be read"):
        storage.load()
    content: dict[str, Any] = {"flow": "AAAA", "versions": {"python": "3.1.4"}}
    (tmp_path / "x.json").write_text(json.dumps(content))
    with pytest.raises(FlowStorageError, match=r"cannot be unpickled: .*python 3\.1\.4 then"):
        storage.load()
    (tmp_path / "x.json").write_text("[]")
    with pytest.raises(FlowStorageError, match="is not a file that a flow was stored in"):
        storage.load()
    with Flow("unpicklable") as flow:
        task(lambda x: x)(each for each in ())
    with pytest.raises(FlowStorageError, match="'unpicklable' cannot be pickled"):
        storage.add_flow(flow)


def test_without_cloudpickle_the_error_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "cloudpickle", None)
    with pytest.raises(MissingExtra, match=r"orchestra-client\[pickle\]"):
        Local(tmp_path).add_flow(Flow("f"))


def test_flows_are_kept_in_the_home_directory_unless_said_otherwise(isolated_environment: Path) -> None:
    assert Path(Local().directory) == isolated_environment / "flows"


def test_storages_that_prefect_wrote() -> None:
    local = {"type": "Local", "directory": "/home/x/.prefect/flows", "flows": {"a": "/p/a"}, "secrets": []}
    script = {**local, "stored_as_script": True, "path": "/p/a.py"}
    git = {"type": "Git", "repo": "a/b", "flows": {}}
    for document in (local, script, git):
        read = load_storage(document)
        assert read is not None
        assert {
            name: value for name, value in (dump_storage(read) or {}).items() if name in document
        } == document
    for document in (script, git):
        read = load_storage(document)
        assert read is not None
        with pytest.raises(FlowStorageError, match="cannot load flows from there"):
            read.load()
