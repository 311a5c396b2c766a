"""Pages about a landmark: who reached it, survival from it, the effect beside the naive one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from analyses import formatting as words
from analyses.formatting import NumberStyle, count, label
from analyses.plots.axis_words import AxisWords
from analyses.plots.kaplan_meier import plot_kaplan_meier
from analyses.plots.style import FigureStyle
from analyses.report.blocks import Block, Cell, FigureBlock, Paragraph, Table, aligned
from analyses.report.late_pages import (
    adjusted_said,
    effect_blocks,
    effect_figure,
    left_out_said,
    state_words,
)
from analyses.report.section import Alts, Section, Sizes
from analyses.report.words import endpoint_of, group_words, in_sentence, used_rows
from analyses.results.landmark import LandmarkAnalysis, LandmarkGroup
from analyses.results.study import StudyResult
from analyses.results.survival import EVERYONE

_COUNTS = (
    ("n", "At time zero"),
    ("n_event_before", "Event before"),
    ("n_censored_before", "Last seen before"),
    ("n_untreated", "Untreated at it"),
    ("n_treated_later", "of these treated later"),
    ("n_treated", "Treated by it"),
)


def landmark_pages(
    result: StudyResult, analysis: LandmarkAnalysis, style: NumberStyle, alts: Alts
) -> Iterator[Block]:
    """Who is lost before the landmark, the curves from it, the effects."""
    made = analysis.result
    n = sum(group.n for group in made.groups)
    before = sum(group.n_event_before for group in made.groups)
    counts = (n, before + made.n_event, made.n_input, made.n_missing)
    said = used_rows(result, analysis, counts, style)
    yield Paragraph(f"{said}{left_out_said(made.findings, style)}")
    yield _flow(analysis, style)
    alt, width = alts[analysis.id]
    level = words.tick(100 * made.curves.conf_level, style)
    caption = (
        f"{analysis.title}. Kaplan-Meier estimates from the landmark at {analysis.at_said} by "
        f"whether {in_sentence(made.treatment)} had started by then, with {level}% limits; not "
        "adjusted."
    )
    yield FigureBlock(analysis.id, caption, alt, width)
    if analysis.times:
        yield _survival(analysis, style)
    yield from effect_blocks(analysis.id, analysis.title, made, made.curves.conf_level, style, alts)


def landmark_methods(_result: StudyResult, analysis: LandmarkAnalysis) -> str:
    """The method in a few sentences, its choices named."""
    made = analysis.result
    return (
        f"{analysis.title}: {in_sentence(made.treatment)} starts after time zero, so that survival "
        f"counts from a landmark at {analysis.at_said} among patients followed past it, grouped "
        "by whether it had started by then (Anderson, Cain and Gelber, 1983); patients treated "
        "later stay in the group that they were in. Hazard ratio by a Cox model from the landmark"
        f"{adjusted_said(made.model, made.treatment)}."
    )


def _flow(analysis: LandmarkAnalysis, style: NumberStyle) -> Table:
    """Patients by group and reason, from time zero to the landmark."""
    made = analysis.result
    rows = [_counted(analysis, group, style) for group in made.groups]
    emptied = [group_words(made.by, group) for group in made.emptied]
    note = "".join(f"{group}: nobody is followed past the landmark. " for group in emptied)
    return Table(
        f"{analysis.id}_landmark",
        f"{analysis.title}: patients up to the landmark at {analysis.at_said}.",
        ("All" if made.by is None else label(made.by), *(head for _, head in _COUNTS)),
        aligned(1 + len(_COUNTS)),
        tuple(rows),
        (1.8, *(1.2,) * len(_COUNTS)),
        f"{note}Before: up to and including the landmark. An event or a last contact before it "
        "takes a patient out of the comparison whatever the treatment.",
    )


def _counted(
    analysis: LandmarkAnalysis, group: LandmarkGroup, style: NumberStyle
) -> tuple[Cell, ...]:
    name = (
        "All patients" if group.group == EVERYONE else group_words(analysis.result.by, group.group)
    )
    cells = [Cell(name, strong=True)]
    for field, _ in _COUNTS:
        record = f"{analysis.id}/landmark_{field}/{group.group}"
        cells.append(Cell(count(getattr(group, field), style), record))
    return tuple(cells)


def _survival(analysis: LandmarkAnalysis, style: NumberStyle) -> Table:
    """Survival from the landmark at the times asked for."""
    made = analysis.result
    at = made.curves.at(analysis.times).to_dict("records")
    rows = []
    for curve in made.curves.curves:
        cells = [Cell(state_words(made.treatment, curve.group), strong=True)]
        for r in at:
            if r["group"] == curve.group:
                record = f"{analysis.id}.curves/survival/{curve.group}/t={r['time']:.12g}"
                said = words.percent_with_limits(
                    r["estimate"], r["conf_low"], r["conf_high"], style
                )
                cells.append(Cell(said, record))
        rows.append(tuple(cells))
    heads = ("At the landmark", *(f"{said} after it" for said in analysis.times_said))
    return Table(
        f"{analysis.id}_survival",
        f"{analysis.title}: survival from the landmark, not adjusted.",
        heads,
        aligned(len(heads)),
        tuple(rows),
        (2.0, *(2.1,) * len(analysis.times)),
    )


def _figures(
    result: StudyResult, analysis: LandmarkAnalysis, style: FigureStyle
) -> Iterator[tuple[str, Any]]:
    made = analysis.result
    endpoint = endpoint_of(result, analysis.endpoint)
    shown = AxisWords(endpoint.label, f"the landmark at {analysis.at_said}", result.time_unit)
    yield analysis.id, plot_kaplan_meier(made.curves, words=shown, style=style)
    yield effect_figure(analysis.id, made, made.curves.conf_level, style)


def _tables(analysis: LandmarkAnalysis) -> Iterator[tuple[str, Any]]:
    yield "numbers", analysis.result.summary
    yield "counts", analysis.result.counts
    yield "model", analysis.result.model.summary
    yield "curves", analysis.result.curves.summary


def _choices(analysis: LandmarkAnalysis) -> Iterator[tuple[str, str]]:
    made = analysis.result
    yield "landmark", analysis.at_said
    yield "ties", made.model.ties
    yield "intervals", "Wald, log hazard scale"
    yield "level", f"{made.model.conf_level:g}"


def _sizes(analysis: LandmarkAnalysis) -> Iterator[Sizes]:
    made = analysis.result
    yield Sizes(made.treatment, tuple((c.group, c.n, c.n_event) for c in made.curves.curves))


LANDMARKS = Section(
    pages=landmark_pages,
    methods=landmark_methods,
    figures=_figures,
    tables=_tables,
    choices=_choices,
    sizes=_sizes,
)
