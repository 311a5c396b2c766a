"""Pages about shares by facility: the funnel, and how far facilities differ beyond chance."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from analyses import formatting as words
from analyses.formatting import NumberStyle, count
from analyses.plots.funnel import plot_funnel
from analyses.plots.style import FigureStyle
from analyses.report.blocks import Block, Cell, FigureBlock, Paragraph, Table, aligned
from analyses.report.section import Alts, Section
from analyses.report.words import group_words, in_sentence, used_rows
from analyses.results.facility_shares import Between, FacilityAnalysis
from analyses.results.study import StudyResult


def facility_pages(
    result: StudyResult, analysis: FacilityAnalysis, style: NumberStyle, alts: Alts
) -> Iterator[Block]:
    """The funnel, and the spread of all years and of each."""
    made = analysis.result
    counts = (made.n, None, made.n_input, made.n_missing)
    yield Paragraph(used_rows(result, analysis, counts, style))
    alt, width = alts[analysis.id]
    yield FigureBlock(analysis.id, f"{analysis.title}.", alt, width)
    yield _table(analysis, style)


def facility_methods(_result: StudyResult, analysis: FacilityAnalysis) -> str:
    """The method in a few sentences, its choices named."""
    made = analysis.result
    name = group_words(made.of, made.category)
    level = words.tick(100 * made.conf_level)
    return (
        f"{analysis.title}: the share of {name} by {in_sentence(made.facility)}, between exact "
        "binomial limits (95% and 99.8%, interpolated) of the share of all. Variance between "
        "facilities on the logit scale by a logistic model with a normal random intercept "
        f"(adaptive quadrature, 41 nodes), profile-likelihood {level}% limits, likelihood ratio "
        "against none (half a chi-square on 1 df). The median odds ratio is that of two facilities "
        f"drawn at random. Facilities with fewer than {made.least_patients} patients are grey; "
        + ("facilities are named in the table." if made.identified else "none is named.")
    )


def _table(analysis: FacilityAnalysis, style: NumberStyle) -> Table:
    made = analysis.result
    rows = [_row(analysis, between, style) for between in (made.between, *made.by_year)]
    reasons = dict.fromkeys(b.reason for b in (made.between, *made.by_year) if b.reason)
    heads = ("Years", "Facilities", "Patients", "Share", "SD of log odds", "Median OR",
             style.p_symbol)  # fmt: skip
    return Table(
        analysis.id,
        f"{analysis.title}: how far facilities differ.",
        heads,
        aligned(len(heads)),
        tuple(rows),
        (1.0, 1.0, 1.2, 1.2, 2.2, 1.1, 0.9),
        " ".join(f"No estimate: {reason}." for reason in reasons),
    )


def _row(analysis: FacilityAnalysis, between: Between, style: NumberStyle) -> tuple[Cell, ...]:
    category = analysis.result.category
    end = category if between.year is None else f"{category}/{between.year}"
    share, spread = f"{analysis.id}/share/{end}", f"{analysis.id}/between_facility_deviation/{end}"
    deviation = words.number(between.deviation, 2, style)
    if between.conf_high is not None:
        deviation = words.estimate_with_limits(
            between.deviation, between.conf_low, between.conf_high, 2, None, style
        )
    return (
        Cell("All" if between.year is None else f"{between.year}", strong=True),
        Cell(count(between.n_facility, style)),
        Cell(f"{count(between.n_category, style)} / {count(between.n, style)}", share),
        Cell(words.percent(between.estimate, style), share),
        Cell(deviation, spread),
        Cell(
            words.number(between.median_odds_ratio, 2, style),
            f"{analysis.id}/median_odds_ratio/{end}",
        ),
        Cell(words.p_value(between.p_value, style), f"{analysis.id}/between_facility_test/{end}"),
    )


def _figures(
    _result: StudyResult, analysis: FacilityAnalysis, style: FigureStyle
) -> Iterator[tuple[str, Any]]:
    yield analysis.id, plot_funnel(analysis.result, style=style)


def _tables(analysis: FacilityAnalysis) -> Iterator[tuple[str, Any]]:
    yield "numbers", analysis.result.summary
    yield "between", analysis.result.between_table


FACILITIES = Section(
    pages=facility_pages,
    methods=facility_methods,
    figures=_figures,
    tables=_tables,
    choices=lambda analysis: [
        ("intervals", "profile likelihood"),
        ("level", f"{analysis.result.conf_level:g}"),
        ("least_patients", f"{analysis.result.least_patients}"),
    ],
)
