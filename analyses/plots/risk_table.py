"""The table under survival curves: at risk, censored and events by group, under the same ticks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.text import Text

from analyses.formatting import NumberStyle, count, number
from analyses.plots.style import FigureStyle, Look, add_text

ROWS = (("n_risk", "At risk"), ("n_censor", "Censored"), ("n_event", "Events"))
KEY_MM = 6.0
_INDENT_MM = 2.0
_GAP_MM = 1.2  # above each group but the first


@dataclass(frozen=True, slots=True)
class RiskCell:
    """One number of the table: whose, of what (``n_risk``, ``n_censor``, ``n_event``), when."""

    group: str
    quantity: str
    time: float
    text: Text


@dataclass(frozen=True, slots=True)
class RiskTable:
    """The table's artists: numbers, row labels, group names (line by line), and the keys."""

    cells: tuple[RiskCell, ...]
    row_labels: tuple[tuple[str, str, Text], ...]
    group_labels: tuple[tuple[str, Text], ...]
    keys: tuple[tuple[str, Line2D], ...]


@dataclass(frozen=True, slots=True)
class RiskGroup:
    """A group of the table: its level, the lines of its words, its look."""

    group: str
    lines: tuple[str, ...]
    look: Look


def name_lines(words: str, style: FigureStyle) -> tuple[str, ...]:
    """A group's words in lines that fit beside the key."""
    room = style.width_mm - KEY_MM - 3.0
    return style.wrap(words, room, "semibold", style.small_size)


def risk_table_height(groups: Sequence[RiskGroup], style: FigureStyle) -> float:
    """Height of the table in millimetres."""
    rows = sum(len(ROWS) + len(group.lines) for group in groups)
    return rows * style.line_height(style.small_size) + max(len(groups) - 1, 0) * _GAP_MM


def row_label_width(style: FigureStyle) -> float:
    """Width of the column of row labels in millimetres."""
    return _INDENT_MM + max(style.width(words, size=style.small_size) for _, words in ROWS)


def draw_risk_table(
    counts: pd.DataFrame,
    groups: Sequence[RiskGroup],
    *,
    axes: Axes,
    labels: Axes,
    style: FigureStyle,
) -> RiskTable:
    """Draw the counts (group, time, n_risk, n_censor, n_event) and return the artists.

    `axes` shares its time axis with the curves and its rows (millimetres from the top) with
    `labels`, which spans the whole width. Rows are found by the group's level, never by their
    place.
    """
    cells: list[RiskCell] = []
    row_labels: list[tuple[str, str, Text]] = []
    group_labels: list[tuple[str, Text]] = []
    keys: list[tuple[str, Line2D]] = []
    line = style.line_height(style.small_size)
    small = style.words(size=style.small_size)
    y = line / 2
    bold = style.words("semibold", style.small_size)
    for named in groups:
        group = named.group
        keys.append((group, draw_key(labels, y, named.look, style)))
        for i, words in enumerate(named.lines):
            at = (KEY_MM + 1.2, y + i * line)
            group_labels.append((group, add_text(labels, at, words, bold)))
        y += (len(named.lines) - 1) * line
        own = counts[counts["group"] == group]
        for quantity, row in ROWS:
            y += line
            row_labels.append((group, quantity, add_text(labels, (_INDENT_MM, y), row, small)))
            for time, n in zip(own["time"], own[quantity], strict=True):
                if pd.isna(n):
                    continue
                text = risk_words(n, style.numbers)
                artist = add_text(axes, (float(time), y), text, small, "center")
                cells.append(RiskCell(group, quantity, float(time), artist))
        y += line + _GAP_MM
    return RiskTable(tuple(cells), tuple(row_labels), tuple(group_labels), tuple(keys))


def risk_words(n: float, style: NumberStyle) -> str:
    """Patients, or what they weigh to one decimal."""
    return number(n, 1, style) if isinstance(n, float) else count(int(n), style)


def draw_key(axes: Axes, y: float, look: Look, style: FigureStyle) -> Line2D:
    """A short stroke of the group's line at the left edge, at this height."""
    (key,) = axes.plot(
        [0.3, KEY_MM],
        [y, y],
        color=look.colour,
        linestyle=look.dashes,
        linewidth=style.line_width * 1.2,
        solid_capstyle="butt",
        clip_on=False,
    )
    return key
