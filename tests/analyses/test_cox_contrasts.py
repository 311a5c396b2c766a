"""Contrasts and joint tests of a Cox model against R (tests/reference/cox_more.R)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from cox_cases import CASES
from scipy.stats import norm

from analyses.estimators.cox import cox
from cohort.errors import AnalysisError

REFERENCE = Path(__file__).resolve().parent.parent / "reference"
EXPECTED = pd.read_csv(REFERENCE / "cox_contrasts.csv").set_index(["case", "quantity"])


@pytest.fixture(scope="module")
def patients() -> pd.DataFrame:
    return pd.read_csv(REFERENCE / "cox_data.csv")


@pytest.mark.parametrize("case", ["efron", "strata_entry", "everything"])
def test_contrasts_and_joint_tests_agree_with_r(case: str, patients: pd.DataFrame) -> None:
    model = cox(patients, **CASES[case])
    low, positive = ("group", "low"), ("group", "positive")
    for quantity, weights in {
        "positive_low": {positive: 1.0, low: -1.0},
        "mixed": {positive: 1.0, "age": 10.0, "grade": -1.0},
    }.items():
        found, wanted = model.contrast(weights), EXPECTED.loc[case, quantity]  # type: ignore[arg-type]
        assert found.estimate == pytest.approx(wanted["estimate"], rel=1e-8)
        assert found.std_error == pytest.approx(wanted["std_error"], rel=1e-8)
        z = found.estimate / found.std_error
        assert found.p_value == pytest.approx(2 * norm.sf(abs(z)), rel=1e-10)
        reach = norm.ppf(0.975) * found.std_error
        assert found.conf_high == pytest.approx(found.estimate + reach, rel=1e-10)
        assert found.hazard_ratio[0] == pytest.approx(np.exp(found.estimate))
    for terms, quantity in (("group", "group"), (["group", "age"], "group_age")):
        test = model.wald(terms)
        assert test.statistic == pytest.approx(EXPECTED.loc[case, quantity]["estimate"], rel=1e-8)
        assert test.df == (2 if terms == "group" else 3)


def test_levels_compared_is_the_model_with_another_reference(patients: pd.DataFrame) -> None:
    model = cox(patients, **CASES["efron"])
    group = {"name": "group", "levels": ["low", "zero", "positive"]}
    other = cox(patients, time="time", event="event", terms=[group, "age", "grade"])
    found = model.contrast({("group", "zero"): 1, ("group", "low"): -1})
    assert found.estimate == pytest.approx(other.estimated[0].estimate, rel=1e-8)
    assert found.std_error == pytest.approx(other.estimated[0].std_error, rel=1e-8)


def test_one_coefficient_is_its_own_contrast_and_a_reference_alone_is_none(
    patients: pd.DataFrame,
) -> None:
    model = cox(patients, **CASES["efron"])
    found, age = model.contrast({"age": 1}), model.estimated[2]
    assert (found.estimate, found.p_value) == pytest.approx((age.estimate, age.p_value))
    nothing = model.contrast({("group", "zero"): 1})
    assert nothing.p_value is None
    assert nothing.reason == "nothing is compared: all weight is on references"


def test_events_for_each_parameter(patients: pd.DataFrame) -> None:
    model = cox(patients, **CASES["efron"])
    assert model.events_per_parameter == patients["event"].sum() / 4


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        ({"agee": 1}, "Did you mean 'age'"),
        ({("group", "lo"): 1}, "Did you mean 'low'"),
        ({"group": 1}, "a level must be named"),
        ({("age", "old"): 1}, "A number has no levels"),
        ({}, "no weights"),
        ({"age": np.nan}, "not finite"),
    ],
)
def test_what_is_not_in_the_model_is_refused(
    weights: dict[object, float], said: str, patients: pd.DataFrame
) -> None:
    model = cox(patients, **CASES["efron"])
    with pytest.raises(AnalysisError, match=said):
        model.contrast(weights)  # type: ignore[arg-type]


def test_terms_without_an_estimate_have_no_joint_test(patients: pd.DataFrame) -> None:
    model = cox(patients, **{**CASES["efron"], "event": "event_no_positive"})
    assert model.wald("group").df == 1
    with pytest.raises(AnalysisError, match="no finite estimate"):
        model.contrast({("group", "positive"): 1})
    with pytest.raises(AnalysisError, match="Did you mean 'group'"):
        model.wald(["groups"])
