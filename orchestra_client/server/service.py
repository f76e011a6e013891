"""The server without its network: a request and its credentials in, an answer out."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from graphql import OperationType
from sqlalchemy.exc import DBAPIError, OperationalError

from orchestra_client.errors import ConfigurationError
from orchestra_client.server.access import Access, bootstrap
from orchestra_client.server.answers import Answers
from orchestra_client.server.context import STRANGER, Context, Settings
from orchestra_client.server.documents import Documents
from orchestra_client.server.execution import Parts, execute
from orchestra_client.server.failures import RequestRefused, describe
from orchestra_client.server.schema import api
from orchestra_client.server.store.budget import Budget
from orchestra_client.server.store.database import Database
from orchestra_client.server.store.group_commit import GroupCommit
from orchestra_client.server.store.migrate import migrate
from orchestra_client.server.strangers import may_ask
from orchestra_client.server.vault import Vault

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable
    from pathlib import Path

    from orchestra_client.server.access import Bootstrapped
    from orchestra_client.server.context import Credentials, Principal
    from orchestra_client.server.documents import Operation


@dataclass(frozen=True, slots=True)
class GraphQLRequest:
    """What is asked.

    Attributes:
        query: the document.
        variables: JSON values by name.
        operation_name: which of the document's operations; needed when there are several.
        request_id: stands in the server's log beside what went wrong.
    """

    query: str
    variables: dict[str, Any] | None = None
    operation_name: str | None = None
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered.

    Attributes:
        status: for HTTP: 400 when the document cannot be parsed or does not fit the contract, else 200.
        body: `data` and, when there are any, `errors`.
    """

    status: int
    body: dict[str, Any]


class Service:
    """Answers requests from one database.

    Safe to share between threads, not across a fork.

    Args:
        database: migrated; closed by `close`.
        vault: encrypts what must not be readable at rest.
        settings: how the server is set up.
        bootstrapped: what the start found or made; None for a service that was not opened by `open`.
    """

    def __init__(
        self,
        database: Database,
        vault: Vault,
        settings: Settings = Settings(),  # noqa: B008 (frozen)
        *,
        bootstrapped: Bootstrapped | None = None,
    ) -> None:
        self.database = database
        self.settings = settings
        self.bootstrapped = bootstrapped
        self._vault = vault
        self._access = Access(database, vault, settings)
        self._documents = _documents(settings)
        self._parts = Parts(api(), database, GroupCommit(database), Answers(vault))

    @classmethod
    def open(
        cls,
        url: str,
        *,
        home: Path | None = None,
        settings: Settings = Settings(),  # noqa: B008 (frozen)
        clock: Callable[[], dt.datetime] | None = None,
        token: str | None = None,
    ) -> Service:
        """Open a database, bring its schema up to date, and set it up when it is new.

        Args:
            url: ``sqlite:///path``, ``postgresql+psycopg://…`` or ``memory:``.
            home: the folder of the key that secrets are encrypted with; may be None for ``memory:``, or when
                ``ORCHESTRA_SECRET_KEY`` is set.
            settings: how the server is set up.
            clock: tells the time, as an aware datetime; the system's unless given.
            token: an API token for the admin user; a random one is made for a new database unless given. What was
                made is in the service's `bootstrapped`.

        Raises:
            ConfigurationError: the URL, the folder, the key or the token cannot be used, or the database is out of
                reach.
            MissingExtra: the driver of PostgreSQL is not installed.
        """
        database = Database(url, clock=clock) if clock else Database(url)
        try:
            migrate(database)
            is_fleeting = url == "memory:" and home is None
            vault = Vault.ephemeral() if is_fleeting else Vault.open(home, os.environ)
            return cls(
                database, vault, settings, bootstrapped=bootstrap(database, vault, settings, token=token)
            )
        except OperationalError as error:
            database.close()
            raise ConfigurationError(f"The database {database} cannot be opened: {error.orig}.") from error
        except BaseException:
            database.close()
            raise

    def execute(self, request: GraphQLRequest, credentials: Credentials) -> Answer:
        """Answer a request; whatever goes wrong is in the answer's `errors`, each with a code."""
        try:
            return Answer(200, self._execute(request, credentials))
        except RequestRefused as refused:
            status = 200 if refused.code == "BAD_USER_INPUT" else 400
            return Answer(status, {"errors": refused.formatted(), "data": None})
        except Exception as error:  # noqa: BLE001 (whatever it is becomes an answer)
            error_entry = describe(error, request_id=request.request_id)
            return Answer(200, {"errors": [error_entry], "data": None})

    def turned_away(self, credentials: Credentials, request_id: str | None) -> Answer | None:
        """What a stranger is answered before more of the request is read; None for whoever may ask.

        Args:
            credentials: of the request, which `execute` looks at once more.
            request_id: stands in the server's log beside what went wrong.
        """
        try:
            self._access.authenticate(credentials)
        except Exception as error:  # noqa: BLE001 (whatever it is becomes an answer)
            return Answer(200, {"errors": [describe(error, request_id=request_id)], "data": None})
        return None

    def _execute(self, request: GraphQLRequest, credentials: Credentials) -> dict[str, Any]:
        # Before the document is read in earnest: strangers shall cost little.
        principal = self._principal(request, credentials)
        operation = self._documents.read(request.query).operation(request.operation_name)
        budget = self._budget(operation)
        context = Context(principal, credentials, self.settings, self._vault, self._access, budget)
        return execute(
            self._parts,
            context,
            operation,
            request.variables or {},
            request_id=request.request_id,
        )

    def _budget(self, operation: Operation) -> Budget:
        budget = Budget(self.settings.max_rows)
        if operation.node.operation is OperationType.QUERY:
            budget.deadline = budget.clock() + self.settings.query_timeout
        return budget

    def _principal(self, request: GraphQLRequest, credentials: Credentials) -> Principal:
        is_stranger = credentials.token is None and self.settings.auth != "none"
        if is_stranger and may_ask(request.query, api()):
            return STRANGER
        return self._access.authenticate(credentials)

    def is_reachable(self) -> bool:
        """Whether the database answers."""
        try:
            with self.database.connect(write=False) as connection:
                connection.exec_driver_sql("SELECT 1")
        except DBAPIError:
            return False
        return True

    def close(self) -> None:
        """Give the database back. No request may be under way."""
        self.database.close()


@lru_cache(maxsize=4)
def _documents(settings: Settings) -> Documents:
    """What all services of a kind remember of documents: tests open many, and ask each the same few things."""
    return Documents(api().schema, settings)


if hasattr(os, "register_at_fork"):
    # In the child its lock may be held by a thread that there is not.
    os.register_at_fork(after_in_child=_documents.cache_clear)
