"""Pages about classified and unclassified patients: who they are, and how they fare."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from analyses import formatting as words
from analyses.formatting import NumberStyle, count, label
from analyses.plots.kaplan_meier import plot_kaplan_meier
from analyses.plots.style import FigureStyle
from analyses.report.blocks import Block, FigureBlock, Paragraph
from analyses.report.curve_pages import tested
from analyses.report.feature_table import feature_table
from analyses.report.section import Alts, Section, axis_words
from analyses.report.words import in_sentence, joined, used_rows
from analyses.results.classification import ClassificationAnalysis
from analyses.results.study import StudyResult, TableAnalysis


def classification_pages(
    result: StudyResult, analysis: ClassificationAnalysis, style: NumberStyle, alts: Alts
) -> Iterator[Block]:
    """Who is unclassified and why, the features, the curves, the hazard ratios."""
    made = analysis.result
    inside, outside = made.n
    why = [
        f"{label(made.status, level) if level else 'No status'} {count(n, style)}"
        for level, n in made.counts
        if level not in made.groups
    ]
    yield Paragraph(
        f"{count(inside, style)} patients are in one of the three groups and "
        f"{count(outside, style)} ({words.percent(outside / (inside + outside), style)}) in none: "
        f"{joined(why)}."
    )
    name = f"{analysis.id}.features"
    table = TableAnalysis(name, f"{analysis.title}: features", made.features)
    yield feature_table(table, style)
    curves = made.curves
    counts = (curves.n, curves.n_event, curves.n_input, curves.n_missing)
    yield Paragraph(_in_time(result, analysis, counts, style))
    alt, width = alts[analysis.id]
    level = words.tick(100 * curves.conf_level, style)
    caption = (
        f"{analysis.title}. Kaplan-Meier estimates with pointwise {level}% limits "
        f"({curves.conf_type})."
    )
    yield FigureBlock(analysis.id, caption, alt, width)
    yield Paragraph(" ".join(_compared(analysis, style)))


def _in_time(
    result: StudyResult,
    analysis: ClassificationAnalysis,
    counts: tuple[int, int | None, int, tuple[tuple[str, int], ...]],
    style: NumberStyle,
) -> str:
    """The patients with follow-up, without the steps of those who are in a group only."""
    endpoints = tuple(
        replace(e, late=None, step=replace(e.step, n_removed=0)) for e in result.endpoints
    )
    return used_rows(replace(result, endpoints=endpoints), analysis, counts, style)


def _compared(analysis: ClassificationAnalysis, style: NumberStyle) -> Iterator[str]:
    """The test and the hazard ratios in sentences."""
    made = analysis.result
    if made.test is not None:
        yield f"Log-rank test: {tested(made.test, style)}."
    else:
        yield f"Log-rank test: none ({made.untested})."
    for model in made.summary.to_dict("records"):
        values = [model[k] for k in ("hazard_ratio", "hazard_ratio_low", "hazard_ratio_high")]
        ratio = words.hazard_ratio(values[0], values[1], values[2], style)
        kind = "raw" if model["model"] == "raw" else "adjusted"
        p = words.p_equals(model["p_value"], style)
        yield f"Unclassified against classified, {kind}: HR {ratio}, {p}."
    for name, reason in made.failed:
        yield f"Unclassified against classified, {name}: none ({reason})."


def classification_methods(_result: StudyResult, analysis: ClassificationAnalysis) -> str:
    """The method in a sentence or two, its choices named."""
    made = analysis.result
    terms: list[str] = []
    if made.adjusted is not None:
        terms = [in_sentence(term.name) for term in made.adjusted.terms[1:]]
    text = (
        f"{analysis.title}: patients who meet the study's criteria and are in none of the three "
        "groups were compared with those who are in one, by standardised differences, Kaplan-Meier "
        "curves, the log-rank test and a Cox model"
    )
    return f"{text}, raw and adjusted for {joined(terms)}." if terms else f"{text}."


def _figures(
    result: StudyResult, analysis: ClassificationAnalysis, style: FigureStyle
) -> Iterator[tuple[str, Any]]:
    drawn = plot_kaplan_meier(
        analysis.result.curves,
        test=analysis.result.test,
        words=axis_words(result, analysis),
        style=style,
    )
    yield analysis.id, drawn


def _tables(analysis: ClassificationAnalysis) -> Iterator[tuple[str, Any]]:
    yield "features", analysis.result.features.summary
    yield "curve", analysis.result.curves.summary
    yield "numbers", analysis.result.summary


CLASSIFICATIONS = Section(
    pages=classification_pages,
    methods=classification_methods,
    figures=_figures,
    tables=_tables,
    choices=lambda analysis: [("level", f"{analysis.result.curves.conf_level:g}")],
)
