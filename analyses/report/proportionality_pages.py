"""Whether a model's hazard ratios are constant over time: the tests, and one term's curves."""

from __future__ import annotations

from collections.abc import Iterator

from analyses import formatting as words
from analyses.formatting import NumberStyle, label
from analyses.plots.forest_rows import term_words
from analyses.report.blocks import Block, Cell, FigureBlock, Table, aligned
from analyses.results.proportionality import HazardTest, Proportionality
from analyses.results.study import CoxAnalysis

TIMES = {
    "km": "1 minus the Kaplan-Meier curve",
    "rank": "the ranks of the times",
    "identity": "time itself",
    "log": "the logarithm of time",
}
HER2 = "her2_status"


def figure_name(analysis: CoxAnalysis) -> str:
    """Name of the figure of hazard ratios over time."""
    return f"{analysis.id}_over_time"


def drawn_term(analysis: CoxAnalysis) -> str | None:
    """The term whose curves are drawn: HER2 status, else that with the smallest p-value."""
    tested = analysis.proportionality
    if tested is None:
        return None
    drawn = {curve.term for curve in tested.curves if len(curve.time)}
    if HER2 in drawn:
        return HER2
    found = [test for test in tested.tests if test.term in drawn and test.p_value is not None]
    return min(found, key=lambda test: test.p_value or 0.0).term if found else None


def proportionality_pages(
    analysis: CoxAnalysis, style: NumberStyle, alts: dict[str, tuple[str, float]]
) -> Iterator[Block]:
    """The table of tests, and the figure where there is one."""
    tested = analysis.proportionality
    if tested is None:
        return
    yield _table(analysis, tested, style)
    name = figure_name(analysis)
    if name in alts:
        term = str(drawn_term(analysis))
        level = words.tick(100 * tested.conf_level, style)
        alt, width = alts[name]
        yield FigureBlock(
            name,
            f"{analysis.title}. {label(term)}: hazard ratios over time with pointwise {level}% "
            "limits; under proportional hazards each is a level line.",
            alt,
            width,
        )


def _table(analysis: CoxAnalysis, tested: Proportionality, style: NumberStyle) -> Table:
    named = {term.name: term_words(term) for term in analysis.adjusted.terms}
    rows = [_row(analysis.id, named[str(test.term)], test, style) for test in tested.tests]
    rows.append(_row(analysis.id, "All terms", tested.overall, style))
    based = " The variance is the model's own, not the robust one." if tested.model_based else ""
    return Table(
        f"{analysis.id}_proportionality",
        f"{analysis.title}: tests that hazard ratios are constant over time.",
        ("Term", "Chi-square", "df", style.p_symbol),
        aligned(4),
        tuple(rows),
        (4.0, 1.4, 0.8, 1.2),
        f"Score tests against a change with {TIMES[tested.transform]}.{based} A small p says that "
        "the hazard ratio is an average over follow-up; a large one does not show that it is "
        "constant.",
    )


def _row(id: str, name: str, test: HazardTest, style: NumberStyle) -> tuple[Cell, ...]:
    record = f"{id}/proportionality_test_all"
    if test.term is not None:
        record = f"{id}/proportionality_test/{test.term}"
    if test.statistic is None:
        return (Cell(name), Cell(test.reason or "", record), Cell(""), Cell(""))
    return (
        Cell(name),
        Cell(words.number(test.statistic, 2, style), record),
        Cell(str(test.df), record),
        Cell(words.p_value(test.p_value, style), record),
    )
