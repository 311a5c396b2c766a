"""What these data cannot tell: few events, unequal follow-up, patients outside the groups."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from analyses.formatting import NumberStyle, count, label, n_percent
from analyses.report.blocks import Block, Bullets, Heading, Paragraph
from analyses.report.section import Sizes
from analyses.report.sections import section_of
from analyses.report.words import endpoint_of, events, group_words, joined
from analyses.results.study import (
    Analysis,
    StudyResult,
)

LEAST_EVENTS = 10
UNEQUAL_FOLLOW_UP = "unequal_follow_up"
# A group is warned of once an endpoint, event and restriction.
Told = set[tuple[str | None, ...]]
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
        section = section_of(analysis)
        for sizes in section.sizes(analysis):
            sentences += _few_events(result, analysis, sizes, told, style)
        sentences += section.cautions(result, analysis, style)
        sentences += _warned(result, analysis)
    if result.compares_her2:
        sentences += _eras(result, style)
        sentences += _late(result, style)
        sentences += _outside(result, style)
    return tuple(dict.fromkeys(sentences))


def _few_events(
    result: StudyResult, analysis: Any, sizes: Sizes, told: Told, style: NumberStyle
) -> Iterator[str]:
    """Groups with fewer than ten events, each once an endpoint and cause, in its own noun.

    Of an analysis that is restricted to some patients the restriction is named, and the group
    warned of again: it has fewer events there.
    """
    endpoint = endpoint_of(result, analysis.endpoint)
    limits = [r.reason for r in result.restrictions if r.analysis == analysis.id]
    among = f", restricted to {joined(limits)}" if limits else ""
    for group, n, n_event in sizes.groups:
        key = (endpoint.id, sizes.by, group, sizes.cause, *limits)
        if n_event >= LEAST_EVENTS or key in told:
            continue
        told.add(key)
        who = f"{count(n, style)} patients ({_named(sizes.by, group)})"
        yield (
            f"{endpoint.label}{among}: {events(endpoint, n_event, style, sizes.cause)} among {who} "
            "support no conclusion about this group: neither a difference nor its absence."
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
