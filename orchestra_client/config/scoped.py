"""The `context`: settings that hold for a block of code, in one thread or task."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

__all__ = ["Context", "context"]

# Values whose names contain one of these are not shown by `repr(context)`.
_SECRET_WORDS = ("token", "secret", "password")


class Context(Mapping[str, Any]):
    """Settings that hold inside a `with` block, in the thread or task that entered it.

    Reads like a mapping and like an object; blocks nest, the innermost wins::

        with context(api_server="http://127.0.0.1:4200", api_token="orc_…"):
            Client()                     # connects to that server
            context.get("api_server")    # or context.api_server, context["api_server"]

    Safe to use from any number of threads and tasks: each sees its own values. A task starts with those of the task
    that created it, a new thread with none (`contextvars.copy_context().run` hands them over). Its repr hides values
    whose names speak of tokens, secrets or passwords.
    """

    def __init__(self) -> None:
        self._values: ContextVar[Mapping[str, Any]] = ContextVar("orchestra_context", default={})  # noqa: B039 (never mutated)

    @contextmanager
    def __call__(self, /, **values: Any) -> Iterator[Context]:
        """Add `values` for the length of a `with` block."""
        token = self._values.set({**self._values.get(), **values})
        try:
            yield self
        finally:
            self._values.reset(token)

    def __getitem__(self, name: str) -> Any:
        return self._values.get()[name]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        try:
            return self[name]
        except KeyError:
            raise AttributeError(
                f"the context has no {name!r} here; enter `with context({name}=…):` first, or use context.get({name!r})"
            ) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._values.get())

    def __len__(self) -> int:
        return len(self._values.get())

    def __reduce__(self) -> str:
        # Tasks that use it travel to other processes, each of which has its own.
        return "context"

    def __repr__(self) -> str:
        shown = (f"{name}={'…' if _is_secret(name) else repr(value)}" for name, value in self.items())
        return f"<context: {', '.join(shown) or 'empty'}>"


context = Context()
"""The context of the running thread or task; see :class:`Context`."""


def _is_secret(name: str) -> bool:
    return any(word in name.lower() for word in _SECRET_WORDS)
