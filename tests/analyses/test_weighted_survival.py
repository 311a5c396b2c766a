"""Weighted comparisons against R, by hand, and against the truth of what they aim at."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from adjustment_cases import (
    AT,
    BY,
    FOLLOWED,
    LEVELS,
    TAU,
    TERMS,
    agrees,
    errors_of_differences,
    expected,
    numbers,
    patients,
)

from analyses.adjustment.standardised_survival import standardised_survival
from analyses.adjustment.weighted_curves import Asked
from analyses.adjustment.weighted_survival import _patients, _Plan, weighted_survival
from analyses.estimators.resampling import TOO_FEW
from cohort.errors import AnalysisError

CASES = {
    "ate": {"truncate": None},
    "truncated": {},
    "att": {"estimand": "att", "target": "low", "truncate": None},
    "ato": {"estimand": "ato"},
}


def compared(data=None, **asked):
    given = patients() if data is None else data
    return weighted_survival(
        given, **FOLLOWED, by=BY, terms=TERMS, **{"times": AT, "tau": TAU} | asked
    )


def by_weights(data, **asked):
    return standardised_survival(
        data, **FOLLOWED, by=BY, terms=TERMS, method="weighting", **{"times": AT} | asked
    )


def ratios(result, method, name="estimate"):
    return [getattr(r, name) for r in result.ratios if r.method == method]


@pytest.mark.parametrize("case", CASES)
def test_ratios_curves_and_their_errors_are_those_of_r(case):
    found = compared(**CASES[case], outcome_terms=TERMS)
    weighted = ratios(found, "weighted"), ratios(found, "weighted", "std_error")
    np.testing.assert_allclose(weighted[0], expected(case, "log_ratio"), rtol=1e-7)
    np.testing.assert_allclose(weighted[1], expected(case, "log_ratio_error"), rtol=1e-7)
    both = ratios(found, "weights and terms"), ratios(found, "weights and terms", "std_error")
    np.testing.assert_allclose(both[0], expected(case, "both"), rtol=1e-7)
    np.testing.assert_allclose(both[1], expected(case, "both_error"), rtol=1e-7)
    agrees(found, case, rtol=1e-7)


@pytest.mark.parametrize("case", ["ate", "ato"])
def test_clusters_and_delayed_entry_are_those_of_r(case):
    found = compared(**CASES[case], cluster="facility")
    error = expected(case, "log_ratio_error_cluster")
    np.testing.assert_allclose(ratios(found, "weighted", "std_error"), error, rtol=1e-7)
    agrees(found, f"{case}_cluster", rtol=1e-7)
    late = compared(**CASES[case], entry="entry")
    np.testing.assert_allclose(ratios(late, "weighted"), expected(case, "entry"), rtol=1e-7)
    error = expected(case, "entry_error")
    np.testing.assert_allclose(ratios(late, "weighted", "std_error"), error, rtol=1e-7)


def test_the_survey_package_has_the_same_variance():
    found = compared()
    np.testing.assert_allclose(
        ratios(found, "weighted"), expected("survey", "log_ratio"), rtol=1e-7
    )
    error = expected("survey", "log_ratio_error")
    np.testing.assert_allclose(ratios(found, "weighted", "std_error"), error, rtol=1e-6)


def test_curve_errors_are_those_of_the_weighted_curves_without_clusters():
    found = compared()
    at = found.curves.at(AT).sort_values(["time", "group"], key=lambda c: c if c.name == "time" else
                                         c.map(LEVELS.index))  # fmt: skip
    own = [m.std_error for m in found.means if m.quantity == "survival"]
    np.testing.assert_allclose(at["std_error"], own, rtol=1e-10)


def test_by_hand_weights_of_a_saturated_model():
    """Two groups, x binary. x=0: zero 1, low 3; x=1: zero 3, low 1. Times 1..4 by patient.

    ATT of low: zero at x=0 weighs e_low/e_zero = 3, at x=1 1/3. Zero: (x=0, t=2, event), (x=1: t=1
    event, t=3 event, t=4 censored). Survival of zero: total 3 + 3/3 = 4; at 1: 1 - (1/3)/4 =
    11/12; at 2: times 1 - 3/(11/3) = 2/11, so 1/6. Low, all weight 1, dies at 4 only (one of four
    still there): survival at 2 is 1. Difference at 2: 5/6. RMST to 2 of zero: 1 + 11/12 = 23/12.
    """
    data = pd.DataFrame(
        {
            "group": ["zero", "low", "low", "low", "zero", "zero", "zero", "low"],
            "x": [False] * 4 + [True] * 4,
            "time": [2.0, 4, 5, 5, 1, 3, 4, 5],
            "event": [1, 1, 0, 0, 1, 1, 0, 0],
        }
    )
    found = weighted_survival(
        data,
        **FOLLOWED,
        by={"name": "group", "levels": ["zero", "low"]},
        terms=["x"],
        estimand="att",
        target="low",
        truncate=None,
        times=[1, 2],
        tau=2,
    )
    values = {(m.quantity, m.group, m.time): m.estimate for m in found.means}
    assert values["survival", "zero", 1] == pytest.approx(11 / 12, rel=1e-12)
    assert values["survival", "zero", 2] == pytest.approx(1 / 6, rel=1e-12)
    assert values["survival", "low", 2] == 1
    assert values["rmst", "zero", 2] == pytest.approx(23 / 12, rel=1e-12)
    (difference,) = [
        d for d in found.differences if d.time == 2 and d.quantity == "survival_difference"
    ]
    assert difference.estimate == pytest.approx(5 / 6, rel=1e-12)
    assert difference.std_error is None
    assert "low is 0" in difference.reason


def test_labels_say_what_a_ratio_is_of():
    found = compared(outcome_terms=TERMS, estimand="ato")
    said = {(r.method, r.meaning, r.population) for r in found.ratios}
    assert said == {
        ("unadjusted", "marginal", "each group's own patients"),
        ("weighted", "marginal", "patients who could be of any group"),
        ("weights and terms", "conditional", "patients alike in the terms"),
    }


def test_the_bootstrap_refits_and_does_not_depend_on_processes():
    plain = compared(estimand="ato")
    one = compared(estimand="ato", resamples=12, seed=5)
    two = compared(estimand="ato", resamples=12, seed=5, processes=2)
    assert one.to_dict() == two.to_dict()
    assert one.variance == "bootstrap, propensity refitted"
    assert ratios(one, "weighted") == ratios(plain, "weighted")
    assert ratios(one, "weighted", "std_error") != ratios(plain, "weighted", "std_error")
    assert ratios(one, "unadjusted") == ratios(plain, "unadjusted")


def test_clusters_are_drawn_whole():
    found = compared(estimand="ato", resamples=8, seed=5, cluster="facility")
    assert found.n_cluster == 30
    assert found.n_samples == 8


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"tau": 1e6}, "past the last time of group"),
        ({"times": (-1,)}, "finite time above 0"),
        ({"reference": "null"}, "reference 'null'"),
        ({"resamples": 5}, "seed"),
        ({"outcome_terms": [BY]}, "makes the groups"),
    ],
)
def test_what_makes_no_sense_is_refused(asked, said):
    with pytest.raises(AnalysisError, match=said):
        compared(**asked)


def test_a_time_past_a_group_has_no_number_and_says_so():
    data = patients()
    data.loc[data.group == "positive", "time"] = data.time.clip(upper=20)
    found = compared(data, tau=None)
    late = [m for m in found.means if m.group == "positive" and m.time == 25]
    assert late[0].estimate is None
    assert "past the follow-up" in late[0].reason
    assert next(d for d in found.differences if d.group == "positive" and d.time == 25).reason


def short(n_late):
    """Patients of positive followed to 20, but for a few who are followed past 25."""
    data = patients()
    late = data.index[(data.group == "positive") & (data.time > 25)]
    clipped = data.time.clip(upper=20)
    data["time"] = data.time.where((data.group != "positive") | data.index.isin(late[:n_late]),
                                   clipped)  # fmt: skip
    return data


@pytest.mark.parametrize("compare", [compared, by_weights])
def test_a_sample_whose_curve_ends_before_the_time_is_left_out_and_counted(compare):
    found = compare(short(4), tau=None, resamples=60, seed=1)
    lost = [f.n for f in found.findings if f.rule == "samples_without_estimate"]
    assert lost == [60 - found.n_samples]
    assert 0 < lost[0] <= 6
    assert (numbers(found, "survival", 25, "std_error") > 0).all()
    assert (errors_of_differences(found, "survival", 25) > 0).all()


@pytest.mark.parametrize("compare", [compared, by_weights])
def test_where_too_few_samples_are_left_numbers_have_that_reason_and_no_error(compare):
    found = compare(short(1), tau=None, resamples=40, seed=1)
    assert 20 <= found.n_samples < 36
    shown = [*found.means, *found.differences, *(r for r in found.ratios if r.method == "weighted")]
    assert {(s.std_error, s.reason) for s in shown} == {(None, TOO_FEW)}
    assert all(s.estimate is not None for s in shown)
    assert list(found.records("w", "months"))


def test_a_sample_without_the_middle_group_is_left_out():
    data = patients()
    low = data.index[data.group == "low"]
    data = data.drop(low[6:])
    plan = _Plan(
        _patients(data, ("time", "event", None), BY, None, (["age"], ()), None),
        ("age",), ("ate", None, None), (), Asked((10.0,), None), 0.95,
    )  # fmt: skip
    with pytest.raises(AnalysisError, match="group without a patient"):
        plan.sample(np.flatnonzero(data.group != "low"))


def test_a_sample_without_a_hazard_ratio_is_left_out_of_the_curves_too():
    data = patients()
    positive = data.group == "positive"
    events = data.index[positive & (data.event == 1)]
    data.loc[events[4:], "event"] = 0
    found = compared(data, tau=None, times=(10.0,), resamples=60, seed=1)
    assert 54 <= found.n_samples < 60
    assert all(error > 0 for error in ratios(found, "weighted", "std_error"))


def test_records_are_whole():
    found = compared(outcome_terms=TERMS)
    ids = [record.id for record in found.records("w", "months")]
    assert "w/log_hazard_ratio/low/weighted/marginal, all patients/zero" in ids
    assert found.without_rows().propensity.scores is None
    assert found.summary["estimate"].notna().all()
