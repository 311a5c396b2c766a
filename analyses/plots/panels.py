"""Panels side by side on one time axis, with words above each, a legend and notes beneath."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpecBase
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.text import Text

from analyses.formatting import tick
from analyses.plots.layout import Sheet, bare, blank, sheet
from analyses.plots.style import FigureStyle, Look, add_text, drawable
from analyses.plots.time_axis import TimeAxis, time_axis
from cohort.table import TimeUnit

_MOST_ABREAST = 3
_LEFT_MM, _GAP_MM, _RIGHT_MM = 13.0, 5.0, 4.0
_AREA_MM, _LEAST_PANEL_MM, _LEAST_MM = 46.0, 45.0, 12.0
_KEY_MM, _KEY_GAP_MM, _BETWEEN_MM = 7.0, 1.5, 5.0


@dataclass(frozen=True, slots=True)
class Key:
    """One entry of a legend: a line in the look, or a filled patch."""

    words: str
    look: Look
    patch: bool = False


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the panels are to be.

    Attributes
    ----------
    heads
        The words above each panel.
    shares
        Ticks of the vertical axis, from 0 to its end.
    outcome
        Title of the vertical axis, without its unit.
    end
        Last time shown, in the unit of follow-up.
    """

    heads: tuple[str, ...]
    shares: tuple[float, ...]
    outcome: str
    end: float
    origin: str
    time_unit: TimeUnit | None
    keys: tuple[Key, ...]
    note: str


