"""Pages about a Cox model: who it rests on, its hazard ratios, what it was fitted with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from analyses import formatting as words
from analyses.formatting import NumberStyle, count, label
from analyses.plots.beta_curve import plot_beta_curve
from analyses.plots.forest import plot_forest
from analyses.plots.forest_rows import Models, level_words, term_words
from analyses.plots.style import FigureStyle
from analyses.report.blocks import Block, Cell, FigureBlock, Paragraph, Table, aligned, row
from analyses.report.proportionality_pages import (
    TIMES,
    drawn_term,
    figure_name,
    proportionality_pages,
)
from analyses.report.section import Alts, Section, Sizes
from analyses.report.term_said import term_said
from analyses.report.words import (
    endpoint_of,
    event_nouns,
    her2_levels,
    joined,
    used_rows,
    weighted_by,
    weighted_method,
)
from analyses.results.coefficient import Coefficient
from analyses.results.cox import CoxModel
from analyses.results.study import CoxAnalysis, Endpoint, StudyResult
from analyses.results.terms import Term

_TESTS = {
    "likelihood_ratio": "likelihood-ratio",
    "penalised_likelihood_ratio": "penalised likelihood-ratio",
    "wald": "Wald",
    "score": "score",
}

_INTERVALS = {
    None: "Wald, log hazard scale",
    "firth": "profile of the penalised likelihood, log hazard scale",
}


def model_pages(
    result: StudyResult,
    analysis: CoxAnalysis,
    style: NumberStyle,
    alts: Alts,
) -> Iterator[Block]:
    """A forest plot and the table of hazard ratios, each term alone and adjusted."""
    fitted = analysis.adjusted
    counts = (fitted.n, fitted.n_event, fitted.n_input, fitted.n_missing)
    who = used_rows(result, analysis, counts, style, analysis.cause, fitted.weighting)
    yield Paragraph(who)
    alt, width = alts[analysis.id]
    level = words.tick(100 * fitted.conf_level, style)
    yield FigureBlock(
        analysis.id,
        f"{analysis.title}. Hazard ratios with {level}% limits; squares sized by events."
        f"{weighted_by(fitted.weighting)}",
        alt,
        width,
    )
    yield _Rows(analysis, style).table()
    yield from proportionality_pages(analysis, style, alts)
    if len(fitted.terms) > 1:
        yield Paragraph(
            "Hazard ratios are associations in these patients, conditional on the other terms of "
            "their model; they are not effects of treatment or biology.",
            "note",
        )


class _Rows:
    """The rows of a model's table, each term alone beside the adjusted model where both exist."""

    def __init__(self, analysis: CoxAnalysis, style: NumberStyle) -> None:
        self.analysis, self.style = analysis, style
        self.both = bool(analysis.univariable)
        # A term alone is shown only beside the row of its own reference.
        self.alone = {
            (c.term, c.level, c.reference): (self._alone(single), c)
            for single in analysis.univariable
            for c in single.coefficients
        }

    def _alone(self, single: CoxModel) -> str:
        return f"{self.analysis.id}.univariable.{single.terms[0].name}"

    def table(self) -> Table:
        """The table with its heads and what the model was fitted with."""
        fitted, style = self.analysis.adjusted, self.style
        rows = [cells for term in fitted.terms for cells in self._term(term)]
        heads: tuple[str, ...] = ("Term", "Events / patients")
        if self.both:
            heads += ("Alone: HR", style.p_symbol)
        heads += ("Adjusted: HR" if self.both else "HR", style.p_symbol)
        level = words.tick(100 * fitted.conf_level, style)
        return Table(
            self.analysis.id,
            f"{self.analysis.title}: hazard ratios (HR) with {level}% limits."
            f"{weighted_by(fitted.weighting)}",
            heads,
            aligned(len(heads)),
            tuple(rows),
            (2.6, 1.5, *(2.2, 0.9) * (1 + self.both)),
            _note(fitted, style, self.both),
        )

    def _term(self, term: Term) -> Iterator[tuple[Cell, ...]]:
        own = [c for c in self.analysis.adjusted.coefficients if c.term == term.name]
        if term.kind == "spline":
            yield self._spline(term)
            return
        if any(c.level is not None for c in own):
            yield row(Cell(term_words(term), strong=True), *[""] * (3 + 2 * self.both))
        for c in own:
            name = term_words(term) if c.level is None else level_words(term, c.level)
            first = Cell(name, indent=int(c.level is not None), strong=c.level is None)
            events = f"{count(c.n_event, self.style)} / {count(c.n, self.style)}"
            cells = [first, Cell(events, _record(self.analysis.id, c))]
            if self.both:
                alone = self.alone.get((c.term, c.level, c.reference))
                dash = [Cell(self.style.dash), Cell(self.style.dash)]
                cells += dash if alone is None else _ratio_cells(*alone, self.style)
            yield (*cells, *_ratio_cells(self.analysis.id, c, self.style))

    def _spline(self, term: Term) -> tuple[Cell, ...]:
        """One row for the whole curve: its columns mean nothing singly."""
        fitted = self.analysis.adjusted
        sizes = f"{count(fitted.n_event, self.style)} / {count(fitted.n, self.style)}"
        cells = [Cell(term_words(term), strong=True), Cell(sizes, f"{self.analysis.id}/wald_test")]
        models = [(self._alone(m), m) for m in self.analysis.univariable if m.terms[0] == term]
        columns = [*models[:1], (self.analysis.id, fitted)]
        if self.both and not models:
            cells += [Cell(self.style.dash), Cell(self.style.dash)]
        for name, model in columns:
            tests = model.term_tests.set_index("term")["p_value"]
            p = float(tests[term.name]) if term.name in tests else None
            record = f"{name}/term_test/{term.name}" if p is not None else ""
            cells += [Cell("curve"), Cell(words.p_value(p, self.style), record)]
        return tuple(cells)


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


