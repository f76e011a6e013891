"""Writing flows: what becomes a task, an edge or a constant, under which slug."""

from __future__ import annotations

from typing import Any

import pytest

from orchestra_client.errors import FlowError
from orchestra_client.flows import Edge, Flow, Parameter, Task, flatten, mapped, tags, task, unmapped
from orchestra_client.flows.constants import Constant


@task
def inc(x: Any = 0) -> Any:
    return x + 1


@task
def add(x: Any, y: Any = 1, **others: Any) -> Any:
    return x + y


class Load(Task):
    def __init__(self, table: str, **settings: Any) -> None:
        self.table = table
        super().__init__(**settings)

    def run(self, rows: Any) -> Any:
        return self.table, rows


def edges(flow: Flow) -> set[tuple[str, str, str | None]]:
    slugs = flow.slugs
    return {(slugs[edge.upstream_task], slugs[edge.downstream_task], edge.key) for edge in flow.edges}


def test_calling_a_task_binds_a_copy() -> None:
    with Flow("f") as flow:
        first = inc(1)
        second = inc(first)
    assert inc not in flow.tasks
    assert list(flow.tasks) == [first, second]
    assert edges(flow) == {("inc-1", "inc-2", "x")}
    assert flow.constants == {first: {"x": 1}}


def test_subclasses_are_made_first_and_called_then() -> None:
    with Flow("f") as flow:
        loaded = Load("users", name="load users")(inc(1))
    assert loaded.table == "users"
    assert flow.slugs[loaded] == "load users-1"


def test_binding_uses_the_very_task() -> None:
    load = Load("users")
    with Flow("f") as flow:
        assert load.bind(rows=[1]) is load
        with pytest.raises(FlowError, match="argument 'rows' of the task 'Load' is set already"):
            load.bind(rows=[2])
    assert flow.constants == {load: {"rows": [1]}}


def test_tasks_and_edges_can_be_given() -> None:
    one, two = Task("one"), Load("x", name="two")
    flow = Flow("f", tasks=[one], edges=[Edge(one, two, "rows")], reference_tasks=[one])
    assert edges(flow) == {("one-1", "two-1", "rows")}
    assert list(flow.reference_tasks()) == [one]


def test_slugs_are_name_tags_and_number() -> None:
    with Flow("f") as flow:
        plain = inc()
        with tags("b", "a"):
            tagged = inc()
        renamed = inc(task_args={"name": "other", "tags": ["z"]})
        again = inc()
    assert [flow.slugs[each] for each in (plain, tagged, renamed, again)] == [
        "inc-1",
        "inc-a-b-1",
        "other-z-1",
        "inc-2",
    ]


def test_a_number_that_a_slug_of_ones_own_has_is_passed_over() -> None:
    flow = Flow("f", tasks=[Task("t", slug="t-1"), Task("t"), Task("t")])
    assert list(flow.slugs.values()) == ["t-1", "t-2", "t-3"]


def test_a_copy_of_a_task_with_a_slug_gets_another_one() -> None:
    with Flow("f") as flow:
        task_with_slug = Task(slug="mine")
        flow.add_task(task_with_slug)
        copied = task_with_slug()
    assert flow.slugs[copied] == "mine-copy"


def test_tags_of_blocks_add_up() -> None:
    with tags("outer"), Flow("f"):
        with tags("inner"):
            made = Task(tags=["own"])
            called = inc()
        assert made.tags == {"own", "inner", "outer"}
        assert called.tags == {"inner", "outer"}
        assert inc().tags == {"outer"}
    assert inc.tags == set()


def test_plain_values_become_constants_and_collections_with_tasks_become_tasks() -> None:
    with Flow("f") as flow:
        one = inc(1)
        add({"a": one, "b": 2}, y=[one, (one, 3)])
        inc([1, {"deep": [2]}])
    assert sorted(flow.slugs.values()) == ["Dict-1", "List-1", "List-2", "Tuple-1", "add-1", "inc-1", "inc-2"]
    assert flow.constants[flow.task_of("Dict-1")] == {"keys": ["a", "b"]}
    assert flow.constants[flow.task_of("inc-2")] == {"x": [1, {"deep": [2]}]}
    assert all(each.auto_generated for each in flow.get_tasks() if each.name not in ("add", "inc"))


def test_a_constant_without_a_key_or_mapped_over_is_a_task() -> None:
    with Flow("f") as flow:
        inc.map([1, 2])
        inc(upstream_tasks=["wait"])
    assert "'wait'-1" in flow.slugs.values()
    [numbers] = flow.get_tasks(task_type=Constant, name="[1, 2]")
    assert flow.downstream_tasks(numbers) == {flow.task_of("inc-1")}


