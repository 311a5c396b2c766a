"""Hazard ratios over time: smoothed residuals with their limits, beside the ratio of the model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import FillBetweenPolyCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text

from analyses.formatting import confidence, label, number, p_equals, per_step
from analyses.plots.layout import Sheet, bare, blank, sheet
from analyses.plots.style import (
    BLUE,
    GREY,
    INK,
    PAGE,
    FigureStyle,
    add_text,
    drawable,
    own_settings,
)
from analyses.plots.time_axis import TimeAxis, time_axis
from analyses.results.proportionality import BetaCurve, HazardTest, Proportionality
from cohort.table import TimeUnit

_PANEL_MM, _BETWEEN_MM, _LEFT_MM, _RIGHT_MM = 46.0, 4.0, 14.0, 4.0
_LEAST_PANEL_MM = 20.0
_BAND_ALPHA = 0.18
_RATIOS = (0.02, 0.05, 0.1, 0.2, 0.33, 0.5, 0.67, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0)
_WIDEST = 4.0  # natural logarithms: where limits reach further the axis ends


@dataclass(frozen=True, slots=True, eq=False)
class BetaCurveArtists:
    """Every artist of the figure by name, and the words that stand in for the figure.

    Attributes
    ----------
    axes, curves, bands, constants
        One for each curve, in order; a band is the pointwise limits, a constant the model's own.
    points
        The events' residuals where they were kept; else None.
    titles, notes
        Level and reference above each panel; the statements under the panels.
    alt
        The figure in words.
    """

    figure: Figure
    axes: tuple[Axes, ...]
    curves: tuple[Line2D, ...]
    bands: tuple[FillBetweenPolyCollection, ...]
    constants: tuple[Line2D, ...]
    points: tuple[Line2D | None, ...]
    titles: tuple[Text, ...]
    notes: tuple[Text, ...]
    alt: str


def plot_beta_curve(
    result: Proportionality,
    *,
    term: str | None = None,
    ax: Axes | None = None,
    style: FigureStyle = PAGE,
    time_unit: TimeUnit | None = None,
    origin: str = "",
) -> BetaCurveArtists:
    """Each hazard ratio of a term over time, which is a level line if hazards are proportional.

    One row of panels, one for each coefficient: the natural spline through the scaled Schoenfeld
    residuals with pointwise limits, the model's own ratio (dashed), and 1 (grey). The ratio is on
    a logarithmic axis, time as it is.

    Parameters
    ----------
    term
        By default the one whose test has the smallest p-value.
    time_unit, origin
        Of follow-up, and what time zero is.

    Raises
    ------
    ValueError
        Where the term has no curve.

    Notes
    -----
    Checked against the result's arrays (tests/analyses/test_plot_beta_curve.py).
    """
    with own_settings():
        place = sheet(ax, style)
        chosen = _term(result) if term is None else term
        shown = [c for c in result.curves if c.term == chosen and len(c.time)]
        if not shown:
            raise ValueError(f"term '{chosen}' has no curve over time")
        return _drawn(place, result, shown, (time_unit, origin))


def _term(result: Proportionality) -> str:
    """The term with the smallest p-value among those that have a curve."""
    drawn = {curve.term for curve in result.curves if len(curve.time)}
    tested = [test for test in result.tests if test.term in drawn]
    if not tested:
        raise ValueError("no term has a curve over time")
    found = min(tested, key=lambda test: 1.0 if test.p_value is None else test.p_value).term
    assert found is not None
    return found


def _drawn(
    place: Sheet,
    result: Proportionality,
    shown: Sequence[BetaCurve],
    words: tuple[TimeUnit | None, str],
) -> BetaCurveArtists:
    style = place.style
    line = style.line_height()
    said = [
        text
        for note in _notes(result, shown, style)
        for text in style.wrap(note, style.width_mm - 3.0, size=style.small_size)
    ]
    foot = len(said) * style.line_height(style.small_size) + 2.0
    heights = place.rows((2.0, 2 * line, _PANEL_MM, 2 * line + 3.0, foot), 2, _LEAST_PANEL_MM)
    width = (style.width_mm - _LEFT_MM - _RIGHT_MM - _BETWEEN_MM * (len(shown) - 1)) / len(shown)
    widths = [_LEFT_MM, *([width, _BETWEEN_MM] * len(shown))[:-1], _RIGHT_MM]
    grid = place.grid(heights, widths)
    axis = time_axis(
        float(max(c.time[-1] for c in shown)),
        time_unit=words[0],
        origin=words[1],
        times=None,
        pitch=min(8.0 / width, 0.5),
        style=style.numbers,
    )
    span = _span(shown)
    panels, titles = [], []
    for k, curve in enumerate(shown):
        panels.append(_panel(place, grid[2, 1 + 2 * k], curve, axis, span, first=k == 0))
        head = blank(place.figure.add_subplot(grid[1, 1 + 2 * k]), width, heights[1])
        titles += _titles(head, curve, width, style)
    below = blank(place.figure.add_subplot(grid[4, :]), style.width_mm, heights[4])
    small = style.words(size=style.small_size)
    pitch = style.line_height(style.small_size)
    notes = [add_text(below, (1.5, (i + 0.5) * pitch), text, small) for i, text in enumerate(said)]
    return BetaCurveArtists(
        figure=place.whole,
        axes=tuple(panel.axes for panel in panels),
        curves=tuple(panel.curve for panel in panels),
        bands=tuple(panel.band for panel in panels),
        constants=tuple(panel.constant for panel in panels),
        points=tuple(panel.points for panel in panels),
        titles=tuple(titles),
        notes=tuple(notes),
        alt=_alternative(shown, said),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Panel:
    axes: Axes
    curve: Line2D
    band: FillBetweenPolyCollection
    constant: Line2D
    points: Line2D | None


def _span(shown: Sequence[BetaCurve]) -> tuple[float, float]:
    """Ends of the axis of log hazard ratios: all curves and as much of their limits as is fit."""
    low = min(min(float(c.estimate.min()), c.constant, 0.0) for c in shown)
    high = max(max(float(c.estimate.max()), c.constant, 0.0) for c in shown)
    least = min(float(c.conf_low.min()) for c in shown)
    most = max(float(c.conf_high.max()) for c in shown)
    room = 0.05 * (high - low) + 0.1
    return (max(least, low - _WIDEST) - room, min(most, high + _WIDEST) + room)


def _panel(
    place: Sheet,
    cell: object,
    curve: BetaCurve,
    axis: TimeAxis,
    span: tuple[float, float],
    *,
    first: bool,
) -> _Panel:
    """One curve on its axes; only the first panel names the ratio."""
    style = place.style
    if first and place.home is not None:
        axes = place.home
        axes.set_subplotspec(cell)  # type: ignore[arg-type]
    else:
        axes = place.figure.add_subplot(cell)  # type: ignore[call-overload]
    bare(axes, left=True)
    axes.set_xlim(0, axis.end)
    axes.set_ylim(*span)
    axes.axhline(0.0, color=GREY, linewidth=0.6, zorder=1)
    points = None
    if len(curve.point):
        (points,) = axes.plot(
            curve.point_time, curve.point, linestyle="none", marker=".", markersize=2.0,
            color=GREY, alpha=0.5, markeredgewidth=0, zorder=1,
        )  # fmt: skip
    band = axes.fill_between(
        curve.time, curve.conf_low, curve.conf_high, color=BLUE, alpha=_BAND_ALPHA, linewidth=0
    )
    (line,) = axes.plot(curve.time, curve.estimate, color=BLUE, linewidth=style.line_width)
    (level,) = axes.plot(
        [0, axis.end], [curve.constant] * 2, color=INK, linewidth=0.8, dashes=(5, 2)
    )
    words = style.words()
    axes.set_xticks(axis.ticks, labels=axis.labels, **words)
    ratios = _ratios(span)
    labels = [number(r, 2 if r < 1 and r * 10 % 1 else 1 if r % 1 else 0) for r in ratios]
    axes.set_yticks(np.log(ratios), labels=labels if first else [""] * len(ratios), **words)
    axes.set_xlabel(drawable(axis.title), labelpad=2, **words)
    if first:
        axes.set_ylabel("Hazard ratio", labelpad=3, **words)
    return _Panel(axes, line, band, level, points)


def _ratios(span: tuple[float, float]) -> list[float]:
    """Round hazard ratios on the axis, every other one where they are many."""
    inside = [r for r in _RATIOS if span[0] <= np.log(r) <= span[1]]
    if len(inside) <= 8:
        return inside
    middle = inside.index(1.0)
    return [r for i, r in enumerate(inside) if (i - middle) % 2 == 0]


def _titles(axes: Axes, curve: BetaCurve, width: float, style: FigureStyle) -> list[Text]:
    """The level and its reference, or the number and its step, in at most two lines."""
    name = label(curve.term) if curve.level is None else label(curve.term, curve.level)
    if curve.reference is not None:
        name += f" vs {label(curve.term, curve.reference)}"
    elif curve.level is None:
        name = per_step(curve.term, curve.per, style.numbers)
    lines = style.wrap(name, width)[:2]
    pitch = style.line_height()
    return [
        add_text(axes, (0, (2 - len(lines) + i + 0.5) * pitch), text, style.words("semibold"))
        for i, text in enumerate(lines)
    ]


def _notes(result: Proportionality, shown: Sequence[BetaCurve], style: FigureStyle) -> list[str]:
    """What the lines are, the test, and what the axis leaves out."""
    term = shown[0].term
    tests: list[HazardTest] = [test for test in result.tests if test.term == term]
    level = confidence(result.conf_level, style.numbers)
    said = [
        f"Line: hazard ratio over time, with pointwise {level}; "
        "dashed: of the model, the same at every time."
    ]
    if tests and tests[0].p_value is not None:
        said.append(f"Test of proportional hazards: {p_equals(tests[0].p_value)}.")
    if any(len(c.point) for c in shown):
        said.append("Dots: events' scaled Schoenfeld residuals; some may lie beyond the axis.")
    return [" ".join(said)]


def _alternative(shown: Sequence[BetaCurve], said: Sequence[str]) -> str:
    """The figure in words: where each curve begins and ends."""
    parts = [
        f"{label(c.term, c.level) if c.level else label(c.term)}: "
        f"{number(float(np.exp(c.estimate[0])), 2)} at first, "
        f"{number(float(np.exp(c.estimate[-1])), 2)} at last, "
        f"{number(float(np.exp(c.constant)), 2)} in the model"
        for c in shown
    ]
    return f"Hazard ratios over time. {'; '.join(parts)}. {' '.join(said)}"
