"""Tests of proportional hazards against `cox.zph` (tests/reference/cox_more.R), and by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from cox_cases import CASES, EVERYTHING, GROUP, LATE, TIED

from analyses.estimators.cox import cox
from analyses.kernels import risk_sets
from analyses.results.proportionality import Proportionality
from analyses.results.records import checked
from cohort.errors import AnalysisError

REFERENCE = Path(__file__).resolve().parent.parent / "reference"
TESTS = pd.read_csv(REFERENCE / "proportionality.csv")
CURVES = pd.read_csv(REFERENCE / "proportionality_curves.csv")
OTHERS: dict[str, dict[str, Any]] = {
    "flat": {**TIED, "terms": ["age", "flat"], "strata": "site"},
    "empty_stratum": {**LATE, "event": "late", "terms": [GROUP, "age"], "strata": "site"},
}
OURS = [case for case in TESTS["case"].unique() if case in {**CASES, **OTHERS}]


@pytest.fixture(scope="module")
def patients() -> pd.DataFrame:
    data = pd.read_csv(REFERENCE / "cox_data.csv")
    data["late"] = data["event"] * (data["site"] != "d")
    return data.assign(flat=np.where(data["site"] == "a", 1, data["grade"]))


def agrees(found: Proportionality, case: str) -> None:
    """Every test of this transform as R gives it."""
    wanted = TESTS[(TESTS["case"] == case) & (TESTS["transform"] == found.transform)]
    own = {"term": found.tests, "all": (found.overall,)}
    columns = {test.term for test in found.level_tests}
    for kind, tests in own.items():
        rows = wanted[wanted["kind"] == kind]
        assert [test.df for test in tests] == list(rows["df"])
        for name in ("statistic", "p_value"):
            values = [getattr(test, name) for test in tests]
            np.testing.assert_allclose(values, rows[name], rtol=1e-8)
    each = wanted.loc[wanted["kind"] == "column", "statistic"].to_numpy()
    several = [c.term in columns for c in found.curves]
    levels = [test.statistic for test in found.level_tests]
    np.testing.assert_allclose(levels, each[several], rtol=1e-8)


@pytest.mark.parametrize("transform", ["km", "rank", "identity", "log"])
@pytest.mark.parametrize("case", OURS)
def test_tests_agree_with_zph(case: str, transform: str, patients: pd.DataFrame) -> None:
    model = cox(patients, **{**CASES, **OTHERS}[case])
    agrees(model.proportionality(transform), case)


@pytest.mark.parametrize("transform", ["km", "log"])
@pytest.mark.parametrize("case", [case for case in OURS if case != "flat"])
def test_curves_agree_with_what_r_plots(case: str, transform: str, patients: pd.DataFrame) -> None:
    found = cox(patients, **{**CASES, **OTHERS}[case]).proportionality(transform)
    wanted = CURVES[CURVES["case"] == f"{case} {transform}"]
    assert len(found.curves) == wanted["column"].nunique()
    for place, curve in enumerate(found.curves):
        rows = wanted[wanted["column"] == place]
        for name in ("transformed", "estimate", "std_error"):
            own = getattr(curve, name)[rows["index"]]
            np.testing.assert_allclose(own, rows[name], rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("case", ["everything", "everything_breslow"])
def test_compiled_sums_give_the_same(
    case: str, patients: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(risk_sets, "COMPILED_FROM", 0)
    monkeypatch.setattr("analyses.kernels.cox.COMPILED_FROM", 0)
    agrees(cox(patients, **CASES[case]).proportionality(), case)


def test_four_patients_by_hand() -> None:
    # Deaths at 1, 2, 3, 4 of patients with x = 0, 1, 1, 0. With r = exp(beta), the risk sets hold
    # (x = 0, x = 1) = (2, 2), (1, 2), (1, 1), (1, 0), with mean x m = 2r/(2 + 2r), 2r/(1 + 2r),
    # r/(1 + r), 0. The score 2 - (sum of m) = 0 is 2r/(1 + r) + 2r/(1 + 2r) = 2, so
    # r(1 + 2r) + r(1 + r) = (1 + r)(1 + 2r), r^2 - r - 1 = 0: r = (1 + sqrt 5)/2, the golden ratio.
    # V = m (1 - m) at each time; g = time less its mean 2.5; U = sum g (x - m).
    r = (1 + np.sqrt(5)) / 2
    m = np.array([r / (1 + r), 2 * r / (1 + 2 * r), r / (1 + r), 0.0])
    g, v = np.array([-1.5, -0.5, 0.5, 1.5]), m * (1 - m)
    score = g @ (np.array([0, 1, 1, 0]) - m)
    expected = score**2 / (g**2 @ v - (g @ v) ** 2 / v.sum())
    data = pd.DataFrame({"t": [1, 2, 3, 4], "e": [1, 1, 1, 1], "x": [0, 1, 1, 0]})
    model = cox(data, time="t", event="e", terms=["x"])
    assert model.estimated[0].estimate == pytest.approx(np.log(r), rel=1e-10)
    found = model.proportionality("identity")
    assert found.overall.statistic == pytest.approx(expected, rel=1e-9)
    assert found.tests[0].statistic == pytest.approx(expected, rel=1e-9)
    # Residuals: (x - m) / (sum of v / 4) + beta.
    points = (np.array([0, 1, 1, 0]) - m) / (v.sum() / 4) + np.log(r)
    np.testing.assert_allclose(found.curves[0].point, points, rtol=1e-9)


def test_a_shifted_or_rescaled_time_leaves_the_test(patients: pd.DataFrame) -> None:
    one = cox(patients, **CASES["entry"]).proportionality("identity")
    doubled = patients.assign(time=2 * patients["time"], entry=2 * patients["entry"])
    other = cox(doubled, **CASES["entry"]).proportionality("identity")
    assert other.overall.statistic == pytest.approx(one.overall.statistic, rel=1e-9)


def test_an_effect_that_turns_is_found_and_a_constant_one_passes() -> None:
    rng = np.random.default_rng(3)
    n = 2000
    x = rng.integers(0, 2, n)
    # Hazard ratio 3 before time 1 and 1/3 after it, against a constant hazard of 1.
    early = rng.exponential(1 / np.where(x == 1, 3.0, 1.0))
    late = 1 + rng.exponential(1 / np.where(x == 1, 1 / 3, 1.0))
    turned = pd.DataFrame({"t": np.where(early < 1, early, late), "x": x, "e": True})
    found = cox(turned, time="t", event="e", terms=["x"]).proportionality()
    assert found.overall.p_value is not None
    assert found.overall.p_value < 1e-6
    assert {finding.column for finding in found.findings} == {"x", ""}
    assert found.curves[0].estimate[0] > 0.5 > -0.5 > found.curves[0].estimate[-1]
    constant = turned.assign(t=rng.exponential(np.where(x == 1, 0.5, 1.0)))
    calm = cox(constant, time="t", event="e", terms=["x"]).proportionality()
    assert calm.findings == ()


def test_events_at_one_time_give_no_test_but_a_reason() -> None:
    data = pd.DataFrame({"t": [2, 2, 2, 3, 3, 1], "e": [1, 1, 1, 0, 0, 0], "x": [1, 0, 1, 0, 1, 1]})
    found = cox(data, time="t", event="e", terms=["x"]).proportionality()
    assert found.overall.statistic is None
    assert (
        found.overall.reason == "the events are at too few times to tell whether the effect changes"
    )
    assert found.curves[0].reason is not None
    assert len(found.curves[0].estimate) == 0
    records = {record.quantity: record for record in checked(found.records("a"))}
    assert records["proportionality_test_all"].status == "not_estimable"


def test_a_level_without_events_is_left_out_of_its_term(patients: pd.DataFrame) -> None:
    asked = {**CASES["efron"], "event": "event_no_positive"}
    found = cox(patients, **asked).proportionality()
    assert [test.df for test in found.tests] == [1, 1, 1]
    assert found.overall.df == 3
    without = patients[patients["group"] != "positive"]
    group = {"name": "group", "levels": ["zero", "low"]}
    alone = cox(without, time="time", event="event", terms=[group, "age", "grade"])
    # Patients who left the risk sets still count in the Kaplan-Meier curve: other transforms agree.
    other = alone.proportionality("identity").overall.statistic
    found = cox(patients, **asked).proportionality("identity")
    assert found.overall.statistic == pytest.approx(other, rel=1e-7)


def test_the_logarithm_of_an_event_at_time_0_is_refused() -> None:
    data = pd.DataFrame({"t": [0, 1, 2, 3], "e": [1, 1, 1, 1], "x": [0, 1, 1, 0]})
    model = cox(data, time="t", event="e", terms=["x"])
    with pytest.raises(AnalysisError, match="1 events at time 0, which has no logarithm"):
        model.proportionality("log")
    with pytest.raises(AnalysisError, match="Did you mean 'rank'"):
        model.proportionality("ranks")


def test_weights_that_are_no_counts_are_said_to_be_tested_by_the_model(
    patients: pd.DataFrame,
) -> None:
    assert cox(patients, **EVERYTHING, terms=["age"]).proportionality().model_based
    assert not cox(patients, **TIED, terms=["age"]).proportionality().model_based
