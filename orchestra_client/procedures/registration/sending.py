"""Getting versions registered: many of them by as few requests as the server lets, each refusal by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestra_client.errors import ClientError, OrchestraError, PayloadTooLarge, ServerError
from orchestra_client.operations import registration as operations
from orchestra_client.operations.registration import NewVersion
from orchestra_client.procedures.registration.single import is_large, send_registration

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestra_client.operation import Procedure
    from orchestra_client.operations.registration import Registration

__all__ = ["ATOMIC", "Sender"]

ATOMIC = "atomic_registration"
"""The capability of servers that register many flows at once."""

Answer = NewVersion | OrchestraError

_TO_TRY_ALONE = (PayloadTooLarge, ServerError)


class Sender:
    """Sends versions to one project.

    Belongs to one registration; not safe to share.

    Args:
        project_id: where they are registered.
        capabilities: of the server.

    Attributes:
        takes_large_flows: whether the server takes flows of any size in one request.
    """

    def __init__(self, project_id: str, capabilities: frozenset[str]) -> None:
        self._project_id = project_id
        self._takes_many = ATOMIC in capabilities
        self.takes_large_flows = "large_flows" in capabilities

    def send(self, registrations: Sequence[Registration]) -> Procedure[list[Answer]]:
        """Register versions; one that is refused stops none of the others.

        Args:
            registrations: small enough for one request.

        Returns:
            For each its version, or the error it was refused with.

        Raises:
            OrchestraError: the server cannot be reached, takes the credential for none of them, or is in trouble.
        """
        if self._takes_many and len(registrations) > 1:
            try:
                versions: list[NewVersion] = yield operations.register_flows(
                    self._project_id, registrations, []
                )
            except ClientError:
                pass  # one of them was refused, and with it all: each is tried for itself
            else:
                return list(versions)
        answers = yield from self._each(registrations)
        return (yield from self._numbered(answers))

    def _each(self, registrations: Sequence[Registration]) -> Procedure[list[Answer]]:
        large = [not self.takes_large_flows and is_large(each.document) for each in registrations]
        together = [each for each, is_alone in zip(registrations, large, strict=True) if not is_alone]
        found = iter((yield from self._together(together)))
        answers: list[Answer] = []
        for registration, is_alone in zip(registrations, large, strict=True):
            answer = None if is_alone else next(found)
            if answer is None or isinstance(answer, _TO_TRY_ALONE):
                answer = yield from self._alone(registration)
                if isinstance(answer, ServerError) and answers and isinstance(answers[-1], ServerError):
                    raise answer  # it is not the flow: after two in a row, waiting for each of the others is in vain
            answers.append(answer)
        return answers

    def _together(self, registrations: Sequence[Registration]) -> Procedure[Sequence[Answer | None]]:
        """What became of each; None for all when the request was refused as a whole."""
        if len(registrations) > 1:
            try:
                answers: list[Answer] = yield operations.create_flows(self._project_id, registrations)
            except ClientError:
                pass
            else:
                return answers
        return [None] * len(registrations)

    def _alone(self, registration: Registration) -> Procedure[Answer]:
        try:
            flow_id = yield from send_registration(
                registration, self._project_id, takes_large_flows=self.takes_large_flows
            )
        except ClientError as error:
            return error
        return NewVersion(flow_id)

    def _numbered(self, answers: Sequence[Answer]) -> Procedure[list[Answer]]:
        """The answers with the versions' numbers, which only some mutations tell."""
        made = [each.id for each in answers if isinstance(each, NewVersion)]
        numbers: dict[str, int] = (yield operations.get_flow_versions(made)) if made else {}
        return [
            NewVersion(each.id, numbers.get(each.id)) if isinstance(each, NewVersion) else each
            for each in answers
        ]
