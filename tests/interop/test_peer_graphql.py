"""Queries and flows written as for Prefect mean to us what they mean there."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import graphql
import pytest

import orchestra_client.graphql as ours

pytestmark = [pytest.mark.interop, pytest.mark.slow]

# Read once, while the environment is still that of whoever runs the tests.
PEERS = Path(os.environ.get("ORCHESTRA_PEERS", Path(__file__).resolve().parents[2] / ".peers"))
FLOW = {"name": "täglich", "tasks": [{"slug": f"t-{i}", "max_retries": 0.5, "tags": None} for i in range(20)]}

# As Python text, because one of the processes has the peer's classes and the other has ours.
QUERIES = [
    "{'query': 'hello'}",
    "{'query': {'a': True, 'c': {'id'}, 'd': ['x', {'y': {'z'}}]}}",
    "{'query': {'books(published: {gt: 1990})': {'title'}, 'authors': ('name', {'books': 'title'})}}",
    "{'mutation($input: create_flow_run_input!)': {'create_flow_run(input: $input)': {'id': True}}}",
    "{'query': {'one: flow(limit: 1)': {'id'}, 'two: flow': {'... on flow': {'name'}}}}",
    "{'query': {with_args('a', {'x': 'q\"u\\n\\\\ ü 😀', 'n': None, 't': True, 'f': 1.5, 'e': []}): {'id'}}}",
    "{'query': {with_args('flow_run', {'where': {'_and': [{'id': {'_eq': 'x'}}, {}]}, 'limit': 1}): {'id'}}}",
    "{'query': {with_args('logs', {'order_by': {EnumValue('timestamp'): EnumValue('asc')}}): 'message'}}",
    "{'query': {with_args('flows_aggregate', {'distinct_on': EnumValue('name')}): {'aggregate': EnumValue('count')}}}",
    "{'query': {with_args('flow', {'labels': {'_contains': LiteralSetValue(['a', 'b'])}}): 'id'}}",
    "{'query': {GQLObject('foo')('x: 1'): GQLObject('bar')}}",
    "'query { hello }'",
]


@pytest.mark.parametrize("release", ["0.12.0", "1.4.1"])
def test_queries_and_flows_mean_the_same_there(release: str) -> None:
    theirs = ask(release, queries=QUERIES, flow=FLOW, compressed=ours.compress(FLOW))

    for query, text in zip(QUERIES, theirs["written"], strict=True):
        written = ours.parse_graphql(eval(query, vars(ours).copy()))
        assert canonical(written) == canonical(text), query
    assert theirs["decompressed"] == FLOW
    assert ours.decompress(theirs["compressed"]) == FLOW


def canonical(query: str) -> str:
    return graphql.print_ast(graphql.parse(query, no_location=True))


def ask(release: str, **request: Any) -> Any:
    python = PEERS / f"prefect-{release}" / "bin" / "python"
    if not python.exists():
        pytest.skip(f"no Prefect {release} in {PEERS}: run `make test-interop`, or set ORCHESTRA_PEERS")
    script = Path(__file__).with_name("graphql_peer.py")
    done = subprocess.run(
        [python, script], input=json.dumps(request), stdout=subprocess.PIPE, check=True, text=True
    )
    return json.loads(done.stdout)
