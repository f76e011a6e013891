from __future__ import annotations

import copy
import pickle
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pendulum
import pytest

from orchestra_client.errors import StateSerializationError
from orchestra_client.states import (
    Cached,
    Cancelling,
    Failed,
    Looped,
    Mapped,
    NoResult,
    Paused,
    Pending,
    Queued,
    Result,
    Resume,
    Retrying,
    Running,
    Scheduled,
    State,
    Submitted,
    Success,
    TimedOut,
    use_clock,
)

MOMENT = pendulum.datetime(2020, 2, 29, 12, 30, 15, 123456)
ALL = State.children(include_self=True)


class Exploded(TimedOut):
    """A user's own subclass, at module level so that it pickles."""


def full(cls: type[State]) -> State:
    own: dict[str, dict[str, Any]] = {
        "Scheduled": {"start_time": MOMENT},
        "Paused": {"start_time": MOMENT},
        "Resume": {"start_time": MOMENT},
        "Retrying": {"start_time": MOMENT, "run_count": 3},
        "Queued": {"start_time": MOMENT, "state": Retrying("inner", start_time=MOMENT)},
        "Submitted": {"state": Scheduled(start_time=MOMENT)},
        "ClientFailed": {"state": Success()},
        "Looped": {"loop_count": 4},
        "Mapped": {"map_states": [Success(), None]},
        "Cached": {
            "cached_parameters": {"x": [1]},
            "cached_result_expiration": MOMENT,
            "hashed_inputs": {"x": "0a1b"},
        },
    }
    common = {"message": "why", "result": [1, 2], "context": {"tags": ["a"]}, "cached_inputs": {"x": 1}}
    return cls(**common, **own.get(cls.__name__, {}))


@pytest.mark.parametrize("cls", ALL)
def test_a_bare_state_has_nothing(cls: type[State]) -> None:
    state = cls()
    assert state.message is None
    assert state.result is None
    assert state.result_object is NoResult
    assert state.context == {}
    assert state.cached_inputs == {}
    assert state.type_name == cls.__name__


@pytest.mark.parametrize("cls", ALL)
@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda state: pickle.loads(pickle.dumps(state))])
def test_states_copy_and_pickle(cls: type[State], again: Any) -> None:
    state = full(cls)
    other = again(state)
    assert type(other) is cls
    assert other == state
    assert (other.message, other.context) == (state.message, state.context)
    assert hash(other) == hash(state)


@pytest.mark.parametrize("cls", ALL)
def test_no_field_can_be_assigned_or_deleted(cls: type[State]) -> None:
    state = full(cls)
    names = {name for base in cls.__mro__ for name in getattr(base, "__slots__", ()) if name != "__weakref__"}
    for name in {*names, "result", "color"}:
        with pytest.raises(AttributeError):
            setattr(state, name, None)
        with pytest.raises(AttributeError):
            delattr(state, name)
    assert state == full(cls)


def test_what_was_given_can_change_without_the_state() -> None:
    context, inputs, states = {"tags": ["a"]}, {"x": Result(1)}, [Success()]
    state = Mapped(context=context, cached_inputs=inputs, map_states=states)
    context["tags"].append("b")
    inputs.clear()
    states.clear()
    assert state.context == {"tags": ["a"]}
    assert state.cached_inputs == {"x": Result(1)}
    assert len(state.map_states) == 1


def test_what_serialize_returns_belongs_to_the_caller() -> None:
    state = Running(context={"tags": ["a"]})
    state.serialize()["context"]["tags"].append("b")
    assert state.serialize()["context"] == {"tags": ["a"]}


def test_repr() -> None:
    assert repr(Success("all done")) == '<Success: "all done">'
    assert repr(Running()) == "<Running>"


class TestEquality:
    def test_message_and_context_do_not_count(self) -> None:
        assert Success("a", context={"x": 1}) == Success("b")
        assert hash(Success("a", context={"x": 1})) == hash(Success("b"))

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            (Running(), Pending()),
            (Running(), Cancelling()),
            (Success(result=1), Success(result=2)),
            (Success(result=Result(None)), Success()),
            (Success(result=Result(1, "a")), Success(result=Result(1, "b"))),
            (Success(cached_inputs={"x": 1}), Success()),
            (Scheduled(start_time=MOMENT), Scheduled(start_time=MOMENT.add(seconds=1))),
            (Retrying(start_time=MOMENT, run_count=1), Retrying(start_time=MOMENT, run_count=2)),
            (Looped(loop_count=1), Looped(loop_count=2)),
            (Mapped(n_map_states=1), Mapped(n_map_states=2)),
            (Cached(hashed_inputs={"a": "b"}), Cached()),
            (Submitted(state=Running()), Submitted(state=Pending())),
            (State.deserialize({"type": "Crashed"}), State.deserialize({"type": "Burnt"})),
            (State.deserialize({"type": "Running", "speed": 1}), Running()),
        ],
    )
    def test_everything_else_does(self, one: State, other: State) -> None:
        assert one != other

    def test_a_result_given_bare_or_wrapped_is_the_same(self) -> None:
        assert Success(result=5) == Success(result=Result(5))

    def test_a_value_that_is_not_equal_to_itself_does_not_part_equal_states(self) -> None:
        value = float("nan")
        assert Success(result=value) == Success(result=value)

    def test_states_are_no_other_things(self) -> None:
        assert Running() != "Running"

    def test_states_with_unhashable_content_hash(self) -> None:
        assert len({Success(result=[1]), Success(result=[1]), Success(result=[2])}) == 2


