"""A specification curve: the estimates by size, and beneath each the choices that made it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text
from matplotlib.ticker import NullFormatter, NullLocator

from analyses.formatting import confidence, count, hazard_ratio, label, tick
from analyses.plots.forest_layout import axis_limits, axis_ticks, beyond
from analyses.plots.layout import Sheet, bare, blank, sheet
from analyses.plots.style import (
    BLUE,
    GREY,
    INK,
    PAGE,
    VERMILLION,
    FigureStyle,
    add_text,
    drawable,
    own_settings,
)
from analyses.results.robust import Conclusion
from analyses.results.specification_curve import Axis, Specification, SpecificationCurve

_COLOURS: dict[Conclusion, str] = {"lower": BLUE, "inconclusive": GREY, "higher": VERMILLION}
_WORDS: dict[Conclusion, str] = {
    "lower": "Both limits below 1",
    "inconclusive": "Limits hold 1",
    "higher": "Both limits above 1",
}
_CURVE_MM, _GAP_MM, _BELOW_MM, _RIGHT_MM = 46.0, 3.0, 2.0, 2.0
_WIDEST_LABEL = 0.34  # of the figure
_APART = 0.02  # of all specifications, between those with and those without an estimate


@dataclass(frozen=True, slots=True, eq=False)
class CurveArtists:
    """Every artist of the figure by name, and the words that stand in for the figure.

    Attributes
    ----------
    shown
        The specifications from left to right: those with an estimate by its size, then the others.
    marks, intervals
        (conclusion, artist): hazard ratios, and their limits.
    arrows
        At the edge of the axis where limits, or the estimate, lie beyond it.
    main
        The mark of the main specification; None where it has no estimate.
    dots
        (axis, choice, artist): where that choice was made.
    crosses
        The specifications without an estimate; None where all have one.
    """

    figure: Figure
    axes: Axes
    matrix: Axes
    shown: tuple[Specification, ...]
    marks: tuple[tuple[Conclusion, Line2D], ...]
    intervals: tuple[tuple[Conclusion, LineCollection], ...]
    arrows: tuple[Line2D, ...]
    main: Line2D | None
    dots: tuple[tuple[str, str, Line2D], ...]
    crosses: Line2D | None
    names: tuple[Text, ...]
    alt: str


@dataclass(frozen=True, slots=True, eq=False)
class _Plan:
    """What is settled before anything is drawn: the order, the places and the rows of choices."""

    result: SpecificationCurve
    style: FigureStyle
    shown: tuple[Specification, ...]
    x: tuple[float, ...]
    rows: tuple[tuple[Axis, int | None], ...]
    labels_mm: float

    @property
    def pitch(self) -> float:
        """Height of a row of choices."""
        return self.style.line_height(self.style.small_size)

    @property
    def matrix_mm(self) -> float:
        """Height of all rows of choices."""
        return self.pitch * len(self.rows) + 1.0

    @property
    def key_mm(self) -> float:
        """Height of the key."""
        return self.style.line_height(self.style.small_size) * 2 + 2.0

    @property
    def limits(self) -> tuple[float, float]:
        """Ends of the axis of hazard ratios."""
        return axis_limits([one.estimate for one in self.result.estimated if one.estimate])

    @property
    def cut(self) -> int:
        """Specifications that run past the axis."""
        found = [one.estimate for one in self.result.estimated if one.estimate]
        return sum(bool(beyond(estimate, self.limits)) for estimate in found)

    @property
    def end(self) -> float:
        """The right end of the specifications."""
        return max(self.x) + 1

    @property
    def size(self) -> float:
        """Of marks, so that many stand beside one another."""
        return max(1.2, min(4.0, 180.0 / len(self.shown)))


def plot_specification_curve(
    result: SpecificationCurve, *, ax: Axes | None = None, style: FigureStyle = PAGE
) -> CurveArtists:
    """Every hazard ratio with its limits, by size, over a matrix of the choices behind each.

    Axes with one choice are left out of the matrix. Specifications without an estimate stand at
    the right, marked by a cross. Simonsohn, Simmons and Nelson (2020), Nat. Hum. Behav. 4, 1208.
    """
    with own_settings():
        place = sheet(ax, style)
        return _drawn(place, _plan(result, place.style))


def _plan(result: SpecificationCurve, style: FigureStyle) -> _Plan:
    shown = (*result.estimated, *result.failed)
    n = len(result.estimated)
    gap = max(1.0, _APART * len(shown)) if result.failed and n else 0.0
    x = tuple(float(k + 1 + (gap if k >= n else 0.0)) for k in range(len(shown)))
    rows: list[tuple[Axis, int | None]] = []
    for axis in result.axes:
        if len(axis.choices) > 1:
            rows += [(axis, None), *((axis, k) for k in range(len(axis.choices)))]
    widest = max((style.width(_row_words(*row), size=style.small_size) for row in rows), default=10)
    labels = min(widest + 3.0 + _GAP_MM, _WIDEST_LABEL * style.width_mm)
    return _Plan(result, style, shown, x, tuple(rows), max(labels, 18.0))


def _row_words(axis: Axis, choice: int | None) -> str:
    return axis.title if choice is None else axis.choices[choice]


def _drawn(place: Sheet, plan: _Plan) -> CurveArtists:
    style = plan.style
    heights = place.rows([plan.key_mm, _CURVE_MM, _GAP_MM, plan.matrix_mm, _BELOW_MM], 1, 20.0)
    width = style.width_mm - plan.labels_mm - _RIGHT_MM
    grid = place.grid(heights, [plan.labels_mm, width, _RIGHT_MM])
    if place.home is None:
        axes = place.figure.add_subplot(grid[1, 1])
    else:
        axes = place.home
        axes.set_subplotspec(grid[1, 1])
    marks, intervals = _estimates(axes, plan)
    arrows = _arrows(axes, plan)
    main = _main(axes, plan)
    crosses = _crosses(axes, plan, heights[1])
    matrix = place.figure.add_subplot(grid[3, 1])
    dots = _dots(matrix, plan)
    left = blank(place.figure.add_subplot(grid[3, 0]), plan.labels_mm, plan.matrix_mm)
    names = _names(left, plan)
    key = blank(place.figure.add_subplot(grid[0, 1]), width, plan.key_mm)
    names += _key(key, plan, width)
    alt = _alternative(plan)
    return CurveArtists(
        place.whole, axes, matrix, plan.shown, marks, intervals, arrows, main, dots, crosses, names,
        alt,
    )  # fmt: skip


def _estimates(
    axes: Axes, plan: _Plan
) -> tuple[tuple[tuple[Conclusion, Line2D], ...], tuple[tuple[Conclusion, LineCollection], ...]]:
    """The hazard ratios and limits, one colour a conclusion."""
    marks, intervals = [], []
    for conclusion, colour in _COLOURS.items():
        own = [
            (x, one.estimate)
            for x, one in zip(plan.x, plan.shown, strict=True)
            if one.estimate is not None and one.conclusion == conclusion
        ]
        ends = np.array(
            [
                (x, math.exp(e.conf_low), math.exp(e.conf_high))
                for x, e in own
                if e.conf_low is not None and e.conf_high is not None
            ]
        ).reshape(-1, 3)
        width = max(0.3, min(0.9, 60.0 / len(plan.shown)))
        lines = axes.vlines(*ends.T, color=colour, linewidth=width, alpha=0.7)
        intervals.append((conclusion, lines))
        (points,) = axes.plot(
            [x for x, _ in own],
            np.exp([e.estimate for _, e in own]),
            "o",
            color=colour,
            markersize=plan.size,
            markeredgewidth=0,
            zorder=3,
        )
        marks.append((conclusion, points))
    _dress(axes, plan)
    return tuple(marks), tuple(intervals)


def _arrows(axes: Axes, plan: _Plan) -> tuple[Line2D, ...]:
    """An arrow at the edge of the axis for each specification that runs past it."""
    sides = {"low": ("v", plan.limits[0]), "high": ("^", plan.limits[1])}
    arrows = []
    for conclusion, colour in _COLOURS.items():
        for which, (marker, edge) in sides.items():
            at = [
                x
                for x, one in zip(plan.x, plan.shown, strict=True)
                if one.estimate is not None
                and one.conclusion == conclusion
                and which in beyond(one.estimate, plan.limits)
            ]
            if at:
                arrows += axes.plot(
                    at, [edge] * len(at), marker, markersize=plan.size, color=colour,
                    markeredgewidth=0, clip_on=False,
                )  # fmt: skip
    return tuple(arrows)


def _dress(axes: Axes, plan: _Plan) -> None:
    """A log axis with round ticks; the line at 1."""
    style, result = plan.style, plan.result
    bare(axes, left=True)
    axes.spines["bottom"].set_visible(False)
    axes.set_yscale("log")
    axes.set_ylim(*plan.limits)
    axes.set_xlim(0, plan.end)
    axes.axhline(1, color=INK, linewidth=0.6, zorder=1)
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.xaxis.set_major_locator(NullLocator())
    ticks = axis_ticks(plan.limits, _CURVE_MM, style)
    look = style.words(size=style.small_size)
    axes.set_yticks(ticks, labels=[tick(value, style.numbers) for value in ticks], **look)
    pair = f"{label(result.term, result.level)} against {label(result.term, result.reference)}"
    said = style.wrap(f"Hazard ratio, {pair}", _CURVE_MM, size=style.small_size)
    axes.set_ylabel(drawable("\n".join(said)), labelpad=3, **look)


def _main(axes: Axes, plan: _Plan) -> Line2D | None:
    """A diamond at the study's own choices."""
    for x, one in zip(plan.x, plan.shown, strict=True):
        if one.is_main and one.estimate is not None:
            (mark,) = axes.plot(
                [x], [math.exp(one.estimate.estimate)], "D", color=INK, markersize=4.5, zorder=5
            )
            return mark
    return None


