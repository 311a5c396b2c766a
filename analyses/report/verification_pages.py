"""Double programming: each quantity's largest deviation from a second program."""

from __future__ import annotations

from collections.abc import Iterator

from analyses.formatting import NumberStyle, count, counted, deviation, tick
from analyses.report.blocks import Align, Block, Callout, Cell, Heading, Paragraph, Table, row
from analyses.report.words import joined
from analyses.results.study import StudyResult
from analyses.results.verification import SCOPE, Compared, Verification

_QUANTITIES = {
    "aic": "AIC",
    "bic": "BIC",
    "rmst": "restricted mean",
    "at_risk": "numbers at risk",
    "rows": "rows used, left out",
    "wald_test": "Wald test",
    "log_likelihood_null": "log likelihood at 0",
    "logrank_test": "log-rank test",
    "logrank_adjusted_p": "adjusted p",
    "table_one": "features",
}


def verification_pages(result: StudyResult, style: NumberStyle) -> Iterator[Block]:
    """The table of largest deviations, then what no second program makes."""
    found = result.verification
    if found is None:
        return
    yield Heading("Double programming")
    yield Paragraph(f"{_summed(found, style)} {SCOPE}")
    for each in found.deviating:
        yield Callout(f"A second program differs: {each.analysis}", f"{each.reason}.")
    if found.n_compared:
        yield _deviations(found, style)
    if found.n_without:
        yield _without(found, style)


def verification_sentence(found: Verification) -> str:
    """How the numbers were checked, for the methods."""
    if not found.n_compared:
        return "No number of this report has an independent implementation to be checked by."
    programs = joined(found.programs) or "no library"
    outcome = "all agreed within tolerance" if found.agrees else "not all agreed"
    return (
        f"Survival estimates were programmed twice: recomputed from the selected patients by "
        f"{programs}, or by sums over risk sets written apart from the estimators; {outcome}. "
        "Quantities without an independent implementation are listed with the deviations."
    )


def _summed(found: Verification, style: NumberStyle) -> str:
    if not found.n_compared:
        return "No number of this report has an independent implementation."
    numbers = counted(found.n_compared, "number", style)
    outcome = "all within tolerance"
    if not found.agrees:
        outcome = f"{counted(len(found.deviating), 'quantity', style)} past tolerance"
        outcome = outcome.replace("quantitys", "quantities")
    largest = found.largest
    said = ""
    if found.agrees and largest is not None and largest.largest_relative:
        said = (
            f" The largest for its tolerance is {deviation(largest.largest_relative)} of "
            f"{deviation(largest.tolerance)} ({largest.analysis}, {_quantity(largest)})."
        )
    return f"{numbers} recomputed by an independent program, {outcome}.{said}"


def _quantity(each: Compared) -> str:
    return _QUANTITIES.get(each.quantity, each.quantity.replace("_", " "))


def _deviations(found: Verification, style: NumberStyle) -> Table:
    align: tuple[Align, ...] = ("left", "left", "right", "right", "right", "left", "left")
    rows = tuple(
        row(
            each.analysis,
            _quantity(each),
            count(each.n, style),
            Cell(deviation(each.largest_relative), each.records()[0].id),
            deviation(each.tolerance),
            Cell(each.verdict, strong=each.verdict == "deviates"),
            each.program,
        )
        for each in found.rows
        if each.verdict != "none independent"
    )
    return Table(
        "verification",
        "Largest deviation of each quantity from a second program.",
        ("Analysis", "Quantity", "Numbers", "Deviation", "Tolerance", "Verdict", "Second program"),
        align,
        rows,
        (1.6, 1.9, 0.9, 1.0, 1.0, 0.9, 3.2),
        "Deviations are relative to the larger of both numbers; for estimates and limits at least "
        f"to the standard error, for test statistics at least to {tick(1)}; p-values by their "
        "logarithms. Counts and degrees of freedom must be equal. Absolute deviations: "
        "results.json.",
    )


def _without(found: Verification, style: NumberStyle) -> Table:
    rows = tuple(
        row(each.analysis, _quantity(each), each.numbers.replace("_", " "),
            Cell(count(each.n, style), each.records()[0].id), each.reason)
        for each in found.rows
        if each.verdict == "none independent"
    )  # fmt: skip
    align: tuple[Align, ...] = ("left", "left", "left", "right", "left")
    return Table(
        "not_verified",
        "Numbers without an independent implementation.",
        ("Analysis", "Quantity", "Which", "Numbers", "Why"),
        align,
        rows,
        (1.5, 1.6, 1.9, 0.9, 3.0),
    )
