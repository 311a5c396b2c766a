"""Standardised curves: against R, predictions averaged one by one, weights nudged, and by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from adjustment_cases import AT, BY, ER, FOLLOWED, GRADE, LEVELS, TAU, TERMS, agrees, patients

from analyses import cox
from analyses.adjustment.standardised_survival import standardised_survival
from analyses.kernels.standardised import (
    area_weights,
    functional,
    mean_density,
    mean_survival,
    nodes_of,
    value_weights,
)
from cohort.errors import AnalysisError

CASES = {
    "g_formula": {},
    "g_formula_att": {"target": "low"},
    "g_formula_entry": {"entry": "entry"},
    "g_formula_strata": {"terms": ["age", GRADE], "strata": "er"},
    "g_formula_crossed": {"terms": [*TERMS, {"interaction": ["group", "er"]}]},
}


def compared(data=None, **asked):
    given = patients() if data is None else data
    common = {"by": BY, "terms": TERMS, "times": AT, "tau": TAU}
    return standardised_survival(given, **FOLLOWED, **common | asked)


@pytest.mark.parametrize("case", CASES)
def test_curves_and_their_variance_are_those_of_r(case):
    agrees(compared(**CASES[case]), case, rtol=1e-6)


@pytest.mark.parametrize("case", ["g_formula", "g_formula_att", "g_formula_strata"])
def test_clusters_are_added_first(case):
    agrees(compared(**CASES[case], cluster="facility"), case, end="_cluster", rtol=1e-6)


def test_curves_are_the_mean_of_every_patients_own_prediction():
    data = patients().assign(group=lambda d: pd.Categorical(d.group, LEVELS, ordered=True))
    found = compared()
    model = cox(data, **FOLLOWED, terms=["group", *TERMS])
    times = found.curves[1].time
    for curve in found.curves:
        set_to = data.assign(group=pd.Categorical([curve.group] * len(data), LEVELS, ordered=True))
        own = model.predict_survival(set_to, list(times))["estimate"].to_numpy()
        mean = own.reshape(len(data), len(times)).mean(axis=0)
        np.testing.assert_allclose(curve.survival, mean, rtol=1e-12)


@pytest.mark.parametrize("spread", [0.0, 0.3, 2.0, 6.0])
def test_sums_over_nodes_are_sums_over_patients(spread):
    rng = np.random.default_rng(4)
    eta = spread * rng.standard_t(6, 500)
    hazard = np.concatenate([[0.0], np.geomspace(1e-6, 50, 40)])
    alive = np.exp(-np.outer(hazard, np.exp(eta)))
    on = nodes_of(eta, float(len(eta)))
    np.testing.assert_allclose(mean_survival(hazard, on), alive.mean(axis=1), atol=1e-12)
    dense = (alive * np.exp(eta)).mean(axis=1)
    np.testing.assert_allclose(mean_density(hazard, on), dense, atol=1e-11 * np.exp(eta.max()))
    weights, constant = area_weights(np.arange(1.0, 42.0), 30.5)
    value, slope = functional(eta, hazard, weights, constant)
    np.testing.assert_allclose(value, constant + weights @ alive, atol=1e-10)
    by_hand = -(weights * hazard) @ alive * np.exp(eta)
    np.testing.assert_allclose(slope, by_hand, atol=1e-9)


def test_a_time_before_the_first_event_is_survived_by_all():
    weights, constant = value_weights(np.array([2.0, 5.0]), 1.0)
    value, slope = functional(np.array([0.1, 0.2]), np.array([0.1, 0.3]), weights, constant)
    assert value.tolist() == [1.0, 1.0]
    assert slope.tolist() == [0.0, 0.0]


def test_by_hand_one_event_time_and_no_effect():
    """Four patients and two tied deaths.

    Of a and of b one each of x=0 and x=1; one of each group dies at 1, all else is censored at 2,
    so that by symmetry both coefficients are 0. Two deaths among 4: 1/4 + 1/3 = 7/12 (Efron).
    Every curve at 1 is exp(-7/12), the difference 0; the mean up to 2 is 1 + exp(-7/12).
    """
    data = pd.DataFrame(
        {
            "group": ["a", "a", "b", "b"],
            "x": [0.0, 1.0, 0.0, 1.0],
            "time": [1.0, 2.0, 2.0, 1.0],
            "event": [1, 0, 0, 1],
        }
    )
    found = standardised_survival(
        data,
        **FOLLOWED,
        by={"name": "group", "levels": ["a", "b"]},
        terms=["x"],
        times=[1],
        tau=2,
    )
    values = [m.estimate for m in found.means]
    alive = np.exp(-7 / 12)
    np.testing.assert_allclose(values, [alive, alive, 1 + alive, 1 + alive], rtol=1e-9)
    assert found.differences[0].estimate == pytest.approx(0, abs=1e-9)


def test_the_order_of_rows_and_the_reference_do_not_matter():
    first = compared()
    data = patients().sample(frac=1, random_state=1)
    other = compared(data, reference="positive")
    mine = {(m.quantity, m.group, m.time): m for m in first.means}
    for mean in other.means:
        same = mine[mean.quantity, mean.group, mean.time]
        assert mean.estimate == pytest.approx(same.estimate, rel=1e-9)
        assert mean.std_error == pytest.approx(same.std_error, rel=1e-7)


def test_the_bootstrap_does_not_depend_on_processes_and_tells_its_progress():
    seen = []
    one = compared(resamples=10, seed=3, progress=lambda done, of: seen.append((done, of)))
    two = compared(resamples=10, seed=3, processes=2)
    assert one.to_dict() == two.to_dict()
    assert seen[-1] == (10, 10)
    assert one.variance == "bootstrap"
    assert [m.estimate for m in one.means] == [m.estimate for m in compared().means]


def test_weighting_gives_the_same_shape():
    found = compared(method="weighting", target="low")
    assert found.method == "weighting"
    assert found.population == "patients of low"
    assert found.n_population == (patients().group == "low").sum()
    assert found.model is None
    assert found.records("s", "months")


def test_ratios_of_the_model_are_labelled_conditional_and_none_with_an_interaction():
    assert {r.meaning for r in compared().ratios} == {"conditional"}
    assert compared(**CASES["g_formula_crossed"]).ratios == ()


def test_a_curve_past_its_groups_follow_up_is_said_to_be_the_models():
    data = patients()
    data.loc[data.group == "positive", "time"] = data.time.clip(upper=20)
    found = compared(data)
    assert ("extrapolated_curve", "positive") in {(f.rule, f.value) for f in found.findings}


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"tau": 1e5}, "past the last follow-up"),
        ({"method": "matching"}, "matching"),
        ({"method": "weighting", "strata": "er"}, "no model of survival"),
        ({"target": "null"}, "null"),
        ({"terms": [{"name": "age", "time_varying": "log"}]}, "varies over time"),
        ({"terms": [BY]}, "makes the groups"),
        ({"resamples": 5}, "seed"),
    ],
)
def test_what_makes_no_sense_is_refused(asked, said):
    with pytest.raises(AnalysisError, match=said):
        compared(**asked)


def test_a_level_without_events_is_named_since_its_patients_have_no_curve():
    data = patients()
    data.loc[data.grade == 1, "event"] = 0
    terms = ["age", {**GRADE, "reference": "2"}, ER]
    with pytest.raises(AnalysisError, match="grade=1") as caught:
        compared(data, terms=terms)
    n = (data.grade == 1).sum()
    assert f"({n} patients, 0 events)" in str(caught.value)


def test_rows_left_out_are_counted_and_records_are_whole():
    data = patients()
    data.loc[:9, "age"] = np.nan
    found = compared(data)
    assert found.n_missing == (("age", 10),)
    assert found.records("s", "months")
    assert replace(found, model=None).to_dict()["model"] is None


def test_hazards_that_are_not_proportional_are_warned_of():
    data = patients()
    positive = data.group == "positive"
    data.loc[positive, "time"] = np.where(data.event[positive] == 1, 40, data.time[positive])
    found = compared(data, tau=None)
    (warned,) = [f for f in found.findings if f.rule == "not_proportional"]
    assert warned.n == len(data)
    assert "standardise by weighting" in warned.advice
    assert "not_proportional" not in {f.rule for f in compared().findings}
