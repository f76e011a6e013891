"""Reading what came back."""

from __future__ import annotations

import pytest

from orchestra_client.errors import (
    AuthenticationError,
    PayloadTooLarge,
    PermissionDenied,
    RateLimited,
    TransportProtocolError,
)
from orchestra_client.transport import Response
from orchestra_client.transport.answers import error_codes, graphql_body, is_unauthenticated

SERVER = "http://host"


@pytest.mark.parametrize("body", [{"data": None}, {"data": {}}, {"errors": []}, {"data": {}, "errors": [{}]}])
@pytest.mark.parametrize("status", [200, 400, 500])
def test_a_graphql_body_is_returned_whatever_the_status(status, body):
    assert graphql_body(Response(status, {}, body), server=SERVER) is body


@pytest.mark.parametrize(
    ("status", "error"),
    [(401, AuthenticationError), (403, PermissionDenied), (413, PayloadTooLarge), (429, RateLimited)],
)
def test_a_bare_status_that_has_a_meaning_is_raised_as_such(status, error):
    with pytest.raises(error, match=f"http://host answered HTTP {status}"):
        graphql_body(Response(status), server=SERVER)


@pytest.mark.parametrize(
    ("header", "wait"), [({"retry-after": "30"}, 30.0), ({"retry-after": "soon"}, None), ({}, None)]
)
def test_a_bare_429_tells_how_long_to_wait(header, wait):
    with pytest.raises(RateLimited) as caught:
        graphql_body(Response(429, header), server=SERVER)
    assert caught.value.retry_after == wait


@pytest.mark.parametrize(
    ("response", "advice"),
    [
        (Response(502, excerpt="<html>"), "in trouble"),
        (Response(404), "/graphql"),
        (Response(301, {"location": "https://other/graphql"}), "redirect to https://other/graphql"),
        (Response(200, excerpt="<html>Log in</html>"), "<html>Log in</html>"),
        (Response(200, {}, ["list"]), "not GraphQL"),
        (Response(200, {}, {"detail": "x"}), "not GraphQL"),
    ],
)
def test_anything_else_is_a_protocol_error_that_says_what_to_look_at(response, advice):
    with pytest.raises(TransportProtocolError, match=advice) as caught:
        graphql_body(response, server=SERVER)
    assert caught.value.status_code == response.status


def test_a_page_that_quotes_a_token_does_not_leak_it():
    token = "orc_" + "x" * 43
    with pytest.raises(TransportProtocolError) as caught:
        graphql_body(Response(200, excerpt=f"bad token {token}"), server=SERVER)
    assert token not in str(caught.value)


def test_a_refused_credential_is_known_by_status_and_by_code():
    refused = {"errors": [{"extensions": {"code": "UNAUTHENTICATED"}}]}
    assert is_unauthenticated(Response(401))
    assert is_unauthenticated(Response(200, {}, refused))
    assert not is_unauthenticated(Response(200, {}, {"data": {}}))


def test_error_codes_come_in_order():
    body = {"errors": [{"extensions": {"code": "B"}}, {"message": "none"}, {"extensions": {"code": "A"}}]}
    assert error_codes(Response(200, {}, body)) == ("B", "A")


def test_responses_show_no_body():
    assert "secret" not in repr(Response(200, {"x": "secret"}, {"data": "secret"}, "secret"))
