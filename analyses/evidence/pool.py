"""Published results on one question: which are pooled, which are drawn, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from analyses.evidence.meta_analysis import pooled_studies
from analyses.evidence.pool_findings import SOURCE, evidence_findings, without_ratio
from analyses.evidence.published_results import published_results
from analyses.results.cox import CoxModel
from analyses.results.evidence import (
    PAIRS,
    Evidence,
    EvidenceRow,
    PresentStudy,
    Question,
)
from analyses.results.meta_analysis import MetaAnalysis
from analyses.results.published import PublishedResult, PublishedResults
from cohort.errors import AnalysisError, Problem, listed, suggest

RULE = (
    "Of results that share patients one is pooled: the endpoint named first, then one that was "
    "verified, then one adjusted by a model or randomised before one matched or weighted, not "
    "stated, adjusted for centre only, unadjusted; then blinded assessment before the "
    "investigators', the latest report, the most patients, the latest year, the first in the table."
)
_ADJUSTED = ("yes", "randomised", "weighted", "not_stated", "partly", "no")
_ASSESSED = ("BICR", "", "investigator")
_REPORTED = ("latest", "only", "first", "interim")
MEASURES = {"HR": "hazard_ratio", "OR": "odds_ratio"}
_WORDS = {
    "no_limits": "a ratio without limits cannot be weighted",
    "not_significant": "known as not significant only",
    "direction": "known by its direction only",
    "absolute": "rates or medians, no ratio",
    "not_seen": "its size was not seen",
}


def pool(
    published: PublishedResults | None = None,
    *,
    endpoint: str | Sequence[str],
    contrast: str = "low_vs_zero",
    population: str = "all",
    stage: str | None = None,
    unverified: str = "left_out",
    present: PresentStudy | None = None,
    conf_level: float = 0.95,
) -> Evidence:
    """What is published on a question, pooled where it may be, with the present study beneath.

    Parameters
    ----------
    published
        As from `published_results`, which is taken where nothing is given.
    endpoint
        One, or several in order of preference (``["RFS", "DFS"]``).
    contrast, population, stage
        As the table names them; `stage` None for all. A result answers the question where each
        is the one asked for; meta-analyses and other contrasts of the endpoint and population
        are drawn, not pooled.
    unverified
        ``left_out`` and counted; ``marked`` to let results take part that were not seen in a
        source.
    present
        As from `present_study`; beneath the pool, and in a second pool where its `use` is
        ``pooled``, its endpoint is asked for and no published result shares its patients.

    Returns
    -------
    Evidence
        Every row of the table with what became of it and why; studies known only as "not
        significant" are counted, with the warning that leaving them out biases away from 1.

    Raises
    ------
    AnalysisError
        For an endpoint, contrast, population or stage that the table does not hold; for a present
        study of other levels than those of the contrast.

    Notes
    -----
    Standard errors from the printed limits: (log high - log low) / (2 x 1.96), so that rounding
    of the limits passes into the weights. One result of an overlap group is pooled, by `rule`.
    Checked by hand and against metafor: tests/analyses/test_evidence.py.
    """
    table = published_results() if published is None else published
    endpoints = (endpoint,) if isinstance(endpoint, str) else tuple(endpoint)
    if unverified not in ("left_out", "marked"):
        raise ValueError(f"unverified is 'left_out' or 'marked', not {unverified!r}")
    question = Question(contrast, endpoints, population, stage, unverified == "marked")
    _require(question, table)
    if present is not None:
        _require_pair(question, present)
    return _evidence(question, table, present, conf_level)


def present_study(
    model: CoxModel,
    *,
    term: str,
    level: str,
    label: str,
    overlap_group: str | None = None,
    use: str = "compared",
    endpoint: str = "",
) -> PresentStudy:
    """The present study's hazard ratio of a level against the reference, to set beneath others.

    `endpoint` is the kind of the model's endpoint, which decides whether the ratio may be pooled.
    Raises AnalysisError for a term or level without an estimate in the model.
    """
    found = next((c for c in model.estimated if (c.term, c.level) == (term, level)), None)
    if found is None or found.estimate is None or found.std_error is None:
        known = [f"{c.term} {c.level or ''}".strip() for c in model.estimated]
        raise AnalysisError(
            Problem(
                f"{SOURCE}: {term} {level}",
                "the model has no estimate of it",
                f"Estimates: {listed(known)}",
                "Choose a level that is compared with the reference and has events.",
            )
        )
    if use not in ("compared", "pooled"):
        raise ValueError(f"use is 'compared' or 'pooled', not {use!r}")
    if found.conf_low is None or found.conf_high is None:
        raise AnalysisError(Problem(f"{SOURCE}: {term} {level}", "the estimate has no limits"))
    others = [t.name for t in model.terms if t.name != term] + list(model.strata)
    return PresentStudy(
        label=label,
        measure="hazard_ratio",
        estimate=found.estimate,
        std_error=found.std_error,
        conf_low=found.conf_low,
        conf_high=found.conf_high,
        n=model.n,
        n_event=model.n_event,
        source="this study",
        adjustment=", ".join(others) if others else "none",
        overlap_group=overlap_group,
        use="pooled" if use == "pooled" else "compared",
        level=str(found.level or ""),
        reference=str(found.reference or ""),
        endpoint=endpoint,
    )


def _evidence(
    question: Question, table: PublishedResults, present: PresentStudy | None, conf_level: float
) -> Evidence:
    """The answer of a table that holds what is asked."""
    rows = _one_a_group(_answers(question, table), question)
    pooled = [row.published for row in rows if row.use == "pooled"]
    measure = pooled[0].measure if pooled else _measure(rows)
    present = _placed(present, pooled, MEASURES[measure], question)
    without = without_ratio(rows, question)
    return Evidence(
        question=question,
        measure=MEASURES[measure],
        rows=rows,
        pool=_meta(pooled, None, MEASURES[measure], conf_level),
        reason=None if pooled else "no published result with limits answers the question",
        present=present,
        pool_with_present=(
            _meta(pooled, present, MEASURES[measure], conf_level)
            if present is not None and present.use == "pooled"
            else None
        ),
        without_ratio=without,
        rule=RULE,
        conf_level=conf_level,
        findings=evidence_findings(rows, question, without, present, table),
    )


def _require(question: Question, table: PublishedResults) -> None:
    """AnalysisError for what the table does not hold."""
    asked = [("endpoint", name, table.endpoints) for name in question.endpoints]
    asked.append(("contrast", question.contrast, table.contrasts))
    asked.append(("population", question.population, table.populations))
    stages = tuple(dict.fromkeys(row.stage for row in table))
    if question.stage is not None:
        asked.append(("stage", question.stage, stages))
    problems = [
        Problem(f"{SOURCE}: {what}", f"'{name}'", f"Known: {listed(known)}", suggest(name, known))
        for what, name, known in asked
        if name not in known
    ]
    if problems or not question.endpoints:
        raise AnalysisError(problems or [Problem(f"{SOURCE}: endpoint", "none is named")])


def _require_pair(question: Question, present: PresentStudy) -> None:
    """AnalysisError for a ratio between other levels than those of the contrast."""
    pair, own = PAIRS.get(question.contrast), (present.level, present.reference)
    if pair is None or own in (pair, ("", "")):
        return
    raise AnalysisError(
        Problem(
            f"{SOURCE}: {present.label}",
            f"'{own[0]}' against '{own[1]}' does not answer {question.contrast}",
            f"'{pair[0]}' against '{pair[1]}'",
            "Give the term that reference in the model, or ask for another contrast.",
        )
    )


def _answers(question: Question, table: PublishedResults) -> list[EvidenceRow]:
    """Each row by itself: whether it answers the question, and whether it has what a pool needs."""
    return [_answer(row, question) for row in table]


def _answer(row: PublishedResult, question: Question) -> EvidenceRow:
    if not set(row.endpoints) & set(question.endpoints):
        return EvidenceRow(row, "left_out", "another endpoint")
    same = row.contrast == question.contrast
    drawn_anyway = _related(row.contrast, question.contrast)
    if not same and not drawn_anyway:
        return EvidenceRow(row, "left_out", "another contrast")
    if row.population != question.population:
        return EvidenceRow(row, "left_out", "another population")
    if question.stage is not None and row.stage != question.stage:
        return EvidenceRow(row, "left_out", "another stage")
    if not row.is_verified and not question.unverified:
        return EvidenceRow(row, "left_out", "unverified")
    if row.form != "estimate":
        return EvidenceRow(row, "listed", _WORDS[row.form])
    if row.kind == "meta_analysis":
        return EvidenceRow(row, "drawn", "a meta-analysis, whose studies may be pooled here")
    if not same:
        return EvidenceRow(row, "drawn", f"another contrast: {row.contrast.replace('_', ' ')}")
    return EvidenceRow(row, "pooled")


def _related(one: str, other: str) -> bool:
    """Contrasts between parts of HER2-negative disease are drawn beside one another."""
    of_treatment = ("adc_vs_chemotherapy", "trastuzumab_added", "single_arm")
    return one not in of_treatment and other not in of_treatment


def _one_a_group(rows: list[EvidenceRow], question: Question) -> tuple[EvidenceRow, ...]:
    """One result of an overlap group stays pooled, the others are drawn beside it."""
    candidates = [(i, row.published) for i, row in enumerate(rows) if row.use == "pooled"]
    first = _first_measure([published for _, published in candidates])
    chosen: dict[str, int] = {}
    fitting = [(i, p) for i, p in candidates if p.measure == first]
    for i, published in sorted(fitting, key=lambda item: (*_rank(item[1], question), item[0])):
        chosen.setdefault(published.overlap_group, i)
    result = list(rows)
    for i, published in candidates:
        if published.measure != first:
            result[i] = replace(rows[i], use="drawn", reason=f"an {published.measure}, not pooled")
        elif chosen[published.overlap_group] != i:
            taken = rows[chosen[published.overlap_group]].published
            said = (
                f"shares patients ({published.overlap_group}) with {taken.label}, which is pooled"
            )
            if taken.study == published.study:
                said = f"the same patients as another result of {taken.label}, which is pooled"
            result[i] = replace(rows[i], use="drawn", reason=said)
    return tuple(result)


def _first_measure(rows: Sequence[PublishedResult]) -> str:
    """The measure of most candidates: hazard ratios where as many are odds ratios."""
    every = [row.measure for row in rows]
    return "OR" if every.count("OR") > every.count("HR") else "HR"


def _measure(rows: Sequence[EvidenceRow]) -> str:
    return _first_measure([row.published for row in rows if row.use == "drawn"])


def _rank(row: PublishedResult, question: Question) -> tuple[int, ...]:
    """The smaller the better, as `RULE` says it."""
    return (
        min(question.endpoints.index(e) for e in row.endpoints if e in question.endpoints),
        int(not row.is_verified),
        _ADJUSTED.index(row.adjusted) if row.adjusted in _ADJUSTED else len(_ADJUSTED),
        _ASSESSED.index(row.assessment),
        _REPORTED.index(row.report),
        -(row.n or 0),
        -(row.year or 0),
    )


def _placed(
    present: PresentStudy | None,
    pooled: Sequence[PublishedResult],
    measure: str,
    question: Question,
) -> PresentStudy | None:
    """The present study, compared only where another question or the same patients forbid more."""
    if present is None:
        return None
    if present.endpoint and present.endpoint not in {e.upper() for e in question.endpoints}:
        said = f"its endpoint is {present.endpoint}, and {listed(question.endpoints)} is asked for"
        return replace(present, use="compared", reason=said)
    if present.use == "compared":
        return present
    if present.level and question.contrast not in PAIRS:
        said = (
            f"nobody can tell whether {present.level} against {present.reference} is the contrast"
        )
        return replace(present, use="compared", reason=said)
    if present.measure != measure:
        said = f"a {present.measure.replace('_', ' ')} is not pooled with {measure}s"
        return replace(present, use="compared", reason=said.replace("_", " "))
    shared = [row.label for row in pooled if row.overlap_group == present.overlap_group]
    if shared:
        said = f"its patients ({present.overlap_group}) are those of {listed(shared)}"
        return replace(present, use="compared", reason=said)
    return present


def _meta(
    pooled: Sequence[PublishedResult],
    present: PresentStudy | None,
    measure: str,
    conf_level: float,
) -> MetaAnalysis | None:
    """The pool of the rows, with the present study where it is given."""
    if not pooled:
        return None
    names = [row.id for row in pooled]
    estimates = [row.log_estimate for row in pooled]
    errors = [row.std_error for row in pooled]
    if present is not None:
        names.append("present")
        estimates.append(present.estimate)
        errors.append(present.std_error)
    return pooled_studies(
        names,
        np.array(estimates, dtype=float),
        np.array(errors, dtype=float),
        measure=measure,
        conf_level=conf_level,
        n_input=len(names),
    )
