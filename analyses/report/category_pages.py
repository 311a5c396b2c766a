"""Pages about a model of a category: odds ratios of its pairs, tests of its terms."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from analyses import formatting as words
from analyses.formatting import NumberStyle, label
from analyses.plots.forest_rows import level_words, term_words
from analyses.plots.odds_ratios import pair_words, plot_odds
from analyses.plots.style import FigureStyle
from analyses.report.blocks import Block, Cell, FigureBlock, Paragraph, Table, aligned, row
from analyses.report.section import Alts, Section
from analyses.report.term_said import term_said
from analyses.report.words import joined, used_rows
from analyses.results.category_model import CategoryAnalysis, CategoryModel
from analyses.results.odds import OddsRatio, OddsTest
from analyses.results.study import StudyResult
from analyses.results.terms import Term


def category_pages(
    result: StudyResult, analysis: CategoryAnalysis, style: NumberStyle, alts: Alts
) -> Iterator[Block]:
    """A forest for each pair with the reference, the table of every pair, the tests."""
    model = analysis.result
    counts = (model.n, None, model.n_input, model.n_missing)
    yield Paragraph(used_rows(result, analysis, counts, style))
    for pair in drawn_pairs(model):
        name = figure_name(analysis, pair)
        alt, width = alts[name]
        level = words.tick(100 * model.conf_level, style)
        caption = f"{analysis.title}: {pair_words(model, pair)}. Odds ratios with {level}% limits."
        yield FigureBlock(name, caption, alt, width)
    yield _ratios(analysis, style)
    yield _tests(analysis, style)
    yield Paragraph(
        "An odds ratio above 1 goes with the category named first. Features and category were "
        "seen together: which leads to which is not told.",
        "note",
    )


def drawn_pairs(model: CategoryModel) -> tuple[tuple[str, str], ...]:
    """The pairs that have a figure: those with the reference."""
    return tuple(p for p in model.pairs if p[1] == model.reference) or model.pairs[:1]


def figure_name(analysis: CategoryAnalysis, pair: tuple[str, str]) -> str:
    """Name of the figure of one pair."""
    return f"{analysis.id}_{pair[0]}"


def category_methods(_result: StudyResult, analysis: CategoryAnalysis) -> str:
    """The method in a few sentences, its choices named."""
    model = analysis.result
    terms = joined([term_said(term) for term in model.terms])
    limits = f"Wald {words.tick(100 * model.conf_level)}% limits"
    text = (
        f"{analysis.title}: multinomial logistic model of {label(model.of)} on {terms}; odds "
        f"ratios of each pair of categories, {limits}"
    )
    if model.model == "ordinal":
        order = ", ".join(label(model.of, category) for category in model.categories)
        text = (
            f"{analysis.title}: proportional-odds logistic model of {label(model.of)} ({order}) on "
            f"{terms}; odds ratios of a higher against a lower category, {limits}; that they are "
            "the same at every cut was tested by Brant's test"
        )
    return f"{text}. Terms by the likelihood ratio of the model without them, on the same patients."


def _ratios(analysis: CategoryAnalysis, style: NumberStyle) -> Table:
    """Every odds ratio, a column a pair."""
    model = analysis.result
    rows = []
    for term in model.terms:
        own = [r for r in model.ratios if r.term == term.name]
        if term.kind == "spline":
            rows.append(row(Cell(f"{term_words(term)}: a curve", strong=True), *_blank(model)))
            continue
        if any(r.level is not None for r in own):
            rows.append(row(Cell(term_words(term), strong=True), *_blank(model)))
        rows += [
            _row(analysis, term, [r for r in own if r.level == level], style)
            for level in dict.fromkeys(r.level for r in own)
        ]
    heads = tuple(f"{words.capitalised(pair_words(model, pair))}: OR" for pair in model.pairs)
    level = words.tick(100 * model.conf_level, style)
    return Table(
        analysis.id,
        f"{analysis.title}: odds ratios (OR) with {level}% limits.",
        ("Term", *heads),
        aligned(1 + len(heads)),
        tuple(rows),
        (2.2, *(2.2,) * len(heads)),
    )


def _blank(model: CategoryModel) -> list[str]:
    return [""] * len(model.pairs)


def _row(
    analysis: CategoryAnalysis, term: Term, ratios: list[OddsRatio], style: NumberStyle
) -> tuple[Cell, ...]:
    level = ratios[0].level
    name = term_words(term) if level is None else level_words(term, level)
    cells = [Cell(name, indent=int(level is not None), strong=level is None)]
    for ratio in ratios:
        text = words.NOT_ESTIMABLE
        if ratio.is_reference:
            text = words.REFERENCE
        elif ratio.estimate is not None:
            text = words.hazard_ratio(*ratio.odds_ratio, style)
        cells.append(Cell(text, ratio.record(analysis.id, "category_model").id))
    return tuple(cells)


def _tests(analysis: CategoryAnalysis, style: NumberStyle) -> Table:
    """Tests of each term, of all of them, and of proportional odds."""
    model = analysis.result
    brant = {test.term: test for test in model.proportional_odds}
    rows = []
    for test in (*model.term_tests, model.whole):
        quantity = "term_test" if test.term else "likelihood_ratio_test"
        name = label(test.term) if test.term in {t.name for t in model.terms} else test.term
        name = next((term_words(t) for t in model.terms if t.name == test.term), name)
        cells = [Cell(name or "All terms", strong=True), *_test(analysis, test, quantity, style)]
        if brant:
            own = brant.get(test.term)
            blank = [Cell(style.dash), Cell(style.dash)]
            same = _test(analysis, own, "proportional_odds_test", style) if own else blank
            cells += same
        rows.append(tuple(cells))
    heads: tuple[str, ...] = ("Term", "Likelihood ratio (df)", style.p_symbol)
    if brant:
        heads += ("Same at every cut (df)", style.p_symbol)
    reasons = dict.fromkeys(t.reason for t in (*model.term_tests, *brant.values()) if t.reason)
    return Table(
        f"{analysis.id}_tests",
        f"{analysis.title}: tests of its terms.",
        heads,
        aligned(len(heads)),
        tuple(rows),
        (2.6, *(2.0, 0.9) * (len(heads) // 2)),
        " ".join(f"No test: {reason}." for reason in reasons),
    )


def _test(
    analysis: CategoryAnalysis, test: OddsTest, quantity: str, style: NumberStyle
) -> list[Cell]:
    record = test.record(analysis.id, "category_model", quantity, analysis.result.n).id
    if test.statistic is None:
        return [Cell(style.dash, record), Cell(style.dash, record)]
    statistic = f"{words.number(test.statistic, 2, style)} ({test.df})"
    return [Cell(statistic, record), Cell(words.p_value(test.p_value, style), record)]


def _figures(
    _result: StudyResult, analysis: CategoryAnalysis, style: FigureStyle
) -> Iterator[tuple[str, Any]]:
    for pair in drawn_pairs(analysis.result):
        yield figure_name(analysis, pair), plot_odds(analysis.result, pair=pair, style=style)


def _choices(analysis: CategoryAnalysis) -> Iterator[tuple[str, str]]:
    yield "model", analysis.result.model
    yield "intervals", "Wald, log odds scale"
    yield "level", f"{analysis.result.conf_level:g}"


CATEGORIES = Section(
    pages=category_pages,
    methods=category_methods,
    figures=_figures,
    tables=lambda analysis: [("numbers", analysis.result.summary)],
    choices=_choices,
)
