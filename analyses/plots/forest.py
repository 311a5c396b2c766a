"""Forest plot: hazard ratios on a log axis beside their numbers, one or several models."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text
from matplotlib.ticker import FixedLocator, NullFormatter, NullLocator

from analyses.formatting import (
    NOT_ESTIMABLE,
    REFERENCE,
    capitalised,
    confidence,
    count,
    hazard_ratio,
    p_value,
    tick,
)
from analyses.plots import forest_rows
from analyses.plots.forest_rows import ForestRow, Models, named_columns
from analyses.plots.layout import bare, blank, sheet
from analyses.plots.style import INK, PAGE, FigureStyle, add_text, drawable
from analyses.results.cox import Coefficient, CoxModel

_MARGIN_MM = 1.5
_GAP_MM = 3.0
_INDENT_MM = 2.5
_LEAST_PANEL_MM = 20.0
_NARROWEST_PANEL_MM = 14.0
_WIDEST_LABEL = 0.36  # of the figure
_PITCH = 1.2  # rows stand this much further apart than lines of text
_SIDES = (2.2, 6.5)  # of the squares, points
_LADDERS = (
    (0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.4),
    (0.5, 0.7, 1.0, 1.4, 2.0),
    (0.25, 0.5, 1.0, 2.0, 4.0),
    (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0),
    (0.01, 0.1, 1.0, 10.0, 100.0),
)
_PLAIN_LIMITS = (0.1, 10.0)  # limits beyond these are clipped unless an estimate lies there
_FARTHEST = (0.01, 100.0)  # estimates beyond these are shown by an arrow alone


@dataclass(frozen=True, slots=True, eq=False)
class ForestMark:
    """What one coefficient became: a square and a line, and an arrow for each clipped limit.

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
    """One text of the table: of which column and row, and what (``label``, ``events``, ...)."""

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
    notes: tuple[Text, ...]
    alt: str


@dataclass(frozen=True, slots=True)
class _Widths:
    """Millimetres of the parts: labels, events, and in each column panel, ratio and p."""

    label: float
    events: float
    panel: float
    ratios: tuple[float, ...]
    p: float

    @property
    def cells(self) -> list[float]:
        """Widths of the cells from left to right: words, then panel and numbers by column."""
        cells = [self.label + self.events]
        for ratio in self.ratios:
            cells += [self.panel, ratio + self.p]
        return cells

    def left(self, column: int) -> float:
        """Left edge of a column's numbers."""
        return sum(self.cells[: 2 * column + 2])


