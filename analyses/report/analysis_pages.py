"""Pages about the estimates: features, curves and tests; models have theirs beside."""

from __future__ import annotations

from collections.abc import Iterator

from analyses import formatting as words
from analyses.formatting import NumberStyle, count, label
from analyses.report.blocks import (
    Block,
    Callout,
    Cell,
    FigureBlock,
    Heading,
    Paragraph,
    Table,
    aligned,
    row,
)
from analyses.report.change_pages import change_pages
from analyses.report.competing_pages import fine_gray_pages, incidence_pages
from analyses.report.feature_table import feature_table
from analyses.report.milestone_pages import milestone_tables
from analyses.report.model_pages import model_pages
from analyses.report.parametric_pages import parametric_pages
from analyses.report.performance_pages import performance_pages
from analyses.report.rmst_pages import rmst_pages
from analyses.report.words import ADJUSTMENTS, group_words, in_sentence, joined, used_rows
from analyses.results.failure import Failure
from analyses.results.logrank import LogRank
from analyses.results.max_combo import MaxCombo
from analyses.results.study import (
    Analysis,
    ChangeAnalysis,
    CurveAnalysis,
    FineGrayAnalysis,
    IncidenceAnalysis,
    ParametricAnalysis,
    PerformanceAnalysis,
    RmstAnalysis,
    StudyResult,
    TableAnalysis,
    TestAnalysis,
)

Alts = dict[str, tuple[str, float]]  # figure name -> (alternative text, width in mm)


def analysis_pages(result: StudyResult, style: NumberStyle, alts: Alts) -> Iterator[Block]:
    """Every analysis in the order of the study file, failures in their place."""
    if result.analyses or result.failures:
        yield Heading("Results")
    for analysis in result.analyses:
        yield Heading(analysis.title, 2)
        yield from _pages_of(result, analysis, style, alts)
        yield from (_callout(f, style) for f in result.failures if _belongs(f, analysis))
    whole = {analysis.id for analysis in result.analyses}
    for failure in result.failures:
        if failure.analysis.split(".")[0] not in whole:
            yield _callout(failure, style)


def _pages_of(
    result: StudyResult, analysis: Analysis, style: NumberStyle, alts: Alts
) -> Iterator[Block]:
    if isinstance(analysis, TableAnalysis):
        table = analysis.table
        counts = (sum(table.n), None, table.n_input, table.n_missing)
        yield Paragraph(used_rows(result, analysis, counts, style))
        yield feature_table(analysis, style)
    elif isinstance(analysis, CurveAnalysis):
        yield from curves(result, analysis, style, alts)
    elif isinstance(analysis, TestAnalysis):
        yield from tests(result, analysis, style)
    elif isinstance(analysis, RmstAnalysis):
        yield from rmst_pages(result, analysis, style, alts)
    elif isinstance(analysis, IncidenceAnalysis):
        yield from incidence_pages(result, analysis, style, alts)
    elif isinstance(analysis, FineGrayAnalysis):
        yield from fine_gray_pages(result, analysis, style, alts)
    elif isinstance(analysis, ParametricAnalysis):
        yield from parametric_pages(result, analysis, style, alts)
    elif isinstance(analysis, PerformanceAnalysis):
        yield from performance_pages(result, analysis, style, alts)
    elif isinstance(analysis, ChangeAnalysis):
        yield from change_pages(result, analysis, style)
    else:
        yield from model_pages(result, analysis, style, alts)


def _belongs(failure: Failure, analysis: Analysis) -> bool:
    return failure.analysis == analysis.id or failure.analysis.startswith(f"{analysis.id}.")


def _callout(failure: Failure, style: NumberStyle) -> Callout:
    what = " ".join(part for part in (failure.term, failure.group) if part)
    title = f"No estimate: {failure.analysis}" + (f", {what}" if what else "")
    sizes = f"{count(failure.n, style)} patients, {count(failure.n_event, style)} events"
    return Callout(title, f"{failure.reason} ({sizes}). {failure.advice}".strip())


def curves(
    result: StudyResult, analysis: CurveAnalysis, style: NumberStyle, alts: Alts
) -> Iterator[Block]:
    """A figure, and its numbers: medians, milestones, follow-up."""
    km = analysis.curves
    counts = (km.n, km.n_event, km.n_input, km.n_missing)
    yield Paragraph(used_rows(result, analysis, counts, style))
    alt, width = alts[analysis.id]
    level = words.tick(100 * km.conf_level)
    caption = (
        f"{analysis.title}. Kaplan-Meier estimates with pointwise {level}% limits "
        f"({km.conf_type}). The table gives patients at risk, and censorings and events before "
        "each time."
    )
    yield FigureBlock(analysis.id, caption, alt, width)
    yield _milestones(analysis, style, result.time_unit)
    yield from milestone_tables(analysis, style)
    if analysis.test is not None:
        across = f"across {len(analysis.test.groups)} groups"
        yield Paragraph(f"Log-rank test {across}: {tested(analysis.test, style)}.")


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
    level = words.tick(100 * km.conf_level)
    return Table(
        analysis.id,
        f"{analysis.title}: medians, milestones and follow-up, with {level}% limits.",
        heads,
        aligned(len(heads)),
        tuple(rows),
        (1.7, 1.3, *(2.1,) * (len(heads) - 2)),
        "Follow-up by reverse Kaplan-Meier. A median that the curve does not come down to is not "
        "reached; a dash stands past the last follow-up of a group.",
    )


