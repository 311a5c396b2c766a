"""A figure of ratios on a log axis beside their numbers, whatever the ratios are of."""

from __future__ import annotations

import math
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text
from matplotlib.ticker import NullFormatter, NullLocator

from analyses.formatting import tick
from analyses.plots.forest_layout import axis_ticks, beyond
from analyses.plots.layout import Sheet, bare, blank, sheet
from analyses.plots.ratio_lines import RatioFigure, RatioLine, RatioPlan, ratio_plan, texts_of
from analyses.plots.style import GREY, INK, PAGE, FigureStyle, add_text, own_settings

_LEAST_ROWS_MM = 10.0
_SIDES = (2.2, 5.2)  # of the squares, points


@dataclass(frozen=True, slots=True, eq=False)
class RatioMark:
    """What one line became: a square, an interval, an arrow for each clipped limit.

    `square` is None where the estimate lies beyond the axis, `interval` where there are no limits.
    """

    key: tuple[str, ...]
    square: Line2D | None
    interval: Line2D | None
    arrows: tuple[Line2D, ...]


@dataclass(frozen=True, slots=True, eq=False)
class RatioArtists:
    """Every artist of the figure by name, and the words that stand in for the figure.

    Attributes
    ----------
    cells
        (key of the line, place of the column, artist); the words themselves are column -1.
    """

    figure: Figure
    panel: Axes
    marks: tuple[RatioMark, ...]
    cells: tuple[tuple[tuple[str, ...], int, Text], ...]
    heads: tuple[Text, ...]
    unit_line: Line2D
    axis_words: tuple[Text, ...]
    notes: tuple[Text, ...]
    alt: str


def plot_ratios(
    shown: RatioFigure, *, ax: Axes | None = None, style: FigureStyle = PAGE
) -> RatioArtists:
    """Ratios with their limits in one panel, each beside its words and numbers.

    Squares are sized by the lines' sizes; limits beyond the axis end in arrows; the line at 1 is
    solid; what is grey rests on too little.
    """
    with own_settings():
        place = sheet(ax, style)
        return _drawn(place, ratio_plan(shown, place.style))


def _drawn(place: Sheet, plan: RatioPlan) -> RatioArtists:
    """The figure of a plan."""
    heights = place.rows(plan.heights, 2, _LEAST_ROWS_MM)
    widths = [plan.label_mm + sum(plan.before_mm), plan.panel_mm]
    widths.append(plan.style.width_mm - sum(widths))
    grid = place.grid(heights, widths)
    if place.home is not None:
        place.home.set_subplotspec(grid[:, :])
        blank(place.home, 1, 1)
    head, body, foot = (
        blank(place.figure.add_subplot(grid[k, :]), plan.style.width_mm, plan.heights[k])
        for k in (1, 2, 4)
    )
    panel = _panel(place.figure.add_subplot(grid[2, 1]), plan)
    under = blank(place.figure.add_subplot(grid[3, 1]), plan.panel_mm, plan.heights[3])
    return RatioArtists(
        figure=place.whole,
        panel=panel,
        marks=tuple(_marks(panel, plan)),
        cells=_cells(body, plan),
        heads=_heads(head, plan),
        unit_line=panel.axvline(1, color=INK, linewidth=0.7, zorder=1),
        axis_words=_axis_words(under, plan),
        notes=_notes(foot, plan),
        alt=plan.shown.alt,
    )


def _panel(panel: Axes, plan: RatioPlan) -> Axes:
    """A log axis with round ticks; rows in millimetres from the top."""
    bare(panel, left=False)
    panel.set_xscale("log")
    panel.set_xlim(*plan.limits)
    panel.set_ylim(plan.heights[2], 0)
    panel.yaxis.set_major_locator(NullLocator())
    panel.xaxis.set_minor_locator(NullLocator())
    panel.xaxis.set_minor_formatter(NullFormatter())
    ticks = axis_ticks(plan.limits, plan.panel_mm, plan.style)
    words = plan.style.words(size=plan.style.small_size)
    panel.set_xticks(ticks, labels=[tick(x, plan.style.numbers) for x in ticks], **words)
    return panel


