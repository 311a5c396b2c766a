"""The block above survival curves: each group's key, name, counts and median; the test."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.text import Text

from analyses.formatting import SELF_NAMED
from analyses.plots.curve_words import ShownGroup, column_heads, column_rows, test_words
from analyses.plots.risk_table import KEY_MM, draw_key
from analyses.plots.style import FigureStyle, add_text
from analyses.plots.time_axis import TimeAxis
from analyses.results.logrank import LogRank
from analyses.results.survival import KaplanMeier

Header = tuple[tuple[str, tuple[Text, ...]], ...]

_NAME_SHARE = 0.36  # of the width
_COLUMN_GAP_MM = 4.0
_NAME_MM = KEY_MM + 1.2


def header_height(groups: Sequence[ShownGroup], test: LogRank | None, style: FigureStyle) -> float:
    """Height of the block in millimetres."""
    lines = sum(len(_name_lines(group, style)) for group in groups)
    return (lines + 1 + (test is not None)) * style.line_height(style.small_size)


def draw_header(
    axes: Axes,
    result: KaplanMeier,
    groups: Sequence[ShownGroup],
    *,
    axis: TimeAxis,
    test: LogRank | None,
    style: FigureStyle,
) -> tuple[Header, Text | None]:
    """Draw the block and return (group, name, counts, median, the name's further lines), test."""
    heads = column_heads(result, axis, style)
    if result.by is None or result.by in SELF_NAMED:
        heads = ("", *heads[1:])
    rows = column_rows(result, groups, axis, style)
    names = {group.name: _name_lines(group, style) for group in groups}
    size = style.small_size
    line = style.line_height(size)
    x = _edges(heads, [line for lines in names.values() for line in lines], rows, style)
    y = line / 2
    for at, text in zip(x, heads, strict=True):
        add_text(axes, (at, y), text, style.words("semibold", size))
    header = []
    words = style.words(size=size)
    for group, (name, (_, *numbers)) in zip(groups, rows, strict=True):
        y += line
        draw_key(axes, y, group.look, style)
        first, *further = names[name]
        texts = [
            add_text(axes, (at, y), text, words)
            for at, text in zip(x, (first, *numbers), strict=True)
        ]
        for text in further:
            y += line
            texts.append(add_text(axes, (x[0], y), text, words))
        header.append((name, tuple(texts)))
    if test is None:
        return tuple(header), None
    return tuple(header), add_text(axes, (x[0], y + line), test_words(test, style), words)


def _name_lines(group: ShownGroup, style: FigureStyle) -> tuple[str, ...]:
    """The group's words in lines that leave room for its numbers."""
    room = _NAME_SHARE * style.width_mm - KEY_MM
    return style.wrap(group.words, room, size=style.small_size)


def _edges(
    heads: Sequence[str],
    names: Sequence[str],
    rows: Sequence[tuple[str, tuple[str, str, str]]],
    style: FigureStyle,
) -> list[float]:
    """Left edges of the three columns."""
    size = style.small_size
    edges = [_NAME_MM]
    for head, cells in ((heads[0], names), (heads[1], [counts for _, (_, counts, _) in rows])):
        widths = [style.width(head, "semibold", size), *(style.width(c, size=size) for c in cells)]
        edges.append(edges[-1] + max(widths) + _COLUMN_GAP_MM)
    return edges
