"""gql's own client, its DSL and its batches through one of ours."""

from __future__ import annotations

import subprocess
import sys

import gql
import pytest
from gql.dsl import DSLQuery, DSLSchema, dsl_gql
from gql.transport.exceptions import TransportQueryError

from orchestra_client import AsyncClient, Client
from orchestra_client.errors import ClientClosed, ConfigurationError

CREATE = gql.gql("mutation Create($name: String!) { create_project(input: {name: $name}) { id } }")
NAMES = gql.gql("{ project(order_by: {name: asc}) { name } }")


@pytest.fixture
def client():
    with Client("memory:") as client:
        yield client


def with_name(name: str) -> gql.GraphQLRequest:
    return gql.GraphQLRequest(CREATE, variable_values={"name": name})


def test_a_request_goes_through_the_client(client):
    session = gql.Client(transport=client.gql_transport())
    session.execute(with_name("etl"))
    assert session.execute(NAMES) == {"project": [{"name": "etl"}]}


def test_the_client_outlives_gqls_sessions(client):
    with gql.Client(transport=client.gql_transport()):
        pass
    assert client.graphql("{ hello }")


def test_a_batch_is_answered_in_order(client):
    session = gql.Client(transport=client.gql_transport())
    session.execute_batch([with_name("a"), with_name("b")])
    assert session.execute(NAMES) == {"project": [{"name": "a"}, {"name": "b"}]}


def test_the_dsl_works_with_the_servers_own_schema(client):
    with gql.Client(transport=client.gql_transport(), fetch_schema_from_transport=True) as session:
        schema = DSLSchema(session.client.schema)
        result = session.execute(dsl_gql(DSLQuery(schema.Query.hello)))
    assert result["hello"]


def test_errors_of_the_api_become_gqls_with_their_codes(client):
    session = gql.Client(transport=client.gql_transport())
    session.execute(with_name("etl"))
    with pytest.raises(TransportQueryError, match="Uniqueness violation") as caught:
        session.execute(with_name("etl"))
    assert caught.value.errors[0]["extensions"]["code"] == "UNIQUENESS_VIOLATION"


def test_everything_else_is_raised_as_the_client_does(client):
    client.close()
    with pytest.raises(ClientClosed):
        gql.Client(transport=client.gql_transport()).execute(NAMES)


@pytest.mark.anyio
async def test_coroutines_use_an_asynchronous_client():
    async with AsyncClient("memory:") as client:
        async with gql.Client(transport=client.gql_transport()) as session:
            await session.execute_batch([with_name("a"), with_name("b")])
            assert await session.execute(NAMES) == {"project": [{"name": "a"}, {"name": "b"}]}
        assert await client.graphql("{ hello }")


@pytest.mark.anyio
async def test_subscriptions_do_not_exist():
    async with (
        AsyncClient("memory:") as client,
        gql.Client(transport=client.gql_transport()) as session,
    ):
        with pytest.raises(ConfigurationError, match="no subscriptions"):
            async for _ in session.subscribe(gql.gql("subscription { x }")):
                pass


@pytest.mark.slow
def test_only_who_uses_it_pays_for_gql():
    code = "import sys, orchestra_client.client, orchestra_client.transport; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"gql", "graphql", "httpx", "sqlalchemy", "starlette"} & set(run.stdout.split())
