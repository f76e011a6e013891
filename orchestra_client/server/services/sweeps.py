"""Sweeps: a rule that finds runs, and what it does to them, in transactions of bounded size.

A sweep looks first, without locking anything. What it finds it locks part by part, and looks at again: a beat or a
state that was written meanwhile wins.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam

from orchestra_client.server.services.rounds import Report
from orchestra_client.server.transitions.applying import apply_proposals
from orchestra_client.server.transitions.reading import Proposal, ProposedState
from orchestra_client.server.transitions.serialized import serialized_state

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import BindParameter, RowMapping, Select

    from orchestra_client.server.services.rounds import Round
    from orchestra_client.server.store.session import Session
    from orchestra_client.server.store.views import Views
    from orchestra_client.server.transitions.runs import Run

_IDS: BindParameter[list[str]] = bindparam("ids", expanding=True)


@dataclass(frozen=True, slots=True)
class Sweep:
    """One rule over the runs of a tenant. Immutable; safe to share.

    Attributes:
        candidates: the statement that finds them, built from a tenant's views.
        table: of the runs it finds.
        locked: the tables whose rows decide whether a run is a candidate, that of the runs among them.
        carry_out: changes what was found and is locked; its report counts what became of it.
    """

    candidates: Callable[[Views], Select[Any]]
    table: str
    locked: tuple[str, ...]
    carry_out: Callable[[Session, Sequence[RowMapping]], Report]

    def over(self, round: Round, tenant_id: str, **parameters: object) -> Report:  # noqa: A002 (its name everywhere)
        """Find the runs of one tenant and carry the rule out.

        Args:
            round: gives the transactions.
            tenant_id: the tenant.
            parameters: values of the statement's parameters.
        """
        with round.read(tenant_id) as session:
            rows = session.rows(_ids(self, session.views), **parameters)
        report = Report()
        for ids in round.chunks([row["id"] for row in rows]):
            with round.write(tenant_id) as session:
                found = session.rows(_locked(self, session.views), ids=ids, **parameters)
                report += self.carry_out(session, found)
        return report


def propose(session: Session, run_type: type[Run], proposals: Sequence[Proposal]) -> Report:
    """Set states; the report counts those that were accepted by their type."""
    outcomes = apply_proposals(session, run_type, proposals)
    accepted = zip(proposals, outcomes, strict=True)
    return Report(proposal.state.type for proposal, outcome in accepted if outcome.status == "SUCCESS")


def proposal(run: RowMapping, type_name: str, message: str, **fields: Any) -> Proposal:
    """A state for a run that was found, as long as it has the version that it was found with.

    Args:
        run: its `id` and `version`.
        type_name: of the state.
        message: why, for people.
        fields: the state's own, e.g. `start_time`.
    """
    serialized = serialized_state(type_name, message, **fields)
    state = ProposedState(type_name, message, fields.get("start_time"), serialized)
    return Proposal(run["id"], state, run["version"])


@cache
def _ids(sweep: Sweep, views: Views) -> Select[Any]:
    runs = views[sweep.table]
    return sweep.candidates(views).with_only_columns(runs.c.id).order_by(runs.c.id)


@cache
def _locked(sweep: Sweep, views: Views) -> Select[Any]:
    # PostgreSQL leaves out a row that another transaction holds, and looks again at one that has changed meanwhile;
    # SQLite has one writer at a time.
    runs = views[sweep.table]
    tables = [views[name] for name in sweep.locked]
    statement = sweep.candidates(views).where(runs.c.id.in_(_IDS)).order_by(runs.c.id)
    return statement.with_for_update(of=tables, skip_locked=True)
