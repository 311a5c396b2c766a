"""Patients whose HER2 group depends on what their survival depends on, with every group's outcome.

Age, grade and hormone receptors act on both, so that the crude comparison is confounded. Each
patient has a time to death under each of the three groups, drawn from the same random number, so
that what a comparison aims at (a mean over a population, not a coefficient) can be counted instead
of derived. Death follows a Weibull proportional-hazards model given group and covariates; the
hazard ratio between groups *without* covariates is then neither constant nor the conditional one.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from cohort.simulation.draws import Draws, Real

if TYPE_CHECKING:
    import pandas as pd

GROUPS = ("zero", "low", "positive")
# Log odds of the group against zero: constant, age of 10 years more, grade 2, grade 3, receptors.
MEMBERSHIP = ((0.0, 0.0, 0.0, 0.0, 0.0), (0.0, -0.2, -0.3, -0.8, 1.1), (-0.6, -0.3, 0.4, 0.9, -0.3))
# Log hazard of the same covariates, and of the groups.
PROGNOSIS = (0.45, 0.30, 0.90, -0.60)
CONDITIONAL = (0.0, math.log(0.80), math.log(0.65))
SHAPE = 1.2
SCALE_MONTHS = 110.0
CENSORED_MONTHS = (30.0, 120.0)  # evenly between them, whatever the patient


def simulated_confounding(n: int, seed: int) -> pd.DataFrame:
    """A cohort in which low and positive look better or worse than they are.

    Returns
    -------
    DataFrame
        `age_years`, `grade` (ordered categorical), `hr_status` (ordered categorical),
        `her2_status` (zero, low, positive), `time` (months) and `event`, one row a patient. The
        conditional hazard ratios are 0.80 (low) and 0.65 (positive) against zero.
    """
    full = potential_outcomes(n, seed)
    place = full["her2_status"].cat.codes.to_numpy()
    died = np.choose(place, [full[f"time_{group}"].to_numpy() for group in GROUPS])
    censored = full["censored"].to_numpy()
    kept = full[["age_years", "grade", "hr_status", "her2_status"]]
    return kept.assign(time=np.minimum(died, censored), event=died <= censored)


def potential_outcomes(n: int, seed: int) -> pd.DataFrame:
    """The same patients with what nobody sees.

    Besides the covariates and the group: `probability_<group>`, the true chance of each group;
    `time_<group>`, the time to death had the patient been of that group; and `censored`, the time
    at which follow-up ends for those still alive.
    """
    import pandas as pd

    draws = Draws(n, (seed, 7))
    age = draws.normal(60, 12)
    grade = draws.one_of((0.2, 0.45, 0.35))
    receptors = draws.chance(0.75)
    columns = ((age - 60) / 10, grade == 1, grade == 2, receptors)
    odds = np.exp(np.column_stack([_sum(own, columns) for own in MEMBERSHIP]))
    chance = odds / odds.sum(axis=1, keepdims=True)
    group = draws.one_of(chance)
    hazard = _sum((0.0, *PROGNOSIS), columns)
    drawn = draws.exponential()
    table = {
        "age_years": age,
        "grade": pd.Categorical.from_codes(grade, pd.Index(["1", "2", "3"]), ordered=True),
        "hr_status": pd.Categorical.from_codes(
            receptors.astype(np.int64), pd.Index(["negative", "positive"]), ordered=True
        ),
        "her2_status": pd.Categorical.from_codes(group, pd.Index(GROUPS), ordered=True),
    }
    for place, name in enumerate(GROUPS):
        table[f"probability_{name}"] = chance[:, place]
        risk = np.exp(-hazard - CONDITIONAL[place])
        table[f"time_{name}"] = SCALE_MONTHS * (drawn * risk) ** (1 / SHAPE)
    table["censored"] = draws.uniform(*CENSORED_MONTHS)
    return pd.DataFrame(table)


def _sum(weights: tuple[float, ...], columns: tuple[object, ...]) -> Real:
    """The linear predictor of a constant and the columns."""
    total = np.full(len(np.asarray(columns[0])), weights[0])
    for weight, column in zip(weights[1:], columns, strict=True):
        total += weight * np.asarray(column, dtype=np.float64)
    return total
