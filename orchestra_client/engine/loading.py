"""Loading the flow of a flow run from where it is stored."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestra_client.errors import FlowStorageError, NotFound
from orchestra_client.flows.schemas.storages import load_storage

if TYPE_CHECKING:
    from orchestra_client.client import Client
    from orchestra_client.flows import Flow

__all__ = ["load_flow"]

_STORAGE = """
query StorageOfFlowRun($where: flow_run_bool_exp!) {
  flow_run(where: $where) { flow { name storage } }
}
"""


def load_flow(client: Client, flow_run_id: str) -> Flow:
    """Load the flow of a flow run; its code runs in this process.

    Args:
        client: asks where it is stored.
        flow_run_id: the flow run.

    Returns:
        The flow, ready to run.

    Raises:
        NotFound: there is no such flow run.
        FlowStorageError: the flow has no storage, or cannot be loaded from it.
    """
    rows = client.graphql(_STORAGE, variables={"where": {"id": {"_eq": flow_run_id}}}).data.flow_run
    if not rows:
        raise NotFound(f"flow run {flow_run_id} does not exist, or belongs to another tenant")
    flow = rows[0].flow
    storage = load_storage(flow.storage)
    if storage is None:
        raise FlowStorageError(
            f"the flow {flow.name!r} was registered without a storage, so nobody can load it; set for instance "
            "flow.storage = Script(__file__) and register it again"
        )
    return storage.load(flow.name)
