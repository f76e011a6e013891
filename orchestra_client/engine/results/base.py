"""What all stores of results have in common: templates for locations, and the record of what was stored."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Final

from orchestra_client.engine.results.serializers import PickleSerializer
from orchestra_client.errors import ResultError
from orchestra_client.states import Result

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from orchestra_client.engine.results.serializers import Serializer

__all__ = ["DEFAULT_LOCATION", "ResultStore", "fill_template"]

DEFAULT_LOCATION: Final = "{flow_run_id}/{task_slug}{map_suffix}"
"""One place for each task run, the same whenever it is tried; the serializer's suffix follows."""

_UNSAFE = re.compile(r"[^\w.=@+ -]+")


class ResultStore(ABC):
    """Keeps the values that tasks return, as files or objects below a root.

    A value is there completely or not at all, and lasts until somebody deletes it. Safe to share between threads.

    Args:
        location: where a result goes, below the root: a template for `str.format` over the run's context and inputs,
            e.g. ``"{flow_name}/{today}/{task_slug}-{map_index}.json"``, or a function of those that returns one. Unset
            means one place for each task run.
        serializer: makes bytes of values; unset means pickle.
    """

    wire_type = "Result"

    def __init__(
        self,
        location: str | Callable[..., str] | None = None,
        serializer: Serializer | None = None,
    ) -> None:
        self.location = location
        self.serializer = serializer or PickleSerializer()

    def place(self, values: Mapping[str, Any], template: str | Callable[..., str] | None = None) -> str:
        """Where a result goes.

        Args:
            values: the run's context and inputs by name.
            template: in place of the store's own.

        Returns:
            The location, relative to the root.

        Raises:
            ResultError: the template needs a value that there is none of, or leads out of the root.
        """
        chosen = template or self.location
        if chosen is None:
            names = {name: _UNSAFE.sub("-", str(values[name])) for name in ("flow_run_id", "task_slug")}
            index = values.get("map_index")
            suffix = "" if index is None else f"-{index}"
            return DEFAULT_LOCATION.format(map_suffix=suffix, **names) + self.serializer.suffix
        return _checked(fill_template(chosen, values))

    def write(self, value: Any, location: str) -> Result:
        """Store a value, in place of one that is there.

        Args:
            value: anything that the serializer takes.
            location: as `place` made it.

        Returns:
            The result for the state: value and location.

        Raises:
            ResultError: it cannot be written.
        """
        content = self.serializer.dumps(value)
        try:
            self._put(_checked(location), content)
        except OSError as error:
            raise ResultError(
                f"{self!r}: {location} cannot be written: {error}", location=location
            ) from error
        return self.describe(value, location)

    def read(self, location: str) -> Any:
        """Read a value back.

        Args:
            location: where it is.

        Returns:
            The value.

        Raises:
            ResultError: it is not there, or cannot be read.
        """
        try:
            content = self._get(_checked(location))
        except OSError as error:
            raise ResultError(f"{self!r}: {location} cannot be read: {error}", location=location) from error
        return self.serializer.loads(content)

    def describe(self, value: Any, location: str) -> Result:
        """The result of a state for a value that is at a location."""
        return Result(value, location, type=self.wire_type, fields=self._fields())

    def serialize(self) -> dict[str, Any]:
        """The store in the JSON of a flow: Prefect's type for it, and the location if that is a template."""
        template = self.location if isinstance(self.location, str) else None
        return {"type": self.wire_type, "location": template, **self._fields()}

    @abstractmethod
    def exists(self, location: str) -> bool:
        """Whether something is at a location."""

    @abstractmethod
    def _put(self, location: str, content: bytes) -> None:
        """Write all of the bytes, or nothing."""

    @abstractmethod
    def _get(self, location: str) -> bytes:
        """Read the bytes."""

    def _fields(self) -> dict[str, Any]:
        """What else of it travels in a state's JSON."""
        return {}


def fill_template(template: str | Callable[..., str], values: Mapping[str, Any]) -> str:
    """Fill a template for a name or location.

    Args:
        template: for `str.format`, or a function of the values that returns the text.
        values: by name.

    Returns:
        The text.

    Raises:
        ResultError: a value is missing, or the template cannot be filled.
    """
    try:
        return str(template(**values) if callable(template) else template.format(**values))
    except KeyError as error:
        known = ", ".join(sorted(values))
        raise ResultError(f"the template {template!r} needs {error}, which is none of {known}") from None
    except (TypeError, ValueError, IndexError, AttributeError) as error:
        raise ResultError(f"the template {template!r} cannot be filled: {error}") from error


def _checked(location: str) -> str:
    """A location that stays below its root: parts of it may come from whoever started the run."""
    path = PurePosixPath(location.replace("\\", "/"))
    if not path.parts or path.is_absolute() or ".." in path.parts or "\0" in location:
        raise ResultError(
            f"the location {location!r} of a result does not lie below the store's root", location=location
        )
    return str(path)
