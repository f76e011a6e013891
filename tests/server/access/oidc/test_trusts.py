"""What an admin may trust."""

from __future__ import annotations

import re
from typing import Any

import pytest

from orchestra_client.server.resolvers import oidc
from tests.ci_issuer import AUDIENCE

from .conftest import Refused, World


class TestTrusting:
    def test_trusts_are_listed_by_name(self, world: World) -> None:
        world.trust(name="b", token_seconds=3600, role="RUNNER")
        trust_id = world.trust(name=" a ", claims={"repository": "acme/*"})

        fields = "id name issuer audience claims { name pattern } role token_seconds"
        listed = world.ask(f"{{ oidc_trust {{ {fields} }} }}", world.admin)["oidc_trust"]

        assert [row["name"] for row in listed] == ["a", "b"]
        assert listed[0] == {
            "id": trust_id,
            "name": "a",
            "issuer": world.issuer.url,
            "audience": AUDIENCE,
            "claims": [{"name": "repository", "pattern": "acme/*"}],
            "role": "TENANT",
            "token_seconds": 900,
        }
        assert (listed[1]["role"], listed[1]["token_seconds"]) == ("RUNNER", 3600)

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"claims": {}}, "at least one claim"),
            ({"claims": {"repository": "*"}}, "nothing but wildcards"),
            ({"claims": {"repository": "*", "ref": "**?", "x": "[a-z]*"}}, "nothing but wildcards"),
            ({"claims": {"repository": "[!]]*", "ref": "[]]", "x": "[!a]"}}, "nothing but wildcards"),
            ({"claims": {"iss": "x"}}, "'iss' is checked anyway"),
            ({"claims": {"": "x"}}, "name must not be empty"),
            ({"claims": {"x": ""}}, "pattern of claim 'x' must not be empty"),
            ({"claims": {"x": "y" * 256}}, "at most 255"),
            ({"claims": {f"x{n}": "y" for n in range(21)}}, "at most 20 claims"),
            ({"issuer": "http://issuer.example"}, "impersonated"),
            ({"issuer": "ftp://issuer.example"}, "impersonated"),
            ({"issuer": "issuer.example"}, "no URL"),
            ({"issuer": "https://"}, "no URL"),
            ({"issuer": "https://x y.example"}, "no URL"),
            ({"issuer": "https://x.example\n/"}, "no URL"),
            ({"issuer": "https://exämple.com"}, "no URL"),
            ({"issuer": "https://x.example:port"}, "no URL"),
            ({"issuer": "https://user@issuer.example"}, "a user"),
            ({"issuer": "https://issuer.example?a=1"}, "a query"),
            ({"issuer": "https://issuer.example#a"}, "a fragment"),
            ({"issuer": "http://127.0.0.1.evil.example"}, "impersonated"),
            ({"issuer": f"https://{'x' * 300}.example"}, "at most 255"),
            ({"audience": " "}, "audience must not be empty"),
            ({"role": "USER"}, "TENANT or RUNNER, not as USER"),
            ({"token_seconds": 59}, "from 60 to 3600; it is 59"),
            ({"token_seconds": 3601}, "from 60 to 3600; it is 3601"),
            ({"name": ""}, "name must not be empty"),
        ],
    )
    def test_what_would_let_in_anybody_or_nobody_is_refused(
        self, world: World, changes: dict[str, Any], message: str
    ) -> None:
        with pytest.raises(Refused, match=message) as refused:
            world.trust(**changes)
        assert refused.value.code == "BAD_USER_INPUT"

    @pytest.mark.parametrize("public", ["https://token.actions.githubusercontent.com", "https://gitlab.com"])
    @pytest.mark.parametrize(
        ("claims", "is_enough"),
        [
            ({"ref": "refs/heads/main"}, False),
            ({"job_workflow_ref": "acme/flows/.github/workflows/ci.yml@main"}, False),
            ({"sub": "repo:*"}, False),
            ({"sub": "environment:production"}, False),
            ({"sub": "ref:refs/heads/*"}, False),
            ({"sub": "job_workflow_ref:acme/flows/.github/workflows/ci.yml@main"}, False),
            ({"sub": "sub:acme/flows"}, False),
            ({"repository": "acme*", "project_path": "acme*"}, False),
            ({"repository": "*/flows", "project_path": "*/flows"}, False),
            ({"repository": "acme/*", "project_path": "acme/*"}, True),
            ({"repository": "acme/flows", "project_path": "acme/flows", "ref": "*"}, True),
            ({"repository_id": "123", "project_id": "123"}, True),
            ({"sub": "repo:acme/flows:ref:refs/heads/*"}, True),
        ],
    )
    def test_at_a_public_issuer_a_claim_must_tell_whose_job_it_is(
        self, world: World, public: str, claims: dict[str, str], is_enough: bool
    ) -> None:
        if is_enough:
            assert world.trust(issuer=public, claims=claims)
            return
        with pytest.raises(Refused, match=f"Everybody can have jobs at {public}"):
            world.trust(issuer=public, claims=claims)

    @pytest.mark.parametrize(
        ("claims", "advice"),
        [
            ({"repository": "/*"}, "repository=acme/*"),
            ({"repository": "acme"}, "repository=acme/*"),
            ({"repository": "acme/"}, "repository=acme/*"),
            ({"repository": "acme/flows", "repository_owner": "acme/*"}, "repository_owner=acme,"),
        ],
    )
    def test_at_a_public_issuer_what_no_job_has_is_refused(
        self, world: World, claims: dict[str, str], advice: str
    ) -> None:
        with pytest.raises(Refused, match="No job has the claim") as refused:
            world.trust(issuer="https://token.actions.githubusercontent.com", claims=claims)
        assert advice in str(refused.value)

    def test_an_issuer_is_written_as_tokens_name_it(self, world: World) -> None:
        with pytest.raises(Refused, match=r"write it as https://ci\.example:8443/a\."):
            world.trust(issuer="https://CI.Example:8443/a")

    def test_a_slash_behind_a_public_issuer_makes_no_other_one(self, world: World) -> None:
        world.trust(issuer="https://gitlab.com/", claims={"project_path": "acme/flows"})

        [listed] = world.ask("{ oidc_trust { issuer } }", world.admin)["oidc_trust"]
        assert listed["issuer"] == "https://gitlab.com"

    def test_a_name_is_given_once_in_a_tenant(self, world: World) -> None:
        world.trust()

        with pytest.raises(Refused, match="'ci' exists already") as refused:
            world.trust()
        assert refused.value.code == "UNIQUENESS_VIOLATION"

    def test_a_job_cannot_change_what_is_trusted(self, world: World) -> None:
        trust_id = world.trust()
        job = world.login()["access_token"]
        made = world.do("create_api_token", "token", job, name="t", scope="TENANT")["token"]

        for by in (job, made):
            with pytest.raises(Refused, match="cannot change what is trusted"):
                world.trust(by=by, name="mine")
            with pytest.raises(Refused, match="cannot change what is trusted"):
                world.do("delete_oidc_trust", "success", by, trust_id=trust_id)

    @pytest.mark.parametrize("scope", ["USER", "TENANT"])
    def test_what_expires_makes_nothing_that_lasts(self, world: World, scope: str) -> None:
        end = world.clock.at(hours=1)
        brief = world.do("create_api_token", "token", world.admin, name="t", scope=scope, expires_at=end)

        with pytest.raises(Refused, match=f"expires at {re.escape(end)}, and a trust does not") as refused:
            world.trust(by=brief["token"])
        assert refused.value.code == "FORBIDDEN"

    def test_a_session_of_a_token_that_lasts_makes_one(self, world: World) -> None:
        session = world.do("switch_tenant", "access_token", world.admin, tenant_id=world.home)["access_token"]

        assert world.trust(by=session)

    def test_a_tenant_has_so_many(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(oidc, "MAX_TRUSTS", 2)
        for name in ("a", "b"):
            world.trust(name=name)

        with pytest.raises(Refused, match="has 2 trusts already") as refused:
            world.trust(name="c")
        assert refused.value.code == "BAD_USER_INPUT"

    def test_it_is_announced(self, world: World) -> None:
        assert "oidc" in world.ask("{ api { capabilities } }", world.admin)["api"]["capabilities"]