class TestTree:
    def test_children(self) -> None:
        assert Scheduled.children(names_only=True) == ["Paused", "Resume", "Retrying"]
        assert Scheduled.children(include_self=True)[-1] is Scheduled
        assert Retrying.children() == []

    def test_parents(self) -> None:
        assert Retrying.parents() == [Scheduled, Pending, State]
        assert Retrying.parents(True, True) == ["Scheduled", "Pending", "State", "Retrying"]
        assert Submitted.parents(names_only=True) == ["State"]
        assert State.parents() == []

    def test_a_users_own_subclass_is_what_it_derives_from(self) -> None:
        state = Exploded("boom")
        assert state.is_timed_out()
        assert state.is_failed()
        assert state.color == TimedOut.color
        assert state.serialize()["type"] == "TimedOut"
        assert pickle.loads(pickle.dumps(state)) == state
        assert Exploded in Failed.children()


class TestChecks:
    def test_a_queued_state_counts_as_scheduled(self) -> None:
        assert Queued().is_scheduled()
        assert not Queued().is_pending()

    @pytest.mark.parametrize("cls", State.children())
    def test_every_class_has_a_check_of_its_own_or_needs_none(self, cls: type[State]) -> None:
        checks = [name for name in dir(cls) if name.startswith("is_")]
        assert any(getattr(cls(), name)() for name in checks)
        assert not any(getattr(State(), name)() for name in checks)


class TestTimes:
    @pytest.mark.parametrize(
        "given",
        [
            MOMENT,
            datetime(2020, 2, 29, 12, 30, 15, 123456),
            datetime(2020, 2, 29, 14, 30, 15, 123456, tzinfo=timezone(timedelta(hours=2))),
            MOMENT.in_timezone("America/New_York"),
            "2020-02-29T12:30:15.123456",
            "2020-02-29T12:30:15.123456Z",
            "2020-02-29T14:30:15.123456+02:00",
        ],
    )
    def test_every_form_of_a_moment_is_kept_in_utc(self, given: Any) -> None:
        kept = Scheduled(start_time=given).start_time
        assert kept == MOMENT
        assert isinstance(kept, pendulum.DateTime)
        assert kept.timezone_name == "UTC"

    @pytest.mark.parametrize("given", ["tomorrow", "", 5, b"2020-01-01", "0001-01-01T00:00:00+10:00"])
    def test_anything_else_is_refused(self, given: Any) -> None:
        with pytest.raises(StateSerializationError, match="not a date and time") as caught:
            Scheduled(start_time=given)
        assert caught.value.path == "start_time"

    @pytest.mark.parametrize("cls", [Scheduled, Resume, Retrying, Queued])
    def test_the_default_is_now_by_the_clock_in_use(self, cls: type[Scheduled]) -> None:
        with use_clock(lambda: datetime(2031, 5, 6)):
            assert cls().start_time == pendulum.datetime(2031, 5, 6)
        assert cls().start_time < pendulum.datetime(2031, 5, 6)

    def test_the_systems_clock_is_the_default(self) -> None:
        before = datetime.now(UTC)
        started = Scheduled().start_time
        assert started is not None
        assert before <= started <= datetime.now(UTC)

    def test_a_paused_run_waits_for_ever_unless_told(self) -> None:
        assert Paused().start_time is None
        assert Paused(start_time=MOMENT).start_time == MOMENT


class TestOwnFields:
    @pytest.mark.parametrize("count", [-1, 1.5, "3", True])
    def test_a_count_is_a_whole_number(self, count: Any) -> None:
        for make in (
            lambda: Retrying(run_count=count),
            lambda: Looped(loop_count=count),
            lambda: Mapped(n_map_states=count),
        ):
            with pytest.raises(StateSerializationError, match="whole number"):
                make()

    def test_counts_have_defaults(self) -> None:
        assert Retrying().run_count == 1
        assert Looped().loop_count == 1
        assert Mapped(map_states=[None, Success()]).n_map_states == 2

    def test_hashes_of_inputs_are_strings(self) -> None:
        with pytest.raises(StateSerializationError) as caught:
            Cached(hashed_inputs={"x": 1})  # type: ignore[dict-item]
        assert caught.value.path == "hashed_inputs.x"

    def test_a_meta_state_takes_what_is_inside_another(self) -> None:
        inner = Scheduled(start_time=MOMENT)
        assert Submitted(state=Queued(state=Submitted(state=inner))).state is inner

    def test_a_meta_state_takes_only_states(self) -> None:
        with pytest.raises(StateSerializationError, match="not a State"):
            Submitted(state={"type": "Running"})  # type: ignore[arg-type]

    def test_arguments_stand_in_the_order_of_the_api(self) -> None:
        assert State("m", 1, {"c": 1}, {"i": 1}) == State(
            message="m", result=1, context={"c": 1}, cached_inputs={"i": 1}
        )
        assert Failed("m", 1, {"i": 1}, {"c": 1}).context == {"c": 1}
        assert Retrying("m", 1, MOMENT, {"i": 1}, {"c": 1}, 3).run_count == 3
        assert Queued("m", 1, Running(), MOMENT, {"c": 1}).start_time == MOMENT
        assert Cached("m", 1, {"i": 1}, {"p": 1}, MOMENT, {"c": 1}, {"h": "x"}).hashed_inputs == {"h": "x"}


class TestMessages:
    def test_an_exception_stands_for_its_text(self) -> None:
        assert Failed(ValueError("it broke")).message == "it broke"
        assert Failed(KeyError()).message == "KeyError()"

    def test_what_is_no_text_does_not_stop_a_state(self) -> None:
        assert Failed("no file \udcff.txt: ü").message == "no file \\udcff.txt: ü"
