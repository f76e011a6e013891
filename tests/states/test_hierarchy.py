from __future__ import annotations

import subprocess
import sys

import pytest

from orchestra_client import states
from orchestra_client.states import State, hierarchy

# Other tests derive classes of their own.
OURS = [cls for cls in State.children() if cls.__module__.startswith("orchestra_client.")]


def test_the_tables_and_the_classes_are_one_tree() -> None:
    assert {cls.__name__ for cls in OURS} == hierarchy.STATE_TYPES
    for cls in (State, *OURS):
        below = {child.__name__ for child in OURS if issubclass(child, cls)}
        assert hierarchy.ANCESTORS[cls.__name__] == {*cls.parents(names_only=True), cls.__name__}
        assert hierarchy.descendants(cls.__name__) == {*below, cls.__name__}
        assert hierarchy.COLORS[cls.__name__] == cls.color


def test_there_are_21_types() -> None:
    assert len(hierarchy.STATE_TYPES) == 21


@pytest.mark.parametrize(
    ("type_name", "ancestor", "answer"),
    [
        ("TimedOut", "Finished", True),
        ("TimedOut", "TimedOut", True),
        ("Finished", "TimedOut", False),
        ("Cancelled", "Failed", False),
        ("Queued", "Scheduled", False),
        ("Aborted", "Finished", True),
        ("CachedState", "Success", True),
        ("Crashed", "State", True),
        ("Crashed", "Crashed", True),
        ("Crashed", "Failed", False),
        ("State", "State", True),
        ("State", "Running", False),
        ("Failed", "Crashed", False),
    ],
)
def test_is_a(type_name: str, ancestor: str, answer: bool) -> None:
    assert hierarchy.is_a(type_name, ancestor) is answer


def test_the_sets_agree_with_what_states_say() -> None:
    for cls in OURS:
        state = cls()
        assert state.is_pending() == (cls.__name__ in hierarchy.PENDING)
        assert state.is_scheduled() == (cls.__name__ in hierarchy.SCHEDULED | {"Queued"})
        assert state.is_running() == (cls.__name__ in hierarchy.RUNNING)
        assert state.is_finished() == (cls.__name__ in hierarchy.FINISHED)
        assert state.is_successful() == (cls.__name__ in hierarchy.SUCCESSFUL)
        assert state.is_failed() == (cls.__name__ in hierarchy.FAILED)
        assert state.is_meta_state() == (cls.__name__ in hierarchy.META)


def test_an_unknown_type_has_no_relatives() -> None:
    assert hierarchy.descendants("Crashed") == {"Crashed"}
    assert not hierarchy.is_known("Crashed")
    assert hierarchy.is_known("Aborted")


@pytest.mark.slow
def test_the_tables_import_nothing_heavy() -> None:
    code = (
        "import sys; from orchestra_client.states import hierarchy; "
        "sys.exit(' '.join({'pendulum', 'marshmallow', 'dataclasses'} & set(sys.modules)) or None)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_every_public_name_can_be_imported() -> None:
    assert [name for name in states.__all__ if not hasattr(states, name)] == []
    assert states.__all__ == sorted(states.__all__)
    assert set(states.__all__) <= set(dir(states))


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="Crashed"):
        _ = states.Crashed
