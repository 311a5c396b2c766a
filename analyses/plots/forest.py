"""Forest plot: hazard ratios on a log axis beside their numbers, one or several models."""

from __future__ import annotations

import math
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text
from matplotlib.ticker import NullFormatter, NullLocator

from analyses.formatting import tick
from analyses.plots import forest_rows
from analyses.plots.forest_layout import (
    ARROW_MM,
    EVENTS_HEAD,
    GAP_MM,
    INDENT_MM,
    ForestPlan,
    axis_ticks,
    beyond,
    cell_of,
    events_words,
    forest_plan,
    outer,
    p_words,
    ratio_head,
    ratio_words,
)
from analyses.plots.forest_rows import Models, named_columns
from analyses.plots.layout import Sheet, bare, blank, sheet
from analyses.plots.style import INK, PAGE, FigureStyle, add_text, own_settings
from analyses.results.coefficient import Coefficient

_LEAST_ROWS_MM = 10.0
_SIDES = (2.4, 5.2)  # of the squares, points


@dataclass(frozen=True, slots=True, eq=False)
class ForestMark:
    """What one coefficient became: a square, a line, and an arrow for each clipped limit.

    `square` is None where the estimate lies beyond the axis; a reference has no interval.
    """

    column: str
    term: str
    level: str | None
    square: Line2D | None
    interval: Line2D | None
    arrows: tuple[Line2D, ...]


@dataclass(frozen=True, slots=True, eq=False)
class ForestCell:
    """One text of the table: its column and row, and what it says.

    `quantity` is ``label``, ``events``, ``hazard_ratio`` or ``p``.
    """

    column: str
    term: str
    level: str | None
    quantity: str
    text: Text


@dataclass(frozen=True, slots=True, eq=False)
class ForestArtists:
    """Every artist of the figure by name, and the words that stand in for the figure."""

    figure: Figure
    panels: tuple[tuple[str, Axes], ...]
    marks: tuple[ForestMark, ...]
    cells: tuple[ForestCell, ...]
    heads: tuple[Text, ...]
    unit_lines: tuple[Line2D, ...]
    axis_words: tuple[Text, ...]
    notes: tuple[Text, ...]
    alt: str


def plot_forest(
    models: Models, *, ax: Axes | None = None, style: FigureStyle = PAGE
) -> ForestArtists:
    """Hazard ratios with their limits on a log axis, beside events, patients, numbers and p.

    Squares are sized by events; limits beyond the axis end in arrows; the line at 1 is solid;
    reference levels have rows of their own; a coefficient that does not exist says so, with
    its reason under the figure (Lewis and Clarke, BMJ 2001;322:1479). Rows are matched by term
    and level, never by place.

    Parameters
    ----------
    models
        One model of Cox or of Fine and Gray (subdistribution hazard ratios), or columns side by
        side: ``{"Unadjusted": univariable, "Adjusted": model}``,
        where a column of several models is one of each term alone.
    ax
        Axes whose place the whole figure takes; a new figure where absent.
    style
        A figure of its own that is too narrow for its columns becomes wider; where there is
        little room, long labels are wrapped, then p-values and events left out.

    Returns
    -------
    ForestArtists
        Squares and lines stand at the models' own hazard ratios.

    Notes
    -----
    Checked against the models' coefficients (tests/analyses/test_plot_forest.py).
    """
    with own_settings():
        place = sheet(ax, style)
        return _drawn(place, forest_plan(named_columns(models), place.style))


def _drawn(place: Sheet, plan: ForestPlan) -> ForestArtists:
    """The figure of a plan."""
    heights = place.rows(plan.heights, 2, _LEAST_ROWS_MM)
    grid = place.grid(heights, plan.widths.cells)
    figure, columns = place.figure, list(enumerate(title for title, _ in plan.columns))
    if place.home is not None:
        place.home.set_subplotspec(grid[:, :])
        blank(place.home, 1, 1)
    head, body, foot = (
        blank(figure.add_subplot(grid[row, :]), plan.style.width_mm, plan.heights[row])
        for row in (1, 2, 4)
    )
    panels = tuple((t, _panel(figure.add_subplot(grid[2, 2 * i + 1]), plan)) for i, t in columns)
    unders = [figure.add_subplot(grid[3, 2 * i + 1]) for i, _ in columns]
    return ForestArtists(
        figure=place.whole,
        panels=panels,
        marks=tuple(m for i, (t, panel) in enumerate(panels) for m in _marks(panel, t, i, plan)),
        cells=_draw_cells(body, plan),
        heads=_draw_heads(head, plan),
        unit_lines=tuple(p.axvline(1, color=INK, linewidth=0.7, zorder=1) for _, p in panels),
        axis_words=tuple(
            text for i, under in enumerate(unders) for text in _draw_axis_words(under, i, plan)
        ),
        notes=_draw_notes(foot, plan),
        alt=forest_rows.alternative_text(plan.columns, plan.rows, plan.style),
    )


def _panel(panel: Axes, plan: ForestPlan) -> Axes:
    """A log axis with round ticks; rows in millimetres from the top."""
    bare(panel, left=False)
    panel.set_xscale("log")
    panel.set_xlim(*plan.limits)
    panel.set_ylim(plan.heights[2], 0)
    panel.yaxis.set_major_locator(NullLocator())
    panel.xaxis.set_minor_locator(NullLocator())
    panel.xaxis.set_minor_formatter(NullFormatter())
    ticks = axis_ticks(plan.limits, plan.widths.panel, plan.style)
    words = plan.style.words(size=plan.style.small_size)
    panel.set_xticks(ticks, labels=[tick(x, plan.style.numbers) for x in ticks], **words)
    return panel


