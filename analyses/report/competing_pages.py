"""Pages about competing risks: cumulative incidence with its test, Fine and Gray models."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from analyses import formatting as words
from analyses.formatting import NumberStyle, count
from analyses.plots.cumulative_incidence import (
    event_words,
    plot_cumulative_incidence,
    plot_stacked_incidence,
)
from analyses.plots.forest import plot_forest
from analyses.plots.forest_rows import level_words, term_words
from analyses.plots.style import FigureStyle
from analyses.report.blocks import Block, Cell, FigureBlock, Paragraph, Table, aligned, row
from analyses.report.section import Alts, Section, Sizes, axis_words
from analyses.report.term_said import term_said
from analyses.report.words import (
    group_words,
    her2_levels,
    in_sentence,
    joined,
    used_rows,
    weighted_by,
    weighted_method,
)
from analyses.results.coefficient import Coefficient
from analyses.results.fine_gray import RATIO, FineGray
from analyses.results.gray import GrayTest
from analyses.results.study import FineGrayAnalysis, IncidenceAnalysis, StudyResult
from analyses.results.terms import Term

STACKED = "_stacked"  # ends the name of the figure in which all states add up


def incidence_pages(
    result: StudyResult, analysis: IncidenceAnalysis, style: NumberStyle, alts: Alts
) -> Iterator[Block]:
    """Two figures, the incidences at the times asked for, differences, and Gray's test."""
    curves = analysis.curves
    counts = (curves.n, curves.n_event[0], curves.n_input, curves.n_missing)
    yield Paragraph(used_rows(result, analysis, counts, style, weighting=curves.weighting))
    level = words.tick(100 * curves.conf_level, style)
    alt, width = alts[analysis.id]
    yield FigureBlock(
        analysis.id,
        f"{analysis.title}. Aalen-Johansen estimates with pointwise {level}% limits "
        f"({curves.conf_type}): the share of patients who have had each event, another event "
        f"having come before it in the rest.{weighted_by(curves.weighting)}",
        alt,
        width,
    )
    alt, width = alts[f"{analysis.id}{STACKED}"]
    yield FigureBlock(
        f"{analysis.id}{STACKED}",
        f"{analysis.title}: all patients of a group at each time, by what has happened to them."
        f"{weighted_by(curves.weighting)}",
        alt,
        width,
    )
    yield _numbers(analysis, style)
    if analysis.differences:
        yield _differences(analysis, style)
    if analysis.test is not None:
        yield Paragraph(_tested(analysis.test, style))
    elif analysis.untested:
        yield Paragraph(f"Gray's test: none, {analysis.untested}.")


def _numbers(analysis: IncidenceAnalysis, style: NumberStyle) -> Table:
    """A row a group and event: events, and incidence at each time."""
    curves = analysis.curves
    at = {}
    if analysis.times:
        table = curves.at(analysis.times)
        for r in table[table["quantity"] == "cumulative_incidence"].to_dict("records"):
            at[r["group"], r["level"], r["time"]] = r
    rows = []
    for curve in curves.curves:
        blank = [""] * (1 + len(analysis.times))
        rows.append(row(Cell(group_words(curves.by, curve.group), strong=True), *blank))
        for cause, n_event in zip(curves.causes, curve.n_event, strict=True):
            cells = [
                Cell(event_words(cause), indent=1),
                Cell(
                    f"{count(n_event, style)} / {count(curve.n, style)}",
                    f"{analysis.id}/events/{curve.group}/{cause}",
                ),
            ]
            for t in analysis.times:
                r = at[curve.group, cause, t]
                text = words.percent_with_limits(
                    r["estimate"], r["conf_low"], r["conf_high"], style
                )
                record = f"{analysis.id}/cumulative_incidence/{curve.group}/{cause}/t={t:.12g}"
                cells.append(Cell(text, record))
            rows.append(tuple(cells))
    heads = ("Group and event", "Events / patients", *(f"At {t}" for t in analysis.times_said))
    level = words.tick(100 * curves.conf_level, style)
    return Table(
        analysis.id,
        f"{analysis.title}, with {level}% limits.{weighted_by(curves.weighting)}",
        heads,
        aligned(len(heads)),
        tuple(rows),
        (2.4, 1.4, *(2.1,) * len(analysis.times)),
        "A dash stands past the last follow-up of a group, and for limits where no event of the "
        "kind has come yet.",
    )


