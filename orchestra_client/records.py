"""Lists of results, which turn into tables."""

from __future__ import annotations

import warnings
from dataclasses import fields
from typing import TYPE_CHECKING, Any, Generic, Self, SupportsIndex, TypeVar, overload

from orchestra_client.errors import MissingExtra

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pandas import DataFrame

    from orchestra_client.results import Record

__all__ = ["Records"]

S = TypeVar("S")
T = TypeVar("T", bound="Record")

# A column that holds None everywhere, or nothing at all, has no type of its own.
_DTYPES = {
    "bool": "bool",
    "datetime": "datetime64[ns, UTC]",
    "datetime | None": "datetime64[ns, UTC]",
    "float | None": "float64",
    "int": "int64",
    "int | None": "Int64",
}


class Records(list[T], Generic[T]):
    """A list of results of one kind. It is a list in every way, and can be turned into a table.

    As safe to share between threads as any list; pickles.

    Args:
        items: the results.
        kind: their class, which an empty list knows its columns by.
        is_whole: whether there are no more behind them.

    Attributes:
        kind: the class of the results.
        is_whole: False when `limit` cut the list, so that there are more behind it. A slice is as whole as the list it
            is of, a sum of pages as its last page.
    """

    def __init__(self, items: Iterable[T] = (), *, kind: type[T], is_whole: bool = True) -> None:
        super().__init__(items)
        self.kind = kind
        self.is_whole = is_whole

    @overload
    def __getitem__(self, index: SupportsIndex, /) -> T: ...
    @overload
    def __getitem__(self, index: slice, /) -> Records[T]: ...
    def __getitem__(self, index: SupportsIndex | slice, /) -> T | Records[T]:
        """One of them, or some as such a list."""
        if isinstance(index, slice):
            return Records(super().__getitem__(index), kind=self.kind, is_whole=self.is_whole)
        return super().__getitem__(index)

    @overload  # type: ignore[override]  # mypy wants list's own overloads, and no closer one before them
    def __add__(self, other: Records[T], /) -> Records[T]: ...
    @overload
    def __add__(self, other: list[T], /) -> list[T]: ...
    @overload
    def __add__(self, other: list[S], /) -> list[S | T]: ...
    def __add__(self, other: list[Any], /) -> list[Any]:
        """Both, one behind the other; two pages of one list are such a list again."""
        both = super().__add__(other)
        if isinstance(other, Records) and other.kind is self.kind:
            return Records(both, kind=self.kind, is_whole=other.is_whole)
        return both

    def __iadd__(self, other: Iterable[T], /) -> Self:  # type: ignore[misc, override]  # __add__ is narrower
        """Take the next page behind these, in place."""
        super().__iadd__(other)
        if isinstance(other, Records):
            self.is_whole = other.is_whole
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuilt, (list(self), self.kind, self.is_whole)

    def _repr_html_(self) -> str:
        from orchestra_client.html import table_html  # noqa: PLC0415 - for notebooks alone

        return table_html(self, self.kind, is_whole=self.is_whole)

    def to_pandas(self) -> DataFrame:
        """A table: a row for each result, a column for each of its fields.

        Warns with a UserWarning when `limit` cut the list: counts and means of the table would be those of a part.

        Returns:
            A `pandas.DataFrame`. Times are in UTC, and NaT where there is none; an empty list has all columns, too.

        Raises:
            MissingExtra: pandas is not installed.
        """
        try:
            import pandas  # noqa: PLC0415 - slow to import, and an extra
        except ModuleNotFoundError:
            raise MissingExtra("notebook", "A table of pandas") from None
        if not self.is_whole:
            warnings.warn(
                f"limit= cut this table at row {len(self)}, and there are more: raise it, or add up pages with offset= "
                "before to_pandas().",
                UserWarning,
                stacklevel=2,
            )
        columns = fields(self.kind)  # type: ignore[arg-type]  # each kind of record is a dataclass
        rows = [tuple(getattr(item, column.name) for column in columns) for item in self]
        frame = pandas.DataFrame(rows, columns=[column.name for column in columns])
        known = {column.name: _DTYPES[str(column.type)] for column in columns if str(column.type) in _DTYPES}
        return frame.astype(known)


def _rebuilt(items: list[T], kind: type[T], is_whole: bool = True) -> Records[T]:
    return Records(items, kind=kind, is_whole=is_whole)
