"""Pages about published results: the forest, the pools, and what became of each result."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from analyses import formatting as words
from analyses.formatting import NumberStyle, capitalised, count
from analyses.plots.evidence import plot_evidence
from analyses.plots.evidence_lines import contrast_words
from analyses.plots.style import FigureStyle
from analyses.report.blocks import Block, Cell, FigureBlock, Paragraph, Table, row
from analyses.report.meta_analysis_table import pool_table
from analyses.report.section import Alts, Section
from analyses.report.words import joined
from analyses.results.evidence import Evidence, EvidenceAnalysis, EvidenceRow
from analyses.results.study import StudyResult

_USES = {"pooled": "Pooled", "drawn": "Drawn", "listed": "Listed"}
_FORMS = {
    "no_limits": "a ratio without limits",
    "not_significant": "“not significant” only",
    "direction": "the direction only",
    "absolute": "rates or medians only",
    "not_seen": "a size that was not seen",
}


def evidence_pages(
    _result: StudyResult, analysis: EvidenceAnalysis, style: NumberStyle, alts: Alts
) -> Iterator[Block]:
    """What was asked and found, the forest, the pools, each result with its use and source."""
    evidence = analysis.result
    yield Paragraph(_asked(evidence, style))
    alt, width = alts[analysis.id]
    level = words.tick(100 * evidence.conf_level, style)
    caption = (
        f"{analysis.title}. Published limits are 95% limits, those of pools {level}%. Filled "
        "squares are pooled and sized by weight, hollow ones drawn only; diamonds are pools, with "
        "the prediction interval."
    )
    yield FigureBlock(analysis.id, caption, alt, width)
    for name, title, pool in (
        ("published", "published results", evidence.pool),
        ("with_present", "published results and the present study", evidence.pool_with_present),
    ):
        if pool is not None:
            labels = {r.published.id: r.published.label for r in evidence.rows}
            labels["present"] = "The present study"
            yield pool_table(analysis.id, name, f"{analysis.title}: {title}", pool, labels, style)
    yield _table(analysis, style)


def _asked(evidence: Evidence, style: NumberStyle) -> str:
    """The question, and how many results there are by use."""
    q = evidence.question
    where = "" if q.stage is None else f", {q.stage} disease"
    said = [
        f"{capitalised(contrast_words(q.contrast))}: {joined(q.endpoints)}, population "
        f"{q.population}{where}. "
        f"{_n(len(evidence.used('pooled')), 'result', style)} pooled, "
        f"{len(evidence.used('drawn'))} drawn beside the pool, {len(evidence.used('listed'))} "
        "without a ratio and limits."
    ]
    for one in evidence.without_ratio:
        many = "study is" if len(one.studies) == 1 else "studies are"
        text = f"{count(len(one.studies), style)} {many} known by {_FORMS[one.form]}"
        said.append(f"{text} ({joined(one.studies)}).")
        if one.form == "not_significant":
            said.append("Leaving those out biases a pool away from 1.")
    present = evidence.present
    if present is not None:
        low_high = words.hazard_ratio(*present.ratio, style)
        said.append(f"The present study: {low_high}, {present.use}.")
        if present.reason:
            said.append(f"It is not pooled: {present.reason}.")
    return " ".join(said)


def _n(n: int, noun: str, style: NumberStyle) -> str:
    return f"{count(n, style)} {noun}{'' if n == 1 else 's'}"


def _table(analysis: EvidenceAnalysis, style: NumberStyle) -> Table:
    shown = [row for row in analysis.result.rows if row.use != "left_out"]
    shown.sort(key=lambda row: list(_USES).index(row.use))
    return Table(
        f"{analysis.id}_results",
        f"{analysis.title}: published results that bear on the question.",
        ("Study", "Ratio or what is known", "Adjusted", "Use, and why", "Verified", "Source"),
        ("left",) * 6,
        tuple(_cells(analysis.id, one, style) for one in shown),
        (1.7, 1.8, 1.3, 2.3, 0.8, 2.2),
        f"{analysis.result.rule} Left out as the answer to another question, or unverified: "
        f"{count(len(analysis.result.used('left_out')), style)}.",
    )


def _cells(name: str, one: EvidenceRow, style: NumberStyle) -> tuple[Cell, ...]:
    p = one.published
    quantity = f"published_{p.measure.lower()}" if p.estimate else "published_result"
    known = p.result or (f"p {p.p_said}" if p.p_said else "")
    if p.estimate is not None:
        known = f"{p.measure} {words.hazard_ratio(p.estimate, p.conf_low, p.conf_high, style)}"
    use = _USES[one.use] if not one.reason else f"{_USES[one.use]}: {one.reason}"
    marks = {"yes": "yes", "partly": "in part", "memory": "no"}
    return row(
        Cell(p.label, strong=one.use == "pooled"),
        Cell(known, f"{name}/{quantity}/{one.use}/{p.id}"),
        p.adjustment,
        use,
        marks[p.verified],
        p.reference,
    )


def evidence_methods(_result: StudyResult, analysis: EvidenceAnalysis) -> str:
    """The method in a few sentences, its choices named."""
    evidence = analysis.result
    q = evidence.question
    unverified = "take part, marked" if q.unverified else "are left out and counted"
    stage = f" in {q.stage} disease" if q.stage else ""
    text = (
        f"{analysis.title}: published {evidence.measure.replace('_', ' ')}s of "
        f"{contrast_words(q.contrast)} for {joined(q.endpoints)}{stage} (population: "
        f"{q.population}) are pooled on the logarithmic scale, standard errors from the printed "
        "limits, by inverse variance (fixed effects) and with random effects: variance between "
        "studies by Paule and Mandel, limits by Hartung and Knapp without truncation, prediction "
        "interval with t on k - 1 df, limits of the variance by the Q-profile. "
        f"{evidence.rule} Meta-analyses and other contrasts are drawn, not pooled; results not "
        f"verified in a source {unverified}."
    )
    if evidence.present is not None:
        text += (
            f" The present study's hazard ratio is that of the analysis “{analysis.compares}”; a "
            "study of the same registry is compared, not pooled."
        )
    return text


def _figures(
    _result: StudyResult, analysis: EvidenceAnalysis, style: FigureStyle
) -> Iterator[tuple[str, Any]]:
    yield analysis.id, plot_evidence(analysis.result, style=style)


def _tables(analysis: EvidenceAnalysis) -> Iterator[tuple[str, Any]]:
    yield "results", analysis.result.summary
    if analysis.result.pool is not None:
        yield "pool", analysis.result.pool.summary
    if analysis.result.pool_with_present is not None:
        yield "pool_with_present", analysis.result.pool_with_present.summary


def _choices(analysis: EvidenceAnalysis) -> Iterator[tuple[str, str]]:
    q = analysis.result.question
    yield "contrast", q.contrast
    yield "outcome", "; ".join(q.endpoints)
    yield "population", q.population
    yield "stage", q.stage or "all"
    yield "unverified", "marked" if q.unverified else "left out"
    yield "level", f"{analysis.result.conf_level:g}"


EVIDENCE = Section(
    pages=evidence_pages,
    methods=evidence_methods,
    figures=_figures,
    tables=_tables,
    choices=_choices,
)
