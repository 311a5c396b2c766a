"""What these data cannot tell: few events, unequal follow-up, patients outside the groups."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from analyses import formatting as words
from analyses.formatting import NumberStyle, count, label, n_percent
from analyses.report.blocks import Block, Bullets, Heading, Paragraph
from analyses.report.parametric_pages import parametric_groups
from analyses.report.words import endpoint_of, events, group_words, joined
from analyses.results.study import (
    Analysis,
    CoxAnalysis,
    CurveAnalysis,
    FineGrayAnalysis,
    IncidenceAnalysis,
    ParametricAnalysis,
    RmstAnalysis,
    StudyResult,
    TestAnalysis,
)
from cohort.schema import HER2_GROUPS

LEAST_EVENTS = 10
UNEQUAL_FOLLOW_UP = "unequal_follow_up"
# A group is warned of once an endpoint and event: (endpoint, column, group, cause).
Told = set[tuple[str, str | None, str, str]]
SAID_OTHERWISE = ("few_events", "no_events", UNEQUAL_FOLLOW_UP)


def caution_pages(result: StudyResult, style: NumberStyle) -> Iterator[Block]:
    """The cautions as a section of the report."""
    said = cautions(result, style)
    yield Heading("What these data cannot tell")
    if not said:
        yield Paragraph("No caution beyond those of every observational cohort was found.")
    else:
        yield Bullets(said)
    if result.compares_her2:
        yield Paragraph(
            "The comparison of HER2 groups is observational: groups differ in features that also "
            "bear on prognosis, and what was not measured is not adjusted for. HER2-low is in "
            "part a laboratory's habit: readers agree poorly on IHC 0 against 1+."
        )


def cautions(result: StudyResult, style: NumberStyle) -> tuple[str, ...]:
    """One sentence a caution, each once, with its numbers."""
    sentences: list[str] = []
    told: Told = set()
    for analysis in result.analyses:
        if isinstance(analysis, CurveAnalysis):
            groups = [(c.group, c.n, c.n_event) for c in analysis.curves.curves]
            found = (analysis.curves.by, groups)
            sentences += _few_events(result, analysis.endpoint, found, told, style)
            sentences += _follow_up(result, analysis, style)
        elif isinstance(analysis, TestAnalysis):
            test = analysis.test
            groups = list(zip(test.groups, test.n, test.n_event, strict=True))
            sentences += _few_events(result, analysis.endpoint, (test.by, groups), told, style)
        elif isinstance(analysis, RmstAnalysis):
            of_groups = [(g.group, g.n, g.n_event_total) for g in analysis.result.groups]
            sentences += _few_events(
                result, analysis.endpoint, (analysis.result.by, of_groups), told, style
            )
        elif isinstance(analysis, IncidenceAnalysis):
            for place, cause in enumerate(analysis.curves.causes):
                sizes = [(c.group, c.n, c.n_event[place]) for c in analysis.curves.curves]
                found = (analysis.curves.by, sizes)
                sentences += _few_events(result, analysis.endpoint, found, told, style, cause)
        elif isinstance(analysis, ParametricAnalysis):
            of_models = ("her2_status", parametric_groups(analysis.result))
            sentences += _few_events(result, analysis.endpoint, of_models, told, style)
        elif isinstance(analysis, CoxAnalysis | FineGrayAnalysis):
            found = ("her2_status", _her2_levels(analysis))
            cause = _cause(analysis)
            sentences += _few_events(result, analysis.endpoint, found, told, style, cause)
        sentences += _warned(result, analysis)
    if result.compares_her2:
        sentences += _eras(result, style)
        sentences += _late(result, style)
        sentences += _outside(result, style)
    return tuple(dict.fromkeys(sentences))


def _cause(analysis: CoxAnalysis | FineGrayAnalysis) -> str:
    """Whether a model is of the endpoint's event or of what competes with it."""
    if isinstance(analysis, FineGrayAnalysis):
        return analysis.model.cause
    return analysis.cause or "event"


def _her2_levels(analysis: CoxAnalysis | FineGrayAnalysis) -> list[tuple[str, int, int]]:
    """The HER2 groups of a model with their patients and events."""
    model = analysis.adjusted if isinstance(analysis, CoxAnalysis) else analysis.model
    return [
        (c.level, c.n, c.n_event)
        for c in model.coefficients
        if c.term == "her2_status" and c.level is not None and c.level in HER2_GROUPS
    ]


def _few_events(
    result: StudyResult,
    id: str,
    found: tuple[str | None, Sequence[tuple[str, int, int]]],
    told: Told,
    style: NumberStyle,
    cause: str = "event",
) -> Iterator[str]:
    """Groups with fewer than ten events, each once an endpoint and cause, in its own noun."""
    endpoint = endpoint_of(result, id)
    by, groups = found
    for group, n, n_event in groups:
        key = (id, by, group, cause)
        if n_event >= LEAST_EVENTS or key in told:
            continue
        told.add(key)
        who = f"{count(n, style)} patients ({_named(by, group)})"
        yield (
            f"{endpoint.label}: {events(endpoint, n_event, style, cause)} among {who} support no "
            "conclusion about this group: neither a difference nor its absence."
        )


def _named(by: str | None, group: str) -> str:
    """A group in words; with its column, where the words are no more than the level's own."""
    said = group_words(by, group)
    return f"{label(by)}: {said}" if by is not None and said.lower() == group.lower() else said


def _warned(result: StudyResult, analysis: Analysis) -> Iterator[str]:
    """What else an estimator warned of, in its own words."""
    for finding in result.findings:
        if (
            finding.source == analysis.id
            and finding.severity == "warning"
            and finding.rule not in SAID_OTHERWISE
        ):
            yield f"{analysis.title}: {finding.advice}"


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


def _eras(result: StudyResult, style: NumberStyle) -> Iterator[str]:
    """That a score of 0 meant two things, in the patients that the study selected."""
    found = [f for f in result.findings if f.rule == "zero_by_era" and f.severity == "warning"]
    if found:
        years = joined([f"{count(f.n, style)} {f.value.removeprefix('0, ')}" for f in found])
        yield f"IHC 0 by years of diagnosis: {years}. {found[0].advice}"


def _late(result: StudyResult, style: NumberStyle) -> Iterator[str]:
    """Patients of an endpoint whose group became known in its course (immortal time)."""
    for found in result.findings:
        if found.rule == "exposure_after_baseline":
            yield f"{found.value}, {count(found.n, style)} patients: {found.advice}"


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
            f"{n_percent(other, total, style)} have HER2 evidence that conflicts, is "
            f"incomplete or is absent ({count(sizes.get('unresolved', 0), style)} unresolved, "
            f"{count(sizes.get('unknown', 0), style)} unknown)."
        )
