"""Logins that are kept between processes."""

from __future__ import annotations

import json
import logging
import multiprocessing
import os
import sys
import threading
from typing import TYPE_CHECKING

import keyring
import keyring.backend
import keyring.errors
import pytest

from orchestra_client.auth import file_lock
from orchestra_client.auth.os_keyring import SERVICE, KeyringTokens
from orchestra_client.auth.store import CredentialStore, SavedLogin
from orchestra_client.errors import ConfigurationError, MissingExtra

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SERVER = "https://api.example.com/graphql"
OTHER = "http://127.0.0.1:4200/graphql"
TOKEN = "orc_" + "t" * 43

posix = pytest.mark.skipif(os.name != "posix", reason="modes are a matter of POSIX")


@pytest.fixture
def store(isolated_environment: Path) -> CredentialStore:
    return CredentialStore(isolated_environment)


def write_file(store: CredentialStore, text: str, mode: int = 0o600) -> None:
    store.path.parent.mkdir(parents=True, exist_ok=True)
    store.path.write_text(text)
    store.path.chmod(mode)


class TestSaving:
    def test_brings_back_what_was_saved(self, store):
        store.save_login(SERVER, TOKEN, tenant_id="t1", tenant_slug="team")
        assert store.load(SERVER) == SavedLogin(SERVER, TOKEN, "t1", "team")
        assert store.active_server == SERVER
        assert store.servers() == [SERVER]

    def test_of_nothing_is_nothing(self, store):
        assert store.load(SERVER) is None
        assert store.active_server is None
        assert store.servers() == []
        assert not store.path.parent.exists()

    def test_keeps_servers_apart(self, store):
        store.save_login(SERVER, TOKEN)
        store.save_login(OTHER, "orc_other", make_active=False)
        assert (store.load(SERVER).api_token, store.load(OTHER).api_token) == (TOKEN, "orc_other")
        assert store.active_server == SERVER

    def test_again_replaces_tenant_and_token(self, store):
        store.save_login(SERVER, TOKEN, tenant_id="t1")
        store.save_login(SERVER, "orc_new")
        assert store.load(SERVER) == SavedLogin(SERVER, "orc_new")

    def test_can_change_the_tenant_alone(self, store):
        store.save_login(SERVER, TOKEN, tenant_id="t1", tenant_slug="one")
        store.set_tenant(SERVER, tenant_id="t2")
        assert store.load(SERVER) == SavedLogin(SERVER, TOKEN, "t2")
        store.set_tenant(SERVER, tenant_id=None)
        assert store.load(SERVER) == SavedLogin(SERVER, TOKEN)

    def test_a_tenant_without_a_login_does_nothing(self, store):
        store.set_tenant(SERVER, tenant_id="t1")
        assert store.load(SERVER) is None

    def test_can_be_undone(self, store):
        store.save_login(OTHER, "orc_other")
        store.save_login(SERVER, TOKEN)
        assert store.forget(SERVER) is True
        assert store.forget(SERVER) is False
        assert (store.load(SERVER), store.active_server, store.servers()) == (None, None, [OTHER])

    def test_keeps_what_a_later_version_may_have_added(self, store):
        write_file(store, '{"version": 1, "active": null, "servers": {}, "colour": "blue"}')
        store.save_login(SERVER, TOKEN)
        assert json.loads(store.path.read_text())["colour"] == "blue"


