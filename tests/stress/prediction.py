"""Parametric models, and the performance of a Cox model, of one random cohort."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pandas as pd

from analyses import cox, model_performance, parametric_survival
from cohort.errors import AnalysisError

# Times are coarse here, some models hardly determined: what R's own convergence leaves is more.
TOLERANCES = {"": 1e-9} | {
    f"{mode} {family} {what}": 1e-6
    for mode in ("plain", "whole")
    for family in ("weibull", "lognormal", "loglogistic")
    for what in ("ratio", "scale", "error", "likelihood")
}
Answers = Iterator[tuple[str, float | None]]


def answers(cohort: pd.DataFrame) -> Answers:
    """Our numbers by the names that prediction.R gives them."""
    yield from _performance(cohort)
    rows = cohort[cohort["time"] > 0]
    for mode, weights in (("plain", None), ("whole", "whole")):
        for family in ("weibull", "lognormal", "loglogistic"):
            try:
                fit = parametric_survival(
                    rows,
                    time="time",
                    event="event",
                    terms=["share", "group"],
                    distributions=family,
                    weights=weights,
                ).chosen
            except AnalysisError:
                continue
            yield f"{mode} {family} ratio", fit.coefficients[0].estimate
            yield f"{mode} {family} scale", fit.parameters[1].estimate
            yield f"{mode} {family} error", fit.coefficients[0].std_error
            yield f"{mode} {family} likelihood", fit.log_likelihood


def _performance(cohort: pd.DataFrame) -> Answers:
    names = {"time": "time", "event": "event"}
    t = sorted(cohort["time"])[math.ceil(0.6 * len(cohort)) - 1]
    try:
        model = cox(cohort, terms=["share", "whole"], **names)
        found = model_performance(model, cohort, times=[t], n_groups=2, **names)
    except AnalysisError:
        return
    yield "harrell", found.of("harrell_c").estimate
    yield "uno", found.of("uno_c", t).estimate
    yield "uno error", found.of("uno_c", t).std_error
    yield "brier", found.of("brier", t).estimate
    yield "auc", found.of("auc", t).estimate
