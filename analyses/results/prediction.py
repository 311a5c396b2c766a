"""Survival of new patients under a fitted Cox model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analyses.results.baseline import survival_limits
from analyses.results.frozen import Array
from analyses.results.terms import as_text, columns_of, design_matrix
from cohort.errors import AnalysisError, Problem, listed

if TYPE_CHECKING:
    import pandas as pd

    from analyses.results.cox import CoxModel

LARGEST_LOG = 700.0  # exp beyond this is not a number a machine holds
CURVE = ["estimate", "std_error", "conf_low", "conf_high"]


def survival_of(model: CoxModel, new: pd.DataFrame, times: Array) -> pd.DataFrame:
    """One row a new patient and time; see `CoxModel.predict_survival`."""
    import pandas as pd

    _require(model, new)
    columns = [c for c in model.coefficients if not c.is_reference]
    kept = np.array([c.status == "ok" for c in columns], dtype=bool)
    matrix = design_matrix(columns_of(model.terms, new), np.arange(len(new)))
    undefined = (matrix[:, ~kept] != 0).any(axis=1)
    matrix = matrix[:, kept]
    risk = matrix @ np.array([c.estimate for c in model.estimated], dtype=float)
    if model.offset is not None:
        risk = risk + new[model.offset].to_numpy(dtype=float)
    parts = []
    for i, (label, stratum) in enumerate(zip(new.index, _strata(model, new), strict=True)):
        hazard, error = model.baseline.hazard(stratum, times, matrix[i], model.covariance)
        ratio = np.exp(min(risk[i] + model.baseline.log_ratio, LARGEST_LOG))
        survival, low, high = survival_limits(hazard * ratio, error * ratio, model.conf_level)
        values = np.column_stack([survival, survival * error * ratio, low, high])
        values[(times > model.baseline.last_time[stratum]) | undefined[i]] = np.nan
        part = pd.DataFrame(values, columns=CURVE).assign(row=label, time=times)
        parts.append(part[["row", "time", *CURVE]])
    return pd.concat(parts, ignore_index=True)


def _require(model: CoxModel, new: pd.DataFrame) -> None:
    changing = [term.name for term in model.terms if term.kind == "over_time"]
    if changing:
        found = f"terms that vary over time: {listed(changing)}"
        advice = "Predict from a model without `time_varying`, stratified by the term."
        raise AnalysisError(Problem("predict_survival", found, advice=advice))
    names = [part.name for term in model.terms for part in (term.parts or (term,))]
    names += [*model.strata, *([] if model.offset is None else [model.offset])]
    known = [str(name) for name in new.columns]
    wrong = [n for n in dict.fromkeys(names) if n not in known or new[n].isna().any()]
    problems = []
    if wrong:
        problems.append(
            Problem(
                "predict_survival",
                f"columns absent or incomplete: {listed(wrong)}",
                f"Columns: {listed(known)}",
                "Give every column of the model, without missing values.",
            )
        )
    if new.empty:
        problems.append(Problem("predict_survival", "no patient was given"))
    if problems:
        raise AnalysisError(problems)


def _strata(model: CoxModel, new: pd.DataFrame) -> list[int]:
    """Place of each new patient's stratum among the baseline's."""
    if not model.strata:
        return [0] * len(new)
    parts = [as_text(new[name]) for name in model.strata]
    labels = [", ".join(values) for values in zip(*parts, strict=True)]
    place = {label: i for i, label in enumerate(model.baseline.strata)}
    unknown = sorted(set(labels) - set(place))
    if unknown:
        raise AnalysisError(
            Problem(
                "predict_survival",
                f"strata that the model did not see: {listed(unknown)}",
                f"Strata: {listed(place)}",
            )
        )
    return [place[label] for label in labels]
