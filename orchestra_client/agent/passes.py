"""What a run is let in with: a token of its own, good for this run alone and for as long as it runs."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from orchestra_client.errors import NotFound
from orchestra_client.operations import tokens

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestra_client.agent.api import AgentApi
    from orchestra_client.agent.roster import Charge

__all__ = ["Passes"]

_log = logging.getLogger("orchestra_client.agent")

_FINISHED = """query FinishedRuns($ids: [UUID!]) {
  flow_run(where: {id: {_in: $ids}, end_time: {_is_null: false}}) { id }
}"""


class Passes:
    """Makes the tokens of runs, and revokes them. Belongs to one thread.

    Where the server knows no tokens for single runs, runs get the agent's own token.

    Args:
        api: of the agent.
        name: of the agent, which its tokens are named after.
    """

    def __init__(self, api: AgentApi, name: str) -> None:
        self._client = api.client
        self._name = name
        self._can_make: bool | None = None

    def issue(self, charge: Charge) -> Mapping[str, str]:
        """Make a token for a run that is about to be deployed.

        Returns:
            The environment variables that let the run's process in.

        Raises:
            OrchestraError: the server did not answer.
        """
        server = self._client._server.url
        variables = {"ORCHESTRA_API_SERVER": server, "ORCHESTRA_FLOW_RUN_ID": charge.run.id}
        token = self._make(charge)
        if token is None:
            return {**variables, **self._own()}
        return {**variables, "ORCHESTRA_API_TOKEN": token}

    def revoke(self, charge: Charge) -> None:
        """Revoke the token that was made for a run, if one was.

        Raises:
            OrchestraError: the server did not answer.
        """
        if charge.token_id is None:
            return
        self._delete(charge.token_id)
        charge.token_id = None

    def revoke_left(self) -> None:
        """Revoke the tokens of finished runs that an agent of the same name has left behind, as a killed one does.

        Raises:
            OrchestraError: the server did not answer.
        """
        if not self._may_make():
            return
        left = [
            token
            for token in self._client.api_tokens()
            if token.flow_run_id and token.name == _token_name(self._name, token.flow_run_id)
        ]
        ids = sorted({str(token.flow_run_id) for token in left})
        rows = self._client.graphql(_FINISHED, variables={"ids": ids}).data.flow_run if ids else ()
        finished = {row["id"] for row in rows}
        # A run that was deployed more than once may have left several.
        for token in left:
            if token.flow_run_id in finished:
                self._delete(token.id)
                _log.info("Revoked a token that was left of flow run %s.", token.flow_run_id)

    def _make(self, charge: Charge) -> str | None:
        if not self._may_make():
            return None
        # With each attempt under the charge's own key: an answer that was lost leaves no token that nobody revokes.
        creation = tokens.create_api_token(
            _token_name(self._name, charge.run.id),
            "RUNNER",
            expires_at=None,
            tenant_id=None,
            flow_run_id=charge.run.id,
            key=charge.token_key,
        )
        made = self._client._execute(creation)
        charge.token_id = made.id
        return made.token

    def _delete(self, token_id: str) -> None:
        try:
            self._client.delete_api_token(token_id)
        except NotFound:
            _log.debug("The token %s was gone already.", token_id)

    def _may_make(self) -> bool:
        if self._client._server.is_embedded:
            # It asks for no login.
            return False
        if self._can_make is None:
            self._can_make = "scoped_api_tokens" in self._client._session.capabilities()
            if not self._can_make:
                _log.warning("Runs get this agent's own token: the server makes none for single runs.")
        return self._can_make

    def _own(self) -> dict[str, str]:
        own = {
            "ORCHESTRA_API_TOKEN": self._client._session.credentials.api_token,
            "ORCHESTRA_TENANT": self._client.tenant_id,
        }
        return {name: value for name, value in own.items() if value}


def _token_name(agent: str, flow_run_id: str) -> str:
    return f"flow run {flow_run_id} by agent {agent}"
