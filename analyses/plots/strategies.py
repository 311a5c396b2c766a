"""Weighted curves of two strategies: starting a treatment within a grace period, and not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import FillBetweenPolyCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text

from analyses.formatting import confidence, counted, label, percent, tick
from analyses.plots.axis_words import AxisWords
from analyses.plots.layout import Sheet, bare, blank, sheet
from analyses.plots.style import (
    GREY,
    PAGE,
    FigureStyle,
    Look,
    add_text,
    drawable,
    looks,
    own_settings,
)
from analyses.plots.time_axis import TimeAxis, time_axis
from analyses.results.strategies import START, Strategies, StrategyArm

_SHARES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
_LEFT_MM, _RIGHT_MM = 13.0, 4.0
_AREA_MM, _LEAST_MM = 62.0, 16.0
_KEY_MM, _KEY_GAP_MM = 9.0, 2.0
_ALPHA = 0.16


@dataclass(frozen=True, slots=True, eq=False)
class StrategyArtists:
    """Every artist of the figure by name, and the words that stand in for the figure.

    Attributes
    ----------
    curves, bands, keys
        (strategy, artist); a band is absent where no limits are.
    grace
        The line at the end of the grace period.
    """

    figure: Figure
    panel: Axes
    curves: tuple[tuple[str, Line2D], ...]
    bands: tuple[tuple[str, FillBetweenPolyCollection], ...]
    keys: tuple[tuple[str, Text], ...]
    grace: Line2D
    notes: tuple[Text, ...]
    alt: str


def plot_strategies(
    result: Strategies,
    *,
    ax: Axes | None = None,
    style: FigureStyle = PAGE,
    words: AxisWords | None = None,
) -> StrategyArtists:
    """Survival under each strategy with its limits, the end of the grace period marked.

    Parameters
    ----------
    result
        Drawn as it is; nothing is estimated here.
    ax
        Axes whose place the whole figure takes; a new figure where absent.
    words
        Names of the outcome and of time zero, and the unit of follow-up.
    """
    with own_settings():
        place = sheet(ax, style)
        return _drawn(place, result, AxisWords() if words is None else words)


def strategy_words(result: Strategies, strategy: str, grace: str) -> str:
    """A strategy as a person says it."""
    name = label(result.treatment).lower()
    if strategy == START:
        return f"Start {name} within {grace}"
    return f"Do not start {name} within {grace}"


def _drawn(place: Sheet, result: Strategies, words: AxisWords) -> StrategyArtists:
    style = place.style
    panel_mm = style.width_mm - _LEFT_MM - _RIGHT_MM
    axis = time_axis(
        result.tau,
        time_unit=words.time_unit,
        origin=words.origin,
        times=None,
        pitch=8 / panel_mm,
        style=style.numbers,
    )
    grace = f"{tick(result.grace / axis.factor, style.numbers)} {axis.unit or ''}".rstrip()
    pitch = style.line_height(style.small_size)
    head_mm = len(result.arms) * pitch + 2.5
    lines = style.wrap(_note(result, grace, style), style.width_mm - 3, size=style.small_size)
    ticks = style.line_height() + 1.5
    foot_mm = style.line_height() + 1.5 + len(lines) * pitch + 1.5
    heights = place.rows([head_mm, _AREA_MM, ticks, foot_mm], 1, _LEAST_MM)
    grid = place.grid(heights, [_LEFT_MM, panel_mm, _RIGHT_MM])
    chosen = looks(None, [arm.strategy for arm in result.arms])
    head = blank(place.figure.add_subplot(grid[0, 1]), panel_mm, head_mm)
    panel = place.figure.add_subplot(grid[1, 1])
    drawn = [_curve(panel, arm, look, style) for arm, look in zip(result.arms, chosen, strict=True)]
    line = panel.axvline(result.grace, color=GREY, linewidth=0.8, linestyle=(0, (2, 2)), zorder=1)
    _dress(panel, axis, words, style)
    foot = blank(place.figure.add_subplot(grid[3, :]), style.width_mm, foot_mm)
    if place.home is not None:
        place.home.set_axis_off()
    names = [arm.strategy for arm in result.arms]
    return StrategyArtists(
        figure=place.whole,
        panel=panel,
        curves=tuple((n, curve) for n, (curve, _) in zip(names, drawn, strict=True)),
        bands=tuple((n, b) for n, (_, b) in zip(names, drawn, strict=True) if b is not None),
        keys=_keys(head, result, chosen, grace, style),
        grace=line,
        notes=_foot(foot, axis, lines, style),
        alt=_alternative(result, words, grace, style),
    )


def _curve(
    panel: Axes, arm: StrategyArm, look: Look, style: FigureStyle
) -> tuple[Line2D, FillBetweenPolyCollection | None]:
    """One strategy's curve with its band."""
    band = None
    if np.isfinite(arm.conf_low).any():
        band = panel.fill_between(
            arm.time,
            arm.conf_low,
            arm.conf_high,
            step="post",
            color=look.colour,
            alpha=_ALPHA,
            linewidth=0,
        )
    (curve,) = panel.plot(
        arm.time,
        arm.survival,
        drawstyle="steps-post",
        color=look.colour,
        linestyle=look.dashes,
        linewidth=style.line_width,
        solid_capstyle="butt",
        dash_capstyle="butt",
        zorder=3,
    )
    return curve, band


