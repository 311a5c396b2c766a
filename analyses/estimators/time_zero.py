"""A treatment is a baseline covariate only where it was settled at time zero."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analyses.estimators.survival_data import TIE, By, by_column, grouping, require_columns
from cohort.errors import AnalysisError, Problem

THREE_WAYS = (
    "Three ways out: a landmark (only those followed past it, by whether they were treated by "
    "then); start-stop rows, which count a patient as untreated until the start; or, for two "
    "strategies with a grace period, cloning, censoring and weighting."
)


def require_known_at_time_zero(frame: pd.DataFrame, treatment: By, start: str, time: str) -> None:
    """AnalysisError where a treated patient began after time zero, or on a day not known.

    Whoever is treated later must have lived until then; counted as treated from time zero, those
    days without the event are a gift to the treatment (immortal time). Suissa (2008).
    """
    name = str(by_column(treatment))
    require_columns(frame, [name, start, time])
    known = frame[name].notna() & frame[time].notna()
    own = frame.loc[known].reset_index(drop=True)
    if own.empty:
        return
    groups = grouping(own, treatment)
    if len(groups.levels) < 2:
        return
    if not pd.api.types.is_numeric_dtype(own[start]):
        found = "not numbers"
        advice = "Count the start from time zero, in the unit of follow-up."
        raise AnalysisError(Problem(f"column '{start}'", found, advice=advice))
    treated = groups.codes == len(groups.levels) - 1
    begun = own[start].to_numpy(dtype=float, na_value=np.nan)[treated]
    late, unknown = int((begun > TIE).sum()), int(np.isnan(begun).sum())
    where = f"treatment '{name}'"
    problems = []
    if late:
        middle = float(np.median(begun[begun > TIE]))
        last = own[time].to_numpy(dtype=float)
        left = int((last[~treated] < middle).sum())
        found = (
            f"{late} of {int(treated.sum())} treated patients began after time zero (half of them "
            f"by {middle:.3g}, '{start}'), when {left} untreated ones had already left or had the "
            "event: as a baseline covariate it would be credited with the time until its start"
        )
        problems.append(Problem(where, found, advice=THREE_WAYS))
    if unknown:
        found = (
            f"{unknown} treated patients began on a day that is not known ('{start}' is missing)"
        )
        problems.append(Problem(where, found, advice="Leave them out, or find their days."))
    if problems:
        raise AnalysisError(problems)
