"""The performance of a Cox model, from the selected patients to its outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyses.study.outcome import Outcome, entry_column, finished
from cohort.errors import AnalysisError, Problem

if TYPE_CHECKING:
    import pandas as pd

    from analyses.study.setting import Setting
    from analyses.study.specs.performance import PerformanceSpec


def performed(spec: PerformanceSpec, frame: pd.DataFrame, setting: Setting) -> Outcome:
    """The model and how well it predicts at each horizon."""
    unit = setting.unit
    from analyses.estimators.cox import cox
    from analyses.estimators.performance import model_performance
    from analyses.results.study import PerformanceAnalysis

    if entry_column(spec, frame) is not None:
        raise AnalysisError(
            Problem(
                "performance",
                "patients of this endpoint come under observation late",
                advice="The weights for those lost to follow-up ask that everybody is seen from "
                "time 0: use an endpoint without delayed entry.",
            )
        )
    time, event = f"{spec.endpoint}_time", f"{spec.endpoint}_event"
    model = cox(
        frame,
        time=time,
        event=event,
        terms=[term.declared() for term in spec.terms],
        strata=list(spec.strata) or None,
        cluster=spec.cluster,
        ties=spec.ties,
        conf_level=spec.conf_level,
    )
    durations = spec.at.to_durations()
    result = model_performance(
        model,
        frame,
        time=time,
        event=event,
        times=[duration.within(unit) for duration in durations],
        tau=None if spec.tau is None else spec.tau.to_duration().within(unit),
        n_groups=spec.groups,
        resamples=spec.resamples,
        seed=setting.seed if spec.resamples else None,
        processes=spec.processes,
        progress=setting.drawing(f"Bootstrap of {spec.id}"),
        conf_level=spec.conf_level,
    )
    title = spec.title or "Performance of the Cox model"
    said = tuple(str(duration) for duration in durations)
    made = PerformanceAnalysis(spec.id, title, spec.endpoint, result, model, said)
    return finished(spec.id, made, result.records(spec.id, unit), result.findings, ())
