"""Conditional models of imputation: as statsmodels fits them, as mice augments and matches."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

from analyses.imputation.augmented import augmented
from analyses.kernels import logit, ordered_logit
from analyses.kernels.donors import nearest
from analyses.kernels.lived_through import lived_through
from analyses.kernels.logit import Part
from analyses.kernels.normal_draws import independent, regression
from tests.analyses.imputed_rows import REFERENCE

P = 4


@pytest.fixture(scope="module")
def patients():
    draw = np.random.default_rng(20250131)
    n = 3000
    x = np.column_stack([np.ones(n), draw.normal(size=(n, 2)), draw.random(n) < 0.3])
    beta = np.array([[0.2, 0.5, -0.4, 0.3], [-0.5, 0.2, 0.6, -0.7]])
    chance = logit.probabilities(x, beta)
    y = (draw.random(n) > chance.cumsum(axis=0)[:-1]).sum(axis=0)
    return x, y


def covariance(found):
    return np.linalg.inv(found.at.information)


def test_logistic_regression_as_statsmodels(patients):
    import statsmodels.api as sm

    x, y = patients
    parts = [Part(x, (y > 0).astype(np.intp), None)]
    found = logit.fit(parts, np.zeros((1, P)), np.ones(P, dtype=bool), close=1e-9)
    expected = sm.Logit(y > 0, x).fit(disp=0, tol=1e-14)
    np.testing.assert_allclose(found.beta, expected.params, rtol=1e-8)
    np.testing.assert_allclose(covariance(found), expected.cov_params(), rtol=1e-7)
    assert found.at.log_likelihood == pytest.approx(expected.llf, rel=1e-12)


def test_multinomial_regression_as_statsmodels(patients):
    import statsmodels.api as sm

    x, y = patients
    found = logit.fit([Part(x, y, None)], np.zeros((2, P)), np.ones(P, dtype=bool), close=1e-9)
    expected = sm.MNLogit(y, x).fit(disp=0, method="newton", tol=1e-14)
    np.testing.assert_allclose(found.beta.reshape(2, P).T, expected.params, rtol=1e-7)
    np.testing.assert_allclose(covariance(found), expected.cov_params(), rtol=1e-7, atol=1e-12)


def test_ordered_regression_as_statsmodels(patients):
    from statsmodels.miscmodels.ordinal_model import OrderedModel

    x, y = patients
    use = np.array([False, True, True, True])
    start = ordered_logit.start_of(np.bincount(y).astype(float), P)
    found = ordered_logit.fit([Part(x, y, None)], 3, start, use, close=1e-9)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = OrderedModel(y, x[:, 1:], distr="logit").fit(
            method="bfgs", disp=0, gtol=1e-10, maxiter=500
        )
    np.testing.assert_allclose(found.beta[3:], expected.params[:3], rtol=1e-6)
    thresholds = expected.model.transform_threshold_params(expected.params)[1:-1]
    np.testing.assert_allclose(found.beta[:2], thresholds, rtol=1e-6)
    assert found.at.log_likelihood == pytest.approx(expected.llf, rel=1e-10)


def test_the_information_of_the_ordered_model_is_the_derivative_of_its_score(patients):
    x, y = patients
    parts = [Part(x[:200], y[:200], np.linspace(0.5, 2, 200))]
    values = np.array([-0.3, 0.9, 0.0, 0.2, -0.1, 0.4])
    at = ordered_logit.evaluate(parts, values, 3)
    for k in range(len(values)):
        step = np.zeros(len(values))
        step[k] = 1e-6
        up, down = (ordered_logit.evaluate(parts, values + s, 3) for s in (step, -step))
        np.testing.assert_allclose(
            (down.score - up.score) / 2e-6, at.information[k], rtol=1e-5, atol=1e-5
        )
        slope = (up.log_likelihood - down.log_likelihood) / 2e-6
        assert slope == pytest.approx(at.score[k], rel=1e-6, abs=1e-5)


def test_parts_and_weights_add_as_repeated_rows(patients):
    x, y = patients
    x, y = x[:50], y[:50]
    twice = logit.evaluate([Part(x, y, None), Part(x[:20], y[:20], None)], np.full((2, P), 0.1))
    weight = np.where(np.arange(50) < 20, 2.0, 1.0)
    weighted = logit.evaluate([Part(x, y, weight)], np.full((2, P), 0.1))
    np.testing.assert_allclose(twice.information, weighted.information, rtol=1e-12)
    np.testing.assert_allclose(twice.score, weighted.score, rtol=1e-12)
    assert twice.log_likelihood == pytest.approx(weighted.log_likelihood, rel=1e-12)


def test_a_known_information_is_taken_as_it_is(patients):
    x, y = patients
    full = logit.evaluate([Part(x, y, None)], np.full((2, P), 0.1))
    quick = logit.evaluate([Part(x, y, None)], np.full((2, P), 0.1), np.eye(2 * P))
    np.testing.assert_array_equal(full.score, quick.score)
    assert full.log_likelihood == quick.log_likelihood


def test_augmented_rows_as_mice():
    rows = pd.read_csv(REFERENCE / "imputed_rows.csv")
    seen = rows["grade"].notna()
    x = np.column_stack([np.ones(seen.sum()), rows["age_1"][seen] / 10, rows["receptor"][seen]])
    found = augmented(x, np.ones(3, dtype=bool), 3)
    expected = pd.read_csv(REFERENCE / "imputed_augmented.csv")
    ours = pd.DataFrame(
        {"level": found.y + 1, "age": found.x[:, 1], "receptor": found.x[:, 2]}
    ).assign(weight=found.weight)
    keys = ["level", "age", "receptor"]
    both = (ours.sort_values(keys), expected.sort_values(keys))
    np.testing.assert_allclose(both[0].to_numpy(), both[1].to_numpy(), rtol=1e-12)
    assert (found.x[:, 0] == 1).all()


def test_perfect_prediction_has_finite_estimates_with_augmented_rows():
    x = np.column_stack([np.ones(40), np.repeat([0.0, 1.0], 20)])
    y = np.repeat([0, 1], 20)
    use = np.ones(2, dtype=bool)
    found = logit.fit([Part(x, y, None), augmented(x, use, 2)], np.zeros((1, 2)), use)
    assert found.status == "converged"
    assert 2 < found.beta[1] < 20
    assert np.linalg.eigvalsh(found.at.information).min() > 0.01


def test_the_nearest_donor_as_mice():
    table = pd.read_csv(REFERENCE / "imputed_donors.csv")
    donors, wanted = table["donor"].to_numpy(), table["wanted"].dropna().to_numpy()
    zero = np.zeros(len(wanted))
    found = donors[nearest(donors, wanted, 1, zero, zero)]
    np.testing.assert_array_equal(found, table["nearest"].dropna())


def test_matching_by_explicit_cases():
    """Predictions 0, 1, 2, 4, 8: the three nearest to 1.9 are 2, 1, 0 (before 4)."""
    donors = np.array([4.0, 0.0, 8.0, 1.0, 2.0])
    ranks = np.array([0.0, 0.4, 0.7])
    found = nearest(donors, np.full(3, 1.9), 3, ranks, np.zeros(3))
    np.testing.assert_array_equal(donors[found], [2.0, 1.0, 0.0])
    # Beyond the ends, and with more donors asked for than there are.
    ends = nearest(donors, np.array([-5.0, 50.0]), 9, np.zeros(2), np.zeros(2))
    np.testing.assert_array_equal(donors[ends], [0.0, 8.0])
    last = nearest(donors, np.array([-5.0, 50.0]), 9, np.full(2, 0.99), np.zeros(2))
    np.testing.assert_array_equal(donors[last], [8.0, 0.0])


def test_donors_with_one_prediction_are_drawn_for_each_patient_anew():
    donors = np.zeros(1000)
    draw = np.random.default_rng(1)
    found = nearest(donors, np.full(5000, 0.1), 5, draw.random(5000), draw.random(5000))
    assert len(np.unique(found)) > 950


def test_each_of_the_nearest_is_drawn_equally_often():
    donors = np.arange(20.0)
    draw = np.random.default_rng(2)
    found = nearest(donors, np.full(50_000, 9.6), 5, draw.random(50_000), draw.random(50_000))
    counts = np.bincount(found, minlength=20)
    np.testing.assert_array_equal(np.flatnonzero(counts), [8, 9, 10, 11, 12][:5])
    np.testing.assert_allclose(counts[8:13] / 50_000, 0.2, atol=0.01)


def test_a_drawn_regression_has_the_mean_and_spread_of_its_posterior():
    """Four rows, y = 1, 2, 4, 5 on x = 0, 1, 2, 3: slope 1.4, intercept 0.9, residuals 0.2 squared.

    Residuals 0.1, -0.3, 0.3, -0.1: sum of squares 0.2 with 2 degrees of freedom.
    """
    x = np.column_stack([np.ones(4), np.arange(4.0)])
    y = np.array([1.0, 2, 4, 5])
    draw = np.random.default_rng(3)
    lines = [regression(x.T @ x, x.T @ y, float(y @ y), 4, draw) for _ in range(20_000)]
    np.testing.assert_allclose(lines[0].estimate, [0.9, 1.4], rtol=1e-12)
    precision = np.array([1 / line.sigma**2 for line in lines])
    assert precision.mean() == pytest.approx(2 / 0.2, rel=0.03)
    # Given sigma, the slope is normal with variance sigma^2 / 5.
    slopes = np.array([(line.drawn[1] - 1.4) / line.sigma for line in lines])
    assert slopes.std() == pytest.approx(np.sqrt(1 / 5), rel=0.03)
    assert slopes.mean() == pytest.approx(0, abs=0.02)
    both = np.array([(line.drawn - line.estimate) / line.sigma for line in lines])
    np.testing.assert_allclose(np.cov(both.T), np.linalg.inv(x.T @ x), atol=0.03)


def test_columns_that_others_determine_are_left_out():
    draw = np.random.default_rng(4)
    x = draw.normal(size=(50, 3))
    x = np.column_stack([x, x[:, 0] + x[:, 1], np.zeros(50)])
    kept, _, _ = independent(x.T @ x)
    assert len(kept) == 3
    y = x[:, 2]
    line = regression(x.T @ x, x.T @ y, float(y @ y), 50, draw)
    assert len(line.dropped) == 1
    assert regression(x.T @ x, x.T @ y, float(y @ y), 3, draw) is None


def test_the_hazard_lived_through_as_survfit_and_mice():
    rows = pd.read_csv(REFERENCE / "imputed_rows.csv")
    expected = pd.read_csv(REFERENCE / "imputed_hazard.csv")
    event = rows["event"].to_numpy(bool)
    time, fine = rows["time"].to_numpy(float), rows["fine"].to_numpy()
    np.testing.assert_allclose(lived_through(time, event), expected["tied"], rtol=1e-12)
    np.testing.assert_allclose(lived_through(fine, event), expected["fine"], rtol=1e-12)
    entered = lived_through(time, event, time / 4)
    np.testing.assert_allclose(entered, expected["entered"], rtol=1e-10, atol=1e-14)


def test_the_hazard_of_three_patients_by_hand():
    """Events at 2 and 3, a censoring at 2: hazards 1/3 at 2 (three at risk), then 1 at 3."""
    found = lived_through(np.array([2.0, 2.0, 3.0]), np.array([True, False, True]))
    np.testing.assert_allclose(found, [1 / 3, 1 / 3, 4 / 3])
