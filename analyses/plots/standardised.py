"""Statistics in standard errors, a row each, beside the value that chance rarely passes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text

from analyses.formatting import label, number, p_equals, p_value, tick
from analyses.plots.cumulative_incidence import event_words
from analyses.plots.layout import Sheet, bare, blank, sheet
from analyses.plots.style import BLUE, INK, PAGE, FigureStyle, add_text, drawable, own_settings
from analyses.results.gray import GrayTest
from analyses.results.logrank import PairwiseLogRank
from analyses.results.max_combo import MaxCombo
from analyses.results.standardised import Standardised

_MARGIN_MM, _GAP_MM, _ROW_MM = 1.5, 4.0, 6.0
_LEAST_MM = 20.0


@dataclass(frozen=True, slots=True, eq=False)
class StandardisedMark:
    """One row: its dot, the stroke from 0, and the marks of its critical values."""

    name: str
    dot: Line2D | None
    stroke: Line2D | None
    critical: tuple[Line2D, ...]


@dataclass(frozen=True, slots=True, eq=False)
class StandardisedArtists:
    """Every artist of the figure by name, and the words that stand in for the figure.

    Attributes
    ----------
    labels, values
        (row, its words at the left; its words at the right).
    """

    figure: Figure
    axes: Axes
    marks: tuple[StandardisedMark, ...]
    labels: tuple[tuple[str, Text], ...]
    values: tuple[tuple[str, Text], ...]
    notes: tuple[Text, ...]
    alt: str


@dataclass(frozen=True, slots=True)
class _Row:
    """A row in words: its name, what stands at the right, and the statistic."""

    name: str
    said: str
    one: Standardised


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What is to be drawn; `sided` where a statistic has a sign."""

    rows: tuple[_Row, ...]
    head: str
    title: str
    note: str
    sided: bool


def plot_pairs(
    result: PairwiseLogRank, *, ax: Axes | None = None, style: FigureStyle = PAGE
) -> StandardisedArtists:
    """Each pair of groups: events of the second beyond those expected, in standard errors.

    To the right of 0 the second group had more events than if both shared one hazard. Dashed: what
    one test alone passes in 5 % by chance; the p-values beside are adjusted for the pairs.

    Parameters
    ----------
    result
        Drawn as it is; nothing is estimated here.
    ax
        Axes whose place the whole figure takes; a new figure where absent.
    """
    numbers = style.numbers
    rows = tuple(
        _Row(
            f"{label(result.by, one.group)} against {label(result.by, one.reference)}",
            p_value(one.p_value, numbers) if one.value is not None else "no test",
            one,
        )
        for one in result.standardised
    )
    adjusted = "" if result.method == "none" else ", adjusted"
    note = "Right of 0: more events than expected. Dashed: one test alone passes it in 5%."
    head = f"{numbers.p_symbol}{adjusted}"
    return _figure(_Wanted(rows, head, _ERRORS, note, sided=True), ax, style)


def plot_max_combo(
    result: MaxCombo, *, ax: Axes | None = None, style: FigureStyle = PAGE
) -> StandardisedArtists:
    """The four weighted tests, each as the root of its chi-square, with the largest named.

    Dashed: the value that the largest of the four passes in 5 % by chance, by their joint
    distribution. Parameters are those of `plot_pairs`.
    """
    numbers = style.numbers
    rows = tuple(
        _Row(
            one.group + (" (largest)" if place == result.best else ""),
            p_value(one.p_value, numbers) if one.value is not None else "no test",
            one,
        )
        for place, one in enumerate(result.standardised)
    )
    note = f"Max-combo test: no test ({result.reason})."
    if result.p_value is not None:
        note = (
            f"Max-combo test: {p_equals(result.p_value, numbers)}. Dashed: what the largest of "
            "the four passes in 5%."
        )
    title = "|Z|" if result.df <= 1 else "Root of chi-square"
    head = f"{numbers.p_symbol}, each alone"
    return _figure(_Wanted(rows, head, title, note, sided=False), ax, style)


def plot_gray(
    result: GrayTest, *, ax: Axes | None = None, style: FigureStyle = PAGE
) -> StandardisedArtists:
    """Each group's score in Gray's test of each event, in standard errors.

    To the right of 0 the event came to the group more than under one incidence of all. Parameters
    are those of `plot_pairs`.
    """
    rows, tests = [], []
    for (cause, found), test in zip(result.standardised, result.tests, strict=True):
        for one in found:
            name = f"{event_words(cause)}: {label(result.by, one.group)}"
            said = _signed(one.value, style) if one.value is not None else "no test"
            rows.append(_Row(name, said, one))
        p = f"no test ({test.reason})"
        if test.p_value is not None:
            p = p_equals(test.p_value, style.numbers)
        tests.append(f"{event_words(cause)}: {p}")
    note = (
        f"Gray's test. {'; '.join(tests)}. Right of 0: more than under one incidence. Dashed: one "
        "group alone passes it in 5%."
    )
    return _figure(_Wanted(tuple(rows), "Z", _ERRORS, note, sided=True), ax, style)


_ERRORS = "Observed − expected, in standard errors"


def _signed(value: float | None, style: FigureStyle) -> str:
    return number(value, 2, style.numbers)


def _figure(wanted: _Wanted, ax: Axes | None, style: FigureStyle) -> StandardisedArtists:
    with own_settings():
        place = sheet(ax, style)
        return _drawn(place, wanted, place.style)


