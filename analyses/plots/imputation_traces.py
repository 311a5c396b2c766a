"""Traces of chained equations: what was drawn by iteration, a line an imputation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text

from analyses.formatting import label, number
from analyses.plots.layout import bare, blank, sheet
from analyses.plots.style import (
    BLUE,
    INK,
    PAGE,
    VERMILLION,
    FigureStyle,
    add_text,
    own_settings,
)
from analyses.results.imputations import LARGEST_R_HAT, Imputations, Trace

MOST_PANELS = 12
_ABREAST = 3
_PANEL_MM, _HEAD_MM, _FOOT_MM, _LEFT_MM, _GAP_MM = 22.0, 5.0, 6.0, 13.0, 13.0


@dataclass(frozen=True, slots=True, eq=False)
class TraceArtists:
    """Every artist of the figure by name, and the words that stand in for the figure.

    Attributes
    ----------
    axes, titles
        One panel a trace, in the result's order; its title names the column and R-hat.
    chains, means
        Lines of each imputation, and their mean at each iteration.
    alt
        The figure in words.
    """

    figure: Figure
    axes: tuple[Axes, ...]
    titles: tuple[Text, ...]
    chains: tuple[tuple[Line2D, ...], ...]
    means: tuple[Line2D, ...]
    notes: tuple[Text, ...]
    alt: str


def plot_imputation_traces(
    result: Imputations, *, ax: Axes | None = None, style: FigureStyle = PAGE
) -> TraceArtists:
    """Mean and standard deviation of what was drawn, or a level's share, by iteration.

    Of many traces those with the largest R-hat are shown; panels of chains that did not settle
    have red lines. Nothing is computed here but the mean of the lines.
    """
    with own_settings():
        place = sheet(ax, style)
        shown = _chosen(result)
        lines = -(-len(shown) // _ABREAST)
        said = place.style.wrap(
            _words(result, len(shown)), place.style.width_mm - 3.0, size=place.style.small_size
        )
        foot = len(said) * place.style.line_height(place.style.small_size) + 2.0
        heights = [*(_HEAD_MM, _PANEL_MM, _FOOT_MM) * lines, foot]
        width = (place.style.width_mm - _LEFT_MM - 2.0 - (_ABREAST - 1) * _GAP_MM) / _ABREAST
        widths = [_LEFT_MM, *(width, _GAP_MM) * (_ABREAST - 1), width, 2.0]
        grid = place.grid(heights, widths)
        axes, titles, chains, means = [], [], [], []
        for i, trace in enumerate(shown):
            row, column = divmod(i, _ABREAST)
            head = place.figure.add_subplot(grid[3 * row, 1 + 2 * column])
            titles.append(_title(blank(head, width, _HEAD_MM), trace, width, place.style))
            panel = place.figure.add_subplot(grid[3 * row + 1, 1 + 2 * column])
            drawn, mean = _panel(panel, trace, place.style)
            axes.append(panel)
            chains.append(drawn)
            means.append(mean)
        below = blank(place.figure.add_subplot(grid[-1, :]), place.style.width_mm, foot)
        if place.home is not None:
            place.home.set_axis_off()
        return TraceArtists(
            place.whole, tuple(axes), tuple(titles), tuple(chains), tuple(means),
            _notes(below, said, place.style), _alt(result, shown),
        )  # fmt: skip


def _chosen(result: Imputations) -> tuple[Trace, ...]:
    """All traces, or of many those that settled least, in the result's order."""
    if len(result.traces) <= MOST_PANELS:
        return result.traces
    worst = sorted(result.traces, key=lambda t: -(t.r_hat or 0.0))[:MOST_PANELS]
    kept = {id(trace) for trace in worst}
    return tuple(trace for trace in result.traces if id(trace) in kept)


def _title(axes: Axes, trace: Trace, width: float, style: FigureStyle) -> Text:
    name = label(trace.column)
    if trace.level is None:
        name += f", {'mean' if trace.quantity == 'mean' else 'SD'}"
    else:
        level = label(trace.column, trace.level)
        short = f"{level}, share"
        name = short if name in level else f"{name}: {short}"
        if style.width(name, "semibold", style.small_size) > width:
            name = short
    line = style.wrap(name, width, "semibold", style.small_size)[0]
    return add_text(axes, (0, _HEAD_MM / 2), line, style.words("semibold", style.small_size))


def _panel(axes: Axes, trace: Trace, style: FigureStyle) -> tuple[tuple[Line2D, ...], Line2D]:
    bare(axes, left=True)
    at = np.arange(1, trace.values.shape[1] + 1)
    colour = BLUE if trace.converged else VERMILLION
    drawn = tuple(
        axes.plot(at, values, color=colour, linewidth=0.4, alpha=0.45)[0] for values in trace.values
    )
    (mean,) = axes.plot(at, trace.values.mean(axis=0), color=INK, linewidth=1.0)
    words = style.words(size=style.small_size)
    last = int(at[-1])
    ticks = sorted({1, last, *(t for t in (5, 10, 20, 50, 100) if t < last)})
    ticks = [t for t in ticks if t in (1, last) or last - t > 0.12 * last]
    axes.set_xlim(1, max(last, 2))
    axes.set_xticks(ticks, labels=[str(t) for t in ticks], **words)
    low, high = axes.get_ylim()
    digits = max(0, min(3, 1 - int(np.floor(np.log10(max(high - low, 1e-12))))))
    marks = np.linspace(low, high, 4)[1:3]
    axes.set_ylim(low, high)
    axes.set_yticks(marks, labels=[number(float(v), digits, style.numbers) for v in marks], **words)
    return drawn, mean


def _words(result: Imputations, shown: int) -> str:
    said = (
        f"What was drawn, by iteration (1 to {result.iterations}); thin: one of {result.m} "
        "imputations, black: their mean."
    )
    if shown < len(result.traces):
        said += f" The {shown} traces of {len(result.traces)} with the largest R-hat."
    unsettled = result.not_converged
    if unsettled:
        names = ", ".join(label(name) for name in unsettled)
        said += f" Not settled (R-hat above {LARGEST_R_HAT:g}): {names}."
    else:
        said += f" No R-hat is above {LARGEST_R_HAT:g}."
    return said


def _notes(axes: Axes, said: tuple[str, ...], style: FigureStyle) -> tuple[Text, ...]:
    pitch = style.line_height(style.small_size)
    words = style.words(size=style.small_size)
    return tuple(
        add_text(axes, (1.5, (i + 0.5) * pitch), line, words) for i, line in enumerate(said)
    )


def _alt(result: Imputations, shown: tuple[Trace, ...]) -> str:
    columns = ", ".join(dict.fromkeys(label(trace.column) for trace in shown))
    return f"Traces of imputed values of {columns}. {_words(result, len(shown))}"
