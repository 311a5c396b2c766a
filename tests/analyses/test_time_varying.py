"""Coefficients by period and with the logarithm of time, against R (tests/reference/cox_more.R)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from cox_cases import GROUP

from analyses.estimators.cox import cox
from analyses.estimators.fine_gray import fine_gray
from analyses.results.records import checked
from cohort.errors import AnalysisError

REFERENCE = Path(__file__).resolve().parent.parent / "reference"
EXPECTED = pd.read_csv(REFERENCE / "cox_over_time.csv")
ASKED: dict[str, Any] = {"time": "time", "event": "event"}
BY_PERIOD = {**GROUP, "time_varying": {"cut": [4, 9]}}
AGE = {"name": "age", "per": 10}
EVERYTHING = {"entry": "entry", "strata": "site", "weights": "weight"}
CASES: dict[str, dict[str, Any]] = {
    "cut": {"terms": [BY_PERIOD, "grade"]},
    "cut_breslow": {"terms": [BY_PERIOD, "grade"], "ties": "breslow"},
    "cut_everything": {"terms": [BY_PERIOD, "grade"], **EVERYTHING},
    "cut_number": {"terms": [{**AGE, "time_varying": {"cut": [4]}}, "grade"]},
    "log_number": {"terms": [{**AGE, "time_varying": "log"}, "grade"]},
    "log_group": {"terms": [{**GROUP, "time_varying": "log"}, "grade"]},
}


@pytest.fixture(scope="module")
def patients() -> pd.DataFrame:
    return pd.read_csv(REFERENCE / "cox_data.csv")


def expected(case: str, quantity: str) -> Any:
    rows = EXPECTED[(EXPECTED["case"] == case) & (EXPECTED["quantity"] == quantity)]
    return rows.sort_values("index")["value"].to_numpy()


@pytest.mark.parametrize("case", CASES)
def test_agrees_with_rows_split_by_r_and_with_tt(case: str, patients: pd.DataFrame) -> None:
    model = cox(patients, **ASKED, **CASES[case])
    found = [c.estimate for c in model.estimated]
    np.testing.assert_allclose(found, expected(case, "coefficient"), rtol=1e-8, atol=1e-10)
    errors = [c.std_error for c in model.estimated]
    np.testing.assert_allclose(errors, expected(case, "std_error"), rtol=1e-8)
    heights = [model.log_likelihood, model.log_likelihood_null]
    np.testing.assert_allclose(heights, expected(case, "log_likelihood"), rtol=1e-11)
    if len(wanted := expected(case, "constancy")):
        (test,) = model.constancy_tests.to_dict("records")
        assert test["statistic"] == pytest.approx(wanted[0], rel=1e-7)
        assert test["df"] == 4
    if len(wanted := expected(case, "concordance")):
        c = model.concordance
        found = [c.concordant, c.discordant, c.estimate, c.std_error]
        np.testing.assert_allclose(np.asarray(found, dtype=float), wanted, rtol=1e-8)


def test_patients_are_counted_once_and_periods_by_who_is_observed_in_them(
    patients: pd.DataFrame,
) -> None:
    model = cox(patients, **ASKED, **CASES["cut"])
    assert (model.n, model.n_event) == (300, int(patients["event"].sum()))
    low = patients[patients["group"] == "low"]
    own = [c for c in model.coefficients if c.term == "group"][:3]
    assert [c.level for c in own] == ["low × up to 4", "low × 4 to 9", "low × after 9"]
    assert [c.n for c in own] == [len(low), (low["time"] > 4).sum(), (low["time"] > 9).sum()]
    assert sum(c.n_event for c in own) == low["event"].sum()
    assert {c.reference for c in own} == {"zero"}
    quantities = {record.quantity for record in checked(model.records("a"))}
    assert "constancy_test" in quantities


def test_five_patients_by_hand() -> None:
    # Deaths at 1 (x=1), 2 (x=0), 3 (x=1), 4 (x=0), a patient with x=1 censored at 5; cut at 2.
    # Up to 2, with r = e^b: l = b - log(3r + 2) - log(2r + 2), so 2/(3r + 2) = r/(r + 1), and
    # r^2 = 2/3. After 2, s = e^c: l = c - log(2s + 1) - log(s + 1), 1/(2s + 1) = s/(s + 1),
    # and s^2 = 1/2. The periods share nothing, so errors are those of each: minus the second
    # derivative is 6r/(3r + 2)^2 + r/(r + 1)^2, and 2s/(2s + 1)^2 + s/(s + 1)^2.
    data = pd.DataFrame({"time": [1, 2, 3, 4, 5], "event": [1, 1, 1, 1, 0], "x": [1, 0, 1, 0, 1]})
    model = cox(data, **ASKED, terms=[{"name": "x", "time_varying": {"cut": [2]}}])
    first, second = model.coefficients
    r, s = np.sqrt(2 / 3), np.sqrt(1 / 2)
    assert first.estimate == pytest.approx(np.log(r), rel=1e-9)
    assert second.estimate == pytest.approx(np.log(s), rel=1e-9)
    early = 6 * r / (3 * r + 2) ** 2 + r / (r + 1) ** 2
    late = 2 * s / (2 * s + 1) ** 2 + s / (s + 1) ** 2
    assert first.std_error == pytest.approx(early**-0.5, rel=1e-8)
    assert second.std_error == pytest.approx(late**-0.5, rel=1e-8)
    (test,) = model.constancy_tests.to_dict("records")
    gap = np.log(r / s) ** 2 / (1 / early + 1 / late)
    assert test["statistic"] == pytest.approx(gap, rel=1e-8)


def test_one_period_for_all_events_is_the_model_itself(patients: pd.DataFrame) -> None:
    plain = cox(patients, **ASKED, terms=[GROUP, "grade"])
    cut = cox(patients, **ASKED, terms=[{**GROUP, "time_varying": {"cut": [1000]}}, "grade"])
    found = [c.estimate for c in cut.estimated]
    np.testing.assert_allclose(found, [c.estimate for c in plain.estimated], rtol=1e-10)
    assert len(cut.failures) == 2  # the period after 1000 holds nobody


def test_a_robust_variance_takes_a_patients_pieces_as_one(patients: pd.DataFrame) -> None:
    asked = {**ASKED, "terms": [GROUP, "grade"], "robust": True}
    plain = cox(patients, **asked)
    cut = {**asked, "terms": [GROUP, {"name": "grade", "time_varying": {"cut": [1000]}}]}
    found = [c.std_error for c in cox(patients, **cut).estimated]
    np.testing.assert_allclose(found, [c.std_error for c in plain.estimated], rtol=1e-9)


def test_a_period_without_events_at_the_reference_is_named_and_firth_ends_it(
    patients: pd.DataFrame,
) -> None:
    alive = patients["event"].where((patients["group"] != "zero") | (patients["time"] <= 9), 0)
    data = patients.assign(event=alive)
    late = int(alive[patients["time"] > 9].sum())
    said = f"period 'after 9': no events at the reference 'zero', {late} at other levels"
    with pytest.raises(AnalysisError, match=said):
        cox(data, **ASKED, **CASES["cut"])
    model = cox(data, **ASKED, **CASES["cut"], penalty="firth")
    assert model.failures == ()
    found = [c for c in model.estimated if c.level and c.level.endswith("after 9")]
    assert all(c.estimate is not None and 0 < c.estimate < 10 for c in found)


def test_a_period_without_events_at_a_level_leaves_the_others(patients: pd.DataFrame) -> None:
    alive = patients["event"].where((patients["group"] != "low") | (patients["time"] <= 9), 0)
    model = cox(patients.assign(event=alive), **ASKED, **CASES["cut"])
    (failure,) = model.failures
    assert failure.group == "low × after 9"
    assert len(model.estimated) == 6


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"cut": []}, "times that rise"),
        ({"cut": [9, 4]}, "times that rise"),
        ({"cut": [-1]}, "above 0"),
        ({"cuts": [4]}, "Allowed"),
        ("sqrt", "log"),
    ],
)
def test_cuts_that_make_no_sense_are_refused(asked: Any, said: str, patients: pd.DataFrame) -> None:
    with pytest.raises(AnalysisError, match=said):
        cox(patients, **ASKED, terms=[{**AGE, "time_varying": asked}])


def test_what_varies_over_time_is_refused_where_it_means_nothing(patients: pd.DataFrame) -> None:
    model = cox(patients, **ASKED, **CASES["cut"])
    with pytest.raises(AnalysisError, match="terms that vary over time: group"):
        model.predict_survival(patients.head(2), [3.0])
    with pytest.raises(AnalysisError, match="varies over time"):
        cox(patients, **ASKED, terms=[BY_PERIOD, AGE, {"interaction": ["group", "age"]}])
    data = patients.assign(time=patients["time"] - 1)
    with pytest.raises(AnalysisError, match="events at time 0"):
        cox(data, **ASKED, terms=[{**AGE, "time_varying": "log"}])
    state = pd.Categorical(
        np.where(patients["event"] == 1, "dead", "alive"), ["alive", "dead"], ordered=True
    )
    with pytest.raises(AnalysisError, match="time_varying, which this model does not have"):
        fine_gray(
            patients.assign(state=state), time="time", state="state", cause="dead",
            terms=[{**AGE, "time_varying": {"cut": [4]}}],
        )  # fmt: skip
