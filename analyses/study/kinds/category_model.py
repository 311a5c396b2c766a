"""A model of a category, from the selected patients to its outcome."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from analyses.study.outcome import Outcome, finished

if TYPE_CHECKING:
    import pandas as pd

    from analyses.study.setting import Setting
    from analyses.study.specs.category_model import CategoryModelSpec


def modelled(spec: CategoryModelSpec, frame: pd.DataFrame, setting: Setting) -> Outcome:
    """The model, a failure for each odds ratio that does not exist."""
    from analyses.estimators.category_model import category_model
    from analyses.results.category_model import CategoryAnalysis

    del setting
    result = category_model(
        frame,
        of=spec.of,
        terms=[term.declared() for term in spec.terms],
        model=spec.model,
        reference=spec.reference,
        conf_level=spec.conf_level,
    )
    kinds = {"multinomial": "Multinomial logistic model", "ordinal": "Proportional-odds model"}
    made = CategoryAnalysis(spec.id, spec.title or kinds[spec.model], result)
    failures = [replace(failure, analysis=spec.id) for failure in result.failures]
    return finished(spec.id, made, result.records(spec.id), result.findings, failures)
