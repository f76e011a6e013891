"""Tasks out of functions."""

from __future__ import annotations

from functools import update_wrapper
from typing import TYPE_CHECKING, Any, overload

from orchestra_client.flows.signatures import check_signature
from orchestra_client.flows.tasks import Task

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["FunctionTask", "task"]


class FunctionTask(Task):
    """A task that runs a function, which may be ``async``.

    Args:
        fn: the function; all its arguments can be passed by name.
        name: unset means the function's name.
        settings: as for `Task`.

    Raises:
        FlowError: the function cannot be a task.
        TypeError: `fn` is no function.
    """

    wire_type = "prefect.tasks.core.function.FunctionTask"

    def __init__(self, fn: Callable[..., Any], name: str | None = None, **settings: Any) -> None:
        if not callable(fn):
            raise TypeError(f"a task is made of a function, not of {fn!r:.60}")
        known_as = name or str(getattr(fn, "__name__", type(fn).__name__))
        check_signature(fn, known_as)
        self.run = fn
        update_wrapper(self, fn, updated=())  # whoever inspects the task shall see the function
        super().__init__(known_as, **settings)


@overload
def task(fn: Callable[..., Any], /) -> FunctionTask: ...


@overload
def task(**settings: Any) -> Callable[[Callable[..., Any]], FunctionTask]: ...


def task(fn: Callable[..., Any] | None = None, /, **settings: Any) -> Any:
    """Make a task of a function: ``@task``, or ``@task(max_retries=3, retry_delay=10)``.

    Args:
        fn: the function; all its arguments can be passed by name. It may be ``async``.
        settings: as for `Task`.

    Returns:
        The task; with settings alone, what makes the task of a function.

    Raises:
        FlowError: the function cannot be a task, or a setting makes no sense.
    """
    if fn is None:
        return lambda function: FunctionTask(function, **settings)
    return FunctionTask(fn, **settings)
