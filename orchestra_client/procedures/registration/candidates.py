"""The flows that are to be registered, as far as can be told without a server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from orchestra_client.errors import BadInput, FlowError, OrchestraError
from orchestra_client.flows.settings import is_text
from orchestra_client.procedures.registration.documents import (
    SerializableFlow,
    content_hash,
    serialized,
    with_labels,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from orchestra_client.procedures.registration.documents import Given

__all__ = ["Candidate", "candidates"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A flow that is to be registered.

    Attributes:
        name: the flow's.
        flow: as it was given.
        document: serialized, not built, with its labels; empty when it is refused.
        hash: of its content; empty when it is refused.
        error: why it cannot be registered.
    """

    name: str
    flow: Any
    document: Mapping[str, Any]
    hash: str
    error: OrchestraError | None = None


def candidates(flows: Iterable[Given], labels: Sequence[str]) -> list[Candidate]:
    """Serialize flows, without building anything.

    Raises:
        TypeError: one of them is no flow.
        BadInput: two of them have the same name.
    """
    if isinstance(flows, Mapping | SerializableFlow):
        raise TypeError("flows must be a list of flows, not a single one")
    given = [_candidate(flow, labels, f"flows[{index}]") for index, flow in enumerate(flows)]
    first: dict[str, int] = {}
    for index, candidate in enumerate(given):
        if first.setdefault(candidate.name, index) != index:
            raise BadInput(
                f"flows[{first[candidate.name]}] and flows[{index}] are both named {candidate.name!r}; rename one, "
                "for the name tells which flow a version belongs to"
            )
    return given


def _candidate(flow: Given, labels: Sequence[str], place: str) -> Candidate:
    if not isinstance(flow, Mapping | SerializableFlow):
        raise TypeError(
            f"{place} must have a method serialize(build=…) or be a serialized flow, not {type(flow).__name__}"
        )
    try:
        document = with_labels(serialized(flow, build=False), labels)
        return Candidate(document["name"], flow, document, content_hash(flow, document, labels))
    except OrchestraError as error:
        refusal = error
    except Exception as error:  # noqa: BLE001 - whatever a foreign flow's own code raises; the others go on
        refusal = FlowError(f"writing the flow failed: {type(error).__name__}: {error}")
        refusal.__cause__ = error
    name = flow.get("name") if isinstance(flow, Mapping) else getattr(flow, "name", None)
    # The server is asked for the name, which must be one that can be sent.
    shown = name if isinstance(name, str) and name and is_text(name) else place
    return Candidate(shown, flow, {}, "", refusal)
