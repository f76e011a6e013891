"""Saved logins: one entry per server in `credentials.json`, readable by their owner alone.

The file is only ever replaced as a whole, by a complete one, under a lock that all processes of this machine respect;
so no reader sees half of it and no writer undoes another's change. It looks like this::

    {"version": 1, "active": "https://api.example.com/graphql",
     "servers": {"https://api.example.com/graphql": {"api_token": "orc_…", "tenant_id": "…", "tenant_slug": "…"}}}

With a keyring (see `os_keyring`) an entry has ``"keyring": true`` instead of the token.
"""

from __future__ import annotations

import json
import logging
import os
import secrets
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from orchestra_client.errors import ConfigurationError

from .file_lock import locked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

__all__ = ["CredentialStore", "SavedLogin", "TokenKeeper"]

_log = logging.getLogger("orchestra_client")

_FILE = "credentials.json"
_VERSION = 1
_OTHERS = 0o077
_OTHERS_ENTER = 0o011

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class SavedLogin:
    """What is saved for one server. Its repr shows no token.

    Attributes:
        server: the URL, as :func:`~orchestra_client.config.normalize_server` writes it.
        api_token: the API token, or None when only a tenant is saved.
        tenant_id: the tenant to act in, or None.
        tenant_slug: the same tenant as people call it, or None.
    """

    server: str
    api_token: str | None = field(default=None, repr=False)
    tenant_id: str | None = None
    tenant_slug: str | None = None


class TokenKeeper(Protocol):
    """Keeps tokens somewhere safer than a file, one per server."""

    def get(self, server: str) -> str | None:
        """The token for `server`, or None."""
        ...

    def set(self, server: str, token: str) -> None:
        """Keep `token` for `server`, in place of an earlier one."""
        ...

    def delete(self, server: str) -> None:
        """Forget the token for `server`; nothing happens when there is none."""
        ...


