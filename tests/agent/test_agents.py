"""Agents and their server: races, lost answers, outages, late runs, the end."""

from __future__ import annotations

import errno
import logging
import os
import signal
import threading
import time
from collections import Counter
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from orchestra_client import Client, states
from orchestra_client.agent import Agent, ClaimedRun, Deployment, Ending, Pace
from orchestra_client.errors import AuthenticationError, ConfigurationError, TransportConnectionError
from orchestra_client.server.resolvers import queue
from orchestra_client.testing import MemoryServer
from orchestra_client.transport import Request, Response
from orchestra_client.transport.embedded import EmbeddedTransport
from orchestra_client.transport.http import HTTPTransport
from orchestra_client.transport.retry import RetryPolicy
from tests.agent.world import SHORT, TOKEN, Running, ServerProcess, World, until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.slow


class Ended(Deployment):
    """Over as soon as it began."""

    def poll(self) -> Ending:
        return Ending("is over", is_clean=True)

    def terminate(self) -> None: ...

    def kill(self) -> None: ...

    def describe(self) -> str:
        return "nothing"


class Lasting(Ended):
    """Goes on until it is told to end, or told so twice."""

    def __init__(self, *, is_stubborn: bool = False) -> None:
        self.told: list[str] = []
        self.is_stubborn = is_stubborn

    def poll(self) -> Ending | None:  # type: ignore[override]
        return Ending("ended", is_clean=False) if len(self.told) > self.is_stubborn else None

    def terminate(self) -> None:
        self.told.append("terminate")

    def kill(self) -> None:
        self.told.append("kill")


