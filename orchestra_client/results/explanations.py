"""Why a flow run is where it is."""

from __future__ import annotations

from dataclasses import dataclass

from orchestra_client.results.record import Record

__all__ = ["Explanation", "Reason"]


@dataclass(frozen=True, slots=True)
class Reason(Record):
    """One thing that keeps a flow run from going on, or that says that nothing does.

    Attributes:
        code: for programs, e.g. ``no_agent_with_labels``; the documentation lists them.
        message: for people: what it is, with names, labels and times.
        advice: what to do about it, for people; with commands to type where some help.
        python_advice: the same with calls of a client; None where nothing of it is a command.
    """

    code: str
    message: str
    advice: str
    python_advice: str | None = None


@dataclass(frozen=True, slots=True)
class Explanation(Record):
    """Why a flow run is not running, or what it waits for. Printed, it is a text of several lines.

    Attributes:
        flow_run_id: the run's UUID.
        name: the run's name.
        state: the type of its state.
        summary: the first reason, in one sentence with the run's name and state.
        reasons: what was found, the most important first; at least one.
    """

    flow_run_id: str
    name: str
    state: str
    summary: str
    reasons: tuple[Reason, ...]

    def __str__(self) -> str:
        lines = [f"Flow run {self.name!r} is {self.state}."]
        for reason in self.reasons:
            lines += [f"- {reason.message}", f"  {reason.advice}"]
            if reason.python_advice is not None:
                lines.append(f"  In Python: {reason.python_advice}")
        return "\n".join(lines)
