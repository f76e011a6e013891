"""Documents: parsed, validated, measured and remembered."""

from __future__ import annotations

import threading
import time

import pytest

from orchestra_client.errors import BadInput, PayloadTooLarge
from orchestra_client.server import documents as module
from orchestra_client.server.context import Settings
from orchestra_client.server.documents import MAX_ERRORS, MAX_REMEMBERED, MAX_REMEMBERED_LENGTH, Documents
from orchestra_client.server.failures import RequestRefused
from orchestra_client.server.schema import api


@pytest.fixture
def documents() -> Documents:
    return Documents(api().schema, Settings())


def deep(levels: int) -> str:
    """A query of a project's flows' project's flows…, `levels` deep."""
    names = ["project", *("flows", "project") * levels][: levels - 1]
    return "{" + "{".join(names) + "{id" + "}" * levels


class TestReading:
    def test_what_does_not_parse_is_refused(self, documents: Documents) -> None:
        with pytest.raises(RequestRefused) as caught:
            documents.read("{ hello")
        assert caught.value.formatted()[0]["extensions"] == {"code": "GRAPHQL_PARSE_FAILED"}

    def test_what_does_not_fit_the_contract_is_refused_and_says_where(self, documents: Documents) -> None:
        with pytest.raises(RequestRefused) as caught:
            documents.read("{ hello\n  nonsense }")
        [error] = caught.value.formatted()
        assert "nonsense" in error["message"]
        assert error["locations"] == [{"line": 2, "column": 3}]
        assert error["extensions"] == {"code": "GRAPHQL_VALIDATION_FAILED"}

    def test_only_the_first_errors_are_reported(self, documents: Documents) -> None:
        with pytest.raises(RequestRefused) as caught:
            documents.read("{" + " ".join(f"nonsense_{n}" for n in range(500)) + "}")
        assert len(caught.value.errors) <= MAX_ERRORS + 1

    def test_an_operation_is_chosen_by_name(self, documents: Documents) -> None:
        document = documents.read("query A { hello } query B { hello }")
        assert document.operation("B").node.name.value == "B"

    @pytest.mark.parametrize("name", [None, "C"])
    def test_a_choice_needs_the_name_of_an_operation(self, documents: Documents, name: str | None) -> None:
        document = documents.read("query A { hello } query B { hello }")
        with pytest.raises(BadInput, match="A, B"):
            document.operation(name)

    @pytest.mark.parametrize(
        ("older", "own"),
        [("uuid!", "UUID!"), ("[uuid!]!", "[UUID!]!"), ("uuid", "UUID")],
    )
    def test_older_names_of_variable_types_are_understood(
        self, documents: Documents, older: str, own: str
    ) -> None:
        argument = "id: {_in: $ids}" if "[" in own else "id: {_eq: $ids}"
        document = documents.read(f"query ($ids: {older}) {{ flow_run(where: {{{argument}}}) {{ id }} }}")
        [definition] = document.operation(None).node.variable_definitions
        assert own.strip("[]!") in str(definition.to_dict())

    @pytest.mark.parametrize("older", ["timestamptz", "jsonb"])
    def test_older_names_of_other_scalars_are_understood(self, documents: Documents, older: str) -> None:
        column = {"timestamptz": "created: {_gt: $v}", "jsonb": "parameters: {_contains: $v}"}[older]
        documents.read(f"query ($v: {older}) {{ flow_run(where: {{{column}}}) {{ id }} }}")


