"""Pages about the estimates: features, curves, tests and models."""

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
from analyses.report.cohort_pages import endpoint_sentence
from analyses.report.feature_table import feature_table
from analyses.report.words import ADJUSTMENTS, group_words
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
        yield feature_table(analysis, style)
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
        "reached.",
    )


def tests(result: StudyResult, analysis: TestAnalysis, style: NumberStyle) -> Iterator[Block]:
    """Observed and expected events, the omnibus test, pairs and trend."""
    test = analysis.test
    yield Paragraph(endpoint_sentence(result, analysis.endpoint, style))
    rows = [
        row(
            Cell(label(test.by, g), strong=True),
            Cell(count(n, style), f"{analysis.id}/observed_events/{g}"),
            Cell(
                words.number(observed, 0 if float(observed).is_integer() else 2, style),
                f"{analysis.id}/observed_events/{g}",
            ),
            Cell(words.number(expected, 2, style), f"{analysis.id}/expected_events/{g}"),
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
        f"Each pair uses its two groups only; p adjusted for {len(rows)} pairs by "
        f"{ADJUSTMENTS[pairs.method]}.",
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
        events = f"{count(c.n_event, style)} / {count(c.n, style)}"
        cells = [first, Cell(events, _record(analysis.id, c))]
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


def _record(analysis: str, c: Coefficient) -> str:
    """Id of the record that a coefficient's hazard ratio is in."""
    parts = [part for part in (c.term, c.level, c.reference) if part is not None]
    return "/".join([analysis, "hazard_ratio", *parts])


def _ratio_cells(name: str, c: Coefficient, style: NumberStyle) -> list[Cell]:
    record = _record(name, c)
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
