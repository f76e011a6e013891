"""How two objects of a serialized flow differ, field by field; values of environment variables stay hidden."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from orchestra_client.results.registration import FieldChange

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

__all__ = ["differences", "plain"]

_HIDDEN = "***"
# As run configs of Prefect, Docker's storage, Kubernetes and ECS call them; the last two write lists of names and values.
_ENVIRONMENTS = {"env", "env_vars", "environment"}


def differences(before: Any, after: Any, ignored: Collection[str] = ()) -> tuple[FieldChange, ...]:
    """What differs between two objects, each of which may be missing.

    Args:
        before: JSON; what is no object counts as an empty one.
        after: likewise.
        ignored: fields that do not count.

    Returns:
        The changes by name; of objects within them, those of their fields: ``result.dir``, ``spec.containers[0].image``.
    """
    old, new = (plain(each) if isinstance(each, Mapping) else {} for each in (before, after))
    names = sorted((old.keys() | new.keys()) - set(ignored))
    return tuple(change for name in names for change in _changes(name, name, old.get(name), new.get(name)))


def plain(value: Any) -> Any:
    """JSON without the versions of libraries."""
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items() if key != "__version__"}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [plain(item) for item in value]
    return value


def _changes(path: str, name: str, old: Any, new: Any) -> Iterator[FieldChange]:
    if old == new:
        return
    variables = [_variables(name, each) for each in (old, new)]
    if any(each is not None for each in variables):
        yield _unsecret(path, variables[0] or {}, variables[1] or {})
    elif isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(old.keys() | new.keys()):
            yield from _changes(f"{path}.{key}", key, old.get(key), new.get(key))
    elif _are_alike(old, new):
        for index, pair in enumerate(zip(old, new, strict=True)):
            yield from _changes(f"{path}[{index}]", "", *pair)
    else:
        yield FieldChange(path, _without_secrets(old), _without_secrets(new))


def _are_alike(old: Any, new: Any) -> bool:
    """Whether both are lists of as many objects."""
    return (
        isinstance(old, list)
        and isinstance(new, list)
        and len(old) == len(new)
        and all(isinstance(each, dict) for each in (*old, *new))
    )


def _variables(name: str, value: Any) -> dict[str, Any] | None:
    """Environment variables by name; None for what is something else."""
    if name not in _ENVIRONMENTS:
        return None
    if isinstance(value, list) and value and all(isinstance(each, dict) and "name" in each for each in value):
        return {str(each["name"]): each for each in value}
    # A flow of Prefect before 0.14 has an `environment` that is something else.
    return value if isinstance(value, dict) and name != "environment" else None


def _unsecret(path: str, old: dict[str, Any], new: dict[str, Any]) -> FieldChange:
    """Of environment variables only the names, and which of them differ."""
    return FieldChange(path, _masked(old, new, ""), _masked(new, old, " (changed)"))


def _masked(shown: dict[str, Any], other: dict[str, Any], mark: str) -> str | None:
    told = (
        f"{name}={_HIDDEN}" + (mark if name in other and shown[name] != other[name] else "")
        for name in sorted(shown)
    )
    return ", ".join(told) or None


def _without_secrets(value: Any, name: str = "") -> Any:
    if (variables := _variables(name, value)) is not None:
        return dict.fromkeys(variables, _HIDDEN)
    if isinstance(value, dict):
        return {key: _without_secrets(item, key) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_secrets(item) for item in value]
    return value
