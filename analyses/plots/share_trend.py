"""Shares over years: a line a category, with the limits of each year."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text

from analyses.formatting import confidence, label, percent, tick
from analyses.plots.curve_words import group_words
from analyses.plots.layout import bare, blank, sheet
from analyses.plots.style import PAGE, FigureStyle, Look, add_text, looks, own_settings
from analyses.results.share_trend import ShareTrend

_LEFT_MM, _RIGHT_MM, _AREA_MM = 13.0, 34.0, 56.0
_APART = 0.12  # of a year, between the marks of neighbouring categories


@dataclass(frozen=True, slots=True, eq=False)
class TrendArtists:
    """Every artist of the figure by name, and the words that stand in for it."""

    figure: Figure
    axes: Axes
    lines: tuple[tuple[str, Line2D], ...]
    limits: tuple[tuple[str, ErrorbarContainer], ...]
    keys: tuple[Text, ...]
    notes: tuple[Text, ...]
    alt: str


def plot_share_trend(
    result: ShareTrend, *, ax: Axes | None = None, style: FigureStyle = PAGE
) -> TrendArtists:
    """Each category's share by year with Wilson's limits, its name at the end of its line."""
    with own_settings():
        place = sheet(ax, style)
        style = place.style
        room = style.width_mm - 3
        said = _note(result, place.style)
        notes = style.wrap(said, room, size=style.small_size)
        foot = len(notes) * style.line_height(style.small_size) + 3
        heights = [3.0, _AREA_MM, 2 * style.line_height() + 3, foot]
        widths = [_LEFT_MM, style.width_mm - _LEFT_MM - _RIGHT_MM, _RIGHT_MM]
        grid = place.grid(place.rows(heights, 1, 20.0), widths)
        if place.home is not None:
            place.home.set_axis_off()
        axes = place.figure.add_subplot(grid[1, 1])
        chosen = looks(result.of, list(result.categories))
        drawn = [_line(axes, result, i, look, style) for i, look in enumerate(chosen)]
        _scales(axes, result, style)
        under = blank(place.figure.add_subplot(grid[3, :]), style.width_mm, foot)
        pitch = style.line_height(style.small_size)
        words = style.words(size=style.small_size)
        return TrendArtists(
            figure=place.whole,
            axes=axes,
            lines=tuple(zip(result.categories, (d[0] for d in drawn), strict=True)),
            limits=tuple(zip(result.categories, (d[1] for d in drawn), strict=True)),
            keys=_keys(axes, result, chosen, style),
            notes=tuple(
                add_text(under, (1.5, 1.5 + (i + 0.5) * pitch), line, words)
                for i, line in enumerate(notes)
            ),
            alt=_alternative(result, style),
        )


def _line(
    axes: Axes, result: ShareTrend, i: int, look: Look, style: FigureStyle
) -> tuple[Line2D, ErrorbarContainer]:
    """One category: its shares and their limits, beside those of its neighbours."""
    own = [share for share in result.shares if share.category == result.categories[i]]
    at = np.array([share.year for share in own], dtype=float)
    at += _APART * (i - (len(result.categories) - 1) / 2)
    share = np.array([share.estimate for share in own])
    (line,) = axes.plot(
        at, share, "o", linestyle=look.dashes, color=look.colour, markersize=3,
        linewidth=style.line_width,
    )  # fmt: skip
    low = share - np.array([one.conf_low for one in own])
    high = np.array([one.conf_high for one in own]) - share
    ends = np.clip([low, high], 0, None)
    limits = axes.errorbar(at, share, yerr=ends, fmt="none", ecolor=look.colour, elinewidth=0.7)
    return line, limits


def _scales(axes: Axes, result: ShareTrend, style: FigureStyle) -> None:
    """Years below, per cent at the left."""
    bare(axes, left=True)
    words = style.words(size=style.small_size)
    first, last = result.years[0], result.years[-1]
    axes.set_xlim(first - 0.4, last + 0.4)
    step = max(1, -(-(last - first) // 12))
    years = list(range(first, last + 1, step))
    axes.set_xticks(years, labels=[f"{year}" for year in years], **words)
    top = max(share.conf_high for share in result.shares)
    most = min(1.0, np.ceil(10 * top) / 10)
    axes.set_ylim(0, most)
    shares = np.arange(0, most + 1e-9, 0.1 if most <= 0.6 else 0.2)
    axes.set_yticks(
        shares, labels=[tick(100 * float(share), style.numbers) for share in shares], **words
    )
    axes.set_xlabel(label(result.year), labelpad=3, **style.words())
    axes.set_ylabel("Share, %", labelpad=3, **style.words())


def _keys(
    axes: Axes, result: ShareTrend, chosen: tuple[Look, ...], style: FigureStyle
) -> tuple[Text, ...]:
    """The categories' names at the ends of their lines, moved apart where they would touch."""
    ends = [
        [share.estimate for share in result.shares if share.category == category][-1]
        for category in result.categories
    ]
    least = style.line_height(style.small_size) / _AREA_MM * axes.get_ylim()[1]
    places = dict(enumerate(ends))
    for before, after in pairwise(sorted(places, key=lambda i: ends[i])):
        places[after] = max(places[after], places[before] + least)
    words = style.words(size=style.small_size)
    x = result.years[-1] + 0.5
    return tuple(
        add_text(axes, (x, places[i]), group_words(result.of, name), words | {"color": look.colour})
        for i, (name, look) in enumerate(zip(result.categories, chosen, strict=True))
    )


def _note(result: ShareTrend, style: FigureStyle) -> str:
    return (
        f"Shares of the patients of each year whose {label(result.of)} is one of these, with "
        f"Wilson's {confidence(result.conf_level, style.numbers)}."
    )


def _alternative(result: ShareTrend, style: FigureStyle) -> str:
    """The figure in words: each category's share in the first and the last year."""
    parts = []
    for category in result.categories:
        own = [share for share in result.shares if share.category == category]
        first, last = (percent(share.estimate, style.numbers) for share in (own[0], own[-1]))
        parts.append(f"{group_words(result.of, category)} {first} to {last}")
    span = f"{result.years[0]} to {result.years[-1]}"
    return (
        f"Shares of {label(result.of)} by {label(result.year).lower()}, {span}: {'; '.join(parts)}."
    )
