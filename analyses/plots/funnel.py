"""Funnel plot: each facility's share against its patients, between exact binomial limits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text
from matplotlib.ticker import NullFormatter, NullLocator

from analyses.formatting import count, label, percent, tick
from analyses.plots.curve_words import group_words
from analyses.plots.layout import bare, blank, sheet
from analyses.plots.style import (
    BLUE,
    GREY,
    INK,
    PAGE,
    VERMILLION,
    FigureStyle,
    add_text,
    own_settings,
)
from analyses.results.facility_shares import FacilityShares

_LEFT_MM, _RIGHT_MM, _AREA_MM = 13.0, 26.0, 66.0
_MARKS = {"within": ("o", BLUE), "beyond_95": ("D", BLUE), "beyond_99_8": ("s", VERMILLION)}
_LADDER = (1, 2, 5)


@dataclass(frozen=True, slots=True, eq=False)
class FunnelArtists:
    """Every artist of the figure by name, and the words that stand in for it.

    `points` are (place, grey, artist) of the facilities drawn alike; `curves` the four limits.
    """

    figure: Figure
    axes: Axes
    points: tuple[tuple[str, bool, Line2D], ...]
    curves: tuple[Line2D, ...]
    overall: Line2D
    notes: tuple[Text, ...]
    alt: str


def plot_funnel(
    result: FacilityShares, *, ax: Axes | None = None, style: FigureStyle = PAGE
) -> FunnelArtists:
    """Shares of the facilities against their patients on a log axis, within 95 and 99.8 % limits.

    Facilities beyond the outer limits are squares, beyond the inner diamonds; small ones are grey
    and never hidden. No facility is named.
    """
    with own_settings():
        place = sheet(ax, style)
        style = place.style
        said = _note(result, style)
        notes = style.wrap(said, style.width_mm - 3, size=style.small_size)
        foot = len(notes) * style.line_height(style.small_size) + 3
        heights = place.rows([3.0, _AREA_MM, 2 * style.line_height() + 3, foot], 1, 20.0)
        widths = [_LEFT_MM, style.width_mm - _LEFT_MM - _RIGHT_MM, _RIGHT_MM]
        grid = place.grid(heights, widths)
        if place.home is not None:
            place.home.set_axis_off()
        axes = place.figure.add_subplot(grid[1, 1])
        overall = axes.axhline(result.between.estimate, color=INK, linewidth=0.8)
        curves = _curves(axes, result)
        points = _points(axes, result)
        _scales(axes, result, style)
        _limits_named(axes, result, style)
        under = blank(place.figure.add_subplot(grid[3, :]), style.width_mm, foot)
        pitch, words = style.line_height(style.small_size), style.words(size=style.small_size)
        texts = tuple(
            add_text(under, (1.5, 1.5 + (i + 0.5) * pitch), line, words)
            for i, line in enumerate(notes)
        )
        return FunnelArtists(
            place.whole, axes, points, curves, overall, texts, _alternative(result, style)
        )


def _curves(axes: Axes, result: FacilityShares) -> tuple[Line2D, ...]:
    """The four limits: inner dashed, outer solid."""
    made = []
    for values, dashes in (
        (result.low_95, (0, (4, 2))),
        (result.high_95, (0, (4, 2))),
        (result.low_99_8, (0, None)),
        (result.high_99_8, (0, None)),
    ):
        (line,) = axes.plot(
            result.curve_n, values, color=GREY, linewidth=0.8, linestyle=dashes, zorder=1
        )
        made.append(line)
    return tuple(made)


def _points(axes: Axes, result: FacilityShares) -> tuple[tuple[str, bool, Line2D], ...]:
    """The facilities, those alike in one artist."""
    made = []
    for place, (marker, colour) in _MARKS.items():
        for grey in (True, False):
            own = [f for f in result.facilities if f.place == place and f.is_small == grey]
            if not own:
                continue
            (line,) = axes.plot(
                [f.n for f in own],
                [f.estimate for f in own],
                marker,
                markersize=4.4,
                markeredgewidth=0.5,
                markeredgecolor="white",
                color=GREY if grey else colour,
                linestyle="none",
                zorder=2 if grey else 3,
                clip_on=False,
            )
            made.append((place, grey, line))
    return tuple(made)


def _scales(axes: Axes, result: FacilityShares, style: FigureStyle) -> None:
    """Patients on a log axis, per cent at the left."""
    bare(axes, left=True)
    words = style.words(size=style.small_size)
    sizes = [f.n for f in result.facilities]
    low, high = min(sizes) * 0.85, max(sizes) * 1.15
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    ladder = [m * 10**e for e in range(7) for m in _LADDER]
    ticks = [x for x in ladder if low <= x <= high] or [min(sizes)]
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xticks(ticks, labels=[count(x, style.numbers) for x in ticks], **words)
    axes.set_ylim(0, 1)
    shares = np.arange(0, 1.01, 0.2)
    axes.set_yticks(
        shares, labels=[tick(round(100 * float(s)), style.numbers) for s in shares], **words
    )
    axes.set_xlabel("Patients of the facility", labelpad=3, **style.words())
    name = group_words(result.of, result.category)
    axes.set_ylabel(f"{name}, % of patients", labelpad=3, **style.words())


def _limits_named(axes: Axes, result: FacilityShares, style: FigureStyle) -> None:
    """What the curves are, at their right ends; those that would touch are moved apart."""
    at = axes.get_xlim()[1] * 1.02
    words = style.words(size=style.small_size)
    outer = f"{tick(99.8, style.numbers)}% limits"
    named = [
        (float(result.low_99_8[-1]), outer),
        (float(result.low_95[-1]), "95% limits"),
        (result.between.estimate, "All patients"),
    ]
    named += [
        (float(result.high_95[-1]), "95% limits"),
        (float(result.high_99_8[-1]), outer),
    ]
    least = style.line_height(style.small_size) / _AREA_MM
    middle = 2
    places = [value for value, _ in named]
    for i in range(middle + 1, len(named)):
        places[i] = max(places[i], places[i - 1] + least)
    for i in range(middle - 1, -1, -1):
        places[i] = min(places[i], places[i + 1] - least)
    for place, (_, said) in zip(places, named, strict=True):
        add_text(axes, (at, place), said, words)


def _note(result: FacilityShares, style: FigureStyle) -> str:
    """How many facilities lie where."""
    numbers = style.numbers
    n = count(len(result.facilities), numbers)
    inner, outer = (count(k, numbers) for k in (result.n_beyond_95, result.n_beyond_99_8))
    farther = tick(99.8, numbers)
    said = (
        f"{n} facilities; {inner} beyond the 95% limits (diamonds and squares; by "
        f"chance about 1 in 20), {outer} of them beyond {farther}% (squares; 1 in 500)."
    )
    if result.n_small:
        small = count(result.n_small, numbers)
        said += f" Grey: {small} with fewer than {result.least_patients} patients."
    return said


def _alternative(result: FacilityShares, style: FigureStyle) -> str:
    """The figure in words."""
    name = group_words(result.of, result.category)
    share = percent(result.between.estimate, style.numbers)
    where = label(result.facility).lower()
    return f"Funnel plot of {name} by {where}: {share} of all. {_note(result, style)}"
