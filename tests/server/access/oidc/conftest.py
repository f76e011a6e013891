"""A server, an admin of it, and a CI on this machine whose jobs log in."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from orchestra_client.server.context import Credentials
from orchestra_client.server.service import GraphQLRequest, Service
from tests.ci_issuer import AUDIENCE, Issuer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.server.access.conftest import Clock

SLUG = "default"
FIELDS = "access_token expires_at tenant_id tenant_slug role trust"
CLAIMS = {"repository": "acme/flows", "ref": "refs/heads/main"}


class Refused(Exception):
    """The server answered with an error."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass
class World:
    """A server, an admin of it, and a CI that everybody can have jobs at."""

    service: Service
    clock: Clock
    issuer: Issuer
    admin: str = field(init=False)
    home: str = field(init=False)

    def __post_init__(self) -> None:
        start = self.service.bootstrapped
        assert start is not None
        self.admin, self.home = start.token or "", start.tenant_id or ""

    def ask(self, query: str, by: str | None, variables: dict[str, Any] | None = None, **headers: Any) -> Any:
        credentials = Credentials(by, **headers)
        body = self.service.execute(GraphQLRequest(query, variables), credentials).body
        for error in body.get("errors", []):
            raise Refused(error["extensions"]["code"], error["message"])
        return body["data"]

    def do(self, name: str, fields: str, by: str | None, /, *, key: str | None = None, **values: Any) -> Any:
        query = f"mutation($input: {name}_input!) {{ {name}(input: $input) {{ {fields} }} }}"
        return self.ask(query, by, {"input": values}, idempotency_key=key)[name]

    def trust(self, by: str | None = None, **changes: Any) -> str:
        claims = changes.pop("claims", CLAIMS)
        values = {"name": "ci", "issuer": self.issuer.url, "audience": AUDIENCE, **changes}
        patterns = [{"name": name, "pattern": pattern} for name, pattern in claims.items()]
        made = self.do("create_oidc_trust", "id", by or self.admin, claims=patterns, **values)
        return str(made["id"])

    def login(self, token: str | None = None, **values: Any) -> dict[str, Any]:
        token = self.issuer.token() if token is None else token
        answer: dict[str, Any] = self.do("exchange_oidc_token", FIELDS, None, token=token, **values)
        return answer

    def refusal(self, token: str | None = None, **values: Any) -> str:
        """What a token is refused with, as a matter of authentication."""
        with pytest.raises(Refused) as refused:
            self.login(token, **values)
        assert refused.value.code == "UNAUTHENTICATED"
        assert token is None or not token or token not in str(refused.value)
        return str(refused.value)

    def tokens(self, by: str | None = None) -> list[dict[str, Any]]:
        fields = "id name scope tenant_id expires_at oidc_trust_id"
        found: list[dict[str, Any]] = self.ask(f"{{ api_token {{ {fields} }} }}", by or self.admin)[
            "api_token"
        ]
        return found

    def new_tenant(self, slug: str = "other") -> str:
        made: str = self.do("create_tenant", "id", self.admin, name=slug, slug=slug)["id"]
        return made


@pytest.fixture
def issuer(clock: Clock) -> Iterator[Issuer]:
    with Issuer(lambda: clock().timestamp()) as issuer:
        yield issuer


@pytest.fixture
def world(clock: Clock, issuer: Issuer) -> Iterator[World]:
    service = Service.open("memory:", clock=clock)
    yield World(service, clock, issuer)
    service.close()


def part(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()