class TestPrivacy:
    @posix
    def test_the_file_and_its_folder_are_for_the_owner_alone(self, store):
        before = os.umask(0)
        try:
            store.save_login(SERVER, TOKEN)
        finally:
            os.umask(before)
        assert store.path.stat().st_mode & 0o777 == 0o600
        assert store.path.parent.stat().st_mode & 0o777 == 0o700

    @posix
    def test_no_file_with_a_token_is_ever_open_to_others(self, store, monkeypatch):
        opened = []
        real = os.open

        def watch(path, flags, mode=0o777, **kwargs):
            opened.append((mode, flags & os.O_EXCL, str(path)))
            return real(path, flags, mode, **kwargs)

        monkeypatch.setattr(os, "open", watch)
        store.save_login(SERVER, TOKEN)
        assert {mode for mode, _, _ in opened} == {0o600}
        assert all(exclusive for _, exclusive, path in opened if not path.endswith(".lock"))

    @posix
    def test_a_file_that_others_can_read_is_closed_to_them_with_a_warning(self, store, caplog):
        store.save_login(SERVER, TOKEN)
        store.path.parent.chmod(0o755)
        store.path.chmod(0o644)
        with caplog.at_level(logging.WARNING, logger="orchestra_client"):
            assert store.load(SERVER).api_token == TOKEN
        assert store.path.stat().st_mode & 0o777 == 0o600
        assert "Other users" in caplog.text
        assert TOKEN not in caplog.text

    @posix
    def test_behind_a_closed_folder_nobody_could_read_it(self, store, caplog):
        store.save_login(SERVER, TOKEN)
        store.path.parent.chmod(0o700)
        store.path.chmod(0o644)
        assert store.load(SERVER).api_token == TOKEN
        assert store.path.stat().st_mode & 0o777 == 0o600
        assert caplog.text == ""

    def test_nothing_prints_the_token(self, store):
        store.save_login(SERVER, TOKEN)
        assert TOKEN not in repr(store.load(SERVER)) + repr(store)


class TestDamage:
    @pytest.mark.parametrize(
        "text",
        [
            "",
            "{",
            "[]",
            '{"version": 1}',
            '{"version": 1, "servers": {"a": "orc_secret_token"}}',
            '{"orc_secret',
            '{"version": "1", "servers": {}}',
            "[" * 100_000,
        ],
    )
    def test_is_named_and_never_overwritten(self, store, text):
        write_file(store, text)
        for use in (
            lambda: store.load(SERVER),
            lambda: store.save_login(SERVER, TOKEN),
            lambda: store.forget(SERVER),
        ):
            with pytest.raises(ConfigurationError, match=r"credentials\.json is damaged") as caught:
                use()
            assert "secret" not in str(caught.value)
            assert caught.value.__cause__ is None
        assert store.path.read_text() == text

    def test_is_not_what_a_newer_version_wrote(self, store):
        write_file(store, '{"version": 2, "servers": {}}')
        with pytest.raises(ConfigurationError, match="newer"):
            store.save_login(SERVER, TOKEN)

    @posix
    @pytest.mark.skipif(os.getuid() == 0, reason="root may read everything")
    def test_is_not_a_file_of_someone_else(self, store):
        store.save_login(SERVER, TOKEN)
        store.path.chmod(0)
        with pytest.raises(ConfigurationError, match="cannot be read"):
            store.load(SERVER)

    def test_of_the_folder_is_explained(self, tmp_path):
        (tmp_path / "file").write_text("in the way")
        with pytest.raises(ConfigurationError, match="set ORCHESTRA_HOME"):
            CredentialStore(tmp_path / "file" / "home").save_login(SERVER, TOKEN)

    def test_half_way_through_a_save_leaves_what_was(self, store, monkeypatch):
        store.save_login(SERVER, TOKEN)

        def full(descriptor: int) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(ConfigurationError, match="No space left"):
            store.save_login(SERVER, "orc_new")
        assert store.load(SERVER).api_token == TOKEN
        assert sorted(path.name for path in store.path.parent.iterdir()) == [
            ".credentials.json.lock",
            "credentials.json",
        ]

    @posix
    def test_is_not_a_link_which_stays_one(self, store, tmp_path):
        real = tmp_path / "elsewhere.json"
        real.write_text('{"version": 1, "servers": {}}')
        real.chmod(0o600)
        store.path.parent.mkdir(parents=True)
        store.path.symlink_to(real)
        store.save_login(SERVER, TOKEN)
        assert store.path.is_symlink()
        assert TOKEN in real.read_text()


def save_many(folder: Path, writer: int) -> None:
    store = CredentialStore(folder)
    for number in range(10):
        store.save_login(f"http://host-{writer}-{number}/graphql", f"orc_{writer}_{number}")


