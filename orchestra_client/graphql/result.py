"""What the API answered, readable as items and as attributes."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from orchestra_client.errors import mask_secrets

__all__ = ["GraphQLResult", "as_nested_graphql_result"]


class GraphQLResult(dict[str, Any]):
    """A dict whose keys are attributes, too: ``result.data.flow[0].id`` is ``result["data"]["flow"][0]["id"]``.

    Dicts inside it, also those in lists, become results when they are put in. Setting or deleting an
    attribute sets or deletes the key of that name. A key that a dict has a method for (``items``, ``keys``,
    ``get``, …) is read and set as an item; its attribute remains the method and refuses to be set.

    Equal to a plain dict of the same content. As safe to share between threads as a dict is.
    """

    __slots__ = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for key, value in self.items():
            kind = type(value)
            if kind is dict or kind is list or kind is tuple:
                # Replacing a value while iterating is safe: the keys stay.
                super().__setitem__(key, as_nested_graphql_result(value))

    def __getattr__(self, name: str) -> Any:
        # Python asks for protocols such as `__deepcopy__` by attribute: an answer never provides those.
        if name in self and not _is_protocol(name):
            return self[name]
        raise AttributeError(_no_field(self, name))

    def __setattr__(self, name: str, value: Any) -> None:
        if hasattr(type(self), name) or _is_protocol(name):
            _refuse_shadowing(name)
        self[name] = value

    def __delattr__(self, name: str) -> None:
        if name not in self:
            raise AttributeError(_no_field(self, name))
        del self[name]

    def __setitem__(self, key: str, value: Any) -> None:
        super().__setitem__(key, as_nested_graphql_result(value))

    def setdefault(self, key: str, default: Any = None) -> Any:
        """As a dict's, the default becoming a result like any value that is put in."""
        if key not in self:
            self[key] = default
        return self[key]

    def update(self, *args: Any, **kwargs: Any) -> None:
        """As a dict's, the values becoming results like any that are put in."""
        super().update(GraphQLResult(*args, **kwargs))

    def copy(self) -> GraphQLResult:
        """A shallow copy, of the same class."""
        twin = GraphQLResult()
        super(GraphQLResult, twin).update(self)
        return twin

    def to_dict(self) -> dict[str, Any]:
        """The same content as plain dicts and lists, sharing nothing that can be changed."""
        return {key: _plain(value) for key, value in self.items()}

    def __or__(self, other: Any) -> Any:
        return GraphQLResult(super().__or__(other)) if isinstance(other, dict) else NotImplemented

    def __ior__(self, other: Any) -> GraphQLResult:  # type: ignore[override]  # a dict's also takes pairs
        self.update(other)
        return self

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *(key for key in self if key.isidentifier())})

    def _ipython_key_completions_(self) -> list[str]:
        return list(self)

    def __repr__(self) -> str:
        # An answer may carry a new token, and reprs end up in logs and notebooks.
        try:
            text = json.dumps(self, indent=4, ensure_ascii=False, default=str)
        except (TypeError, ValueError):  # keys that are no strings, or a result that holds itself
            text = super().__repr__()
        return mask_secrets(text)

    __str__ = __repr__


def as_nested_graphql_result(value: Any) -> Any:
    """Make every dict in `value` a :class:`GraphQLResult`.

    Args:
        value: what a JSON parser returned: dicts, lists and scalars, nested in any way.

    Returns:
        A result for a dict, a list of the same with results inside for a list (a tuple for a tuple), and
        anything else, results included, as it is.
    """
    kind = type(value)
    if kind is dict:
        return GraphQLResult(value)
    if kind is list:
        return [as_nested_graphql_result(item) for item in value]
    if kind is tuple:
        return tuple(as_nested_graphql_result(item) for item in value)
    return value


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


def _is_protocol(name: str) -> bool:
    return name.startswith("__") and name.endswith("__")


def _refuse_shadowing(name: str) -> NoReturn:
    raise AttributeError(f"{name!r} is an attribute every result has; use result[{name!r}] = … for the key")


def _no_field(result: GraphQLResult, name: str) -> str:
    fields = ", ".join(map(str, result)) or "nothing"
    return f"this result has no field {name!r}; it has: {mask_secrets(fields)}"
