"""Registering flows: checking them, telling which have changed, and sending those, in one piece or in several."""

from __future__ import annotations

from orchestra_client.procedures.registration.documents import HashedFlow, SerializableFlow
from orchestra_client.procedures.registration.many import register_flows
from orchestra_client.procedures.registration.planning import plan_registration
from orchestra_client.procedures.registration.single import register

__all__ = [
    "HashedFlow",
    "SerializableFlow",
    "plan_registration",
    "register",
    "register_flows",
]
