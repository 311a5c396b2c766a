"""A proportional-hazards model, from the selected patients to its outcome."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from analyses.study.outcome import Outcome, entry_column, finished

if TYPE_CHECKING:
    import pandas as pd

    from analyses.results.cox import CoxModel
    from analyses.study.specs.cox import CoxSpec
    from cohort.table import TimeUnit


def model(spec: CoxSpec, frame: pd.DataFrame, unit: TimeUnit) -> Outcome:
    """The adjusted model, and one of each term alone."""
    from analyses.estimators.cox import cox

    return fitted(spec, partial(cox, frame), unit, entry_column(spec, frame))


def fitted(
    spec: CoxSpec, fit: Callable[..., CoxModel], unit: TimeUnit, entry: str | None
) -> Outcome:
    """The same by a function that takes the options of `cox`, wherever the rows are."""
    from analyses.results.study import CoxAnalysis

    terms = [term.declared() for term in spec.terms]
    options: dict[str, Any] = {
        "time": f"{spec.endpoint}_time",
        "event": f"{spec.endpoint}_event",
        "entry": entry,
        "strata": list(spec.strata) or None,
        "cluster": spec.cluster,
        "ties": spec.ties,
        "conf_level": spec.conf_level,
    }
    adjusted = fit(terms=terms, **options)
    records = list(adjusted.records(spec.id, unit))
    findings = list(adjusted.findings)
    failures = [replace(failure, analysis=spec.id) for failure in adjusted.failures]
    alone: list[Any] = []
    if spec.univariable and len(terms) > 1:
        for term in terms:
            if "interaction" in term:
                continue  # alone it is not defined
            model = fit(terms=[term], **options)
            name = f"{spec.id}.univariable.{model.terms[0].name}"
            alone.append(model)
            records += model.records(name, unit)
            findings += model.findings
            failures += [replace(failure, analysis=name) for failure in model.failures]
    title = spec.title or "Cox proportional-hazards model"
    made = CoxAnalysis(spec.id, title, spec.endpoint, adjusted, tuple(alone))
    return finished(spec.id, made, records, findings, failures)
