"""Registering versions of flows: as many as there are, with a fixed number of statements."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from orchestra_client.errors import BadInput, PayloadTooLarge
from orchestra_client.server.checks import bounded
from orchestra_client.server.registration import serialized, versions
from orchestra_client.server.store import json
from orchestra_client.server.store.ids import new_id

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sqlalchemy import RowMapping

    from orchestra_client.server.store.session import Session

    Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Order:
    """A version that shall be registered.

    Attributes:
        flow: the serialized flow, which has the shape of one.
        version_group_id: the version group; None for that of the project's newest flow of the same name.
        idempotency_key: with that of the group's latest version, nothing is registered.
        description: for people.
        is_active: whether its schedule, if it has one, shall make runs.
        place: what errors call it; empty for the only one of its request.
        index: its place among those of its request; None for the only one.
    """

    flow: dict[str, Any]
    version_group_id: str | None = None
    idempotency_key: str | None = None
    description: str | None = None
    is_active: bool = False
    place: str = ""
    index: int | None = None

    @classmethod
    def of(cls, flow: Any, given: Mapping[str, Any], index: int | None = None) -> Order:
        """The order that a mutation's input makes.

        Args:
            flow: the serialized flow.
            given: what else the input says.
            index: as the attribute.

        Raises:
            BadInput: the serialized flow has not the shape of one, or a text is too long.
        """
        place = _place(index)
        with _blamed(place, index):
            for name in ("version_group_id", "idempotency_key"):
                bounded(given.get(name) or "", name)
            return cls(
                serialized.check_flow(flow),
                given.get("version_group_id"),
                given.get("idempotency_key"),
                given.get("description"),
                bool(given.get("set_schedule_active")),
                f"{place} ({flow['name']!r})" if place else "",
                index,
            )


@dataclass(frozen=True, slots=True)
class Version:
    """A version that is registered.

    Attributes:
        id: the flow's UUID.
        version: its number.
        created: whether it was made just now.
    """

    id: str
    version: int
    created: bool


def orders(given: Sequence[Mapping[str, Any]]) -> list[Order]:
    """The orders that the items of a mutation's input make.

    Args:
        given: each with its serialized flow as JSON, or as base64(gzip(JSON)) of it.

    Raises:
        BadInput: one is wrong; the message says which.
        PayloadTooLarge: they unpack to more than `serialized.MAX_FLOW_BYTES`, or `serialized.MAX_VALUES`, in all.
    """
    made: list[Order] = []
    left, values = serialized.MAX_FLOW_BYTES, 0
    for index, item in enumerate(given):
        flow = item["serialized_flow"]
        if isinstance(flow, str):
            with _blamed(_place(index), index):
                data = _unpacked(flow, left)
                left, values = left - len(data), values + json.count(data)
                _check_values(values)
                flow = serialized.read(data)
        made.append(Order.of(flow, item, index))
    return made


def _place(index: int | None) -> str:
    return "" if index is None else f"flows[{index}]"


def _unpacked(text: str, left: int) -> bytes:
    try:
        return serialized.unpack(text, left)
    except PayloadTooLarge:
        raise _too_large(f"unpack to more than {serialized.MAX_FLOW_BYTES} bytes") from None


def _check_values(number: int) -> None:
    if number > serialized.MAX_VALUES:
        raise _too_large(f"hold more than {serialized.MAX_VALUES} values")


def _too_large(what: str) -> PayloadTooLarge:
    return PayloadTooLarge(f"The flows {what} in all; register them in several requests.")


@contextmanager
def _blamed(place: str, index: int | None) -> Iterator[None]:
    """Say of bad input where it stands."""
    try:
        yield
    except BadInput as error:
        if not place:
            raise
        raise BadInput(f"{place}: {error}", index=index) from None


def register(session: Session, project_id: str | None, orders: Sequence[Order]) -> list[Version]:
    """Register the next version of each flow in its version group; the ones before are archived.

    Args:
        session: of whoever registers.
        project_id: the project; None for none.
        orders: the flows, of different version groups.

    Returns:
        One version for each order, in their order.

    Raises:
        NotFound: there is no such project.
        BadInput: a flow cannot be registered; nothing may remain then of any.
    """
    if project_id:
        # Held, so that two who register a new flow make one version group of it.
        session.require("project", project_id, lock=True)
    groups = versions.groups_of(session, project_id, orders)
    latest = versions.latest(session, [group["id"] for group in groups])
    known = [_known(order, latest.get(group["id"])) for order, group in zip(orders, groups, strict=True)]
    new: list[_New] = []
    for order, group, found in zip(orders, groups, known, strict=True):
        if found is None:
            with _blamed(order.place, order.index):
                new.append(_New(order, group, latest.get(group["id"])))
    versions.archive(session, versions.current(session, [each.group["id"] for each in new]))
    session.insert("flow", *(each.row(project_id) for each in new))
    session.insert("task", *(row for each in new for row in each.tasks))
    session.insert("edge", *(row for each in new for row in each.edges))
    made = (each.made for each in new)
    return [next(made) if found is None else found for found in known]


def _known(order: Order, latest: RowMapping | None) -> Version | None:
    """The version that is there already, as its key tells."""
    if latest is None or latest["archived"] or not order.idempotency_key:
        return None
    is_same = latest["idempotency_key"] == order.idempotency_key
    return Version(latest["id"], latest["version"], created=False) if is_same else None


class _New:
    """A version that is about to be written, with its tasks and edges."""

    def __init__(self, order: Order, group: RowMapping, latest: RowMapping | None) -> None:
        self.order = order
        self.group = group
        self.made = Version(new_id(), latest["version"] + 1 if latest else 1, created=True)
        tasks = serialized.task_rows(self.made.id, order.flow.get("tasks") or [])
        ids = {task["slug"]: new_id() for task in tasks}
        self.edges = self._edges(ids)
        self.tasks = self._placed([{**task, "id": ids[task["slug"]]} for task in tasks], ids)
        self.is_schedule_active = self._activates(order)

    def row(self, project_id: str | None) -> Row:
        """The flow's row."""
        order, flow = self.order, self.order.flow
        return {
            "id": self.made.id,
            "flow_group_id": self.group["id"],
            "project_id": project_id,
            "version_group_id": self.group["name"],
            "idempotency_key": order.idempotency_key,
            "name": flow["name"],
            "version": self.made.version,
            "archived": False,
            "description": order.description,
            "core_version": flow.get("__version__"),
            "environment": flow.get("environment"),
            "run_config": flow.get("run_config"),
            "storage": flow.get("storage"),
            "parameters": flow.get("parameters") or [],
            "schedule": flow.get("schedule"),
            "is_schedule_active": self.is_schedule_active,
            "serialized_flow": flow,
            "settings": self.group["settings"],
        }

    def _activates(self, order: Order) -> bool:
        flow = order.flow
        if not order.is_active or not flow.get("schedule"):
            return False
        check_schedule(flow.get("parameters"), flow["schedule"], self.group)
        return True

    def _edges(self, ids: dict[str, str]) -> list[Row]:
        rows = serialized.edge_rows(self.made.id, self.order.flow.get("edges") or [], ids)
        # An edge that stands twice is one edge, the last of them.
        return list(
            {(row["upstream_task_id"], row["downstream_task_id"], row["key"]): row for row in rows}.values()
        )

    def _placed(self, tasks: list[Row], ids: dict[str, str]) -> list[Row]:
        reference = {
            ids[task["slug"]] for task in self.order.flow.get("reference_tasks") or [] if task["slug"] in ids
        }
        places = serialized.topology(tasks, self.edges, reference)
        return [{**task, **place} for task, place in zip(tasks, places, strict=True)]


def check_schedule(parameters: Any, schedule: Any, group: RowMapping) -> None:
    """Whether a schedule, or the flow group's in its place, gives every parameter that a flow requires a value.

    Raises:
        BadInput: it does not.
    """
    missing = serialized.unscheduled_parameters(
        parameters, group["schedule"] or schedule, group["default_parameters"] or {}
    )
    if missing:
        raise BadInput(
            f"The schedule cannot be active: it leaves the required parameters {', '.join(sorted(missing))} "
            "without a value; give them defaults in the flow, its group or each clock."
        )
