"""Which function resolves which root field.

A module of `resolvers/` registers its functions here; the schema finds them by name. A resolver is given an open
transaction, a :class:`~orchestra_client.server.context.Context`, and the field's arguments as keywords. It returns
plain dicts and lists keyed as the contract names them, and raises an error of :mod:`orchestra_client.errors`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Resolve = TypeVar("Resolve", bound="Callable[..., Any]")


@dataclass(frozen=True, slots=True)
class Resolver:
    """One root field's function.

    Attributes:
        name: the field.
        resolve: called as ``resolve(session, context, **arguments)``.
        writes: runs in a write transaction of its own; queries share one read transaction.
        creates: a repeat with the same Idempotency-Key is answered as the first was, without running again.
        unscoped: is given the bare connection instead of a session: for credentials and tenants only.
        prepare: called as ``prepare(context, **arguments)`` before there is a transaction, for what may take long;
            the resolver is given its value as `prepared`.
    """

    name: str
    resolve: Callable[..., Any]
    writes: bool
    creates: bool = False
    unscoped: bool = False
    prepare: Callable[..., Any] | None = None


RESOLVERS: dict[str, Resolver] = {}


def query(name: str, *, unscoped: bool = False) -> Callable[[Resolve], Resolve]:
    """Register a root query field."""
    return _register(name, writes=False, unscoped=unscoped)


def mutation(
    name: str,
    *,
    creates: bool = False,
    unscoped: bool = False,
    prepare: Callable[..., Any] | None = None,
) -> Callable[[Resolve], Resolve]:
    """Register a root mutation field."""
    return _register(name, writes=True, creates=creates, unscoped=unscoped, prepare=prepare)


def _register(name: str, **options: Any) -> Callable[[Resolve], Resolve]:
    def register(resolve: Resolve) -> Resolve:
        assert name not in RESOLVERS, f"two resolvers for {name}"
        RESOLVERS[name] = Resolver(name, resolve, **options)
        return resolve

    return register