def _marks(panel: Axes, plan: RatioPlan) -> list[RatioMark]:
    most = max((line.size for line in plan.shown.lines), default=0.0)
    return [
        _mark(panel, line, plan.middle(i), most, plan.limits)
        for i, line in enumerate(plan.shown.lines)
        if line.estimate is not None
    ]


def _mark(
    panel: Axes, line: RatioLine, y: float, most: float, limits: tuple[float, float]
) -> RatioMark:
    """One line's square and interval; what lies beyond the axis becomes an arrow at its edge."""
    ink, (low, high) = GREY if line.is_grey else INK, limits
    square = interval = None
    if line.conf_low is not None and line.conf_high is not None:
        ends = [max(line.conf_low, math.log(low)), min(line.conf_high, math.log(high))]
        if ends[0] < ends[1]:
            (interval,) = panel.plot(
                [math.exp(end) for end in ends],
                [y, y],
                color=ink,
                linewidth=0.9,
                solid_capstyle="butt",
            )
    if line.estimate is not None and math.log(low) <= line.estimate <= math.log(high):
        share = line.size / most if most else 0.0
        (square,) = panel.plot(
            [math.exp(line.estimate)],
            [y],
            "s",
            markersize=_SIDES[0] + (_SIDES[1] - _SIDES[0]) * math.sqrt(share),
            color=ink,
            markerfacecolor="white" if line.is_open else ink,
            markeredgewidth=0.7,
            zorder=3,
        )
    arrows = []
    for which in beyond(line, limits):
        at, marker = (low, "<") if which == "low" else (high, ">")
        (arrow,) = panel.plot(
            [at], [y], marker, markersize=3.5, color=ink, markeredgewidth=0, clip_on=False
        )
        arrows.append(arrow)
    return RatioMark(line.key, square, interval, tuple(arrows))


def _cells(body: Axes, plan: RatioPlan) -> tuple[tuple[tuple[str, ...], int, Text], ...]:
    """The words and numbers of every line."""
    size, n_before = plan.style.small_size, len(plan.before_mm)
    made = []
    for i, line in enumerate(plan.shown.lines):
        weight = plan.style.words("semibold" if line.is_heading else "regular", size)
        plain = plan.style.words(size=size)
        if line.is_grey:
            weight, plain = weight | {"color": GREY}, plain | {"color": GREY}
        y = plan.middle(i)
        for k, words in enumerate(plan.labels[i]):
            artist = add_text(body, (plan.left(i), y + k * plan.line), words, weight)
            made.append((line.key, -1, artist))
        for column, words in enumerate(texts_of(line, n_before, len(plan.columns))):
            if words:
                artist = add_text(body, (plan.columns[column], y), words, plain)
                made.append((line.key, column, artist))
    return tuple(made)


def _heads(head: Axes, plan: RatioPlan) -> tuple[Text, ...]:
    """Titles of the columns, their last lines on one level."""
    bold = plan.style.words("semibold", plan.style.small_size)
    last = plan.heights[1] - 1 - plan.line / 2
    return tuple(
        add_text(head, (x, last - (len(lines) - 1 - k) * plan.line), words, bold)
        for x, lines in zip(plan.columns, plan.heads, strict=True)
        for k, words in enumerate(lines)
    )


def _axis_words(axes: Axes, plan: RatioPlan) -> tuple[Text, ...]:
    """Under the ticks: what lies on either side of 1, where there is room; the title."""
    words = plan.style.words(size=plan.style.small_size)
    y, texts = 1.5 * plan.line + 1.6, []
    if plan.hinted:
        texts.append(add_text(axes, (plan.one - 1, y), plan.shown.hints[0], words, "right"))
        texts.append(add_text(axes, (plan.one + 1, y), plan.shown.hints[1], words, "left"))
        y += plan.line
    texts.append(add_text(axes, (plan.panel_mm / 2, y), plan.shown.title, words, "center"))
    return tuple(texts)


def _notes(foot: Axes, plan: RatioPlan) -> tuple[Text, ...]:
    line = plan.style.line_height(plan.fine)
    words = plan.style.words(size=plan.fine)
    return tuple(
        add_text(foot, (0.3, 1.0 + (i + 0.5) * line), text, words)
        for i, text in enumerate(plan.notes)
    )
