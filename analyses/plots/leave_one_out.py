"""A hazard ratio without each unit in turn, in the order of its size, beside that of all."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text
from matplotlib.ticker import NullFormatter, NullLocator

from analyses.formatting import count, hazard_ratio, label, tick
from analyses.plots.forest_layout import axis_limits, axis_ticks
from analyses.plots.layout import Sheet, bare, blank, sheet
from analyses.plots.style import (
    BLUE,
    DASHED,
    GREY,
    INK,
    PAGE,
    VERMILLION,
    FigureStyle,
    add_text,
    drawable,
    own_settings,
)
from analyses.results.leave_one_out import LeaveOneOut
from analyses.results.robust import Estimate

_PLOT_MM, _LEFT_MM, _RIGHT_MM, _BELOW_MM = 46.0, 14.0, 3.0, 9.0


@dataclass(frozen=True, slots=True, eq=False)
class LeaveOneOutArtists:
    """Every artist of the figure by name, and the words that stand in for the figure.

    Attributes
    ----------
    units
        Names of the units, from the smallest hazard ratio without them to the largest.
    marks, intervals
        The hazard ratios without each, in that order, and the limits of those that have them.
    everybody
        The line at the hazard ratio of all patients.
    changing
        The marks of units without which another conclusion is drawn.
    """

    figure: Figure
    axes: Axes
    units: tuple[str, ...]
    marks: Line2D
    intervals: LineCollection
    everybody: Line2D
    changing: Line2D
    names: tuple[Text, ...]
    alt: str


def plot_leave_one_out(
    result: LeaveOneOut, *, ax: Axes | None = None, style: FigureStyle = PAGE
) -> LeaveOneOutArtists:
    """A point with its limits for each unit left out, on a log axis, ordered by the hazard ratio.

    Units for which the model was not fitted anew are not drawn; at least one was.
    """
    with own_settings():
        return _drawn(result, sheet(ax, style))


def _ordered(result: LeaveOneOut) -> list[tuple[str, Estimate]]:
    pairs = [(unit.unit, unit.after) for unit in result.fitted if unit.after is not None]
    return sorted(pairs, key=lambda pair: (pair[1].estimate, pair[0]))


def _drawn(result: LeaveOneOut, place: Sheet) -> LeaveOneOutArtists:
    style = place.style
    line = style.line_height()
    lines = [
        f"Left out in turn: {count(len(result.fitted), style.numbers)} of "
        f"{count(result.n_units, style.numbers)} units",
        "All patients",
        f"Another conclusion without the unit: {count(len(result.changing), style.numbers)}",
    ]
    top = line * len(lines) + 2.0
    heights = place.rows([top, _PLOT_MM, _BELOW_MM], 1, 20.0)
    width = style.width_mm - _LEFT_MM - _RIGHT_MM
    grid = place.grid(heights, [_LEFT_MM, width, _RIGHT_MM])
    if place.home is None:
        axes = place.figure.add_subplot(grid[1, 1])
    else:
        axes = place.home
        axes.set_subplotspec(grid[1, 1])
    ordered = _ordered(result)
    changing = {unit.unit for unit in result.changing}
    x = np.arange(1, len(ordered) + 1)
    ratios = np.exp([one.estimate for _, one in ordered])
    moved = np.array([name in changing for name, _ in ordered], dtype=bool)
    ends = [
        (k, math.exp(one.conf_low), math.exp(one.conf_high))
        for k, (_, one) in enumerate(ordered, start=1)
        if one.conf_low is not None and one.conf_high is not None
    ]
    intervals = axes.vlines(*np.array(ends).reshape(-1, 3).T, color=GREY, linewidth=0.7)
    (marks,) = axes.plot(x, ratios, "o", color=BLUE, markersize=2.6, zorder=3)
    (other,) = axes.plot(x[moved], ratios[moved], "o", color=VERMILLION, markersize=3.2, zorder=4)
    own = math.exp(result.estimate.estimate)
    everybody = axes.axhline(own, color=INK, linewidth=0.9, linestyle=DASHED)
    _dress(axes, result, [one for _, one in ordered], heights[1], style)
    key = blank(place.figure.add_subplot(grid[0, 1]), width, top)
    names = _key(key, lines, style)
    return LeaveOneOutArtists(
        place.whole,
        axes,
        tuple(name for name, _ in ordered),
        marks,
        intervals,
        everybody,
        other,
        names,
        _alternative(result, style),
    )


def _dress(
    axes: Axes, result: LeaveOneOut, shown: list[Estimate], height_mm: float, style: FigureStyle
) -> None:
    bare(axes, left=True)
    axes.set_yscale("log")
    limits = axis_limits([*shown, result.estimate])
    axes.set_ylim(*limits)
    axes.set_xlim(0, len(shown) + 1)
    axes.axhline(1, color=INK, linewidth=0.6)
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_minor_formatter(NullFormatter())
    ticks = axis_ticks(limits, height_mm, style)
    look = style.words(size=style.small_size)
    axes.set_yticks(ticks, labels=[tick(value, style.numbers) for value in ticks], **look)
    axes.xaxis.set_major_locator(NullLocator())
    pair = f"{label(result.term, result.level)} against {label(result.term, result.reference)}"
    axes.set_xlabel(
        drawable("Units left out, by the hazard ratio without them"), labelpad=3, **style.words()
    )
    axes.set_ylabel(
        drawable(f"Hazard ratio, {pair}"), labelpad=2, **style.words(size=style.small_size)
    )


def _key(axes: Axes, lines: list[str], style: FigureStyle) -> tuple[Text, ...]:
    """What the points and the line are."""
    pitch = style.line_height()
    y = [(k + 0.6) * pitch for k in range(len(lines))]
    axes.plot([2], [y[0]], "o", color=BLUE, markersize=2.6)
    axes.plot([0, 4], [y[1]] * 2, color=INK, linewidth=0.9, linestyle=DASHED)
    axes.plot([2], [y[2]], "o", color=VERMILLION, markersize=3.2)
    return tuple(
        add_text(axes, (5.5, at), said, style.words()) for at, said in zip(y, lines, strict=True)
    )


def _alternative(result: LeaveOneOut, style: FigureStyle) -> str:
    """The figure in words."""
    ordered = [one for _, one in _ordered(result)]
    ends = [hazard_ratio(*one.hazard_ratio, style.numbers) for one in (ordered[0], ordered[-1])]
    return (
        f"Hazard ratio without each of {len(ordered)} units of {label(result.column).lower()}: "
        f"from {ends[0]} to {ends[1]}; with all patients "
        f"{hazard_ratio(*result.estimate.hazard_ratio, style.numbers)}."
    )
