"""Where each CI puts its token, and what is said where there is none."""

from __future__ import annotations

import pytest

from orchestra_client.auth.oidc import default_audience, find_token, token_of
from orchestra_client.errors import AuthenticationError, ConfigurationError
from orchestra_client.web import WebCall

GITHUB = {
    "GITHUB_ACTIONS": "true",
    "ACTIONS_ID_TOKEN_REQUEST_URL": "https://ci.example/token/7?api-version=2.0",
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "bearer-of-the-job",
}


class TestFindToken:
    def test_the_variable_that_gitlab_sets_holds_it(self) -> None:
        environ = {"GITLAB_CI": "true", "ORCHESTRA_OIDC_TOKEN": " a.b.c\n"}

        assert find_token(environ, "aud") == "a.b.c"

    def test_the_variable_wins_over_github(self) -> None:
        assert find_token({**GITHUB, "ORCHESTRA_OIDC_TOKEN": "a.b.c"}, "aud") == "a.b.c"

    def test_github_is_asked_for_one(self) -> None:
        found = find_token(GITHUB, "https://orchestra.example")

        assert isinstance(found, WebCall)
        assert (found.method, found.server, found.path) == ("GET", "https://ci.example", "/token/7")
        assert found.params == {"api-version": "2.0", "audience": "https://orchestra.example"}
        assert found.bearer == "bearer-of-the-job"
        assert "bearer-of-the-job" not in repr(found)

    @pytest.mark.parametrize(
        ("environ", "advice"),
        [
            ({"GITHUB_ACTIONS": "true"}, "permissions:\n    id-token: write"),
            ({"GITLAB_CI": "true"}, "id_tokens:\n    ORCHESTRA_OIDC_TOKEN:\n      aud: https://o.example"),
            ({}, r"`permissions: id-token: write`; on GitLab, `id_tokens:` with ORCHESTRA_OIDC_TOKEN"),
            ({"ORCHESTRA_OIDC_TOKEN": " "}, "put the token into ORCHESTRA_OIDC_TOKEN"),
        ],
    )
    def test_without_one_the_settings_that_are_missing_are_named(
        self, environ: dict[str, str], advice: str
    ) -> None:
        with pytest.raises(ConfigurationError) as refusal:
            find_token(environ, "https://o.example")
        assert advice in str(refusal.value)


@pytest.mark.parametrize(
    ("server", "audience"),
    [
        ("https://orchestra.example/graphql", "https://orchestra.example"),
        ("https://user:pass@orchestra.example:8443/api/graphql", "https://orchestra.example:8443"),
        ("http://127.0.0.1:4200/graphql", "http://127.0.0.1:4200"),
        ("sqlite:////tmp/runs.db", "orchestra"),
        ("memory:", "orchestra"),
    ],
)
def test_tokens_are_made_for_the_server_alone(server: str, audience: str) -> None:
    assert default_audience(server) == audience


@pytest.mark.parametrize("answer", [{}, {"value": ""}, {"value": None}, {"value": 7}, [], None])
def test_an_answer_without_a_token_is_told(answer: object) -> None:
    with pytest.raises(AuthenticationError, match="without one"):
        token_of(answer)
    assert token_of({"count": 1, "value": "a.b.c"}) == "a.b.c"
