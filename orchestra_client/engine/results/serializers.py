"""Values as bytes and back."""

from __future__ import annotations

import json
import pickle
from importlib import import_module
from typing import Any, Protocol

from orchestra_client.errors import ResultError

__all__ = ["JSONSerializer", "PickleSerializer", "Serializer"]


class Serializer(Protocol):
    """Writes values as bytes and reads them back.

    Attributes:
        suffix: what names of its files end in, with the dot.
    """

    suffix: str

    def dumps(self, value: Any) -> bytes:
        """Write a value.

        Raises:
            ResultError: it cannot be written this way.
        """
        ...

    def loads(self, content: bytes) -> Any:
        """Read a value.

        Raises:
            ResultError: the bytes are none of its own.
        """
        ...


class PickleSerializer:
    """Any Python value, pickled; with cloudpickle, where it is installed, what plain pickle refuses, too.

    Only for stores that nobody else can write to: reading a pickle runs what is in it. Stateless; safe to share.
    """

    suffix = ".pickle"

    def dumps(self, value: Any) -> bytes:
        """Pickle a value; see `Serializer.dumps`."""
        try:
            return pickle.dumps(value, protocol=5)
        except Exception as error:  # noqa: BLE001 (someone's own __reduce__ may raise anything)
            return _dumps_more(value, error)

    def loads(self, content: bytes) -> Any:
        """Unpickle a value; see `Serializer.loads`."""
        try:
            return pickle.loads(content)  # noqa: S301 (the class's docstring says for which stores)
        except Exception as error:
            raise ResultError(
                f"a stored result cannot be unpickled: {type(error).__name__}: {error}"
            ) from error


def _dumps_more(value: Any, error: Exception) -> bytes:
    try:
        content: bytes = import_module("cloudpickle").dumps(value, protocol=5)
    except Exception:  # noqa: BLE001 (likewise)
        advice = "return something that can, or give the task checkpoint=False"
        kind = type(value).__name__
        raise ResultError(f"a result of type {kind} cannot be pickled ({error}); {advice}") from error
    return content


class JSONSerializer:
    """JSON, which people and other programs can read. A tuple comes back as a list. Stateless; safe to share."""

    suffix = ".json"

    def dumps(self, value: Any) -> bytes:
        """Write a value as JSON; see `Serializer.dumps`."""
        try:
            return json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
        except (TypeError, ValueError, RecursionError) as error:
            raise ResultError(f"a result of type {type(value).__name__} is not JSON: {error}") from error

    def loads(self, content: bytes) -> Any:
        """Read JSON; see `Serializer.loads`."""
        try:
            return json.loads(content)
        except ValueError as error:
            raise ResultError(f"a stored result is not JSON: {error}") from error
