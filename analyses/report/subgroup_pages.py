"""Pages about subgroups: a forest of each group against the reference, and whether they differ."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from analyses import formatting as words
from analyses.formatting import NumberStyle, count, label
from analyses.plots.style import FigureStyle
from analyses.plots.subgroups import multiplicity_words, plot_subgroups
from analyses.report.blocks import Block, Cell, FigureBlock, Paragraph, Table, aligned
from analyses.report.section import Alts, Section, Sizes
from analyses.report.words import ADJUSTMENTS, group_words, in_sentence, joined, used_rows
from analyses.results.study import StudyResult
from analyses.results.subgroups import Factor, InteractionTest, Subgroups, SubgroupsAnalysis


def subgroup_pages(
    result: StudyResult, analysis: SubgroupsAnalysis, style: NumberStyle, alts: Alts
) -> Iterator[Block]:
    """A figure a group compared, and the tests of interaction."""
    within = analysis.result
    counts = (within.n, within.n_event, within.n_input, within.n_missing)
    yield Paragraph(used_rows(result, analysis, counts, style))
    for group in _compared(within):
        name = figure_name(analysis, group)
        alt, width = alts[name]
        pair = f"{group_words(within.by, group)} against {_reference(within)}"
        level = words.tick(100 * within.conf_level, style)
        caption = (
            f"{analysis.title}: {pair}. Hazard ratios with {level}% limits, in all patients and "
            "in each subgroup."
        )
        yield FigureBlock(name, caption, alt, width)
    yield _tests(analysis, style)
    yield Paragraph(
        "A difference between subgroups is shown by a test of interaction, not by one ratio whose "
        "limits leave out 1 beside another whose limits do not.",
        "note",
    )


def figure_name(analysis: SubgroupsAnalysis, group: str) -> str:
    """Name of the figure of one group."""
    return f"{analysis.id}_{group}"


def subgroup_methods(_result: StudyResult, analysis: SubgroupsAnalysis) -> str:
    """The method in a few sentences, its choices named."""
    within = analysis.result
    terms = joined([in_sentence(name) for name in dict.fromkeys(within.terms)])
    strata = joined([in_sentence(name) for name in within.strata])
    factors = joined([in_sentence(factor.name) for factor in within.factors])
    tests = {test.test for test in within.tests}
    by = "the likelihood ratio" if tests == {"likelihood_ratio"} else "the robust Wald test"
    return (
        f"{analysis.title}: {label(within.by)} within subgroups by {factors}, each with a Cox "
        f"model of its own, {within.ties.capitalize()} ties"
        + (f", adjusted for {terms} (without the factor of the subgroup)" if terms else "")
        + (f", stratified by {strata}" if strata else "")
        + (
            f", robust variance clustered by {in_sentence(within.cluster)}"
            if within.cluster
            else ""
        )
        + f", Wald {words.tick(100 * within.conf_level)}% limits. Interaction by {by} of models "
        "with and without the product of the groups and the factor, on the same patients; of all "
        f"groups together and of each against {_reference(within)}. {_adjustment(within)} "
        f"Subgroups with fewer than {within.least_events} events in the two groups compared are "
        "grey. Factors and subgroups stand in the order of the study file."
    )


def _adjustment(within: Subgroups) -> str:
    """What was done about the number of tests."""
    if within.adjust == "none":
        return multiplicity_words(within)
    return f"P-values were adjusted for the number of factors by {ADJUSTMENTS[within.adjust]}."


def _compared(within: Subgroups) -> list[str]:
    return [group for group in within.groups if group != within.reference]


def _reference(within: Subgroups) -> str:
    return group_words(within.by, within.reference)


def _tests(analysis: SubgroupsAnalysis, style: NumberStyle) -> Table:
    """The tests of interaction, one row a factor."""
    within = analysis.result
    others, holm = _compared(within), within.adjust != "none"
    rows = [_factor_row(analysis, factor, style) for factor in within.factors]
    heads: tuple[str, ...] = ("Factor", "Patients (not known)", "Chi-square (df)", style.p_symbol)
    heads += (f"{style.p_symbol}, adjusted",) * holm
    if len(others) > 1:
        heads += tuple(f"{group_words(within.by, g)}: {style.p_symbol}" for g in others)
    note = f"P of all groups together, and of each against {_reference(within)} by itself. "
    note = note if len(others) > 1 else ""
    if holm:
        note += f"Adjusted for {within.n_tests} factors by {ADJUSTMENTS[within.adjust]}. "
    note += "" if holm else multiplicity_words(within, style)
    reasons = [t.reason for t in within.tests if t.p_value is None and t.reason]
    if reasons:
        note += f" No test: {'; '.join(dict.fromkeys(reasons))}."
    return Table(
        f"{analysis.id}_interaction",
        f"{analysis.title}: tests of interaction.",
        heads,
        aligned(len(heads)),
        tuple(rows),
        (2.6, 1.9, 1.5, *(1.0,) * (len(heads) - 3)),
        note.strip(),
    )


def _factor_row(
    analysis: SubgroupsAnalysis, factor: Factor, style: NumberStyle
) -> tuple[Cell, ...]:
    """The tests of one factor."""
    within, whole = analysis.result, factor.interaction
    record = _record(analysis, whole)
    sizes = f"{count(whole.n, style)} ({count(factor.n_missing, style)})"
    statistic = style.dash
    if whole.statistic is not None:
        statistic = f"{words.number(whole.statistic, 2, style)} ({whole.df})"
    cells = [
        Cell(label(factor.name), strong=True),
        Cell(sizes, f"{analysis.id}/subgroup_not_known/{factor.name}"),
        Cell(statistic, record),
        Cell(words.p_value(whole.p_value, style), record),
    ]
    if within.adjust != "none":
        adjusted = f"{analysis.id}/interaction_adjusted_p/{factor.name}/{within.adjust}"
        cells.append(Cell(words.p_value(whole.p_adjusted, style), adjusted))
    if len(factor.by_group) > 1:
        cells += [
            Cell(words.p_value(test.p_value, style), _record(analysis, test))
            for test in factor.by_group
        ]
    return tuple(cells)


def _record(analysis: SubgroupsAnalysis, test: InteractionTest) -> str:
    """Id of the record that a test is in."""
    parts = [part for part in (test.group, test.factor) if part is not None]
    return "/".join([analysis.id, f"interaction_{test.test}_test", *parts])


def _figures(
    _result: StudyResult, analysis: SubgroupsAnalysis, style: FigureStyle
) -> Iterator[tuple[str, Any]]:
    for group in _compared(analysis.result):
        drawn = plot_subgroups(analysis.result, group=group, style=style)
        yield figure_name(analysis, group), drawn


def _tables(analysis: SubgroupsAnalysis) -> Iterator[tuple[str, Any]]:
    yield "numbers", analysis.result.summary
    yield "interaction", analysis.result.interactions


def _choices(analysis: SubgroupsAnalysis) -> Iterator[tuple[str, str]]:
    within = analysis.result
    yield "ties", within.ties
    yield "intervals", "Wald, log hazard scale"
    yield "level", f"{within.conf_level:g}"
    yield "variance", "robust" if within.robust else "model-based"
    yield "adjusted_p", within.adjust
    yield "least_events", f"{within.least_events}"


def _sizes(analysis: SubgroupsAnalysis) -> Iterator[Sizes]:
    yield Sizes(analysis.result.by, analysis.result.overall.by_group)


SUBGROUPS = Section(
    pages=subgroup_pages,
    methods=subgroup_methods,
    figures=_figures,
    tables=_tables,
    choices=_choices,
    sizes=_sizes,
)
