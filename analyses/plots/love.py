"""Love plot: standardised differences before and after, a panel for each pair of groups."""

from __future__ import annotations

from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure

from analyses.formatting import label, tick
from analyses.plots.curve_words import group_words
from analyses.plots.layout import bare, blank, sheet
from analyses.plots.style import (
    BLUE,
    GREY,
    PAGE,
    FigureStyle,
    add_text,
    drawable,
    own_settings,
)
from analyses.results.balance import THRESHOLD, Balance, BalanceRow

_GAP_MM, _RIGHT_MM, _ROW_MM, _TICK_MM, _LEAST_MM = 5.0, 4.0, 5.0, 5.0, 12.0
_NAMES_SHARE = 0.26  # of the width
_STEP = 0.2


@dataclass(frozen=True, slots=True, eq=False)
class LoveArtists:
    """Every artist of the figure by name, and the words that stand in for it.

    Attributes
    ----------
    axes
        (pair, its panel).
    before, after
        (pair, the points).
    alt
        The figure in words.
    """

    figure: Figure
    axes: tuple[tuple[tuple[str, str], Axes], ...]
    before: tuple[tuple[tuple[str, str], PathCollection], ...]
    after: tuple[tuple[tuple[str, str], PathCollection], ...]
    alt: str


def plot_love(result: Balance, *, ax: Axes | None = None, style: FigureStyle = PAGE) -> LoveArtists:
    """Absolute standardised differences of every column, open before and filled after.

    Parameters
    ----------
    result
        Drawn as it is; nothing is estimated here. A difference that is not estimable has no point.
    ax
        Axes whose place the whole figure takes; a new figure where absent.
    """
    with own_settings():
        place = sheet(ax, style)
        style = place.style
        pairs = list(dict.fromkeys((row.group_a, row.group_b) for row in result.rows))
        lines = list(dict.fromkeys((row.column, row.missing) for row in result.rows))
        names_mm = _NAMES_SHARE * style.width_mm
        panel = style.width_mm - names_mm - _RIGHT_MM - (len(pairs) - 1) * _GAP_MM
        panel /= len(pairs)
        heads = [style.wrap(_pair(result, pair), panel, "semibold", style.small_size)
                 for pair in pairs]  # fmt: skip
        pitch = style.line_height(style.small_size)
        top = max(len(head) for head in heads) * pitch + 2.0
        foot = style.line_height() + pitch + 2.5
        area = _ROW_MM * len(lines) + 2.0
        if place.height_mm is not None:
            area = max(place.height_mm - top - _TICK_MM - foot, _LEAST_MM)
        widths = [names_mm, *(panel, _GAP_MM) * (len(pairs) - 1), panel, _RIGHT_MM]
        grid = place.grid([top, area, _TICK_MM, foot], widths)
        end = _end(result)
        axes, before, after = [], [], []
        for i, (pair, head) in enumerate(zip(pairs, heads, strict=True)):
            above = blank(place.figure.add_subplot(grid[0, 1 + 2 * i]), panel, top)
            for j, words in enumerate(head):
                at = (0.0, (j + 0.5) * pitch)
                add_text(above, at, words, style.words("semibold", style.small_size))
            own = place.figure.add_subplot(grid[1, 1 + 2 * i])
            rows = {
                (row.column, row.missing): row
                for row in result.rows
                if (row.group_a, row.group_b) == pair
            }
            drawn = _points(own, [rows.get(line) for line in lines])
            _dress(own, [_name(line) for line in lines] if i == 0 else None, len(lines), end, style)
            axes.append((pair, own))
            before.append((pair, drawn[0]))
            after.append((pair, drawn[1]))
        below = blank(place.figure.add_subplot(grid[3, :]), style.width_mm, foot)
        _foot(below, result, names_mm, style)
        if place.home is not None:
            place.home.set_axis_off()
        said = _alternative(result, place.style)
        return LoveArtists(place.whole, tuple(axes), tuple(before), tuple(after), said)


def _pair(result: Balance, pair: tuple[str, str]) -> str:
    return f"{group_words(result.by, pair[1])} and {group_words(result.by, pair[0])}"


def _name(line: tuple[str, bool]) -> str:
    return f"{label(line[0])}, missing" if line[1] else label(line[0])


def _end(result: Balance) -> float:
    largest = max(result.largest[0] or 0.0, result.largest[1] or 0.0, 0.15)
    return float(_STEP * int(1.05 * largest / _STEP + 1))


def _points(axes: Axes, rows: list[BalanceRow | None]) -> tuple[PathCollection, PathCollection]:
    def places(name: str) -> tuple[list[float], list[float]]:
        values = [None if row is None else getattr(row, name) for row in rows]
        known = [(value, float(y)) for y, value in enumerate(values) if value is not None]
        return [value for value, _ in known], [y for _, y in known]

    axes.axvline(THRESHOLD, color=GREY, linewidth=0.6, linestyle=(0, (2, 2)), zorder=1)
    before = axes.scatter(*places("before"), s=16, facecolors="white", edgecolors=GREY, zorder=2)
    after = axes.scatter(*places("after"), s=16, color=BLUE, zorder=3)
    return before, after


def _dress(axes: Axes, names: list[str] | None, n: int, end: float, style: FigureStyle) -> None:
    bare(axes, left=True)
    small = style.words(size=style.small_size)
    axes.set_xlim(0, end)
    axes.set_ylim(n - 0.4, -0.6)
    ticks = [_STEP * i for i in range(round(end / _STEP) + 1)] if end <= 1.2 else [0, end / 2, end]
    axes.set_xticks(ticks, labels=[tick(value, style.numbers) for value in ticks], **small)
    shown = [""] * n if names is None else [drawable(_short(name, style)) for name in names]
    axes.set_yticks(range(n), labels=shown, **small)


def _short(name: str, style: FigureStyle) -> str:
    """A name on one line of the space that there is."""
    return style.wrap(name, _NAMES_SHARE * style.width_mm - 4, size=style.small_size)[0]


def _foot(axes: Axes, result: Balance, left: float, style: FigureStyle) -> None:
    words = style.words(size=style.small_size)
    pitch = style.line_height(style.small_size)
    middle = (left + style.width_mm - _RIGHT_MM) / 2
    title = "Absolute standardised difference"
    add_text(axes, (middle, style.line_height() / 2), title, style.words(), "center")
    y = style.line_height() + 1.5 + pitch / 2
    x = left
    for filled, said in ((False, f"before {result.how}"), (True, f"after {result.how}")):
        face, edge = (BLUE, BLUE) if filled else ("white", GREY)
        axes.scatter([x + 1.5], [y], s=16, facecolors=face, edgecolors=edge, clip_on=False)
        add_text(axes, (x + 4.0, y), said, words)
        x += 4.0 + style.width(said, size=style.small_size) + 6.0
    add_text(axes, (x, y), f"dotted line: {tick(THRESHOLD, style.numbers)}", words)


def _alternative(result: Balance, style: FigureStyle) -> str:
    before, after = (
        None if value is None else tick(round_to(value), style.numbers) for value in result.largest
    )
    said = f"Standardised differences of {len(result.columns)} columns before and after "
    said += f"{result.how}. The largest before: {before}; after: {after}."
    return said


def round_to(value: float) -> float:
    """Two decimals, for words."""
    return int(100 * value + 0.5) / 100
