"""Planning and registering what was found, in a project that may have to be made first."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from orchestra_client.cli.registration_report import Row, row
from orchestra_client.errors import BadInput, OrchestraError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from orchestra_client.client import Client
    from orchestra_client.flows.sources import FoundFlow
    from orchestra_client.results import RegisteredFlow

__all__ = ["Registration"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Registration:
    """What to register, and how.

    Attributes:
        found: the flows, at least one.
        project: the project's name.
        create_project: whether to create the project if there is none.
        atomic: whether to do all of it or nothing.
        no_schedule: whether the schedules of new versions shall make no runs.
        compared: what matters for a plan, too: `prune`, `labels`, `force`.
        on_flow: called with each flow that is done, how many are, and how many there are.
    """

    found: Sequence[FoundFlow]
    project: str
    create_project: bool
    atomic: bool
    no_schedule: bool
    compared: dict[str, Any]
    on_flow: Callable[[Row, int, int], object]

    def plan(self, client: Client) -> tuple[Row, ...]:
        """Tell what registering would do.

        Raises:
            BadInput: there is no such project, and none shall be created.
        """
        planned = self._in_project(
            client,
            lambda: client.plan_registration(self._flows(), self.project, **self.compared),
            lambda: None,
        )
        if planned is None:
            return tuple(Row(each.name, "new", None, None, each.place) for each in self.found)
        return tuple(row(change, self._places()) for change in planned.changes)

    def register(self, client: Client) -> tuple[Row, ...]:
        """Register.

        Raises:
            BadInput: there is no such project.
            OrchestraError: nothing could be done, and not because of one flow.
        """
        places = self._places()

        def tell(flow: RegisteredFlow, done: int, total: int) -> None:
            self.on_flow(row(flow, places), done, total)

        def register() -> Any:
            return client.register_flows(
                self._flows(),
                self.project,
                atomic=self.atomic,
                set_schedule_active=not self.no_schedule,
                on_progress=tell,
                **self.compared,
            )

        def create_and_register() -> Any:
            client.create_project(self.project)
            return register()

        try:
            result = self._in_project(client, register, create_and_register)
        except OrchestraError as error:
            if error.flow_name is None:
                raise
            return tuple(self._undone(error))
        return tuple(row(flow, places) for flow in result.flows)

    def _undone(self, error: OrchestraError) -> Iterator[Row]:
        """What is told of flows that were not registered because of one of them."""
        for done, each in enumerate(self.found, 1):
            is_to_blame = each.name == error.flow_name
            text = str(error).removeprefix(f"the flow {each.name!r}: ") if is_to_blame else None
            told = Row(each.name, "failed" if text else "not registered", None, None, each.place, text)
            self.on_flow(told, done, len(self.found))
            yield told

    def _in_project(self, client: Client, call: Callable[[], T], without: Callable[[], T]) -> T:
        """What the call returns, or what the other one does if there is no project and it shall be created."""
        try:
            return call()
        except BadInput:
            # Asked only now: most often the project is there.
            if client.projects(name=self.project):
                raise
        if self.create_project:
            return without()
        raise BadInput(
            f"There is no project {self.project!r}. Create it with "
            f"`orchestra project create {shlex.quote(self.project)}`, or give --create-project."
        )

    def _flows(self) -> list[Any]:
        return [each.flow for each in self.found]

    def _places(self) -> dict[str, Any]:
        return {each.name: each.place for each in self.found}
