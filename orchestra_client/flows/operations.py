"""The tasks behind Python's operators."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any, ClassVar

from orchestra_client.flows.tasks import Task

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["OPERATIONS", "GetItem", "Not", "Operation", "index"]


class Operation(Task):
    """A task that applies an operator to two values.

    Attributes:
        function: the operator.
    """

    function: ClassVar[Callable[[Any, Any], Any]]

    def run(self, x: Any, y: Any) -> Any:
        """What the operator makes of the two."""
        return type(self).function(x, y)

    def type_name(self) -> str:
        """What kind of task it is, in JSON."""
        return f"prefect.tasks.core.operators.{type(self).__name__}"


class Add(Operation):
    """``x + y``."""

    function = operator.add


class Sub(Operation):
    """``x - y``."""

    function = operator.sub


class Mul(Operation):
    """``x * y``."""

    function = operator.mul


class Div(Operation):
    """``x / y``."""

    function = operator.truediv


class FloorDiv(Operation):
    """``x // y``."""

    function = operator.floordiv


class Mod(Operation):
    """``x % y``."""

    function = operator.mod


class Pow(Operation):
    """``x ** y``."""

    function = operator.pow


class Equal(Operation):
    """``x == y``."""

    function = operator.eq


class NotEqual(Operation):
    """``x != y``."""

    function = operator.ne


class LessThan(Operation):
    """``x < y``."""

    function = operator.lt


class LessThanOrEqual(Operation):
    """``x <= y``."""

    function = operator.le


class GreaterThan(Operation):
    """``x > y``."""

    function = operator.gt


class GreaterThanOrEqual(Operation):
    """``x >= y``."""

    function = operator.ge


class And(Operation):
    """``x and y``, as Python has it: one of the two values."""

    def run(self, x: Any, y: Any) -> Any:
        """One of the two."""
        return x and y


class Or(Operation):
    """``x or y``, as Python has it: one of the two values."""

    def run(self, x: Any, y: Any) -> Any:
        """One of the two."""
        return x or y


class Not(Task):
    """``not x``."""

    wire_type = "prefect.tasks.core.operators.Not"

    def run(self, x: Any) -> bool:
        """Whether x is false."""
        return not x


class GetItem(Task):
    """``task_result[key]``."""

    wire_type = "prefect.tasks.core.operators.GetItem"

    def run(self, task_result: Any, key: Any) -> Any:
        """The item."""
        return task_result[key]


def index(task: Any, key: Any) -> GetItem:
    """A task for ``task[key]``, in the flow of the ``with`` block."""
    text = key.name if isinstance(key, Task) else repr(key)
    item = GetItem(f"{task.name}[{text}]", checkpoint=task.checkpoint, result=task.result)
    return item.bind(task, key)


OPERATIONS = {operation.__name__: operation for operation in Operation.__subclasses__()}
"""The tasks for operators of two values, by name."""
