"""Fitted survival curves laid over Kaplan-Meier's, one colour a group."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text

from analyses.formatting import percent, tick
from analyses.plots.axis_words import AxisWords
from analyses.plots.curve_words import group_words
from analyses.plots.layout import bare, blank, sheet
from analyses.plots.line_key import draw_line_key
from analyses.plots.style import PAGE, SOLID, FigureStyle, drawable, looks, own_settings
from analyses.plots.time_axis import TimeAxis, time_axis
from analyses.results.lifetimes import FAMILY_WORDS, ParametricFit
from analyses.results.parametric import ParametricSurvival

_SHARES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
_PLOT_MM, _LEFT_MM, _RIGHT_MM, _BELOW_MM = 62.0, 13.0, 4.0, 11.0
_STEP_ALPHA = 0.55


@dataclass(frozen=True, slots=True, eq=False)
class FittedArtists:
    """Every artist of the figure by name, and the words that stand in for the figure.

    `fitted` and `observed` are (group, line): the model's mean curve, and Kaplan-Meier's steps.
    """

    figure: Figure
    axes: Axes
    fitted: tuple[tuple[str, Line2D], ...]
    observed: tuple[tuple[str, Line2D], ...]
    names: tuple[Text, ...]
    alt: str


def plot_fitted(
    result: ParametricSurvival,
    *,
    family: str | None = None,
    words: AxisWords | None = None,
    ax: Axes | None = None,
    style: FigureStyle = PAGE,
) -> FittedArtists:
    """The chosen model's curves (or those of `family`) against Kaplan-Meier, by group.

    The fitted curve is drawn as far as its group was followed.
    """
    fit = result.chosen if family is None else result.of(family)
    with own_settings():
        return _drawn(result, fit, words or AxisWords(), ax, style)


def _drawn(
    result: ParametricSurvival,
    fit: ParametricFit,
    words: AxisWords,
    ax: Axes | None,
    style: FigureStyle,
) -> FittedArtists:
    place = sheet(ax, style)
    style = place.style
    line = style.line_height()
    top = line * (len(fit.curves) + 1) + 2.0
    heights = place.rows([top, _PLOT_MM, _BELOW_MM], 1, 25.0)
    widths = [_LEFT_MM, style.width_mm - _LEFT_MM - _RIGHT_MM, _RIGHT_MM]
    grid = place.grid(heights, widths)
    if place.home is None:
        axes = place.figure.add_subplot(grid[1, 1])
    else:
        axes = place.home
        axes.set_subplotspec(grid[1, 1])
    key = blank(place.figure.add_subplot(grid[0, 1]), widths[1], top)
    axis = time_axis(
        float(fit.curves[0].time[-1]),
        time_unit=words.time_unit,
        origin=words.origin,
        times=None,
        pitch=8.0 / widths[1],
        style=style.numbers,
    )
    fitted, observed = _lines(axes, result, fit, style)
    _dress(axes, axis, words, style)
    note = f"Thick: {FAMILY_WORDS[fit.family]} model. Thin steps: Kaplan-Meier."
    names = draw_line_key(key, result.by, [curve.group for curve in fit.curves], [note], style)
    alt = _alternative_text(result, fit, axis, words, style)
    return FittedArtists(place.whole, axes, fitted, observed, names, alt)


def _lines(
    axes: Axes, result: ParametricSurvival, fit: ParametricFit, style: FigureStyle
) -> tuple[tuple[tuple[str, Line2D], ...], tuple[tuple[str, Line2D], ...]]:
    groups = [curve.group for curve in fit.curves]
    fitted, observed = [], []
    chosen = zip(fit.curves, result.observed.curves, looks(result.by, groups), strict=True)
    for curve, seen, look in chosen:
        (steps,) = axes.plot(
            np.concatenate([[0.0], seen.time]),
            np.concatenate([[1.0], seen.survival]),
            drawstyle="steps-post",
            color=look.colour,
            alpha=_STEP_ALPHA,
            linewidth=style.line_width * 0.75,
            linestyle=SOLID,
        )
        within = curve.time <= seen.last_time
        (smooth,) = axes.plot(
            curve.time[within],
            curve.survival[within],
            color=look.colour,
            linewidth=style.line_width * 1.2,
            linestyle=look.dashes,
            dash_capstyle="butt",
            zorder=3,
        )
        observed.append((curve.group, steps))
        fitted.append((curve.group, smooth))
    return tuple(fitted), tuple(observed)


def _dress(axes: Axes, axis: TimeAxis, words: AxisWords, style: FigureStyle) -> None:
    bare(axes, left=True)
    axes.set_xlim(0, axis.end)
    axes.set_ylim(0, 1)
    look = style.words()
    axes.set_xticks(axis.ticks, labels=axis.labels, **look)
    axes.set_yticks(_SHARES, labels=[tick(100 * share, style.numbers) for share in _SHARES], **look)
    axes.set_xlabel(drawable(axis.title), labelpad=2, **look)
    axes.set_ylabel(drawable(f"{words.outcome}, %"), labelpad=3, **look)


def _alternative_text(
    result: ParametricSurvival,
    fit: ParametricFit,
    axis: TimeAxis,
    words: AxisWords,
    style: FigureStyle,
) -> str:
    said = [
        f"{words.outcome}: curves of the {FAMILY_WORDS[fit.family]} model laid over Kaplan-Meier."
    ]
    unit = f" {axis.unit}" if axis.unit else ""
    for curve in fit.curves:
        middle = len(curve.time) // 2
        name = group_words(result.by, curve.group)
        seen = float(curve.observed[middle])
        at = tick(round(float(curve.time[middle]) / axis.factor, 1), style.numbers)
        text = f"{name}: {percent(float(curve.survival[middle]), style.numbers)} by the model"
        if np.isfinite(seen):
            text += f" and {percent(seen, style.numbers)} by Kaplan-Meier"
        said.append(f"{text} at {at}{unit}.")
    return " ".join(said)