def variance_words(fitted: CoxModel) -> str:
    """How the limits were found: ``robust variance, clustered by reporting hospital``."""
    if fitted.penalty is not None:
        return "Firth's penalty with profile limits"
    if fitted.cluster is not None:
        return f"robust variance, clustered by {label(fitted.cluster).lower()}"
    return "robust variance" if fitted.robust else "model-based variance"


def _note(fitted: CoxModel, style: NumberStyle, both: bool) -> str:
    """Ties, variance, tests and discrimination of the adjusted model, in words."""
    tests = "; ".join(
        f"{_TESTS[t.name]} chi-square {words.number(t.statistic, 2, style)} on {t.df} df, "
        f"{words.p_equals(t.p_value, style)}"
        for t in fitted.tests
    )
    c = fitted.concordance
    index, error = (words.number(x, 3, style) for x in (c.estimate, c.std_error))
    parts = [f"{fitted.ties.capitalize()} ties, {variance_words(fitted)}", tests]
    parts.append(f"concordance {index} (SE {error})")
    alone = "Each term alone rests on its own complete patients. " if both else ""
    splines = any(term.kind == "spline" for term in fitted.terms)
    curve = " A curve has one test for all its columns." if splines else ""
    what = "Adjusted model" if both else "Model"
    said = "; ".join(part for part in parts if part)
    same = "".join(
        f" {label(str(test['term']))} the same at every time: "
        f"{words.p_equals(float(test['p_value']), style)} (Wald)."
        for test in fitted.constancy_tests.to_dict("records")
    )
    of_rows = "Wald" if fitted.penalty is None else "penalised likelihood ratio"
    return f"{alone}{what}: {said}. p of each row: {of_rows}.{curve}{same}"


def model_methods(result: StudyResult, analysis: CoxAnalysis) -> str:
    """The method in a sentence or two, its choices named."""
    model = analysis.adjusted
    terms = joined([term_said(term) for term in model.terms])
    strata = f", stratified by {joined([label(s) for s in model.strata])}" if model.strata else ""
    alone = "; each term also alone" if analysis.univariable else ""
    limits = "Wald" if model.penalty is None else "profile"
    return (
        f"{analysis.title}: Cox model, {model.ties.capitalize()} ties, {variance_words(model)}, "
        f"{limits} {words.tick(100 * model.conf_level)}% limits{strata}; terms {terms}{alone}."
        f"{_ended(analysis, endpoint_of(result, analysis.endpoint))}{_proportional(analysis)}"
        f"{weighted_method(model.weighting)}"
    )


def _ended(analysis: CoxAnalysis, endpoint: Endpoint) -> str:
    """What is modelled where events compete, and what became of the other event."""
    if analysis.cause is None:
        return ""
    own = event_nouns(endpoint)[1]
    others = event_nouns(endpoint, "competing")[1]
    if analysis.cause == "event":
        return (
            f" Events that compete ({others}) ended follow-up as censorings: the hazard ratios "
            "are cause-specific."
        )
    return (
        f" Modelled are the events that compete with {endpoint.label} ({others}); its own "
        f"({own}) ended follow-up as censorings: the hazard ratios are cause-specific."
    )


def _proportional(analysis: CoxAnalysis) -> str:
    """How the hazard ratios were tested for being constant, or that they were not."""
    tested = analysis.proportionality
    if tested is None:
        return " Proportional hazards were not tested."
    return (
        " Proportional hazards: exact score tests of Grambsch and Therneau, time by "
        f"{TIMES[tested.transform]}; hazard ratios over time by a natural spline (4 df) through "
        "the scaled Schoenfeld residuals."
    )


def _figures(
    result: StudyResult, analysis: CoxAnalysis, style: FigureStyle
) -> Iterator[tuple[str, Any]]:
    """The forest, and one term's hazard ratios over time where there are any."""
    yield analysis.id, plot_forest(_models(analysis), style=style)
    term = drawn_term(analysis)
    if term is None or analysis.proportionality is None:
        return
    origin = endpoint_of(result, analysis.endpoint).origin
    drawn = plot_beta_curve(
        analysis.proportionality, term=term, style=style, time_unit=result.time_unit, origin=origin
    )
    yield figure_name(analysis), drawn


def _models(analysis: CoxAnalysis) -> Models:
    """What a forest plot shows: the model, or each term alone beside it."""
    if analysis.univariable:
        return {"Each alone": analysis.univariable, "Adjusted": analysis.adjusted}
    return analysis.adjusted


def _tables(analysis: CoxAnalysis) -> Iterator[tuple[str, Any]]:
    yield "numbers", analysis.adjusted.summary
    if analysis.proportionality is not None:
        yield "over_time", analysis.proportionality.curve_table


def _choices(analysis: CoxAnalysis) -> Iterator[tuple[str, str]]:
    model, tested = analysis.adjusted, analysis.proportionality
    yield "ties", model.ties
    yield "intervals", _INTERVALS[model.penalty]
    yield "proportionality", tested.transform if tested else "none"
    yield "level", f"{model.conf_level:g}"
    yield "variance", "robust" if model.robust else "model-based"
    if model.weights is not None:
        yield "weights", model.weights


def _sizes(analysis: CoxAnalysis) -> Iterator[Sizes]:
    yield Sizes(
        "her2_status", her2_levels(analysis.adjusted.coefficients), analysis.cause or "event"
    )


MODELS = Section(
    pages=model_pages,
    methods=model_methods,
    figures=_figures,
    tables=_tables,
    choices=_choices,
    sizes=_sizes,
)
