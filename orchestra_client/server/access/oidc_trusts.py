"""What an admin may trust of a CI, and which jobs a trust lets in. No I/O.

A public CI signs tokens for everybody who has an account there, the attacker included. So a trust names claims of
the job besides the issuer, and those of the well-known public ones must hold whose job it is.
"""

from __future__ import annotations

import ipaddress
import json
import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from orchestra_client.errors import BadInput
from orchestra_client.server import checks

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MAX_CLAIMS = 20
"""Patterns of one trust."""

MIN_SECONDS, MAX_SECONDS = 60, 3600
"""How long a job's login may live."""

# Looked at whatever the trust says; as its only claim, each would let in everybody.
_CHECKED_ANYWAY = frozenset({"iss", "aud", "exp", "nbf", "iat", "jti"})

# The claims that tell whose job it is, by issuer; docs.github.com and docs.gitlab.com list them.
_PUBLIC_ISSUERS: dict[str, tuple[str, ...]] = {
    "https://token.actions.githubusercontent.com": (
        "repository",
        "repository_id",
        "repository_owner",
        "repository_owner_id",
    ),
    "https://gitlab.com": ("project_path", "project_id", "namespace_path", "namespace_id"),
}

# What these hold there: an owner and what is theirs, or an owner alone.
_PATHS, _OWNERS = {"repository", "project_path"}, {"repository_owner"}

_WILDCARD = re.compile(r"[*?\[]")
# As `fnmatch` reads them: a bracket that stands first in its set belongs to it.
_WILDCARDS = re.compile(r"\[!?\]?[^\]]*\]|[*?]")


def trust_of(input: Mapping[str, Any]) -> dict[str, Any]:  # noqa: A002 (the argument's name in the API)
    """The columns of a new trust.

    Args:
        input: of `create_oidc_trust`.

    Raises:
        BadInput: it would let in whom nobody named, or could never let anybody in.
    """
    if input["role"] not in {"TENANT", "RUNNER"}:
        raise BadInput(f"A CI job can log in as TENANT or RUNNER, not as {input['role']}.")
    seconds = input["token_seconds"]
    if not MIN_SECONDS <= seconds <= MAX_SECONDS:
        raise BadInput(f"token_seconds must be from {MIN_SECONDS} to {MAX_SECONDS}; it is {seconds}.")
    issuer = _issuer(input["issuer"].strip())
    return {
        "name": checks.name(input["name"], "trust's name"),
        "issuer": issuer,
        "audience": checks.name(input["audience"], "audience"),
        "claims": _claims(input["claims"], issuer),
        "role": input["role"],
        "token_seconds": seconds,
    }


def objection(trust: Mapping[str, Any], claims: Mapping[str, Any]) -> str | None:
    """Why a trust does not let in a job with these verified claims; None when it does.

    Args:
        trust: a row of `oidc_trust`.
        claims: of a token that its issuer signed.
    """
    audiences = claims.get("aud")
    audiences = audiences if isinstance(audiences, list) else [audiences]
    if trust["audience"] not in audiences:
        return f"its audience is {shown(audiences)}, expected {trust['audience']!r}"
    for wanted in trust["claims"]:
        value = _text(claims.get(wanted["name"]))
        if value is None or not fnmatchcase(value, wanted["pattern"]):
            found = _unmatched(claims, wanted["name"]) if value is None else shown(value)
            return f"its claim {wanted['name']!r} is {found}, expected {wanted['pattern']!r}"
    return None


def shown(value: Any) -> str:
    """A claim's value, cut to a line; the token as a whole is never shown."""
    text = ascii(value[0] if isinstance(value, list) and len(value) == 1 else value)
    return text if len(text) <= checks.MAX_NAME else f"{text[: checks.MAX_NAME]}…"


