"""What a run is let in with: a token of its own, good for this run alone and for as long as it runs."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from orchestra_client.errors import NotFound

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
        try:
            self._client.delete_api_token(charge.token_id)
        except NotFound:
            _log.debug("The token of %s was gone already.", charge.run)
        charge.token_id = None

    def revoke_left(self) -> None:
        """Revoke the tokens of finished runs that an agent of the same name has left behind, as a killed one does.

        Raises:
            OrchestraError: the server did not answer.
        """
        if not self._may_make():
            return
        left = {
            token.flow_run_id: token.id
            for token in self._client.api_tokens()
            if token.flow_run_id and token.name == _token_name(self._name, token.flow_run_id)
        }
        rows = self._client.graphql(_FINISHED, variables={"ids": list(left)}).data.flow_run if left else ()
        for row in rows:
            self._client.delete_api_token(left[row["id"]])
            _log.info("Revoked the token that was left of flow run %s.", row["id"])

    def _make(self, charge: Charge) -> str | None:
        if not self._may_make():
            return None
        made = self._client.create_api_token(
            _token_name(self._name, charge.run.id), "RUNNER", flow_run_id=charge.run.id
        )
        charge.token_id = made.id
        return made.token

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
