"""Forest of studies: published results by weight, pools as diamonds, this study beneath."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Polygon
from matplotlib.text import Text
from matplotlib.ticker import NullFormatter, NullLocator

from analyses.formatting import capitalised, number, p_equals, percent, tick
from analyses.plots.evidence_layout import GAP_MM, MARGIN_MM, StudyPlan, study_plan
from analyses.plots.evidence_lines import (
    PARTLY,
    UNVERIFIED,
    Line,
    contrast_words,
    evidence_lines,
    study_lines,
)
from analyses.plots.forest_layout import axis_ticks
from analyses.plots.layout import Sheet, bare, blank, sheet
from analyses.plots.style import BLUE, GREY, INK, PAGE, FigureStyle, add_text, own_settings
from analyses.results.evidence import Evidence
from analyses.results.meta_analysis import MetaAnalysis

_LEAST_MM = 10.0
_SIDES = (2.2, 6.5)  # of the squares, points


@dataclass(frozen=True, slots=True, eq=False)
class StudyMark:
    """What one line became: its square or diamond, interval, prediction and arrows."""

    key: str
    centre: Line2D | Polygon | None
    interval: Line2D | None
    prediction: Line2D | None
    arrows: tuple[Line2D, ...]


@dataclass(frozen=True, slots=True, eq=False)
class EvidenceArtists:
    """Every artist of the figure by name, and the words that stand in for the figure."""

    figure: Figure
    panel: Axes
    marks: tuple[StudyMark, ...]
    cells: tuple[tuple[str, str, Text], ...]  # (line, column, text)
    heads: tuple[Text, ...]
    notes: tuple[Text, ...]
    alt: str


def plot_evidence(
    evidence: Evidence, *, ax: Axes | None = None, style: FigureStyle = PAGE
) -> EvidenceArtists:
    """Published results on a log axis with pools as diamonds, and the present study beneath.

    Squares are sized by weight in the pool; hollow squares are drawn, not pooled; the thin line
    through a diamond is the prediction interval; † marks what was not verified, ‡ what was in
    part. Results without a ratio and limits stand in their lines in words.

    Notes
    -----
    Checked against the results themselves (tests/analyses/test_plot_evidence.py).
    """
    lines = evidence_lines(evidence, style.numbers)
    q = evidence.question
    what = f"{capitalised(evidence.measure.replace('_', ' '))}, {contrast_words(q.contrast)}"
    with own_settings():
        place = sheet(ax, style)
        plan = study_plan(
            lines,
            f"{what} (log scale)",
            _notes(evidence, style),
            place.style,
            logarithmic=True,
            level=evidence.conf_level,
        )
        return draw_studies(place, plan, _alternative(evidence, lines))


def plot_meta_analysis(
    result: MetaAnalysis, *, ax: Axes | None = None, style: FigureStyle = PAGE
) -> EvidenceArtists:
    """The studies of a meta-analysis and its pools with the prediction interval."""
    lines = study_lines(result, style.numbers)
    title = "Estimate"
    if result.measure:
        title = f"{capitalised(result.measure.replace('_', ' '))} (log scale)"
    with own_settings():
        place = sheet(ax, style)
        notes = (pool_words(result, style),)
        plan = study_plan(
            lines,
            title,
            notes,
            place.style,
            logarithmic=result.measure is not None,
            level=result.conf_level,
        )
        said = "; ".join(f"{line.label} {line.ratio_words}" for line in lines)
        return draw_studies(place, plan, f"Forest plot of {result.k} studies. {said}.")


def draw_studies(place: Sheet, plan: StudyPlan, alt: str) -> EvidenceArtists:
    """The figure of a plan."""
    style = plan.style
    under = 2 * plan.pitch + 2.4
    foot = len(plan.notes) * style.line_height(style.small_size - 0.5) + 1.0 + MARGIN_MM
    heights = place.rows([MARGIN_MM, plan.pitch + 1, plan.tops[-1], under, foot], 2, _LEAST_MM)
    grid = place.grid(heights, [style.width_mm])
    figure = place.figure
    if place.home is not None:
        place.home.set_subplotspec(grid[:, :])
        blank(place.home, 1, 1)
    head, body, below, feet = (
        blank(
            figure.add_subplot(grid[row, 0]), style.width_mm, (heights[1], plan.tops[-1])[row > 1]
        )
        for row in (1, 2, 3, 4)
    )
    blank(below, style.width_mm, under)
    blank(feet, style.width_mm, foot)
    panel = _panel(body, plan)
    centre = plan.left("panel") + (plan.widths["panel"] - GAP_MM) / 2
    words = style.words(size=style.small_size)
    titles = (add_text(below, (centre, 1.5 * plan.pitch + 1.6), plan.title, words, "center"),)
    return EvidenceArtists(
        figure=place.whole,
        panel=panel,
        marks=tuple(
            _mark(panel, line, _middle(plan, i), plan) for i, line in enumerate(plan.lines)
        ),
        cells=_draw_cells(body, plan),
        heads=(*_draw_heads(head, plan), *titles),
        notes=_draw_notes(feet, plan),
        alt=alt,
    )


def _middle(plan: StudyPlan, i: int) -> float:
    """Height of a line's first row of words."""
    return plan.tops[i] + 0.6 * plan.pitch


