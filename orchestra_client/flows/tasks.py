"""Tasks: what runs, and how it may fail, wait, be cached and be reported."""

from __future__ import annotations

import copy
import itertools
from typing import TYPE_CHECKING, Any, ClassVar, Self

from orchestra_client.errors import FlowError
from orchestra_client.flows import cache_validators, signatures, triggers
from orchestra_client.flows.binding import TaskBinding
from orchestra_client.flows.callbacks import StateHandler, state_handlers
from orchestra_client.flows.retries import RetryPolicy
from orchestra_client.flows.scope import active_tags
from orchestra_client.flows.settings import (
    CONVERTERS,
    as_count,
    as_duration,
    as_exceptions,
    as_name,
    as_tags,
    as_timeout,
)
from orchestra_client.references import describe

if TYPE_CHECKING:
    import weakref
    from collections.abc import Callable, Iterable
    from datetime import timedelta

    from orchestra_client.flows.builder import FlowBuilder
    from orchestra_client.states import State

__all__ = ["Task"]

_serials = itertools.count()


class Task(TaskBinding):
    """One step of a flow. Subclasses define `run`; for a function, use :func:`~orchestra_client.flows.task`.

    Calling a task within ``with Flow(…)`` puts a copy of it into the flow, bound to the arguments. Two tasks are
    equal only when they are the same object. Write tasks from one thread at a time.

    Args:
        name: for people; unset means the class's name.
        slug: identifies the task within its flow, for good; unset means that the flow makes one out of the name, the
            tags and a number.
        tags: strings, added to those of the ``with tags(…)`` blocks around.
        max_retries: how many tries follow a failed one.
        retry_delay: the wait before the first retry, as a `timedelta` or in seconds; unset means none.
        retry_backoff: what each later wait is multiplied by, from 1; 2 doubles them.
        retry_jitter: by what share of itself a wait is varied at random, from 0 to 1.
        retry_on: the exceptions after which it is retried; unset means all.
        timeout: how long a try may take, as a `timedelta` or in seconds; unset means as long as it wants.
        trigger: whether it runs, given the upstream states; unset means `all_successful`.
        skip_on_upstream_skip: whether it is skipped as soon as an upstream task was, whatever the trigger says.
        cache_for: how long its result may be used again, as a `timedelta` or in seconds; unset means not at all.
        cache_validator: whether it may; unset means `duration_only` with `cache_for` and else `never_use`.
        cache_key: shares the cache between tasks and flows; unset means that it is the task's own.
        checkpoint: whether its result is stored; unset leaves that to the engine.
        result: how and where results are stored; unset means as for the flow.
        target: where its result is stored; when something is there already, the task does not run. A template for
            `str.format`, or a function that returns one.
        task_run_name: the name of its runs, a template or a function likewise.
        state_handlers: called with the task, its old and its new state; may return another new state.
        on_success: called with the task and its state whenever it succeeded.
        on_failure: likewise whenever it failed.
        on_retry: likewise whenever it is to be retried.
        log_stdout: whether what it prints is logged.
        nout: how many values it returns, so that the task can be unpacked; unset means as its annotation says.

    Attributes:
        auto_generated: whether the flow made it, for a constant or a collection.

    Raises:
        FlowError: a setting makes no sense, or contradicts another one.
        TypeError: a setting is of the wrong type.
    """

    wire_type: ClassVar[str | None] = None
    """The `type` of this class, and of none derived from it, in JSON; None means the class's full name."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "run" in cls.__dict__:
            # As an instance sees it: bound, so that `self` does not count.
            signatures.check_signature(object.__new__(cls).run, cls.__name__)

    def __init__(
        self,
        name: str | None = None,
        *,
        slug: str | None = None,
        tags: Iterable[str] | None = None,
        max_retries: int | None = None,
        retry_delay: timedelta | float | None = None,
        retry_backoff: float = 1,
        retry_jitter: float = 0,
        retry_on: type[Exception] | Iterable[type[Exception]] | None = None,
        timeout: timedelta | float | None = None,
        trigger: triggers.Trigger | None = None,
        skip_on_upstream_skip: bool = True,
        cache_for: timedelta | float | None = None,
        cache_validator: cache_validators.CacheValidator | None = None,
        cache_key: str | None = None,
        checkpoint: bool | None = None,
        result: Any = None,
        target: str | Callable[..., str] | None = None,
        task_run_name: str | Callable[..., str] | None = None,
        state_handlers: Iterable[StateHandler] | None = None,
        on_success: Callable[[Any, State], Any] | None = None,
        on_failure: Callable[[Any, State], Any] | None = None,
        on_retry: Callable[[Any, State], Any] | None = None,
        log_stdout: bool = False,
        nout: int | None = None,
    ) -> None:
        self.name = type(self).__name__ if name is None else as_name(name, "task")
        self.slug = slug
        self.tags = as_tags(tags) | active_tags()
        self.max_retries = as_count(max_retries)
        self.retry_delay = as_duration(retry_delay)
        self.retry_backoff = retry_backoff
        self.retry_jitter = retry_jitter
        self.retry_on = as_exceptions(retry_on)
        self.timeout = as_timeout(timeout)
        self.trigger: triggers.Trigger = trigger or triggers.all_successful
        self.skip_on_upstream_skip = skip_on_upstream_skip
        self.cache_for = as_duration(cache_for)
        default = cache_validators.never_use if cache_for is None else cache_validators.duration_only
        self.cache_validator: cache_validators.CacheValidator = cache_validator or default
        self.cache_key = cache_key
        self.checkpoint = checkpoint
        self.result = result
        self.target = target
        self.task_run_name = task_run_name
        self.state_handlers = _handlers(state_handlers, on_success, on_failure, on_retry)
        self.log_stdout = log_stdout
        self.nout = signatures.count_outputs(self.run) if nout is None else nout
        self.auto_generated = False
        self._serial = next(_serials)
        self._home: weakref.ref[FlowBuilder] | None = None
        self._check()

    def __repr__(self) -> str:
        return f"<Task: {self.name}>"

    def __getstate__(self) -> dict[str, Any]:
        # Where it is bound is a matter of that flow: neither a copy nor a pickle is bound there.
        return {**self.__dict__, "_home": None}

    def _do_nothing(self) -> None:
        """Stand for nothing but a place in the flow."""

    # Declared as an attribute, so that subclasses may give it any arguments.
    run: Callable[..., Any] = _do_nothing

    def _check(self) -> None:
        """Check the settings against each other."""
        if not self.max_retries and (self.retry_delay is not None or self.retry_on is not None):
            raise FlowError(f"the task {self.name!r} has settings for retries and no max_retries")
        for name in ("trigger", "cache_validator"):
            if not callable(getattr(self, name)):
                raise TypeError(f"{name} must be a function, not {getattr(self, name)!r:.60}")
        if self.cache_for is None and self.cache_validator is not cache_validators.never_use:
            raise FlowError(f"the task {self.name!r} has a cache_validator and no cache_for")
        self.retries()

    def retries(self) -> RetryPolicy:
        """When it is tried again, as a value that computes the waits."""
        delay = self.retry_delay
        return RetryPolicy(
            self.max_retries,
            backoff=self.retry_backoff,
            jitter=self.retry_jitter,
            **({} if delay is None else {"delay": delay}),
        )

    def copy(self, **task_args: Any) -> Self:
        """A copy that is part of no flow, with some attributes changed.

        Args:
            task_args: new values of attributes, by name.

        Returns:
            The copy. Unless it gets a slug or the task has none, its slug is the task's with ``-copy`` after it.

        Raises:
            FlowError: there is no such attribute, or the value makes no sense.
        """
        new = copy.copy(self)
        new._serial = next(_serials)
        new.state_handlers = list(self.state_handlers)
        if new.slug and "slug" not in task_args:
            new.slug = f"{new.slug}-copy"
        for name, value in task_args.items():
            if not hasattr(new, name):
                raise FlowError(f"the task {self.name!r} has no attribute {name!r} to change in a copy")
            setattr(new, name, CONVERTERS[name](value) if name in CONVERTERS else value)
        new.tags = self.tags | new.tags | active_tags()
        new._check()
        return new

    def inputs(self) -> dict[str, dict[str, Any]]:
        """The arguments of `run` by name, each with its `type` as a text, whether `required`, and its `default`."""
        return signatures.inputs_of(self.run)

    def outputs(self) -> str:
        """What `run` says that it returns, as a text."""
        return signatures.outputs_of(self.run)

    def type_name(self) -> str:
        """What kind of task it is, in JSON."""
        return type(self).__dict__.get("wire_type") or describe(type(self))


def _handlers(
    handlers: Iterable[StateHandler] | None,
    on_success: Callable[[Any, State], Any] | None,
    on_failure: Callable[[Any, State], Any] | None,
    on_retry: Callable[[Any, State], Any] | None,
) -> list[StateHandler]:
    """As `state_handlers`, whose name an argument has where this is called."""
    return state_handlers(handlers, on_success=on_success, on_failure=on_failure, on_retry=on_retry)