def _crosses(axes: Axes, plan: _Plan, height_mm: float) -> Line2D | None:
    """A cross at the foot for each specification without an estimate."""
    at = [x for x, one in zip(plan.x, plan.shown, strict=True) if one.estimate is None]
    if not at:
        return None
    (crosses,) = axes.plot(
        at,
        [2.0 / height_mm] * len(at),
        "x",
        color=INK,
        markersize=max(plan.size, 2.5),
        markeredgewidth=0.7,
        transform=axes.get_xaxis_transform(),
        clip_on=False,
    )
    return crosses


def _dots(matrix: Axes, plan: _Plan) -> tuple[tuple[str, str, Line2D], ...]:
    """A dot for each specification in the row of the choice that it made."""
    blank(matrix, plan.end, plan.matrix_mm)
    places = {axis.name: k for k, axis in enumerate(plan.result.axes)}
    dots = []
    for line, (axis, choice) in enumerate(plan.rows):
        if choice is None:
            continue
        y = (line + 0.5) * plan.pitch
        at = [
            x
            for x, one in zip(plan.x, plan.shown, strict=True)
            if one.choices[places[axis.name]] == choice
        ]
        matrix.plot([0, plan.end], [y, y], color="#dddddd", linewidth=0.4, zorder=0)
        (own,) = matrix.plot(
            at, [y] * len(at), "s", color=INK, markersize=plan.size * 0.8, markeredgewidth=0
        )
        dots.append((axis.name, axis.choices[choice], own))
    for x, one in zip(plan.x, plan.shown, strict=True):
        if one.is_main:
            matrix.axvline(x, color=VERMILLION, linewidth=0.6, zorder=0.5)
    return tuple(dots)


