"""The contract's tables and the store's are the same."""

from __future__ import annotations

import pytest
from sqlalchemy import JSON, Boolean, Float, Integer, String, Text

from orchestra_client.server.schema import api
from orchestra_client.server.store.relations import table_types
from orchestra_client.server.store.tables import metadata
from orchestra_client.server.store.types import Timestamp

TYPES = table_types(api().schema)
# What the store adds to a table of the contract, never selected.
OWN = {"seq", "transition_id", "given_parameters"}
SCALARS = {
    "UUID": String,
    "String": (String, Text),
    "Int": Integer,
    "Float": Float,
    "Boolean": Boolean,
    "DateTime": Timestamp,
    "JSON": JSON,
    "log_level": String,
}


def columns(name):
    return {column.name: column for column in metadata.tables[name].columns if column.name not in OWN}


@pytest.mark.parametrize("name", TYPES)
def test_a_table_has_the_columns_of_its_type(name):
    type_, found = TYPES[name], columns(name)
    assert set(found) == set(type_.columns)
    assert {column for column in found if not found[column].nullable} == type_.required
    for column, scalar in type_.columns.items():
        assert isinstance(found[column].type, SCALARS[scalar]), column


@pytest.mark.parametrize("name", TYPES)
def test_a_relationship_follows_a_foreign_key(name):
    for relationship in TYPES[name].relationships.values():
        table, column, target = (
            (relationship.table, relationship.remote, name)
            if relationship.is_list
            else (name, relationship.local, relationship.table)
        )
        [key] = columns(table)[column].foreign_keys
        assert key.target_fullname == f"{target}.id"


def test_relationships_start_from_an_index():
    """A list of a parent's rows must not pass over the whole table."""
    for type_ in TYPES.values():
        for relationship in type_.relationships.values():
            if relationship.is_list:
                table = metadata.tables[relationship.table]
                indexes = [*table.indexes, *(each for each in table.constraints if hasattr(each, "columns"))]
                firsts = {next(iter(index.columns)).name for index in indexes if len(index.columns)}
                assert relationship.remote in firsts, relationship
