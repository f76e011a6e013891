from __future__ import annotations

import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st

from orchestra_client.errors import ConfigurationError
from orchestra_client.server.vault import Vault

if TYPE_CHECKING:
    from pathlib import Path

PASSPHRASE = "correct horse battery staple"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
EPHEMERAL = Vault.ephemeral()


def keyed(*keys: str) -> Vault:
    return Vault.open(None, {"ORCHESTRA_SECRET_KEY": ",".join(keys)})


class TestValues:
    @given(JSON)
    def test_json_comes_back_as_it_was(self, value: Any) -> None:
        assert EPHEMERAL.decrypt_json(EPHEMERAL.encrypt_json(value)) == value

    @given(st.binary(max_size=200))
    def test_bytes_come_back_as_they_were(self, plain: bytes) -> None:
        assert EPHEMERAL.decrypt(EPHEMERAL.encrypt(plain)) == plain

    def test_a_lone_surrogate_survives(self) -> None:
        assert EPHEMERAL.decrypt_json(EPHEMERAL.encrypt_json("\ud800")) == "\ud800"

    def test_an_altered_ciphertext_is_refused(self) -> None:
        ciphertext = bytearray(EPHEMERAL.encrypt(b"value"))
        ciphertext[20] ^= 1

        with pytest.raises(ConfigurationError, match="cannot decrypt"):
            EPHEMERAL.decrypt(bytes(ciphertext))

    def test_a_representation_names_the_source_and_no_key(self) -> None:
        assert repr(keyed(PASSPHRASE)) == "Vault(source='ORCHESTRA_SECRET_KEY')"


class TestVariable:
    def test_the_same_passphrase_is_the_same_key(self) -> None:
        assert keyed(PASSPHRASE).decrypt(keyed(PASSPHRASE).encrypt(b"value")) == b"value"

    def test_a_fernet_key_is_used_as_it_is(self) -> None:
        key = Fernet.generate_key()

        assert Fernet(key).decrypt(keyed(key.decode()).encrypt(b"value")) == b"value"

    def test_another_passphrase_is_refused_with_what_to_do(self) -> None:
        ciphertext = keyed(PASSPHRASE).encrypt(b"value")

        with pytest.raises(
            ConfigurationError, match=r"ORCHESTRA_SECRET_KEY cannot decrypt.*set ORCHESTRA_SECRET_KEY"
        ):
            keyed(PASSPHRASE + "!").decrypt(ciphertext)

    @pytest.mark.parametrize(
        "value", ["x", "fifteen chars!!", f"{PASSPHRASE},short", f"{PASSPHRASE},", ",", " " * 20]
    )
    def test_a_short_passphrase_is_refused(self, value: str) -> None:
        with pytest.raises(ConfigurationError, match="at least 16 characters"):
            keyed(value)

    def test_a_refusal_does_not_show_the_passphrase(self) -> None:
        with pytest.raises(ConfigurationError) as refusal:
            keyed("hunter2")

        assert "hunter2" not in str(refusal.value)

    def test_a_new_key_before_the_old_one_decrypts_both(self) -> None:
        old, new = PASSPHRASE, Fernet.generate_key().decode()
        both = keyed(new, old)

        assert both.decrypt(keyed(old).encrypt(b"value")) == b"value"
        assert keyed(new).decrypt(both.encrypt(b"value")) == b"value"

    def test_it_wins_over_the_file(self, tmp_path: Path) -> None:
        vault = Vault.open(tmp_path, {"ORCHESTRA_SECRET_KEY": PASSPHRASE})

        assert vault.source == "ORCHESTRA_SECRET_KEY"
        assert list(tmp_path.iterdir()) == []

    def test_without_a_variable_there_must_be_a_folder(self) -> None:
        with pytest.raises(ConfigurationError, match="set ORCHESTRA_SECRET_KEY"):
            Vault.open(None, {})


class TestFile:
    def test_a_second_start_reads_the_key_of_the_first(self, tmp_path: Path) -> None:
        home = tmp_path / "new" / "home"
        ciphertext = Vault.open(home, {}).encrypt(b"value")

        assert Vault.open(home, {"ORCHESTRA_SECRET_KEY": ""}).decrypt(ciphertext) == b"value"

    @pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
    def test_only_its_owner_can_read_it_whatever_the_umask(self, tmp_path: Path) -> None:
        before = os.umask(0)
        try:
            Vault.open(tmp_path / "home", {})
        finally:
            os.umask(before)

        assert stat.S_IMODE((tmp_path / "home" / "secret.key").stat().st_mode) == 0o600
        assert stat.S_IMODE((tmp_path / "home").stat().st_mode) == 0o700

    def test_nothing_else_is_left_in_the_folder(self, tmp_path: Path) -> None:
        Vault.open(tmp_path, {})

        assert [path.name for path in tmp_path.iterdir()] == ["secret.key"]

    @pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
    def test_a_file_that_everyone_can_read_is_refused(self, tmp_path: Path) -> None:
        Vault.open(tmp_path, {})
        (tmp_path / "secret.key").chmod(0o644)

        with pytest.raises(ConfigurationError, match="chmod 600"):
            Vault.open(tmp_path, {})

    @pytest.mark.parametrize("content", [b"", b"half a ke", b"\xff\xfe"])
    def test_a_damaged_file_is_refused_and_kept(self, tmp_path: Path, content: bytes) -> None:
        (tmp_path / "secret.key").write_bytes(content)
        (tmp_path / "secret.key").chmod(0o600)

        with pytest.raises(ConfigurationError, match="damaged"):
            Vault.open(tmp_path, {})
        assert (tmp_path / "secret.key").read_bytes() == content

    def test_a_folder_that_cannot_be_made_is_a_clear_error(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("in the way")

        with pytest.raises(ConfigurationError, match="set ORCHESTRA_SECRET_KEY"):
            Vault.open(tmp_path / "file" / "home", {})

    def test_threads_that_start_at_once_share_one_key(self, tmp_path: Path) -> None:
        with ThreadPoolExecutor(16) as pool:
            vaults = list(pool.map(lambda _: Vault.open(tmp_path, {}), range(16)))

        ciphertext = vaults[0].encrypt(b"value")
        assert [vault.decrypt(ciphertext) for vault in vaults] == [b"value"] * 16

    @pytest.mark.slow
    def test_processes_that_start_at_once_share_one_key(self, tmp_path: Path) -> None:
        program = (
            "import pathlib, sys\n"
            "from orchestra_client.server.vault import Vault\n"
            "print('ready', flush=True)\n"
            "sys.stdin.readline()\n"
            "sys.stdout.write(Vault.open(pathlib.Path(sys.argv[1]), {}).encrypt(b'value').decode())"
        )
        starters = [
            subprocess.Popen(
                [sys.executable, "-c", program, str(tmp_path / "home")],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for _ in range(4)
        ]
        outputs = [starter.stdout for starter in starters if starter.stdout]
        assert [output.readline() for output in outputs] == ["ready\n"] * 4
        for starter in starters:
            assert starter.stdin
            starter.stdin.write("go\n")
            starter.stdin.flush()
        ciphertexts = [starter.communicate(timeout=60)[0] for starter in starters]

        survivor = Vault.open(tmp_path / "home", {})
        assert [survivor.decrypt(text.encode()) for text in ciphertexts] == [b"value"] * 4
