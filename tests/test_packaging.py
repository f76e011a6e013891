"""What is installed holds all that is needed at run time."""

from __future__ import annotations

import email
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parent.parent
SCHEMA = (ROOT / "schema.graphql").read_text("utf-8")


def build(hook: str, target: Path) -> Path:
    """Build a wheel with the project's own backend, as pip would, and without a network."""
    code = "import sys; from hatchling import build; print(getattr(build, sys.argv[1])(sys.argv[2]))"
    done = subprocess.run(
        [sys.executable, "-c", code, hook, str(target)], cwd=ROOT, check=True, capture_output=True, text=True
    )
    return target / done.stdout.strip().splitlines()[-1]


def run_with(site: Path, code: str) -> str:
    """What `code` prints when packages come from `site`, and nothing from the current directory."""
    code = f"import site, sys; sys.path = [p for p in sys.path if p != {str(ROOT)!r}]; site.addsitedir({str(site)!r}); {code}"
    done = subprocess.run(
        [sys.executable, "-I", "-c", code], cwd="/", check=True, capture_output=True, text=True
    )
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    return zipfile.ZipFile(build("build_wheel", tmp_path_factory.mktemp("wheel")))


@pytest.fixture(scope="module")
def metadata(wheel: zipfile.ZipFile) -> email.message.Message:
    (name,) = [name for name in wheel.namelist() if name.endswith(".dist-info/METADATA")]
    return email.message_from_bytes(wheel.read(name))


def test_the_wheel_carries_the_contract(wheel: zipfile.ZipFile) -> None:
    assert wheel.read("orchestra_client/schema.graphql").decode() == SCHEMA


def test_the_wheel_carries_every_file_of_the_package(wheel: zipfile.ZipFile) -> None:
    files = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "orchestra_client").rglob("*")
        if path.suffix in {".py", ".graphql", ".typed", ".mako", ".html", ".ini"}
    }

    assert "orchestra_client/py.typed" in files
    assert any(name.endswith(".graphql") for name in files)
    assert files <= set(wheel.namelist())


def test_the_wheel_carries_the_package_alone(wheel: zipfile.ZipFile) -> None:
    tops = {name.split("/")[0] for name in wheel.namelist()}

    assert {top for top in tops if not top.endswith(".dist-info")} == {"orchestra_client"}


def test_the_extras_are_declared(metadata: email.message.Message) -> None:
    extras = set(metadata.get_all("Provides-Extra") or ())

    assert {"server", "postgres", "cli", "keyring", "http2"} <= extras


def test_the_base_install_is_the_client(metadata: email.message.Message) -> None:
    required = {
        line.split(">")[0].strip()
        for line in metadata.get_all("Requires-Dist") or ()
        if "extra ==" not in line
    }

    assert required == {"httpx", "gql", "pendulum", "pyjwt", "marshmallow", "platformdirs", "croniter"}


def test_every_extra_exists_that_another_one_names() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    named = {
        extra
        for requirements in extras.values()
        for requirement in requirements
        if requirement.startswith(f"{project['name']}[")
        for extra in requirement.split("[")[1].rstrip("]").split(",")
    }

    assert named <= set(extras)


def test_the_wheel_names_its_version_licence_and_command(
    wheel: zipfile.ZipFile, metadata: email.message.Message
) -> None:
    (entry_points,) = [
        wheel.read(name).decode() for name in wheel.namelist() if name.endswith("entry_points.txt")
    ]

    assert "orchestra = orchestra_client.cli:main" in entry_points
    assert metadata["License-Expression"] == "Apache-2.0"
    assert any(name.endswith("licenses/LICENSE") for name in wheel.namelist())
    assert (
        metadata["Version"]
        == run_with(ROOT, "import orchestra_client; print(orchestra_client.__version__)").strip()
    )


def test_an_installed_wheel_finds_the_contract(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    wheel.extractall(tmp_path)

    found = run_with(
        tmp_path, "import orchestra_client.contract as c; print(c.__file__); print(c.schema_text() != '')"
    ).split()

    assert found == [str(tmp_path / "orchestra_client" / "contract.py"), "True"]


def test_an_installed_wheel_finds_the_flow_of_the_demo(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    wheel.extractall(tmp_path)

    found = run_with(tmp_path, "from orchestra_client.demo.play import flow_script; print(flow_script())")

    assert Path(found.strip()) == tmp_path / "orchestra_client" / "demo" / "orders.py"
    assert Path(found.strip()).read_text() == (ROOT / "examples" / "flows" / "orders.py").read_text()


def test_an_editable_install_finds_the_contract(tmp_path: Path) -> None:
    zipfile.ZipFile(build("build_editable", tmp_path)).extractall(tmp_path)
    for copy in tmp_path.rglob("schema.graphql"):
        copy.write_text("the build's own copy, which nobody keeps up to date")

    found = run_with(
        tmp_path, "import orchestra_client.contract as c; print(c.__file__); print(len(c.schema_text()))"
    )

    assert found.split() == [str(ROOT / "orchestra_client" / "contract.py"), str(len(SCHEMA))]
