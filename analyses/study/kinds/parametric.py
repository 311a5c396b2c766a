"""Parametric survival models, from the selected patients to their outcome."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from analyses.study.outcome import Outcome, entry_column, finished

if TYPE_CHECKING:
    import pandas as pd

    from analyses.study.setting import Setting
    from analyses.study.specs.parametric import ParametricSpec


def distributed(spec: ParametricSpec, frame: pd.DataFrame, setting: Setting) -> Outcome:
    """A model for each distribution that has a maximum, a failure for each that has none."""
    unit = setting.unit
    from analyses.estimators.parametric import parametric_survival
    from analyses.results.study import ParametricAnalysis

    zero = None if spec.zero_as is None else spec.zero_as.to_duration()
    result = parametric_survival(
        frame,
        time=f"{spec.endpoint}_time",
        event=f"{spec.endpoint}_event",
        terms=[term.declared() for term in spec.terms],
        distributions=spec.distributions,
        entry=entry_column(spec, frame),
        zero_as=None if zero is None else zero.within(unit),
        conf_level=spec.conf_level,
    )
    title = spec.title or "Parametric survival models"
    said = "" if zero is None else str(zero)
    made = ParametricAnalysis(spec.id, title, spec.endpoint, result, said)
    failures = [replace(failure, analysis=spec.id) for failure in result.failures]
    return finished(spec.id, made, result.records(spec.id, unit), result.findings, failures)