def tests(result: StudyResult, analysis: TestAnalysis, style: NumberStyle) -> Iterator[Block]:
    """Observed and expected events, the omnibus test, pairs and trend."""
    test = analysis.test
    counts = (sum(test.n), sum(test.n_event), test.n_input, test.n_missing)
    yield Paragraph(used_rows(result, analysis, counts, style))
    weighted = test.is_weighted
    rows = []
    for g, n, n_event, observed, expected in zip(
        test.groups, test.n, test.n_event, test.observed, test.expected, strict=True
    ):
        record = f"{analysis.id}/observed_events/{g}"
        seen = words.number(observed, 2, style) if weighted else count(observed, style)
        rows.append(
            row(
                Cell(label(test.by, g), strong=True),
                Cell(count(n, style), record),
                *([Cell(count(n_event, style), record)] if weighted else []),
                Cell(seen, record),
                Cell(words.number(expected, 2, style), f"{analysis.id}/expected_events/{g}"),
            )
        )
    strata = f", stratified by {joined([in_sentence(s) for s in test.strata])}" * bool(test.strata)
    said = f"Test across all groups ({test.kind}{strata}): {tested(test, style)}."
    if analysis.trend is not None:
        alike = " with the same weights and strata" if weighted or strata else ""
        said += f" Trend {analysis.trend_said}{alike}: {tested(analysis.trend, style)}."
        if analysis.trend.by != test.by:
            said += f" {_levels(analysis.trend, style)}"
    if analysis.combo is not None:
        said += f" {combo_words(analysis.combo, style)}"
    heads: tuple[str, ...] = ("Group", "Patients", "Observed", "Expected")
    if weighted:
        heads = ("Group", "Patients", "Events", "Observed, weighted", "Expected, weighted")
    yield Table(
        analysis.id,
        f"{analysis.title}: observed and expected events.",
        heads,
        aligned(len(heads)),
        tuple(rows),
        (3, *(1.2,) * (len(heads) - 1)),
        said,
    )
    if analysis.pairs is not None:
        yield _pairs(analysis, style)


def _levels(trend: LogRank, style: NumberStyle) -> str:
    """Patients and events of the levels of a trend whose groups are not those of the table."""
    sizes = [
        f"{label(trend.by, group)} {count(n_event, style)} / {count(n, style)}"
        for group, n, n_event in zip(trend.groups, trend.n, trend.n_event, strict=True)
    ]
    return f"Events / patients of the trend: {joined(sizes)}."


def combo_words(combo: MaxCombo, style: NumberStyle) -> str:
    """The max-combo test in a sentence."""
    if combo.best is None:
        return f"Max-combo test: no test ({combo.reason})."
    best = combo.parts[combo.best]
    return (
        f"Max-combo test: {words.p_equals(combo.p_value, style)}; the largest of its four tests "
        f"has the weights {best.name}."
    )


def _pairs(analysis: TestAnalysis, style: NumberStyle) -> Table:
    pairs = analysis.pairs
    assert pairs is not None
    rows = []
    n_tested = sum(adjusted is not None for adjusted in pairs.p_adjusted)
    by_how_many = f"{n_tested} {'pair' if n_tested == 1 else 'pairs'}"
    if n_tested < len(pairs.pairs):
        by_how_many += " with a test"
    for (a, b), test, adjusted in zip(pairs.pairs, pairs.results, pairs.p_adjusted, strict=True):
        names = f"{label(test.by, a)} and {label(test.by, b)}"
        single = f"{analysis.id}.pairs/logrank_test/{b}/{a}"
        corrected = f"{analysis.id}.pairs/logrank_adjusted_p/{b}/{pairs.method}/{a}"
        rows.append(
            row(
                Cell(names, strong=True),
                Cell(words.number(test.statistic, 2, style), single),
                Cell(words.p_value(test.p_value, style), single),
                Cell(words.p_value(adjusted, style), corrected),
            )
        )
    return Table(
        f"{analysis.id}_pairs",
        f"{analysis.title}: pairs of groups.",
        ("Pair", "Chi-square (1 df)", f"{style.p_symbol}", f"{style.p_symbol}, adjusted"),
        ("left", "right", "right", "right"),
        tuple(rows),
        (3, 1.2, 1, 1),
        f"Each pair uses its two groups only; p adjusted for {by_how_many} by "
        f"{ADJUSTMENTS[pairs.method]}.",
    )
