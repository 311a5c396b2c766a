"""Map of what is missing together: a row a pattern, a column a variable, patients beside it."""

from __future__ import annotations

from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.text import Text

from analyses.formatting import count, label, n_percent, percent
from analyses.plots.layout import blank, sheet
from analyses.plots.style import (
    BLUE,
    GREY,
    INK,
    PAGE,
    VERMILLION,
    FigureStyle,
    add_text,
    own_settings,
)
from analyses.results.missingness import Missingness, MissingPattern

MOST_PATTERNS = 14  # the others are one row
_CELL_MM, _WIDEST_MM, _BAR_MM, _NUMBER_MM, _RIGHT_MM = 5.0, 16.0, 40.0, 26.0, 3.0
_EDGE = 0.6


@dataclass(frozen=True, slots=True, eq=False)
class MissingnessArtists:
    """Every artist of the figure by name, and the words that stand in for the figure.

    Attributes
    ----------
    cells
        (column, place of the pattern, missing, artist); filled where the column is missing.
    bars
        Of the patients of each pattern, in order.
    heads
        Names of the columns with the share that is missing.
    alt
        The figure in words.
    """

    figure: Figure
    axes: Axes
    cells: tuple[tuple[str, int, bool, Rectangle], ...]
    bars: tuple[Rectangle, ...]
    heads: tuple[Text, ...]
    notes: tuple[Text, ...]
    alt: str


@dataclass(frozen=True, slots=True, eq=False)
class _Plan:
    """Places in millimetres: the left edge and width of a column of cells, heads, rows."""

    result: Missingness
    style: FigureStyle
    names: tuple[str, ...]
    rows: tuple[MissingPattern | int, ...]  # a number: patients of all other patterns
    left_mm: float
    cell_mm: float
    head_mm: float
    notes: tuple[str, ...]

    @property
    def height_mm(self) -> float:
        """Of the whole figure."""
        small = self.style.line_height(self.style.small_size)
        return self.head_mm + len(self.rows) * _CELL_MM + 2.5 + len(self.notes) * small + 1.5


def plot_missingness(
    result: Missingness, *, ax: Axes | None = None, style: FigureStyle = PAGE
) -> MissingnessArtists:
    """Each pattern of missing values as a row, the most frequent first.

    Above the columns, which lack the most first, stands the share of patients without a value;
    columns that lack nothing are named in the note. Nothing is counted here.
    """
    with own_settings():
        place = sheet(ax, style)
        plan = _plan(result, place.style)
        grid = place.grid([plan.height_mm], [place.style.width_mm])
        axes = blank(place.figure.add_subplot(grid[0, 0]), place.style.width_mm, plan.height_mm)
        if place.home is not None:
            place.home.set_axis_off()
        cells, bars = _rows(axes, plan)
        return MissingnessArtists(
            place.whole, axes, cells, bars, _heads(axes, plan), _notes(axes, plan), _alt(plan)
        )


def _plan(result: Missingness, style: FigureStyle) -> _Plan:
    lacking = sorted(
        (c for c in result.columns if c.n_missing), key=lambda c: -c.n_missing
    )  # a stable sort: equals stay in the order given
    names = tuple(c.name for c in lacking)
    patterns = result.patterns
    rows: tuple[MissingPattern | int, ...] = patterns
    if len(patterns) > MOST_PATTERNS:
        rest = sum(pattern.n for pattern in patterns[MOST_PATTERNS - 1 :])
        rows = (*patterns[: MOST_PATTERNS - 1], rest)
    left = 1.5
    room = style.width_mm - left - _BAR_MM - _NUMBER_MM - _RIGHT_MM
    cell = min(_WIDEST_MM, room / max(len(names), 1))
    widest = max((style.width(label(name), size=style.small_size) for name in names), default=0)
    head = widest + style.line_height(style.small_size) + 3.0
    said = _words(result, len(patterns), style)
    notes = style.wrap(said, style.width_mm - 3.0, size=style.small_size)
    return _Plan(result, style, names, rows, left, cell, head, notes)


def _words(result: Missingness, n_patterns: int, style: FigureStyle) -> str:
    """What the cells are, who is complete, which columns lack nothing."""
    said = (
        f"Filled: missing. {count(result.n_incomplete, style.numbers)} of "
        f"{count(result.n, style.numbers)} patients lack something; "
        f"{count(n_patterns, style.numbers)} patterns."
    )
    if n_patterns > MOST_PATTERNS:
        said += f" The last row holds {n_patterns - MOST_PATTERNS + 1} rarer ones."
    whole = [label(c.name) for c in result.columns if not c.n_missing]
    if whole:
        said += f" Nothing missing in: {', '.join(whole)}."
    return said


