# Generated from orchestra_client/_async/flows.py by tools/generate.py: do not edit.
"""Flows: registering and listing them, their schedules, archiving."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestra_client._sync.tenants import Tenants
from orchestra_client.errors import BadInput
from orchestra_client.operations import flows
from orchestra_client.pages import has_pages
from orchestra_client.procedures.registration import register

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestra_client.operations.checks import Id
    from orchestra_client.procedures.registration import SerializableFlow
    from orchestra_client.records import Records
    from orchestra_client.results import FlowVersion

__all__ = ["Flows"]


class Flows(Tenants):
    """The client's methods for flows."""

    def register(  # noqa: PLR0917 - the arguments' order is the API's
        self,
        flow: SerializableFlow | Mapping[str, Any],
        project_name: str | None = None,
        build: bool = True,
        set_schedule_active: bool = True,
        version_group_id: str | None = None,
        compressed: bool = True,
        no_url: bool = False,
        idempotency_key: str | None = None,
        force: bool = False,
    ) -> str:
        """Register a flow: its next version in a project; older versions are archived.

        A flow that has not changed since its latest version was registered makes no new one: that version's id is
        returned, and its schedule stays as active as it is. What counts as a change is `Flow.content_hash`; for other
        flows and dicts, a hash over the serialized flow without its `__version__` fields.

        A flow of any size is registered as a whole or not at all. Servers of the older API take more than 500 tasks or
        500 edges only in pieces, the schedule last: after a failure in the middle, register the flow again to
        complete the version.

        Args:
            flow: a `Flow`, anything else with `serialize(build=…)`, or a serialized flow as a dict.
            project_name: a project that exists; must be given.
            build: whether `flow.serialize` also builds what the flow runs from: puts it into its storage.
            set_schedule_active: whether its schedule makes runs; can be changed later.
            version_group_id: the version group; unset means that of the project's flow of the same name.
            compressed: whether to send the flow compressed.
            no_url: whether to print nothing; else the URL of the flow is printed, or its id where the server has no pages.
            idempotency_key: with the key of the group's latest version, nothing is registered and that version's
                id is returned. Unset means the hash of the flow's content.
            force: whether to make a new version even if nothing has changed; not together with a key.

        Returns:
            The flow's id.

        Raises:
            BadInput: there is no such project; the flow has no name, a task twice, an edge that leads nowhere, or a
                schedule that lacks values of required parameters. Nothing was registered.
            FlowError: a `Flow` is not valid, or has no storage to be built into. Nothing was registered.
            FlowStorageError: its storage cannot take it. Nothing was registered.
            ClientError: the API refused it.
        """
        if force and idempotency_key is not None:
            raise BadInput(
                "force makes a new version whatever the key: give force or idempotency_key, not both"
            )
        flow_id = self._run(
            register(
                flow,
                project_name,
                build=build,
                compressed=compressed,
                set_schedule_active=set_schedule_active,
                version_group_id=version_group_id,
                idempotency_key=self._session.new_id() if force else idempotency_key,
                takes_large_flows=self._server_has("large_flows"),
            )
        )
        if not no_url:
            print(self._whereabouts(flow_id))
        return flow_id

    def _whereabouts(self, flow_id: str) -> str:
        if not has_pages(self._session.server, self._session.capabilities()):
            return f"Flow ID: {flow_id}"
        group_id = self._execute(flows.find_flow_group(flow_id))
        return f"Flow URL: {self.get_cloud_url('flow', group_id)}"

    def set_schedule_active(self, flow_id: Id) -> bool:
        """Let a flow's schedule make runs.

        Args:
            flow_id: the flow.

        Returns:
            Whether it worked.

        Raises:
            BadInput: the id is no UUID. Also a ValueError.
            NotFound: there is no such flow in this tenant.
        """
        return self._execute(flows.set_schedule_active(flow_id))

    def set_schedule_inactive(self, flow_id: Id) -> bool:
        """Stop a flow's schedule; runs that it made and that have not begun are deleted.

        Args:
            flow_id: the flow.

        Returns:
            Whether it worked.

        Raises:
            BadInput: the id is no UUID. Also a ValueError.
            NotFound: there is no such flow in this tenant.
        """
        return self._execute(flows.set_schedule_inactive(flow_id))

    def archive_flow(self, flow_id: Id) -> bool:
        """Archive a flow, so that it gets no more runs.

        Of its runs that are Scheduled, those that its schedule made are deleted, and the others become Cancelled. Runs
        that an agent has taken go on.

        Args:
            flow_id: the flow.

        Returns:
            Whether it worked.

        Raises:
            BadInput: the id is no UUID. Also a ValueError.
            NotFound: there is no such flow in this tenant.
        """
        return self._execute(flows.archive_flow(flow_id))

    def flows(
        self,
        *,
        name: str | None = None,
        project: str | None = None,
        flow_id: Id | None = None,
        version_group_id: str | None = None,
        is_archived: bool | None = False,
        limit: int = 100,
        offset: int = 0,
    ) -> Records[FlowVersion]:
        """List flows: the current version of each, or older ones.

        Args:
            name: of the flow; unset means any.
            project: the name of its project; unset means any.
            flow_id: of one version; give `is_archived` None, too, to have it even if it is archived.
            version_group_id: of its group; unset means any.
            is_archived: False for the current versions, True for those that are archived, None for both.
            limit: how many at most, from 1 to 10000; `is_whole` of the result tells whether there are more.
            offset: how many to leave out first.

        Returns:
            The flows in the order of their names, the newest version of each first.

        Raises:
            BadInput: a filter makes no sense. Nothing was sent. Also a ValueError.
        """
        wanted = flows.list_flows(
            name=name,
            project=project,
            flow_id=flow_id,
            version_group_id=version_group_id,
            is_archived=is_archived,
            limit=limit,
            offset=offset,
        )
        return self._execute(wanted)
