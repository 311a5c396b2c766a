"""Classified against unclassified patients, as a study asks for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from analyses.results.failure import Failure
from analyses.results.records import Record
from analyses.results.restriction import Restriction
from analyses.study.criterion_spec import criteria
from analyses.study.outcome import Outcome, entry_column, failed_record, failure_of, finished
from cohort.errors import AnalysisError
from cohort.schema import HER2_GROUPS

if TYPE_CHECKING:
    from analyses.results.classification import Classification
    from analyses.study.spec import Study
    from analyses.study.specs.classification import ClassificationSpec
    from cohort.table import Cohort


def unclassified(spec: ClassificationSpec, study: Study, cohort: Cohort) -> Outcome:
    """Patients of the study's own criteria, whatever their HER2 status, with the endpoint known."""
    from analyses.estimators.classification import classification
    from analyses.results.classification import ClassificationAnalysis
    from cohort.selection import select

    limits: tuple[Restriction, ...] = ()
    patients = select(cohort, criteria(study.select, cohort), her2_groups=False)
    if spec.only is not None:
        narrower = select(patients, [spec.only.to_criterion()], her2_groups=False)
        limits = (Restriction(spec.id, spec.only.reason, patients.n - narrower.n),)
        patients = narrower
    everybody = patients.n
    patients = select(patients, [], endpoint=spec.endpoint, her2_groups=False)
    if patients.n < everybody:
        known = "patients with a known endpoint"
        limits = (*limits, Restriction(spec.id, known, everybody - patients.n))
    wanted = [*spec.reads(), f"{spec.endpoint}_time", f"{spec.endpoint}_event"]
    if study.endpoint(spec.endpoint).entry is not None:
        wanted.append(f"{spec.endpoint}_entry")
    frame = patients.to_pandas(list(dict.fromkeys(wanted)))
    for name in frame.select_dtypes("category"):
        frame[name] = frame[name].cat.remove_unused_categories()
    try:
        result = classification(
            frame,
            status="her2_status",
            groups=HER2_GROUPS,
            columns=list(spec.columns),
            time=f"{spec.endpoint}_time",
            event=f"{spec.endpoint}_event",
            terms=[term.declared() for term in spec.terms],
            entry=entry_column(spec, frame),
            conf_level=spec.conf_level,
        )
    except AnalysisError as error:
        failure = failure_of(spec, frame, error)
        return Outcome(spec.id, None, (failed_record(0, failure),), failures=(failure,))
    title = spec.title or "Classified and unclassified patients"
    made = ClassificationAnalysis(spec.id, title, spec.endpoint, result)
    records = [*result.records(spec.id, cohort.time_unit), *_outside(spec, limits)]
    outcome = finished(spec.id, made, records, result.findings, list(_failures(spec, result)))
    return Outcome(
        outcome.id, outcome.analysis, outcome.records, outcome.findings, outcome.failures, limits
    )


def _outside(spec: Any, limits: tuple[Restriction, ...]) -> list[Record]:
    return [
        Record(spec.id, spec.kind, f"rows_outside_{i + 1}", n=limit.n_outside, unit="patients")
        for i, limit in enumerate(limits)
    ]


def _failures(spec: ClassificationSpec, result: Classification) -> Iterator[Failure]:
    """What could not be fitted, in whole or in part."""
    curves = result.curves
    for name, reason in result.failed:
        yield Failure(
            analysis=spec.id,
            kind=spec.kind,
            group="",
            term=name,
            reason=reason,
            n=curves.n,
            n_event=curves.n_event,
            advice="Follow up longer, or use fewer terms. The other parts are reported.",
        )
    for name, model in result.models:
        for failure in model.failures:
            term = f"{name}: {failure.term}"
            yield replace(failure, analysis=spec.id, kind=spec.kind, term=term)
    if result.test is None:
        yield Failure(
            analysis=spec.id,
            kind=spec.kind,
            group="",
            term="log-rank test",
            reason=result.untested,
            n=curves.n,
            n_event=curves.n_event,
            advice="Follow up longer, or compare groups that have events.",
        )
