"""Observed minus expected events over time: what a log-rank test adds up, group by group."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text

from analyses.formatting import label, number, tick
from analyses.plots.axis_words import AxisWords
from analyses.plots.curve_words import test_words
from analyses.plots.layout import Sheet, bare, blank, sheet
from analyses.plots.style import INK, PAGE, FigureStyle, add_text, drawable, looks, own_settings
from analyses.plots.time_axis import TimeAxis, time_axis
from analyses.results.logrank import LogRank

_LEFT_MM, _RIGHT_MM, _MARGIN_MM = 15.0, 4.0, 1.5
_AREA_MM, _LEAST_MM = 60.0, 20.0
_KEY_MM, _GAP_MM = 7.0, 1.5
_ABOVE = 1.08  # the axis reaches so far past the largest excess


@dataclass(frozen=True, slots=True, eq=False)
class ExcessArtists:
    """Every artist of the figure by name, and the words that stand in for the figure.

    Attributes
    ----------
    lines
        (group, its observed minus expected events up to each time).
    keys
        (group, its words with observed and expected events).
    """

    figure: Figure
    axes: Axes
    lines: tuple[tuple[str, Line2D], ...]
    zero: Line2D
    keys: tuple[tuple[str, Text], ...]
    notes: tuple[Text, ...]
    alt: str


@dataclass(frozen=True, slots=True, eq=False)
class _Plan:
    """All that is settled before anything is drawn."""

    result: LogRank
    axis: TimeAxis
    style: FigureStyle
    keys: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...]

    @property
    def pitch(self) -> float:
        """Height of a small line of text."""
        return self.style.line_height(self.style.small_size)


def plot_excess(
    result: LogRank,
    *,
    ax: Axes | None = None,
    style: FigureStyle = PAGE,
    words: AxisWords | None = None,
) -> ExcessArtists:
    """Each group's events beyond those expected if all shared one hazard, up to each time.

    A line that rises steadily is a higher hazard throughout; one that turns is a hazard that is
    higher only for a while. The lines end at the differences that the test is made of, and at each
    time they add up to 0.

    Parameters
    ----------
    result
        Drawn as it is; nothing is estimated here.
    ax
        Axes whose place the whole figure takes; a new figure where absent.
    words
        Names of the outcome and of time zero, and the unit of follow-up.

    Returns
    -------
    ExcessArtists
        The lines' coordinates are the result's own, in the unit of follow-up.
    """
    with own_settings():
        place = sheet(ax, style)
        return _drawn(place, _plan(result, AxisWords() if words is None else words, place.style))


def _plan(result: LogRank, words: AxisWords, style: FigureStyle) -> _Plan:
    width = style.width_mm - _LEFT_MM - _RIGHT_MM
    end = float(result.time[-1]) if len(result.time) and result.time[-1] > 0 else 1.0
    axis = time_axis(
        end,
        time_unit=words.time_unit,
        origin=words.origin,
        times=None,
        pitch=8.0 / width,
        style=style.numbers,
    )
    room = style.width_mm - _KEY_MM - _GAP_MM - 2 * _MARGIN_MM
    keys = tuple(
        style.wrap(_sizes(result, k, style), room, size=style.small_size)
        for k in range(len(result.groups))
    )
    note = f"{test_words(result, style)}. Lines add up to 0 at every time"
    note += ", events weighted as in the test." if result.is_weighted else "."
    if result.strata:
        note += " Expected events are those within strata."
    if result.weighting is not None:
        name = label(result.weighting.column).partition(",")[0]
        note += f" Patients weighted by {name[:1].lower()}{name[1:]}."
    notes = style.wrap(note, style.width_mm - 2 * _MARGIN_MM, size=style.small_size)
    return _Plan(result, axis, style, keys, notes)


def _sizes(result: LogRank, k: int, style: FigureStyle) -> str:
    """A group with its observed and expected events."""
    decimals = 1 if result.is_weighted else 0
    observed = number(result.observed[k], decimals, style.numbers)
    expected = number(result.expected[k], 1, style.numbers)
    return f"{label(result.by, result.groups[k])}: {observed} observed, {expected} expected"


def _drawn(place: Sheet, plan: _Plan) -> ExcessArtists:
    """The figure of a plan."""
    style = plan.style
    head = sum(len(lines) for lines in plan.keys) * plan.pitch
    ticks = 2 * style.line_height() + 2.4
    foot = len(plan.notes) * plan.pitch + 3.0
    heights = place.rows([_MARGIN_MM, head, 3.0, _AREA_MM, ticks, foot], 3, _LEAST_MM)
    width = style.width_mm - _LEFT_MM - _RIGHT_MM
    grid = place.grid(heights, [_LEFT_MM, width, _RIGHT_MM])
    top = blank(place.figure.add_subplot(grid[1, :]), style.width_mm, heights[1])
    axes = place.figure.add_subplot(grid[3, 1])
    under = blank(place.figure.add_subplot(grid[5, :]), style.width_mm, heights[5])
    if place.home is not None:
        place.home.set_axis_off()
    lines, zero = _lines(axes, plan)
    return ExcessArtists(
        place.whole, axes, lines, zero, _keys(top, plan), _notes(under, plan), _alternative(plan)
    )


def _lines(axes: Axes, plan: _Plan) -> tuple[tuple[tuple[str, Line2D], ...], Line2D]:
    """The steps of every group about the line of 0."""
    result, style = plan.result, plan.style
    zero = axes.axhline(0.0, color=INK, linewidth=0.6, zorder=1)
    made = []
    for k, (group, look) in enumerate(
        zip(result.groups, looks(result.by, result.groups), strict=True)
    ):
        (line,) = axes.plot(
            np.concatenate([[0.0], result.time]),
            np.concatenate([[0.0], result.excess[k]]),
            drawstyle="steps-post",
            color=look.colour,
            linestyle=look.dashes,
            linewidth=style.line_width,
            solid_capstyle="butt",
            dash_capstyle="butt",
            zorder=3,
        )
        made.append((group, line))
    bare(axes, left=True)
    axes.set_xlim(0, plan.axis.end)
    reach = _ABOVE * float(np.abs(result.excess).max(initial=0.0)) or 1.0
    axes.set_ylim(-reach, reach)
    step = _step(reach)
    marks = [step * i for i in range(-int(reach / step), int(reach / step) + 1)]
    words = style.words()
    axes.set_xticks(plan.axis.ticks, labels=plan.axis.labels, **words)
    axes.set_yticks(marks, labels=[tick(mark, style.numbers) for mark in marks], **words)
    axes.set_xlabel(drawable(plan.axis.title), labelpad=2, **words)
    axes.set_ylabel(drawable("Observed − expected events"), labelpad=3, **words)
    return tuple(made), zero


def _step(reach: float) -> float:
    """A round distance of marks, two to four on each side of 0."""
    power = 10.0 ** math.floor(math.log10(reach))
    return next((power * m for m in (2.0, 1.0) if power * m * 2 <= reach), power / 2)


def _keys(axes: Axes, plan: _Plan) -> tuple[tuple[str, Text], ...]:
    """The groups' lines and words above the axes."""
    made, y = [], plan.pitch / 2
    result = plan.result
    words = plan.style.words(size=plan.style.small_size)
    for group, look, lines in zip(
        result.groups, looks(result.by, result.groups), plan.keys, strict=True
    ):
        axes.plot(
            [_MARGIN_MM, _MARGIN_MM + _KEY_MM],
            [y, y],
            color=look.colour,
            linestyle=look.dashes,
            linewidth=plan.style.line_width,
        )
        x = _MARGIN_MM + _KEY_MM + _GAP_MM
        texts = [add_text(axes, (x, y + i * plan.pitch), t, words) for i, t in enumerate(lines)]
        made.append((group, texts[0]))
        y += len(lines) * plan.pitch
    return tuple(made)


def _notes(axes: Axes, plan: _Plan) -> tuple[Text, ...]:
    words = plan.style.words(size=plan.style.small_size)
    return tuple(
        add_text(axes, (_MARGIN_MM, 1.5 + (i + 0.5) * plan.pitch), line, words)
        for i, line in enumerate(plan.notes)
    )


def _alternative(plan: _Plan) -> str:
    """The figure in words: observed and expected events of each group, and the test."""
    result = plan.result
    said = [f"Observed minus expected events over time by {label(result.by)}."]
    said += [f"{_sizes(result, k, plan.style)}." for k in range(len(result.groups))]
    return " ".join([*said, f"{test_words(result, plan.style)}."])
