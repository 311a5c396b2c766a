"""The lines of a figure of ratios: words, numbers in columns, and where each estimate lies."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from analyses.plots.forest_layout import ARROW_MM, GAP_MM, MARGIN_MM, axis_limits, beyond
from analyses.plots.style import FigureStyle

_INDENT_MM = 2.5
_PITCH = 1.2  # rows stand this much further apart than lines of text
_LEAST_PANEL_MM = 34.0
_LABEL_SHARE = 0.34  # of the width, past which words are wrapped
_HEAD_LINES = 3


@dataclass(frozen=True, slots=True)
class RatioLine:
    """One line: a heading, or an estimate on the logarithmic scale beside its numbers.

    Attributes
    ----------
    key
        What it is, by which its artists are found.
    words, depth
        Its label, shifted right by so many steps.
    before, after
        Texts of the columns left and right of the panel; those of a heading may be empty.
    estimate, conf_low, conf_high
        Natural logarithms; None where there is nothing to draw.
    size
        What the square's area is in proportion to, such as events.
    is_heading, is_grey, is_open
        A heading is set bold; grey stands for too little to rest on; open squares are references.
    """

    key: tuple[str, ...]
    words: str
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    estimate: float | None = None
    conf_low: float | None = None
    conf_high: float | None = None
    size: float = 0.0
    depth: int = 0
    is_heading: bool = False
    is_grey: bool = False
    is_open: bool = False


@dataclass(frozen=True, slots=True)
class RatioFigure:
    """All that a figure of ratios shows and says.

    Attributes
    ----------
    lines
        From above to below.
    heads_before, heads_after
        Titles of the columns left and right of the panel.
    title
        Under the axis.
    hints
        What lies left and right of 1.
    note, alt
        The statement under the figure, and the figure in words.
    """

    lines: tuple[RatioLine, ...]
    heads_before: tuple[str, ...]
    heads_after: tuple[str, ...]
    title: str
    hints: tuple[str, str]
    note: str
    alt: str


@dataclass(frozen=True, slots=True, eq=False)
class RatioPlan:
    """All that is settled before anything is drawn; lengths in millimetres.

    `labels` are the lines of each row's words, `heads` those of each column's title.
    """

    shown: RatioFigure
    style: FigureStyle
    limits: tuple[float, float]
    label_mm: float
    before_mm: tuple[float, ...]
    panel_mm: float
    after_mm: tuple[float, ...]
    labels: tuple[tuple[str, ...], ...]
    heads: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...]

    @property
    def line(self) -> float:
        """Distance of two lines of one text."""
        return self.style.line_height(self.style.small_size)

    @property
    def fine(self) -> float:
        """Size of the notes, in points."""
        return self.style.small_size - 0.5

    @property
    def tops(self) -> tuple[float, ...]:
        """Upper edge of each row, and the lower edge of the last."""
        edges = [0.0]
        for words in self.labels:
            edges.append(edges[-1] + (_PITCH + len(words) - 1) * self.line)
        return tuple(edges)

    def middle(self, row: int) -> float:
        """Height of a row's first line."""
        return self.tops[row] + _PITCH * self.line / 2

    def left(self, row: int) -> float:
        """Where a row's words begin."""
        return 0.3 + _INDENT_MM * self.shown.lines[row].depth

    @property
    def columns(self) -> tuple[float, ...]:
        """Left edge of every column of texts: those before the panel, then those after it."""
        edges, x = [], self.label_mm
        for width in self.before_mm:
            edges.append(x)
            x += width
        x += self.panel_mm + ARROW_MM
        for width in self.after_mm:
            edges.append(x)
            x += width
        return tuple(edges)

    @property
    def one(self) -> float:
        """Place of a ratio of 1 in the panel, from its left."""
        low, high = (math.log(limit) for limit in self.limits)
        return -low / (high - low) * self.panel_mm

    @property
    def hinted(self) -> bool:
        """Whether there is room to say what lies on either side of 1."""
        rooms = (self.one, self.panel_mm - self.one)
        widths = [self.style.width(h, size=self.style.small_size) for h in self.shown.hints]
        return all(w + 1 < room + GAP_MM for w, room in zip(widths, rooms, strict=True))

    @property
    def heights(self) -> tuple[float, float, float, float, float]:
        """Margin, heads, rows, words under the axis, notes."""
        head = max((len(lines) for lines in self.heads), default=1) * self.line + 1
        foot = len(self.notes) * self.style.line_height(self.fine) + 1.0 + MARGIN_MM
        under = (2 + self.hinted) * self.line + 2.4
        return MARGIN_MM, head, max(self.tops[-1], self.line), under, foot


def ratio_plan(shown: RatioFigure, style: FigureStyle) -> RatioPlan:
    """The layout in a figure of this width; one too narrow for its columns grows wider."""
    size = style.small_size
    heads = tuple(
        tuple(part for part in head.split("\n")[:_HEAD_LINES])
        for head in (*shown.heads_before, *shown.heads_after)
    )
    natural = max(
        (
            style.width(line.words, "semibold" if line.is_heading else "regular", size)
            + _INDENT_MM * line.depth
            for line in shown.lines
        ),
        default=0.0,
    )
    label = min(natural + GAP_MM, _LABEL_SHARE * style.width_mm)
    n_before = len(shown.heads_before)
    widths = [
        max(
            [style.width(part, "semibold", size) for part in heads[i]]
            + [style.width(_text(line, i, n_before), size=size) for line in shown.lines]
        )
        + GAP_MM
        for i in range(len(heads))
    ]
    panel = max(style.width_mm - label - ARROW_MM - sum(widths), _LEAST_PANEL_MM)
    style = replace(style, width_mm=label + panel + ARROW_MM + sum(widths))
    labels = tuple(
        style.wrap(
            line.words,
            label - GAP_MM - _INDENT_MM * line.depth + 0.5,
            "semibold" if line.is_heading else "regular",
            size,
        )
        for line in shown.lines
    )
    limits = axis_limits(shown.lines)
    said = shown.note
    if any(beyond(line, limits) for line in shown.lines):
        said += " Arrows: limits beyond the axis."
    notes = style.wrap(said, style.width_mm - 2 * MARGIN_MM, size=size - 0.5)
    return RatioPlan(
        shown,
        style,
        limits,
        label,
        tuple(widths[:n_before]),
        panel,
        tuple(widths[n_before:]),
        labels,
        heads,
        notes,
    )


def _text(line: RatioLine, column: int, n_before: int) -> str:
    """What a line says in a column of texts, counted over both sides of the panel."""
    side, place = (line.before, column) if column < n_before else (line.after, column - n_before)
    return side[place] if place < len(side) else ""


def texts_of(line: RatioLine, n_before: int, n: int) -> tuple[str, ...]:
    """What a line says in each of the n columns of texts."""
    return tuple(_text(line, column, n_before) for column in range(n))
