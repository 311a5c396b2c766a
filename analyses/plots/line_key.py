"""The key under curves that colour and line tell apart: one row a group, then notes."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.text import Text

from analyses.plots.curve_words import group_words
from analyses.plots.style import FigureStyle, add_text, looks

_SAMPLE_MM = 8.0  # of line beside a name


def draw_line_key(
    axes: Axes, by: str | None, groups: Sequence[str], notes: Sequence[str], style: FigureStyle
) -> tuple[Text, ...]:
    """Draw the rows from the top of axes in millimetres and return their words."""
    line = style.line_height()
    names = []
    for row, (group, look) in enumerate(zip(groups, looks(by, groups), strict=True)):
        y = (row + 0.6) * line
        axes.plot(
            [0, _SAMPLE_MM],
            [y, y],
            color=look.colour,
            linestyle=look.dashes,
            linewidth=style.line_width * 1.2,
        )
        names.append(add_text(axes, (_SAMPLE_MM + 2, y), group_words(by, group), style.words()))
    for row, said in enumerate(notes, start=len(groups)):
        names.append(add_text(axes, (0, (row + 0.6) * line), said, style.words()))
    return tuple(names)
