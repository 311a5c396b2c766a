"""A bias analysis: where the draws lie, and the three intervals beneath one another."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import StepPatch
from matplotlib.text import Text
from matplotlib.ticker import NullFormatter, NullLocator

from analyses.formatting import confidence, count, hazard_ratio, label, tick
from analyses.plots.forest_layout import axis_limits, axis_ticks
from analyses.plots.layout import Sheet, bare, blank, sheet
from analyses.plots.style import (
    BLUE,
    INK,
    PAGE,
    VERMILLION,
    FigureStyle,
    add_text,
    drawable,
    own_settings,
)
from analyses.results.bias_analysis import BiasAnalysis
from analyses.results.robust import Estimate

AS_READ, CORRECTED, TOTAL = "As read", "Misreading corrected", "With random error"
_COLOURS = {AS_READ: INK, CORRECTED: BLUE, TOTAL: VERMILLION}
_DRAWS_MM, _ROW_MM, _BELOW_MM, _TOP_MM, _GAP_MM = 26.0, 5.2, 9.0, 2.0, 3.0
_BINS = 60


@dataclass(frozen=True, slots=True, eq=False)
class BiasArtists:
    """Every artist of the figure by name, and the words that stand in for the figure.

    Attributes
    ----------
    draws
        (name, outline): how often the draws fell where, of the corrected and the total.
    marks, intervals
        (name, artist): the hazard ratio and its limits, of as read, corrected and total.
    """

    figure: Figure
    axes: Axes
    draws: tuple[tuple[str, StepPatch], ...]
    marks: tuple[tuple[str, Line2D], ...]
    intervals: tuple[tuple[str, Line2D], ...]
    words: tuple[Text, ...]
    alt: str


@dataclass(frozen=True, slots=True, eq=False)
class _Row:
    """A name, and a log hazard ratio with its limits."""

    name: str
    estimate: float
    conf_low: float | None
    conf_high: float | None

    def said(self, style: FigureStyle) -> str:
        """In numbers."""
        shown = Estimate(self.estimate, None, self.conf_low, self.conf_high, 0, 0).hazard_ratio
        return hazard_ratio(*shown, style.numbers)


def plot_bias_analysis(
    result: BiasAnalysis, *, ax: Axes | None = None, style: FigureStyle = PAGE
) -> BiasArtists:
    """The draws of the corrected hazard ratio on a log axis, over three rows of intervals.

    As read, with random error alone; corrected, with what the misreading leaves open; and both
    together. Nothing is estimated here.
    """
    with own_settings():
        return _drawn(result, sheet(ax, style))


def _rows(result: BiasAnalysis) -> tuple[_Row, ...]:
    read = result.conventional
    return (
        _Row(AS_READ, read.estimate, read.conf_low, read.conf_high),
        _Row(CORRECTED, *result.systematic),
        _Row(TOTAL, *result.total),
    )


def _drawn(result: BiasAnalysis, place: Sheet) -> BiasArtists:
    style, rows = place.style, _rows(result)
    names_mm = max(style.width(row.name) for row in rows) + _GAP_MM
    said_mm = max(style.width(row.said(style)) for row in rows) + _GAP_MM
    panel_mm = max(style.width_mm - names_mm - said_mm - _GAP_MM, 30.0)
    rows_mm = _ROW_MM * len(rows)
    heights = place.rows([_TOP_MM, _DRAWS_MM, rows_mm, _BELOW_MM], 1, 10.0)
    grid = place.grid(heights, [names_mm, panel_mm, _GAP_MM, said_mm])
    upper = place.figure.add_subplot(grid[1, 1])
    if place.home is None:
        axes = place.figure.add_subplot(grid[2, 1])
    else:
        axes = place.home
        axes.set_subplotspec(grid[2, 1])
    limits = _limits(result, rows)
    draws = tuple(_outlines(upper, result, limits))
    _dress(upper, axes, result, limits, panel_mm, rows_mm, style)
    marks, intervals = [], []
    left = blank(place.figure.add_subplot(grid[2, 0]), names_mm, rows_mm)
    right = blank(place.figure.add_subplot(grid[2, 3]), said_mm, rows_mm)
    words = []
    for k, row in enumerate(rows):
        y = (k + 0.5) * _ROW_MM
        mark, interval = _mark(axes, row, y)
        marks.append((row.name, mark))
        intervals += [] if interval is None else [(row.name, interval)]
        words.append(add_text(left, (0.3, y), row.name, style.words()))
        words.append(add_text(right, (0, y), row.said(style), style.words()))
    return BiasArtists(
        place.whole,
        axes,
        draws,
        tuple(marks),
        tuple(intervals),
        tuple(words),
        _alternative(result, rows, style),
    )


def _limits(result: BiasAnalysis, rows: tuple[_Row, ...]) -> tuple[float, float]:
    """A log axis that holds every interval and nearly every draw."""
    edges = np.quantile(result.totals, [0.005, 0.995])
    spread = _Row("", float(np.median(result.totals)), float(edges[0]), float(edges[1]))
    return axis_limits([*rows, spread])


def _outlines(
    axes: Axes, result: BiasAnalysis, limits: tuple[float, float]
) -> Iterator[tuple[str, StepPatch]]:
    """How often the draws fell where: of either kind, on one grid."""
    edges = np.linspace(math.log(limits[0]), math.log(limits[1]), _BINS + 1)
    for name, values, alpha in (
        (TOTAL, result.totals, 0.25),
        (CORRECTED, result.corrections, 0.35),
    ):
        counts, _ = np.histogram(values, edges)
        patch = axes.stairs(
            counts / len(values), np.exp(edges), color=_COLOURS[name], fill=True, alpha=alpha
        )
        axes.stairs(counts / len(values), np.exp(edges), color=_COLOURS[name], linewidth=0.8)
        yield name, patch


def _dress(
    upper: Axes,
    axes: Axes,
    result: BiasAnalysis,
    limits: tuple[float, float],
    panel_mm: float,
    rows_mm: float,
    style: FigureStyle,
) -> None:
    """A log axis for both panels, the line at 1 through them, round ticks beneath."""
    for panel in (upper, axes):
        bare(panel, left=False)
        panel.set_xscale("log")
        panel.set_xlim(*limits)
        panel.axvline(1, color=INK, linewidth=0.6, zorder=1)
        panel.yaxis.set_major_locator(NullLocator())
        panel.xaxis.set_minor_locator(NullLocator())
        panel.xaxis.set_minor_formatter(NullFormatter())
    upper.set_ylim(bottom=0)
    upper.xaxis.set_major_locator(NullLocator())
    upper.spines["bottom"].set_visible(False)
    axes.set_ylim(rows_mm, 0)
    ticks = axis_ticks(limits, panel_mm, style)
    axes.set_xticks(
        ticks, labels=[tick(x, style.numbers) for x in ticks], **style.words(size=style.small_size)
    )
    pair = f"{label(result.term, result.level)} against {label(result.term, result.reference)}"
    title = f"Hazard ratio, {pair} ({confidence(result.conf_level, style.numbers)})"
    axes.set_xlabel(drawable(title), labelpad=2, **style.words())


def _mark(axes: Axes, row: _Row, y: float) -> tuple[Line2D, Line2D | None]:
    """A hazard ratio with its limits."""
    colour = _COLOURS[row.name]
    interval = None
    if row.conf_low is not None and row.conf_high is not None:
        ends = [math.exp(row.conf_low), math.exp(row.conf_high)]
        (interval,) = axes.plot(ends, [y, y], color=colour, linewidth=1.2, solid_capstyle="butt")
    (mark,) = axes.plot([math.exp(row.estimate)], [y], "s", color=colour, markersize=4, zorder=3)
    return mark, interval


def _alternative(result: BiasAnalysis, rows: tuple[_Row, ...], style: FigureStyle) -> str:
    """The figure in words."""
    pair = f"{label(result.term, result.level)} against {label(result.term, result.reference)}"
    said = "; ".join(f"{row.name.lower()} {row.said(style)}" for row in rows)
    return (
        f"Bias analysis of misreading, hazard ratio of {pair} over "
        f"{count(result.n_used, style.numbers)} draws: {said}."
    )
