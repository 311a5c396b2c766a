"""Pages about a treatment by group: hazard ratios, their ratios, differences of survival."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from analyses import formatting as words
from analyses.formatting import NumberStyle, label
from analyses.plots.style import FigureStyle
from analyses.plots.treatment_by_group import (
    arm_words,
    difference_words,
    interaction_words,
    plot_treatment,
)
from analyses.report.blocks import Block, Cell, FigureBlock, Paragraph, Table, aligned, row
from analyses.report.section import Alts, Section, Sizes
from analyses.report.words import group_words, in_sentence, joined, used_rows
from analyses.results.study import StudyResult
from analyses.results.subgroups import GroupEffect
from analyses.results.treatment_by_group import AbsoluteTest, TreatmentAnalysis


def treatment_pages(
    result: StudyResult, analysis: TreatmentAnalysis, style: NumberStyle, alts: Alts
) -> Iterator[Block]:
    """The forest, the ratios of hazard ratios, the differences of survival."""
    made = analysis.result
    within = made.within
    counts = (within.n, within.n_event, within.n_input, within.n_missing)
    yield Paragraph(used_rows(result, analysis, counts, style))
    unknown = within.factors[0].n_missing
    if unknown:
        groups = in_sentence(made.by)
        said = f"{words.counted(unknown, 'patient', style)} without a known {groups} "
        yield Paragraph(f"{said}count among all patients and in no group.")
    treated, untreated = arm_words(made)
    alt, width = alts[analysis.id]
    level = words.tick(100 * within.conf_level, style)
    caption = f"{analysis.title}: {treated} against {untreated.lower()}, with {level}% limits."
    yield FigureBlock(analysis.id, caption, alt, width)
    yield _ratios(analysis, style)
    if made.absolute:
        yield _differences(analysis, style)
    yield Paragraph(
        "Patients were not assigned to the treatment: who is treated differs from who is not, and "
        "only what is adjusted for is taken into account. A treatment works differently in two "
        "groups where the test of interaction says so, not where one ratio's limits leave out 1.",
        "note",
    )


def treatment_methods(_result: StudyResult, analysis: TreatmentAnalysis) -> str:
    """The method in a few sentences, its choices named."""
    made = analysis.result
    within = made.within
    treated, untreated = arm_words(made)
    terms = joined([in_sentence(name) for name in dict.fromkeys(within.terms)])
    strata = joined([in_sentence(name) for name in within.strata])
    text = (
        f"{analysis.title}: {treated} against {untreated.lower()} within {in_sentence(made.by)}, "
        f"settled at time zero {analysis.known_said}; {made.estimand} hazard ratios by a Cox "
        f"model of each group, {within.ties.capitalize()} ties"
        + (f", adjusted for {terms}" if terms else "")
        + (f", stratified by {strata}" if strata else "")
        + (
            f", robust variance clustered by {in_sentence(within.cluster)}"
            if within.cluster
            else ""
        )
        + f", Wald {words.tick(100 * within.conf_level)}% limits. Interaction and ratios of hazard "
        f"ratios against {group_words(made.by, made.reference)} are of one model with the product "
        "of treatment and group."
    )
    if made.absolute:
        kind = "weighted" if made.is_weighted else "not adjusted"
        text += (
            f" Differences of survival are between Kaplan-Meier curves of the two arms ({kind}; "
            f"variance by {made.variance}), and are compared between groups by their squares "
            "about the weighted mean."
        )
    return text


def _effect_record(analysis: TreatmentAnalysis, effect: GroupEffect) -> str:
    parts = [effect.factor or "all", effect.level, effect.reference]
    named = [part for part in parts if part is not None]
    return "/".join([analysis.id, "hazard_ratio", effect.group, *named])


def _ratios(analysis: TreatmentAnalysis, style: NumberStyle) -> Table:
    """Hazard ratios by group, and each over the reference's."""
    made = analysis.result
    ratios = {ratio.group: ratio for ratio in made.ratios}
    rows = []
    for effect in made.effects:
        group = str(effect.level)
        record = _effect_record(analysis, effect)
        hazard = words.hazard_ratio(*effect.hazard_ratio, style)
        cells = [
            Cell(group_words(made.by, group), strong=True),
            Cell(hazard if effect.estimate is not None else words.NOT_ESTIMABLE, record),
            Cell(words.p_value(effect.p_value, style), record),
        ]
        ratio = ratios.get(group)
        if ratio is None:
            cells += [Cell(words.REFERENCE), Cell("")]
        else:
            where = f"{analysis.id}/ratio_of_hazard_ratios/{ratio.group}/{ratio.reference}"
            said = words.hazard_ratio(*ratio.ratio, style)
            known = ratio.estimate is not None
            cells.append(Cell(said if known else words.NOT_ESTIMABLE, where))
            cells.append(Cell(words.p_value(ratio.p_value, style), where))
        rows.append(tuple(cells))
    test = made.interaction
    said = "No test of interaction."
    if test.statistic is not None:
        statistic = words.number(test.statistic, 2, style)
        said = f"Chi-square {statistic} on {test.df} df; {interaction_words(made, style)}."
    reasons = [f"{group_words(made.by, r.group)}: {r.reason}" for r in made.ratios if r.reason]
    return Table(
        f"{analysis.id}_ratios",
        f"{analysis.title}: hazard ratios (HR), and over that of "
        f"{group_words(made.by, made.reference)}.",
        ("Group", "HR", style.p_symbol, "Ratio of HR", style.p_symbol),
        aligned(5),
        tuple(rows),
        (2.0, 2.2, 0.9, 2.2, 0.9),
        " ".join([said, *(f"{reason}." for reason in reasons)]),
    )


