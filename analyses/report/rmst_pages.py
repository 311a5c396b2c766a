"""Pages about restricted means: each group's mean up to tau, differences and ratios."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from analyses import formatting as words
from analyses.formatting import NumberStyle, count, label
from analyses.plots.rmst import plot_rmst, with_limits
from analyses.plots.style import FigureStyle
from analyses.report.blocks import Block, Cell, FigureBlock, Paragraph, Table, aligned
from analyses.report.section import Alts, Section, Sizes, axis_words
from analyses.report.words import (
    group_words,
    in_sentence,
    joined,
    used_rows,
    weighted_by,
    weighted_method,
)
from analyses.results.contrast import Contrast
from analyses.results.rmst import RMST, ratio
from analyses.results.study import RmstAnalysis, StudyResult


def rmst_pages(
    result: StudyResult, analysis: RmstAnalysis, style: NumberStyle, alts: Alts
) -> Iterator[Block]:
    """A figure of the areas, and the numbers with their comparison."""
    means = analysis.result
    counts = (means.n, means.n_event, means.n_input, means.n_missing)
    yield Paragraph(used_rows(result, analysis, counts, style, weighting=means.weighting))
    alt, width = alts[analysis.id]
    level = words.tick(100 * means.conf_level, style)
    caption = (
        f"{analysis.title}. Kaplan-Meier estimates up to tau ({tau_words(analysis, result)}); the "
        f"shaded area is the mean time, above it with {level}% limits."
        f"{weighted_by(means.weighting)}"
    )
    yield FigureBlock(analysis.id, caption, alt, width)
    yield _table(result, analysis, style)


def tau_words(analysis: RmstAnalysis, result: StudyResult) -> str:
    """Tau as the study file says it, or what the data gave."""
    if analysis.tau_said:
        return analysis.tau_said
    return f"{words.tick(analysis.result.tau)} {result.time_unit}, chosen from the data"


def rmst_methods(result: StudyResult, analysis: RmstAnalysis) -> str:
    """The method in a sentence or two, its choices named."""
    means = analysis.result
    text = (
        f"{analysis.title}: restricted mean time is the area under the Kaplan-Meier curve up to "
        f"tau = {tau_words(analysis, result)}, its variance by {_variance(means)}; differences are "
        "tested on their own scale, ratios have limits on the logarithmic scale "
        f"({words.tick(100 * means.conf_level)}%)"
    )
    if means.strata:
        columns = joined([in_sentence(name) for name in means.strata])
        text += (
            f"; means are weighted over strata of {columns} by the strata's shares of all "
            "patients, which count as known"
        )
    return f"{text}.{weighted_method(means.weighting)}"


def _variance(means: RMST) -> str:
    greenwood = means.variance == "Greenwood"
    return "Greenwood's sum" if greenwood else f"the {means.variance}"


def _table(result: StudyResult, analysis: RmstAnalysis, style: NumberStyle) -> Table:
    means = analysis.result
    at = f"t={means.tau:.12g}"
    decimals = 1 if result.time_unit == "days" else 2
    differences = {c.group: c for c in means.differences}
    ratios = {c.group: ratio(c) for c in means.log_ratios}
    rows = []
    for group in means.groups:
        record = f"{analysis.id}/rmst/{group.group}/{at}"
        mean = with_limits(group.estimate, group.conf_low, group.conf_high, decimals, style)
        cells = [
            Cell(group_words(means.by, group.group), strong=True),
            Cell(f"{count(group.n_event, style)} / {count(group.n, style)}", record),
            Cell(mean, record),
        ]
        if group.group == means.reference:
            cells += [Cell("reference"), Cell(""), Cell("reference")]
        else:
            difference = differences[group.group]
            one = f"{analysis.id}/rmst_difference/{group.group}/{means.reference}/{at}"
            other = f"{analysis.id}/rmst_ratio/{group.group}/{means.reference}/{at}"
            cells += [
                Cell(_limits(difference, decimals, style), one),
                Cell(words.p_value(difference.p_value, style), one),
                Cell(_limits(ratios[group.group], style.ratio_decimals, style), other),
            ]
        rows.append(tuple(cells))
    unit = result.time_unit
    heads = (
        *("Group", "Events up to tau / patients", f"Mean, {unit}", f"Difference, {unit}"),
        *(style.p_symbol, "Ratio"),
    )
    level = words.tick(100 * means.conf_level, style)
    return Table(
        analysis.id,
        f"{analysis.title} up to {tau_words(analysis, result)}, with {level}% limits."
        f"{weighted_by(means.weighting)}",
        heads,
        aligned(len(heads)),
        tuple(rows),
        (1.7, 1.5, 2.2, 2.3, 0.8, 1.9),
        _note(means, style),
    )


def _limits(contrast: Contrast, decimals: int, style: NumberStyle) -> str:
    """A contrast with its limits; a dash where there is none."""
    return with_limits(contrast.estimate, contrast.conf_low, contrast.conf_high, decimals, style)


def _note(means: RMST, style: NumberStyle) -> str:
    """The test of all groups, and what strata did."""
    said = f"Test that all means are alike: no test ({means.reason})."
    if means.statistic is not None:
        statistic = words.number(means.statistic, 2, style)
        said = (
            f"Test that all means are alike: chi-square {statistic} on {means.df} df, "
            f"{words.p_equals(means.p_value, style)}."
        )
    if means.strata:
        columns = joined([label(name) for name in means.strata])
        said += f" Weighted over strata of {columns} by their shares of all patients."
    without = [c.reason for c in means.differences if c.p_value is None and c.reason]
    if without:
        said += f" No limits and no p: {'; '.join(dict.fromkeys(without))}."
    return said


def _figures(
    result: StudyResult, analysis: RmstAnalysis, style: FigureStyle
) -> Iterator[tuple[str, Any]]:
    yield (
        analysis.id,
        plot_rmst(analysis.result, words=axis_words(result, analysis), style=style),
    )


def _choices(analysis: RmstAnalysis) -> Iterator[tuple[str, str]]:
    means = analysis.result
    yield "tau", f"{means.tau:.12g}"
    yield "tau_from", means.tau_from
    yield "intervals", "normal"
    yield "level", f"{means.conf_level:g}"
    yield "variance", means.variance
    if means.weighting is not None:
        yield "weights", means.weighting.column


def _sizes(analysis: RmstAnalysis) -> Iterator[Sizes]:
    means = analysis.result
    yield Sizes(means.by, tuple((g.group, g.n, g.n_event_total) for g in means.groups))


MEANS = Section(
    pages=rmst_pages,
    methods=rmst_methods,
    figures=_figures,
    tables=lambda analysis: [("numbers", analysis.result.summary)],
    choices=_choices,
    sizes=_sizes,
)
