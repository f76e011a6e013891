"""What statements are built from: the contract's tables and relationships over the views of one kind of scope."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy import Subquery

    from orchestra_client.server.store.relations import TableTypes
    from orchestra_client.server.store.views import Views


@dataclass(frozen=True, slots=True, eq=False)
class Catalog:
    """The tables' types and views. Safe to share between threads; made once for each `Views`.

    Attributes:
        tables: the contract's tables.
        views: what the scope can see of them.
    """

    tables: TableTypes
    views: Views
    _nested: dict[tuple[str, int], Subquery] = field(default_factory=dict)

    def view(self, table: str, depth: int) -> Subquery:
        """The view of `table` under a name of its own for each `depth`, so that nested statements can tell them apart.

        Making one takes half a millisecond, hence they are kept; there are as many as queries may nest.
        """
        if depth == 0:
            return self.views[table]
        key = (table, depth)
        if key not in self._nested:
            self._nested[key] = self.views[table].element.subquery(f"{table}_{depth}")
        return self._nested[key]
