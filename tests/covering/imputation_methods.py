"""Missing covariates: complete cases against multiple imputation, where deaths are worked up less.

Grade and receptors are missing more often in those who died, most of all in HER2-low: missing at
random given what is seen, yet the patients without gaps are no fair sample of all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial

import numpy as np
import pandas as pd
from covering import Answer, Method

from analyses import cox, impute, imputed_cox
from cohort.simulation import simulated_confounding

N = 1_500
M, ITERATIONS = 20, 5
TERMS = ["her2_status", {"name": "age_years", "per": 10}, "grade", "hr_status"]
FOLLOWED = {"time": "time", "event": "event"}
TRUTH = {
    "log HR low": float(np.log(0.80)),
    "log HR positive": float(np.log(0.65)),
    "log HR grade 3": 0.90,
    "log HR age": 0.45,
}


def incomplete(n: int, seed: int) -> pd.DataFrame:
    """Confounded patients of whom a third lack grade or receptors, at random given the rest."""
    frame = simulated_confounding(n, seed)
    draw = np.random.default_rng((seed, 11))
    of_low = (frame["her2_status"] == "low").to_numpy()
    odds = -1.9 + frame["event"].to_numpy() * np.where(of_low, 1.9, 0.6)
    lacking = draw.random(n) < 1 / (1 + np.exp(-odds))
    age = (frame["age_years"].to_numpy() - 60) / 10
    also = draw.random(n) < 1 / (1 + np.exp(2.2 - 0.4 * age - 0.5 * frame["event"]))
    return frame.assign(
        grade=frame["grade"].where(~lacking), hr_status=frame["hr_status"].where(~also)
    )


def _answers(model: object) -> Iterable[Answer]:
    for c in model.estimated:  # type: ignore[attr-defined]
        name = {"age_years": "age", "her2_status": c.level}.get(c.term, f"{c.term} {c.level}")
        if f"log HR {name}" in TRUTH:
            yield Answer(f"log HR {name}", c.estimate, c.conf_low, c.conf_high)


def complete_cases(frame: pd.DataFrame) -> Iterable[Answer]:
    """A Cox model of the patients who lack nothing."""
    yield from _answers(cox(frame, **FOLLOWED, terms=TERMS))


def imputed(frame: pd.DataFrame, methods: Mapping[str, str]) -> Iterable[Answer]:
    """The same model over imputations, by Rubin's rules."""
    columns = ["her2_status", "age_years", "grade", "hr_status"]
    drawn = impute(
        frame, **FOLLOWED, columns=columns, m=M, iterations=ITERATIONS, seed=1, methods=methods
    )
    yield from _answers(imputed_cox(frame, drawn, **FOLLOWED, terms=TERMS))


def truth() -> Mapping[str, float]:
    """What the patients were made with."""
    return TRUTH


cohort = partial(incomplete, N)
METHODS = [
    Method("complete cases", cohort, complete_cases, truth, "naive"),
    Method("imputed, multinomial", cohort, partial(imputed, methods={}), truth),
    Method("imputed, ordered", cohort, partial(imputed, methods={"grade": "ordered"}), truth),
]
