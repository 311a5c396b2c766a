"""The layout of a forest of studies: widths, wrapped words, ends of the axis."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from analyses.formatting import confidence
from analyses.plots.evidence_lines import Line, in_reach
from analyses.plots.style import FigureStyle

GAP_MM = 2.5
MARGIN_MM = 1.5
_PANEL_MM = 36.0
_FARTHEST = (0.1, 10.0)  # the axis holds no ratio beyond these
_COLUMNS = ("label", "how", "n", "panel", "ratio_words", "share_words", "source")
_HEADS = {"label": "", "how": "Comparison", "share_words": "Weight"}
_MOST = {"label": 36.0, "how": 24.0, "source": 31.0}  # millimetres before words are wrapped


@dataclass(frozen=True, slots=True, eq=False)
class StudyPlan:
    """All that is settled before anything is drawn; `cells` are wrapped words."""

    lines: tuple[Line, ...]
    cells: tuple[dict[str, tuple[str, ...]], ...]
    widths: dict[str, float]
    limits: tuple[float, float]
    logarithmic: bool
    heads: dict[str, str]
    title: str
    notes: tuple[str, ...]
    style: FigureStyle

    @property
    def pitch(self) -> float:
        """Height of a line of text."""
        return self.style.line_height(self.style.small_size)

    @property
    def tops(self) -> list[float]:
        """Upper edge of each line, and the lower edge of the last."""
        edges = [0.0]
        for cells in self.cells:
            edges.append(edges[-1] + self.pitch * (0.2 + max(map(len, cells.values()), default=1)))
        return edges

    def left(self, column: str) -> float:
        """Left edge of a column."""
        names = list(self.widths)
        return sum(self.widths[name] for name in names[: names.index(column)])


def study_plan(
    lines: tuple[Line, ...],
    title: str,
    notes: Sequence[str],
    style: FigureStyle,
    *,
    logarithmic: bool,
    level: float,
    counted: str = "Patients",
) -> StudyPlan:
    """Widths from the words, the panel what is left or a fair size; a figure may grow wider."""
    size = style.small_size
    heads = _HEADS | {
        "n": counted,
        "source": "Source" if any(line.source for line in lines) else "",
    }
    heads["ratio_words"] = (
        f"{'Ratio' if logarithmic else 'Estimate'} ({confidence(level, style.numbers)})"
    )
    widths = {column: _width(column, lines, heads, style) for column in _COLUMNS}
    used = sum(widths.values())
    widths["panel"] = max(style.width_mm - used, _PANEL_MM)
    style = replace(style, width_mm=used + widths["panel"])
    cells = tuple(
        {
            column: style.wrap(
                text, room, "semibold" if line.mark == "heading" else "regular", size
            )
            for column, text, room in _texts(line, widths, style)
        }
        for line in lines
    )
    room = style.width_mm - 3 * MARGIN_MM
    said = [row for note in notes for row in style.wrap(note, room, size=size - 0.5)]
    limits = _limits(in_reach(lines), logarithmic=logarithmic)
    return StudyPlan(lines, cells, widths, limits, logarithmic, heads, title, tuple(said), style)


def _width(column: str, lines: Sequence[Line], heads: dict[str, str], style: FigureStyle) -> float:
    """Width of a column of words; none where it says nothing."""
    if column == "panel":
        return 0.0
    size = style.small_size
    plain = [line for line in lines if line.mark != "heading"]
    if column == "ratio_words":
        plain = [line for line in plain if line.mark != "words"]
    texts = [getattr(line, column) for line in plain]
    if not any(texts):
        return 0.0
    widest = max(style.width(text, size=size) for text in texts)
    widest = min(widest, _MOST.get(column, widest))
    return max(widest, style.width(heads.get(column, ""), "semibold", size)) + GAP_MM


def _texts(
    line: Line, widths: dict[str, float], style: FigureStyle
) -> list[tuple[str, str, float]]:
    """(column, words, room) of a line; a heading runs over all columns."""
    if line.mark == "heading":
        return [("label", line.label, sum(widths.values()))]
    result = []
    for column in _COLUMNS:
        text = "" if column == "panel" else getattr(line, column)
        if not text or not widths[column]:
            continue
        room = widths[column] - GAP_MM
        if column == "source" and style.width(text, size=style.small_size) <= room:
            text = text.replace("/ ", "/")
        if column == "ratio_words" and line.mark == "words":
            result.append(("panel", text, widths["panel"] + room))
        else:
            result.append((column, text, room))
    return result


def _limits(values: Sequence[float], *, logarithmic: bool) -> tuple[float, float]:
    """Ends of the axis: around every estimate and limit within reach."""
    if not logarithmic:
        low, high = min([*values, 0.0]), max([*values, 0.0])
        margin = 0.05 * (high - low) or 1.0
        return low - margin, high + margin
    held = [min(max(x, _FARTHEST[0]), _FARTHEST[1]) for x in values]
    low, high = math.log(min([*held, 0.8])), math.log(max([*held, 1.25]))
    margin = 0.05 * (high - low)
    return math.exp(low - margin), math.exp(high + margin)