class Quick(Agent):
    """Ends each run well the moment it is deployed."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.deployed: list[str] = []

    def deploy(self, run: ClaimedRun) -> Deployment:
        self.deployed.append(run.id)
        with self._open_client() as client:
            client.set_flow_run_state(run.id, run.version, states.Success(self.name))
        return Ended()


class Slow(Agent):
    """Has runs that last."""

    is_stubborn = False

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.deployments: dict[str, Lasting] = {}

    def deploy(self, run: ClaimedRun) -> Deployment:
        self.deployments[run.id] = Lasting(is_stubborn=self.is_stubborn)
        return self.deployments[run.id]


class SlowAndStubborn(Slow):
    is_stubborn = True


def test_of_two_agents_one_gets_each_run(world: World, start: Callable[..., Running]) -> None:
    runs = [world.run("nothing") for _ in range(40)]
    agents = [start(Quick, name=name, limit=3).agent for name in ("one", "other")]
    for run in runs:
        world.ends(run)

    deployed = Counter(run for agent in agents for run in agent.deployed)
    assert deployed == dict.fromkeys(runs, 1)
    assert all(world.states(run) == ["Scheduled", "Submitted", "Success"] for run in runs)
    assert all(agent.deployed for agent in agents)


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[tuple[MemoryServer, World]]:
    with MemoryServer() as server, server.client() as client:
        yield server, World(client, tmp_path)


def in_memory(server: MemoryServer, kind: type[Agent], world: World, **options: Any) -> Running:
    open_one = partial(server.client, retry=RetryPolicy(budget=0))
    return Running(kind(labels=[world.label], open_client=open_one, pace=Pace(**SHORT), **options))


def test_a_claim_whose_answer_was_lost_is_found_again(memory: tuple[MemoryServer, World]) -> None:
    server, world = memory
    run_id = world.run("nothing")
    server.faults.lose_answers(matching="SetFlowRunStates")
    agent = in_memory(server, Quick, world)
    world.ends(run_id)
    agent.stop()
    assert agent.agent.deployed == [run_id]
    assert world.states(run_id) == ["Scheduled", "Submitted", "Success"]


def test_an_agent_with_room_for_one_looks_past_runs_that_live(
    memory: tuple[MemoryServer, World], monkeypatch: pytest.MonkeyPatch
) -> None:
    # As on an older server, whose queue does not tell them apart.
    monkeypatch.setattr(queue, "_SILENCE", 0.0)
    server, world = memory
    for _ in range(3):
        live = world.run("nothing")
        world.client.set_flow_run_state(live, None, states.Running())
        [task_run] = world.client.get_flow_run_info(live).task_runs
        due = world.client._session.clock.now() - timedelta(seconds=60)
        world.client.set_task_run_state(task_run.id, None, states.Retrying(start_time=due))
    run_id = world.run("nothing")
    agent = in_memory(server, Quick, world, limit=1)
    assert world.ends(run_id).is_successful()
    agent.stop()
    assert agent.agent.deployed == [run_id]


class Short(Quick):
    """On a machine that has no descriptors left, for a while."""

    failures = 1

    def deploy(self, run: ClaimedRun) -> Deployment:
        if self.failures:
            self.failures -= 1
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        return super().deploy(run)


def test_an_agent_without_descriptors_gives_runs_back_and_rests(
    memory: tuple[MemoryServer, World], caplog: pytest.LogCaptureFixture
) -> None:
    server, world = memory
    runs = [world.run("nothing") for _ in range(5)]
    agent = in_memory(server, Short, world, random=lambda: 0.999)
    until(lambda: all(world.states(run)[-1] == "Scheduled" for run in runs) and "cannot start" in caplog.text)
    polls = agent.agent.status()[1]["polls"]
    until(lambda: agent.agent.status()[1]["polls"] > polls + 3)
    assert [world.states(run) for run in runs] == [["Scheduled", "Submitted", "Scheduled"]] * 5
    assert caplog.text.count("This machine cannot start runs") == 1
    assert "Too many open files" in world.row(runs[0]).state_message
    for run in runs:
        world.ends(run)
    agent.stop()
    assert "can start runs again" in caplog.text


class Lossy(HTTPTransport):
    """Loses the first answers that hold a token."""

    losses = 3

    def send(self, request: Request) -> Response:
        response = super().send(request)
        if "create_api_token" in request.text and self.losses:
            self.losses -= 1
            raise TransportConnectionError("the answer was lost")
        return response


def test_a_token_that_was_lost_on_its_way_is_made_once_and_revoked(
    server: ServerProcess, world: World, start: Callable[..., Running]
) -> None:
    transport = Lossy(server.url)
    start(
        open_client=lambda: Client(server.url, TOKEN, transport=transport, retry=RetryPolicy(budget=0)),
    )
    run_id = world.run("sleep")
    world.noted("asleep")
    assert transport.losses == 0
    assert [token.flow_run_id for token in world.client.api_tokens()].count(run_id) == 1
    (world.folder / "wake").touch()
    world.ends(run_id)
    until(lambda: run_id not in [token.flow_run_id for token in world.client.api_tokens()])


def test_an_end_that_could_not_be_reported_is_reported_later(memory: tuple[MemoryServer, World]) -> None:
    server, world = memory
    run_id = world.run("nothing")
    agent = in_memory(server, Slow, world)
    until(lambda: agent.agent.deployments)
    server.faults.refuse_connections(times=3, matching="EndOfRun")
    server.faults.lose_answers(times=1, matching="SetFlowRunStates")
    agent.agent.deployments[run_id].told.append("an accident")
    state = world.ends(run_id)
    agent.stop()
    assert "Nothing ended, and the run had not come to an end" in state.message
    assert world.states(run_id).count("Failed") == 1


def test_an_outage_is_told_and_its_end_too(
    memory: tuple[MemoryServer, World], caplog: pytest.LogCaptureFixture
) -> None:
    server, world = memory
    agent = in_memory(server, Quick, world)
    server.faults.refuse_connections(times=4, matching="GetRunsInQueue")
    until(lambda: "The server answers again" in caplog.text)
    run_id = world.run("nothing")
    world.ends(run_id)
    agent.stop()
    assert caplog.text.count("Asking for runs failed") == 1


def test_an_agent_outlives_its_server(
    own_server: ServerProcess, tmp_path: Path, start: Callable[..., Running]
) -> None:
    with Client(own_server.url, TOKEN) as client:
        world = World(client, tmp_path)
        agent = start(url=own_server.url, labels=[world.label])
        lasting, doomed = world.run("sleep"), world.run("sleep")
        pids = {run: world.pid(run) for run in (lasting, doomed)}
        for run in (lasting, doomed):
            until(lambda run=run: world.row(run).task_runs[0].state == "Running")

        own_server.kill()
        os.kill(pids[doomed], signal.SIGKILL)
        until(lambda: agent.agent.status()[1]["status"] == "waiting for the server")
        time.sleep(0.5)
        own_server.start()

        assert "SIGKILL" in world.ends(doomed).message
        until(lambda: agent.agent.status()[1]["status"] == "working")
        assert world.state(lasting).is_running()
        (tmp_path / "wake").touch()
        assert world.ends(lasting).message == "slept well"
        assert agent.stop(1) is True


def test_a_late_run_is_explained_once(
    world: World, start: Callable[..., Running], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    other = world.run("nothing", labels=[world.label, "gpu"])
    unlabelled = world.run("nothing", labels=[])
    agent = start(Quick, pace={"late": 0.1, "unmatched": 0.1})
    until(lambda: agent.agent.status()[1]["polls"] > 8)

    [line] = [record.getMessage() for record in caplog.records if other in record.getMessage()]
    assert line.startswith("Late: flow run ")
    assert line.endswith("waits, and this agent does not have its label 'gpu'.")
    [line] = [record.getMessage() for record in caplog.records if unlabelled in record.getMessage()]
    assert line.endswith(f"takes only runs with labels ('{world.label}'), and it has none.")


def test_an_agent_that_is_full_says_so_and_stays_known(
    world: World, start: Callable[..., Running], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    for _ in range(3):
        world.run("nothing")
    agent = start(Slow, limit=1)
    until(lambda: "2 runs wait: this agent is at its limit of 1" in caplog.text)
    until(lambda: agent.agent.deployments)
    query = "query($id: UUID!) { agent_by_pk(id: $id) { name last_queried } }"
    asked = world.client.graphql(query, variables={"id": agent.id}).data.agent_by_pk.last_queried
    until(
        lambda: world.client.graphql(query, variables={"id": agent.id}).data.agent_by_pk.last_queried > asked
    )


def test_told_to_stop_it_waits_for_its_runs_and_takes_no_more(
    world: World, start: Callable[..., Running]
) -> None:
    run_id = world.run("nothing")
    agent = start(Slow)
    until(lambda: agent.agent.deployments)
    agent.agent.stop()
    until(lambda: agent.agent.status()[1]["status"] == "stopping")
    later = world.run("nothing")
    time.sleep(0.5)
    assert world.states(later) == ["Scheduled"]
    assert world.states(run_id) == ["Scheduled", "Submitted"]

    world.client.set_flow_run_state(run_id, None, states.Success())
    agent.agent.deployments[run_id].told.append("it is over")
    assert agent.wait() is True
    assert world.states(run_id)[-1] == "Success"


@pytest.mark.parametrize("kind", [Slow, SlowAndStubborn])
def test_told_twice_it_ends_them(world: World, start: Callable[..., Running], kind: type[Slow]) -> None:
    run_id = world.run("nothing")
    agent = start(kind, pace={"grace": 0.3})
    until(lambda: agent.agent.deployments)
    assert agent.stop(2) is True
    state = world.state(run_id)
    assert state.is_failed()
    assert "because its agent stopped" in state.message
    assert agent.agent.deployments[run_id].told == ["terminate", "kill"][: 1 + kind.is_stubborn]


def test_the_time_to_drain_is_bounded(world: World, start: Callable[..., Running]) -> None:
    run_id = world.run("nothing")
    agent = start(Slow, pace={"drain": 0.5})
    until(lambda: agent.agent.deployments)
    assert agent.stop(1) is True
    assert world.state(run_id).is_failed()


def test_an_agent_that_cannot_report_at_its_end_says_so(
    memory: tuple[MemoryServer, World], caplog: pytest.LogCaptureFixture
) -> None:
    server, world = memory
    run_id = world.run("nothing")
    agent = in_memory(server, Slow, world)
    until(lambda: agent.agent.deployments)
    server.faults.refuse_connections(times=10_000, matching="EndOfRun")
    assert agent.stop(3) is False
    assert f"{run_id}) could not be reported" in caplog.text


def test_it_ends_after_its_polls_and_its_runs(world: World, start: Callable[..., Running]) -> None:
    run_id = world.run("nothing")
    agent = start(Quick, max_polls=2)
    assert agent.wait() is True
    assert world.states(run_id)[-1] == "Success"


def test_tokens_that_a_killed_agent_left_are_revoked(world: World, start: Callable[..., Running]) -> None:
    finished, going = world.run("nothing"), world.run("nothing", labels=["elsewhere"])
    world.client.cancel_flow_run(finished)
    for run_id in (finished, finished, going):
        world.client.create_api_token(f"flow run {run_id} by agent twin", "RUNNER", flow_run_id=run_id)
    start(Quick, name="twin", max_polls=1).wait()
    left = {token.flow_run_id for token in world.client.api_tokens()}
    assert going in left
    assert finished not in left


def test_an_agent_that_somebody_deleted_registers_again(
    world: World, start: Callable[..., Running], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestra_client.agent.shift._TIDYING", 0.1)
    agent = start(Slow)
    first = agent.id
    delete = "mutation($id: UUID!) { delete_agent(input: {agent_id: $id}) { success } }"
    world.client.graphql(delete, variables={"id": first})
    until(lambda: agent.id != first)
    run_id = world.run("nothing")
    until(lambda: world.states(run_id) == ["Scheduled", "Submitted"])
    assert world.row(run_id).agent_id == agent.id


class Older(EmbeddedTransport):
    """A server that knows nothing of ours."""

    def send(self, request: Request) -> Response:
        if any(word in request.text for word in ("capabilities", "update_heartbeats(", "code version }")):
            unknown = {"message": "Cannot query field", "extensions": {"code": "GRAPHQL_VALIDATION_FAILED"}}
            return Response(400, {}, {"errors": [unknown]})
        return super().send(request)


def test_on_an_older_server_runs_get_the_agents_own_token(
    memory: tuple[MemoryServer, World], caplog: pytest.LogCaptureFixture
) -> None:
    server, world = memory
    given: list[str | None] = []

    class Noting(Quick):
        def deploy(self, run: ClaimedRun) -> Deployment:
            given.append(run.environment.get("ORCHESTRA_API_TOKEN"))
            return super().deploy(run)

    def open_older() -> Client:
        return Client(
            "http://older.invalid", TOKEN, transport=Older(server._service), retry=RetryPolicy(budget=0)
        )

    run_id = world.run("nothing")
    agent = Running(Noting(labels=[world.label], open_client=open_older, pace=Pace(**SHORT)))
    world.ends(run_id)
    agent.stop()
    assert given == [TOKEN]
    assert "the server makes none for single runs" in caplog.text


def test_health_is_told_over_http(world: World, start: Callable[..., Running]) -> None:
    world.run("nothing")
    agent = start(Slow, name="box-3", limit=2, health_address="127.0.0.1:0")
    [line] = agent.lines
    url = line.rpartition(" ")[2]
    until(lambda: agent.agent.deployments)
    answer = httpx.get(url, trust_env=False)
    told = answer.json()
    assert (answer.status_code, told["status"], told["name"], told["limit"]) == (200, "working", "box-3", 2)
    assert told["runs"] == list(agent.agent.deployments)
    assert httpx.get(url.replace("health", "other"), trust_env=False).status_code == 404
    agent.agent.stop()
    until(lambda: httpx.get(url, trust_env=False).json()["status"] == "stopping")


def test_a_health_address_that_is_taken_is_named_before_anything_is_done(
    world: World, start: Callable[..., Running]
) -> None:
    agent = start(Quick, health_address="127.0.0.1:0")
    taken = agent.lines[0].rpartition("//")[2].removesuffix("/health")
    with pytest.raises(ConfigurationError, match=f"{taken} cannot be used"):
        start(Quick, health_address=taken)


def test_no_server_ends_it_at_once(start: Callable[..., Running]) -> None:
    with pytest.raises(TransportConnectionError):
        start(Quick, url="http://127.0.0.1:9")


def test_a_refused_token_ends_it_at_once(start: Callable[..., Running]) -> None:
    with pytest.raises(AuthenticationError):
        start(Quick, token="orc_" + "x" * 43)


def test_one_agent_with_a_bad_deployment_keeps_the_others(
    world: World, start: Callable[..., Running], caplog: pytest.LogCaptureFixture
) -> None:
    """What somebody's deployment raises is told, and no other run suffers."""

    class Broken(Lasting):
        def poll(self) -> Ending | None:  # type: ignore[override]
            if self.told:
                return Ending("ended", is_clean=False)
            raise RuntimeError("a bug")

    class Mixed(Slow):
        def deploy(self, run: ClaimedRun) -> Deployment:
            self.deployments[run.id] = Lasting() if self.deployments else Broken()
            return self.deployments[run.id]

    agent = start(Mixed)
    broken, good = world.run("nothing"), world.run("nothing")
    until(lambda: len(agent.agent.deployments) == 2)
    agent.agent.deployments[good].told.append("an accident")
    assert world.ends(good).is_failed()
    assert "a bug" in caplog.text
    assert not world.state(broken).is_finished()
    agent.agent.deployments[broken].told.append("an accident")
    world.ends(broken)


