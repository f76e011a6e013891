"""What must not be readable at rest: secrets, signing keys and stored answers, encrypted with Fernet.

Where the key comes from, in this order:

1. ``ORCHESTRA_SECRET_KEY``: a Fernet key, or a passphrase of at least 16 characters.
2. The file ``secret.key`` in ``ORCHESTRA_HOME``, made at first need and readable by its owner alone.

To change the key, put the new one before the old one, separated by a comma: ``ORCHESTRA_SECRET_KEY=NEW,OLD``.
The first key encrypts, every one of them decrypts. A key that came from the file rotates alike: ``NEW`` and the
file's content. The old key can go once `orchestra server rotate-key` has written anew what it encrypted.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
import stat
import uuid
from typing import TYPE_CHECKING, Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from orchestra_client.errors import ConfigurationError
from orchestra_client.server.store import json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

VARIABLE = "ORCHESTRA_SECRET_KEY"
"""The environment variable that holds the key, or several, separated by commas."""

FILE_NAME = "secret.key"
"""The key's file in ORCHESTRA_HOME."""

MIN_PASSPHRASE = 16
"""Characters of a passphrase."""

_FERNET_KEY = re.compile(r"[A-Za-z0-9_\-]{43}=")
# There is nowhere to keep a random salt: processes that share a passphrase must arrive at one key.
_SALT = b"orchestra-client vault 1"


class Vault:
    """Encrypts and decrypts bytes and JSON values.

    Safe to share between threads and across a fork: it holds keys and nothing that changes.

    Args:
        keys: Fernet keys, at least one; the first encrypts, all decrypt.
        source: where the keys came from, for error messages.
    """

    def __init__(self, keys: Sequence[bytes], *, source: str) -> None:
        self._fernet = MultiFernet([Fernet(key) for key in keys])
        self.source = source

    @classmethod
    def open(cls, home: Path | None, environ: Mapping[str, str]) -> Vault:
        """The vault of this installation.

        Args:
            home: the folder of the key file, made when it is missing; None for an installation without one.
            environ: the environment, for ``ORCHESTRA_SECRET_KEY``; empty counts as unset.

        Raises:
            ConfigurationError: a passphrase is too short, the file is damaged, readable by everyone or cannot be
                made, or there is neither variable nor folder.
        """
        if configured := environ.get(VARIABLE):
            return cls([_key_of(part.strip()) for part in configured.split(",")], source=VARIABLE)
        if home is None:
            raise ConfigurationError(f"There is no folder for the server's key; set {VARIABLE}.")
        path = home / FILE_NAME
        return cls([_key_in(path)], source=str(path))

    @classmethod
    def ephemeral(cls) -> Vault:
        """A vault whose key ends with it, for a database that does, too."""
        return cls([Fernet.generate_key()], source="this process")

    def encrypt(self, plain: bytes) -> bytes:
        """Make bytes unreadable without the key; each call answers others."""
        return self._fernet.encrypt(plain)

    def decrypt(self, ciphertext: bytes) -> bytes:
        """What `encrypt` was given.

        Raises:
            ConfigurationError: none of the keys fits, or the ciphertext was altered.
        """
        try:
            return self._fernet.decrypt(ciphertext)
        except InvalidToken:
            raise ConfigurationError(
                f"The database holds values that the key from {self.source} cannot decrypt. Start with the key that "
                f"encrypted them: set {VARIABLE} to it (after a change of keys, to NEW,OLD), or put its {FILE_NAME} "
                "back into ORCHESTRA_HOME."
            ) from None

    def encrypt_json(self, value: Any) -> bytes:
        """Make a JSON value unreadable without the key."""
        return self.encrypt(json.dumps(value).encode())

    def decrypt_json(self, ciphertext: bytes) -> Any:
        """What `encrypt_json` was given.

        Raises:
            ConfigurationError: none of the keys fits, or the ciphertext was altered.
        """
        return json.loads(self.decrypt(ciphertext))

    def __repr__(self) -> str:
        return f"Vault(source={self.source!r})"


def _key_of(text: str) -> bytes:
    """The Fernet key that a part of the variable is, or that is derived from it."""
    if _FERNET_KEY.fullmatch(text):
        return text.encode()
    if len(text) < MIN_PASSPHRASE:
        raise ConfigurationError(
            f"Each key in {VARIABLE} must be a Fernet key or a passphrase of at least {MIN_PASSPHRASE} characters "
            f"without commas; one has {len(text)}."
        )
    passphrase = text.encode("utf-8", "surrogateescape")
    return base64.urlsafe_b64encode(hashlib.scrypt(passphrase, salt=_SALT, n=2**14, r=8, p=1, dklen=32))


def _key_in(path: Path) -> bytes:
    """The key of the file, which is made first where there is none."""
    try:
        if not path.exists():
            _make(path)
        return _read(path)
    except OSError as error:
        raise ConfigurationError(
            f"The server's key file {path} cannot be used ({error.strerror}); make its folder accessible, "
            f"or set {VARIABLE}."
        ) from error


def _read(path: Path) -> bytes:
    if os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & stat.S_IRWXO:
        raise ConfigurationError(f"Everyone on this machine can reach the server's key: chmod 600 {path}")
    key = path.read_bytes().strip()
    if not _FERNET_KEY.fullmatch(key.decode("ascii", "replace")):
        raise ConfigurationError(
            f"The server's key file {path} is damaged; put its backup back, or set {VARIABLE} to the key. "
            "Without the key, the secrets in the database are lost."
        )
    return key


def _make(path: Path) -> None:
    """Create the file whole or not at all; of several processes at once, the first to link its key wins."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.{uuid.uuid4()}")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(Fernet.generate_key() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    except FileExistsError:
        pass  # Another process was faster; its key is read instead.
    finally:
        draft.unlink(missing_ok=True)
