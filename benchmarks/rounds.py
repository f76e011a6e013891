"""Measuring several sides against each other in one run, so that whatever else the machine does hits all of them.

The sides take turns, in another order every round, and each side's figure is the median of its rounds. Ratios are
made round by round before the median is taken of them, so that a slow minute of the machine cancels out.
"""

from __future__ import annotations

import argparse
import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Options:
    """What a benchmark was started with.

    Attributes:
        peer: the Python of the virtual environment to compare with; None leaves that comparison out.
        quick: only show that the benchmark works; its figures mean nothing.
    """

    peer: Path | None
    quick: bool

    def choose(self, usual: int, quick: int) -> int:
        """How often, or how long: as usual, or just to try."""
        return quick if self.quick else usual


def read_options(description: str) -> Options:
    """The options of the command line; a peer that is not installed is told and left out.

    Args:
        description: of the benchmark, for ``--help``.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("peer", nargs="?", type=Path, help="the virtual environment of Prefect 1.4.1")
    parser.add_argument("--quick", action="store_true", help="only try whether everything works")
    given = parser.parse_args()
    python = None if given.peer is None else given.peer / "bin" / "python"
    if python is None or not python.exists():
        print(f"(Without Prefect: {'no environment was named' if python is None else f'no {python}'}.)")
        python = None
    return Options(python, given.quick)


def take_turns(sides: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """What each side measured, round by round.

    Args:
        sides: measure once each and return the figure.
        rounds: how often; one more before them warms all sides up and is not counted.
    """
    figures: dict[str, list[float]] = {name: [] for name in sides}
    names = list(sides)
    for number in range(rounds + 1):
        turn = number % len(names)
        for name in names[turn:] + names[:turn]:
            figure = sides[name]()
            if number:
                figures[name].append(figure)
    return figures


def time_calls(call: Callable[[], object], calls: int) -> float:
    """The mean time of one call in microseconds, over `calls` in a row."""
    started = time.perf_counter()
    for _ in range(calls):
        call()
    return (time.perf_counter() - started) / calls * 1e6


def ratio(figures: Sequence[float], others: Sequence[float]) -> float:
    """How many times the others' figures these are, in the median round."""
    return statistics.median(one / other for one, other in zip(figures, others, strict=True))


def print_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table whose first column is text and whose others are figures."""
    widths = [max(len(row[index]) for row in (header, *rows)) for index in range(len(header))]
    for row in (header, *rows):
        first, *rest = (
            f"{cell:<{width}}" if not index else f"{cell:>{width}}"
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        print("  ".join((first, *rest)).rstrip())
