"""Restricted means: the curve of each group up to tau, in a panel, with the area that is meant."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import FillBetweenPolyCollection
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpecBase
from matplotlib.lines import Line2D
from matplotlib.text import Text

from analyses.formatting import (
    NumberStyle,
    confidence,
    estimate_with_limits,
    label,
    number,
    tick,
)
from analyses.plots.axis_words import AxisWords
from analyses.plots.curve_words import group_words
from analyses.plots.layout import Sheet, bare, blank, sheet
from analyses.plots.style import PAGE, FigureStyle, Look, add_text, drawable, looks, own_settings
from analyses.plots.time_axis import TimeAxis, time_axis
from analyses.results.rmst import RMST, RestrictedMean

_SHARES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
_MOST_ABREAST = 4
_LEFT_MM, _GAP_MM, _RIGHT_MM = 13.0, 5.0, 4.0
_AREA_MM, _LEAST_MM = 40.0, 12.0
_ALPHA = 0.22


@dataclass(frozen=True, slots=True, eq=False)
class RmstArtists:
    """Every artist of the figure by name, and the words that stand in for the figure.

    Attributes
    ----------
    axes, curves, areas, means
        (group, artist): its panel, its curve up to tau, the area beneath, and the words of its
        mean above.
    notes
        The statements under the panels.
    alt
        The figure in words.
    """

    figure: Figure
    axes: tuple[tuple[str, Axes], ...]
    curves: tuple[tuple[str, Line2D], ...]
    areas: tuple[tuple[str, FillBetweenPolyCollection], ...]
    means: tuple[tuple[str, Text], ...]
    notes: tuple[Text, ...]
    alt: str


@dataclass(frozen=True, slots=True, eq=False)
class _Plan:
    """All that is settled before anything is drawn."""

    result: RMST
    axis: TimeAxis
    words: AxisWords
    style: FigureStyle
    abreast: int
    panel_mm: float
    names: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...]

    @property
    def lines(self) -> int:
        """Rows of panels."""
        return -(-len(self.result.groups) // self.abreast)

    @property
    def head_mm(self) -> float:
        """Height of the words above a panel."""
        lines = max(len(name) for name in self.names) + 1
        return lines * self.style.line_height(self.style.small_size) + 2.5

    @property
    def foot_mm(self) -> float:
        """Height of the title of the time axis and of the notes."""
        small = self.style.line_height(self.style.small_size)
        return self.style.line_height() + 1.5 + len(self.notes) * small + 1.5


def plot_rmst(
    result: RMST,
    *,
    ax: Axes | None = None,
    style: FigureStyle = PAGE,
    words: AxisWords | None = None,
) -> RmstArtists:
    """Each group's curve up to tau, the area that is its restricted mean shaded, the mean above.

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
    RmstArtists
        The curves' coordinates are the result's own, in the unit of follow-up.
    """
    with own_settings():
        place = sheet(ax, style)
        return _drawn(place, _plan(result, AxisWords() if words is None else words, place.style))


def _plan(result: RMST, words: AxisWords, style: FigureStyle) -> _Plan:
    axis = _axis(result, words, _panel_mm(1, style), style)
    means = [mean_words(group, axis, style) for group in result.groups]
    least = max(style.width(mean, size=style.small_size) for mean in means)
    fits = [n for n in range(1, _MOST_ABREAST + 1) if _panel_mm(n, style) >= least]
    abreast = min(len(result.groups), max(fits, default=1))
    panel = _panel_mm(abreast, style)
    names = tuple(
        style.wrap(group_words(result.by, group.group), panel, "semibold", style.small_size)
        for group in result.groups
    )
    lines = style.wrap(_note(result, axis, style), style.width_mm - 3, size=style.small_size)
    axis = _axis(result, words, panel, style)
    return _Plan(result, axis, words, style, abreast, panel, names, lines)


def _panel_mm(abreast: int, style: FigureStyle) -> float:
    """Width of each of so many panels side by side."""
    return (style.width_mm - _LEFT_MM - _RIGHT_MM - (abreast - 1) * _GAP_MM) / abreast


def _axis(result: RMST, words: AxisWords, panel_mm: float, style: FigureStyle) -> TimeAxis:
    """The time axis of a panel; its unit does not depend on the width."""
    return time_axis(
        result.tau,
        time_unit=words.time_unit,
        origin=words.origin,
        times=None,
        pitch=8.0 / panel_mm,
        style=style.numbers,
    )


def _drawn(place: Sheet, plan: _Plan) -> RmstArtists:
    """The figure of a plan."""
    ticks = plan.style.line_height() + 1.5
    fixed = plan.lines * (plan.head_mm + ticks) + plan.foot_mm
    area = _AREA_MM
    if place.height_mm is not None:
        area = max((place.height_mm - fixed) / plan.lines, _LEAST_MM)
    heights = [*(plan.head_mm, area, ticks) * plan.lines, plan.foot_mm]
    widths = [_LEFT_MM, *(plan.panel_mm, _GAP_MM) * (plan.abreast - 1), plan.panel_mm, _RIGHT_MM]
    grid = place.grid(heights, widths)
    chosen = looks(plan.result.by, [group.group for group in plan.result.groups])
    drawn = [
        _panel(place, grid, plan, i, look)
        for i, look in zip(range(len(chosen)), chosen, strict=True)
    ]
    names = [group.group for group in plan.result.groups]
    axes, curves, areas, means = (
        tuple(zip(names, part, strict=True)) for part in zip(*drawn, strict=True)
    )
    foot = blank(place.figure.add_subplot(grid[-1, :]), plan.style.width_mm, plan.foot_mm)
    if place.home is not None:
        place.home.set_axis_off()
    return RmstArtists(
        place.whole, axes, curves, areas, means, _foot(foot, plan), _alternative(plan)
    )


def _panel(
    place: Sheet, grid: GridSpecBase, plan: _Plan, i: int, look: Look
) -> tuple[Axes, Line2D, FillBetweenPolyCollection, Text]:
    """The panel of one group."""
    group, style = plan.result.groups[i], plan.style
    line, column = divmod(i, plan.abreast)
    head = blank(
        place.figure.add_subplot(grid[3 * line, 1 + 2 * column]), plan.panel_mm, plan.head_mm
    )
    pitch = style.line_height(style.small_size)
    lines = plan.names[i]
    top = plan.head_mm - 1.5 - (len(lines) + 1) * pitch  # the last line stands above the panel
    for k, shown in enumerate(lines):
        place_of = (0, top + (k + 0.5) * pitch)
        add_text(head, place_of, shown, style.words("semibold", style.small_size))
    mean = add_text(
        head,
        (0, top + (len(lines) + 0.5) * pitch),
        mean_words(group, plan.axis, style),
        style.words(size=style.small_size),
    )
    axes = place.figure.add_subplot(grid[3 * line + 1, 1 + 2 * column])
    curve, area = _curve(axes, group, plan, look)
    bare(axes, left=True)
    axes.set_xlim(0, plan.axis.end)
    axes.set_ylim(0, 1)
    axes.set_xticks(plan.axis.ticks, labels=plan.axis.labels, **style.words(size=style.small_size))
    shares = (
        [tick(100 * share, style.numbers) for share in _SHARES]
        if column == 0
        else [""] * len(_SHARES)
    )
    axes.set_yticks(_SHARES, labels=shares, **style.words(size=style.small_size))
    if column == 0:
        axes.set_ylabel(drawable(f"{plan.words.outcome}, %"), labelpad=3, **style.words())
    return axes, curve, area, mean


def _curve(
    axes: Axes, group: RestrictedMean, plan: _Plan, look: Look
) -> tuple[Line2D, FillBetweenPolyCollection]:
    """The steps up to tau and the area under them."""
    time = np.concatenate([[0.0], group.time, [plan.result.tau]])
    survival = np.concatenate([[1.0], group.survival])
    survival = np.append(survival, survival[-1])
    area = axes.fill_between(
        time, survival, step="post", color=look.colour, alpha=_ALPHA, linewidth=0
    )
    (curve,) = axes.plot(
        time,
        survival,
        drawstyle="steps-post",
        color=look.colour,
        linestyle=look.dashes,
        linewidth=plan.style.line_width,
        solid_capstyle="butt",
        dash_capstyle="butt",
        clip_on=False,
        zorder=3,
    )
    return curve, area


def mean_words(group: RestrictedMean, axis: TimeAxis, style: FigureStyle) -> str:
    """The mean with its limits in the unit of the axis."""
    low, high = (
        None if value is None else value / axis.factor
        for value in (group.conf_low, group.conf_high)
    )
    text = with_limits(group.estimate / axis.factor, low, high, 2, style.numbers)
    return f"{text} {axis.unit or ''}".rstrip()


def with_limits(
    estimate: float | None,
    low: float | None,
    high: float | None,
    decimals: int,
    style: NumberStyle,
) -> str:
    """An estimate with its limits, or alone where it has none; a dash where it does not exist."""
    if low is None and high is None:
        return number(estimate, decimals, style)
    return estimate_with_limits(estimate, low, high, decimals, None, style)


def _note(result: RMST, axis: TimeAxis, style: FigureStyle) -> str:
    """What the areas are."""
    tau = f"{tick(result.tau / axis.factor, style.numbers)} {axis.unit or ''}".rstrip()
    chosen = " (the smallest of the groups' last times)" if result.tau_from == "data" else ""
    level = confidence(result.conf_level, style.numbers)
    said = f"Shaded: mean time up to {tau}{chosen}, with its {level}."
    if result.strata:
        columns = ", ".join(label(name) for name in result.strata)
        said += f" Curves are means over strata ({columns}) in the shares of all patients."
    return said


def _foot(axes: Axes, plan: _Plan) -> tuple[Text, ...]:
    """The title of the time axis and the notes."""
    style = plan.style
    y = style.line_height() / 2
    middle = (_LEFT_MM + style.width_mm - _RIGHT_MM) / 2
    add_text(axes, (middle, y), plan.axis.title, style.words(), "center")
    pitch = style.line_height(style.small_size)
    words = style.words(size=style.small_size)
    top = style.line_height() + 1.5
    return tuple(
        add_text(axes, (1.5, top + (i + 0.5) * pitch), line, words)
        for i, line in enumerate(plan.notes)
    )


def _alternative(plan: _Plan) -> str:
    """The figure in words: each group's mean."""
    result = plan.result
    tau = (
        f"{tick(result.tau / plan.axis.factor, plan.style.numbers)} {plan.axis.unit or ''}".rstrip()
    )
    said = [
        f"Restricted mean time, {plan.words.outcome.lower()}, up to {tau} by {label(result.by)}."
    ]
    said += [
        f"{group_words(result.by, group.group)}: {mean_words(group, plan.axis, plan.style)}."
        for group in result.groups
    ]
    return " ".join(said)
