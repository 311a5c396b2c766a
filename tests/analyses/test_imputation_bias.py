"""Complete cases mislead where those who died are worked up less; imputation does not."""

from __future__ import annotations

import numpy as np
import pytest

from analyses import cox, impute, imputed_cox
from cohort.simulation import simulated_confounding

TERMS = ["her2_status", {"name": "age_years", "per": 10}, "grade", "hr_status"]
COLUMNS = ["her2_status", "age_years", "grade", "hr_status"]
FOLLOWED = {"time": "time", "event": "event"}


def differences(seed):
    """Log hazard ratio of low: complete cases and imputed, each less that of the whole data."""
    whole = simulated_confounding(1200, seed)
    draw = np.random.default_rng((seed, 1))
    low = (whole["her2_status"] == "low").to_numpy()
    odds = -2 + whole["event"].to_numpy() * np.where(low, 2.0, 0.5)
    gap = draw.random(len(whole)) < 1 / (1 + np.exp(-odds))
    frame = whole.assign(grade=whole["grade"].where(~gap))
    drawn = impute(frame, **FOLLOWED, columns=COLUMNS, m=5, iterations=3, seed=seed)
    models = [cox(data, **FOLLOWED, terms=TERMS) for data in (whole, frame)]
    models.append(imputed_cox(frame, drawn, **FOLLOWED, terms=TERMS))
    full, complete, pooled = (
        next(c.estimate for c in model.estimated if c.level == "low") for model in models
    )
    return complete - full, pooled - full


def test_imputation_gives_back_what_complete_cases_lose():
    found = np.array([differences(seed) for seed in range(12)])
    complete, pooled = found.mean(axis=0)
    error = found.std(axis=0, ddof=1) / np.sqrt(len(found))
    assert complete < -0.25
    assert complete + 4 * error[0] < 0
    assert pooled == pytest.approx(0, abs=0.05)
    assert abs(found[:, 1]).mean() < abs(found[:, 0]).mean() / 4