def _panel(body: Axes, plan: StudyPlan) -> Axes:
    """The axis within the body, its lines in millimetres from the top."""
    width = plan.style.width_mm
    share = (plan.left("panel") / width, 0.0, (plan.widths["panel"] - GAP_MM) / width, 1.0)
    panel = body.inset_axes(share)
    bare(panel, left=False)
    if plan.logarithmic:
        panel.set_xscale("log")
        panel.xaxis.set_minor_locator(NullLocator())
        panel.xaxis.set_minor_formatter(NullFormatter())
        ticks = axis_ticks(plan.limits, plan.widths["panel"] - GAP_MM, plan.style)
        words = plan.style.words(size=plan.style.small_size)
        panel.set_xticks(ticks, labels=[tick(x, plan.style.numbers) for x in ticks], **words)
    panel.set_xlim(*plan.limits)
    panel.set_ylim(plan.tops[-1], 0)
    panel.yaxis.set_major_locator(NullLocator())
    for top, bottom in _without_words(plan):
        at = 1.0 if plan.logarithmic else 0.0
        panel.plot([at, at], [top, bottom], color=INK, linewidth=0.7, zorder=1)
    return panel


def _without_words(plan: StudyPlan) -> list[tuple[float, float]]:
    """Stretches of the panel in which no line has words in place of a mark."""
    stretches: list[tuple[float, float]] = []
    for line, top, bottom in zip(plan.lines, plan.tops, plan.tops[1:], strict=False):
        if line.mark == "words":
            continue
        if stretches and stretches[-1][1] == top:
            stretches[-1] = (stretches[-1][0], bottom)
        else:
            stretches.append((top, bottom))
    return stretches


def _mark(panel: Axes, line: Line, y: float, plan: StudyPlan) -> StudyMark:
    """The mark of one line; what lies beyond the axis becomes an arrow at its edge."""
    if line.mark in ("heading", "words") or line.estimate is None:
        return StudyMark(line.key, None, None, None, ())
    interval = prediction = None
    if line.prediction is not None:
        prediction = _span(panel, line.prediction, y, plan.limits, GREY, 0.8)
    if line.mark != "diamond" and line.low is not None and line.high is not None:
        interval = _span(panel, (line.low, line.high), y, plan.limits, INK, 0.9)
    reach = line.prediction or (line.low, line.high)
    arrows = []
    for value, edge, marker in ((reach[0], 0, "<"), (reach[1], 1, ">")):
        end = plan.limits[edge]
        if value is not None and (value < end if edge == 0 else value > end):
            colour = GREY if line.prediction else INK
            arrows += panel.plot(
                [end], [y], marker, markersize=3.5, color=colour, markeredgewidth=0, clip_on=False
            )
    return StudyMark(line.key, _centre(panel, line, y, plan), interval, prediction, tuple(arrows))


def _span(
    panel: Axes,
    ends: tuple[float, float],
    y: float,
    limits: tuple[float, float],
    colour: str,
    width: float,
) -> Line2D:
    """A line between two values, as far as the axis reaches."""
    low, high = max(ends[0], limits[0]), min(ends[1], limits[1])
    (drawn,) = panel.plot([low, high], [y, y], color=colour, linewidth=width, zorder=2)
    return drawn


