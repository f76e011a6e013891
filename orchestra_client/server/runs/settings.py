"""What a new run is given: parameters, labels and run config, each from the nearest that says something."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestra_client.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    JsonObject = dict[str, Any]


def merged_parameters(
    declared: Sequence[Mapping[str, Any]] | None, defaults: JsonObject | None, given: JsonObject | None
) -> JsonObject:
    """The parameters of a run: the flow's defaults, over them the group's, over them those given.

    Args:
        declared: the flow's parameters as it serialized them, each with `name`, `required` and `default`.
        defaults: the flow group's; those that this version of the flow no longer has are left out.
        given: the caller's. A falsy value counts like any other.

    Raises:
        BadInput: one that the flow requires is missing, or the flow has none of that name; says which.
    """
    by_name = {parameter["name"]: parameter for parameter in declared or ()}
    given = given or {}
    unknown = sorted(given.keys() - by_name.keys())
    if unknown:
        raise BadInput(f"The flow has no parameter {_listed(unknown)}; it has {_listed(sorted(by_name))}.")
    merged = {
        name: parameter.get("default") for name, parameter in by_name.items() if not parameter.get("required")
    }
    merged |= {name: value for name, value in (defaults or {}).items() if name in by_name}
    merged |= given
    missing = sorted(by_name.keys() - merged.keys())
    if missing:
        raise BadInput(f"The flow requires the parameter {_listed(missing)}; give it in `parameters`.")
    return merged


def merged_run_config(flow: Mapping[Any, Any], given: JsonObject | None) -> JsonObject | None:
    """The run config of a run: the one given, else the group's, else the flow's.

    Args:
        flow: the flow's `run_config` and its group's as `group_run_config`.
        given: the caller's.
    """
    return given or flow["group_run_config"] or flow["run_config"]


def merged_labels(
    flow: Mapping[Any, Any], run_config: JsonObject | None, given: Sequence[str] | None
) -> list[str]:
    """The labels of a run: those given, else the given run config's, else the group's, else the flow's.

    Args:
        flow: the flow's `run_config` and `environment`, and its group's as `group_labels` and `group_run_config`.
        run_config: the caller's. Without labels in it, it says nothing about them.
        given: the caller's; an empty list asks for none at all.

    Returns:
        The labels, sorted, each once.
    """
    for labels in (
        given,
        _labels_of(run_config) or None,
        flow["group_labels"],
        _labels_of(flow["group_run_config"]) or None,
        _labels_of(flow["run_config"]),
        _labels_of(flow["environment"]),
    ):
        if labels is not None:
            return sorted(set(labels))
    return []


def _labels_of(config: JsonObject | None) -> list[str] | None:
    labels = config.get("labels") if config else None
    return [label for label in labels if isinstance(label, str)] if isinstance(labels, list) else None


def _listed(names: Sequence[str]) -> str:
    return ", ".join(repr(name) for name in names) or "none at all"
