"""Overlap: how the chance of each group is spread among the patients of every group."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import StepPatch

from analyses.formatting import count, percent, tick
from analyses.plots.curve_words import group_words
from analyses.plots.layout import bare, blank, sheet
from analyses.plots.style import PAGE, FigureStyle, Look, add_text, looks, own_settings
from analyses.results.propensity import Overlap, Propensity

_LEFT_MM, _GAP_MM, _RIGHT_MM = 6.0, 5.0, 4.0
_AREA_MM, _LEAST_MM, _TICK_MM = 38.0, 12.0, 5.0
_KEY_MM, _BETWEEN_MM = 7.0, 6.0
_SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True, slots=True, eq=False)
class OverlapArtists:
    """Every artist of the figure by name, and the words that stand in for it.

    Attributes
    ----------
    axes
        (group whose chance it is, its panel).
    outlines
        (group whose chance it is, group of patients, outline of their density).
    alt
        The figure in words.
    """

    figure: Figure
    axes: tuple[tuple[str, Axes], ...]
    outlines: tuple[tuple[str, str, StepPatch], ...]
    alt: str


def plot_overlap(
    result: Propensity, *, ax: Axes | None = None, style: FigureStyle = PAGE
) -> OverlapArtists:
    """The chance of each group in a panel, one outline a group of patients, each of area one.

    Parameters
    ----------
    result
        Drawn as it is; nothing is estimated here.
    ax
        Axes whose place the whole figure takes; a new figure where absent.
    """
    with own_settings():
        place = sheet(ax, style)
        style = place.style
        k = len(result.groups)
        panel = (style.width_mm - _LEFT_MM - _RIGHT_MM - (k - 1) * _GAP_MM) / k
        pitch = style.line_height(style.small_size)
        foot = style.line_height() + 2 * pitch + 3.0
        area = _AREA_MM
        if place.height_mm is not None:
            area = max(place.height_mm - pitch - 2 - _TICK_MM - foot, _LEAST_MM)
        widths = [_LEFT_MM, *(panel, _GAP_MM) * (k - 1), panel, _RIGHT_MM]
        grid = place.grid([pitch + 2, area, _TICK_MM, foot], widths)
        chosen = dict(zip(result.groups, looks(result.by, result.groups), strict=True))
        axes, outlines = [], []
        for i, group in enumerate(result.groups):
            head = blank(place.figure.add_subplot(grid[0, 1 + 2 * i]), panel, pitch + 2)
            said = f"Chance of {_lower(group_words(result.by, group))}"
            add_text(head, (0, pitch / 2), said, style.words("semibold", style.small_size))
            own = place.figure.add_subplot(grid[1, 1 + 2 * i])
            shown = [one for one in result.overlap if one.score_of == group]
            outlines += [(group, o.group, _outline(own, o, chosen[o.group], style)) for o in shown]
            _dress(own, shown, style)
            axes.append((group, own))
        below = blank(place.figure.add_subplot(grid[3, :]), style.width_mm, foot)
        _foot(below, result, style)
        if place.home is not None:
            place.home.set_axis_off()
        return OverlapArtists(
            place.whole, tuple(axes), tuple(outlines), _alternative(result, place.style)
        )


def _outline(axes: Axes, overlap: Overlap, look: Look, style: FigureStyle) -> StepPatch:
    edges = np.linspace(0, 1, len(overlap.counts) + 1)
    density = overlap.counts / overlap.counts.sum() * len(overlap.counts)
    axes.stairs(density, edges, fill=True, color=look.colour, alpha=0.12, linewidth=0)
    return axes.stairs(
        density, edges, color=look.colour, linestyle=look.dashes, linewidth=style.line_width
    )


def _dress(axes: Axes, shown: list[Overlap], style: FigureStyle) -> None:
    bare(axes, left=False)
    tops = [float((o.counts / o.counts.sum()).max()) * len(o.counts) for o in shown]
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1.05 * max(tops))
    axes.set_yticks([])
    labels = [tick(100 * share, style.numbers) for share in _SHARES]
    axes.set_xticks(_SHARES, labels=labels, **style.words(size=style.small_size))


def _foot(axes: Axes, result: Propensity, style: FigureStyle) -> None:
    """The title of the axis, the legend, and what the outlines are."""
    words, pitch = style.words(size=style.small_size), style.line_height(style.small_size)
    middle = (_LEFT_MM + style.width_mm - _RIGHT_MM) / 2
    title = "Chance given the terms, %"
    add_text(axes, (middle, style.line_height() / 2), title, style.words(), "center")
    x, y = _LEFT_MM, style.line_height() + 2.0 + pitch / 2
    for group, look in zip(result.groups, looks(result.by, result.groups), strict=True):
        axes.plot(
            [x, x + _KEY_MM],
            [y, y],
            color=look.colour,
            linestyle=look.dashes,
            linewidth=style.line_width,
            clip_on=False,
        )
        said = group_words(result.by, group)
        add_text(axes, (x + _KEY_MM + 1.5, y), said, words)
        x += _KEY_MM + 1.5 + style.width(said, size=style.small_size) + _BETWEEN_MM
    note = "Each outline has the same area, whatever the number of patients."
    add_text(axes, (1.5, y + pitch), note, words)


def _alternative(result: Propensity, style: FigureStyle) -> str:
    numbers = style.numbers
    said = [
        f"{group_words(result.by, o.group)}: from {percent(o.lowest, numbers)} to "
        f"{percent(o.highest, numbers)}, "
        f"{count(o.n_outside, numbers)} of {count(o.n, numbers)} outside of the common range."
        for o in result.overlap
        if o.score_of == o.group
    ]
    return " ".join(["Chance of each group among the patients of every group.", *said])


def _lower(words: str) -> str:
    """Words inside a sentence: a name in capitals stays as it is."""
    return words if words[:2].isupper() else words[:1].lower() + words[1:]