class TestLimits:
    def test_a_query_as_deep_as_allowed_is_taken(self, documents: Documents) -> None:
        documents.read(deep(12))

    def test_a_deeper_one_is_refused(self, documents: Documents) -> None:
        with pytest.raises(PayloadTooLarge, match="13 levels deep"):
            documents.read(deep(13))

    def test_fragments_hide_no_depth(self, documents: Documents) -> None:
        fragments = "".join(
            f"fragment F{n} on project {{ flows {{ project {{ ...F{n + 1} }} }} }}" for n in range(6)
        )
        with pytest.raises(PayloadTooLarge, match="levels deep"):
            documents.read("{ project { ...F0 } }" + fragments + "fragment F6 on project { id }")

    def test_fragments_within_themselves_are_refused(self, documents: Documents) -> None:
        with pytest.raises(RequestRefused) as caught:
            documents.read(
                "{ project { ...A } } fragment A on project { ...B } fragment B on project { ...A }"
            )
        assert caught.value.code == "GRAPHQL_VALIDATION_FAILED"

    def test_fragments_that_double_at_each_level_are_measured_quickly(self, documents: Documents) -> None:
        fragments = "".join(f"fragment F{n} on project {{ ...F{n + 1} ...F{n + 1} }}" for n in range(40))
        started = time.perf_counter()
        with pytest.raises(PayloadTooLarge, match="fields large"):
            documents.read("{ project { ...F0 } }" + fragments + "fragment F40 on project { id }")
        assert time.perf_counter() - started < 1

    @pytest.mark.parametrize("spread", [False, True])
    def test_more_aliases_than_allowed_are_refused(self, documents: Documents, spread: bool) -> None:
        fields = " ".join(f"a{n}: hello" for n in range(1001))
        text = f"{{ ...Many }} fragment Many on Query {{ {fields} }}" if spread else f"{{ {fields} }}"
        with pytest.raises(PayloadTooLarge, match="1001 fields wide"):
            documents.read(text)

    @pytest.mark.parametrize("bomb", ["{a" * 50_000, "{hello(x:" + "[" * 50_000, "query(" + "$a:A " * 50_000])
    def test_bombs_do_not_get_past_the_parser(self, documents: Documents, bomb: str) -> None:
        started = time.thread_time()
        with pytest.raises((PayloadTooLarge, RequestRefused)):
            documents.read(bomb)
        assert time.thread_time() - started < 2

    def test_introspection_may_be_deeper_than_data(self, documents: Documents) -> None:
        documents.read('{ __type(name: "flow") { fields { type ' + "{ ofType " * 11 + "{ name }" + "}" * 14)

    def test_limits_come_from_the_settings(self) -> None:
        with pytest.raises(PayloadTooLarge):
            Documents(api().schema, Settings(max_depth=2)).read(deep(3))


class TestRemembering:
    def test_a_document_is_kept_from_its_second_use(self, documents: Documents) -> None:
        first, second, third = (documents.read("{ hello }") for _ in range(3))
        assert first is not second
        assert second is third

    def test_documents_that_come_once_push_nothing_out(self, documents: Documents) -> None:
        kept = [documents.read("{ hello }") for _ in range(2)][1]
        for number in range(MAX_REMEMBERED + 1):
            documents.read(f'{{ flow_run_by_pk(id: "00000000-0000-0000-0000-{number:012}") {{ id }} }}')
        assert documents.read("{ hello }") is kept

    def test_only_so_many_are_kept(self, documents: Documents, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, "MAX_REMEMBERED", 2)
        texts = [f"{{ a{number}: hello }}" for number in range(3)]
        kept = [[documents.read(text) for _ in range(2)][1] for text in texts]
        assert documents.read(texts[2]) is kept[2]
        assert documents.read(texts[0]) is not kept[0]

    def test_a_very_long_document_is_not_kept(self, documents: Documents) -> None:
        text = "{ hello } #" + "x" * MAX_REMEMBERED_LENGTH
        assert documents.read(text) is not documents.read(text) is not documents.read(text)

    def test_threads_share_it(self, documents: Documents) -> None:
        failures: list[BaseException] = []

        def read() -> None:
            try:
                for number in range(200):
                    documents.read(f"{{ a{number % 10}: hello }}")
            except BaseException as error:
                failures.append(error)

        threads = [threading.Thread(target=read) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not failures