def _rows(
    axes: Axes, plan: _Plan
) -> tuple[tuple[tuple[str, int, bool, Rectangle], ...], tuple[Rectangle, ...]]:
    """Cells, bars and numbers of every row."""
    cells, bars = [], []
    most = max((_size(row) for row in plan.rows), default=1)
    start = plan.left_mm + plan.cell_mm * len(plan.names) + 3.0
    small = plan.style.words(size=plan.style.small_size)
    for i, row in enumerate(plan.rows):
        top = plan.head_mm + i * _CELL_MM
        if isinstance(row, int):
            words = f"{len(plan.result.patterns) - MOST_PATTERNS + 1} other patterns"
            add_text(axes, (plan.left_mm, top + _CELL_MM / 2), words, small)
        else:
            for k, name in enumerate(plan.names):
                missing = name in row.missing
                cell = Rectangle(
                    (plan.left_mm + k * plan.cell_mm + _EDGE / 2, top + _EDGE / 2),
                    plan.cell_mm - _EDGE,
                    _CELL_MM - _EDGE,
                    facecolor=VERMILLION if missing else "#eeeeee",
                    edgecolor="none",
                )
                axes.add_patch(cell)
                cells.append((name, i, missing, cell))
        n = _size(row)
        bar = Rectangle(
            (start, top + 1.0), _BAR_MM * n / most, _CELL_MM - 2.0,
            facecolor=GREY if i == len(plan.rows) - 1 and isinstance(row, int) else BLUE,
            edgecolor="none",
        )  # fmt: skip
        axes.add_patch(bar)
        bars.append(bar)
        words = n_percent(n, plan.result.n, plan.style.numbers)
        add_text(axes, (start + _BAR_MM + 2.0, top + _CELL_MM / 2), words, small)
    return tuple(cells), tuple(bars)


def _size(row: MissingPattern | int) -> int:
    return row if isinstance(row, int) else row.n


def _heads(axes: Axes, plan: _Plan) -> tuple[Text, ...]:
    """Names of the columns, upright, with the share that is missing beneath."""
    small = plan.style.words(size=plan.style.small_size)
    line = plan.style.line_height(plan.style.small_size)
    missing = {c.name: c.n_missing / c.n for c in plan.result.columns}
    made = []
    for k, name in enumerate(plan.names):
        middle = plan.left_mm + (k + 0.5) * plan.cell_mm
        text = axes.text(
            middle, plan.head_mm - line - 2.0, label(name),
            rotation=90, ha="center", va="bottom", clip_on=False, **small,
        )  # fmt: skip
        made.append(text)
        share = percent(missing[name], plan.style.numbers)
        add_text(axes, (middle, plan.head_mm - line / 2 - 0.5), share, small, "center")
    start = plan.left_mm + plan.cell_mm * len(plan.names) + 3.0
    bold = plan.style.words("semibold", plan.style.small_size)
    add_text(axes, (start, plan.head_mm - line / 2 - 0.5), "Patients", bold)
    axes.plot(
        [plan.left_mm, start + _BAR_MM + _NUMBER_MM], [plan.head_mm] * 2,
        color=INK, linewidth=0.6,
    )  # fmt: skip
    return tuple(made)


def _notes(axes: Axes, plan: _Plan) -> tuple[Text, ...]:
    pitch = plan.style.line_height(plan.style.small_size)
    top = plan.head_mm + len(plan.rows) * _CELL_MM + 2.5
    words = plan.style.words(size=plan.style.small_size)
    return tuple(
        add_text(axes, (plan.left_mm, top + (i + 0.5) * pitch), line, words)
        for i, line in enumerate(plan.notes)
    )


def _alt(plan: _Plan) -> str:
    """The figure in words: the share of each column, and the most frequent patterns."""
    lacking = [c for c in plan.result.columns if c.n_missing]
    numbers = plan.style.numbers
    shares = "; ".join(f"{label(c.name)} {percent(c.n_missing / c.n, numbers)}" for c in lacking)
    first = [p for p in plan.result.patterns if p.missing][:3]
    together = "; ".join(
        f"{' and '.join(label(name) for name in p.missing)} {count(p.n, numbers)}" for p in first
    )
    said = f"Missing values. {shares or 'None'}."
    if together:
        said += f" Most frequent patterns, patients: {together}."
    return f"{said} {_words(plan.result, len(plan.result.patterns), plan.style)}"
