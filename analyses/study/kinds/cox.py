"""A proportional-hazards model, from the selected patients to its outcome."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from analyses.study.kinds.imputing import with_imputed_model
from analyses.study.outcome import Outcome, ending, entry_column, finished

if TYPE_CHECKING:
    import pandas as pd

    from analyses.results.cox import CoxModel
    from analyses.results.proportionality import Proportionality
    from analyses.study.setting import Setting
    from analyses.study.specs.cox import CoxSpec
    from cohort.table import TimeUnit


_TITLES = MappingProxyType(
    {
        None: "Cox proportional-hazards model",
        "event": "Cause-specific Cox model",
        "competing": "Cause-specific Cox model of the competing events",
    }
)


def model(spec: CoxSpec, frame: pd.DataFrame, setting: Setting) -> Outcome:
    """The adjusted model, and one of each term alone."""
    from analyses.estimators.cox import cox

    entry, event = entry_column(spec, frame), None
    if spec.cause == "competing":
        from analyses.estimators.states import happened

        frame, event = happened(frame, ending(spec, frame), spec.cause)
    n_zero = 0
    if spec.weights is not None:
        none = (frame[spec.weights] == 0).to_numpy(dtype=bool, na_value=False)
        frame, n_zero = frame[~none], int(none.sum())
    outcome = fitted(spec, partial(cox, frame), setting.unit, (entry, event), n_zero)
    if spec.imputing is None:
        return outcome
    return with_imputed_model(outcome, spec, frame, setting, (entry, event))


def fitted(
    spec: CoxSpec,
    fit: Callable[..., CoxModel],
    unit: TimeUnit,
    columns: tuple[str | None, str | None],
    n_zero: int = 0,
) -> Outcome:
    """The same by a function that takes the options of `cox`, wherever the rows are.

    `columns` are those of delayed entry, and of the event where it is not the endpoint's own.
    Rows of weight 0 take no part; `n_zero` of them have been left out already.
    """
    from analyses.results.study import CoxAnalysis

    terms = [term.declared() for term in spec.terms]
    options: dict[str, Any] = {
        "time": f"{spec.endpoint}_time",
        "event": columns[1] or f"{spec.endpoint}_event",
        "entry": columns[0],
        "strata": list(spec.strata) or None,
        "cluster": spec.cluster,
        "weights": spec.weights,
        "ties": spec.ties,
        "conf_level": spec.conf_level,
    }
    if spec.penalty is not None:
        options["penalty"] = spec.penalty
    adjusted = _counted(fit(terms=terms, **options), n_zero)
    tested = _proportionality(spec, adjusted)
    records = list(adjusted.records(spec.id, unit))
    findings = list(adjusted.findings)
    if tested is not None:
        records += tested.records(spec.id, unit)
        findings += tested.findings
    failures = [replace(failure, analysis=spec.id) for failure in adjusted.failures]
    alone: list[Any] = []
    if spec.univariable and len(terms) > 1:
        for term in terms:
            if "interaction" in term:
                continue  # alone it is not defined
            model = _counted(fit(terms=[term], **options), n_zero).without_rows()
            name = f"{spec.id}.univariable.{model.terms[0].name}"
            alone.append(model)
            records += model.records(name, unit)
            findings += model.findings
            failures += [replace(failure, analysis=name) for failure in model.failures]
    title = spec.title or _TITLES[spec.cause]
    kept = adjusted.without_rows()  # the rows take as much memory as the patients
    made = CoxAnalysis(spec.id, title, spec.endpoint, kept, tuple(alone), tested, cause=spec.cause)
    return finished(spec.id, made, records, findings, failures)


def _counted(model: CoxModel, n_zero: int) -> CoxModel:
    """The model with the rows of weight 0 that it was not given, counted as left out."""
    from analyses.estimators.grouped_survival import zero_weight_findings

    if model.weighting is None or not n_zero:
        return model
    return replace(
        model,
        n_input=model.n_input + n_zero,
        weighting=replace(model.weighting, n_zero=n_zero),
        findings=model.findings + zero_weight_findings(model.weights, n_zero),
    )


def _proportionality(spec: CoxSpec, adjusted: CoxModel) -> Proportionality | None:
    """The test of proportional hazards, where the study file does not do without it."""
    if spec.proportionality == "none" or spec.penalty is not None or not adjusted.estimated:
        return None
    return adjusted.proportionality(spec.proportionality)
