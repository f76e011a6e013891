"""The other side of test_peer_agents.py: runs under a peer's Python and registers flows.

The line that begins with FOUND tells their ids, as JSON.
"""

import json

import agent_flows
from prefect import Client

Client().create_project("peers")
flows = [agent_flows.story(), agent_flows.scarce(), agent_flows.nap()]
print("FOUND", json.dumps({flow.name: flow.register(project_name="peers") for flow in flows}))
