"""Finding flows in files, directories and modules, without leaving traces in the process."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from orchestra_client.flows import Flow, Module, Script
from orchestra_client.flows.discovery import Discovery, discover
from orchestra_client.flows.schemas.storages import load_storage
from orchestra_client.flows.sources.base import shorten

if TYPE_CHECKING:
    from collections.abc import Callable

    Write = Callable[[dict[str, str]], Path]

ONE = "from orchestra_client.flows import Flow\n\nflow = Flow({name!r})\n"


def one(name: str) -> str:
    return ONE.format(name=name)


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Write files into the current directory, which is one of their own."""
    monkeypatch.chdir(tmp_path)

    def write(files: dict[str, str]) -> Path:
        for name, text in files.items():
            file = tmp_path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        return tmp_path

    return write


def names(found: Discovery) -> list[str]:
    return [each.name for each in found.flows]


def test_every_flow_at_the_top_level_is_found_once_and_with_its_line(write: Write) -> None:
    write(
        {
            "a.py": one("first")
            + "again = flow\nif True:\n    with Flow('second') as second:\n        pass\n"
            + "globals()['made'] = Flow('third')\nhidden = [Flow('within a list')]\n"
            + "def later():\n    return Flow('within a function')\n"
        }
    )

    found = discover(["a.py"])

    assert [(each.name, str(each.place)) for each in found.flows] == [
        ("first", "a.py:3"),
        ("second", "a.py:6"),
        ("third", "a.py:1"),
    ]
    assert not found.faults


def test_a_directory_is_searched_for_python_files_that_are_the_users_own(write: Write) -> None:
    write(
        {
            "flows/b.py": one("b"),
            "flows/deep/er/a.py": one("a"),
            "flows/notes.txt": "not Python",
            "flows/stored.json": "{}",
            "flows/.hidden/x.py": "1 / 0",
            "flows/__pycache__/x.py": "1 / 0",
            "flows/env/pyvenv.cfg": "",
            "flows/env/lib/x.py": "1 / 0",
            "flows/setup.py": "1 / 0",
            "flows/deep/__main__.py": "1 / 0",
        }
    )

    assert names(discover(["flows"])) == ["b", "a"]


def test_linked_directories_are_searched_once_however_they_loop(write: Write) -> None:
    root = write(
        {
            "beside.py": "1 / 0",
            "elsewhere/c.py": one("c"),
            "flows/a.py": one("a"),
            "flows/z/b.py": one("b"),
            ".store/d.py": "1 / 0",
        }
    )
    (root / "flows" / "up").symlink_to(root, target_is_directory=True)
    for link, target in {"linked": "elsewhere", "again": "flows/z", "loop": "flows", "d": ".store"}.items():
        (root / "flows" / link).symlink_to(root / target, target_is_directory=True)

    found = discover(["flows"])

    assert [(each.name, each.source) for each in found.flows] == [
        ("a", "flows/a.py"),
        ("b", "flows/z/b.py"),
        ("c", "flows/linked/c.py"),
    ]
    assert not found.faults


