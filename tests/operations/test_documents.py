"""The client's documents against the contract, and the operations against the documents."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from graphql import GraphQLSchema, OperationDefinitionNode, OperationType, build_schema, parse, validate

from orchestra_client import operations
from orchestra_client.contract import schema_text
from orchestra_client.graphql.documents import all_documents, document
from orchestra_client.operation import Operation

# Root fields that no method of the client stands for; `Client.graphql` reaches them all the same.
WITHOUT_A_METHOD = {
    # Housekeeping that people do in the UI, with rare parameters of its own.
    "create_agent_config",
    "delete_agent",
    "delete_flow",
    "delete_flow_run",
    "delete_flow_group_schedule",
    "disable_flow_heartbeat",
    "disable_flow_lazarus_process",
    "disable_flow_version_lock",
    "enable_flow_heartbeat",
    "enable_flow_lazarus_process",
    "enable_flow_version_lock",
    "set_flow_group_default_parameters",
    "set_flow_group_description",
    "set_flow_group_labels",
    "set_flow_group_run_config",
    "set_flow_group_schedule",
    "set_flow_run_labels",
    # Other names for API tokens.
    "auth_api_key",
    "create_api_key",
    "delete_api_key",
    # Facts that the client ships, or does without.
    "auth_info",
    "hello",
    "reference_data",
    # Tables that are asked with filters of one's own.
    "cloud_hook",
    "flow_group",
    "flow_run_state",
    "task",
    "task_run_artifact",
}


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    return build_schema(schema_text())


@pytest.mark.parametrize("name", sorted(all_documents()))
def test_a_document_is_valid_under_the_contract(name: str, schema: GraphQLSchema) -> None:
    assert validate(schema, parse(document(name))) == []


@pytest.mark.parametrize("name", sorted(all_documents()))
def test_operation_document_and_result_field_share_one_name(name: str) -> None:
    [definition] = parse(document(name)).definitions
    assert isinstance(definition, OperationDefinitionNode)
    [field] = definition.selection_set.selections
    answered_as = field.alias or field.name  # type: ignore[attr-defined]

    assert definition.name is not None
    assert definition.name.value == name
    assert Operation(answered_as.value, {}, dict).document_name == name


def test_every_operation_has_a_document_and_every_document_an_operation() -> None:
    source = "\n".join(file.read_text() for file in Path(operations.__path__[0]).glob("*.py"))
    runs = ("flow_run", "task_run")
    named = set(re.findall(r'(?:Operation|_one|_about_flow)\(\s*"(\w+)"', source))
    named |= {"create_flow", "create_flow_from_compressed_string"}  # chosen by an argument
    named |= {"find_registered", "find_registered_plainly"}  # likewise
    named |= {f"set_{run}_states{how}" for run in runs for how in ("", "_plainly")}
    named |= {f"update_{run}_heartbeat" for run in runs}

    assert {_camel(name) for name in named} == set(all_documents())


def test_every_root_field_of_the_contract_has_a_document_or_a_reason(schema: GraphQLSchema) -> None:
    roots = [schema.get_root_type(kind) for kind in (OperationType.QUERY, OperationType.MUTATION)]
    fields = {
        name for root in roots if root for name in root.fields if not name.endswith(("_aggregate", "_by_pk"))
    }
    reached = set(re.findall(r"^  (?:\w+: )?(\w+)", "\n".join(all_documents().values()), re.MULTILINE))

    assert fields - reached == WITHOUT_A_METHOD


def _camel(name: str) -> str:
    return Operation(name, {}, dict).document_name
