"""Where a run is under way: a process, a thread, a container, whatever an agent makes of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

__all__ = ["Deployment", "Ending"]


@dataclass(frozen=True, slots=True)
class Ending:
    """How a deployment ended. Immutable, hence safe to share.

    Attributes:
        reason: what happened, as the end of a sentence about it: ``"was ended by SIGKILL"``.
        is_clean: whether nothing about it speaks of a failure.
        output: the last lines that it wrote; may be empty.
        is_disowned: whether it left its run alone because someone else owns it.
    """

    reason: str
    is_clean: bool
    output: str = ""
    is_disowned: bool = False


class Deployment(ABC):
    """One run on its way, as an agent holds it. All its methods are called from one thread of the agent.

    None of them may block for long: the agent looks after its other runs in the same thread.
    """

    @abstractmethod
    def poll(self) -> Ending | None:
        """Look whether it has ended; called several times a second until it has.

        Returns:
            How it ended; None while it goes on. After the first answer it is not called again.
        """

    @abstractmethod
    def terminate(self) -> None:
        """Ask it to end, with everything it started; called once."""

    @abstractmethod
    def kill(self) -> None:
        """End it for good, with everything it started; called once, when `terminate` did not help in time."""

    @abstractmethod
    def describe(self) -> str:
        """Name it for people, as the beginning of a sentence: ``"process 4711"``."""