def test_a_directory_that_cannot_be_read_is_a_fault(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    write({"flows/a.py": one("a"), "flows/locked/b.py": one("b")})
    scandir = os.scandir

    def refusing(path: str) -> object:
        # Whoever runs the tests may be root, who can read everything.
        if str(path).endswith("locked"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)

    found = discover(["flows"])

    assert names(found) == ["a"]
    [fault] = found.faults
    assert (fault.source, fault.message) == (
        "flows/locked",
        "the directory cannot be read: Permission denied",
    )


def test_a_file_is_run_as_by_python_and_leaves_no_trace(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    write(
        {
            "flows/helper.py": "NAME = 'helped'\n",
            "flows/beside/__init__.py": "",
            "flows/beside/deep.py": "",
            "flows/a.py": "import os, sys, beside.deep, helper\nfrom pathlib import Path\nprint('a line')\n"
            "assert sys.argv == [__file__] and Path(__file__).is_absolute()\n"
            "sys.path.append('/nowhere')\nos.chdir('/')\n"
            + one("x").replace("'x'", "helper.NAME")
            + "if __name__ == '__main__':\n    1 / 0\n",
        }
    )
    path, modules, here = list(sys.path), set(sys.modules), Path.cwd()

    found = discover(["flows/a.py"])

    assert names(found) == ["helped"]
    assert (sys.path, set(sys.modules), Path.cwd()) == (path, modules, here)
    assert capsys.readouterr() == ("", "a line\n")
    [needs] = found.companions
    beside = ("flows/beside/__init__.py", "flows/beside/deep.py", "flows/helper.py")
    assert (needs.source, needs.files) == ("flows/a.py", beside)


def test_what_a_file_does_to_the_environment_is_undone(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEPT", "before")
    monkeypatch.setenv("REMOVED", "before")
    monkeypatch.delenv("ADDED", raising=False)
    changes = "os.environ.update(KEPT='after', ADDED='after')\ndel os.environ['REMOVED']\n"
    write({"a.py": "import os\n" + changes + one("a"), "b.py": "import os\n" + changes + "1 / 0\n"})
    before = dict(os.environ)

    found = discover(["a.py", "b.py"])

    assert (names(found), len(found.faults)) == (["a"], 1)
    assert "ZeroDivisionError" in found.faults[0].message
    assert dict(os.environ) == before


def test_the_modules_of_a_package_share_what_it_does_to_the_environment(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COMPANY", raising=False)
    write(
        {
            "in_environment/__init__.py": "import os\nos.environ['COMPANY'] = 'acme'\n",
            "in_environment/a.py": "import os\n" + one("x").replace("'x'", "os.environ['COMPANY']"),
        }
    )

    assert names(discover(modules=["in_environment"])) == ["acme"]
    assert "COMPANY" not in os.environ


def test_files_of_one_name_in_two_directories_stay_apart(write: Write) -> None:
    flow = one("x").replace("'x'", "helper.NAME")
    write(
        {
            "a/helper.py": "NAME = 'of a'",
            "a/flows.py": "import helper\n" + flow,
            "b/helper.py": "NAME = 'of b'",
            "b/flows.py": "import helper\n" + flow,
        }
    )

    assert names(discover(["a", "b"])) == ["of a", "of b"]


def test_a_flow_imported_into_another_file_belongs_to_the_file_that_has_it(write: Write) -> None:
    write(
        {
            "a.py": "from z import flow\n" + one("own").replace("flow =", "own ="),
            "b.py": "import z\nflow = z.flow\n",
            "z.py": one("shared"),
        }
    )

    found = discover(["."])

    assert [(each.name, each.source) for each in found.flows] == [("own", "a.py"), ("shared", "z.py")]
    assert not found.faults


def test_a_flow_imported_from_beside_the_only_file_given_is_not_that_files(write: Write) -> None:
    write(
        {
            "a/base.py": one("base"),
            "a/user.py": "from base import flow as base_flow\n" + one("user"),
            "a/star.py": "from base import *\n",
        }
    )

    found = discover(["a/user.py", "a/star.py"])
    both = discover(["a/user.py", "a/base.py"])

    assert names(found) == ["user"]
    assert [(each.name, str(each.place), shorten(each.home)) for each in found.imported] == [
        ("base", "a/user.py:1", "a/base.py"),
        ("base", "a/star.py:1", "a/base.py"),
    ]
    assert not found.empty
    assert [(each.name, each.source) for each in both.flows] == [("user", "a/user.py"), ("base", "a/base.py")]
    assert not both.imported


def test_a_flow_imported_from_elsewhere_counts_once(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    root = write(
        {"lib/company.py": one("shared"), "a.py": "from company import *", "b.py": "from company import flow"}
    )
    monkeypatch.syspath_prepend(str(root / "lib"))

    found = discover(["a.py", "b.py"])

    assert [(each.name, each.source) for each in found.flows] == [("shared", "a.py")]


def test_two_flows_of_one_name_are_a_fault_that_names_both_places(write: Write) -> None:
    write({"a.py": one("same"), "b.py": "# b\n" + one("same"), "c.py": one("other")})

    found = discover(["."])

    assert names(found) == ["other"]
    [fault] = found.faults
    assert fault.message == "two flows are called 'same': a.py:3 and b.py:4"
    assert str(fault.place) == "b.py:4"


def test_a_path_given_twice_is_looked_at_once(write: Write) -> None:
    root = write({"flows/a.py": one("a")})

    assert names(discover(["flows/a.py", "flows", root / "flows" / "a.py"])) == ["a"]


@pytest.mark.parametrize(
    ("source", "message", "line", "advice"),
    [
        ("x = 1\n1 / 0\n", "ZeroDivisionError: division by zero", 2, None),
        ("x = 1\ndef broken(:\n", "SyntaxError: ", 2, None),
        ("import no_such\n", "ModuleNotFoundError: No module named 'no_such'", 1, "install no_such"),
        ("import os\nos._exit(0)\n", "it ends the process: sys.exit(0)", 2, "__main__"),
        ("import sys\nsys.exit(3)\n", "it ends the process: sys.exit(3)", 2, "__main__"),
        ("from .a import flow\n", "ImportError: attempted relative import", 1, "-m package.module"),
        ("raise OSError('a\\nb')\n", "OSError: a", 1, None),
        (
            "from orchestra_client.flows import *\nwith Flow('f') as f:\n    Flow('')\n",
            "FlowError: ",
            3,
            None,
        ),
        ("raise ValueError('orc_' + 'x' * 43)\n", "ValueError: orc_…xxxx", 1, None),
        ("raise BaseException\n", "BaseException", 1, None),
    ],
)
def test_a_file_that_cannot_be_run_is_a_fault_and_the_others_go_on(
    write: Write, source: str, message: str, line: int, advice: str | None
) -> None:
    write({"bad.py": source, "good.py": one("good")})

    found = discover(["bad.py", "good.py"])

    assert names(found) == ["good"]
    [fault] = found.faults
    assert fault.source == "bad.py"
    assert fault.message.startswith(message)
    assert str(fault.place) == f"bad.py:{line}"
    assert (advice or "") in (fault.advice or "")


def test_the_frames_of_a_fault_are_those_of_the_users_code(write: Write) -> None:
    write(
        {
            "helper.py": "import json\ndef read(): return json.loads('{')\n",
            "bad.py": "import helper\nhelper.read()\n",
        }
    )

    [fault] = discover(["bad.py"]).faults

    assert fault.frames == (
        "bad.py:2 in <module>: helper.read()",
        "helper.py:2 in read: def read(): return json.loads('{')",
    )
    assert str(fault.place) == "helper.py:2"


def test_a_file_that_is_no_text_is_a_fault(write: Write) -> None:
    root = write({})
    (root / "a.py").write_bytes(b"x = '\xff'")

    [fault] = discover(["a.py"]).faults

    assert fault.message.startswith("SyntaxError")


def test_a_link_that_leads_to_itself_is_a_fault(write: Write) -> None:
    root = write({"flows/a.py": one("a")})
    (root / "flows" / "loop.py").symlink_to("loop.py")

    found = discover(["flows"])

    assert names(found) == ["a"]
    assert [(each.source, "symbolic links" in each.message) for each in found.faults] == [
        ("flows/loop.py", True)
    ]


@pytest.mark.parametrize("character", ["\\0", "\\ud800"])
def test_a_name_that_no_database_keeps_is_a_fault_of_its_file(write: Write, character: str) -> None:
    document = json.dumps({"name": "x", "tasks": []})
    write(
        {
            "a.py": one("a"),
            "b.py": one("b").replace("'b'", f"'b{character}'"),
            "c.json": document.replace("x", character.replace("\\0", "\\u0000")),
        }
    )

    found = discover(["a.py", "b.py", "c.json"])

    assert names(found) == ["a"]
    assert [str(each.place) for each in found.faults] == ["b.py:3", "c.json:1"]
    assert all("half of a surrogate pair" in each.message for each in found.faults)


def test_an_interruption_is_none_of_the_files(write: Write) -> None:
    write({"a.py": "raise KeyboardInterrupt"})

    with pytest.raises(KeyboardInterrupt):
        discover(["a.py"])


def test_a_flow_gets_the_storage_of_where_it_is_unless_it_has_one(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = write(
        {
            "a.py": one("a")
            + "from orchestra_client.flows import Module\nb = Flow('b', storage=Module('m:b'))",
            "discovered/__init__.py": "",
            "discovered/flows.py": one("c"),
        }
    )
    # Modules stay imported, as they do after an import statement.
    monkeypatch.setattr(sys, "modules", dict(sys.modules))

    a, b, c = (each.flow.storage for each in discover(["a.py"], ["discovered.flows"]).flows)  # type: ignore[union-attr]  # no JSON

    assert isinstance(a, Script)
    assert a.path == str(root / "a.py")
    assert a.load("a").name == "a"
    assert isinstance(b, Module)
    assert b.module == "m:b"
    assert isinstance(c, Module)
    assert c.module == "discovered.flows"


def test_a_script_has_the_same_content_hash_as_when_python_runs_it(write: Write) -> None:
    source = (
        "from orchestra_client.flows import Flow, Script, Task\nclass Save(Task):\n    def run(self): ...\n"
        "with Flow('f', storage=Script(__file__)) as flow:\n    Save()()\n"
    )
    root = write({"a.py": source})

    [found] = discover(["a.py"]).flows

    assert isinstance(found.flow, Flow)
    assert found.flow.content_hash() == Script(root / "a.py").load().content_hash()


def test_a_pickled_flow_takes_along_what_lies_beside_its_file(write: Write) -> None:
    pytest.importorskip("cloudpickle")
    write(
        {
            "helper.py": "def twice(x): return 2 * x",
            "a.py": "from __future__ import annotations\nfrom dataclasses import dataclass\nimport helper\n"
            "from orchestra_client.flows import Flow, Local, task\n@dataclass\nclass Row:\n    number: int\n"
            "@task\ndef double(x: int) -> int:\n    return helper.twice(Row(x).number)\n"
            "with Flow('pickled', storage=Local('stored')) as flow:\n    double(21)\n",
        }
    )

    [found] = discover(["a.py"]).flows
    assert isinstance(found.flow, Flow)
    stored = load_storage(found.flow.serialize(build=True)["storage"])

    assert stored is not None
    state = stored.load().run()
    assert [each.result for each in state.result.values()] == [42]


def test_a_package_is_searched_with_all_its_modules(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    write(
        {
            "company_a/__init__.py": "from company_a.deep.flows import flow as best\n",
            "company_a/__main__.py": "1 / 0",
            "company_a/bad.py": "1 / 0",
            "company_a/deep/__init__.py": "",
            "company_a/deep/flows.py": "from . import names\n" + one("x").replace("'x'", "names.NAME"),
            "company_a/deep/names.py": "NAME = 'packaged'",
        }
    )
    monkeypatch.setattr(sys, "modules", dict(sys.modules))

    found = discover(modules=["company_a"])

    [flow] = found.flows
    assert (flow.name, flow.source) == ("packaged", "company_a.deep.flows")
    assert str(flow.place) == "company_a/deep/flows.py:4"
    [fault] = found.faults
    assert (fault.source, str(fault.place)) == ("company_a.bad", "company_a/bad.py:1")


def test_a_module_within_a_package_that_cannot_be_imported_is_a_fault(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    write({"company_b/__init__.py": "import gone", "company_b/flows.py": one("x")})
    monkeypatch.setattr(sys, "modules", dict(sys.modules))

    [fault] = discover(modules=["company_b.flows"]).faults

    assert fault.message == "ModuleNotFoundError: No module named 'gone'"
    assert str(fault.place) == "company_b/__init__.py:1"


@pytest.mark.parametrize(
    "module", ["no_such_module", "no_such.module", "json.no_such", "json.decoder.no_such"]
)
def test_a_module_that_is_not_there_is_refused(write: Write, module: str) -> None:
    with pytest.raises(ModuleNotFoundError, match="there is no module"):
        discover(modules=[module])


def test_a_path_that_is_not_there_is_refused(write: Write) -> None:
    with pytest.raises(FileNotFoundError, match=r"there is no gone\.py"):
        discover(["gone.py"])


def test_json_has_one_flow_or_many(write: Write) -> None:
    a, b = Flow("a").serialize(), Flow("b").serialize()
    write(
        {
            "one.json": json.dumps(a),
            "two.json": json.dumps([b]),
            "three.json": json.dumps({"version": 1, "flows": [Flow("c").serialize(), Flow("d").serialize()]}),
            "bad.json": '{"name": "x"}',
            "worse.json": "{",
        }
    )

    found = discover(["one.json", "two.json", "three.json", "bad.json", "worse.json"])

    assert names(found) == ["a", "b", "c", "d"]
    assert found.flows[0].flow == a
    assert [fault.place.file for fault in found.faults] == ["bad.json", "worse.json"]
    assert "not the JSON of a flow" in found.faults[0].message
    assert "not JSON" in found.faults[1].message


def test_what_has_no_flow_is_named(write: Write) -> None:
    write({"a.py": "x = 1", "b.py": one("b")})

    assert discover(["a.py", "b.py"]).empty == ("a.py",)


def test_progress_is_told_before_each_source(write: Write) -> None:
    write({"a.py": one("a"), "b.py": one("b")})
    told: list[tuple[str, int, int]] = []

    discover(["."], on_source=lambda *now: told.append(now))

    assert told == [("a.py", 0, 2), ("b.py", 1, 2)]
