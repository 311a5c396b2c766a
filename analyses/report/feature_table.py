"""Table 1: the features of the groups, and how far the groups differ."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from analyses import formatting as words
from analyses.formatting import NumberStyle, count, label
from analyses.report.blocks import Block, Cell, Paragraph, Table, aligned, row
from analyses.report.section import Alts, Section
from analyses.report.words import in_sentence, joined, used_rows
from analyses.results.study import StudyResult, TableAnalysis
from analyses.results.table_one import GroupTest, Smd, TableOneRow, stratum_id


def feature_pages(
    result: StudyResult, analysis: TableAnalysis, style: NumberStyle, _alts: Alts
) -> Iterator[Block]:
    """Who is in the table, and the table."""
    table = analysis.table
    counts = (sum(table.n), None, table.n_input, table.n_missing)
    yield Paragraph(used_rows(result, analysis, counts, style))
    yield feature_table(analysis, style)
    for level, own in analysis.strata:
        where = label(str(analysis.within), level)
        title = f"{analysis.title}: {where}"
        yield feature_table(
            replace(analysis, id=stratum_id(analysis.id, level), title=title, table=own), style
        )
    if analysis.n_not_known:
        name = in_sentence(str(analysis.within))
        n = words.counted(analysis.n_not_known, "patient", style)
        yield Paragraph(f"{n} without a known level of {name}: in the first table only.")


def feature_table(analysis: TableAnalysis, style: NumberStyle) -> Table:
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
        value = Cell(style.dash) if smd is None else _smd(analysis.id, smd, style)
        test = tests.get(column)
        p = [] if not tests else [_test(analysis.id, column, test, style)]
        blank = [""] * len(table.groups)
        rows.append(row(Cell(label(column), strong=True), *blank, value, *p))
        lines = [line for line in table.rows if line.column == column]
        rows += [_line(analysis, line, style, len(p)) for line in lines]
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


def _smd(analysis: str, smd: Smd, style: NumberStyle) -> Cell:
    record = f"{analysis}/standardised_difference/{smd.group_b}/{smd.column}/{smd.group_a}"
    text = words.NOT_ESTIMABLE if smd.value is None else words.number(smd.value, 2, style)
    return Cell(text, record)


def _test(analysis: str, column: str, test: GroupTest | None, style: NumberStyle) -> Cell:
    if test is None:
        return Cell(style.dash)
    return Cell(words.p_value(test.p_value, style), f"{analysis}/test_{test.test}/{column}")


def _line(
    analysis: TableAnalysis, line: TableOneRow, style: NumberStyle, n_tests: int
) -> tuple[Cell, ...]:
    """One line of Table 1: a level, a mean, a median or the missing."""
    if line.column == "diagnosis_year":  # a calendar year has no thousands
        style = replace(style, thousands_digits=9)
    names = {"mean_sd": "Mean (SD)", "median_iqr": "Median (quartiles)", "missing": "Missing"}
    first = label(line.column, line.level) if line.level is not None else names[line.kind]
    quantity = {"mean_sd": "mean", "median_iqr": "median", "n_percent": "share"}.get(
        line.kind, "missing"
    )
    level = "" if line.level is None else f"/{line.level}"
    cells = []
    for i, group in enumerate(analysis.table.groups):
        if line.kind == "mean_sd":
            text = words.mean_sd(line.estimate[i], line.sd[i], style)
        elif line.kind == "median_iqr":
            text = words.median_iqr(line.estimate[i], line.low[i], line.high[i], style)
        else:
            text = f"{count(line.n[i], style)} ({words.percent(line.estimate[i], style)})"
        cells.append(Cell(text, f"{analysis.id}/{quantity}/{group}/{line.column}{level}"))
    return row(Cell(first, indent=1), *cells, "", *[""] * n_tests)


def feature_methods(_result: StudyResult, analysis: TableAnalysis) -> str:
    """The method in a sentence or two, its choices named."""
    return (
        "Features: counts and per cent, mean (SD) and median (quartiles, type 7). "
        "Standardised mean differences use the root mean of the two groups' variances; "
        "categories by Yang and Dalton." + _group_tests(analysis)
    )


def _group_tests(analysis: TableAnalysis) -> str:
    """The tests of Table 1 by name, where there are any."""
    names = list(dict.fromkeys(test.test for test in analysis.table.tests))
    if not names:
        return ""
    simulated = " (100,000 tables drawn with a fixed seed)" * any("simulated" in n for n in names)
    return (
        f" Groups were compared by {joined(names)}{simulated}: Fisher where an expected count is "
        "below 5."
    )


def _tables(analysis: TableAnalysis) -> Iterator[tuple[str, Any]]:
    yield "numbers", analysis.table.summary
    for level, own in analysis.strata:
        yield f"within_{level}", own.summary


FEATURES = Section(
    pages=feature_pages,
    methods=feature_methods,
    tables=_tables,
)
