"""Pages about sites: each site's own hazard ratio, their pool, and the models of all sites."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from analyses import formatting as words
from analyses.formatting import NumberStyle, count, label
from analyses.plots.by_site import MOST_SITES, plot_by_site
from analyses.plots.style import FigureStyle
from analyses.report.blocks import Block, Cell, FigureBlock, Paragraph, Table, aligned, row
from analyses.report.meta_analysis_table import pool_table
from analyses.report.section import Alts, Section
from analyses.report.words import group_words, in_sentence, joined, used_rows
from analyses.results.by_site import BySite, BySiteAnalysis, LevelBySite
from analyses.results.coefficient import Coefficient
from analyses.results.meta_analysis import MetaAnalysis
from analyses.results.study import StudyResult


def by_site_pages(
    result: StudyResult, analysis: BySiteAnalysis, style: NumberStyle, alts: Alts
) -> Iterator[Block]:
    """Who it rests on; for each level a forest, the models of all sites, and the pool."""
    found = analysis.result
    counts = (found.n, found.n_event, found.n_input, found.n_missing)
    who = used_rows(result, analysis, counts, style)
    yield Paragraph(f"{who} They were seen at {count(found.n_sites, style)} sites.")
    level = words.tick(100 * found.conf_level, style)
    for one in found.levels:
        name = figure_name(analysis, one)
        alt, width = alts[name]
        caption = (
            f"{analysis.title}: {_pair(found, one)}. Each site's own hazard ratio with {level}% "
            "limits, squares sized by weight; diamonds are the sites pooled, with the prediction "
            "interval; beneath, the models of all sites."
        )
        yield FigureBlock(name, caption, alt, width)
        if one.pool is not None:
            title = f"{analysis.title}: {_pair(found, one)}, sites pooled"
            shown = _without_singles(one)
            group = one.level or found.term
            yield pool_table(analysis.id, group, title, shown, {}, style)
    yield _together(analysis, style)


def _without_singles(one: LevelBySite) -> MetaAnalysis:
    """The pool, each site left out only where there are few enough to read."""
    assert one.pool is not None
    few = one.pool.k <= MOST_SITES // 2
    return one.pool if few else replace(one.pool, without=())


def figure_name(analysis: BySiteAnalysis, one: LevelBySite) -> str:
    """Name of the figure of one level."""
    return analysis.id if one.level is None else f"{analysis.id}_{one.level}"


def _pair(found: BySite, one: LevelBySite) -> str:
    if one.level is None:
        return label(found.term)
    names = (group_words(found.term, x) for x in (one.level, str(one.reference)))
    return " against ".join(names)


def _together(analysis: BySiteAnalysis, style: NumberStyle) -> Table:
    """The models of all sites, and the sites that are not pooled."""
    found = analysis.result
    rows = []
    notes = []
    for one in found.levels:
        group = one.level or found.term
        rows.append(row(Cell(_pair(found, one), strong=True), "", ""))
        for name, said in (("stratified", "Stratified by site"), ("robust", "Robust to sites")):
            c: Coefficient = getattr(one, name)
            record = f"{analysis.id}/one_stage_{name}_hazard_ratio/{group}"
            estimate, low, high = c.hazard_ratio
            ratio = words.hazard_ratio(estimate, low, high, style)
            cells = (Cell(ratio, record), Cell(words.p_value(c.p_value, style), record))
            rows.append(row(Cell(said, indent=1), *cells))
        for reason, n_sites, n, n_event in one.left_out:
            many = "site" if n_sites == 1 else "sites"
            notes.append(
                f"{_pair(found, one)}: {count(n_sites, style)} {many} not pooled, {reason} "
                f"({count(n, style)} patients, {count(n_event, style)} events)."
            )
    return Table(
        f"{analysis.id}_together",
        f"{analysis.title}: models of all sites together.",
        ("", "HR", style.p_symbol),
        aligned(3),
        tuple(rows),
        (3.0, 2.2, 1.0),
        " ".join(notes),
    )


def by_site_methods(_result: StudyResult, analysis: BySiteAnalysis) -> str:
    """The method in a few sentences, its choices named."""
    found = analysis.result
    terms = joined([in_sentence(name) for name in found.terms if name != found.term])
    adjusted = f", adjusted for {terms}" if terms else ""
    return (
        f"{analysis.title}: a Cox model of {in_sentence(found.term)}{adjusted} "
        f"({found.ties.capitalize()} ties) in each site with at least {found.least_events} events; "
        "sites are pooled in two stages by inverse variance and with random effects (Paule and "
        "Mandel, Hartung and Knapp without truncation, prediction interval with t on k - 1 df). "
        "Beside them stand one model with a baseline hazard for each site, and one whose variance "
        "is robust to sites. "
        + ("Sites have their own names." if found.named else "Sites are numbered by size.")
    )


def _figures(
    _result: StudyResult, analysis: BySiteAnalysis, style: FigureStyle
) -> Iterator[tuple[str, Any]]:
    for one in analysis.result.levels:
        drawn = plot_by_site(analysis.result, level=one.level, style=style)
        yield figure_name(analysis, one), drawn


def _choices(analysis: BySiteAnalysis) -> Iterator[tuple[str, str]]:
    found = analysis.result
    yield "site", found.site
    yield "of", found.term
    yield "ties", found.ties
    yield "least_events", f"{found.least_events}"
    yield "level", f"{found.conf_level:g}"


SITES = Section(
    pages=by_site_pages,
    methods=by_site_methods,
    figures=_figures,
    tables=lambda analysis: [("numbers", analysis.result.summary)],
    choices=_choices,
)
