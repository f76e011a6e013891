"""Questions to the person at the terminal or in front of the notebook."""

from __future__ import annotations

import getpass
import sys
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from orchestra_client.surroundings import can_ask

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["Person", "PersonHere", "async_answer", "sync_answer"]

T = TypeVar("T")


class Person(Protocol):
    """Somebody who answers questions."""

    def is_there(self) -> bool:
        """Whether there is anybody."""
        ...

    def read_token(self, server: str) -> str:
        """Ask for an API token, without showing it.

        Args:
            server: the server that it is for.
        """
        ...

    def choose(self, question: str, options: Sequence[str]) -> int:
        """Let the person choose.

        Args:
            question: what is chosen.
            options: at least one.

        Returns:
            The index of the chosen option.
        """
        ...

    def tell(self, text: str) -> None:
        """Say something."""
        ...


class PersonHere:
    """Whoever sits at this terminal, or in front of this notebook. Has no state, so it is safe to share."""

    def is_there(self) -> bool:
        """Whether there is anybody."""
        return can_ask()

    def read_token(self, server: str) -> str:
        """Ask for an API token, without showing it."""
        # By the module's attribute: the kernel of a notebook puts a function of its own there.
        return getpass.getpass(f"API token for {server} (not shown): ")

    def choose(self, question: str, options: Sequence[str]) -> int:
        """Let the person choose by number or by name, until the answer is one of these."""
        for number, option in enumerate(options, 1):
            self.tell(f"  {number}. {option}")
        while True:
            answer = input(f"{question} ").strip()
            if answer in options:
                return options.index(answer)
            if answer.isdecimal() and 1 <= int(answer) <= len(options):
                return int(answer) - 1
            self.tell(f"Type a number from 1 to {len(options)}, or one of these names.")

    def tell(self, text: str) -> None:
        """Say something, on stderr like the question for the token."""
        print(text, file=sys.stderr, flush=True)


async def async_answer(ask: Callable[..., T], *questions: Any) -> T:
    """Wait for an answer while the event loop goes on."""
    import asyncio  # noqa: PLC0415 - a client of threads never needs it

    return await asyncio.to_thread(ask, *questions)


def sync_answer(ask: Callable[..., T], *questions: Any) -> T:
    """Wait for an answer."""
    return ask(*questions)
