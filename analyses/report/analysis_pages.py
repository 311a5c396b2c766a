"""Every analysis in the order of the study file, failures in their place."""

from __future__ import annotations

from collections.abc import Iterator

from analyses.formatting import NumberStyle, count
from analyses.report.blocks import Block, Callout, Heading
from analyses.report.section import Alts
from analyses.report.sections import section_of
from analyses.results.failure import Failure
from analyses.results.study import Analysis, StudyResult


def analysis_pages(result: StudyResult, style: NumberStyle, alts: Alts) -> Iterator[Block]:
    """Every analysis in the order of the study file, failures in their place."""
    if result.analyses or result.failures:
        yield Heading("Results")
    for analysis in result.analyses:
        yield Heading(analysis.title, 2, analysis.id)
        yield from section_of(analysis).pages(result, analysis, style, alts)
        yield from (_callout(f, style) for f in result.failures if _belongs(f, analysis))
    whole = {analysis.id for analysis in result.analyses}
    for failure in result.failures:
        if failure.analysis.split(".")[0] not in whole:
            yield _callout(failure, style)


def _belongs(failure: Failure, analysis: Analysis) -> bool:
    return failure.analysis == analysis.id or failure.analysis.startswith(f"{analysis.id}.")


def _callout(failure: Failure, style: NumberStyle) -> Callout:
    what = " ".join(part for part in (failure.term, failure.group) if part)
    title = f"No estimate: {failure.analysis}" + (f", {what}" if what else "")
    sizes = f"{count(failure.n, style)} patients, {count(failure.n_event, style)} events"
    return Callout(title, f"{failure.reason} ({sizes}). {failure.advice}".strip())
