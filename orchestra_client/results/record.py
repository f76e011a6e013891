"""What all results have in common."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import ItemsView, Iterator, KeysView, ValuesView

__all__ = ["Record"]


class Record:
    """The base of all results. Immutable, hence safe to share between threads and tasks; pickles.

    Its fields are attributes, and items as of a dict: ``record["name"]``, ``"name" in record``, ``dict(record)``,
    ``**record``. Iterating gives the names, as with a dict and other than with a named tuple, so it is neither unpacked
    nor read by places. Equal to records of its own class alone, never to a dict.
    """

    __slots__ = ()

    def __getitem__(self, name: str) -> Any:
        if name not in self:
            raise KeyError(
                f"{type(self).__name__} has no {name!r}; it is read by these names: {', '.join(self)}"
            )
        return getattr(self, name)

    def __contains__(self, name: object) -> bool:
        return name in _names(self)

    def __iter__(self) -> Iterator[str]:
        return iter(_names(self))

    def __len__(self) -> int:
        return len(_names(self))

    def get(self, name: str, default: Any = None) -> Any:
        """A field, or a default where there is no such field.

        Args:
            name: the field's.
            default: what to return for a field that this class does not have.
        """
        return getattr(self, name) if name in self else default

    def keys(self) -> KeysView[str]:
        """The names of the fields, in their order."""
        return self._shallow().keys()

    def values(self) -> ValuesView[Any]:
        """What the fields hold, in their order."""
        return self._shallow().values()

    def items(self) -> ItemsView[str, Any]:
        """The fields as pairs, in their order."""
        return self._shallow().items()

    def to_dict(self) -> dict[str, Any]:
        """The same as a plain dict, records inside it too; ``dict(record)`` leaves those as they are.

        Returns:
            All fields by name, secret ones included. States, moments and errors are what they were.
        """
        return {name: _plain(value) for name, value in self.items()}

    def _shallow(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in _names(self)}

    def _ipython_key_completions_(self) -> list[str]:
        return list(self)

    def _repr_html_(self) -> str:
        from orchestra_client.html import record_html  # noqa: PLC0415 - for notebooks alone

        return record_html(self)


def _names(record: Record) -> list[str]:
    return [each.name for each in fields(record)]  # type: ignore[arg-type]  # each subclass is a dataclass


def _plain(value: Any) -> Any:
    if isinstance(value, Record):
        return value.to_dict()
    return tuple(map(_plain, value)) if isinstance(value, tuple) else value