@dataclass(frozen=True, slots=True, eq=False)
class _Plan:
    """All that is settled before anything is drawn."""

    columns: tuple[tuple[str, tuple[CoxModel, ...]], ...]
    rows: tuple[ForestRow, ...]
    labels: tuple[tuple[str, ...], ...]
    style: FigureStyle
    limits: tuple[float, float]
    widths: _Widths
    notes: tuple[str, ...]

    @property
    def pitch(self) -> float:
        """Distance of two rows of one line."""
        return _PITCH * self.style.line_height(self.style.small_size)

    @property
    def tops(self) -> tuple[float, ...]:
        """Upper edge of each row, and the lower edge of the last."""
        line = self.style.line_height(self.style.small_size)
        edges = [0.0]
        for lines in self.labels:
            edges.append(edges[-1] + self.pitch + (len(lines) - 1) * line)
        return tuple(edges)

    @property
    def heights(self) -> tuple[float, ...]:
        """Millimetres of margin, heads, rows, axis words, notes."""
        style = self.style
        line = style.line_height(style.small_size)
        titled = any(title for title, _ in self.columns)
        foot = len(self.notes) * style.line_height(style.small_size - 0.5) + 1.5 + _MARGIN_MM
        axis = 3 * line + 2.5
        return (_MARGIN_MM, (1 + titled) * line + 1, max(self.tops[-1], self.pitch), axis, foot)


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
        One model, or columns side by side: ``{"Unadjusted": univariable, "Adjusted": model}``,
        where a column of several models is one of each term alone.
    ax
        Axes whose place the whole figure takes; a new figure where absent.

    Returns
    -------
    ForestArtists
        Squares and lines stand at the models' own hazard ratios.

    Notes
    -----
    Checked against the models' coefficients (tests/analyses/test_plot_forest.py).
    """
    place = sheet(ax, style)
    plan = _plan(named_columns(models), place.style)
    heights = place.rows(plan.heights, 2, 10.0)
    grid = place.grid(heights, plan.widths.cells)
    figure, style = place.figure, plan.style
    if place.home is not None:
        place.home.set_subplotspec(grid[:, :])
        blank(place.home, 1, 1)
    head, body, foot = (
        blank(figure.add_subplot(grid[row, :]), style.width_mm, plan.heights[row])
        for row in (1, 2, 4)
    )
    panels = tuple(
        (title, _dressed(figure.add_subplot(grid[2, 2 * i + 1]), plan))
        for i, (title, _) in enumerate(plan.columns)
    )
    marks = [
        mark
        for column, (title, panel) in enumerate(panels)
        for mark in _draw_marks(panel, title, column, plan)
    ]
    return ForestArtists(
        figure=place.whole,
        panels=panels,
        marks=tuple(marks),
        cells=_draw_cells(body, plan),
        heads=_draw_heads(head, plan),
        unit_lines=tuple(p.axvline(1, color=INK, linewidth=0.7, zorder=1) for _, p in panels),
        notes=_draw_notes(foot, plan),
        alt=forest_rows.alternative_text(plan.columns, plan.rows, style),
    )


def _plan(columns: tuple[tuple[str, tuple[CoxModel, ...]], ...], style: FigureStyle) -> _Plan:
    rows = forest_rows.forest_rows(columns)
    limits = _limits([c for row in rows for c in row.coefficients if c is not None])
    widths = _widths(columns, rows, style)
    size = style.small_size
    labels = tuple(
        style.wrap(
            row.words,
            widths.label - _GAP_MM - (0 if _outer(row) else _INDENT_MM),
            "semibold" if row.heading else "regular",
            size,
        )
        for row in rows
    )
    clipped = any(_beyond(c, limits) for row in rows for c in row.coefficients if c is not None)
    said = forest_rows.notes(columns, rows, clipped=clipped)
    room = style.width_mm - 2 * _MARGIN_MM
    lines = [line for note in said for line in style.wrap(note, room, size=size - 0.5)]
    return _Plan(columns, rows, labels, style, limits, widths, tuple(lines))


def _outer(row: ForestRow) -> bool:
    """Whether the row stands at the left edge: a heading, or a term without levels."""
    return row.heading or row.level is None


def _widths(
    columns: tuple[tuple[str, tuple[CoxModel, ...]], ...],
    rows: Sequence[ForestRow],
    style: FigureStyle,
) -> _Widths:
    """Widths of all parts: the panels take what is left, p and then events give way to them."""

    def widest(texts: list[str]) -> float:
        size = style.small_size
        return max((style.width(text, "semibold", size) for text in texts), default=0) + _GAP_MM

    words = [row.words + ("" if _outer(row) else " " * 4) for row in rows]
    label = min(widest(words) + _INDENT_MM, _WIDEST_LABEL * style.width_mm)
    events = widest([_events_head(), *(_events(row, style) for row in rows)])
    ratios = tuple(
        widest([_ratio_head(own), *(_ratio(row, i, style) for row in rows)])
        for i, (_, own) in enumerate(columns)
    )
    p = widest(
        [style.numbers.p_symbol, *(_p(row, i, style) for row in rows for i in range(len(columns)))]
    )
    panel = 0.0
    for with_events, with_p in ((events, p), (events, 0.0), (0.0, 0.0)):
        rest = style.width_mm - label - with_events - sum(ratios) - with_p * len(ratios)
        panel = rest / max(len(columns), 1)
        if panel >= _LEAST_PANEL_MM:
            return _Widths(label, with_events, panel, ratios, with_p)
    return _Widths(label, 0.0, max(panel, _NARROWEST_PANEL_MM), ratios, 0.0)


def _events_head() -> str:
    return "Events/patients"


def _ratio_head(models: Sequence[CoxModel]) -> str:
    level = models[0].conf_level if models else 0.95
    return f"HR ({confidence(level)})"


def _cell(row: ForestRow, column: int) -> Coefficient | None:
    return row.coefficients[column] if column < len(row.coefficients) else None


def _events(row: ForestRow, style: FigureStyle) -> str:
    c = row.shown
    return "" if c is None else f"{count(c.n_event, style.numbers)}/{count(c.n, style.numbers)}"


def _ratio(row: ForestRow, column: int, style: FigureStyle) -> str:
    """The hazard ratio in words; a dash where this column's models lack the row."""
    c = _cell(row, column)
    if row.heading:
        return ""
    if c is None:
        return style.numbers.dash
    if c.is_reference:
        return REFERENCE
    if c.status != "ok":
        return capitalised(NOT_ESTIMABLE)
    return hazard_ratio(*c.hazard_ratio, style.numbers)


