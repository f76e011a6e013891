"""Cache validators: whether the result of an earlier run may be used again.

Each is a function of the `Cached` state, the inputs and the parameters of the run that is about to begin, or makes
one. All of them look at the expiration first, by the clock of :func:`~orchestra_client.states.use_clock`.
"""

from __future__ import annotations

import hashlib
import json
import pickle
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from orchestra_client.errors import StateSerializationError
from orchestra_client.references import Configured
from orchestra_client.states.clock import now
from orchestra_client.states.frozen import freeze

if TYPE_CHECKING:
    from orchestra_client.states import Cached

__all__ = [
    "CACHE_VALIDATORS",
    "CacheValidator",
    "all_inputs",
    "all_parameters",
    "duration_only",
    "hash_inputs",
    "never_use",
    "partial_inputs_only",
    "partial_parameters_only",
]

CacheValidator = Callable[["Cached", Mapping[str, Any], Mapping[str, Any]], bool]
"""What all validators are, someone's own too."""


def never_use(state: Cached, inputs: Mapping[str, Any], parameters: Mapping[str, Any]) -> bool:
    """Always run again."""
    return False


def duration_only(state: Cached, inputs: Mapping[str, Any], parameters: Mapping[str, Any]) -> bool:
    """Use the result until it expires."""
    return state.cached_result_expiration is None or state.cached_result_expiration > now()


def all_inputs(state: Cached, inputs: Mapping[str, Any], parameters: Mapping[str, Any]) -> bool:
    """Use the result while it has not expired and every input is the same."""
    return duration_only(state, inputs, parameters) and _same_inputs(state, inputs, None)


def all_parameters(state: Cached, inputs: Mapping[str, Any], parameters: Mapping[str, Any]) -> bool:
    """Use the result while it has not expired and every parameter of the flow run is the same."""
    return duration_only(state, inputs, parameters) and dict(state.cached_parameters or {}) == dict(
        parameters or {}
    )


def partial_inputs_only(validate_on: Iterable[str] | None = None) -> Configured:
    """Use the result while it has not expired and some inputs are the same.

    Args:
        validate_on: the names of the inputs; unset means none.
    """
    names = _names(validate_on)

    def validator(state: Cached, inputs: Mapping[str, Any], parameters: Mapping[str, Any]) -> bool:
        return duration_only(state, inputs, parameters) and (
            names is None or _same_inputs(state, inputs, names)
        )

    return Configured(partial_inputs_only, {"validate_on": names}, validator)


def partial_parameters_only(validate_on: Iterable[str] | None = None) -> Configured:
    """Use the result while it has not expired and some parameters of the flow run are the same.

    Args:
        validate_on: the names of the parameters; unset means none.
    """
    names = _names(validate_on)

    def validator(state: Cached, inputs: Mapping[str, Any], parameters: Mapping[str, Any]) -> bool:
        cached = _some(state.cached_parameters or {}, names or ())
        return duration_only(state, inputs, parameters) and cached == _some(parameters or {}, names or ())

    return Configured(partial_parameters_only, {"validate_on": names}, validator)


CACHE_VALIDATORS: Mapping[str, Callable[..., Any]] = {
    f"prefect.engine.cache_validators.{validator.__name__}": validator
    for validator in (
        never_use,
        duration_only,
        all_inputs,
        all_parameters,
        partial_inputs_only,
        partial_parameters_only,
    )
}
"""The validators by their names in JSON."""


def hash_inputs(inputs: Mapping[str, Any]) -> dict[str, str]:
    """The inputs' hashes by name, as the `hashed_inputs` of a `Cached` state keep them.

    Args:
        inputs: values by name.

    Returns:
        Hexadecimal digests, the same in every process for JSON values, and for others as far as pickling them is.
        An input that cannot be pickled is left out, and so never the same as another one.
    """
    hashes = {}
    for name, value in inputs.items():
        if (content := _bytes(value)) is not None:
            hashes[name] = hashlib.sha256(content).hexdigest()
    return hashes


def _bytes(value: Any) -> bytes | None:
    try:
        return json.dumps(freeze(value, ""), sort_keys=True).encode()
    except StateSerializationError:
        pass
    try:
        return pickle.dumps(value, protocol=4)
    except Exception:  # noqa: BLE001 (someone's own __reduce__ may raise anything)
        return None


def _same_inputs(state: Cached, inputs: Mapping[str, Any], names: list[str] | None) -> bool:
    given = _some(inputs or {}, names)
    if state.hashed_inputs is not None:
        hashes = hash_inputs(given)
        return len(hashes) == len(given) and hashes == _some(state.hashed_inputs, names)
    cached = {name: result.value for name, result in _some(state.cached_inputs, names).items()}
    return bool(cached == given)


def _some(values: Mapping[str, Any], names: Iterable[str] | None) -> dict[str, Any]:
    return {name: values[name] for name in values if names is None or name in names}


def _names(validate_on: Iterable[str] | None) -> list[str] | None:
    if isinstance(validate_on, str):
        raise TypeError("validate_on must be a list of names, not one string")
    return None if validate_on is None else sorted(validate_on)