def is_loopback(host: str) -> bool:
    """Whether a URL's host can only be this machine."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _text(value: Any) -> str | None:
    """A claim as a pattern sees it; of lists and objects, nothing matches."""
    if isinstance(value, str):
        return value
    return json.dumps(value) if isinstance(value, bool | int) else None


def _unmatched(claims: Mapping[str, Any], name: str) -> str:
    """What a claim is that no pattern matches."""
    if name not in claims:
        return "missing"
    value = claims[name]
    kind = "a list" if isinstance(value, list) else "an object" if isinstance(value, dict) else "no text"
    return f"{kind}, {shown(value)}, and patterns match texts alone"


def _issuer(issuer: str) -> str:
    advice = (
        "it must be an https URL as in the tokens' `iss`, such as https://token.actions.githubusercontent.com"
    )
    try:
        parts = urlsplit(issuer)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        host = ""
    if not host or not issuer.isascii() or not issuer.isprintable() or " " in issuer:
        raise BadInput(f"The issuer {shown(issuer)} is no URL; {advice}.")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(host)):
        raise BadInput(
            f"The issuer {shown(issuer)} can be impersonated by anyone on the way to it; {advice}."
        )
    if parts.query or parts.fragment or parts.username is not None:
        raise BadInput(f"The issuer {shown(issuer)} has a query, a fragment or a user; {advice}.")
    if (lower := f"{parts.scheme}://{parts.netloc.lower()}{parts.path}") != issuer:
        raise BadInput(
            f"Tokens name the issuer {shown(issuer)} without capital letters in its host; write it as {lower}."
        )
    if issuer.rstrip("/") in _PUBLIC_ISSUERS:
        # Copied from an address bar. Of others, the slash may be part of the name.
        issuer = issuer.rstrip("/")
    return checks.bounded(issuer, "The issuer")


def _claims(claims: Sequence[Mapping[str, str]], issuer: str) -> list[dict[str, str]]:
    if not claims:
        raise BadInput(
            "Name at least one claim that tells your jobs from everybody's, such as repository=acme/flows: many use "
            "the same issuer."
        )
    if len(claims) > MAX_CLAIMS:
        raise BadInput(f"A trust has at most {MAX_CLAIMS} claims; these are {len(claims)}.")
    checked = [
        {"name": checks.name(each["name"], "claim's name"), "pattern": _pattern(each)} for each in claims
    ]
    names = [each["name"] for each in checked]
    if twice := {name for name in names if names.count(name) > 1}:
        raise BadInput(f"The claim {min(twice)!r} is there twice; make a second trust for the other pattern.")
    if useless := _CHECKED_ANYWAY.intersection(names):
        raise BadInput(f"The claim {min(useless)!r} is checked anyway; name one that tells whose job it is.")
    _check_who(checked, issuer)
    return checked


def _pattern(claim: Mapping[str, str]) -> str:
    return checks.name(claim["pattern"], f"pattern of claim {shown(claim['name'])}")


def _check_who(claims: Sequence[Mapping[str, str]], issuer: str) -> None:
    if not any(_WILDCARDS.sub("", each["pattern"]) for each in claims):
        raise BadInput(
            "The patterns are nothing but wildcards, which lets in every job of the issuer, whoever it belongs to. "
            "Write out at least one claim, such as repository=acme/flows."
        )
    telling = _PUBLIC_ISSUERS.get(issuer)
    for each in claims if telling else ():
        _check_possible(each["name"], each["pattern"])
    if telling and not any(_tells_who(each["name"], each["pattern"], telling) for each in claims):
        raise BadInput(
            f"Everybody can have jobs at {issuer}, so a claim must tell whose they are: {telling[0]}, or one of "
            f"{', '.join(telling[1:])}; written out, or with wildcards only behind a slash, such as "
            f"{telling[0]}=acme/*. acme* would also let in acme-of-somebody-else. "
            "A sub tells it only when it begins with such a claim, as in repo:acme/flows:*."
        )


def _check_possible(name: str, pattern: str) -> None:
    """Refuse what no job of a public issuer ever has."""
    owner, slash, rest = pattern.partition("/")
    if name in _PATHS and (not (owner and rest) if slash else _WILDCARD.search(pattern) is None):
        example = f"{name}={owner or 'acme'}/{rest or '*'}"
        raise BadInput(
            f"No job has the claim {name}={shown(pattern)}: it is an owner and a name, parted by a slash. Write it as "
            f"{example}."
        )
    if name in _OWNERS and slash:
        raise BadInput(
            f"No job has the claim {name}={shown(pattern)}: it is an owner alone, without a slash. Write it as "
            f"{name}={owner or 'acme'}, or use the claim repository."
        )


def _tells_who(name: str, pattern: str, telling: Sequence[str]) -> bool:
    if name == "sub":
        # Whoever has a project may say what its jobs' subject is made of: it can be an environment's name alone.
        name = pattern.partition(":")[0]
    wildcard = _WILDCARD.search(pattern)
    return name in {"repo", *telling} and (wildcard is None or "/" in pattern[: wildcard.start()])
