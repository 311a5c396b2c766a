"""The layout of a forest plot: widths, heights, ends and ticks of the axis, words of the cells."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from analyses.formatting import (
    NOT_ESTIMABLE,
    REFERENCE,
    NumberStyle,
    capitalised,
    confidence,
    count,
    hazard_ratio,
    p_value,
    tick,
)
from analyses.plots import forest_rows
from analyses.plots.forest_rows import ForestRow, Model, words_of
from analyses.plots.style import FigureStyle
from analyses.results.coefficient import Coefficient

Columns = tuple[tuple[str, tuple[Model, ...]], ...]

EVENTS_HEAD = "Events/patients"
MARGIN_MM = 1.5
GAP_MM = 3.5
ARROW_MM = 2.2  # room for an arrow between a panel and its numbers
INDENT_MM = 2.5
_LEAST_PANEL_MM = 20.0
_NARROWEST_PANEL_MM = 16.0
_PITCH = 1.2  # rows stand this much further apart than lines of text
# What gives way where the panels are narrow: long labels are wrapped (their share of the
# width), then p-values are left out, then events.
_CONCESSIONS = ((0.36, True, True), (0.25, True, True), (0.25, True, False), (0.25, False, False))
_LADDERS = (
    (0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.4),
    (0.5, 0.7, 1.0, 1.4, 2.0),
    (0.25, 0.5, 1.0, 2.0, 4.0),
    (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0),
    (0.1, 0.3, 1.0, 3.0, 10.0),
    (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0),
    (0.01, 0.1, 1.0, 10.0, 100.0),
)
_PLAIN_LIMITS = (0.1, 10.0)  # limits beyond these are clipped unless an estimate lies there
_FARTHEST = (0.01, 100.0)  # estimates beyond these are shown by an arrow alone


class OnLogScale(Protocol):
    """An estimate with its limits on the logarithmic scale, None where not defined."""

    @property
    def estimate(self) -> float | None:
        """The logarithm of the ratio."""

    @property
    def conf_low(self) -> float | None:
        """Its lower limit."""

    @property
    def conf_high(self) -> float | None:
        """Its upper limit."""


@dataclass(frozen=True, slots=True)
class Widths:
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
class ForestPlan:
    """All that is settled before anything is drawn.

    `labels` are the lines of each row's words, `limits` the ends of the axis.
    """

    columns: Columns
    rows: tuple[ForestRow, ...]
    labels: tuple[tuple[str, ...], ...]
    style: FigureStyle
    limits: tuple[float, float]
    widths: Widths
    notes: tuple[str, ...]

    @property
    def line(self) -> float:
        """Distance of two lines of one text."""
        return self.style.line_height(self.style.small_size)

    @property
    def pitch(self) -> float:
        """Height of a row of one line."""
        return _PITCH * self.line

    @property
    def tops(self) -> tuple[float, ...]:
        """Upper edge of each row, and the lower edge of the last."""
        edges = [0.0]
        for lines in self.labels:
            edges.append(edges[-1] + self.pitch + (len(lines) - 1) * self.line)
        return tuple(edges)

    def middle(self, row: int) -> float:
        """Height of a row's first line."""
        return self.tops[row] + self.pitch / 2

    @property
    def fine(self) -> float:
        """Size of the notes, in points."""
        return self.style.small_size - 0.5

    @property
    def one(self) -> float:
        """Place of a hazard ratio of 1 in a panel, millimetres from its left."""
        low, high = (math.log(limit) for limit in self.limits)
        return -low / (high - low) * self.widths.panel

    @property
    def hinted(self) -> bool:
        """Whether there is room to say on which side of 1 the hazard is lower."""
        size = self.style.small_size
        rooms = (self.one, self.widths.panel - self.one)
        return all(
            self.style.width(hint, size=size) + 1 < room + GAP_MM
            for _, models in self.columns
            for hint, room in zip(words_of(models).hints, rooms, strict=True)
        )

    @property
    def heights(self) -> tuple[float, ...]:
        """Millimetres of margin, heads, rows, words under the axis, notes."""
        titled = any(title for title, _ in self.columns)
        foot = len(self.notes) * self.style.line_height(self.fine) + 1.0 + MARGIN_MM
        rows = max(self.tops[-1], self.pitch)
        under = (2 + self.hinted) * self.line + 2.4
        return (MARGIN_MM, (1 + titled) * self.line + 1, rows, under, foot)


def forest_plan(columns: Columns, style: FigureStyle) -> ForestPlan:
    """The layout in a figure of this width; one too narrow for its columns grows wider."""
    rows = forest_rows.forest_rows(columns)
    limits = axis_limits([c for row in rows for c in row.coefficients if c is not None])
    widths = _widths(columns, rows, style)
    style = replace(style, width_mm=sum(widths.cells))
    size = style.small_size
    labels = tuple(
        style.wrap(
            row.words,
            widths.label - GAP_MM - (0 if outer(row) else INDENT_MM),
            "semibold" if row.heading else "regular",
            size,
        )
        for row in rows
    )
    clipped = any(beyond(c, limits) for row in rows for c in row.coefficients if c is not None)
    said = forest_rows.notes(columns, rows, clipped=clipped, counted=widths.events > 0)
    room = style.width_mm - 2 * MARGIN_MM
    lines = [line for note in said for line in style.wrap(note, room, size=size - 0.5)]
    return ForestPlan(columns, rows, labels, style, limits, widths, tuple(lines))


