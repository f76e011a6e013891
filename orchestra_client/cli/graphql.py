"""`orchestra graphql`: any query or mutation."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from orchestra_client.cli.options import connected, filled
from orchestra_client.cli.output import say
from orchestra_client.cli.parameters import read_pairs, read_parameter_file
from orchestra_client.cli.terminal import can_ask, is_watched
from orchestra_client.errors import AuthenticationError

if TYPE_CHECKING:
    from orchestra_client.cli.options import Connect
    from orchestra_client.client import Client
    from orchestra_client.graphql import GraphQLResult


@click.command()
@click.argument("query", required=False)
@click.option(
    "--file",
    "path",
    type=click.Path(exists=True, dir_okay=False, allow_dash=True),
    help="Read the query from a file; - is stdin.",
)
@click.option(
    "--var",
    "pairs",
    multiple=True,
    metavar="NAME=VALUE",
    help="A variable: JSON where it reads as JSON, else text. Once for each.",
)
@click.option(
    "--vars-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Variables from a file with a JSON object; --var wins.",
)
@click.option("--operation", type=filled, metavar="NAME", help="Which operation of several to execute.")
@click.option(
    "--pretty/--compact", default=None, help="How the JSON is laid out.  [default: pretty at a terminal]"
)
@click.option("--schema", "is_schema", is_flag=True, help="Print the server's schema instead.")
@connected
def graphql(
    connect: Connect,
    *,
    query: str | None,
    path: str | None,
    pairs: tuple[str, ...],
    vars_file: Path | None,
    operation: str | None,
    pretty: bool | None,
    is_schema: bool,
) -> None:
    """Execute QUERY, a GraphQL query or mutation, and print the answer as JSON.

    QUERY is the text itself, @PATH for a file, or - for stdin, which is also read where QUERY is left out in a pipe.
    When the answer has errors, it is printed all the same, the errors stand on stderr, too, and the exit status is 1.
    """
    if is_schema:
        with connect() as client:
            click.echo(_schema(client))
        return
    text = _query(query, path)
    if not text.strip():
        raise click.UsageError("The query is empty; give one as '{ hello }'.")
    variables = _variables(pairs, vars_file)
    with connect() as client:
        answer = client.graphql(_request(text, operation), raise_on_error=False, variables=variables)
    is_indented = is_watched() if pretty is None else pretty
    click.echo(json.dumps(answer, indent=2 if is_indented else None, ensure_ascii=False))
    _check(answer)


def _query(query: str | None, path: str | None) -> str:
    if query and path:
        raise click.UsageError("Give the query as QUERY or with --file, not both.")
    if query is not None and query != "-" and not query.startswith("@"):
        return query
    path = path or (query or "-").removeprefix("@")
    if path == "-":
        if query is None and can_ask():
            raise click.UsageError("Give a QUERY, as '{ project { name } }', or --file PATH.")
        return sys.stdin.read()
    return _text_of(Path(path))


def _variables(pairs: tuple[str, ...], file: Path | None) -> dict[str, Any]:
    given = read_parameter_file(str(file), _text_of(file), "--vars-file") if file else {}
    return {**given, **read_pairs(pairs, "--var")}


def _text_of(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except OSError as error:
        raise click.UsageError(f"{path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise click.UsageError(f"{path} is no text in UTF-8.") from None


def _request(text: str, operation: str | None) -> Any:
    if operation is None:
        return text
    from gql import GraphQLRequest  # noqa: PLC0415 - slow to import, rarely needed

    return GraphQLRequest(text, operation_name=operation)


def _check(answer: GraphQLResult) -> None:
    """End with the status that the answer's errors ask for."""
    errors = answer.get("errors")
    if not errors:
        return
    from orchestra_client.failures import error_of  # noqa: PLC0415 - rarely needed

    error = error_of(errors, operation=None)
    if isinstance(error, AuthenticationError):
        raise error
    for each in errors:
        place = ".".join(map(str, each.get("path") or ()))
        say(f"Error: {f'{place}: ' if place else ''}{each.get('message')}")
    sys.exit(1)


def _schema(client: Client) -> str:
    from graphql import build_client_schema, get_introspection_query, print_schema  # noqa: PLC0415 - slow to import

    answer = client.graphql(get_introspection_query(descriptions=True))
    return print_schema(build_client_schema(answer.data.to_dict()))
