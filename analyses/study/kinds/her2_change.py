"""The change of HER2 between two specimens, as a study asks for it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from analyses.results.change import KIND, change_records
from analyses.results.failure import Failure
from analyses.results.records import Record
from analyses.results.restriction import Restriction
from analyses.results.study import ChangeAnalysis
from analyses.study.criterion_spec import criteria
from analyses.study.outcome import Outcome
from analyses.study.specs.her2_change import Her2ChangeSpec

if TYPE_CHECKING:
    from analyses.study.spec import Study
    from cohort.change_result import Her2Change
    from cohort.table import Cohort


def changed(spec: Her2ChangeSpec, study: Study, cohort: Cohort) -> Outcome:
    """The change among the patients of the study's own criteria, whatever their HER2 group.

    A patient whose index specimen is in no group stays: the table tells both specimens.
    """
    from cohort.change import her2_change
    from cohort.selection import select

    patients = select(cohort, criteria(study.select, cohort), her2_groups=False)
    limits: tuple[Restriction, ...] = ()
    if spec.only is not None:
        narrower = select(patients, [spec.only.to_criterion()], her2_groups=False)
        limits = (Restriction(spec.id, spec.only.reason, patients.n - narrower.n),)
        patients = narrower
    change = her2_change(
        patients,
        first=spec.first,
        second=spec.second,
        by=spec.by,
        edition=study.her2.edition,
        policies=dict(study.her2.policies),
        conf_level=spec.conf_level,
    )
    title = spec.title or "Change of HER2 between specimens"
    records = change_records(change, spec.id)
    for limit in limits:
        outside = Record(spec.id, KIND, "rows_outside", n=limit.n_outside, unit="patients")
        records = (*records, outside)
    findings = tuple(replace(finding, source=spec.id) for finding in change.findings)
    if change.overall.n == 0:
        failure = _nothing(spec, change)
        return Outcome(spec.id, None, records, findings, (failure,), limits)
    made = ChangeAnalysis(spec.id, title, change)
    return Outcome(spec.id, made, records, findings, (), limits)


def _nothing(spec: Her2ChangeSpec, change: Her2Change) -> Failure:
    return Failure(
        analysis=spec.id,
        kind=spec.kind,
        group="",
        term="",
        reason=f"no patient has both specimens ({spec.first}, {spec.second}) in a HER2 group",
        n=change.formed.patients,
        n_event=0,
        advice="Compare other specimens, or widen the selection.",
    )
