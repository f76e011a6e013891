"""A timeline as a picture. Needs matplotlib."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from matplotlib import dates, pyplot
from matplotlib.patches import Patch

from orchestra_client.html.palette import STATE_COLORS, state_color
from orchestra_client.timeline.lanes import bands_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from matplotlib.axes import Axes

    from orchestra_client.timeline.attempts import Attempt
    from orchestra_client.timeline.lanes import Band, Timeline

__all__ = ["draw"]

_WIDTH = 9.0
_LINE = 0.32
_BORDERS = 1.3
_TALLEST = 30.0
"""Inches: of the picture, of a task run in it, of what is above and below, at most."""

_THIN = 0.85
_LEAST = 0.004
_MARGIN = 0.02
"""Parts: of its lane that a bar fills, of the whole time that the shortest bar takes, or it could not be seen, and that
is left free on both sides."""


@dataclass(frozen=True, slots=True)
class _Bar:
    attempt: Attempt
    middle: float
    lane: float


def draw(timeline: Timeline, now: datetime, ax: Axes | None = None) -> Axes:
    """Draw a timeline.

    Args:
        timeline: what to draw.
        now: up to when bars of what still runs reach.
        ax: where to draw; None means a new figure of a fitting size.

    Returns:
        Where it was drawn. Each try is a patch: those that ended from top to bottom, then those that run.
    """
    bands = bands_of(timeline.task_runs)
    bars = list(_bars(bands, timeline))
    ax = ax or _new_axes(bands)
    if bars:
        _draw_bars(ax, bars, now)
        _draw_legend(ax, bars)
    _label(ax, bands, timeline)
    return ax


def _new_axes(bands: Sequence[Band]) -> Axes:
    units = sum(band.height for band in bands)
    _, ax = pyplot.subplots(figsize=(_WIDTH, min(_BORDERS + units * _LINE, _TALLEST)), layout="constrained")
    return ax


def _bars(bands: Sequence[Band], timeline: Timeline) -> Iterator[_Bar]:
    for band in bands:
        for index, task_run in enumerate(band.task_runs):
            for attempt in timeline.attempts[task_run.id]:
                yield _Bar(attempt, band.middle(index), band.lane)


def _draw_bars(ax: Axes, bars: Sequence[_Bar], now: datetime) -> None:
    begin = min(bar.attempt.start for bar in bars)
    end = max(bar.attempt.end or max(now, bar.attempt.start) for bar in bars)
    least = max((end - begin) * _LEAST, timedelta(milliseconds=1))
    margin = (end - begin) * _MARGIN + least
    ended = [bar for bar in bars if bar.attempt.end is not None]
    running = [bar for bar in bars if bar.attempt.end is None]
    _draw_some(ax, ended, now, least)
    # What still runs has no end yet.
    _draw_some(ax, running, now, least, hatch="////", edgecolor="white", linewidth=0)
    ax.set_xlim(_days(begin - margin), _days(end + margin))


def _draw_some(ax: Axes, bars: Sequence[_Bar], now: datetime, least: timedelta, **style: Any) -> None:
    lengths = [max((bar.attempt.end or now) - bar.attempt.start, least) for bar in bars]
    ax.barh(
        [bar.middle for bar in bars],
        [length / timedelta(days=1) for length in lengths],
        left=[_days(bar.attempt.start) for bar in bars],
        height=[bar.lane * _THIN for bar in bars],
        color=[state_color(bar.attempt.state) for bar in bars],
        **style,
    )


def _days(moment: datetime) -> Any:
    """A moment as matplotlib counts time, which is what lengths of bars are given in."""
    return dates.date2num(moment.astimezone(UTC))


def _draw_legend(ax: Axes, bars: Sequence[_Bar]) -> None:
    present = {bar.attempt.state for bar in bars}
    known = [name for name in STATE_COLORS if name in present]
    names = [*known, *sorted(present - set(known))]
    handles = [Patch(color=state_color(name), label=name) for name in names]
    ax.legend(handles=handles, loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)


def _label(ax: Axes, bands: Sequence[Band], timeline: Timeline) -> None:
    ax.set_yticks([band.top + band.height / 2 for band in bands], [band.label for band in bands])
    ax.set_ylim(max((band.top + band.height for band in bands), default=1.0), 0.0)
    for band in bands[1:]:
        ax.axhline(band.top, color="0.85", linewidth=0.6, zorder=0)
    locator = dates.AutoDateLocator(tz=UTC)
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(dates.ConciseDateFormatter(locator, tz=UTC))
    ax.set_xlabel("UTC")
    ax.tick_params(axis="y", length=0)
    for side in ("top", "right", "left"):
        ax.spines[side].set_visible(False)
    if timeline.title is not None:
        ax.set_title(timeline.title, loc="left", parse_math=False)
    if not timeline.is_whole:
        ax.text(
            1.0, 1.01, f"the first {len(timeline.task_runs):,} task runs", transform=ax.transAxes, ha="right"
        )