def test_mapping_marks_edges() -> None:
    with Flow("f") as flow:
        rows = inc()
        add.map(rows, y=unmapped(rows), z=flatten(rows), upstream_tasks=[rows])
        add(mapped(rows), y=2)
    marks = {(edge.key, edge.mapped, edge.flattened) for edge in flow.edges_to(flow.task_of("add-1"))}
    assert marks == {("x", True, False), ("y", False, False), ("z", True, True), (None, True, False)}
    assert [edge.mapped for edge in flow.edges_to(flow.task_of("add-2"))] == [True]


def test_marks_nest() -> None:
    with Flow("f") as flow:
        rows = inc()
        add.map(rows, y=unmapped(flatten(rows)))
    [edge] = [each for each in flow.edges if each.key == "y"]
    assert (edge.mapped, edge.flattened) == (False, True)


def test_operators_make_tasks() -> None:
    with Flow("f") as flow:
        x = inc()
        made = [
            x["k"], x + 1, 1 + x, x - 1, 1 - x, x * 2, 2 * x, x / 2, 2 / x, x // 2, 2 // x, x % 2, 2 % x, x**2, 2**x,
            x & 1, 1 & x, x < 1, x <= 1, x > 1, x >= 1, x.is_equal(1), x.is_not_equal(1), x.or_(1), x.not_(), x[x],
        ]  # fmt: skip
    assert [each.name for each in made] == [
        "inc['k']", "Add", "Add", "Sub", "Sub", "Mul", "Mul", "Div", "Div", "FloorDiv", "FloorDiv", "Mod", "Mod",
        "Pow", "Pow", "And", "And", "LessThan", "LessThanOrEqual", "GreaterThan", "GreaterThanOrEqual", "Equal",
        "NotEqual", "Or", "Not", "inc[inc]",
    ]  # fmt: skip
    assert flow.constants[made[4]] == {"x": 1}
    assert made[4].run(5, 2) == 3
    assert made[0].run({"k": 7}, "k") == 7


def test_the_bar_only_orders() -> None:
    with Flow("f") as flow:
        first, second = inc(), inc()
        assert (first | second) is second
    assert edges(flow) == {("inc-1", "inc-2", None)}


def test_a_task_of_several_values_is_unpacked() -> None:
    @task
    def split(x: int) -> tuple[int, str]:
        return x, ""

    with Flow("f") as flow:
        first, second = split(1)
        _, _, third = inc(task_args={"nout": 3})
        with pytest.raises(TypeError, match="nout"):
            iter(inc())
        with pytest.raises(TypeError, match="cannot be iterated"):
            iter(split.map([1, 2]))
    assert [flow.slugs[each] for each in (first, second, third)] == ["split[0]-1", "split[1]-1", "inc[2]-1"]


def test_dependencies_without_data() -> None:
    with Flow("f") as flow:
        one, two, three = inc(), inc(), inc()
        two.set_upstream(one)
        two.set_downstream(three, key="x")
    assert edges(flow) == {("inc-1", "inc-2", None), ("inc-2", "inc-3", "x")}
    other = Flow("g")
    other.chain(Task("a"), Task("b"), Task("c"))
    assert edges(other) == {("a-1", "b-1", None), ("b-1", "c-1", None)}


def test_a_set_of_tasks_has_one_order() -> None:
    with Flow("f") as flow:
        made = [inc() for _ in range(20)]
        inc({*made, 5})
    collected = flow.task_of("Set-1")
    items = {edge.key: edge.upstream_task for edge in flow.edges_to(collected)}
    assert [items[f"arg_{number}"] for number in range(1, 21)] == made
    assert flow.constants[collected] == {"arg_21": 5}


def test_parameters_are_required_or_have_a_default_however_false() -> None:
    for default in (0, "", None, False, [], {}):
        parameter = Parameter("x", default=default)
        assert (parameter.required, parameter.default) == (False, default)
        assert parameter.value({}) == default
        assert parameter.value({"x": 1}) == 1
    assert Parameter("x").required
    assert Parameter("x", default=1, required=True).required
    with pytest.raises(FlowError, match="'x' is required"):
        Parameter("x").value({})


def test_a_parameter_joins_the_flow_when_it_is_used_or_called() -> None:
    x, y = Parameter("x", tags=["t"]), Parameter("y")
    with Flow("f") as flow:
        inc(x)
        assert y() is y
    assert list(flow.parameters()) == [x, y]
    assert flow.slugs[x] == "x"


def test_async_functions_are_tasks() -> None:
    @task
    async def fetch(url: str) -> str:
        return url

    with Flow("f") as flow:
        fetch("here")
    assert flow.constants[flow.task_of("fetch-1")] == {"url": "here"}


def test_a_function_task_shows_the_function() -> None:
    @task(name="Named")
    def documented(x: int) -> int:
        """What it does."""
        return x

    assert (documented.name, documented.__doc__) == ("Named", "What it does.")
    assert documented.run(3) == 3


def test_nested_flows_do_not_mix() -> None:
    with Flow("outer") as outer:
        inc()
        with Flow("inner") as inner:
            inc()
        inc()
    assert (len(outer.tasks), len(inner.tasks)) == (2, 1)
