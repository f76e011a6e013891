"""Python's operators between tasks: each makes a task of its own that computes the result when the flow runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestra_client.flows.tasks import Task

__all__ = ["TaskOperators"]


class TaskOperators:
    """``+ - * / // % ** & < <= > >=``, indexing, and ``|``, which only orders two tasks.

    ``==`` and ``!=`` compare the tasks themselves, for tasks are keys of dicts; see `is_equal` and `is_not_equal`.
    """

    name: str
    nout: int | None

    def is_equal(self, other: Any) -> Task:
        """A task for ``self == other``."""
        return _operation("Equal", self, other)

    def is_not_equal(self, other: Any) -> Task:
        """A task for ``self != other``."""
        return _operation("NotEqual", self, other)

    def not_(self) -> Task:
        """A task for ``not self``."""
        from orchestra_client.flows.operations import Not  # noqa: PLC0415 (it derives from this class)

        return Not().bind(self)

    def or_(self, other: Any) -> Task:
        """A task for ``self or other``."""
        return _operation("Or", self, other)

    def __getitem__(self, key: Any) -> Task:
        from orchestra_client.flows.operations import index  # noqa: PLC0415 (it derives from this class)

        return index(self, key)

    def __iter__(self) -> Iterator[Task]:
        if self.nout is None:
            raise TypeError(
                f"the task {self.name!r} cannot be iterated over, for it has not run yet; if it returns a fixed "
                "number of values, say so with nout=…, or annotate what it returns as a tuple"
            )
        return (self[number] for number in range(self.nout))

    def __or__(self, other: Any) -> Any:
        self.set_dependencies(downstream_tasks=[other])  # type: ignore[attr-defined]  # every Task has it
        return other

    def __ror__(self, other: Any) -> Any:
        self.set_dependencies(upstream_tasks=[other])  # type: ignore[attr-defined]  # every Task has it
        return self

    def __add__(self, other: Any) -> Task:
        return _operation("Add", self, other)

    def __radd__(self, other: Any) -> Task:
        return _operation("Add", other, self)

    def __sub__(self, other: Any) -> Task:
        return _operation("Sub", self, other)

    def __rsub__(self, other: Any) -> Task:
        return _operation("Sub", other, self)

    def __mul__(self, other: Any) -> Task:
        return _operation("Mul", self, other)

    def __rmul__(self, other: Any) -> Task:
        return _operation("Mul", other, self)

    def __truediv__(self, other: Any) -> Task:
        return _operation("Div", self, other)

    def __rtruediv__(self, other: Any) -> Task:
        return _operation("Div", other, self)

    def __floordiv__(self, other: Any) -> Task:
        return _operation("FloorDiv", self, other)

    def __rfloordiv__(self, other: Any) -> Task:
        return _operation("FloorDiv", other, self)

    def __mod__(self, other: Any) -> Task:
        return _operation("Mod", self, other)

    def __rmod__(self, other: Any) -> Task:
        return _operation("Mod", other, self)

    def __pow__(self, other: Any) -> Task:
        return _operation("Pow", self, other)

    def __rpow__(self, other: Any) -> Task:
        return _operation("Pow", other, self)

    def __and__(self, other: Any) -> Task:
        return _operation("And", self, other)

    def __rand__(self, other: Any) -> Task:
        return _operation("And", other, self)

    def __lt__(self, other: Any) -> Task:
        return _operation("LessThan", self, other)

    def __le__(self, other: Any) -> Task:
        return _operation("LessThanOrEqual", self, other)

    def __gt__(self, other: Any) -> Task:
        return _operation("GreaterThan", self, other)

    def __ge__(self, other: Any) -> Task:
        return _operation("GreaterThanOrEqual", self, other)


def _operation(name: str, x: Any, y: Any) -> Task:
    from orchestra_client.flows.operations import OPERATIONS  # noqa: PLC0415 (they derive from the class above)

    return OPERATIONS[name]().bind(x, y)
