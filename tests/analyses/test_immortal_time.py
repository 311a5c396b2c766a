"""The naive comparison of a late treatment is biased and three others are not: known truth."""

from __future__ import annotations

import math

import pytest

from analyses import clone_censor_weight, landmark, start_stop
from cohort.simulation import late_treatment_truth, simulated_late_treatment
from cohort.simulation.late_treatment import EXAMPLES

ASKED = {
    "time": "time",
    "event": "event",
    "treatment": "treated",
    "start": "start",
    "terms": ["age_years", "comorbidity"],
}
# Example: end of the window in which treatment starts, times of risks, end of the mean (days).
LOOKED_AT = {
    "postmastectomy_radiotherapy": (150, [1825], 2500),
    "metastatic_surgery": (180, [365, 1095], 1500),
}
N, SEED = 30_000, 20250131
Z = 3.3  # one in a thousand by chance


@pytest.fixture(scope="module", params=sorted(LOOKED_AT))
def example(request):
    name = request.param
    last, times, tau = LOOKED_AT[name]
    truth = late_treatment_truth(name, grace=last, times=times, tau=tau)
    return name, simulated_late_treatment(N, SEED, name), truth, LOOKED_AT[name]


def test_ever_against_never_from_time_zero_is_biased_as_in_the_published_example(example):
    name, data, truth, _ = example
    naive = start_stop(data, **ASKED).naive
    true = math.log(truth["hazard_ratio"])
    assert naive.conf_high < true
    assert naive.hazard_ratio[0] == pytest.approx(EXAMPLES[name].published, abs=0.05)


@pytest.mark.parametrize("method", ["landmark", "start_stop"])
def test_landmark_and_start_stop_give_the_conditional_hazard_ratio(example, method):
    _, data, truth, (last, _, _) = example
    # After the window nobody starts, so that the landmark's groups do not mix later.
    made = landmark(data, at=last, **ASKED) if method == "landmark" else start_stop(data, **ASKED)
    true = math.log(truth["hazard_ratio"])
    assert abs(made.effect.estimate - true) / made.effect.std_error < Z


def test_cloned_strategies_give_the_risks_of_potential_outcomes(example):
    _, data, truth, (last, times, tau) = example
    asked = {**ASKED, "grace": last, "times": times, "tau": tau, "seed": 1}
    made = clone_censor_weight(data, resamples=16, **asked)
    for difference in made.risk_differences:
        true = truth[f"risk_difference {difference.time:g}"]
        assert abs(difference.estimate - true) / difference.std_error < 4  # of few samples
    mean = made.mean_difference
    assert abs(mean.estimate - truth["rmst_difference"]) / mean.std_error < 4
    assert made.naive.estimate < made.effect.estimate - 0.03
    other = clone_censor_weight(data, resamples=0, model="pooled_logistic", **asked)
    assert other.mean_difference.estimate == pytest.approx(mean.estimate, abs=mean.std_error)


def test_the_truth_of_a_treatment_that_does_nothing_is_nothing():
    found = late_treatment_truth("postmastectomy_radiotherapy", grace=150, times=[1825], tau=2500)
    assert dict(found) == {"risk_difference 1825": 0, "rmst_difference": 0, "hazard_ratio": 1}