def _draw_axis_words(axes: Axes, column: int, plan: ForestPlan) -> tuple[Text, ...]:
    """Under the ticks: which way the hazard is lower or higher, where there is room; the title."""
    style, size, width = plan.style, plan.style.small_size, plan.widths.panel
    blank(axes, width, plan.heights[3])
    words = style.words(size=size)
    said = forest_rows.words_of(plan.columns[column][1])
    y = 1.5 * plan.line + 1.6
    texts = []
    if plan.hinted:
        texts.append(add_text(axes, (plan.one - 1, y), said.hints[0], words, "right"))
        texts.append(add_text(axes, (plan.one + 1, y), said.hints[1], words, "left"))
        y += plan.line
    fitting = [title for title in said.titles if style.width(title, size=size) < width + GAP_MM]
    texts.append(add_text(axes, (width / 2, y), (fitting or said.titles)[0], words, "center"))
    return tuple(texts)


def _marks(panel: Axes, title: str, column: int, plan: ForestPlan) -> list[ForestMark]:
    """Squares, intervals and arrows of one column."""
    most = max((row.shown.n_event for row in plan.rows if row.shown is not None), default=0)
    marks = []
    for i, row in enumerate(plan.rows):
        c = cell_of(row, column)
        if c is not None and c.status == "ok" and c.estimate is not None:
            marks.append(_draw_mark(panel, title, c, plan.middle(i), most, plan))
    return marks


def _draw_mark(
    panel: Axes, title: str, c: Coefficient, y: float, most: int, plan: ForestPlan
) -> ForestMark:
    """One coefficient: what lies beyond the axis becomes an arrow at its edge."""
    low, high = plan.limits
    estimate, lower, upper = c.hazard_ratio
    square = interval = None
    if c.conf_low is not None and c.conf_high is not None:
        ends = [low if lower is None else max(lower, low)]
        ends += [high if upper is None else min(upper, high)]
        (interval,) = panel.plot(ends, [y, y], color=INK, linewidth=0.9, solid_capstyle="butt")
    if estimate is not None and low <= estimate <= high:
        side = _SIDES[0] + (_SIDES[1] - _SIDES[0]) * math.sqrt(c.n_event / most if most else 0)
        (square,) = panel.plot(
            [estimate],
            [y],
            "s",
            markersize=side,
            color=INK,
            markerfacecolor="white" if c.is_reference else INK,
            markeredgewidth=0.7,
            zorder=3,
        )
    arrows = []
    for which in beyond(c, plan.limits):
        at, marker = (low, "<") if which == "low" else (high, ">")
        (arrow,) = panel.plot(
            [at], [y], marker, markersize=3.5, color=INK, markeredgewidth=0, clip_on=False
        )
        arrows.append(arrow)
    return ForestMark(title, c.term, c.level, square, interval, tuple(arrows))


def _draw_cells(body: Axes, plan: ForestPlan) -> tuple[ForestCell, ...]:
    """The words and numbers of every row."""
    style, size, widths = plan.style, plan.style.small_size, plan.widths
    plain = style.words(size=size)
    cells = []
    for i, row in enumerate(plan.rows):
        y = plan.middle(i)
        words = style.words("semibold" if row.heading else "regular", size)
        x = 0.3 if outer(row) else INDENT_MM
        for k, text in enumerate(plan.labels[i]):
            artist = add_text(body, (x, y + k * plan.line), text, words)
            cells.append(ForestCell("", row.term, row.level, "label", artist))
        texts = [("", "events", widths.label, events_words(row, style))] if widths.events else []
        for column, (title, _) in enumerate(plan.columns):
            left = widths.left(column) + ARROW_MM
            texts.append((title, "hazard_ratio", left, ratio_words(row, column, style)))
            if widths.p:
                texts.append(
                    (title, "p", left + widths.ratios[column], p_words(row, column, style))
                )
        for title, quantity, at, text in texts:
            if text:
                artist = add_text(body, (at, y), text, plain)
                cells.append(ForestCell(title, row.term, row.level, quantity, artist))
    return tuple(cells)


def _draw_heads(head: Axes, plan: ForestPlan) -> tuple[Text, ...]:
    """Titles of the columns and of their parts."""
    style, widths = plan.style, plan.widths
    bold = style.words("semibold", style.small_size)
    last = plan.heights[1] - 1 - plan.line / 2
    heads = []
    if widths.events:
        heads.append(add_text(head, (widths.label, last), EVENTS_HEAD, bold))
    for column, (title, models) in enumerate(plan.columns):
        left = widths.left(column) + ARROW_MM
        heads.append(add_text(head, (left, last), ratio_head(models, style.numbers), bold))
        if widths.p:
            at = left + widths.ratios[column]
            heads.append(add_text(head, (at, last), style.numbers.p_symbol, bold))
        if title:
            heads.append(add_text(head, (left - widths.panel, last - plan.line), title, bold))
    return tuple(heads)


def _draw_notes(foot: Axes, plan: ForestPlan) -> tuple[Text, ...]:
    """The notes, line by line."""
    line = plan.style.line_height(plan.fine)
    words = plan.style.words(size=plan.fine)
    return tuple(
        add_text(foot, (0.3, 1.0 + (i + 0.5) * line), text, words)
        for i, text in enumerate(plan.notes)
    )
