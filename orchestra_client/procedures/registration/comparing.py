"""Telling whether flows have changed since they were registered: by their keys, else by what is registered."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from orchestra_client.errors import ClientError, RateLimited, ServerError
from orchestra_client.operations import registration as operations
from orchestra_client.procedures.registration.batches import batches, size_of
from orchestra_client.procedures.registration.diffs import diff_of, edges_of
from orchestra_client.procedures.registration.documents import hashing_of, parts
from orchestra_client.procedures.registration.single import is_large
from orchestra_client.results.registration import FieldChange, FlowChange, FlowDiff

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from orchestra_client.operation import Procedure
    from orchestra_client.operations.registration import Registered
    from orchestra_client.procedures.registration.candidates import Candidate

__all__ = ["Pair", "compare"]

READ_BYTES, READ_FLOWS = 4 * 1024 * 1024, 200
"""How much of serialized flows one request reads, by the size of what they are compared with."""

_AGAIN = ":"
"""In a key, divides the content hash from the id of the version before, where both have the same content."""

_REVIVED = FieldChange("archived", before=True, after=False)


@dataclass(frozen=True, slots=True)
class Pair:
    """A flow, and the version of it that is registered.

    Attributes:
        candidate: the flow.
        latest: the registered version; None when there is none.
    """

    candidate: Candidate
    latest: Registered | None

    def change(self, kind: Any, diff: FlowDiff | None = None, *, again: bool = False) -> FlowChange:
        """What registering does about the flow.

        Args:
            kind: of the change.
            diff: how the flow differs.
            again: whether the key must be another one than that of a version with the same content.
        """
        candidate, latest = self.candidate, self.latest
        key = f"{candidate.hash}{_AGAIN}{latest.id}" if again and latest else candidate.hash
        return FlowChange(
            candidate.name,
            kind,
            candidate.flow,
            flow_id=latest.id if latest else None,
            version=latest.version if latest else None,
            hash=key or None,
            diff=diff,
            error=candidate.error,
        )


def compare(pairs: Sequence[Pair], *, force: bool, with_diffs: bool) -> Procedure[list[FlowChange]]:
    """Tell what registering flows does about each.

    Args:
        pairs: the flows.
        force: whether those that have not changed count as changed.
        with_diffs: whether to tell how changed flows differ.

    Returns:
        The changes, in order.
    """
    by_key = [_by_key(pair) for pair in pairs]
    suspects = [pair for pair, kind in zip(pairs, by_key, strict=True) if kind == "changed"]
    by_content = yield from _by_content(suspects, force=force, with_diffs=with_diffs)
    gaps = yield from _gaps([pair for pair, kind in zip(pairs, by_key, strict=True) if kind == "unchanged"])
    changes: list[FlowChange] = []
    for pair, kind in zip(pairs, by_key, strict=True):
        name = pair.candidate.name
        if kind == "unchanged":
            changes.append(_same(pair, gaps.get(name), force=force))
        else:
            changes.append(by_content.get(name) or pair.change(kind, again=force))
    return changes


def _by_key(pair: Pair) -> str:
    """The kind of the change as far as keys tell it; `changed` where only the content can."""
    if pair.candidate.error is not None:
        return "refused"
    if pair.latest is None:
        return "new"
    key = pair.latest.key
    return "unchanged" if key and key.partition(_AGAIN)[0] == pair.candidate.hash else "changed"


def _same(pair: Pair, gap: FieldChange | None, *, force: bool) -> FlowChange:
    """The change of a flow whose content is the registered one's."""
    assert pair.latest is not None
    if pair.latest.is_archived:
        return pair.change("changed", FlowDiff(other=(_REVIVED,)), again=force)
    if gap is not None:
        return pair.change("changed", FlowDiff(other=(gap,)), again=True)
    return pair.change("changed", FlowDiff(), again=True) if force else pair.change("unchanged")


def _by_content(
    suspects: Sequence[Pair], *, force: bool, with_diffs: bool
) -> Procedure[dict[str, FlowChange]]:
    """The changes, by name, as far as what is registered had to be read for them."""
    found: dict[str, FlowChange] = {}
    # Where differences are not wanted, only those are read that may turn out to be the same.
    read = [
        each for each in suspects if with_diffs or (not force and hashing_of(each.candidate.flow) is not None)
    ]
    for some in batches(read, _size, max_size=READ_BYTES, max_items=READ_FLOWS):
        stored: dict[str, Any] = yield operations.get_serialized_flows(_ids(some))
        differing: list[Pair] = []
        for pair in some:
            if _is_same(pair, stored):
                found[pair.candidate.name] = _same(pair, None, force=force)
            else:
                differing.append(pair)
        if with_diffs:
            found |= yield from _differing(differing, stored, force=force)
    return found


def _is_same(pair: Pair, stored: Mapping[str, Any]) -> bool:
    hashing = hashing_of(pair.candidate.flow)
    return hashing is not None and hashing(_stored(pair, stored)) == pair.candidate.hash


def _differing(
    pairs: Sequence[Pair], stored: Mapping[str, Any], *, force: bool
) -> Procedure[dict[str, FlowChange]]:
    # What was registered in pieces has its tasks and edges beside it.
    in_pieces = _ids([pair for pair in pairs if not _stored(pair, stored).get("tasks")])
    graphs: dict[str, Any] = (yield operations.get_flow_graphs(in_pieces)) if in_pieces else {}
    found: dict[str, FlowChange] = {}
    for pair in pairs:
        assert pair.latest is not None
        diff = diff_of(_stored(pair, stored), pair.candidate.document, graphs.get(pair.latest.id))
        if pair.latest.is_archived:
            diff = replace(diff, other=(*diff.other, _REVIVED))
        found[pair.candidate.name] = pair.change("changed", diff, again=force)
    return found


def _gaps(pairs: Sequence[Pair]) -> Procedure[dict[str, FieldChange]]:
    """What lacks of large flows whose registration in pieces ended in the middle, by name."""
    large = [pair for pair in pairs if is_large(pair.candidate.document)]
    if not large:
        return {}
    try:
        sizes: dict[str, tuple[int, int]] = yield operations.get_flow_sizes(_ids(large))
    except (ServerError, RateLimited):
        raise
    except ClientError:
        return {}  # the server cannot count
    found: dict[str, FieldChange] = {}
    for pair, flow_id in zip(large, _ids(large), strict=True):
        document = pair.candidate.document
        there, wanted = sizes.get(flow_id), (len(parts(document, "tasks")), len(edges_of(document)))
        if there != wanted:
            told = [f"{each[0]} tasks, {each[1]} edges" for each in (there or (0, 0), wanted)]
            found[pair.candidate.name] = FieldChange("registered", *told)
    return found


def _stored(pair: Pair, stored: Mapping[str, Any]) -> Mapping[str, Any]:
    """The registered version, empty where the server did not keep it."""
    assert pair.latest is not None
    return stored.get(pair.latest.id) or {}


def _ids(pairs: Sequence[Pair]) -> list[str]:
    return [pair.latest.id for pair in pairs if pair.latest is not None]


def _size(pair: Pair) -> int:
    return size_of(pair.candidate.document)