def _p(row: ForestRow, column: int, style: FigureStyle) -> str:
    c = _cell(row, column)
    return "" if c is None or c.p_value is None else p_value(c.p_value, style.numbers)


def _limits(coefficients: Sequence[Coefficient]) -> tuple[float, float]:
    """Ends of the axis: around every limit within reason and every estimate within reach."""
    low, high = math.log(0.8), math.log(1.25)
    for c in coefficients:
        for value, (least, most) in (
            (c.estimate, _FARTHEST),
            (c.conf_low, _PLAIN_LIMITS),
            (c.conf_high, _PLAIN_LIMITS),
        ):
            if value is not None:
                low = min(low, max(value, math.log(least)))
                high = max(high, min(value, math.log(most)))
    return math.exp(low - 0.08), math.exp(high + 0.08)


def _beyond(c: Coefficient, limits: tuple[float, float]) -> tuple[str, ...]:
    """Sides of the axis that the interval, or the estimate, runs past."""
    reached = [x for x in (c.conf_low, c.estimate, c.conf_high) if x is not None]
    if not reached:
        return ()
    left = ("low",) if min(reached) < math.log(limits[0]) else ()
    return (*left, "high") if max(reached) > math.log(limits[1]) else left


def _dressed(panel: Axes, plan: _Plan) -> Axes:
    """A panel's log axis with round ticks and its title; rows in millimetres from the top."""
    style = plan.style
    bare(panel, left=False)
    panel.set_xscale("log")
    panel.set_xlim(*plan.limits)
    panel.set_ylim(plan.heights[2], 0)
    panel.yaxis.set_major_locator(NullLocator())
    panel.xaxis.set_minor_locator(NullLocator())
    panel.xaxis.set_minor_formatter(NullFormatter())
    size = style.small_size
    words = style.words(size=size)
    ticks = _ticks(plan.limits, plan.widths.panel, style)
    panel.xaxis.set_major_locator(FixedLocator(ticks))
    panel.set_xticks(ticks, labels=[tick(x) for x in ticks], **words)
    title = "Hazard ratio (log scale)"
    if style.width(title, size=size) > plan.widths.panel:
        title = "HR (log)"
    left, right = "← lower hazard", "higher hazard →"
    room = plan.widths.panel - style.width(left, size=size) - style.width(right, size=size)
    panel.set_xlabel(f"{left}   {right}\n{title}" if room > 2 else title, labelpad=2, **words)
    return panel


def _ticks(limits: tuple[float, float], width_mm: float, style: FigureStyle) -> list[float]:
    """Round hazard ratios within the axis: the finest ladder whose numbers stand apart."""
    low, high = limits
    for ladder in _LADDERS:
        inside = [x for x in ladder if low <= x <= high]
        places = [math.log(x / low) / math.log(high / low) * width_mm for x in inside]
        half = [style.width(tick(x), size=style.small_size) / 2 + 0.6 for x in inside]
        apart = all(
            places[i + 1] - places[i] > half[i] + half[i + 1] for i in range(len(inside) - 1)
        )
        covers = not inside or (ladder[0] <= low * 1.5 and ladder[-1] >= high / 1.5)
        if len(inside) > 1 and apart and covers:
            return inside
    return [1.0]


def _middle(plan: _Plan, row: int) -> float:
    """Height of a row's first line."""
    return plan.tops[row] + plan.pitch / 2