def _differences(analysis: IncidenceAnalysis, style: NumberStyle) -> Table:
    """Incidence of each group less the reference's, a row a time, event and group."""
    curves = analysis.curves
    named = dict(zip(analysis.times, analysis.times_said, strict=True))
    reference = analysis.differences[0].contrast.reference
    rows = []
    for one in analysis.differences:
        c = one.contrast
        record = f"{analysis.id}/{c.quantity}/{c.group}/{one.cause}/{reference}/t={c.time:.12g}"
        points = [None if x is None else 100 * x for x in (c.estimate, c.conf_low, c.conf_high)]
        text = words.estimate_with_limits(
            points[0], points[1], points[2], style.percent_decimals, None, style
        )
        rows.append(
            row(
                Cell(named[c.time], strong=True),
                Cell(event_words(one.cause)),
                Cell(group_words(curves.by, c.group)),
                Cell(text, record),
                Cell(words.p_value(c.p_value, style), record),
            )
        )
    against = group_words(curves.by, reference)
    level = words.tick(100 * curves.conf_level, style)
    return Table(
        f"{analysis.id}_differences",
        f"{analysis.title}: differences from {against}, with {level}% limits.",
        ("At", "Event", "Group", "Difference, percentage points", style.p_symbol),
        ("left", "left", "left", "right", "right"),
        tuple(rows),
        (1.1, 1.8, 1.6, 2.4, 0.8),
        f"Incidence in the group less that in {against} at the time. A dash stands past the last "
        "follow-up of a group, and for limits where a group's own standard error is 0 (no event of "
        "the kind yet, or all at once), which is no certainty.",
    )


def _tested(test: GrayTest, style: NumberStyle) -> str:
    """Gray's test of each event in a sentence."""
    parts = []
    for one in test.tests:
        said = f"no test ({one.reason})"
        if one.statistic is not None:
            statistic = words.number(one.statistic, 2, style)
            said = f"chi-square {statistic} on {one.df} df, {words.p_equals(one.p_value, style)}"
        parts.append(f"{event_words(one.cause)}: {said}")
    strata = f", stratified by {joined([in_sentence(s) for s in test.strata])}" * bool(test.strata)
    return f"Gray's test across {len(test.groups)} groups{strata}. {'; '.join(parts)}."


def fine_gray_pages(
    result: StudyResult, analysis: FineGrayAnalysis, style: NumberStyle, alts: Alts
) -> Iterator[Block]:
    """A forest plot and the table of subdistribution hazard ratios."""
    model = analysis.model
    counts = (model.n, model.n_event, model.n_input, model.n_missing)
    yield Paragraph(used_rows(result, analysis, counts, style, model.cause, model.weighting))
    level = words.tick(100 * model.conf_level, style)
    alt, width = alts[analysis.id]
    yield FigureBlock(
        analysis.id,
        f"{analysis.title}. Subdistribution hazard ratios (sHR) with {level}% limits; squares "
        f"sized by events.{weighted_by(model.weighting)}",
        alt,
        width,
    )
    rows = [cells for term in model.terms for cells in _term_rows(analysis, term, style)]
    heads = ("Term", "Events / patients", "Subdistribution HR", style.p_symbol)
    what = event_words(model.cause)
    yield Table(
        analysis.id,
        f"{analysis.title}: subdistribution hazard ratios (HR) with {level}% limits."
        f"{weighted_by(model.weighting)}",
        heads,
        aligned(len(heads)),
        tuple(rows),
        (2.6, 1.5, 2.2, 0.9),
        f"{what}: {count(model.n_event, style)} events among {count(model.n, style)} patients, "
        f"{count(model.n_competing, style)} competing. {_note(model, style)}",
    )
    yield Paragraph(
        "A subdistribution hazard ratio above 1 means a higher cumulative incidence of the event, "
        "by a higher rate of it or by fewer competing events; it is not a ratio of rates.",
        "note",
    )


def _term_rows(
    analysis: FineGrayAnalysis, term: Term, style: NumberStyle
) -> Iterator[tuple[Cell, ...]]:
    model = analysis.model
    own = [c for c in model.coefficients if c.term == term.name]
    if term.kind == "spline":
        tests = model.term_tests.set_index("term")["p_value"]
        p = float(tests[term.name]) if term.name in tests else None
        record = f"{analysis.id}/term_test/{term.name}" if p is not None else ""
        sizes = f"{count(model.n_event, style)} / {count(model.n, style)}"
        yield row(
            Cell(term_words(term), strong=True),
            Cell(sizes),
            "curve",
            Cell(words.p_value(p, style), record),
        )
        return
    if any(c.level is not None for c in own):
        yield row(Cell(term_words(term), strong=True), "", "", "")
    for c in own:
        name = term_words(term) if c.level is None else level_words(term, c.level)
        record = _record(analysis.id, c)
        ratio, p_value = words.REFERENCE, ""
        if not c.is_reference:
            ratio = words.hazard_ratio(*c.hazard_ratio, style)
            p_value = words.p_value(c.p_value, style)
        yield row(
            Cell(name, indent=int(c.level is not None), strong=c.level is None),
            Cell(f"{count(c.n_event, style)} / {count(c.n, style)}", record),
            Cell(ratio, record),
            Cell(p_value, record if p_value else ""),
        )


def _record(analysis: str, c: Coefficient) -> str:
    """Id of the record that a coefficient's ratio is in."""
    parts = [part for part in (c.term, c.level, c.reference) if part is not None]
    return "/".join([analysis, RATIO, *parts])


