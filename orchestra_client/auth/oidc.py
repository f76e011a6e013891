"""The OpenID Connect token that a CI gives its jobs: where it is, and whom it is to be made for. No I/O.

GitHub makes one when the job asks at the URL, and with the token, that it finds in its environment: see "OpenID
Connect" in the documentation of Actions. GitLab makes those that the job's `id_tokens:` ask for, and puts each into
the variable that is named there. Any other CI can put one into `ORCHESTRA_OIDC_TOKEN`, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from orchestra_client.errors import AuthenticationError, ConfigurationError
from orchestra_client.web import WebCall

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["default_audience", "find_token", "token_of"]

_TOKEN = "ORCHESTRA_OIDC_TOKEN"  # noqa: S105 (a variable's name)
_URL, _BEARER = "ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"

_GITHUB = f"""\
This job of GitHub Actions may not ask for an OIDC token ({_URL} is not set). Let it, in the workflow or the job:
  permissions:
    id-token: write
    contents: read"""
_GITLAB = f"""\
This job of GitLab has no OIDC token ({_TOKEN} is not set). Ask for one, in the job:
  id_tokens:
    {_TOKEN}:
      aud: %s"""
_ELSEWHERE = (
    f"There is no OIDC token of a CI here. On GitHub, a job needs `permissions: id-token: write`; on GitLab, "
    f"`id_tokens:` with {_TOKEN} and `aud: %s`. Anywhere else, put the token into {_TOKEN}."
)


def default_audience(server: str) -> str:
    """Whom tokens are made for unless something else is said: the server, so that no other can use them.

    Args:
        server: its URL; of one in this process, any.

    Returns:
        The URL without its path, or ``"orchestra"``.
    """
    parts = urlsplit(server)
    if parts.scheme not in {"http", "https"}:
        return "orchestra"
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def find_token(environ: Mapping[str, str], audience: str) -> str | WebCall:
    """The token of the CI job that this is, or how to ask for it.

    Args:
        environ: the environment variables.
        audience: whom a token that is yet to be made is to be for.

    Returns:
        The token, or a request whose answer :func:`token_of` reads.

    Raises:
        ConfigurationError: there is none; the message says what the CI's settings lack.
    """
    if token := environ.get(_TOKEN, "").strip():
        return token
    url, bearer = environ.get(_URL, "").strip(), environ.get(_BEARER, "").strip()
    if url and bearer:
        return _request(url, bearer, audience)
    if environ.get("GITHUB_ACTIONS"):
        raise ConfigurationError(_GITHUB)
    raise ConfigurationError((_GITLAB if environ.get("GITLAB_CI") else _ELSEWHERE) % audience)


def token_of(answer: Any) -> str:
    """The token in GitHub's answer.

    Raises:
        AuthenticationError: there is none.
    """
    token = answer.get("value") if isinstance(answer, dict) else None
    if not isinstance(token, str) or not token:
        raise AuthenticationError("GitHub answered the request for an OIDC token without one.")
    return token


def _request(url: str, bearer: str, audience: str) -> WebCall:
    parts = urlsplit(url)
    return WebCall(
        name="GET the job's OIDC token",
        variables={},
        parse=dict,
        bearer=bearer,
        text="",
        server=f"{parts.scheme}://{parts.netloc}",
        path=parts.path,
        params={**dict(parse_qsl(parts.query)), "audience": audience},
    )
