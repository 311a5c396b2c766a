from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cohort.errors import SpecError
from cohort.simulation import simulated_patients, simulated_truth


def _model_matrix(patients: pd.DataFrame) -> pd.DataFrame:
    columns = {}
    for row in simulated_truth().itertuples():
        if row.level is None:
            columns[f"{row.term}"] = patients[row.term] / row.per
        elif row.level != "0":
            columns[f"{row.term} {row.level}"] = (patients[row.term] == row.level).astype(float)
    return pd.DataFrame(columns).assign(
        time=patients["followup_days"] + 0.5, event=patients["event"]
    )


def _deviations(patients: pd.DataFrame, truth: pd.DataFrame) -> pd.Series[float]:
    """Estimate less truth, in standard errors, for each coefficient of invasive disease."""
    from lifelines import CoxPHFitter

    invasive = patients[patients["stage"] != "0"]
    fitted = CoxPHFitter().fit(_model_matrix(invasive), "time", "event").summary
    true = {
        row.term if row.level is None else f"{row.term} {row.level}": row.estimate
        for row in truth.itertuples()
    }
    deviations: pd.Series[float] = (fitted["coef"] - fitted.index.map(true)) / fitted["se(coef)"]
    return deviations


def test_adjusted_model_finds_the_true_hazard_ratios() -> None:
    deviations = _deviations(simulated_patients(20_000, seed=21), simulated_truth())
    assert len(deviations) == 12
    assert deviations.abs().max() < 3.5


def test_adjusted_model_finds_the_hazard_ratios_asked_for() -> None:
    asked = {"her2_status": {"low": 0.60}, "age_years": 1.80}
    patients = simulated_patients(20_000, seed=22, hazard_ratios=asked)
    assert _deviations(patients, simulated_truth(asked)).abs().max() < 3.5
    assert _deviations(patients, simulated_truth())["her2_status low"] < -5
    assert _deviations(patients, simulated_truth())["age_years"] > 5


@pytest.mark.slow
def test_intervals_cover_the_truth_about_95_times_in_100() -> None:
    inside = [
        _deviations(simulated_patients(4_000, seed=seed), simulated_truth()).abs() < 1.96
        for seed in range(1, 41)
    ]
    # 480 intervals: three standard errors around 0.95 are 0.92 to 0.98.
    assert 0.92 < np.mean(inside) < 0.98


def test_truth_lists_each_level_with_its_reference() -> None:
    truth = simulated_truth({"her2_status": {"low": 1.0}})
    low = truth[(truth["term"] == "her2_status") & (truth["level"] == "low")].iloc[0]
    assert (low["reference"], low["hazard_ratio"], low["estimate"]) == ("zero", 1.0, 0.0)
    assert np.allclose(np.log(truth["hazard_ratio"]), truth["estimate"])
    age = truth[truth["term"] == "age_years"].iloc[0]
    assert (age["per"], age["hazard_ratio"]) == (10.0, 1.42)


def test_wrong_hazard_ratios_are_named_at_once() -> None:
    wrong = {"her2_stauts": 0.9, "grade": {"4": 2.0, "3": -1.0}, "age_years": float("nan")}
    with pytest.raises(SpecError) as caught:
        simulated_truth(wrong)
    message = str(caught.value)
    assert len(caught.value.problems) == 4
    assert "Did you mean 'her2_status'?" in message
    assert "'4' is not a level" in message
    assert "-1.0 for '3'" in message
