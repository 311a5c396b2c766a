"""Pages about a model's performance: discrimination, error, calibration, optimism."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from analyses import formatting as words
from analyses.formatting import NumberStyle, count, label
from analyses.plots.calibration import plot_calibration
from analyses.plots.rmst import with_limits
from analyses.plots.style import FigureStyle
from analyses.report.blocks import Block, Cell, FigureBlock, Paragraph, Table, aligned, row
from analyses.report.section import Alts, Section
from analyses.report.words import in_sentence, joined, used_rows
from analyses.results.performance import MEASURES, Measure
from analyses.results.study import PerformanceAnalysis, StudyResult

SHARES = ("expected_risk", "observed_risk")
DECIMALS = 3


def performance_pages(
    result: StudyResult, analysis: PerformanceAnalysis, style: NumberStyle, alts: Alts
) -> Iterator[Block]:
    """The calibration as a figure, every measure, and the groups of predicted risk."""
    found = analysis.result
    counts = (found.n, found.n_event, found.n_input, found.n_missing)
    yield Paragraph(used_rows(result, analysis, counts, style))
    alt, width = alts[analysis.id]
    level = words.tick(100 * found.conf_level, style)
    yield FigureBlock(
        analysis.id,
        f"{analysis.title}. Predicted against observed risk in groups of like predicted risk, with "
        f"{level}% limits of Kaplan-Meier estimates.",
        alt,
        width,
    )
    yield _measures(result, analysis, style)
    yield _groups(analysis, style)


def performance_methods(_result: StudyResult, analysis: PerformanceAnalysis) -> str:
    """The method in a few sentences, its choices named."""
    found = analysis.result
    terms = joined([in_sentence(term.name) for term in analysis.model.terms])
    text = (
        f"{analysis.title}: a Cox model of {terms}"
        f"{_strata(analysis)} was measured in the patients that it was fitted to. Uno's "
        "concordance, cumulative and dynamic areas under the curve and Brier scores weigh patients "
        "by the inverse probability of being followed (Kaplan-Meier of censoring, deaths leaving "
        "before censorings); scaled scores are 1 less the score over that of Kaplan-Meier without "
        f"covariates. Uno's concordance and the integrated score look up to "
        f"{words.tick(found.tau)} in the unit of follow-up"
    )
    if found.resamples:
        units = "patients"
        if analysis.model.cluster is not None:
            units = f"units of {in_sentence(analysis.model.cluster)}"
        text += (
            f". Optimism is the mean over {found.resamples - found.n_failed} bootstrap samples of "
            f"{units} (seed {found.seed}), in each of which the whole model was fitted anew; "
            "corrected limits use the bootstrap's standard error"
        )
    else:
        text += ". Optimism was not corrected"
    return f"{text}."


def _strata(analysis: PerformanceAnalysis) -> str:
    strata = analysis.model.strata
    return f", stratified by {joined([label(s) for s in strata])}," if strata else ""


def _measures(result: StudyResult, analysis: PerformanceAnalysis, style: NumberStyle) -> Table:
    """One row a measure: as measured, and corrected where it was."""
    found = analysis.result
    said = dict(zip(found.times, analysis.times_said, strict=True))
    corrected = bool(found.resamples)
    rows = []
    for measure in found.measures:
        record = _record(analysis.id, measure.quantity, measure.time)
        name = words.capitalised(MEASURES[measure.quantity])
        when = "" if measure.time is None else said.get(measure.time)
        if when is None:
            when = f"{words.tick(measure.time or 0.0, style)} {result.time_unit}"
        cells = [Cell(name, strong=True), Cell(when), Cell(_estimate(measure, style), record)]
        if corrected:
            cells += _corrected(analysis.id, measure, style)
        rows.append(row(*cells))
    heads: tuple[str, ...] = ("Measure", "At", "As measured")
    heads += ("Optimism", "Corrected") if corrected else ()
    level = words.tick(100 * found.conf_level, style)
    return Table(
        analysis.id,
        f"{analysis.title}: measures with {level}% limits.",
        heads,
        aligned(len(heads)),
        tuple(rows),
        (3.2, 1.2, 2.2, *((1.1, 2.2) if corrected else ())),
        "Concordance and AUC: 0.5 is chance, 1 perfect. Brier scores: 0 is perfect; scaled, 1 is "
        "perfect and 0 no better than no covariates. Calibration slope: 1 is ideal, less is "
        "predictions too far apart. A dash stands where a number is not defined or, for limits and "
        "optimism, not given.",
    )


def _record(analysis: str, quantity: str, time: float | None) -> str:
    return f"{analysis}/{quantity}" + ("" if time is None else f"/t={time:.12g}")


def _estimate(measure: Measure, style: NumberStyle) -> str:
    if measure.quantity in SHARES:
        if measure.conf_low is None or measure.conf_high is None:
            return words.percent(measure.estimate, style)
        limits = (measure.conf_low, measure.conf_high)
        return words.percent_with_limits(measure.estimate, *limits, style)
    return with_limits(measure.estimate, measure.conf_low, measure.conf_high, DECIMALS, style)


def _corrected(analysis: str, measure: Measure, style: NumberStyle) -> list[Cell]:
    if measure.optimism is None:
        return [Cell(style.dash), Cell(style.dash)]
    limits = (measure.corrected_low, measure.corrected_high)
    return [
        Cell(
            words.number(measure.optimism, DECIMALS, style),
            _record(analysis, f"{measure.quantity}_optimism", measure.time),
        ),
        Cell(
            with_limits(measure.corrected, *limits, DECIMALS, style),
            _record(analysis, f"{measure.quantity}_corrected", measure.time),
        ),
    ]


def _groups(analysis: PerformanceAnalysis, style: NumberStyle) -> Table:
    """One row a group of predicted risk and horizon."""
    found = analysis.result
    said = dict(zip(found.times, analysis.times_said, strict=True))
    rows = []
    for group in found.groups:
        where = f"risk group {group.place}/t={group.time:.12g}"
        observed = words.percent(group.observed, style)
        if group.conf_low is not None and group.conf_high is not None:
            limits = (group.conf_low, group.conf_high)
            observed = words.percent_with_limits(group.observed, *limits, style)
        rows.append(
            row(
                Cell(said[group.time], strong=group.place == 1),
                Cell(count(group.place, style)),
                Cell(
                    f"{count(group.n_event, style)} / {count(group.n, style)}",
                    f"{analysis.id}/group_expected_risk/{where}",
                ),
                Cell(
                    words.percent(group.expected, style),
                    f"{analysis.id}/group_expected_risk/{where}",
                ),
                Cell(observed, f"{analysis.id}/group_observed_risk/{where}"),
            )
        )
    level = words.tick(100 * found.conf_level, style)
    return Table(
        f"{analysis.id}_groups",
        f"{analysis.title}: calibration in groups of like predicted risk.",
        ("At", "Group", "Events by then / patients", "Predicted risk", "Observed risk"),
        aligned(5),
        tuple(rows),
        (1.2, 0.8, 2.0, 1.5, 2.4),
        f"Groups of like size, the lowest predicted risk first; observed risk by Kaplan-Meier with "
        f"{level}% log-log limits.",
    )


def _figures(
    _result: StudyResult, analysis: PerformanceAnalysis, style: FigureStyle
) -> Iterator[tuple[str, Any]]:
    said = analysis.times_said
    yield analysis.id, plot_calibration(analysis.result, times_said=said, style=style)


def _tables(analysis: PerformanceAnalysis) -> Iterator[tuple[str, Any]]:
    yield "numbers", analysis.result.summary
    yield "calibration", analysis.result.calibration


def _choices(analysis: PerformanceAnalysis) -> Iterator[tuple[str, str]]:
    found = analysis.result
    yield "ties", analysis.model.ties
    yield "tau", f"{found.tau:.12g}"
    yield "resamples", f"{found.resamples}"
    yield "level", f"{found.conf_level:g}"


PERFORMANCE = Section(
    pages=performance_pages,
    methods=performance_methods,
    figures=_figures,
    tables=_tables,
    choices=_choices,
)
