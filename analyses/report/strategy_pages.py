"""Pages about two strategies of treatment: clones, weights, curves, risks, the effects."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from analyses import formatting as words
from analyses.formatting import NumberStyle, count
from analyses.plots.strategies import plot_strategies, strategy_words
from analyses.plots.style import FigureStyle
from analyses.report.blocks import Block, Cell, FigureBlock, Paragraph, Table, aligned, row
from analyses.report.late_pages import effect_blocks, effect_figure, left_out_said
from analyses.report.section import Alts, Section, axis_words
from analyses.report.words import in_sentence, joined, used_rows
from analyses.results.contrast import Contrast
from analyses.results.strategies import Estimate, StrategiesAnalysis
from analyses.results.study import StudyResult


def strategy_pages(
    result: StudyResult, analysis: StrategiesAnalysis, style: NumberStyle, alts: Alts
) -> Iterator[Block]:
    """Clones and their weights, the curves, risks with differences, the effects."""
    made = analysis.result
    counts = (made.n, made.n_event, made.n_input, made.n_missing)
    said = used_rows(result, analysis, counts, style)
    yield Paragraph(f"{said}{left_out_said(made.findings, style)}")
    alt, width = alts[analysis.id]
    caption = (
        f"{analysis.title}. Survival had everybody followed each strategy, by clones censored as "
        "they deviate and weighted for it."
    )
    yield FigureBlock(analysis.id, caption, alt, width)
    yield _numbers(result, analysis, style)
    yield _clones(analysis, style)
    yield from effect_blocks(analysis.id, analysis.title, made, made.conf_level, style, alts)


def strategy_methods(_result: StudyResult, analysis: StrategiesAnalysis) -> str:
    """The method in a few sentences, its choices named."""
    made = analysis.result
    covariates = joined([in_sentence(name) for name in made.terms])
    switching = joined([in_sentence(name) for name in made.time_varying])
    hazard = "a Cox model"
    if made.model == "pooled_logistic":
        hazard = f"a pooled logistic model on {made.intervals} intervals of the grace period"
    return (
        f"{analysis.title}: starting {in_sentence(made.treatment)} within {analysis.grace_said} "
        "against not starting it within that period, by cloning, censoring and weighting (Hernan "
        "and Robins, 2016; Maringe and others, 2020). Every patient stands for both strategies at "
        "time zero; a clone is censored as it deviates, an event on that day counting. Weights "
        f"are the inverse of the probability of not having deviated, given {covariates}"
        + (f" and whether {switching} had started" if switching else "")
        + f": of starting by {hazard}, of having started by the end of the grace period by a "
        f"logistic model; truncated at the {words.tick(100 * made.truncate)}th percentile. Risks "
        "are of weighted Kaplan-Meier curves, the hazard ratio is marginal (weighted Cox model, "
        f"Breslow ties). {_limits(analysis)}"
    )


def _limits(analysis: StrategiesAnalysis) -> str:
    made = analysis.result
    if not made.n_samples:
        return "No limits were asked for."
    return (
        f"Limits ({words.tick(100 * made.conf_level)}%) are normal with the standard deviation of "
        f"{made.n_samples} bootstrap samples of patients (seed {made.seed}), all models fitted "
        "anew; those of risks on the complementary log-log scale."
    )


def _numbers(result: StudyResult, analysis: StrategiesAnalysis, style: NumberStyle) -> Table:
    """Risks and restricted means of both strategies, and their differences."""
    made = analysis.result
    start, never = made.arms
    rows = []
    for k, difference in enumerate(made.risk_differences):
        at = f"t={difference.time:.12g}"
        cells = [Cell(f"Risk at {analysis.times_said[k]}, %", strong=True)]
        for arm in (start, never):
            record = f"{analysis.id}/risk/{arm.strategy}/{at}"
            cells.append(Cell(_estimate(arm.risks[k], 100, style), record))
        cells += _difference(analysis, difference, 100, style)
        rows.append(tuple(cells))
    tau = analysis.tau_said or f"{words.tick(made.tau, style)} {result.time_unit}, from the data"
    cells = [Cell(f"Mean time up to {tau}, {result.time_unit}", strong=True)]
    for arm in (start, never):
        record = f"{analysis.id}/rmst/{arm.strategy}/t={made.tau:.12g}"
        cells.append(Cell(_estimate(arm.mean, 1, style), record))
    cells += _difference(analysis, made.mean_difference, 1, style)
    rows.append(tuple(cells))
    reason = made.mean_difference.reason
    return Table(
        f"{analysis.id}_numbers",
        f"{analysis.title}: risks, restricted means and differences (start less not).",
        ("", "Start", "Do not start", "Difference", style.p_symbol),
        aligned(5),
        tuple(rows),
        (2.2, 2.0, 2.0, 2.2, 0.9),
        f"No limits: {reason}." if reason else "",
    )


def _difference(
    analysis: StrategiesAnalysis, difference: Contrast, factor: float, style: NumberStyle
) -> list[Cell]:
    record = (
        f"{analysis.id}/{difference.quantity}/{difference.group}/{difference.reference}/"
        f"t={difference.time:.12g}"
    )
    shown = _scaled(difference.estimate, difference.conf_low, difference.conf_high, factor, style)
    return [Cell(shown, record), Cell(words.p_value(difference.p_value, style), record)]


def _estimate(number: Estimate, factor: float, style: NumberStyle) -> str:
    return _scaled(number.estimate, number.conf_low, number.conf_high, factor, style)


def _scaled(
    estimate: float | None,
    low: float | None,
    high: float | None,
    factor: float,
    style: NumberStyle,
) -> str:
    values = [None if value is None else factor * value for value in (estimate, low, high)]
    if values[1] is None:
        return words.number(values[0], 1, style)
    return words.estimate_with_limits(values[0], values[1], values[2], 1, None, style)


def _clones(analysis: StrategiesAnalysis, style: NumberStyle) -> Table:
    """What became of the clones, and what those past the grace period weigh."""
    made = analysis.result
    rows = [row(Cell("Clones", strong=True), "", "")]
    for field, said in (
        ("n", "At time zero, one a patient"),
        ("n_event", "Events while following the strategy"),
        ("n_deviated", "Censored on deviating"),
        ("n_ended", "Own follow-up ended before"),
    ):
        cells = [Cell(said, indent=1)]
        for arm in made.arms:
            record = f"{analysis.id}/clones_{field}/{arm.strategy}"
            cells.append(Cell(count(getattr(arm, field), style), record))
        rows.append(tuple(cells))
    rows.append(row(Cell("Weights past the grace period", strong=True), "", ""))
    for field, said in (
        ("effective", "Effective number of clones"),
        ("mean", "Mean"),
        ("median", "Median"),
        ("largest", "Largest"),
        ("largest_before", "Largest before truncation"),
    ):
        cells = [Cell(said, indent=1)]
        for arm in made.arms:
            value = getattr(arm.weights, field)
            record = f"{analysis.id}/weight_{field}/{arm.strategy}"
            decimals = 0 if field == "effective" else 2
            cells.append(Cell(words.number(value, decimals, style), record))
        rows.append(tuple(cells))
    cells = [Cell("Brought down by truncation", indent=1)]
    for arm in made.arms:
        record = f"{analysis.id}/weight_capped/{arm.strategy}"
        shown = f"{count(arm.weights.n_capped, style)} of {count(arm.weights.n, style)}"
        cells.append(Cell(shown, record))
    rows.append(tuple(cells))
    heads = [strategy_words(made, arm.strategy, analysis.grace_said) for arm in made.arms]
    return Table(
        f"{analysis.id}_clones",
        f"{analysis.title}: clones and their weights.",
        ("", *heads),
        aligned(3),
        tuple(rows),
        (2.4, 2.2, 2.2),
    )


def _figures(
    result: StudyResult, analysis: StrategiesAnalysis, style: FigureStyle
) -> Iterator[tuple[str, Any]]:
    made = analysis.result
    yield analysis.id, plot_strategies(made, style=style, words=axis_words(result, analysis))
    yield effect_figure(analysis.id, made, made.conf_level, style)


def _tables(analysis: StrategiesAnalysis) -> Iterator[tuple[str, Any]]:
    yield "numbers", analysis.result.summary


def _choices(analysis: StrategiesAnalysis) -> Iterator[tuple[str, str]]:
    made = analysis.result
    yield "grace", analysis.grace_said
    yield "hazard_of_starting", made.model
    yield "truncation", f"{made.truncate:g}"
    yield "bootstrap_samples", f"{made.n_samples}"
    yield "intervals", "normal, standard deviation of bootstrap samples"
    yield "level", f"{made.conf_level:g}"


STRATEGIES = Section(
    pages=strategy_pages,
    methods=strategy_methods,
    figures=_figures,
    tables=_tables,
    choices=_choices,
)
