"""A Fine and Gray model, from the selected patients to its outcome."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from analyses.study.outcome import Outcome, ending, entry_column, finished

if TYPE_CHECKING:
    import pandas as pd

    from analyses.study.setting import Setting
    from analyses.study.specs.fine_gray import FineGraySpec

_TITLES = MappingProxyType(
    {
        "event": "Fine and Gray model",
        "competing": "Fine and Gray model of the competing events",
    }
)


def subdistribution(spec: FineGraySpec, frame: pd.DataFrame, setting: Setting) -> Outcome:
    """The model of all terms together."""
    unit = setting.unit
    from analyses.estimators.fine_gray import fine_gray
    from analyses.results.study import FineGrayAnalysis

    model = fine_gray(
        frame,
        time=f"{spec.endpoint}_time",
        state=ending(spec, frame),
        cause=spec.cause,
        terms=[term.declared() for term in spec.terms],
        entry=entry_column(spec, frame),
        strata=list(spec.strata) or None,
        weights=spec.weights,
        cluster=spec.cluster,
        conf_level=spec.conf_level,
    )
    failures = [replace(failure, analysis=spec.id) for failure in model.failures]
    made = FineGrayAnalysis(spec.id, spec.title or _TITLES[spec.cause], spec.endpoint, model)
    return finished(spec.id, made, model.records(spec.id, unit), model.findings, failures)
