"""Why a flow run is not running, or what it waits for."""

from __future__ import annotations

from orchestra_client.procedures.explaining.procedure import explain_flow_run

__all__ = ["explain_flow_run"]