def _note(model: FineGray, style: NumberStyle) -> str:
    """Variance and test of the model, in words."""
    tests = "".join(
        f"; Wald chi-square {words.number(t.statistic, 2, style)} on {t.df} df, "
        f"{words.p_equals(t.p_value, style)}"
        for t in model.tests
    )
    return f"{variance_words(model)}{tests}. p of each row: Wald."


def variance_words(model: FineGray) -> str:
    """How the limits were found."""
    by = f"clustered by {in_sentence(model.cluster)}" if model.cluster is not None else "by patient"
    if model.entry is not None:
        return f"Robust variance {by}, the weights for observation taken as known"
    if model.cluster is not None:
        return f"Robust variance {by}, with the censoring distribution's part"
    return "Fine and Gray's variance, with the censoring distribution's part"


def incidence_methods(_result: StudyResult, analysis: IncidenceAnalysis) -> str:
    """The method in a sentence or two, its choices named."""
    curves = analysis.curves
    text = (
        f"{analysis.title}: the cumulative incidence of each event in the presence of the others "
        "was estimated by Aalen and Johansen's method, with standard errors by the infinitesimal "
        f"jackknife and {words.tick(100 * curves.conf_level)}% limits ({curves.conf_type})"
    )
    if analysis.differences:
        text += "; differences between groups at single times have normal limits"
    if analysis.test is not None:
        text += "; groups were compared by Gray's test of each event"
        if analysis.test.strata:
            columns = joined([in_sentence(name) for name in analysis.test.strata])
            text += f", within strata of {columns}"
    return f"{text}.{weighted_method(curves.weighting)}"


def fine_gray_methods(_result: StudyResult, analysis: FineGrayAnalysis) -> str:
    """The method in a sentence or two, its choices named."""
    model = analysis.model
    terms = joined([term_said(term) for term in model.terms])
    text = (
        f"{analysis.title}: subdistribution hazard ratios by Fine and Gray's model, patients with "
        "a competing event staying at risk with the weight of the estimated chance to be still "
        f"under observation; ties as Breslow; Wald {words.tick(100 * model.conf_level)}% limits; "
        f"terms {terms}. {variance_words(model)}"
    )
    if model.strata:
        columns = joined([in_sentence(name) for name in model.strata])
        text += f"; baseline and censoring distribution of their own in strata of {columns}"
    return f"{text}.{weighted_method(model.weighting)}"


def _incidence_figures(
    result: StudyResult, analysis: IncidenceAnalysis, style: FigureStyle
) -> Iterator[tuple[str, Any]]:
    said = axis_words(result, analysis)
    yield analysis.id, plot_cumulative_incidence(analysis.curves, words=said, style=style)
    stacked = plot_stacked_incidence(analysis.curves, words=said, style=style)
    yield f"{analysis.id}{STACKED}", stacked


def _incidence_choices(analysis: IncidenceAnalysis) -> Iterator[tuple[str, str]]:
    yield "intervals", analysis.curves.conf_type
    yield "level", f"{analysis.curves.conf_level:g}"
    if analysis.curves.weighting is not None:
        yield "weights", analysis.curves.weighting.column


def _incidence_sizes(analysis: IncidenceAnalysis) -> Iterator[Sizes]:
    for place, cause in enumerate(analysis.curves.causes):
        groups = tuple((c.group, c.n, c.n_event[place]) for c in analysis.curves.curves)
        yield Sizes(analysis.curves.by, groups, cause)


INCIDENCES = Section(
    pages=incidence_pages,
    methods=incidence_methods,
    figures=_incidence_figures,
    tables=lambda analysis: [("curve", analysis.curves.summary)],
    choices=_incidence_choices,
    sizes=_incidence_sizes,
)


def _fine_gray_figures(
    _result: StudyResult, analysis: FineGrayAnalysis, style: FigureStyle
) -> Iterator[tuple[str, Any]]:
    yield analysis.id, plot_forest(analysis.model, style=style)


def _fine_gray_choices(analysis: FineGrayAnalysis) -> Iterator[tuple[str, str]]:
    yield "ties", "breslow"
    yield "level", f"{analysis.model.conf_level:g}"
    yield "intervals", "Wald, log subdistribution hazard scale"
    yield "variance", analysis.model.variance
    if analysis.model.weights is not None:
        yield "weights", analysis.model.weights


def _fine_gray_sizes(analysis: FineGrayAnalysis) -> Iterator[Sizes]:
    model = analysis.model
    yield Sizes("her2_status", her2_levels(model.coefficients), model.cause)


SUBDISTRIBUTIONS = Section(
    pages=fine_gray_pages,
    methods=fine_gray_methods,
    figures=_fine_gray_figures,
    tables=lambda analysis: [("numbers", analysis.model.summary)],
    choices=_fine_gray_choices,
    sizes=_fine_gray_sizes,
)
