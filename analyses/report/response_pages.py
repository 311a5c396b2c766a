"""Pages about response by group: shares, odds ratios, and what the strata do to them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from analyses import formatting as words
from analyses.formatting import NumberStyle, count, label
from analyses.plots.response import plot_response
from analyses.plots.style import FigureStyle
from analyses.report.blocks import Block, Cell, FigureBlock, Paragraph, Table, aligned, row
from analyses.report.section import Alts, Section
from analyses.report.words import group_words, in_sentence, joined, used_rows
from analyses.results.response import Response, ResponseAnalysis
from analyses.results.study import StudyResult


def response_pages(
    result: StudyResult, analysis: ResponseAnalysis, style: NumberStyle, alts: Alts
) -> Iterator[Block]:
    """The shares, the forest of odds ratios, and the tests."""
    made = analysis.result
    counts = (made.n, None, made.n_input, made.n_missing)
    yield Paragraph(used_rows(result, analysis, counts, style))
    yield _shares(analysis, style)
    alt, width = alts[analysis.id]
    level = words.tick(100 * made.conf_level, style)
    caption = f"{analysis.title}. Odds ratios with {level}% limits."
    yield FigureBlock(analysis.id, caption, alt, width)
    yield Paragraph(" ".join(_tests(made, style)))


def response_methods(_result: StudyResult, analysis: ResponseAnalysis) -> str:
    """The method in a few sentences, its choices named."""
    made = analysis.result
    level = words.tick(100 * made.conf_level)
    text = (
        f"{analysis.title}: {label(made.response)} by {in_sentence(made.by)}; shares with Wilson "
        f"{level}% limits, raw odds ratios with Woolf's"
    )
    if made.within is not None:
        text += (
            f"; pooled over {in_sentence(made.within)} by Mantel and Haenszel with the variance of "
            "Robins, Breslow and Greenland, and within each of its levels; interaction by the "
            "likelihood ratio of the product"
        )
    terms = joined([in_sentence(name) for name in made.terms])
    if made.within is not None or terms:
        held = joined([in_sentence(made.within) if made.within else "", terms])
        text += f"; adjusted for {held} by a logistic model"
    return f"{text}. Every ratio is of the patients complete in all of these."


def _shares(analysis: ResponseAnalysis, style: NumberStyle) -> Table:
    """Responders by group: all, then each stratum."""
    made = analysis.result
    shares = {(share.stratum, share.group): share for share in made.shares}
    rows = []
    for stratum in (None, *made.strata):
        name = "All" if stratum is None else label(str(made.within), stratum)
        place = "" if stratum is None else f"/{made.within}/{stratum}"
        cells = [Cell(name, strong=stratum is None, indent=int(stratum is not None))]
        for group in made.groups:
            share = shares[stratum, group]
            text = style.dash
            if share.estimate is not None:
                limits = words.percent_with_limits(
                    share.estimate, share.conf_low, share.conf_high, style
                )
                text = f"{count(share.n_response, style)}/{count(share.n, style)}: {limits}"
            cells.append(Cell(text, f"{analysis.id}/response_share/{group}{place}"))
        rows.append(row(*cells))
    heads = tuple(group_words(made.by, group) for group in made.groups)
    return Table(
        analysis.id,
        f"{analysis.title}: responders / patients, and their share.",
        ("Patients", *heads),
        aligned(1 + len(heads)),
        tuple(rows),
        (1.8, *(2.6,) * len(heads)),
    )


def _tests(made: Response, style: NumberStyle) -> Iterator[str]:
    """Interaction and pooled tests in sentences, and where the strata turn a ratio round."""
    test = made.interaction
    if test is not None and made.within is not None:
        where = f"the odds ratios are alike in all levels of {in_sentence(made.within)}"
        if test.statistic is None:
            yield f"No test that {where} ({test.reason})."
        else:
            statistic = words.number(test.statistic, 2, style)
            p = words.p_equals(test.p_value, style)
            yield f"That {where}: chi-square {statistic} on {test.df} df, {p}."
    for pooled in made.pooled_tests:
        name = group_words(made.by, pooled.term)
        if pooled.statistic is None:
            yield f"{name}: no pooled test ({pooled.reason})."
            continue
        statistic = words.number(pooled.statistic, 2, style)
        yield (
            f"{name}, Cochran-Mantel-Haenszel: chi-square {statistic} on 1 df, "
            f"{words.p_equals(pooled.p_value, style)}."
        )
    for finding in made.findings:
        if finding.rule == "reversed_by_strata":
            yield (
                f"{group_words(made.by, finding.value)}: the raw odds ratio and the one pooled "
                "over strata lie on either side of 1 (Simpson's paradox)."
            )


def _figures(
    _result: StudyResult, analysis: ResponseAnalysis, style: FigureStyle
) -> Iterator[tuple[str, Any]]:
    yield analysis.id, plot_response(analysis.result, style=style)


def _tables(analysis: ResponseAnalysis) -> Iterator[tuple[str, Any]]:
    yield "numbers", analysis.result.summary
    yield "shares", analysis.result.share_table


def _choices(analysis: ResponseAnalysis) -> Iterator[tuple[str, str]]:
    yield "intervals", "Wilson for shares; Woolf, Robins-Breslow-Greenland, Wald for log odds"
    yield "level", f"{analysis.result.conf_level:g}"


RESPONSES = Section(
    pages=response_pages,
    methods=response_methods,
    figures=_figures,
    tables=_tables,
    choices=_choices,
)
