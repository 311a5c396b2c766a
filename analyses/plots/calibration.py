"""Calibration: predicted against observed risk at each horizon, groups with their limits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text

from analyses.formatting import percent, tick
from analyses.plots.layout import bare, blank, sheet
from analyses.plots.style import (
    DASHED,
    GREY,
    PAGE,
    FigureStyle,
    Look,
    add_text,
    drawable,
    looks,
    own_settings,
)
from analyses.results.performance import CalibrationGroup, ModelPerformance

_SHARES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
_PLOT_MM, _LEFT_MM, _RIGHT_MM, _BELOW_MM = 80.0, 13.0, 4.0, 10.0
_WIDTH_MM = 80.0  # of the plot itself: as wide as high, so that the diagonal is one
_SAMPLE_MM = 6.0
_APART = 0.006  # of the axis, by which the points of neighbouring horizons are moved


@dataclass(frozen=True, slots=True, eq=False)
class CalibrationArtists:
    """Every artist of the figure by name, and the words that stand in for the figure.

    `points` and `limits` are (horizon, artist); `diagonal` is where both risks agree.
    """

    figure: Figure
    axes: Axes
    points: tuple[tuple[float, Line2D], ...]
    limits: tuple[tuple[float, LineCollection], ...]
    diagonal: Line2D
    names: tuple[Text, ...]
    alt: str


def plot_calibration(
    result: ModelPerformance,
    *,
    times_said: Sequence[str] = (),
    ax: Axes | None = None,
    style: FigureStyle = PAGE,
) -> CalibrationArtists:
    """Each group of predicted risk as a point with the limits of what was observed.

    `times_said` are the horizons in a reader's words, in their order. Points of several horizons
    are moved apart by less than a point's width.
    """
    said = tuple(times_said) or tuple(tick(t, style.numbers) for t in result.times)
    with own_settings():
        return _drawn(result, said, ax, style)


def _drawn(
    result: ModelPerformance, said: tuple[str, ...], ax: Axes | None, style: FigureStyle
) -> CalibrationArtists:
    place = sheet(ax, style)
    style = place.style
    line = style.line_height()
    top = line * (len(said) + 1) + 2.0
    heights = place.rows([top, _PLOT_MM, _BELOW_MM], 1, 25.0)
    room = style.width_mm - _LEFT_MM - _RIGHT_MM
    width = min(room, _WIDTH_MM)
    grid = place.grid(heights, [_LEFT_MM, width, _RIGHT_MM + room - width])
    if place.home is None:
        axes = place.figure.add_subplot(grid[1, 1])
    else:
        axes = place.home
        axes.set_subplotspec(grid[1, 1])
    key = blank(place.figure.add_subplot(grid[0, 1]), width, top)
    (diagonal,) = axes.plot([0, 1], [0, 1], color=GREY, linewidth=0.6, linestyle=DASHED)
    points, limits = _points(axes, result, style)
    _dress(axes, style)
    names = _key(key, said, style)
    alt = _alternative_text(result, said, style)
    return CalibrationArtists(place.whole, axes, points, limits, diagonal, names, alt)


def _points(
    axes: Axes, result: ModelPerformance, style: FigureStyle
) -> tuple[tuple[tuple[float, Line2D], ...], tuple[tuple[float, LineCollection], ...]]:
    points, limits = [], []
    for i, (t, look) in enumerate(zip(result.times, _looks(result), strict=True)):
        groups = [g for g in result.groups if g.time == t and g.observed is not None]
        shift = _APART * (i - (len(result.times) - 1) / 2)
        x = np.array([g.expected for g in groups]) + shift
        low, high, observed = (
            np.array([getattr(g, name) for g in groups], dtype=float)
            for name in ("conf_low", "conf_high", "observed")
        )
        whole = np.isfinite(low + high)
        bars = axes.vlines(
            x[whole],
            low[whole],
            high[whole],
            color=look.colour,
            linewidth=0.8,
        )
        (dots,) = axes.plot(
            x,
            observed,
            color=look.colour,
            linestyle=look.dashes,
            linewidth=style.line_width * 0.6,
            marker="os^Dv"[i % 5],
            markersize=4,
            clip_on=False,
            zorder=3,
        )
        points.append((t, dots))
        limits.append((t, bars))
    return tuple(points), tuple(limits)


def _looks(result: ModelPerformance) -> tuple[Look, ...]:
    return looks(None, [tick(t) for t in result.times])


def _dress(axes: Axes, style: FigureStyle) -> None:
    bare(axes, left=True)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    look = style.words()
    labels = [tick(100 * share, style.numbers) for share in _SHARES]
    axes.set_xticks(_SHARES, labels=labels, **look)
    axes.set_yticks(_SHARES, labels=labels, **look)
    axes.set_xlabel(drawable("Predicted risk, %"), labelpad=2, **look)
    axes.set_ylabel(drawable("Observed risk (Kaplan-Meier), %"), labelpad=3, **look)


def _key(axes: Axes, said: tuple[str, ...], style: FigureStyle) -> tuple[Text, ...]:
    """A point and a name for each horizon, and what the diagonal is."""
    line = style.line_height()
    names = []
    chosen = looks(None, said)
    for row, (name, look) in enumerate(zip(said, chosen, strict=True)):
        y = (row + 0.6) * line
        axes.plot(
            [_SAMPLE_MM / 2],
            [y],
            color=look.colour,
            marker="os^Dv"[row % 5],
            markersize=4,
            linestyle="none",
        )
        names.append(add_text(axes, (_SAMPLE_MM + 1, y), f"At {name}", style.words()))
    y = (len(said) + 0.6) * line
    axes.plot([0, _SAMPLE_MM], [y, y], color=GREY, linewidth=0.6, linestyle=DASHED)
    names.append(add_text(axes, (_SAMPLE_MM + 1, y), "Predicted equals observed", style.words()))
    return tuple(names)


def _alternative_text(result: ModelPerformance, said: tuple[str, ...], style: FigureStyle) -> str:
    parts = ["Calibration: predicted against observed risk in groups of like predicted risk."]
    for t, name in zip(result.times, said, strict=True):
        groups = [g for g in result.groups if g.time == t and g.observed is not None]
        if groups:
            parts.append(f"At {name}: {_extreme(groups[0], 'lowest', style)}; ")
            parts[-1] += f"{_extreme(groups[-1], 'highest', style)}."
    return " ".join(parts)


def _extreme(group: CalibrationGroup, which: str, style: FigureStyle) -> str:
    expected = percent(group.expected, style.numbers)
    observed = percent(float(group.observed or 0.0), style.numbers)
    return f"{which} group predicted {expected}, observed {observed}"