@dataclass(frozen=True, slots=True, eq=False)
class Panels:
    """The empty panels and what stands around them."""

    figure: Figure
    axes: tuple[Axes, ...]
    axis: TimeAxis
    heads: tuple[Text, ...]
    keys: tuple[tuple[str, Text], ...]
    notes: tuple[Text, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Plan:
    """All that is settled before anything is drawn."""

    wanted: Wanted
    axis: TimeAxis
    style: FigureStyle
    abreast: int
    panel_mm: float
    heads: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...]
    places: tuple[tuple[int, float], ...]

    @property
    def lines(self) -> int:
        """Rows of panels."""
        return -(-len(self.wanted.heads) // self.abreast)

    @property
    def pitch(self) -> float:
        """Height of a small line of text."""
        return self.style.line_height(self.style.small_size)

    @property
    def head_mm(self) -> float:
        """Height of the words above a panel."""
        return max(len(lines) for lines in self.heads) * self.pitch + 2.5

    @property
    def key_lines(self) -> int:
        """Lines of the legend."""
        return 1 + max((line for line, _ in self.places), default=-1)

    @property
    def foot_mm(self) -> float:
        """Height of the title of the time axis, the legend and the notes."""
        under = (self.key_lines + len(self.notes)) * self.pitch
        return self.style.line_height() + 3.0 + under + 1.5


def panels(ax: Axes | None, style: FigureStyle, wanted: Wanted) -> Panels:
    """The panels in a figure of their own, or in the place of an axes."""
    place = sheet(ax, style)
    plan = _plan(wanted, place.style)
    fixed = plan.lines * (plan.head_mm + _tick_mm(plan)) + plan.foot_mm
    area = _AREA_MM
    if place.height_mm is not None:
        area = max((place.height_mm - fixed) / plan.lines, _LEAST_MM)
    heights = [*(plan.head_mm, area, _tick_mm(plan)) * plan.lines, plan.foot_mm]
    widths = [_LEFT_MM, *(plan.panel_mm, _GAP_MM) * (plan.abreast - 1), plan.panel_mm, _RIGHT_MM]
    grid = place.grid(heights, widths)
    drawn = [_panel(place, grid, plan, i) for i in range(len(wanted.heads))]
    foot = blank(place.figure.add_subplot(grid[-1, :]), plan.style.width_mm, plan.foot_mm)
    if place.home is not None:
        place.home.set_axis_off()
    keys, notes = _foot(foot, plan)
    return Panels(
        place.whole,
        tuple(axes for axes, _ in drawn),
        plan.axis,
        tuple(head for _, head in drawn),
        keys,
        notes,
    )


def _plan(wanted: Wanted, style: FigureStyle) -> _Plan:
    def panel_mm(n: int) -> float:
        return (style.width_mm - _LEFT_MM - _RIGHT_MM - (n - 1) * _GAP_MM) / n

    fits = [n for n in range(1, _MOST_ABREAST + 1) if panel_mm(n) >= _LEAST_PANEL_MM]
    abreast = min(len(wanted.heads), max(fits, default=1))
    width = panel_mm(abreast)
    axis = time_axis(
        wanted.end,
        time_unit=wanted.time_unit,
        origin=wanted.origin,
        times=None,
        pitch=8.0 / width,
        style=style.numbers,
    )
    heads = tuple(style.wrap(head, width, "semibold", style.small_size) for head in wanted.heads)
    notes = style.wrap(wanted.note, style.width_mm - 3, size=style.small_size)
    return _Plan(wanted, axis, style, abreast, width, heads, notes, _key_places(wanted.keys, style))


def _key_places(keys: Sequence[Key], style: FigureStyle) -> tuple[tuple[int, float], ...]:
    """(line, millimetres from the left) of each entry of the legend."""
    places: list[tuple[int, float]] = []
    line, x = 0, _LEFT_MM
    for key in keys:
        width = _KEY_MM + _KEY_GAP_MM + style.width(key.words, size=style.small_size)
        if x > _LEFT_MM and x + width > style.width_mm - _RIGHT_MM:
            line, x = line + 1, _LEFT_MM
        places.append((line, x))
        x += width + _BETWEEN_MM
    return tuple(places)


def _tick_mm(plan: _Plan) -> float:
    return plan.style.line_height() + 1.5


def _panel(place: Sheet, grid: GridSpecBase, plan: _Plan, i: int) -> tuple[Axes, Text]:
    """One empty panel with its words above."""
    style, wanted = plan.style, plan.wanted
    line, column = divmod(i, plan.abreast)
    head = blank(
        place.figure.add_subplot(grid[3 * line, 1 + 2 * column]), plan.panel_mm, plan.head_mm
    )
    lines = plan.heads[i]
    tops = accumulate(
        [plan.pitch] * len(lines), initial=plan.head_mm - 1.5 - len(lines) * plan.pitch
    )
    texts = [
        add_text(head, (0, top + plan.pitch / 2), shown, style.words("semibold", style.small_size))
        for top, shown in zip(tops, lines, strict=False)
    ]
    axes = place.figure.add_subplot(grid[3 * line + 1, 1 + 2 * column])
    bare(axes, left=True)
    axes.set_xlim(0, plan.axis.end)
    axes.set_ylim(0, wanted.shares[-1])
    small = style.words(size=style.small_size)
    axes.set_xticks(plan.axis.ticks, labels=plan.axis.labels, **small)
    shares = [tick(100 * share, style.numbers) if column == 0 else "" for share in wanted.shares]
    axes.set_yticks(wanted.shares, labels=shares, **small)
    if column == 0:
        axes.set_ylabel(drawable(f"{wanted.outcome}, %"), labelpad=3, **style.words())
    return axes, texts[0]


def _foot(axes: Axes, plan: _Plan) -> tuple[tuple[tuple[str, Text], ...], tuple[Text, ...]]:
    """The title of the time axis, the legend and the notes."""
    style = plan.style
    middle = (_LEFT_MM + style.width_mm - _RIGHT_MM) / 2
    add_text(axes, (middle, style.line_height() / 2), plan.axis.title, style.words(), "center")
    words = style.words(size=style.small_size)
    top = style.line_height() + 3.0
    keys = []
    for key, (line, x) in zip(plan.wanted.keys, plan.places, strict=True):
        y = top + (line + 0.5) * plan.pitch
        axes.add_artist(_key(key, x, y, style))
        text = add_text(axes, (x + _KEY_MM + _KEY_GAP_MM, y), key.words, words)
        keys.append((key.words, text))
    top += plan.key_lines * plan.pitch
    notes = tuple(
        add_text(axes, (1.5, top + (i + 0.5) * plan.pitch), line, words)
        for i, line in enumerate(plan.notes)
    )
    return tuple(keys), notes


def _key(key: Key, x: float, y: float, style: FigureStyle) -> Line2D | Rectangle:
    """The sign of one entry of the legend."""
    if key.patch:
        return Rectangle((x, y - 1.1), _KEY_MM, 2.2, facecolor=key.look.colour, linewidth=0)
    start, pattern = key.look.dashes
    return Line2D(
        [x, x + _KEY_MM],
        [y, y],
        color=key.look.colour,
        linestyle="-" if pattern is None else (start, pattern),
        linewidth=style.line_width,
    )