def _dress(panel: Axes, axis: TimeAxis, words: AxisWords, style: FigureStyle) -> None:
    """Axes of time and of the share still free of the event."""
    bare(panel, left=True)
    panel.set_xlim(0, axis.end)
    panel.set_ylim(0, 1)
    small = style.words(size=style.small_size)
    panel.set_xticks(axis.ticks, labels=axis.labels, **small)
    panel.set_yticks(
        _SHARES, labels=[tick(100 * share, style.numbers) for share in _SHARES], **small
    )
    panel.set_ylabel(drawable(f"{words.outcome}, %"), labelpad=3, **style.words())


def _keys(
    head: Axes, result: Strategies, chosen: tuple[Look, ...], grace: str, style: FigureStyle
) -> tuple[tuple[str, Text], ...]:
    """Above the panel each strategy's line and words, with its clones."""
    pitch = style.line_height(style.small_size)
    made = []
    for i, (arm, look) in enumerate(zip(result.arms, chosen, strict=True)):
        y = (i + 0.5) * pitch
        head.plot(
            [0, _KEY_MM],
            [y, y],
            color=look.colour,
            linestyle=look.dashes,
            linewidth=style.line_width,
            solid_capstyle="butt",
        )
        said = (
            f"{strategy_words(result, arm.strategy, grace)}: "
            f"{counted(arm.n_event, 'event', style.numbers)} in "
            f"{counted(arm.n, 'clone', style.numbers)}, "
            f"{counted(arm.n_deviated, 'clone', style.numbers)} censored on deviating"
        )
        at = (_KEY_MM + _KEY_GAP_MM, y)
        made.append((arm.strategy, add_text(head, at, said, style.words(size=style.small_size))))
    return tuple(made)


def _note(result: Strategies, grace: str, style: FigureStyle) -> str:
    """What the curves are."""
    said = f"Weighted for clones that deviated. Dashed line: end of the grace period ({grace})."
    if result.n_samples:
        said += (
            f" Bands: pointwise {confidence(result.conf_level, style.numbers)} from "
            f"{counted(result.n_samples, 'bootstrap sample')}."
        )
    return said


def _foot(
    foot: Axes, axis: TimeAxis, lines: tuple[str, ...], style: FigureStyle
) -> tuple[Text, ...]:
    """The title of the time axis and the notes."""
    middle = (_LEFT_MM + style.width_mm - _RIGHT_MM) / 2
    add_text(foot, (middle, style.line_height() / 2), axis.title, style.words(), "center")
    pitch = style.line_height(style.small_size)
    top = style.line_height() + 1.5
    words = style.words(size=style.small_size)
    return tuple(
        add_text(foot, (1.5, top + (i + 0.5) * pitch), line, words) for i, line in enumerate(lines)
    )


def _alternative(result: Strategies, words: AxisWords, grace: str, style: FigureStyle) -> str:
    """The figure in words: where each curve ends."""
    said = [f"{words.outcome} under two strategies."]
    for arm in result.arms:
        last = percent(float(arm.survival[-1]), style.numbers)
        said.append(f"{strategy_words(result, arm.strategy, grace)}: {last} at the end.")
    return " ".join(said)
