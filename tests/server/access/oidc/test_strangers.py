"""What is answered without a credential."""

from __future__ import annotations

import pytest

from .conftest import Refused, World


class TestStrangers:
    """Given nobody's request, then this one field is answered, and nothing else is even read."""

    def test_other_fields_ask_for_a_credential(self, world: World) -> None:
        exchange = 'exchange_oidc_token(input: {token: "x"}) { role }'
        for query in (
            "{ hello }",
            "{ __schema { types { name } } }",
            "{ __typename }",
            "mutation { __typename }",
            f"mutation {{ {exchange} again: {exchange} }}",
            f'mutation {{ {exchange} create_project(input: {{name: "x"}}) {{ id }} }}',
            f"mutation {{ ...F }} fragment F on Mutation {{ {exchange} }}",
            f"mutation {{ ... {{ {exchange} }} }}",
            f"mutation A {{ {exchange} }} mutation B {{ {exchange} }}",
            f"query {{ {exchange} }}",
            f"subscription {{ {exchange} }}",
            f'mutation {{ hidden: delete_oidc_trust(input: {{trust_id: "{world.home}"}}) {{ success }} }}',
            f"mutation {{ {exchange} }}{' ' * 2000}",
            "",
            "{",
            "\ud800",
        ):
            with pytest.raises(Refused) as refused:
                world.ask(query, None)
            assert (refused.value.code, "has no token" in str(refused.value)) == ("UNAUTHENTICATED", True), (
                query
            )

    def test_an_alias_does_no_harm(self, world: World) -> None:
        world.trust()
        query = "mutation Login($t: String!) { mine: exchange_oidc_token(input: {token: $t}) { role } }"

        assert world.ask(query, None, {"t": world.issuer.token()}) == {"mine": {"role": "TENANT"}}

    def test_what_does_not_fit_the_contract_is_told(self, world: World) -> None:
        with pytest.raises(Refused, match="nothing"):
            world.ask('mutation { exchange_oidc_token(input: {token: "x"}) { nothing } }', None)

    def test_a_credential_that_is_bad_is_refused_as_ever(self, world: World) -> None:
        world.trust()
        query = "mutation($input: exchange_oidc_token_input!) { exchange_oidc_token(input: $input) { role } }"

        with pytest.raises(Refused, match="does not know the API token"):
            world.ask(query, f"orc_{'x' * 43}", {"input": {"token": world.issuer.token()}})

    def test_whoever_is_logged_in_may_ask_too(self, world: World) -> None:
        world.trust()

        assert (
            world.do("exchange_oidc_token", "role", world.admin, token=world.issuer.token())["role"]
            == "TENANT"
        )
