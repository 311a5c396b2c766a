"""Pages about the estimates: features, curves, tests and models."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

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
from analyses.report.cohort_pages import endpoint_sentence
from analyses.report.words import group_words
from analyses.results.cox import Coefficient, CoxModel
from analyses.results.failure import Failure
from analyses.results.study import (
    Analysis,
    CoxAnalysis,
    CurveAnalysis,
    StudyResult,
    TableAnalysis,
    TestAnalysis,
)
from analyses.results.table_one import TableOne, TableOneRow

Alts = dict[str, tuple[str, float]]  # figure name -> (alternative text, width in mm)


def analysis_pages(result: StudyResult, style: NumberStyle, alts: Alts) -> Iterator[Block]:
    """Every analysis in the order of the study file, failures in their place."""
    if result.analyses:
        yield Heading("Results")
    for analysis in result.analyses:
        yield Heading(analysis.title, 2)
        for limit in result.restrictions:
            if limit.analysis == analysis.id:
                outside = count(limit.n_outside, style)
                yield Paragraph(f"Restricted: {limit.reason}; {outside} patients are outside.")
        yield from _pages_of(result, analysis, style, alts)
        yield from (_callout(f) for f in result.failures if _belongs(f, analysis))
    whole = {analysis.id for analysis in result.analyses}
    for failure in result.failures:
        if failure.analysis.split(".")[0] not in whole:
            yield _callout(failure)


def _pages_of(
    result: StudyResult, analysis: Analysis, style: NumberStyle, alts: Alts
) -> Iterator[Block]:
    if isinstance(analysis, TableAnalysis):
        yield features(analysis, style)
    elif isinstance(analysis, CurveAnalysis):
        yield from curves(result, analysis, style, alts)
    elif isinstance(analysis, TestAnalysis):
        yield from tests(result, analysis, style)
    else:
        yield from model(result, analysis, style, alts)


def _belongs(failure: Failure, analysis: Analysis) -> bool:
    return failure.analysis == analysis.id or failure.analysis.startswith(f"{analysis.id}.")


def _callout(failure: Failure) -> Callout:
    what = " ".join(part for part in (failure.term, failure.group) if part)
    title = f"No estimate: {failure.analysis}" + (f", {what}" if what else "")
    sizes = f"{failure.n:,} patients, {failure.n_event:,} events"
    return Callout(title, f"{failure.reason} ({sizes}). {failure.advice}".strip())


def features(analysis: TableAnalysis, style: NumberStyle) -> Table:
    """Table 1: features by group, with the largest standardised difference of any pair."""
    table = analysis.table
    largest = {smd.column: smd for smd in table.largest_smd}
    heads = tuple(
        f"{label(table.by, g)} (n\u00a0=\u00a0{count(n, style)})"
        for g, n in zip(table.groups, table.n, strict=True)
    )
    tests = {t.column: t for t in table.tests}
    rows: list[tuple[Cell, ...]] = []
    for column in table.columns:
        smd = largest.get(column)
        value = style.dash if smd is None else _smd(smd, style)
        test = tests.get(column)
        p = [] if not tests else [words.p_value(test.p_value if test else None, style)]
        blank = [""] * len(table.groups)
        rows.append(row(Cell(label(column), strong=True), *blank, value, *p))
        lines = [line for line in table.rows if line.column == column]
        rows += [_table_line(table, line, style, len(p)) for line in lines]
    note = (
        "Numbers are patients (% of those with a value), mean (SD) and median (quartiles); missing "
        "values are % of all. SMD: largest absolute standardised difference of any pair of groups, "
        "missing values left out."
    )
    columns = ("Feature", *heads, "SMD", *(style.p_symbol,) * bool(tests))
    n_groups = len(table.groups)
    return Table(
        analysis.id,
        analysis.title,
        columns,
        aligned(len(columns)),
        tuple(rows),
        (3.2, *(1.8,) * n_groups, 0.9, *(0.9,) * bool(tests)),
        note,
    )


def _smd(smd: Any, style: NumberStyle) -> str:
    return words.NOT_ESTIMABLE if smd.value is None else words.number(smd.value, 2, style)


def _table_line(
    table: TableOne, line: TableOneRow, style: NumberStyle, n_tests: int
) -> tuple[Cell, ...]:
    """One line of Table 1: a level, a mean, a median or the missing."""
    if line.column == "diagnosis_year":  # a calendar year has no thousands
        style = replace(style, thousands_digits=9)
    names = {"mean_sd": "Mean (SD)", "median_iqr": "Median (quartiles)", "missing": "Missing"}
    first = label(line.column, line.level) if line.level is not None else names[line.kind]
    cells = []
    for i in range(len(table.groups)):
        if line.kind == "mean_sd":
            text = words.mean_sd(line.estimate[i], line.sd[i], style)
        elif line.kind == "median_iqr":
            text = words.median_iqr(line.estimate[i], line.low[i], line.high[i], style)
        else:
            text = f"{count(line.n[i], style)} ({words.percent(line.estimate[i], style)})"
        cells.append(Cell(text))
    return row(Cell(first, indent=1), *cells, "", *[""] * n_tests)


def curves(
    result: StudyResult, analysis: CurveAnalysis, style: NumberStyle, alts: Alts
) -> Iterator[Block]:
    """A figure, and its numbers: medians, milestones, follow-up."""
    km = analysis.curves
    yield Paragraph(endpoint_sentence(result, analysis.endpoint, style))
    alt, width = alts[analysis.id]
    level = words.tick(100 * km.conf_level)
    caption = (
        f"{analysis.title}. Kaplan-Meier estimates with pointwise {level}% limits "
        f"({km.conf_type}). The table gives patients at risk, and censorings and events before "
        "each time."
    )
    yield FigureBlock(analysis.id, caption, alt, width)
    yield _milestones(analysis, style, result.time_unit)
    if analysis.test is not None:
        test = analysis.test
        yield Paragraph(
            f"Log-rank test across {len(test.groups)} groups: chi-square "
            f"{words.number(test.statistic, 2, style)} on {test.df} df, "
            f"{words.p_equals(test.p_value, style)}."
        )


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
            Cell(f"{count(curve.n_event, style)} / {count(curve.n, style)}"),
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
        "reached.",
    )


def tests(result: StudyResult, analysis: TestAnalysis, style: NumberStyle) -> Iterator[Block]:
    """Observed and expected events, the omnibus test, pairs and trend."""
    test = analysis.test
    yield Paragraph(endpoint_sentence(result, analysis.endpoint, style))
    rows = [
        row(
            Cell(label(test.by, g), strong=True),
            count(n, style),
            words.number(observed, 0 if float(observed).is_integer() else 2, style),
            words.number(expected, 2, style),
        )
        for g, n, observed, expected in zip(
            test.groups, test.n, test.observed, test.expected, strict=True
        )
    ]
    strata = f", stratified by {', '.join(label(s) for s in test.strata)}" if test.strata else ""
    said = (
        f"Test across all groups ({test.kind}{strata}): chi-square "
        f"{words.number(test.statistic, 2, style)} on {test.df} df, "
        f"{words.p_equals(test.p_value, style)}."
    )
    if analysis.trend is not None:
        trend = analysis.trend
        said += (
            f" Trend {analysis.trend_said}: chi-square {words.number(trend.statistic, 2, style)} "
            f"on {trend.df} df, {words.p_equals(trend.p_value, style)}."
        )
    yield Table(
        analysis.id,
        f"{analysis.title}: observed and expected events.",
        ("Group", "Patients", "Observed", "Expected"),
        ("left", "right", "right", "right"),
        tuple(rows),
        (3, 1, 1, 1),
        said,
    )
    if analysis.pairs is not None:
        yield _pairs(analysis, style)


def _pairs(analysis: TestAnalysis, style: NumberStyle) -> Table:
    pairs = analysis.pairs
    assert pairs is not None
    rows = []
    for (a, b), test, adjusted in zip(pairs.pairs, pairs.results, pairs.p_adjusted, strict=True):
        names = f"{label(test.by, a)} and {label(test.by, b)}"
        rows.append(
            row(
                Cell(names, strong=True),
                words.number(test.statistic, 2, style),
                words.p_value(test.p_value, style),
                words.p_value(adjusted, style),
            )
        )
    return Table(
        f"{analysis.id}_pairs",
        f"{analysis.title}: pairs of groups.",
        ("Pair", "Chi-square (1 df)", f"{style.p_symbol}", f"{style.p_symbol}, adjusted"),
        ("left", "right", "right", "right"),
        tuple(rows),
        (3, 1.2, 1, 1),
        f"Each pair uses its two groups only; p adjusted for {len(rows)} pairs by "
        f"{pairs.method.capitalize()}.",
    )


def model(
    result: StudyResult, analysis: CoxAnalysis, style: NumberStyle, alts: Alts
) -> Iterator[Block]:
    """A forest plot and the table of hazard ratios, each term alone and adjusted."""
    fitted = analysis.adjusted
    yield Paragraph(endpoint_sentence(result, analysis.endpoint, style))
    left = fitted.n_input - fitted.n
    missing = ", ".join(f"{label(c)} {count(n, style)}" for c, n in fitted.n_missing)
    complete = f"{count(fitted.n, style)} patients with {count(fitted.n_event, style)} events"
    yield Paragraph(
        f"The model rests on {complete} that are complete in every column"
        + (f"; {count(left, style)} are not (without a value: {missing})." if left else ".")
    )
    alt, width = alts[analysis.id]
    level = words.tick(100 * fitted.conf_level)
    yield FigureBlock(
        analysis.id,
        f"{analysis.title}. Hazard ratios with {level}% limits; squares sized by events.",
        alt,
        width,
    )
    yield _model_table(analysis, style)
    if len(fitted.terms) > 1:
        yield Paragraph(
            "Hazard ratios are associations in these patients, conditional on the other terms of "
            "their model; they are not effects of treatment or biology.",
            "note",
        )


def _model_table(analysis: CoxAnalysis, style: NumberStyle) -> Table:
    fitted = analysis.adjusted
    alone: dict[tuple[str, str | None], tuple[str, Coefficient]] = {}
    for single in analysis.univariable:
        name = f"{analysis.id}.univariable.{single.terms[0].name}"
        alone |= {(c.term, c.level): (name, c) for c in single.coefficients}
    both = bool(analysis.univariable)
    rows: list[tuple[Cell, ...]] = []
    seen: set[str] = set()
    for c in fitted.coefficients:
        if c.level is not None and c.term not in seen:
            rows.append(row(Cell(label(c.term), strong=True), *[""] * (3 + 2 * both)))
        seen.add(c.term)
        first = (
            Cell(label(c.term, c.level), indent=1)
            if c.level is not None
            else Cell(words.per_step(c.term, c.per), strong=True)
        )
        cells = [first, Cell(f"{count(c.n_event, style)} / {count(c.n, style)}")]
        if both:
            name, single_c = alone[c.term, c.level]
            cells += _ratio_cells(name, single_c, style)
        cells += _ratio_cells(analysis.id, c, style)
        rows.append(tuple(cells))
    heads: tuple[str, ...] = ("Term", "Events / patients")
    if both:
        heads += ("Alone: HR", style.p_symbol)
    heads += ("Adjusted: HR" if both else "HR", style.p_symbol)
    level = words.tick(100 * fitted.conf_level)
    return Table(
        analysis.id,
        f"{analysis.title}: hazard ratios (HR) with {level}% limits.",
        heads,
        aligned(len(heads)),
        tuple(rows),
        (2.6, 1.5, *(2.2, 0.9) * (1 + both)),
        _model_note(fitted, style, both),
    )


def _ratio_cells(name: str, c: Coefficient, style: NumberStyle) -> list[Cell]:
    parts = [p for p in (c.term, c.level, c.reference) if p is not None]
    record = "/".join([name, "hazard_ratio", *parts])
    if c.is_reference:
        return [Cell(words.REFERENCE, record), Cell("")]
    ratio = words.hazard_ratio(*c.hazard_ratio, style)
    return [Cell(ratio, record), Cell(words.p_value(c.p_value, style), record)]


def _model_note(fitted: CoxModel, style: NumberStyle, both: bool) -> str:
    """Ties, variance, tests and discrimination of the adjusted model, in words."""
    names = {"likelihood_ratio": "likelihood-ratio", "wald": "Wald", "score": "score"}
    tests = "; ".join(
        f"{names[t.name]} chi-square {words.number(t.statistic, 2, style)} on {t.df} df, "
        f"{words.p_equals(t.p_value, style)}"
        for t in fitted.tests
    )
    c = fitted.concordance
    index, error = (words.number(x, 3, style) for x in (c.estimate, c.std_error))
    concordance = f"concordance {index} (SE {error})"
    variance = "robust variance" if fitted.robust else "model-based variance"
    alone = "Each term alone rests on its own complete patients. " if both else ""
    what = "Adjusted model" if both else "Model"
    return (
        f"{alone}{what}: {fitted.ties.capitalize()} ties, {variance}; {tests}; {concordance}. "
        "p of each row: Wald."
    )
