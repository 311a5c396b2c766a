"""A comparison within subgroups, from the selected patients to its outcome."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from analyses.study.outcome import Outcome, entry_column, finished

if TYPE_CHECKING:
    import pandas as pd

    from analyses.study.setting import Setting
    from analyses.study.specs.subgroups import SubgroupsSpec


def compared(spec: SubgroupsSpec, frame: pd.DataFrame, setting: Setting) -> Outcome:
    """Every group against the reference in each subgroup, a failure for each that has no ratio."""
    from analyses.estimators.subgroups import subgroups
    from analyses.results.subgroups import SubgroupsAnalysis

    result = subgroups(
        frame,
        time=f"{spec.endpoint}_time",
        event=f"{spec.endpoint}_event",
        entry=entry_column(spec, frame),
        by=spec.by,
        reference=spec.reference,
        factors=[factor.declared() for factor in spec.factors],
        terms=[term.declared() for term in spec.terms],
        strata=list(spec.strata) or None,
        cluster=spec.cluster,
        weights=spec.weights,
        ties=spec.ties,
        adjust=spec.adjust,
        least_events=spec.least_events,
        conf_level=spec.conf_level,
    )
    title = spec.title or "Subgroups"
    made = SubgroupsAnalysis(spec.id, title, spec.endpoint, result)
    failures = [replace(failure, analysis=spec.id) for failure in result.failures]
    records = result.records(spec.id, setting.unit)
    return finished(spec.id, made, records, result.findings, failures)
