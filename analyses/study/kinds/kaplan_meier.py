"""Survival curves, from the selected patients to their outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyses.study.kinds.logrank import logrank_of
from analyses.study.outcome import Outcome, attempt, entry_column, finished, undefined

if TYPE_CHECKING:
    import pandas as pd

    from analyses.results.failure import Failure
    from analyses.study.specs.kaplan_meier import KaplanMeierSpec
    from cohort.table import TimeUnit


def plotted(spec: KaplanMeierSpec, frame: pd.DataFrame, unit: TimeUnit) -> Outcome:
    """The curves, the times asked for, and the test that goes with the groups."""
    from analyses.estimators.kaplan_meier import kaplan_meier
    from analyses.results.study import CurveAnalysis

    curves = kaplan_meier(
        frame,
        time=f"{spec.endpoint}_time",
        event=f"{spec.endpoint}_event",
        entry=entry_column(spec, frame),
        by=spec.by,
        conf_level=spec.conf_level,
        conf_type=spec.conf_type,
    )
    times, said = _times(spec, unit)
    records = list(curves.records(spec.id, unit, times))
    findings = list(curves.findings)
    failures: list[Failure] = []
    test = None
    if spec.by is not None:
        # Curves stand without their test: one group alone has none.
        test, failures = attempt(spec, frame, lambda: logrank_of(spec, frame))
        if test is not None:
            failures += undefined(spec, test)
            records += test.records(spec.id)
            findings += test.findings
    title = spec.title or "Kaplan-Meier curves"
    made = CurveAnalysis(spec.id, title, spec.endpoint, curves, test, times, said)
    return finished(spec.id, made, records, findings, failures)


def _times(spec: KaplanMeierSpec, unit: TimeUnit) -> tuple[tuple[float, ...], tuple[str, ...]]:
    """Milestones in the unit of follow-up, and as the study file says them."""
    if spec.at is None:
        return (), ()
    durations = spec.at.to_durations()
    return tuple(d.within(unit) for d in durations), tuple(str(d) for d in durations)