def _drawn(place: Sheet, wanted: _Wanted, style: FigureStyle) -> StandardisedArtists:
    """The figure: names, marks, words, and notes beneath."""
    small = style.small_size
    pitch = style.line_height(small)
    room = 0.42 * style.width_mm
    names = [style.wrap(row.name, room, size=small) for row in wanted.rows]
    left = max(style.width(line, size=small) for lines in names for line in lines)
    said = [*(row.said for row in wanted.rows), wanted.head]
    right = max(style.width(text, "semibold", small) for text in said)
    columns = [_MARGIN_MM + left + _GAP_MM, 0.0, _GAP_MM + right + _MARGIN_MM]
    columns[1] = style.width_mm - columns[0] - columns[2]
    notes = style.wrap(wanted.note, style.width_mm - 2 * _MARGIN_MM, size=small)
    row_mm = max(_ROW_MM, max(len(lines) for lines in names) * pitch + 1.5)
    area = row_mm * len(wanted.rows)
    ticks, foot = 2 * style.line_height() + 2.4, len(notes) * pitch + 3.0
    heights = place.rows([_MARGIN_MM, pitch + 1.0, area, ticks, foot], 2, _LEAST_MM)
    grid = place.grid(heights, columns)
    axes = place.figure.add_subplot(grid[2, 1])
    sides = [
        blank(place.figure.add_subplot(grid[2, k]), columns[k], len(wanted.rows)) for k in (0, 2)
    ]
    top = blank(place.figure.add_subplot(grid[1, 2]), columns[2], heights[1])
    under = blank(place.figure.add_subplot(grid[4, :]), style.width_mm, heights[4])
    if place.home is not None:
        place.home.set_axis_off()
    add_text(top, (_GAP_MM, heights[1] / 2), wanted.head, style.words("semibold", small))
    words = style.words(size=small)
    line = pitch / heights[2] * len(wanted.rows)
    labels = tuple(_lines(sides[0], k, lines, line, words) for k, lines in enumerate(names))
    values = tuple(
        (row.name, add_text(sides[1], (_GAP_MM, k + 0.5), row.said, words))
        for k, row in enumerate(wanted.rows)
    )
    texts = tuple(
        add_text(under, (_MARGIN_MM, 1.5 + (i + 0.5) * pitch), text, words)
        for i, text in enumerate(notes)
    )
    marks = _marks(axes, wanted, style)
    return StandardisedArtists(
        place.whole,
        axes,
        marks,
        tuple(zip((row.name for row in wanted.rows), labels, strict=True)),
        values,
        texts,
        _alternative(wanted, style),
    )


def _lines(
    axes: Axes, k: int, lines: Sequence[str], pitch: float, words: dict[str, object]
) -> Text:
    """The words of a row at the left, its lines about the middle; the first is given back."""
    top = k + 0.5 - pitch * (len(lines) - 1) / 2
    texts = [
        add_text(axes, (_MARGIN_MM, top + i * pitch), text, words) for i, text in enumerate(lines)
    ]
    return texts[0]


def _marks(axes: Axes, wanted: _Wanted, style: FigureStyle) -> tuple[StandardisedMark, ...]:
    """Dots with their strokes from 0, and dashed marks at the critical values."""
    known = [abs(x) for row in wanted.rows for x in (row.one.value, row.one.critical) if x]
    reach = 1.08 * max([1.0, *known])
    bare(axes, left=False)
    axes.set_xlim(-reach if wanted.sided else 0.0, reach)
    axes.set_ylim(len(wanted.rows), 0)
    axes.axvline(0.0, color=INK, linewidth=0.6, zorder=1)
    step = next(s for s in (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 1e9) if reach / s <= 6)
    most = int(reach / step)
    at = [step * i for i in range(-most if wanted.sided else 0, most + 1)]
    words = style.words()
    axes.set_xticks(at, labels=[tick(x, style.numbers) for x in at], **words)
    axes.set_yticks([])
    axes.set_xlabel(drawable(wanted.title), labelpad=2, **words)
    return tuple(_mark(axes, k, row, wanted.sided) for k, row in enumerate(wanted.rows))


def _mark(axes: Axes, k: int, row: _Row, sided: bool) -> StandardisedMark:
    """One row of the axes; nothing where there is no test."""
    one, y = row.one, k + 0.5
    if one.value is None or one.critical is None:
        return StandardisedMark(row.name, None, None, ())
    (stroke,) = axes.plot([0.0, one.value], [y, y], color=BLUE, linewidth=1.0, zorder=2)
    (dot,) = axes.plot(
        [one.value], [y], linestyle="none", marker="o", markersize=4.5, color=BLUE, zorder=3
    )
    sides = (-one.critical, one.critical) if sided else (one.critical,)
    critical = tuple(
        axes.plot([x, x], [k, k + 1], color=INK, linewidth=0.7, linestyle=(0, (3, 2)), zorder=1)[0]
        for x in sides
    )
    return StandardisedMark(row.name, dot, stroke, critical)


def _alternative(wanted: _Wanted, style: FigureStyle) -> str:
    """The figure in words: each row's statistic and what stands beside it."""
    said = [f"{wanted.title}, by row."]
    for row in wanted.rows:
        if row.one.value is None:
            said.append(f"{row.name}: no test.")
            continue
        value = _signed(row.one.value, style)
        beside = "" if row.said == value else f" ({wanted.head} {row.said})"
        said.append(f"{row.name}: {value}{beside}.")
    return " ".join([*said, wanted.note])