class TestManyWriters:
    def test_threads_lose_nothing(self, isolated_environment):
        threads = [threading.Thread(target=save_many, args=(isolated_environment, n)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(CredentialStore(isolated_environment).servers()) == 80

    @pytest.mark.slow
    def test_processes_lose_nothing(self, isolated_environment):
        fork = multiprocessing.get_context("fork")
        processes = [fork.Process(target=save_many, args=(isolated_environment, n)) for n in range(4)]
        for process in processes:
            process.start()
        for process in processes:
            process.join()
        assert len(CredentialStore(isolated_environment).servers()) == 40

    def test_a_holder_that_never_lets_go_is_named(self, tmp_path):
        path, now = tmp_path / "lock", iter(range(100))
        with (
            file_lock.locked(path),
            pytest.raises(ConfigurationError, match="Another process has been holding"),
            file_lock.locked(path, clock=lambda: next(now), sleep=lambda _: None),
        ):
            pass


class MemoryKeyring(keyring.backend.KeyringBackend):
    """A keyring that is gone with its test."""

    priority = 1  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self.passwords: dict[tuple[str, str], str] = {}
        self.is_locked = False

    def get_password(self, service, username):
        if self.is_locked:
            raise keyring.errors.KeyringLocked(f"locked, but {TOKEN}")
        return self.passwords.get((service, username))

    def set_password(self, service, username, password):
        if self.is_locked:
            raise keyring.errors.KeyringLocked("locked")
        self.passwords[service, username] = password

    def delete_password(self, service, username):
        del self.passwords[service, username]


class TestKeyring:
    @pytest.fixture
    def backend(self) -> Iterator[MemoryKeyring]:
        before, backend = keyring.get_keyring(), MemoryKeyring()
        keyring.set_keyring(backend)
        yield backend
        keyring.set_keyring(before)

    @pytest.fixture
    def store(self, isolated_environment, backend) -> CredentialStore:
        return CredentialStore(isolated_environment, keeper=KeyringTokens)

    def test_holds_the_token_and_the_file_only_the_rest(self, store, backend):
        store.save_login(SERVER, TOKEN, tenant_id="t1")
        assert backend.passwords == {(SERVICE, SERVER): TOKEN}
        assert TOKEN not in store.path.read_text()
        assert store.load(SERVER) == SavedLogin(SERVER, TOKEN, "t1")

    def test_keeps_the_token_when_the_tenant_changes(self, store):
        store.save_login(SERVER, TOKEN)
        store.set_tenant(SERVER, tenant_id="t2")
        assert store.load(SERVER) == SavedLogin(SERVER, TOKEN, "t2")

    def test_takes_over_a_login_from_the_file(self, store):
        CredentialStore(store.path.parent).save_login(SERVER, TOKEN)
        assert store.load(SERVER).api_token == TOKEN
        store.save_login(SERVER, TOKEN)
        assert TOKEN not in store.path.read_text()

    def test_forgets(self, store, backend):
        store.save_login(SERVER, TOKEN)
        assert store.forget(SERVER) is True
        assert backend.passwords == {}

    def test_that_was_emptied_by_someone_else_is_no_login(self, store, backend):
        store.save_login(SERVER, TOKEN)
        backend.passwords.clear()
        assert store.load(SERVER).api_token is None
        assert store.forget(SERVER) is True

    def test_that_is_locked_is_explained_and_nothing_is_saved(self, store, backend):
        backend.is_locked = True
        with pytest.raises(ConfigurationError, match="KeyringLocked"):
            store.save_login(SERVER, TOKEN)
        assert store.servers() == []

    def test_error_shows_no_token(self, store, backend):
        store.save_login(SERVER, TOKEN)
        backend.is_locked = True
        with pytest.raises(ConfigurationError) as caught:
            store.load(SERVER)
        assert TOKEN not in str(caught.value)

    def test_that_is_switched_off_says_how_to_switch_it_on(self, store):
        store.save_login(SERVER, TOKEN)
        with pytest.raises(ConfigurationError, match="ORCHESTRA_KEYRING=1"):
            CredentialStore(store.path.parent).load(SERVER)

    def test_that_is_not_installed_names_the_extra(self, monkeypatch, isolated_environment):
        monkeypatch.setitem(sys.modules, "keyring", None)
        with pytest.raises(MissingExtra, match=r"orchestra-client\[keyring\]"):
            CredentialStore(isolated_environment, keeper=KeyringTokens).save_login(SERVER, TOKEN)
