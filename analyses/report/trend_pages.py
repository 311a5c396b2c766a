"""Pages about shares over years: the figure, and how each share changes from year to year."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from analyses import formatting as words
from analyses.formatting import NumberStyle, count
from analyses.plots.share_trend import plot_share_trend
from analyses.plots.style import FigureStyle
from analyses.report.blocks import Block, Cell, FigureBlock, Paragraph, Table, aligned
from analyses.report.section import Alts, Section
from analyses.report.words import group_words, in_sentence, used_rows
from analyses.results.share_trend import CategoryTrend, TrendAnalysis
from analyses.results.study import StudyResult


def trend_pages(
    result: StudyResult, analysis: TrendAnalysis, style: NumberStyle, alts: Alts
) -> Iterator[Block]:
    """The figure, the shares by year, the trends."""
    made = analysis.result
    counts = (made.n, None, made.n_input, made.n_missing)
    yield Paragraph(used_rows(result, analysis, counts, style))
    alt, width = alts[analysis.id]
    yield FigureBlock(analysis.id, f"{analysis.title}.", alt, width)
    yield _shares(analysis, style)
    yield _trends(analysis, style)


def trend_methods(_result: StudyResult, analysis: TrendAnalysis) -> str:
    """The method in a sentence or two, its choices named."""
    made = analysis.result
    level = words.tick(100 * made.conf_level)
    return (
        f"{analysis.title}: shares of {in_sentence(made.of)} by {in_sentence(made.year)} with "
        f"Wilson {level}% limits; trends by the Cochran-Armitage test, and the odds ratio for a "
        "year more by a logistic model of each category against all others."
    )


def _shares(analysis: TrendAnalysis, style: NumberStyle) -> Table:
    made = analysis.result
    shares = {(share.year, share.category): share for share in made.shares}
    rows = []
    for year in made.years:
        cells = [Cell(f"{year}", strong=True)]
        cells.append(Cell(count(shares[year, made.categories[0]].n, style)))
        for category in made.categories:
            share = shares[year, category]
            limits = words.percent_with_limits(
                share.estimate, share.conf_low, share.conf_high, style
            )
            cells.append(Cell(limits, f"{analysis.id}/share/{category}/{year}"))
        cells[1] = Cell(cells[1].text, f"{analysis.id}/share/{made.categories[0]}/{year}")
        rows.append(tuple(cells))
    heads = tuple(group_words(made.of, category) for category in made.categories)
    return Table(
        analysis.id,
        f"{analysis.title}: shares with limits.",
        ("Year", "Patients", *heads),
        aligned(2 + len(heads)),
        tuple(rows),
        (0.8, 1.0, *(2.0,) * len(heads)),
    )


def _trends(analysis: TrendAnalysis, style: NumberStyle) -> Table:
    made = analysis.result
    rows = [_trend(analysis, trend, style) for trend in made.trends]
    reasons = [f"{group_words(made.of, t.category)}: {t.reason}." for t in made.trends if t.reason]
    return Table(
        f"{analysis.id}_trends",
        f"{analysis.title}: change from year to year.",
        ("Category", "Patients", "Odds ratio, a year more", "Chi-square (1 df)", style.p_symbol),
        aligned(5),
        tuple(rows),
        (2.0, 1.2, 2.2, 1.4, 0.9),
        " ".join(reasons),
    )


def _trend(analysis: TrendAnalysis, trend: CategoryTrend, style: NumberStyle) -> tuple[Cell, ...]:
    test = f"{analysis.id}/cochran_armitage_test/{trend.category}"
    slope = f"{analysis.id}/odds_ratio_per_year/{trend.category}"
    ratio = words.NOT_ESTIMABLE
    if trend.estimate is not None:
        ratio = words.hazard_ratio(*trend.odds_ratio, style)
    return (
        Cell(group_words(analysis.result.of, trend.category), strong=True),
        Cell(count(trend.n_category, style), test),
        Cell(ratio, slope),
        Cell(words.number(trend.statistic, 2, style), test),
        Cell(words.p_value(trend.p_value, style), test),
    )


def _figures(
    _result: StudyResult, analysis: TrendAnalysis, style: FigureStyle
) -> Iterator[tuple[str, Any]]:
    yield analysis.id, plot_share_trend(analysis.result, style=style)


def _tables(analysis: TrendAnalysis) -> Iterator[tuple[str, Any]]:
    yield "numbers", analysis.result.summary
    yield "trends", analysis.result.trend_table


TRENDS = Section(
    pages=trend_pages,
    methods=trend_methods,
    figures=_figures,
    tables=_tables,
    choices=lambda analysis: [
        ("intervals", "Wilson for shares, Wald for log odds"),
        ("level", f"{analysis.result.conf_level:g}"),
    ],
)
