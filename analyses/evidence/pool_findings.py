"""What a reader must know of published results: studies without a ratio, and warnings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from analyses.results.evidence import EvidenceRow, PresentStudy, Question, WithoutRatio
from analyses.results.published import PublishedResults
from cohort.errors import listed
from cohort.table import Finding

SOURCE = "evidence"


def without_ratio(rows: Sequence[EvidenceRow], question: Question) -> tuple[WithoutRatio, ...]:
    """Studies that answer the question, in all patients or a part of them, without a ratio."""
    answering = [
        row.published
        for row in rows
        if set(row.published.endpoints) & set(question.endpoints)
        and row.published.contrast == question.contrast
        and question.population in ("all", row.published.population)
        and question.stage in (None, row.published.stage)
        and (row.published.is_verified or question.unverified)
        and row.published.kind != "meta_analysis"
    ]
    sized = {r.published.study for r in rows if r.use in ("pooled", "drawn")}
    forms: dict[str, dict[str, int | None]] = {}
    seen = set(sized)
    for form in ("no_limits", "not_significant", "direction", "absolute", "not_seen"):
        for row in answering:
            if row.form == form and row.study not in seen:
                forms.setdefault(form, {})[row.study] = row.n
        seen |= set(forms.get(form, {}))
    return tuple(
        WithoutRatio(form, tuple(studies), sum(n for n in studies.values() if n) or None)
        for form, studies in forms.items()
    )


def evidence_findings(
    rows: Sequence[EvidenceRow],
    question: Question,
    without: Sequence[WithoutRatio],
    present: PresentStudy | None,
    table: PublishedResults,
) -> tuple[Finding, ...]:
    """Everything of a pool that is not in its numbers."""
    return (
        *_of_without(without),
        *_of_unverified(rows, question),
        *_of_stages(rows),
        *_of_present(present),
        *_off_centre(rows, table),
    )


def _of_without(without: Sequence[WithoutRatio]) -> Iterator[Finding]:
    advice = {
        "not_significant": (
            "These studies say of the endpoint only that it did not differ significantly: {names}. "
            "Leaving them out biases the pool away from 1."
        ),
        "direction": "These studies say only which group fared better: {names}. None is pooled.",
        "no_limits": "These studies give a ratio without limits, which has no weight: {names}.",
        "absolute": "These studies give rates or medians and no ratio: {names}. None is pooled.",
        "not_seen": "Effect sizes of these studies were not seen: {names}.",
    }
    for one in without:
        severity = "warning" if one.form in ("not_significant", "no_limits") else "info"
        text = advice[one.form].format(names=listed(one.studies))
        value = one.form.replace("_", " ")
        rule = f"without_ratio_{one.form}"
        yield Finding(severity, SOURCE, "", value, rule, len(one.studies), text, "study")  # type: ignore[arg-type]


def _of_unverified(rows: Sequence[EvidenceRow], question: Question) -> Iterator[Finding]:
    off = [row for row in rows if row.reason == "unverified"]
    on = [row for row in rows if row.use != "left_out" and not row.published.is_verified]
    for some, severity, rule, text in (
        (off, "info", "unverified_left_out", "are left out: they were not seen in a source"),
        (on, "warning", "unverified_marked", "take part, marked: they were not seen in a source"),
    ):
        if some:
            names = listed(dict.fromkeys(row.published.label for row in some))
            advice = f"Unverified results {text}: {names}. Check them against the publication."
            value = "marked" if question.unverified else "left out"
            yield Finding(severity, SOURCE, "", value, rule, len(some), advice, "result")  # type: ignore[arg-type]


def _of_stages(rows: Sequence[EvidenceRow]) -> Iterator[Finding]:
    stages = dict.fromkeys(row.published.stage for row in rows if row.use == "pooled")
    if len(stages) > 1:
        advice = (
            "Early and metastatic disease are different questions: ask for one `stage`, and read "
            "this pool as a description of both."
        )
        n = sum(row.use == "pooled" for row in rows)
        yield Finding("warning", SOURCE, "", listed(stages), "stages_together", n, advice, "result")


def _of_present(present: PresentStudy | None) -> Iterator[Finding]:
    if present is not None and present.use == "pooled" and present.overlap_group is None:
        advice = (
            "This study is pooled as if it shared no patients with a published one. Say whose they "
            "are (`registry`) where it may."
        )
        yield Finding("warning", SOURCE, "", present.label, "present_pooled", 1, advice, "study")
    if present is not None and present.reason:
        advice = f"This study is compared and not pooled: {present.reason}."
        yield Finding("info", SOURCE, "", present.label, "present_compared", 1, advice, "study")


def _off_centre(rows: Sequence[EvidenceRow], table: PublishedResults) -> Iterator[Finding]:
    used = {row.published.id for row in rows if row.use in ("pooled", "drawn")}
    yield from (finding for finding in table.findings if finding.column in used)
