"""Pages about tests of survival: observed and expected events, pairs, the trend, max-combo."""

from __future__ import annotations

from collections.abc import Iterator

from analyses import formatting as words
from analyses.formatting import NumberStyle, count, label
from analyses.report.blocks import Block, Cell, Paragraph, Table, aligned, row
from analyses.report.curve_pages import tested
from analyses.report.section import Alts, Section, Sizes
from analyses.report.words import (
    ADJUSTMENTS,
    in_sentence,
    joined,
    used_rows,
    weighted_by,
    weighted_method,
)
from analyses.results.logrank import LogRank
from analyses.results.max_combo import MaxCombo
from analyses.results.study import StudyResult, TestAnalysis


def tests(
    result: StudyResult, analysis: TestAnalysis, style: NumberStyle, _alts: Alts
) -> Iterator[Block]:
    """Observed and expected events, the omnibus test, pairs and trend."""
    test = analysis.test
    counts = (sum(test.n), sum(test.n_event), test.n_input, test.n_missing)
    yield Paragraph(used_rows(result, analysis, counts, style, weighting=test.weighting))
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
        f"{analysis.title}: observed and expected events.{weighted_by(test.weighting)}",
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
        f"{analysis.title}: pairs of groups.{weighted_by(analysis.test.weighting)}",
        ("Pair", "Chi-square (1 df)", f"{style.p_symbol}", f"{style.p_symbol}, adjusted"),
        ("left", "right", "right", "right"),
        tuple(rows),
        (3, 1.2, 1, 1),
        f"Each pair uses its two groups only; p adjusted for {by_how_many} by "
        f"{ADJUSTMENTS[pairs.method]}.",
    )


def rank_test_methods(_result: StudyResult, analysis: TestAnalysis) -> str:
    """The method in a sentence or two, its choices named."""
    text = f"Groups were compared by the {analysis.test.kind} test with hypergeometric variance"
    if analysis.test.strata:
        text += f", stratified by {joined([label(s) for s in analysis.test.strata])}"
    if analysis.pairs is not None:
        text += (
            f"; pairs use their two groups only, p adjusted by {ADJUSTMENTS[analysis.pairs.method]}"
        )
    if analysis.trend is not None:
        scores = joined([words.tick(score) for score in analysis.trend.scores or ()])
        text += f"; the trend (scores {scores}; 1 df) was tested {analysis.trend_said}"
    if (analysis.trend or analysis.pairs) and (analysis.test.strata or analysis.test.is_weighted):
        text += ", with the same weights and strata"
    if analysis.combo is not None:
        text += (
            "; the max-combo test is the largest of four with Fleming and Harrington's weights "
            "(0, 0), (1, 0), (0, 1) and (1, 1), its p from their joint normal distribution"
        )
        if analysis.combo.strata:
            text += ", within the same strata"
    return f"{text}.{weighted_method(analysis.test.weighting)}"


def _sizes(analysis: TestAnalysis) -> Iterator[Sizes]:
    test = analysis.test
    yield Sizes(test.by, tuple(zip(test.groups, test.n, test.n_event, strict=True)))


def _choices(analysis: TestAnalysis) -> Iterator[tuple[str, str]]:
    if analysis.test.weighting is not None:
        yield "weights", analysis.test.weighting.column


RANK_TESTS = Section(pages=tests, methods=rank_test_methods, choices=_choices, sizes=_sizes)
