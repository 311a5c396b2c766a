"""Cumulative incidence of new patients under a fitted Fine and Gray model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analyses.results.baseline import survival_limits
from analyses.results.frozen import Array
from analyses.results.terms import as_text, columns_of, design_matrix
from cohort.errors import AnalysisError, Problem, listed

if TYPE_CHECKING:
    import pandas as pd

    from analyses.results.fine_gray import FineGray

CURVE = ["estimate", "std_error", "conf_low", "conf_high"]
LARGEST_LOG = 700.0  # exp beyond this is not a number a machine holds


def incidence_of(model: FineGray, new: pd.DataFrame, times: Array) -> pd.DataFrame:
    """One row a new patient and time; see `FineGray.predict_incidence`."""
    import pandas as pd

    _require(model, new)
    columns = [c for c in model.coefficients if not c.is_reference]
    kept = np.array([c.status == "ok" for c in columns], dtype=bool)
    matrix = design_matrix(columns_of(model.terms, new), np.arange(len(new)))
    undefined = (matrix[:, ~kept] != 0).any(axis=1)
    beta = np.array([c.estimate for c in model.estimated], dtype=float)
    risk = matrix[:, kept] @ beta + model.baseline.log_ratio
    parts = []
    for i, (label, stratum) in enumerate(zip(new.index, _strata(model, new), strict=True)):
        hazard, error = model.baseline.hazard(stratum, times, matrix[i, kept], model.covariance)
        ratio = np.exp(min(risk[i], LARGEST_LOG))
        free, low, high = survival_limits(hazard * ratio, error * ratio, model.conf_level)
        # Of the share without the event, whose limits change places.
        share = -np.expm1(-hazard * ratio)
        values = np.column_stack([share, free * error * ratio, 1 - high, 1 - low])
        values[(times > model.baseline.last_time[stratum]) | undefined[i]] = np.nan
        part = pd.DataFrame(values, columns=CURVE).assign(row=label, time=times)
        parts.append(part[["row", "time", *CURVE]])
    return pd.concat(parts, ignore_index=True)


def _require(model: FineGray, new: pd.DataFrame) -> None:
    names = [part.name for term in model.terms for part in (term.parts or (term,))]
    known = [str(name) for name in new.columns]
    wrong = [
        name
        for name in dict.fromkeys((*names, *model.strata))
        if name not in known or new[name].isna().any()
    ]
    problems = []
    if wrong:
        found = f"columns absent or incomplete: {listed(wrong)}"
        advice = "Give every column of the model, without missing values."
        problems.append(Problem("predict_incidence", found, f"Columns: {listed(known)}", advice))
    if new.empty:
        problems.append(Problem("predict_incidence", "no patient was given"))
    if problems:
        raise AnalysisError(problems)


def _strata(model: FineGray, new: pd.DataFrame) -> list[int]:
    """Place of each new patient's stratum among the baseline's."""
    if not model.strata:
        return [0] * len(new)
    parts = [as_text(new[name]) for name in model.strata]
    labels = [", ".join(values) for values in zip(*parts, strict=True)]
    place = {label: i for i, label in enumerate(model.baseline.strata)}
    unknown = sorted(set(labels) - set(place))
    if unknown:
        found = f"strata that the model did not see: {listed(unknown)}"
        raise AnalysisError(Problem("predict_incidence", found, f"Strata: {listed(place)}"))
    return [place[label] for label in labels]
