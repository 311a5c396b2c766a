"""Ways to handle a treatment that starts after time zero, each against potential outcomes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache, partial
from typing import Any

import numpy as np
import pandas as pd
from covering import Answer, Method

from analyses import clone_censor_weight, landmark, start_stop
from cohort.simulation import late_treatment_truth, simulated_late_treatment

N = 1_500
EXAMPLE = "metastatic_surgery"
WINDOW, AT, TAU = 180.0, 1_095.0, 1_500.0  # days
ASKED: dict[str, Any] = {
    "time": "time",
    "event": "event",
    "treatment": "treated",
    "start": "start",
    "terms": ["age_years", "comorbidity"],
}


def cohort(seed: int) -> pd.DataFrame:
    """Patients of the example."""
    return simulated_late_treatment(N, seed, EXAMPLE)


@cache
def strategies() -> Mapping[str, float]:
    """What a million patients would give, each followed under both strategies."""
    found = late_treatment_truth(EXAMPLE, grace=WINDOW, times=[AT], tau=TAU)
    named = {f"risk({AT:g}) start - never": f"risk_difference {AT:g}"}
    named["RMST start - never"] = "rmst_difference"
    return {name: found[key] for name, key in named.items()}


def conditional() -> Mapping[str, float]:
    """The hazard ratio of the treatment given the covariates, which the patients were made with."""
    found = late_treatment_truth(EXAMPLE, grace=WINDOW, times=[AT], tau=TAU)
    return {"log HR": float(np.log(found["hazard_ratio"]))}


def ever(frame: pd.DataFrame) -> Iterable[Answer]:
    """Ever against never treated from time zero."""
    found = start_stop(frame, **ASKED).naive
    assert found is not None
    yield Answer("log HR", found.estimate, found.conf_low, found.conf_high)


def from_landmark(frame: pd.DataFrame) -> Iterable[Answer]:
    """From the end of the window on, after which nobody starts."""
    found = landmark(frame, at=WINDOW, naive=False, **ASKED).effect
    yield Answer("log HR", found.estimate, found.conf_low, found.conf_high)


def over_time(frame: pd.DataFrame) -> Iterable[Answer]:
    """Treated from the start on."""
    found = start_stop(frame, naive=False, **ASKED).effect
    yield Answer("log HR", found.estimate, found.conf_low, found.conf_high)


def cloned(frame: pd.DataFrame, **asked: Any) -> Iterable[Answer]:
    """Clones that are censored and weighted."""
    found = clone_censor_weight(
        frame, grace=WINDOW, times=[AT], tau=TAU, resamples=200, seed=1, naive=False,
        **ASKED, **asked,
    )  # fmt: skip
    (risk,) = found.risk_differences
    yield Answer(f"risk({AT:g}) start - never", risk.estimate, risk.conf_low, risk.conf_high)
    mean = found.mean_difference
    yield Answer("RMST start - never", mean.estimate, mean.conf_low, mean.conf_high)


METHODS = [
    Method("ever treated", cohort, ever, conditional, "naive"),
    Method("landmark, conditional", cohort, from_landmark, conditional),
    Method("start-stop, conditional", cohort, over_time, conditional),
    Method("clones", cohort, cloned, strategies),
    Method("clones, weights not truncated", cohort, partial(cloned, truncate=1), strategies),
]
