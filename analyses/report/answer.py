"""The answer on the first page: who was compared, what was found, what stands against it."""

from __future__ import annotations

from collections.abc import Iterator

from analyses import formatting as words
from analyses.formatting import NumberStyle, count, label, percent
from analyses.report.blocks import Block, Bullets, Callout, Paragraph
from analyses.report.cautions import cautions
from analyses.report.words import endpoint_of, in_sentence, joined, selected
from analyses.results.study import CoxAnalysis, StudyResult

SHOWN = 4  # models named on the first page; all are in Results


def front_matter(result: StudyResult, style: NumberStyle) -> Iterator[Block]:
    """Question, answer in numbers, and the first cautions."""
    if result.question:
        yield Paragraph(result.question, "lead")
    yield Bullets((_who(result, style), *_found(result, style)))
    said = cautions(result, style)
    if said:
        yield Callout("Before reading on", " ".join(said[:3]))
    if result.failures:
        n = len(result.failures)
        what = "estimate that was" if n == 1 else "estimates that were"
        yield Callout("Not estimable", f"{n} {what} asked for cannot be given; see Results.")


def _who(result: StudyResult, style: NumberStyle) -> str:
    share = percent(result.n_analysed / result.n_loaded, style)
    loaded = count(result.n_loaded, style)
    verb = "compared" if result.compares_her2 else "analysed"
    return f"Of {loaded} patients {share} were {verb}: {selected(result, style)}."


def _found(result: StudyResult, style: NumberStyle) -> Iterator[str]:
    """The HER2 hazard ratios of each Cox model, adjusted and not told apart."""
    models = [a for a in result.analyses if isinstance(a, CoxAnalysis)]
    told = 0
    for analysis in models:
        contrasts = [
            c
            for c in analysis.adjusted.coefficients
            if c.term == "her2_status" and not c.is_reference
        ]
        if not contrasts or told == SHOWN:
            continue
        told += 1
        outcome = endpoint_of(result, analysis.endpoint).label
        others = [t.name for t in analysis.adjusted.terms if t.name != "her2_status"]
        how = (
            f"adjusted for {joined([in_sentence(name) for name in others])}"
            if others
            else "unadjusted"
        )
        ratios = "; ".join(
            f"{label('her2_status', c.level)} {words.hazard_ratio(*c.hazard_ratio, style)}"
            for c in contrasts
        )
        reference = label("her2_status", contrasts[0].reference)
        yield f"{outcome}, hazard ratio against {reference} ({how}): {ratios}."
