"""`orchestra server rotate-key`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result

from orchestra_client import Client
from orchestra_client.cli.root import orchestra
from orchestra_client.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

VARIABLE = "ORCHESTRA_SECRET_KEY"
OLD, NEW = "an old passphrase of a team", "a new passphrase of a team"


def rotate(path: Path | str) -> Result:
    return CliRunner().invoke(orchestra, ["server", "rotate-key", "--database", f"sqlite:///{path}"])


def test_a_secret_outlives_the_change_of_the_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a secret under the old key, when the key was rotated, then the new one alone reads it."""
    url = f"sqlite:///{tmp_path / 'runs.db'}"
    monkeypatch.setenv(VARIABLE, OLD)
    with Client(url) as client:
        client.set_secret("warehouse", "hunter2")
    monkeypatch.setenv(VARIABLE, f"{NEW},{OLD}")

    result = rotate(tmp_path / "runs.db")

    assert (result.exit_code, "Encrypted 2 values" in result.output) == (0, True)
    monkeypatch.setenv(VARIABLE, NEW)
    with Client(url) as client:
        assert client.get_secret("warehouse") == "hunter2"
    monkeypatch.setenv(VARIABLE, OLD)
    with pytest.raises(ConfigurationError, match="cannot decrypt"):
        Client(url)


@pytest.mark.parametrize("keys", ["", NEW])
def test_it_asks_for_both_keys(keys: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, keys)
    result = rotate(tmp_path / "runs.db")

    assert result.exit_code == 2
    assert f"{VARIABLE}=NEW,OLD" in result.output


def test_it_makes_no_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, f"{NEW},{OLD}")
    result = rotate(tmp_path / "typo.db")

    assert result.exit_code == 1
    assert "There is no database" in result.output
    assert not (tmp_path / "typo.db").exists()