def _names(left: Axes, plan: _Plan) -> tuple[Text, ...]:
    """Axes in bold, their choices indented; what is too long is cut with an ellipsis."""
    style = plan.style
    texts = []
    for line, (axis, choice) in enumerate(plan.rows):
        weight = style.words("semibold" if choice is None else "regular", style.small_size)
        indent = 0.3 if choice is None else 2.5
        room = plan.labels_mm - indent - _GAP_MM
        said = _row_words(axis, choice)
        while len(said) > 4 and style.width(said, size=style.small_size) > room:
            said = said[:-2].rstrip(" .…") + "…"
        texts.append(add_text(left, (indent, (line + 0.5) * plan.pitch), said, weight))
    return tuple(texts)


def _key(key: Axes, plan: _Plan, width: float) -> tuple[Text, ...]:
    """What the colours, the diamond and the crosses are, those that occur."""
    style = plan.style
    words = style.words(size=style.small_size)
    entries: list[tuple[str, str, str]] = [("D", INK, "Main specification")]
    reached = dict(plan.result.by_conclusion)
    entries += [
        ("o", _COLOURS[c], f"{_WORDS[c]}: {count(reached[c], style.numbers)}")
        for c in _COLOURS
        if reached[c]
    ]
    if plan.cut:
        entries.append(("^", INK, "Limits beyond the axis"))
    if plan.result.failed:
        said = f"No estimate: {count(len(plan.result.failed), style.numbers)}"
        entries.append(("x", INK, said))
    texts, x, y = [], 0.0, plan.pitch * 0.7
    for marker, colour, said in entries:
        needed = style.width(said, size=style.small_size) + 8.0
        if x + needed > width and x > 0:
            x, y = 0.0, y + plan.pitch
        key.plot([x + 1.5], [y], marker, color=colour, markersize=3.5)
        texts.append(add_text(key, (x + 3.5, y), said, words))
        x += needed
    return tuple(texts)


def _alternative(plan: _Plan) -> str:
    """The figure in words."""
    result, style = plan.result, plan.style.numbers
    said = f"Specification curve of {count(len(plan.shown), style)} specifications"
    ends = [one.estimate for one in (*result.estimated[:1], *result.estimated[-1:])]
    ratios = [hazard_ratio(*e.hazard_ratio, style) for e in ends if e is not None]
    if ratios:
        level = confidence(result.conf_level, style)
        said += f": hazard ratios from {ratios[0]} to {ratios[-1]}, {level}"
    own = result.main.estimate
    if own is not None:
        said += f"; main specification {hazard_ratio(*own.hazard_ratio, style)}"
    reached = ", ".join(
        f"{_WORDS[c].lower()} {count(n, style)}" for c, n in result.by_conclusion if n
    )
    failed = ""
    if result.failed:
        failed = f"; without an estimate {count(len(result.failed), style)}"
    cut = f"; limits beyond the axis {count(plan.cut, style)}" if plan.cut else ""
    return f"{said}; {reached}{failed}{cut}."
