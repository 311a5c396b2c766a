"""The table of missing values by column and group, and the pages of a count of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from analyses import formatting as words
from analyses.formatting import NumberStyle, count, label
from analyses.plots.missingness import plot_missingness
from analyses.plots.style import FigureStyle
from analyses.report.blocks import Block, Cell, FigureBlock, Paragraph, Table, aligned
from analyses.report.section import Alts, Section
from analyses.results.imputed import MissingnessAnalysis
from analyses.results.missingness import Missingness
from analyses.results.study import StudyResult


def missing_table(name: str, records: str, found: Missingness, style: NumberStyle) -> Table:
    """Patients without a value by column: all, and each group; `records` is their analysis."""
    heads = ["Column", f"All (n\u00a0=\u00a0{count(found.n, style)})"]
    heads += [
        f"{label(str(found.by), group)} (n\u00a0=\u00a0{count(n, style)})"
        for group, n in zip(found.groups, found.sizes, strict=True)
    ]
    rows = []
    for column in found.columns:
        cells = [Cell(label(column.name), strong=True)]
        all_of = (column.n, column.n_missing)
        cells.append(_cell(all_of, f"{records}/missing_values/{column.name}", style))
        for group, pair in zip(found.groups, column.by_group, strict=True):
            cells.append(_cell(pair, f"{records}/missing_values/{group}/{column.name}", style))
        rows.append(tuple(cells))
    return Table(
        name,
        "Missing values by column.",
        tuple(heads),
        aligned(len(heads)),
        tuple(rows),
        (2.6, *(1.7,) * (len(heads) - 1)),
        f"Patients without a value (% of the column of patients). {count(found.n_complete, style)} "
        f"of {count(found.n, style)} patients lack nothing "
        f"({words.percent(found.n_complete / found.n, style)}).",
    )


def _cell(pair: tuple[int, int], record: str, style: NumberStyle) -> Cell:
    n, lacks = pair
    share = words.percent(lacks / n, style) if n else style.dash
    return Cell(f"{count(lacks, style)} ({share})", record)


def missingness_pages(
    _result: StudyResult, analysis: MissingnessAnalysis, style: NumberStyle, alts: Alts
) -> Iterator[Block]:
    """Who lacks what: how many, the table, the map of patterns."""
    found = analysis.result
    yield Paragraph(
        f"{count(found.n, style)} patients; {count(found.n_incomplete, style)} lack at least one "
        f"of {len(found.columns)} columns."
    )
    yield missing_table(analysis.id, analysis.id, found, style)
    alt, width = alts[analysis.id]
    yield FigureBlock(analysis.id, f"{analysis.title} by pattern.", alt, width)


def missingness_methods(_result: StudyResult, _analysis: MissingnessAnalysis) -> str:
    """The method in a sentence."""
    return "Missing values were counted by column, by group and by pattern."


def _figures(
    _result: StudyResult, analysis: MissingnessAnalysis, style: FigureStyle
) -> Iterator[tuple[str, Any]]:
    yield analysis.id, plot_missingness(analysis.result, style=style)


def _tables(analysis: MissingnessAnalysis) -> Iterator[tuple[str, Any]]:
    yield "numbers", analysis.result.summary
    yield "patterns", analysis.result.pattern_table


MISSING = Section(
    pages=missingness_pages,
    methods=missingness_methods,
    figures=_figures,
    tables=_tables,
)
