"""Kaplan-Meier figure: steps, bands, medians, log-rank p, and the numbers under shared ticks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.collections import FillBetweenPolyCollection
from matplotlib.figure import Figure
from matplotlib.gridspec import SubplotSpec
from matplotlib.lines import Line2D
from matplotlib.text import Text

from analyses.formatting import count, tick
from analyses.plots import curve_words
from analyses.plots.axis_words import AxisWords
from analyses.plots.curve_header import draw_header, header_height
from analyses.plots.curve_words import ShownGroup, shown_groups
from analyses.plots.layout import Sheet, bare, blank, sheet
from analyses.plots.risk_table import (
    RiskGroup,
    RiskTable,
    draw_risk_table,
    name_lines,
    risk_table_height,
    risk_words,
    row_label_width,
)
from analyses.plots.style import PAGE, FigureStyle, add_text, drawable, own_settings
from analyses.plots.time_axis import TimeAxis, time_axis
from analyses.results.curve import Counting
from analyses.results.frozen import Array
from analyses.results.logrank import LogRank
from analyses.results.survival import KaplanMeier

_SHARES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
_MARGIN_MM = 1.5
_START = np.zeros(1)
_LEAST_PLOT_MM = 25.0
_BAND_ALPHA = 0.18


@dataclass(frozen=True, slots=True, eq=False)
class KaplanMeierArtists:
    """Every artist of the figure by name, and the words that stand in for the figure.

    Attributes
    ----------
    axes, table_axes
        Of the curves, and of the table under it, on one time axis.
    curves, bands, censor_marks
        (group, artist); a group without marks or band has none.
    table
        The numbers at risk, censored and of events.
    header
        (group, its words above the curves: name, events and patients, median; then the
        name's further lines).
    test, notes
        The log-rank line; the statements under the table.
    alt
        The figure in words.
    """

    figure: Figure
    axes: Axes
    table_axes: Axes
    curves: tuple[tuple[str, Line2D], ...]
    bands: tuple[tuple[str, FillBetweenPolyCollection], ...]
    censor_marks: tuple[tuple[str, Line2D], ...]
    table: RiskTable
    header: tuple[tuple[str, tuple[Text, ...]], ...]
    test: Text | None
    notes: tuple[Text, ...]
    alt: str


@dataclass(frozen=True, slots=True, eq=False)
class _Plan:
    """All that is settled before anything is drawn."""

    result: KaplanMeier
    groups: tuple[ShownGroup, ...]
    axis: TimeAxis
    words: AxisWords
    test: LogRank | None
    style: FigureStyle
    widths: tuple[float, float, float]
    notes: tuple[str, ...]
    marked: bool
    counting: Counting

    @property
    def rows(self) -> tuple[RiskGroup, ...]:
        """The groups as the table needs them."""
        return tuple(
            RiskGroup(g.name, name_lines(g.words, self.style), g.look) for g in self.groups
        )

    @property
    def heights(self) -> tuple[float, ...]:
        """Millimetres of header, gap, curves, axis words, table, notes."""
        style = self.style
        header = header_height(self.groups, self.test, style)
        curves = min(max(0.56 * self.widths[1], 45.0), 75.0)
        axis = 2 * style.line_height() + 2.4
        table = max(risk_table_height(self.rows, style), 1.0)
        foot = len(self.notes) * style.line_height(_fine(style)) + 1.5 + _MARGIN_MM
        return (_MARGIN_MM, header, 3.0, curves, axis, table, foot)


def plot_kaplan_meier(
    result: KaplanMeier,
    *,
    ax: Axes | None = None,
    style: FigureStyle = PAGE,
    times: Sequence[float] | None = None,
    test: LogRank | None = None,
    words: AxisWords | None = None,
    counting: Counting = "patients",
) -> KaplanMeierArtists:
    """Kaplan-Meier curves as a reader of a medical journal expects them.

    Right-continuous steps from 100 % at time 0 with pointwise bands and censoring ticks; under
    them, at the same ticks, the numbers at risk, censored and of events (KMunicate: Morris and
    others, BMJ Open 2019;9:e030215); above them patients, events and medians by group and the
    log-rank p. Curves end where fewer than `style.curtail_below` remain at risk (Pocock and
    others, Lancet 2002;359:1686), which the figure then says; the result stays whole.

    Parameters
    ----------
    result
        Drawn as it is; nothing is estimated here.
    ax
        Axes whose place the whole figure takes; a new figure where absent.
    times
        Ticks with numbers under them, in the unit of follow-up (0 is added); round steps
        where absent.
    test
        Log-rank test whose p-value is printed.
    words
        Names of the outcome and of time zero, and the unit of follow-up. Without a unit the
        axis names none.
    counting
        What the numbers under the curves are: ``patients``, or their ``weights``.

    Returns
    -------
    KaplanMeierArtists
        The curves' coordinates are the result's own arrays, in the unit of follow-up.

    Notes
    -----
    Checked against the result's arrays and counts made directly from raw data
    (tests/analyses/test_plot_kaplan_meier.py).
    """
    with own_settings():
        place = sheet(ax, style)
        named = AxisWords() if words is None else words
        return _drawn(place, _plan(result, times, test, named, place.style, counting))


def _drawn(place: Sheet, plan: _Plan) -> KaplanMeierArtists:
    """The figure of a plan."""
    heights = place.rows(plan.heights, 3, _LEAST_PLOT_MM)
    grid = place.grid(heights, plan.widths)
    figure, style = place.figure, plan.style
    axes = _curve_axes(place, grid[3, 1])
    table_axes = figure.add_subplot(grid[5, 1], sharex=axes)
    sides = [
        blank(figure.add_subplot(grid[row, :]), style.width_mm, heights[row]) for row in (1, 5, 6)
    ]
    curves, bands, marks = _draw_curves(axes, plan)
    _dress(axes, table_axes, plan, heights[5])
    header, line = draw_header(
        sides[0], plan.result, plan.groups, axis=plan.axis, test=plan.test, style=style
    )
    return KaplanMeierArtists(
        figure=place.whole,
        axes=axes,
        table_axes=table_axes,
        curves=curves,
        bands=bands,
        censor_marks=marks,
        table=_draw_table(table_axes, sides[1], plan),
        header=header,
        test=line,
        notes=_draw_notes(sides[2], plan),
        alt=curve_words.alternative_text(
            plan.result, plan.groups, plan.test, plan.axis, style, plan.words.outcome
        ),
    )


def _plan(
    result: KaplanMeier,
    times: Sequence[float] | None,
    test: LogRank | None,
    words: AxisWords,
    style: FigureStyle,
    counting: Counting,
) -> _Plan:
    groups = shown_groups(result, style)
    largest = max((group.curve.n for group in groups), default=0)
    number = style.width(count(largest, style.numbers), size=style.small_size)
    if counting == "weights":
        heaviest = max((float(g.curve.at_risk(_START, counting)[0]) for g in groups), default=0)
        number = style.width(risk_words(heaviest, style.numbers), size=style.small_size)
    left = max(row_label_width(style) + number / 2 + 1.5, 12.0)
    right = max(number / 2, 3.0) + _MARGIN_MM
    width = style.width_mm - left - right
    end = max([group.last for group in groups] + [float(t) for t in times or ()], default=0.0)
    end = end or max((float(g.curve.time[-1]) for g in groups if len(g.curve.time)), default=0.0)
    axis = time_axis(
        end if end > 0 else 1.0,
        time_unit=words.time_unit,
        origin=words.origin,
        times=times,
        pitch=max(number + 1.5, 5.0) / width,
        style=style.numbers,
    )
    marked = all(_censorings(group).sum() <= style.most_marks for group in groups)
    said = curve_words.notes(result, groups, axis, style, marked=marked, counting=counting)
    room = style.width_mm - 2 * _MARGIN_MM
    lines = [line for note in said for line in style.wrap(note, room, size=_fine(style))]
    return _Plan(
        result,
        groups,
        axis,
        words,
        test,
        style,
        (left, width, right),
        tuple(lines),
        marked,
        counting,
    )


def _fine(style: FigureStyle) -> float:
    """Size of the notes, in points."""
    return style.small_size - 0.5


def _censorings(group: ShownGroup) -> npt.NDArray[np.bool_]:
    """Which of the group's times hold a censoring that is shown."""
    return (group.curve.censored > 0) & (np.arange(len(group.curve.time)) < group.shown)


def _curve_axes(place: Sheet, cell: SubplotSpec) -> Axes:
    """The axes of the curves: a new one, or the given one made smaller."""
    if place.home is None:
        return place.figure.add_subplot(cell)
    place.home.set_subplotspec(cell)
    return place.home


def _draw_curves(
    axes: Axes, plan: _Plan
) -> tuple[
    tuple[tuple[str, Line2D], ...],
    tuple[tuple[str, FillBetweenPolyCollection], ...],
    tuple[tuple[str, Line2D], ...],
]:
    """Steps, bands and censoring marks of every group."""
    lines, bands, marks = [], [], []
    for group in plan.groups:
        curve, look, k = group.curve, group.look, group.shown
        time = np.concatenate([[curve.origin], curve.time[:k]])
        survival = np.concatenate([[1.0], curve.survival[:k]])
        limits = [
            np.concatenate([[np.nan], side[:k]]) for side in (curve.conf_low, curve.conf_high)
        ]
        low, high = (_stepped(side, 1) for side in limits)
        if np.isfinite(low + high).any():
            band = axes.fill_between(
                _stepped(time, 0),
                low,
                high,
                where=np.isfinite(low + high),
                color=look.colour,
                alpha=_BAND_ALPHA,
                linewidth=0,
            )
            bands.append((group.name, band))
        (line,) = axes.plot(
            time,
            survival,
            drawstyle="steps-post",
            color=look.colour,
            linestyle=look.dashes,
            linewidth=plan.style.line_width,
            solid_capstyle="butt",
            dash_capstyle="butt",
            clip_on=False,
            zorder=3,
        )
        lines.append((group.name, line))
        at = _censorings(group)
        if plan.marked and at.any():
            (mark,) = axes.plot(
                curve.time[at],
                curve.survival[at],
                linestyle="none",
                marker="|",
                markersize=4,
                markeredgewidth=0.6,
                color=look.colour,
                clip_on=False,
                zorder=3,
            )
            marks.append((group.name, mark))
    return tuple(lines), tuple(bands), tuple(marks)


def _stepped(values: Array, lag: int) -> Array:
    """Corners of right-continuous steps: times with `lag` 0, heights with `lag` 1."""
    doubled = np.repeat(values, 2)
    return doubled[1:] if lag == 0 else doubled[:-1]


def _dress(axes: Axes, table_axes: Axes, plan: _Plan, table_mm: float) -> None:
    """Limits, ticks and titles; the table's axes has none of its own."""
    style, axis = plan.style, plan.axis
    bare(axes, left=True)
    table_axes.set_axis_off()
    table_axes.set_ylim(table_mm, 0)
    axes.set_xlim(0, axis.end)
    axes.set_ylim(0, 1)
    # A page that shows the figure finds here which times its width stands for.
    axes.patch.set_gid(f"time-axis_0_{axis.end:.12g}")
    words = style.words()
    axes.set_xticks(axis.ticks, labels=axis.labels, **words)
    axes.set_yticks(
        _SHARES, labels=[tick(100 * share, style.numbers) for share in _SHARES], **words
    )
    given = curve_words.given_words(plan.result, axis, plan.style)
    axes.set_xlabel(drawable(axis.title + (f", {given}" if given else "")), labelpad=2, **words)
    axes.set_ylabel(drawable(f"{plan.words.outcome}, %"), labelpad=3, **words)


def _draw_table(axes: Axes, labels: Axes, plan: _Plan) -> RiskTable:
    """The numbers under the ticks; empty where there is nobody."""
    if not plan.groups:
        return RiskTable((), (), (), ())
    counts = plan.result.risk_table(plan.axis.ticks, plan.counting)
    return draw_risk_table(counts, plan.rows, axes=axes, labels=labels, style=plan.style)


def _draw_notes(axes: Axes, plan: _Plan) -> tuple[Text, ...]:
    """The notes, line by line."""
    size = _fine(plan.style)
    line = plan.style.line_height(size)
    words = plan.style.words(size=size)
    return tuple(
        add_text(axes, (0.3, 1.5 + (i + 0.5) * line), text, words)
        for i, text in enumerate(plan.notes)
    )
