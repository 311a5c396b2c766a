"""Net survival curves with their limits, and Ederer II beside them, one colour a group."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import FillBetweenPolyCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text

from analyses.formatting import confidence, number, p_equals, percent, tick
from analyses.plots.axis_words import AxisWords
from analyses.plots.curve_words import group_words
from analyses.plots.layout import bare, blank, sheet
from analyses.plots.line_key import draw_line_key
from analyses.plots.style import PAGE, SOLID, FigureStyle, drawable, looks, own_settings
from analyses.plots.time_axis import TimeAxis, time_axis
from analyses.results.relative_survival import NetCurve, RelativeSurvival

_PLOT_MM, _LEFT_MM, _RIGHT_MM, _BELOW_MM = 66.0, 13.0, 4.0, 11.0
_BAND_ALPHA, _OLDER_ALPHA = 0.14, 0.6
_MOST = 1.5  # net survival is drawn up to here


@dataclass(frozen=True, slots=True, eq=False)
class NetArtists:
    """Every artist of the figure by name, and the words that stand in for the figure.

    `net`, `ederer2` and `bands` are (group, artist).
    """

    figure: Figure
    axes: Axes
    net: tuple[tuple[str, Line2D], ...]
    ederer2: tuple[tuple[str, Line2D], ...]
    bands: tuple[tuple[str, FillBetweenPolyCollection], ...]
    names: tuple[Text, ...]
    alt: str


def plot_relative_survival(
    result: RelativeSurvival,
    *,
    words: AxisWords | None = None,
    ax: Axes | None = None,
    style: FigureStyle = PAGE,
) -> NetArtists:
    """Net survival by group (thick, with pointwise limits) and Ederer II's estimate (thin).

    A curve ends where fewer than `curtail_below` patients remain at risk.

    Notes
    -----
    Checked against the curves themselves (tests/analyses/test_relative_survival.py).
    """
    with own_settings():
        return _drawn(result, words or AxisWords("Net survival"), ax, style)


def _drawn(
    result: RelativeSurvival, words: AxisWords, ax: Axes | None, style: FigureStyle
) -> NetArtists:
    place = sheet(ax, style)
    style = place.style
    line = style.line_height()
    width = style.width_mm - _LEFT_MM - _RIGHT_MM
    notes = style.wrap(_note(result, style), width)
    top = line * (len(result.groups) + len(notes)) + 2.0
    heights = place.rows([top, _PLOT_MM, _BELOW_MM], 1, 25.0)
    grid = place.grid(heights, [_LEFT_MM, width, _RIGHT_MM])
    if place.home is None:
        axes = place.figure.add_subplot(grid[1, 1])
    else:
        axes = place.home
        axes.set_subplotspec(grid[1, 1])
    key = blank(place.figure.add_subplot(grid[0, 1]), width, top)
    shown = [_shown(curve, style) for curve in result.groups]
    end = max(float(c.time[k - 1]) if k else 0.0 for c, k in zip(result.groups, shown, strict=True))
    axis = time_axis(
        end or 1.0,
        time_unit=words.time_unit,
        origin=words.origin,
        times=None,
        pitch=8.0 / width,
        style=style.numbers,
    )
    net, older, bands = _lines(axes, result, shown, style)
    _dress(axes, axis, words, style)
    names = draw_line_key(key, result.by, [curve.group for curve in result.groups], notes, style)
    return NetArtists(
        place.whole, axes, net, older, bands, names, _alternative(result, axis, style)
    )


def _shown(curve: NetCurve, style: FigureStyle) -> int:
    """How many of the curve's times are drawn."""
    return int((curve.n_risk >= style.curtail_below).sum())


def _lines(
    axes: Axes, result: RelativeSurvival, shown: list[int], style: FigureStyle
) -> tuple[
    tuple[tuple[str, Line2D], ...],
    tuple[tuple[str, Line2D], ...],
    tuple[tuple[str, FillBetweenPolyCollection], ...],
]:
    net, older, bands = [], [], []
    chosen = looks(result.by, [curve.group for curve in result.groups])
    for curve, k, look in zip(result.groups, shown, chosen, strict=True):
        time = np.concatenate([[0.0], curve.time[:k]])

        def from_one(values: np.ndarray, k: int = k) -> np.ndarray:
            return np.concatenate([[1.0], values[:k]])

        low, high = from_one(curve.net_low), from_one(curve.net_high)
        band = axes.fill_between(
            time, low, high, step="post", color=look.colour, alpha=_BAND_ALPHA, linewidth=0
        )
        (thin,) = axes.plot(
            time,
            from_one(curve.ederer2),
            drawstyle="steps-post",
            color=look.colour,
            alpha=_OLDER_ALPHA,
            linewidth=style.line_width * 0.6,
            linestyle=SOLID,
        )
        (thick,) = axes.plot(
            time,
            from_one(curve.net),
            drawstyle="steps-post",
            color=look.colour,
            linewidth=style.line_width * 1.2,
            linestyle=look.dashes,
            dash_capstyle="butt",
            zorder=3,
        )
        net.append((curve.group, thick))
        older.append((curve.group, thin))
        bands.append((curve.group, band))
    return tuple(net), tuple(older), tuple(bands)


def _dress(axes: Axes, axis: TimeAxis, words: AxisWords, style: FigureStyle) -> None:
    bare(axes, left=True)
    axes.set_xlim(0, axis.end)
    drawn = [np.nanmax(line.get_ydata()) for line in axes.get_lines()]
    top = min(max([1.0, *drawn]), _MOST)
    axes.set_ylim(0, top)
    shares = [0.2 * i for i in range(int(top / 0.2 + 1e-9) + 1)]
    look = style.words()
    axes.set_xticks(axis.ticks, labels=axis.labels, **look)
    axes.set_yticks(
        shares, labels=[tick(round(100 * share), style.numbers) for share in shares], **look
    )
    axes.set_xlabel(drawable(axis.title), labelpad=2, **look)
    axes.set_ylabel(drawable(f"{words.outcome}, %"), labelpad=3, **look)


def _note(result: RelativeSurvival, style: FigureStyle) -> str:
    """What the lines are, and the test."""
    said = (
        f"Thick: Pohar Perme with {confidence(result.conf_level, style.numbers)}. Thin: Ederer II."
    )
    if result.test is not None and result.test.statistic is not None:
        said += (
            f" Log-rank type test: chi-square {number(result.test.statistic, 2, style.numbers)} on "
            f"{result.test.df} df, {p_equals(result.test.p_value, style.numbers)}."
        )
    return said


def _alternative(result: RelativeSurvival, axis: TimeAxis, style: FigureStyle) -> str:
    """The figure in words: each group's net survival at the times, or at its end."""
    said = ["Net survival, Pohar Perme, against the mortality of the population."]
    unit = f" {axis.unit}" if axis.unit else ""
    for curve in result.groups:
        for time in result.times or (float(curve.time[-1]),):
            place = curve.at(time)
            if place is None:
                continue
            name = group_words(result.by, curve.group)
            share = percent(float(curve.net[place]), style.numbers)
            said.append(
                f"{name}: {share} at {tick(round(time / axis.factor, 1), style.numbers)}{unit}."
            )
    return " ".join(said)
