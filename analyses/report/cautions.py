"""What these data cannot tell: few events, unequal follow-up, patients outside the groups."""

from __future__ import annotations

from collections.abc import Iterator

from analyses import formatting as words
from analyses.formatting import NumberStyle, count, label, n_percent
from analyses.report.blocks import Block, Bullets, Heading, Paragraph
from analyses.report.words import endpoint_of, events, group_words, joined
from analyses.results.study import CoxAnalysis, CurveAnalysis, StudyResult

FEW_EVENTS = "few_events"
NO_EVENTS = "no_events"
LEAST_EVENTS = 10
UNEQUAL_FOLLOW_UP = "unequal_follow_up"


def caution_pages(result: StudyResult, style: NumberStyle) -> Iterator[Block]:
    """The cautions as a section of the report."""
    said = cautions(result, style)
    yield Heading("What these data cannot tell")
    if not said:
        yield Paragraph("No caution beyond those of every observational cohort was found.")
    else:
        yield Bullets(said)
    yield Paragraph(
        "The comparison of HER2 groups is observational: groups differ in features that also bear "
        "on prognosis, and what was not measured is not adjusted for. HER2-low is in part a "
        "laboratory's habit: readers agree poorly on IHC 0 against 1+."
    )


def cautions(result: StudyResult, style: NumberStyle) -> tuple[str, ...]:
    """One sentence a caution, each once, with its numbers."""
    sentences: list[str] = []
    told: set[tuple[str, str]] = set()  # a group is warned of once an endpoint
    for analysis in result.analyses:
        if isinstance(analysis, CurveAnalysis):
            sentences += _few_events(result, analysis, told)
            sentences += _follow_up(result, analysis, style)
        elif isinstance(analysis, CoxAnalysis):
            sentences += _thin_levels(result, analysis, told)
    sentences += _outside(result, style)
    return tuple(dict.fromkeys(sentences))


def _few_events(
    result: StudyResult, analysis: CurveAnalysis, told: set[tuple[str, str]]
) -> Iterator[str]:
    """Groups that the curves warn of, with the count in the endpoint's own noun."""
    warned = {f.value for f in analysis.curves.findings if f.rule in (FEW_EVENTS, NO_EVENTS)}
    for curve in analysis.curves.curves:
        if curve.group in warned:
            name = group_words(analysis.curves.by, curve.group)
            told.add((analysis.endpoint, curve.group))
            yield _no_conclusion(result, analysis.endpoint, name, curve.n, curve.n_event)


def _thin_levels(
    result: StudyResult, analysis: CoxAnalysis, told: set[tuple[str, str]]
) -> Iterator[str]:
    """HER2 groups with fewer than ten events in a model, where no curve has said so."""
    for c in analysis.adjusted.coefficients:
        if c.term != "her2_status" or c.level is None or c.n_event >= LEAST_EVENTS:
            continue
        if (analysis.endpoint, c.level) not in told:
            told.add((analysis.endpoint, c.level))
            name = label(c.term, c.level)
            yield _no_conclusion(result, analysis.endpoint, name, c.n, c.n_event)


def _no_conclusion(result: StudyResult, id: str, name: str, n: int, n_event: int) -> str:
    endpoint = endpoint_of(result, id)
    return (
        f"{endpoint.label}: {events(endpoint, n_event)} among {n:,} patients ({name}) support no "
        "conclusion about this group: neither a difference nor its absence."
    )


def _follow_up(result: StudyResult, analysis: CurveAnalysis, style: NumberStyle) -> Iterator[str]:
    km = analysis.curves
    if not any(f.rule == UNEQUAL_FOLLOW_UP for f in km.findings):
        return
    medians = [
        f"{words.time(r['estimate'], result.time_unit, style)} ({group_words(km.by, r['group'])})"
        for r in km.follow_up.to_dict("records")
    ]
    endpoint = endpoint_of(result, analysis.endpoint)
    yield (
        f"{endpoint.label}: follow-up differs between the groups, at the median "
        f"{joined(medians)}. Compare them only as far as all are followed."
    )


def _outside(result: StudyResult, style: NumberStyle) -> Iterator[str]:
    """Patients that a status label without a score, or unclear evidence, left out."""
    total = sum(n for *_, n in result.her2_counts)
    sizes: dict[str, int] = {}
    for status, _, _, n in result.her2_counts:
        sizes[status] = sizes.get(status, 0) + n
    negative = sizes.get("negative_unspecified", 0)
    if negative:
        yield (
            f"{n_percent(negative, total, style)} of the source's patients are HER2-negative by a "
            "status label or in-situ result without a score: they may be zero or low and are in "
            "neither group."
        )
    other = sizes.get("unresolved", 0) + sizes.get("unknown", 0)
    if other:
        yield (
            f"{n_percent(other, total, style)} more have HER2 evidence that conflicts, is "
            f"incomplete or is absent ({count(sizes.get('unresolved', 0), style)} unresolved, "
            f"{count(sizes.get('unknown', 0), style)} unknown)."
        )
