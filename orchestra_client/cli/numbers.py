"""Whole numbers on the command line, refused in words that say what would be right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["WholeNumber", "one_of"]


class WholeNumber(click.IntRange):
    """A whole number from a bound on, or between two; as the `type` of an option or argument."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read it; a text that is none is refused with the bounds."""
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter:
            bounds = f"from {self.min} on" if self.max is None else f"from {self.min} to {self.max}"
            self.fail(f"{str(value)!r} is not a whole number {bounds}.", param, ctx)


def one_of(options: Sequence[str]) -> Callable[[str], int]:
    """One of some things, by its number from 1 or as it is written; as the `value_proc` of a question.

    Args:
        options: the things, at least one.

    Returns:
        What reads an answer and gives the index.
    """

    def read(answer: str) -> int:
        text = answer.strip()
        if text in options:
            return list(options).index(text)
        if text.isascii() and text.isdigit() and 1 <= int(text) <= len(options):
            return int(text) - 1
        raise click.BadParameter(f"{text!r} is neither a number from 1 to {len(options)} nor one of these.")

    return read