def _draw_marks(panel: Axes, title: str, column: int, plan: _Plan) -> list[ForestMark]:
    """Squares, intervals and arrows of one column."""
    shown = [row.shown for row in plan.rows]
    most = max((c.n_event for c in shown if c is not None), default=0)
    marks = []
    for i, row in enumerate(plan.rows):
        c = _cell(row, column)
        if c is not None and c.status == "ok" and c.estimate is not None:
            marks.append(_draw_mark(panel, title, c, _middle(plan, i), most, plan))
    return marks


def _draw_mark(
    panel: Axes, title: str, c: Coefficient, y: float, most: int, plan: _Plan
) -> ForestMark:
    """One coefficient: what lies beyond the axis becomes an arrow at its edge."""
    low, high = plan.limits
    estimate, lower, upper = c.hazard_ratio
    square = interval = None
    if lower is not None or c.conf_high is not None:
        ends = [max(lower or 0.0, low), high if upper is None else min(upper, high)]
        (interval,) = panel.plot(ends, [y, y], color=INK, linewidth=0.9, solid_capstyle="butt")
    if estimate is not None and low <= estimate <= high:
        side = _SIDES[0] + (_SIDES[1] - _SIDES[0]) * math.sqrt(c.n_event / most if most else 0)
        face = "white" if c.is_reference else INK
        (square,) = panel.plot(
            [estimate], [y], "s", markersize=side, color=INK, markerfacecolor=face,
            markeredgewidth=0.7, zorder=3,
        )  # fmt: skip
    arrows = []
    for which in _beyond(c, plan.limits):
        at, marker = (low, "<") if which == "low" else (high, ">")
        (arrow,) = panel.plot(
            [at], [y], marker, markersize=3.5, color=INK, markeredgewidth=0, clip_on=False
        )
        arrows.append(arrow)
    return ForestMark(title, c.term, c.level, square, interval, tuple(arrows))


def _draw_cells(body: Axes, plan: _Plan) -> tuple[ForestCell, ...]:
    """The words and numbers of every row."""
    style, size, widths = plan.style, plan.style.small_size, plan.widths
    line = style.line_height(size)
    plain = style.words(size=size)
    cells = []
    for i, row in enumerate(plan.rows):
        y = _middle(plan, i)
        words = style.words("semibold" if row.heading else "regular", size)
        x = 0.3 if _outer(row) else _INDENT_MM
        for k, text in enumerate(plan.labels[i]):
            artist = add_text(body, (x, y + k * line), text, words)
            cells.append(ForestCell("", row.term, row.level, "label", artist))
        texts = [("", "events", widths.label, _events(row, style))] if widths.events else []
        for column, (title, _) in enumerate(plan.columns):
            left = widths.left(column) + _GAP_MM / 2
            texts.append((title, "hazard_ratio", left, _ratio(row, column, style)))
            if widths.p:
                texts.append((title, "p", left + widths.ratios[column], _p(row, column, style)))
        for title, quantity, left, text in texts:
            if text:
                artist = add_text(body, (left, y), text, plain)
                cells.append(ForestCell(title, row.term, row.level, quantity, artist))
    return tuple(cells)


def _draw_heads(head: Axes, plan: _Plan) -> tuple[Text, ...]:
    """Titles of the columns and of their parts."""
    style, size, widths = plan.style, plan.style.small_size, plan.widths
    bold = style.words("semibold", size)
    line = style.line_height(size)
    last = plan.heights[1] - 1 - line / 2
    heads = []
    if widths.events:
        heads.append(add_text(head, (widths.label, last), _events_head(), bold))
    for column, (title, models) in enumerate(plan.columns):
        left = widths.left(column) + _GAP_MM / 2
        heads.append(add_text(head, (left, last), _ratio_head(models), bold))
        if widths.p:
            at = left + widths.ratios[column]
            heads.append(add_text(head, (at, last), style.numbers.p_symbol, bold))
        if title:
            start = left - widths.panel
            heads.append(add_text(head, (start, last - line), drawable(title), bold))
    return tuple(heads)


def _draw_notes(foot: Axes, plan: _Plan) -> tuple[Text, ...]:
    """The notes, line by line."""
    size = plan.style.small_size - 0.5
    line = plan.style.line_height(size)
    words = plan.style.words(size=size)
    return tuple(
        add_text(foot, (0.3, 1.5 + (i + 0.5) * line), text, words)
        for i, text in enumerate(plan.notes)
    )
