"""The home directory, and environment variables with a meaning."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from orchestra_client.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["flag", "home", "is_ci", "make_home", "number"]

_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off"})


def home(environ: Mapping[str, str] | None = None) -> Path:
    """The directory for everything that is kept on this machine: logins, the embedded store, its keys.

    Args:
        environ: the environment variables; unset means those of the process.

    Returns:
        An absolute path, from `ORCHESTRA_HOME` or else the platform's place for a user's data. It need not exist.
    """
    chosen = (os.environ if environ is None else environ).get("ORCHESTRA_HOME")
    if chosen:
        return Path(chosen).expanduser().absolute()
    from platformdirs import user_data_path  # noqa: PLC0415 (only needed where ORCHESTRA_HOME is not set)

    return user_data_path("orchestra", appauthor=False)


def make_home(environ: Mapping[str, str] | None = None) -> Path:
    """The same directory as :func:`home`, created if need be, for its owner alone.

    Raises:
        ConfigurationError: it cannot be created.
    """
    path = home(environ)
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(
            f"The directory {path} cannot be created ({error.strerror}); set ORCHESTRA_HOME to one that can."
        ) from error
    return path


def flag(environ: Mapping[str, str], name: str, *, default: bool = False) -> bool:
    """Read an environment variable that is on or off.

    Args:
        environ: the environment variables.
        name: of the variable.
        default: when it is not set, or empty.

    Raises:
        ConfigurationError: it is neither 1, true, yes, on nor 0, false, no, off.
    """
    text = environ.get(name, "").strip().lower()
    if not text:
        return default
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    raise ConfigurationError(f"{name} is on or off: set it to 1 or 0, not {environ[name]!r}.")


def number(environ: Mapping[str, str], name: str, *, default: float, minimum: float = 0.0) -> float:
    """Read an environment variable that is a number.

    Args:
        environ: the environment variables.
        name: of the variable.
        default: when it is not set, or empty.
        minimum: the smallest value that makes sense.

    Raises:
        ConfigurationError: it is no finite number, or smaller than `minimum`.
    """
    text = environ.get(name, "").strip()
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    # A comparison that NaN fails, too.
    if not minimum <= value < float("inf"):
        raise ConfigurationError(f"{name} is a number from {minimum:g} up, not {text!r}.")
    return value


def is_ci(environ: Mapping[str, str]) -> bool:
    """Whether this runs unattended: `CI` is set to anything but an empty or negative value."""
    return environ.get("CI", "").strip().lower() not in {"", *_FALSE}
