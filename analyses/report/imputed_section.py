"""A section of the report with what imputation adds to it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from analyses.formatting import NumberStyle
from analyses.plots.style import FigureStyle
from analyses.report.blocks import Block
from analyses.report.imputed_methods import imputed_methods
from analyses.report.imputed_pages import (
    imputed_choices,
    imputed_figures,
    imputed_pages,
    imputed_tables,
)
from analyses.report.section import Alts, Section
from analyses.results.study import StudyResult


def with_imputed(section: Section) -> Section:
    """The section, followed by complete cases beside imputation where the analysis imputed."""

    def pages(
        result: StudyResult, analysis: Any, style: NumberStyle, alts: Alts
    ) -> Iterator[Block]:
        yield from section.pages(result, analysis, style, alts)
        yield from imputed_pages(result, analysis, style, alts)

    def figures(
        result: StudyResult, analysis: Any, style: FigureStyle
    ) -> Iterator[tuple[str, Any]]:
        yield from section.figures(result, analysis, style)
        yield from imputed_figures(analysis, style)

    def methods(result: StudyResult, analysis: Any) -> str:
        return section.methods(result, analysis) + imputed_methods(analysis)

    def tables(analysis: Any) -> Iterator[tuple[str, Any]]:
        yield from section.tables(analysis)
        yield from imputed_tables(analysis)

    def choices(analysis: Any) -> Iterator[tuple[str, str]]:
        yield from section.choices(analysis)
        yield from imputed_choices(analysis)

    return replace(
        section, pages=pages, figures=figures, methods=methods, tables=tables, choices=choices
    )
