"""Restricted mean survival, from the selected patients to its outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyses.results.failure import Failure
from analyses.study.kinds.imputing import with_imputed_means
from analyses.study.outcome import Outcome, entry_column, finished

if TYPE_CHECKING:
    import pandas as pd

    from analyses.results.rmst import RMST
    from analyses.study.setting import Setting
    from analyses.study.specs.rmst import RmstSpec


def averaged(spec: RmstSpec, frame: pd.DataFrame, setting: Setting) -> Outcome:
    """The mean of each group up to tau, and how the others differ from the reference."""
    unit = setting.unit
    from analyses.estimators.rmst import rmst
    from analyses.results.study import RmstAnalysis

    tau = None if spec.tau is None else spec.tau.to_duration()
    result = rmst(
        frame,
        time=f"{spec.endpoint}_time",
        event=f"{spec.endpoint}_event",
        entry=entry_column(spec, frame),
        by=spec.by,
        tau=None if tau is None else tau.within(unit),
        reference=spec.reference,
        strata=list(spec.strata) or None,
        weights=spec.weights,
        conf_level=spec.conf_level,
    )
    said = "" if tau is None else str(tau)
    title = spec.title or "Restricted mean survival time"
    made = RmstAnalysis(spec.id, title, spec.endpoint, result, said)
    records = result.records(spec.id, unit)
    outcome = finished(spec.id, made, records, result.findings, _untested(spec, result))
    if spec.imputing is None:
        return outcome
    return with_imputed_means(outcome, spec, frame, setting, entry_column(spec, frame))


def _untested(spec: RmstSpec, result: RMST) -> list[Failure]:
    """The failure that stands for a comparison of groups that has no test."""
    return [
        Failure(
            analysis=spec.id,
            kind=spec.kind,
            group=contrast.group,
            term="",
            reason=f"no test against {contrast.reference}: {contrast.reason}",
            n=contrast.n,
            n_event=contrast.n_event,
            advice="Follow up longer, or compare groups that have events.",
        )
        for contrast in result.differences
        if contrast.p_value is None
    ]