def outer(row: ForestRow) -> bool:
    """Whether the row stands at the left edge: a heading, or a term without levels."""
    return row.heading or row.level is None


def _widths(columns: Columns, rows: Sequence[ForestRow], style: FigureStyle) -> Widths:
    """Widths of all parts: the panels take what is left."""

    def widest(texts: list[str]) -> float:
        size = style.small_size
        return max((style.width(text, "semibold", size) for text in texts), default=0) + GAP_MM

    natural = widest([row.words for row in rows]) + INDENT_MM
    events = widest([EVENTS_HEAD, *(events_words(row, style) for row in rows)])
    places = range(len(columns))
    ratios = tuple(
        widest(
            [
                ratio_head(columns[i][1], style.numbers),
                *(ratio_words(row, i, style) for row in rows),
            ]
        )
        for i in places
    )
    p = widest([style.numbers.p_symbol, *(p_words(row, i, style) for row in rows for i in places)])
    narrow = Widths(natural, events, 0.0, ratios, p)
    for share, with_events, with_p in _CONCESSIONS:
        narrow = Widths(
            label=min(natural, share * style.width_mm),
            events=events if with_events else 0.0,
            panel=0.0,
            ratios=ratios,
            p=p if with_p else 0.0,
        )
        panel = (style.width_mm - sum(narrow.cells)) / max(len(columns), 1)
        if panel >= _LEAST_PANEL_MM:
            return replace(narrow, panel=panel)
    panel = (style.width_mm - sum(narrow.cells)) / max(len(columns), 1)
    return replace(narrow, panel=max(panel, _NARROWEST_PANEL_MM))


def ratio_head(models: Sequence[Model], style: NumberStyle) -> str:
    """What the numbers of a column are."""
    head = words_of(models).head
    return f"{head} ({confidence(models[0].conf_level, style)})" if models else head


def cell_of(row: ForestRow, column: int) -> Coefficient | None:
    """The row's coefficient in a column."""
    return row.coefficients[column] if column < len(row.coefficients) else None


def events_words(row: ForestRow, style: FigureStyle) -> str:
    """Events and patients at the row's level."""
    c = row.shown
    return "" if c is None else f"{count(c.n_event, style.numbers)}/{count(c.n, style.numbers)}"


def ratio_words(row: ForestRow, column: int, style: FigureStyle) -> str:
    """The hazard ratio with limits; a dash where this column's models lack the row."""
    c = cell_of(row, column)
    if row.heading:
        return ""
    if c is None:
        return style.numbers.dash
    if c.is_reference:
        return REFERENCE
    if c.status != "ok":
        return capitalised(NOT_ESTIMABLE)
    return hazard_ratio(*c.hazard_ratio, style.numbers)


def p_words(row: ForestRow, column: int, style: FigureStyle) -> str:
    """The p-value; nothing where there is none."""
    c = cell_of(row, column)
    return "" if c is None or c.p_value is None else p_value(c.p_value, style.numbers)


def axis_limits(coefficients: Sequence[OnLogScale]) -> tuple[float, float]:
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
    margin = 0.05 + 0.05 * (high - low)
    return math.exp(low - margin), math.exp(high + margin)


def beyond(c: OnLogScale, limits: tuple[float, float]) -> tuple[str, ...]:
    """Sides of the axis (``low``, ``high``) that the interval, or the estimate, runs past."""
    reached = [x for x in (c.conf_low, c.estimate, c.conf_high) if x is not None]
    if not reached:
        return ()
    left = ("low",) if min(reached) < math.log(limits[0]) else ()
    return (*left, "high") if max(reached) > math.log(limits[1]) else left


def axis_ticks(limits: tuple[float, float], width_mm: float, style: FigureStyle) -> list[float]:
    """Round hazard ratios within the axis: the finest ladder whose numbers stand apart."""
    low, high = limits
    for ladder in _LADDERS:
        inside = [x for x in ladder if low <= x <= high]
        places = [math.log(x / low) / math.log(high / low) * width_mm for x in inside]
        half = [
            style.width(tick(x, style.numbers), size=style.small_size) / 2 + 0.6 for x in inside
        ]
        apart = all(
            places[i + 1] - places[i] > half[i] + half[i + 1] for i in range(len(inside) - 1)
        )
        covers = ladder[0] <= low * 1.5 and ladder[-1] >= high / 1.5
        if len(inside) > 1 and apart and covers:
            return inside
    return [1.0]
