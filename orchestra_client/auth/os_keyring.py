"""API tokens in the operating system's keyring, through the `keyring` library."""

from __future__ import annotations

from typing import Any

from orchestra_client.errors import ConfigurationError, MissingExtra

__all__ = ["SERVICE", "KeyringTokens"]

SERVICE = "orchestra-client"
"""The name under which the keyring lists our tokens; the account is the server's URL."""


class KeyringTokens:
    """Keeps one token per server in the operating system's keyring. Safe to share between threads.

    Raises:
        MissingExtra: `keyring` is not installed.
    """

    def __init__(self) -> None:
        try:
            import keyring  # noqa: PLC0415 (an optional part)
        except ImportError:
            raise MissingExtra("keyring", "Keeping tokens in the keyring") from None
        self._keyring = keyring

    def get(self, server: str) -> str | None:
        """The token for `server`, or None.

        Raises:
            ConfigurationError: there is no keyring, or it is locked.
        """
        token: str | None = self._call("get_password", server)
        return token

    def set(self, server: str, token: str) -> None:
        """Keep `token` for `server`, in place of an earlier one.

        Raises:
            ConfigurationError: there is no keyring, or it is locked.
        """
        self._call("set_password", server, token)

    def delete(self, server: str) -> None:
        """Forget the token for `server`; nothing happens when there is none.

        Raises:
            ConfigurationError: there is no keyring, or it is locked.
        """
        if self.get(server) is not None:
            self._call("delete_password", server)

    def _call(self, method: str, server: str, *arguments: str) -> Any:
        from keyring.errors import KeyringError  # noqa: PLC0415 (an optional part)

        try:
            return getattr(self._keyring, method)(SERVICE, server, *arguments)
        except KeyringError as error:
            raise ConfigurationError(
                f"The keyring cannot be used ({type(error).__name__}). Unlock or install one, or unset "
                "ORCHESTRA_KEYRING to keep tokens in a file that only you can read."
            ) from None
