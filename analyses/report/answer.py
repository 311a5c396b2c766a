"""The answer on the first page: who was compared, what was found, what stands against it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from analyses import formatting as words
from analyses.formatting import NumberStyle, count, label, percent
from analyses.plots.forest_rows import level_words
from analyses.report.blocks import Block, Bullets, Callout, Paragraph
from analyses.report.cautions import cautions
from analyses.report.sensitivity_pages import inconclusive, sensitivity_answer
from analyses.report.words import endpoint_of, events, in_sentence, joined, selected
from analyses.results.coefficient import Coefficient
from analyses.results.cox import CoxModel
from analyses.results.detectable import detectable_of
from analyses.results.robust import concluded
from analyses.results.specification_curve import SensitivityAnalysis
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
    return f"Of {loaded} patients {share} were selected: {selected(result, style)}."


def _found(result: StudyResult, style: NumberStyle) -> Iterator[str]:
    """The HER2 hazard ratios of the first Cox models, with who and what each rests on."""
    told = 0
    for analysis in result.analyses:
        if not isinstance(analysis, CoxAnalysis) or told == SHOWN:
            continue
        if analysis.cause == "competing":
            continue  # no answer about the endpoint
        contrasts = [
            c
            for c in analysis.adjusted.coefficients
            if c.term == "her2_status" and not c.is_reference
        ]
        if contrasts:
            told += 1
            yield _ratios(result, analysis, contrasts, style)
            yield from _undecided(result, analysis, contrasts, style)
    yield from (
        sensitivity_answer(analysis, style)
        for analysis in result.analyses
        if isinstance(analysis, SensitivityAnalysis)
    )


def _undecided(
    result: StudyResult,
    analysis: CoxAnalysis,
    contrasts: Sequence[Coefficient],
    style: NumberStyle,
) -> Iterator[str]:
    """What could have been found, where nothing was: limits that hold 1 are no sign of equality."""
    model, endpoint = analysis.adjusted, endpoint_of(result, analysis.endpoint)
    for c in contrasts:
        if c.estimate is None or concluded(c.conf_low, c.conf_high) != "inconclusive":
            continue
        found = detectable_of(model, c)
        if found is not None:
            who = f"{endpoint.label}, {label('her2_status', c.level)}"
            yield f"{who}: {inconclusive(found, endpoint, style, analysis.cause)}."


def _ratios(
    result: StudyResult,
    analysis: CoxAnalysis,
    contrasts: Sequence[Coefficient],
    style: NumberStyle,
) -> str:
    fitted = analysis.adjusted
    endpoint = endpoint_of(result, analysis.endpoint)
    n_event = events(endpoint, fitted.n_event, style)
    limits = [r.reason for r in result.restrictions if r.analysis == analysis.id]
    within = f"; {joined(limits)}" if limits else ""
    who = f"{count(fitted.n, style)} patients, {n_event}{within}"
    term = next(t for t in fitted.terms if t.name == "her2_status")
    ratios = "; ".join(
        f"{level_words(term, str(c.level))} {words.hazard_ratio(*c.hazard_ratio, style)}"
        for c in contrasts
    )
    weights = f", weighted by {in_sentence(fitted.weights)}" if fitted.weights else ""
    level = words.tick(100 * fitted.conf_level, style)
    reference = label("her2_status", contrasts[0].reference)
    return (
        f"{endpoint.label} ({who}), hazard ratio against {reference} with {level}% limits, "
        f"{_how(fitted)}{weights}: {ratios}."
    )


def _how(fitted: CoxModel) -> str:
    """What the HER2 contrast is conditional on, in words."""
    alone = [t for t in fitted.terms if t.kind != "interaction" and t.name != "her2_status"]
    pairs = [t for t in fitted.terms if t.kind == "interaction"]
    inner = [
        part
        for pair in pairs
        if any(p.name == "her2_status" for p in pair.parts)
        for part in pair.parts
        if part.name != "her2_status"
    ]
    parts = []
    if alone:
        parts.append(f"adjusted for {joined([in_sentence(t.name) for t in alone])}")
    if fitted.strata:
        parts.append(f"stratified by {joined([in_sentence(name) for name in fitted.strata])}")
    for part in inner:
        at = (
            label(part.name, part.reference) if part.reference else f"{in_sentence(part.name)} of 0"
        )
        parts.append(f"at {at} (the model has an interaction)")
    return ", ".join(parts) or "unadjusted"
