"""What all storages have in common, and how a flow is picked out of a module or script."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, NoReturn

from orchestra_client.errors import FlowStorageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from orchestra_client.flows.flow import Flow

__all__ = ["Storage", "UnknownStorage", "pick_flow"]


class Storage(ABC):
    """A place where a run finds the code of its flow.

    Args:
        secrets: names of secrets that runs need from the start; unset means none.

    Attributes:
        flows: the flows that were put there, each name with its location.
        extra_fields: JSON fields of a newer peer, written back as they came.
    """

    def __init__(self, *, secrets: Iterable[str] | None = None) -> None:
        self.flows: dict[str, str] = {}
        self.secrets = list(secrets or ())
        self.extra_fields: Mapping[str, Any] = {}

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.location}>"

    @property
    @abstractmethod
    def location(self) -> str:
        """Where it is, for people."""

    @abstractmethod
    def add_flow(self, flow: Flow) -> str:
        """Put a flow there, in place of one of the same name.

        Returns:
            Its location.

        Raises:
            FlowStorageError: it cannot be put there.
        """

    @abstractmethod
    def load(self, name: str | None = None) -> Flow:
        """Load a flow, in any process.

        Args:
            name: the flow's name; unset means the only flow that there is.

        Returns:
            The flow, ready to run.

        Raises:
            FlowStorageError: it is not there, or cannot be loaded; the error says why, and where the fault is.
        """

    def only_name(self, name: str | None) -> str | None:
        """The name given, else that of the only flow that was put there, else None."""
        return name or (next(iter(self.flows)) if len(self.flows) == 1 else None)

    def refuse(self, reason: str) -> FlowStorageError:
        """The error for a flow that cannot be loaded."""
        return FlowStorageError(f"{self.location}: {reason}", location=self.location)


class UnknownStorage(Storage):
    """A storage of a type that this version does not know; it is written back as it came.

    Args:
        document: its JSON.
    """

    def __init__(self, document: Mapping[str, Any]) -> None:
        super().__init__()
        self.document = dict(document)

    @property
    def location(self) -> str:
        """Its type."""
        return str(self.document.get("type"))

    def add_flow(self, flow: Flow) -> NoReturn:
        """Refuse."""
        raise self.refuse("this version cannot store flows there")

    def load(self, name: str | None = None) -> NoReturn:
        """Refuse."""
        raise self.refuse("this version cannot load flows from there")


def pick_flow(storage: Storage, found: Iterable[Any], name: str | None) -> Flow:
    """The flow meant, among everything that a module or script has.

    Args:
        storage: where it was found, for the errors.
        found: the values of its names; those that are no flows do not count.
        name: the flow's name; None for the only one.

    Returns:
        The flow.

    Raises:
        FlowStorageError: it is not there, or there are several.
    """
    from orchestra_client.flows.flow import Flow  # noqa: PLC0415 (it is imported by then)

    flows = list({id(each): each for each in found if isinstance(each, Flow)}.values())
    names = ", ".join(sorted(repr(flow.name) for flow in flows))
    if not flows:
        raise storage.refuse(
            "there is no flow; a flow must have a name at the top level, as in `flow = Flow(…)`"
        )
    matching = flows if name is None else [flow for flow in flows if flow.name == name]
    if not matching:
        raise storage.refuse(f"there is no flow {name!r}, only {names}")
    if len(matching) > 1:
        raise storage.refuse(f"there are several flows, {names}; say which one")
    return matching[0]
