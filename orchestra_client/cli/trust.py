"""`orchestra tenant trust`: which CI jobs may log in to the tenant without a lasting secret."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import click

from orchestra_client.cli.moments import span
from orchestra_client.cli.options import connected, filled, json_option, limit_option
from orchestra_client.cli.output import Column, nothing, print_json, print_list, say
from orchestra_client.cli.prompts import confirm

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta

    from orchestra_client.cli.options import Connect
    from orchestra_client.client import Client
    from orchestra_client.results import Scope, Trust

_ISSUERS = {"github": "https://token.actions.githubusercontent.com", "gitlab": "https://gitlab.com"}

_COLUMNS = (
    Column("NAME", lambda trust: trust.name),
    Column("SCOPE", lambda trust: trust.scope),
    Column(
        "CLAIMS", lambda trust: [f"{name}={pattern}" for name, pattern in trust.claims.items()], wraps=True
    ),
    Column("ISSUER", lambda trust: trust.issuer),
)


@click.group()
def trust() -> None:
    """Let CI jobs log in without a lasting secret."""


@trust.command()
@click.argument("name", type=filled)
@click.option(
    "--issuer",
    type=filled,
    metavar="URL",
    required=True,
    help="Whose tokens: their `iss`, or github or gitlab for the public ones.",
)
@click.option(
    "--claim",
    "claims",
    metavar="NAME=PATTERN",
    multiple=True,
    required=True,
    help="What a claim of the token must match as a whole: * ? [...] as in a shell. All that are given must.",
)
@click.option(
    "--audience",
    type=filled,
    metavar="TEXT",
    help="Whom the tokens must be made for.  [default: the server's URL without its path]",
)
@click.option(
    "--scope",
    type=click.Choice(["TENANT", "RUNNER"], case_sensitive=False),
    default="TENANT",
    show_default=True,
    help="TENANT may register flows, RUNNER does what agents and runs need.",
)
@click.option(
    "--lifetime",
    type=span,
    metavar="DURATION",
    default="15 minutes",
    show_default=True,
    help="How long a login works: up to an hour.",
)
@json_option
@connected
def add(
    connect: Connect,
    *,
    name: str,
    issuer: str,
    claims: tuple[str, ...],
    audience: str | None,
    scope: str,
    lifetime: timedelta,
    as_json: bool,
) -> None:
    """Trust the tokens of a CI, for the purpose NAME, and print the trust's id.

    Everybody can have jobs at a public CI: say whose they are. For one repository on GitHub, and for the protected
    branches of all projects of a group on GitLab:

    \b
      orchestra tenant trust add releases --issuer github \\
          --claim repository=acme/flows --claim ref=refs/heads/main
      orchestra tenant trust add ci --issuer gitlab \\
          --claim 'project_path=acme/*' --claim ref_protected=true
    """  # noqa: D301 - \b keeps click from joining the lines
    patterns = _patterns(claims)
    with connect() as client:
        made = client.create_trust(
            name,
            issuer=_ISSUERS.get(issuer.lower(), issuer),
            claims=patterns,
            audience=audience,
            scope=cast("Scope", scope.upper()),
            lifetime=int(lifetime.total_seconds()),
        )
    say(
        f"Jobs with a token of {made.issuer} for {made.audience} can log in as {made.scope} when "
        f"{' and '.join(claims)}: orchestra auth login --oidc"
    )
    if as_json:
        print_json(made)
    else:
        click.echo(made.id)


@trust.command("list")
@click.option("--name", type=filled, metavar="NAME", help="Only the trust of this name.")
@limit_option
@json_option
@connected
def list_trusts(connect: Connect, *, name: str | None, limit: int, as_json: bool) -> None:
    """List which CI jobs may log in, and as what; --json also tells for whom, how long, and ids."""
    with connect() as client:
        found = [each for each in client.trusts() if name in {None, each.name}]
    print_list(
        found,
        _COLUMNS,
        limit=limit,
        as_json=as_json,
        none=nothing("trusts", "`orchestra tenant trust add` makes one", is_filtered=bool(name)),
    )


@trust.command()
@click.argument("name_or_id", type=filled, metavar="TRUST")
@click.option("--yes", is_flag=True, help="Do not ask.")
@connected
def delete(connect: Connect, *, name_or_id: str, yes: bool) -> None:
    """Let the jobs of TRUST, given by its name or id, in no more, and end at once what they logged in to."""
    with connect() as client:
        found = _find(client, name_or_id)
        confirm(f"Lock out the jobs of the trust '{found.name}'?", is_confirmed=yes)
        client.delete_trust(found.id)
    say(f"Deleted the trust '{found.name}'.")


def _patterns(claims: Sequence[str]) -> dict[str, str]:
    patterns: dict[str, str] = {}
    for claim in claims:
        name, equals, pattern = claim.partition("=")
        if not (name and equals and pattern):
            raise click.BadParameter(
                f"'{claim}' is no claim; write it as repository=acme/flows.", param_hint="--claim"
            )
        if name in patterns:
            raise click.BadParameter(
                f"The claim '{name}' is there twice; add a second trust for the other pattern.",
                param_hint="--claim",
            )
        patterns[name] = pattern
    return patterns


def _find(client: Client, name_or_id: str) -> Trust:
    for each in client.trusts():
        if name_or_id in {each.id, each.name}:
            return each
    raise click.ClickException(
        f"The tenant has no trust '{name_or_id}'; `orchestra tenant trust list` shows them."
    )
