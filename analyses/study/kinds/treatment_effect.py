"""The effect of a treatment by group, from the selected patients to its outcome."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from analyses.study.outcome import Outcome, entry_column, finished
from cohort.duration import Duration

if TYPE_CHECKING:
    import pandas as pd

    from analyses.study.setting import Setting
    from analyses.study.specs.treatment_effect import TreatmentEffectSpec

STATED = "as the study states"
MEASURED = "by the source's day of its start"


def treated(spec: TreatmentEffectSpec, frame: pd.DataFrame, setting: Setting) -> Outcome:
    """Treated against untreated in each group; a failure for each effect that does not exist."""
    from analyses.estimators.treatment_by_group import treatment_effect
    from analyses.results.treatment_by_group import TreatmentAnalysis

    start = None
    if spec.starts == "measured":
        start = spec.start
        frame = frame.assign(**{start: frame[start] * Duration(1, "days").within(setting.unit)})
    times = () if spec.at is None else spec.at.to_durations()
    result = treatment_effect(
        frame,
        time=f"{spec.endpoint}_time",
        event=f"{spec.endpoint}_event",
        entry=entry_column(spec, frame),
        treatment=spec.treatment,
        by=spec.by,
        reference=spec.reference,
        terms=[term.declared() for term in spec.terms],
        at=[duration.within(setting.unit) for duration in times],
        start=start,
        strata=list(spec.strata) or None,
        cluster=spec.cluster,
        weights=spec.weights,
        ties=spec.ties,
        least_events=spec.least_events,
        conf_level=spec.conf_level,
    )
    said = tuple(str(duration) for duration in times)
    title = spec.title or "Effect of treatment by group"
    known = MEASURED if start is not None else STATED
    made = TreatmentAnalysis(spec.id, title, spec.endpoint, result, said, known)
    failures = [replace(f, analysis=spec.id, kind=spec.kind) for f in result.failures]
    records = result.records(spec.id, setting.unit)
    return finished(spec.id, made, records, result.findings, failures)