def test_stop_and_status_may_come_from_anywhere(world: World, start: Callable[..., Running]) -> None:
    agent = start(Slow).agent
    readers = [threading.Thread(target=lambda: [agent.status() for _ in range(200)]) for _ in range(4)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    assert agent.status()[0]


class TestARefusedToken:
    def test_an_agent_whose_token_is_revoked_says_so_is_unwell_and_ends(
        self, world: World, start: Callable[..., Running], caplog: pytest.LogCaptureFixture
    ) -> None:
        # Given an agent with a token of its own
        made = world.client.create_api_token("agent", "TENANT")
        agent = start(Quick, token=made.token, pace={"refused": 1.0})
        # When it is revoked
        world.client.delete_api_token(made.id)
        # Then the agent is not well
        until(lambda: agent.agent.status()[1]["status"] == "refused")
        assert agent.agent.status()[0] is False
        # and ends with that error, which names the token and what to do
        agent.wait()
        assert isinstance(agent.error, AuthenticationError)
        for text in (str(agent.error), caplog.text):
            assert f"The server refuses this agent's API token orc_…{made.token[-4:]} from" in text
        assert "orchestra token create" in caplog.text
        assert "so the agent ends" in str(agent.error)
        assert "No answer for" not in caplog.text

    def test_it_stays_as_long_as_a_run_is_under_way(
        self, world: World, start: Callable[..., Running]
    ) -> None:
        made = world.client.create_api_token("agent", "TENANT")
        agent = start(Slow, token=made.token, pace={"refused": 0.1})
        world.run("nothing")
        until(lambda: len(agent.agent.status()[1].get("runs", ())) == 1)
        until(agent.agent._shift.roster.live)
        world.client.delete_api_token(made.id)
        until(lambda: agent.agent.status()[1]["status"] == "refused")
        time.sleep(1)
        assert agent.error is None
        agent.agent.stop()

    def test_a_later_login_of_another_tenant_is_not(
        self,
        server: ServerProcess,
        world: World,
        start: Callable[..., Running],
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        # Given an agent that acts by the saved login, with a run under way
        first = world.client.create_api_token("first", "TENANT")
        with Client(server.url, first.token) as client:
            client.save_api_token()
        agent = start(
            Slow, pace={"refused": 60.0}, open_client=lambda: Client(server.url, retry=RetryPolicy(budget=0))
        )
        run_id = world.run("nothing")
        until(agent.agent._shift.roster.live)
        # When its token is revoked, and somebody logs in to another tenant
        world.client.create_tenant("Across the street", "across")
        with Client(server.url, TOKEN, tenant_slug="across") as client:
            other = client.create_api_token("other", "TENANT")
        with Client(server.url, other.token) as client:
            client.save_api_token()
        world.client.delete_api_token(first.id)
        # Then the agent stays where its run is, which goes on
        until(lambda: "another tenant" in caplog.text)
        assert agent.agent.status()[1]["status"] == "refused"
        assert agent.agent.status()[0] is True
        assert [charge.run.id for charge in agent.agent._shift.roster.live()] == [run_id]
        agent.agent.stop()

    def test_a_later_login_is_used(
        self, server: ServerProcess, world: World, start: Callable[..., Running]
    ) -> None:
        # Given an agent that acts by the saved login
        first, second = (world.client.create_api_token(name, "TENANT") for name in ("first", "second"))
        with Client(server.url, first.token) as client:
            client.save_api_token()
        agent = start(
            Quick, pace={"refused": 60.0}, open_client=lambda: Client(server.url, retry=RetryPolicy(budget=0))
        )
        # When its token is revoked, and somebody logs in anew
        world.client.delete_api_token(first.id)
        until(lambda: agent.agent.status()[1]["status"] == "refused")
        with Client(server.url, second.token) as client:
            client.save_api_token()
        # Then it goes on with the new one
        until(lambda: agent.agent.status()[1]["status"] == "working")
        run_id = world.run("nothing")
        until(lambda: world.state(run_id).type_name != "Scheduled")
