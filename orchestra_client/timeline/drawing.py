"""A timeline as a picture. Needs matplotlib."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from matplotlib import dates, pyplot
from matplotlib.patches import Patch

from orchestra_client.html.palette import STATE_COLORS, state_color
from orchestra_client.html.text import shortened
from orchestra_client.states.hierarchy import FAILED
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

_LEAST_PIXELS = 1.5
"""The height of a bar at least: rounded to whole pixels, many of narrower lanes would not be seen."""

_MAX_TITLE = 60
"""Characters."""

_MOST_LABELS = 250
"""Of lines of text, in the tallest picture; of more tasks than that, some have no label."""


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
    ax.set_ylim(_height(bands) or 1.0, 0.0)
    if bars:
        _draw_bars(ax, bars, now)
        _draw_legend(ax, bars)
        _label_times(ax)
    else:
        _say_nothing_ran(ax, timeline)
    _label_bands(ax, bands)
    _label(ax, timeline)
    return ax


def _new_axes(bands: Sequence[Band]) -> Axes:
    inches = min(_BORDERS + _height(bands) * _LINE, _TALLEST)
    _, ax = pyplot.subplots(figsize=(_WIDTH, inches), layout="constrained")
    return ax


def _height(bands: Sequence[Band]) -> float:
    return sum(band.height for band in bands)


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
    lowest = _LEAST_PIXELS * abs(ax.get_ylim()[0]) / ax.bbox.height
    patches = ax.barh(
        [bar.middle for bar in bars],
        [length / timedelta(days=1) for length in lengths],
        left=[_days(bar.attempt.start) for bar in bars],
        height=[max(bar.lane * _THIN, lowest) for bar in bars],
        color=[state_color(bar.attempt.state) for bar in bars],
        **style,
    )
    for patch, bar in zip(patches, bars, strict=True):
        if bar.attempt.state in FAILED:
            # A bar may cover those beside it, but never what went wrong.
            patch.set_zorder(1.5)


def _days(moment: datetime) -> Any:
    """A moment as matplotlib counts time, which is what lengths of bars are given in."""
    return dates.date2num(moment.astimezone(UTC))


def _draw_legend(ax: Axes, bars: Sequence[_Bar]) -> None:
    present = {bar.attempt.state for bar in bars}
    known = [name for name in STATE_COLORS if name in present]
    names = [*known, *sorted(present - set(known))]
    handles = [Patch(color=state_color(name), label=name) for name in names]
    ax.legend(handles=handles, loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)


def _label_bands(ax: Axes, bands: Sequence[Band]) -> None:
    labelled = bands[:: len(bands) // _MOST_LABELS + 1]
    # What stands between dollars in a name is no formula.
    middles = [band.top + band.height / 2 for band in labelled]
    ax.set_yticks(middles, [band.label for band in labelled], parse_math=False)
    ax.tick_params(axis="y", length=0)
    borders = [band.top for band in bands[1:]]
    ax.hlines(borders, 0, 1, transform=ax.get_yaxis_transform(), color="0.85", linewidth=0.6, zorder=0)
    ax.set_ylim(_height(bands) or 1.0, 0.0)


def _label_times(ax: Axes) -> None:
    locator = dates.AutoDateLocator(tz=UTC)
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(dates.ConciseDateFormatter(locator, tz=UTC))
    ax.set_xlabel("UTC")


def _say_nothing_ran(ax: Axes, timeline: Timeline) -> None:
    ax.xaxis.set_visible(False)
    text = "nothing has run yet"
    if timeline.is_over:
        text = "nothing ran" if timeline.task_runs else "there was nothing to run"
    ax.text(0.5, 0.5, text, transform=ax.transAxes, ha="center", va="center", color="0.4")


def _label(ax: Axes, timeline: Timeline) -> None:
    for side in ("top", "right", "left"):
        ax.spines[side].set_visible(False)
    if timeline.title is not None:
        ax.set_title(shortened(timeline.title, _MAX_TITLE), loc="left", parse_math=False)
    if not timeline.is_whole:
        ax.text(
            1.0, 1.01, f"the first {len(timeline.task_runs):,} task runs", transform=ax.transAxes, ha="right"
        )
