"""Finished runs, and explanations as such."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from orchestra_client.errors import NotFound
from orchestra_client.states import Cancelled, Failed, Success

if TYPE_CHECKING:
    from orchestra_client.testing import Faults
    from tests.client.explaining.conftest import World

NOBODY = "00000000-0000-4000-8000-000000000000"

# ------------------------------------------------------------------------------------------- finished


@pytest.mark.parametrize(
    ("state", "advice"),
    [
        (Success(), "There is nothing to do."),
        (Failed("disk full"), "orchestra flow-run logs"),
        (Cancelled("enough"), "Create another run"),
    ],
)
def test_a_finished_run(world: World, state: Any, advice: str) -> None:
    run_id = world.running()
    world.client.set_flow_run_state(run_id, None, state)
    world.clock.advance(125)

    reason = world.one(run_id)

    assert reason.code == "finished"
    assert f"It ended as {state.type_name} 2 min 5 s ago" in reason.message
    assert (state.message or "") in reason.message
    assert advice in reason.advice


# ------------------------------------------------------------------------------------------- the explanation


def test_an_explanation_reads_well(world: World) -> None:
    run_id = world.run(name="wise-owl", scheduled_start_time=world.clock.now() + timedelta(seconds=90))

    why = world.why(run_id)

    assert (why.flow_run_id, why.name, why.state) == (run_id, "wise-owl", "Scheduled")
    assert why.summary == (
        "Flow run 'wise-owl' is Scheduled. It is to begin in 1 min 30 s (2026-01-01 00:01:30 UTC)."
    )
    assert str(why).splitlines() == [
        "Flow run 'wise-owl' is Scheduled.",
        f"- {why.reasons[0].message}",
        f"  {why.reasons[0].advice}",
    ]


def test_a_run_that_does_not_exist(world: World) -> None:
    with pytest.raises(NotFound, match=NOBODY):
        world.why(NOBODY)


def test_few_questions_are_asked(world: World, faults: Faults) -> None:
    world.client.update_task_tag_limit("web", 0)
    finished, waiting, queued = world.running(), world.run(), world.running()
    world.client.set_flow_run_state(finished, None, Success())
    world.agent("box")

    asked = []
    for run_id in (finished, waiting, queued):
        before = len(faults.requests)
        world.why(run_id)
        asked.append(len(faults.requests) - before)

    assert asked == [1, 3, 4]