class CredentialStore:
    """The saved logins of one user on this machine.

    Safe to share between threads and to use from many processes at once, forked ones included.

    Args:
        folder: where `credentials.json` is, usually the home directory; created on the first save, for its owner alone.
        keeper: makes the place for the tokens when it is needed; None keeps new tokens in the file.
    """

    def __init__(self, folder: Path, *, keeper: Callable[[], TokenKeeper] | None = None) -> None:
        self._path = folder / _FILE
        self._lock_path = folder / f".{_FILE}.lock"
        self._keeper = keeper

    def __repr__(self) -> str:
        return f"<CredentialStore {self._path}>"

    @property
    def path(self) -> Path:
        """The file's path; the file need not exist."""
        return self._path

    @property
    def active_server(self) -> str | None:
        """The server of the latest login, or None.

        Raises:
            ConfigurationError: the file is damaged or cannot be read.
        """
        active = self._read()["active"]
        return active if isinstance(active, str) else None

    def servers(self) -> list[str]:
        """Every server with a saved login, in alphabetical order.

        Raises:
            ConfigurationError: the file is damaged or cannot be read.
        """
        return sorted(self._read()["servers"])

    def load(self, server: str) -> SavedLogin | None:
        """The login for `server`, or None.

        Raises:
            ConfigurationError: the file is damaged, or it or the keyring cannot be read.
        """
        entry = self._read()["servers"].get(server)
        if entry is None:
            return None
        token = self._require_keeper().get(server) if entry.get("keyring") else entry.get("api_token")
        return SavedLogin(server, token, entry.get("tenant_id"), entry.get("tenant_slug"))

    def save_login(
        self,
        server: str,
        api_token: str,
        *,
        tenant_id: str | None = None,
        tenant_slug: str | None = None,
        make_active: bool = True,
    ) -> None:
        """Save a login, in place of an earlier one for the same server. Call it when the login has succeeded.

        Args:
            server: the URL, as :func:`~orchestra_client.config.normalize_server` writes it.
            api_token: the API token.
            tenant_id: the tenant to act in; unset means as the token itself.
            tenant_slug: its slug, for people.
            make_active: whether clients without any other setting use this server from now on.

        Raises:
            ConfigurationError: the file is damaged or cannot be written, or the keyring refuses; what was saved
                before is untouched.
        """
        entry: Document = _present(tenant_id=tenant_id, tenant_slug=tenant_slug)
        with self._change() as document:
            if self._keeper is None:
                entry["api_token"] = api_token
            else:
                self._require_keeper().set(server, api_token)
                entry["keyring"] = True
            document["servers"][server] = entry
            if make_active:
                document["active"] = server

    def set_tenant(self, server: str, *, tenant_id: str | None, tenant_slug: str | None = None) -> None:
        """Change the tenant of a saved login; without a login for `server` nothing happens.

        Args:
            server: the login's server.
            tenant_id: the tenant to act in from now on; None for none.
            tenant_slug: its slug, for people.

        Raises:
            ConfigurationError: the file is damaged or cannot be written; what was saved before is untouched.
        """
        with self._change() as document:
            entry = document["servers"].get(server)
            if entry is not None:
                kept = _present(api_token=entry.get("api_token"), keyring=entry.get("keyring"))
                document["servers"][server] = kept | _present(tenant_id=tenant_id, tenant_slug=tenant_slug)

    def forget(self, server: str) -> bool:
        """Remove the login for `server`.

        Returns:
            Whether there was one.

        Raises:
            ConfigurationError: the file is damaged or cannot be written, or the keyring refuses.
        """
        with self._change() as document:
            entry = document["servers"].pop(server, None)
            if document["active"] == server:
                document["active"] = None
        if entry is not None and entry.get("keyring"):
            self._require_keeper().delete(server)
        return entry is not None

    def _require_keeper(self) -> TokenKeeper:
        if self._keeper is None:
            raise ConfigurationError(
                f"{self._path} says that this login's token is in the keyring: set ORCHESTRA_KEYRING=1 to read it."
            )
        return self._keeper()

    @contextmanager
    def _change(self) -> Iterator[Document]:
        """Read, let the caller change, and replace the file, as one step among all processes."""
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with locked(self._lock_path):
                document = self._read()
                yield document
                _replace(self._path, json.dumps(document, indent=2, sort_keys=True) + "\n")
        except OSError as error:
            raise ConfigurationError(
                f"The login cannot be saved in {self._path} ({error.strerror}); set ORCHESTRA_HOME to a directory "
                "that can be written."
            ) from error

    def _read(self) -> Document:
        try:
            with self._path.open(encoding="utf-8") as file:
                self._keep_private(file.fileno())
                document = json.load(file)
        except FileNotFoundError:
            return {"version": _VERSION, "active": None, "servers": {}}
        except OSError as error:
            raise ConfigurationError(f"{self._path} cannot be read ({error.strerror}).") from error
        except (ValueError, RecursionError):
            # Neither the text nor the error is shown: there are tokens in it.
            raise self._damaged("it is not JSON") from None
        return self._checked(document)

    def _keep_private(self, descriptor: int) -> None:
        if os.name != "posix" or not os.fstat(descriptor).st_mode & _OTHERS:
            return
        with suppress(OSError):
            os.fchmod(descriptor, 0o600)
        if not _lets_others_in(self._path.resolve().parent):
            return
        _log.warning(
            "Other users of this machine could read %s, which holds API tokens. It is private from now on if that was "
            "possible; replace the tokens if you share this machine.",
            self._path,
        )

    def _checked(self, document: Any) -> Document:
        if not isinstance(document, dict) or not isinstance(document.get("servers"), dict):
            raise self._damaged("it holds no servers")
        if not all(isinstance(entry, dict) for entry in document["servers"].values()):
            raise self._damaged("an entry is not an object")
        version = document.get("version")
        if not isinstance(version, int):
            raise self._damaged("it has no version")
        if version > _VERSION:
            raise ConfigurationError(
                f"{self._path} was written by a newer orchestra-client (version {version!r} of its form); upgrade, or "
                "set ORCHESTRA_HOME to another directory."
            )
        return {"active": None, **document}

    def _damaged(self, reason: str) -> ConfigurationError:
        return ConfigurationError(
            f"{self._path} is damaged ({reason}). It is left as it is: mend it, or move it away and log in again."
        )


def _lets_others_in(folder: Path) -> bool:
    """Whether others get at the files of a folder, as far as those allow it."""
    try:
        return bool(folder.stat().st_mode & _OTHERS_ENTER)
    except OSError:
        return True


def _present(**values: Mapping[str, Any] | str | bool | None) -> Document:
    return {name: value for name, value in values.items() if value is not None}


def _replace(path: Path, text: str) -> None:
    # A link that someone put there, e.g. into an encrypted folder, stays one.
    target = path.resolve()
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(8)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