def _centre(panel: Axes, line: Line, y: float, plan: StudyPlan) -> Line2D | Polygon | None:
    """A diamond for a pool, a square sized by weight, or a hollow one."""
    low, high = plan.limits
    if line.estimate is None or not low <= line.estimate <= high:
        return None
    if line.mark == "diamond" and line.low is not None and line.high is not None:
        half = 0.32 * plan.pitch
        ends = (max(line.low, low), min(line.high, high))
        corners = [(ends[0], y), (line.estimate, y - half), (ends[1], y), (line.estimate, y + half)]
        diamond = Polygon(corners, closed=True, facecolor=BLUE, edgecolor=INK, linewidth=0.6)
        diamond.set_zorder(4)
        panel.add_patch(diamond)
        return diamond
    share = 0.0 if line.share is None else line.share
    hollow = line.mark == "hollow"
    (square,) = panel.plot(
        [line.estimate],
        [y],
        "D" if line.mark == "present" else "s",
        markersize=4.0 if line.mark == "present" else _SIDES[0] + _SIDES[1] * math.sqrt(share) / 2,
        color=INK,
        markerfacecolor="white" if hollow else INK,
        markeredgewidth=0.7,
        zorder=3,
    )
    return square


def _draw_cells(body: Axes, plan: StudyPlan) -> tuple[tuple[str, str, Text], ...]:
    """The words and numbers of every line."""
    size, found = plan.style.small_size, []
    for i, (line, cells) in enumerate(zip(plan.lines, plan.cells, strict=True)):
        words = plan.style.words("semibold" if line.mark == "heading" else "regular", size)
        for column, rows in cells.items():
            for k, text in enumerate(rows):
                at = (0.3 + plan.left(column), _middle(plan, i) + k * plan.pitch)
                found.append((line.key, column, add_text(body, at, text, words)))
    return tuple(found)


def _draw_heads(head: Axes, plan: StudyPlan) -> tuple[Text, ...]:
    """Titles of the columns that say something."""
    bold = plan.style.words("semibold", plan.style.small_size)
    return tuple(
        add_text(head, (0.3 + plan.left(column), plan.pitch / 2), title, bold)
        for column, title in plan.heads.items()
        if title and plan.widths[column]
    )


def _draw_notes(foot: Axes, plan: StudyPlan) -> tuple[Text, ...]:
    """The notes, line by line."""
    size = plan.style.small_size - 0.5
    line, words = plan.style.line_height(size), plan.style.words(size=size)
    return tuple(
        add_text(foot, (0.3, 1.0 + (i + 0.5) * line), text, words)
        for i, text in enumerate(plan.notes)
    )


def pool_words(result: MetaAnalysis, style: FigureStyle) -> str:
    """What the pools are and how the studies differ."""
    said = (
        f"{result.k} pooled; random effects by Paule and Mandel with Hartung and Knapp's limits; "
        "the thin line through a diamond is where a new study would lie."
    )
    found = result.heterogeneity
    if found.q is None or found.i2 is None or found.tau2 is None:
        return f"{result.k} pooled, which has no random effects."
    between = f"Q {number(found.q, 1, style.numbers)} on {found.df} df, "
    between += (
        f"{p_equals(found.p_value, style.numbers)}; tau² {number(found.tau2, 3, style.numbers)}"
    )
    return f"{said} {between}; I² {percent(found.i2, style.numbers, 0)}."


def _notes(evidence: Evidence, style: FigureStyle) -> tuple[str, ...]:
    """What the marks mean, what was pooled and what was not."""
    notes = [evidence.reason.capitalize() + "." if evidence.reason else ""]
    if evidence.pool is not None:
        notes.append(pool_words(evidence.pool, style))
    shown = [row.published for row in evidence.rows if row.use != "left_out"]
    if any(p.verified == "memory" for p in shown):
        notes.append(f"{UNVERIFIED} not verified in a source.")
    if any(p.verified == "partly" for p in shown):
        notes.append(f"{PARTLY} verified in part.")
    if any(one.form == "not_significant" for one in evidence.without_ratio):
        n = next(len(o.studies) for o in evidence.without_ratio if o.form == "not_significant")
        said = "leaving out such studies biases a pool away from 1"
        notes.append(f"{n} known as “not significant” only: {said}.")
    return tuple(note for note in notes if note)


def _alternative(evidence: Evidence, lines: Sequence[Line]) -> str:
    """The figure in words: every ratio with its limits."""
    said = [f"Forest plot of published {evidence.measure.replace('_', ' ')}s."]
    group: list[str] = []
    for line in lines:
        if line.mark == "heading":
            said.append("; ".join(group) + "." if group else "")
            group = [f"{line.label}: "]
        else:
            group.append(f"{line.label} {line.ratio_words}")
    said.append("; ".join(group) + ".")
    return " ".join(part for part in said if part).replace(": ;", ":")