def _differences(analysis: TreatmentAnalysis, style: NumberStyle) -> Table:
    """Survival of both arms by group and time."""
    made = analysis.result
    treated, untreated = arm_words(made)
    said = dict(zip(made.times, analysis.times_said, strict=True))
    rows = []
    for time in made.times:
        rows.append(row(Cell(f"At {said[time]}", strong=True), "", "", "", ""))
        own = [effect for effect in made.absolute if effect.difference.time == time]
        rows += [_difference(analysis, effect, style) for effect in own]
    tests = [_alike(test, said[test.time], style) for test in made.absolute_tests]
    return Table(
        f"{analysis.id}_differences",
        f"{analysis.title}: survival by arm, and the difference in points "
        f"({'weighted' if made.is_weighted else 'not adjusted'}).",
        (label(made.by), treated, untreated, "Difference, points", style.p_symbol),
        aligned(5),
        tuple(rows),
        (2.2, 1.4, 1.4, 2.4, 0.9),
        " ".join(tests),
    )


def _difference(analysis: TreatmentAnalysis, effect: Any, style: NumberStyle) -> tuple[Cell, ...]:
    change = effect.difference
    at = f"t={change.time:.12g}"
    place = f"{analysis.result.by}/{effect.group}"
    record = f"{analysis.id}/survival_difference/{change.group}/{place}/{change.reference}/{at}"
    return row(
        Cell(group_words(analysis.result.by, effect.group), indent=1),
        Cell(
            words.percent(effect.treated, style),
            f"{analysis.id}/survival/{change.group}/{place}/{at}",
        ),
        Cell(
            words.percent(effect.untreated, style),
            f"{analysis.id}/survival/{change.reference}/{place}/{at}",
        ),
        Cell(difference_words(change, style), record),
        Cell(words.p_value(change.p_value, style), record),
    )


def _alike(test: AbsoluteTest, said: str, style: NumberStyle) -> str:
    if test.statistic is None:
        return f"No test that the differences at {said} are alike ({test.reason})."
    statistic = words.number(test.statistic, 2, style)
    return (
        f"That the differences at {said} are alike: chi-square {statistic} on {test.df} df, "
        f"{words.p_equals(test.p_value, style)}."
    )


def _figures(
    _result: StudyResult, analysis: TreatmentAnalysis, style: FigureStyle
) -> Iterator[tuple[str, Any]]:
    drawn = plot_treatment(analysis.result, style=style, times_said=analysis.times_said)
    yield analysis.id, drawn


def _tables(analysis: TreatmentAnalysis) -> Iterator[tuple[str, Any]]:
    yield "numbers", analysis.result.summary
    if analysis.result.absolute:
        yield "differences", analysis.result.differences


def _choices(analysis: TreatmentAnalysis) -> Iterator[tuple[str, str]]:
    made = analysis.result
    yield "ties", made.within.ties
    yield "intervals", "Wald, log hazard scale"
    yield "level", f"{made.within.conf_level:g}"
    yield "variance", "robust" if made.within.robust else "model-based"
    yield "estimand", made.estimand
    yield "settled_at_time_zero", analysis.known_said


def _sizes(analysis: TreatmentAnalysis) -> Iterator[Sizes]:
    made = analysis.result
    subs = made.within.factors[0].subgroups
    yield Sizes(made.by, tuple((str(sub.level), sub.n, sub.n_event) for sub in subs))


TREATMENTS = Section(
    pages=treatment_pages,
    methods=treatment_methods,
    figures=_figures,
    tables=_tables,
    choices=_choices,
    sizes=_sizes,
)
