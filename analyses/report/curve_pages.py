"""Pages about survival curves: the figure, medians, milestones, follow-up, the test."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import isnan
from typing import Any

from analyses import formatting as words
from analyses.formatting import NumberStyle, count
from analyses.plots.curve_words import shown_groups
from analyses.plots.kaplan_meier import plot_kaplan_meier
from analyses.plots.risk_table import risk_words
from analyses.plots.style import FigureStyle
from analyses.report.blocks import Block, Cell, FigureBlock, Paragraph, Table, aligned
from analyses.report.milestone_pages import milestone_tables
from analyses.report.section import Alts, Section, Sizes, axis_words
from analyses.report.words import (
    endpoint_of,
    group_words,
    joined,
    used_rows,
    weighted_by,
    weighted_method,
)
from analyses.results.frozen import Array
from analyses.results.logrank import LogRank
from analyses.results.study import CurveAnalysis, StudyResult

UNEQUAL_FOLLOW_UP = "unequal_follow_up"
_COUNTED = {"patients": "patients", "weights": "the weights of those"}
_INTERVALS = {
    "log-log": "log(-log) transformed",
    "log": "log transformed",
    "plain": "untransformed",
    "logit": "logit transformed",
    "arcsine": "arcsine square-root transformed",
}


def curves(
    result: StudyResult, analysis: CurveAnalysis, style: NumberStyle, alts: Alts
) -> Iterator[Block]:
    """A figure, and its numbers: medians, milestones, follow-up."""
    km = analysis.curves
    counts = (km.n, km.n_event, km.n_input, km.n_missing)
    yield Paragraph(used_rows(result, analysis, counts, style, weighting=km.weighting))
    alt, width = alts[analysis.id]
    level = words.tick(100 * km.conf_level, style)
    caption = (
        f"{analysis.title}. Kaplan-Meier estimates with pointwise {level}% limits "
        f"({km.conf_type}).{weighted_by(km.weighting)} The table gives "
        f"{_COUNTED[analysis.counting]} at risk, and censorings and events before each time."
    )
    yield FigureBlock(analysis.id, caption, alt, width)
    yield _milestones(analysis, style, result.time_unit)
    yield from milestone_tables(analysis, style, result.time_unit)
    if analysis.test is not None:
        across = f"across {len(analysis.test.groups)} groups"
        yield Paragraph(f"Log-rank test {across}: {tested(analysis.test, style)}.")
    elif analysis.untested:
        yield Paragraph(f"Log-rank test: none, {analysis.untested}.")


def tested(test: LogRank, style: NumberStyle) -> str:
    """Statistic, degrees of freedom and p of a test, or why there is none."""
    if test.statistic is None:
        return f"no test ({test.reason})"
    statistic = words.number(test.statistic, 2, style)
    return f"chi-square {statistic} on {test.df} df, {words.p_equals(test.p_value, style)}"


def _milestones(analysis: CurveAnalysis, style: NumberStyle, unit: str) -> Table:
    km = analysis.curves
    medians = {r["group"]: r for r in km.medians.to_dict("records")}
    follow_up = {r["group"]: r for r in km.follow_up.to_dict("records")}
    at = {}
    if analysis.times:
        at = {(r["group"], r["time"]): r for r in km.at(analysis.times).to_dict("records")}
    rows = []
    for curve in km.curves:
        m, f = medians[curve.group], follow_up[curve.group]
        cells = [
            Cell(group_words(km.by, curve.group), strong=True),
            Cell(
                f"{count(curve.n_event, style)} / {count(curve.n, style)}",
                f"{analysis.id}/median/{curve.group}",
            ),
            Cell(
                words.median_time(m["estimate"], m["conf_low"], m["conf_high"], None, style),
                f"{analysis.id}/median/{curve.group}",
            ),
        ]
        for t in analysis.times:
            r = at[curve.group, t]
            text = words.percent_with_limits(r["estimate"], r["conf_low"], r["conf_high"], style)
            cells.append(Cell(text, f"{analysis.id}/survival/{curve.group}/t={t:.12g}"))
        cells.append(
            Cell(
                words.median_time(f["estimate"], f["conf_low"], f["conf_high"], None, style),
                f"{analysis.id}/median_follow_up/{curve.group}",
            )
        )
        rows.append(tuple(cells))
    heads: tuple[str, ...] = ("Group", "Events / patients", f"Median, {unit}")
    heads += tuple(f"At {said}" for said in analysis.times_said)
    heads += (f"Median follow-up, {unit}",)
    level = words.tick(100 * km.conf_level, style)
    return Table(
        analysis.id,
        f"{analysis.title}: medians, milestones and follow-up, with {level}% limits."
        f"{weighted_by(km.weighting)}",
        heads,
        aligned(len(heads)),
        tuple(rows),
        (1.7, 1.3, *(2.1,) * (len(heads) - 2)),
        "Follow-up by reverse Kaplan-Meier. A median that the curve does not come down to is not "
        "reached; a dash stands past the last follow-up of a group.",
    )


def curve_methods(_result: StudyResult, analysis: CurveAnalysis) -> str:
    """The method in a sentence or two, its choices named."""
    km = analysis.curves
    return (
        f"Survival: Kaplan-Meier with {km.variance} variance and pointwise "
        f"{words.tick(100 * km.conf_level)}% limits, {_INTERVALS[km.conf_type]} "
        f"({km.conf_type}); medians{_quantiles(analysis)} by R's rule with limits from the band. "
        "Follow-up: "
        "reverse Kaplan-Meier. Curves are drawn while at least "
        f"{analysis.curtail_below} patients are at risk."
        + _beside_curves(analysis)
        + weighted_method(km.weighting)
    )


def _quantiles(analysis: CurveAnalysis) -> str:
    """The other shares whose times are told."""
    shares = [f"{words.tick(100 * share)}%" for share in analysis.quantiles]
    return f" and the times by which {joined(shares)} have had the event" if shares else ""


def _beside_curves(analysis: CurveAnalysis) -> str:
    """The test of the groups, and what is compared or given at single times."""
    text = ""
    if analysis.test is not None:
        text += (
            f" Groups with curves were compared by the {analysis.test.kind} test with "
            "hypergeometric variance."
        )
    if analysis.differences:
        text += (
            " Differences of survival at single times have the standard error of two independent "
            "curves and limits on their own scale."
        )
    if analysis.given:
        text += (
            " Survival given an earlier time is the curve of those followed past that time, "
            "starting there at 1."
        )
    return text


def _figures(
    result: StudyResult, analysis: CurveAnalysis, style: FigureStyle
) -> Iterator[tuple[str, Any]]:
    drawn = plot_kaplan_meier(
        analysis.curves,
        test=analysis.test,
        words=axis_words(result, analysis),
        style=replace(style, curtail_below=analysis.curtail_below),
        counting=analysis.counting,
    )
    yield analysis.id, drawn


def _choices(analysis: CurveAnalysis) -> Iterator[tuple[str, str]]:
    yield "intervals", analysis.curves.conf_type
    yield "level", f"{analysis.curves.conf_level:g}"
    if analysis.curves.weighting is not None:
        yield "weights", analysis.curves.weighting.column


def _sizes(analysis: CurveAnalysis) -> Iterator[Sizes]:
    km = analysis.curves
    yield Sizes(km.by, tuple((c.group, c.n, c.n_event) for c in km.curves))


def _follow_up(result: StudyResult, analysis: CurveAnalysis, style: NumberStyle) -> Iterator[str]:
    km = analysis.curves
    if not any(f.rule == UNEQUAL_FOLLOW_UP for f in km.findings):
        return
    medians = [
        f"{words.time(r['estimate'], result.time_unit, style)} ({group_words(km.by, r['group'])})"
        for r in km.follow_up.to_dict("records")
    ]
    endpoint = endpoint_of(result, analysis.endpoint)
    yield (
        f"{endpoint.label}: follow-up differs between the groups, at the median "
        f"{joined(medians)}. Compare them only as far as all are followed."
    )


def _readout(
    analysis: CurveAnalysis, times: Array, style: NumberStyle
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Survival and those at risk of each group, as the table under the figure counts them.

    Nothing is said past the end of a curve as it is drawn.
    """
    km = analysis.curves
    risk = km.risk_table(times.tolist(), counting=analysis.counting)
    ended = f"curve ends: fewer than {analysis.curtail_below} patients at risk"
    for group in shown_groups(km, FigureStyle(curtail_below=analysis.curtail_below)):
        counted = risk[risk["group"] == group.name]["n_risk"]
        drawn = (times <= group.last) & (group.shown > 0) | group.whole
        said = []
        for s, n, is_drawn in zip(
            group.curve.step("survival", times, 1.0).tolist(), counted, drawn.tolist(), strict=True
        ):
            values = "not followed"
            if not isnan(s):
                values = f"{words.percent(s, style)}, {risk_words(n, style)} at risk"
            said.append(values if is_drawn or isnan(s) else ended)
        yield group_words(km.by, group.name), tuple(said)


CURVES = Section(
    pages=curves,
    methods=curve_methods,
    figures=_figures,
    tables=lambda analysis: [("curve", analysis.curves.summary)],
    choices=_choices,
    sizes=_sizes,
    cautions=_follow_up,
    readout=_readout,
)
