"""The other side of test_peer_runs.py: runs under a peer's Python and drives runs on our server.

The line that begins with FOUND tells, as JSON, what the peer made of the server's answers.
"""

import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor

url, flow_id = sys.argv[1:]
os.environ.update(PREFECT__BACKEND="server", PREFECT__CLOUD__API=url, PREFECT__CLOUD__GRAPHQL=url)

from prefect import Client  # noqa: E402 (it reads the environment as it is imported)
from prefect.agent import Agent  # noqa: E402
from prefect.engine.state import Running, Submitted, Success  # noqa: E402


def outcome(call, *arguments, **named):
    """The type and message of the state that a call returned, or of what it raised, a signal of theirs included."""
    try:
        state = call(*arguments, **named)
    except BaseException as error:
        return [type(error).__name__, str(error)]
    return [type(state).__name__, state.message]


def new_client():
    client = Client(api_server=url)
    client.api_token = "unused"
    return client


class Deployer(Agent):
    """An agent that can deploy, or cannot."""

    can_deploy = True

    def deploy_flow(self, flow_run):
        if not self.can_deploy:
            raise RuntimeError("cannot deploy")
        return "deployed"


def new_agent():
    agent = Deployer(name="peer")
    agent.client = new_client()
    registered = agent.client.register_agent("Deployer", name="peer", labels=[])
    agent.client.attach_headers({"X-PREFECT-AGENT-ID": registered})
    return agent


def ready(agent):
    """The one run in the queue, as the agent reads it."""
    if hasattr(agent, "query_flow_runs"):
        [flow_run] = agent.query_flow_runs()
    else:
        [flow_run] = agent._get_flow_run_metadata(agent._get_ready_flow_runs())
    return flow_run


def deploy(agent, flow_run):
    """What an agent does with a run, in a thread as agents do: whatever escapes ends in the future."""
    work = getattr(agent, "deploy_and_update_flow_run", None) or agent._deploy_flow_run
    with ThreadPoolExecutor(1) as threads:
        threads.submit(work, flow_run).exception()


def drive_states(client):
    run_id = client.create_flow_run(flow_id=flow_id)
    info = client.get_flow_run_info(run_id)
    [first, second] = info.task_runs
    set_flow, set_task = client.set_flow_run_state, client.set_task_run_state
    return {
        "first": [info.version, type(info.state).__name__, first.version, type(first.state).__name__],
        "submitted": outcome(set_flow, run_id, version=1, state=Submitted(state=info.state)),
        "stale": outcome(set_flow, run_id, version=1, state=Running()),
        "again": outcome(set_flow, run_id, version=2, state=Submitted(state=info.state)),
        "too early": outcome(set_task, first.id, version=0, state=Running()),
        "running": outcome(set_flow, run_id, version=2, state=Running()),
        "task running": outcome(set_task, first.id, version=0, state=Running()),
        "task queued": outcome(set_task, second.id, version=0, state=Running()),
        "task success": outcome(set_task, first.id, version=1, state=Success("done")),
        "task let in": outcome(set_task, second.id, version=0, state=Running()),
        "success": outcome(set_flow, run_id, version=3, state=Success()),
    }


def log(client):
    """A record whose level its logger made up, after another one: a batch is kept or refused as a whole."""
    run_id = client.create_flow_run(flow_id=flow_id)
    records = [
        {"flow_run_id": run_id, "name": "prefect", "message": level, "level": level, "info": {}}
        for level in ("WARNING", "NOTICE")
    ]
    client.write_run_logs(records)
    return run_id


def race(client):
    run_id = client.create_flow_run(flow_id=flow_id)
    winner, loser = new_agent(), new_agent()
    taken, seen = ready(winner), ready(loser)
    deploy(winner, taken)
    deploy(loser, seen)
    return run_id


def fail(client):
    run_id = client.create_flow_run(flow_id=flow_id)
    agent = new_agent()
    agent.can_deploy = False
    deploy(agent, ready(agent))
    return run_id


client = new_client()
found = {"states": drive_states(client), "raced": race(client), "failed": fail(client), "logged": log(client)}
print("FOUND", json.dumps(found))
