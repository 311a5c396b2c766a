"""Rubin's rules and pooled tests: by hand, and as mice and mitml."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from analyses.imputation.rubin import barnard_rubin, d1, d2, pool, reiter
from tests.analyses.imputed_rows import REFERENCE


def test_three_imputations_by_hand():
    """Estimates 1, 2, 3 with squared errors 0.5, 1, 1.5, complete data of 10 degrees of freedom.

    Mean 2, within 1, between 1, total 1 + 4/3 = 7/3. r = 4/3. The share that is missing is
    (4/3)/(7/3) = 4/7: 2/(4/7)^2 = 6.125 degrees of freedom of the imputations; of the observed
    data 11/13 x 10 x 3/7 = 3.626374; together 1 / (1/6.125 + 1/3.626374) = 2.277800.
    Information missing: (4/3 + 2/(2.277800 + 3)) / (4/3 + 1) = 0.733835.
    """
    found = pool(np.array([1.0, 2.0, 3.0]), np.sqrt([0.5, 1.0, 1.5]), df_complete=10)
    assert found.estimate == 2
    assert found.within == pytest.approx(1, rel=1e-14)
    assert found.between == pytest.approx(1, rel=1e-14)
    assert found.std_error == pytest.approx(math.sqrt(7 / 3), rel=1e-14)
    assert found.riv == pytest.approx(4 / 3, rel=1e-14)
    observed = 11 / 13 * 10 * 3 / 7
    df = 6.125 * observed / (6.125 + observed)
    assert found.df == pytest.approx(df, rel=1e-12)
    assert found.fmi == pytest.approx((4 / 3 + 2 / (df + 3)) / (7 / 3), rel=1e-12)
    assert found.statistic == pytest.approx(2 / math.sqrt(7 / 3), rel=1e-14)


def test_imputations_that_agree_leave_the_complete_data():
    found = pool(np.array([1.5, 1.5]), np.array([0.5, 0.5]), df_complete=20)
    assert (found.between, found.riv, found.std_error) == (0, 0, 0.5)
    assert found.df == pytest.approx(21 / 23 * 20)
    assert math.isinf(pool(np.array([1.0, 1.0]), np.array([0.5, 0.5])).df)


def test_no_standard_error_has_no_test_and_no_limits():
    found = pool(np.array([1.0, 1.0]), np.array([0.0, 0.0]))
    assert (found.statistic, found.p_value, found.conf_low) == (None, None, None)


@pytest.mark.parametrize(
    ("estimates", "errors"),
    [([1.0], [1.0]), ([1.0, np.nan], [1.0, 1.0]), ([1.0, 2.0], [1.0])],
)
def test_what_cannot_be_pooled_is_refused(estimates, errors):
    with pytest.raises(ValueError, match="imputation"):
        pool(np.array(estimates), np.array(errors))


def test_degrees_of_freedom_as_mice():
    table = pd.read_csv(REFERENCE / "imputed_cox.csv")
    events = pd.read_csv(REFERENCE / "imputed_rows.csv")["event"].sum()
    for row in table.itertuples():
        df = barnard_rubin(5, row.between, row.std_error**2, events - 4)
        assert df == pytest.approx(row.df, rel=1e-10)


def test_one_parameter_of_two_imputations_by_hand():
    """D1 of estimates 1 and 3, variance 1 each: mean 2, between 2, r = 1.5 x 2 = 3.

    F = 4 / (1 + 3) = 1. With k (m - 1) = 1 there are no degrees of freedom to say how rare it is.
    """
    found = d1(np.array([[1.0], [3.0]]), np.ones((2, 1, 1)))
    assert (found.statistic, found.riv) == (1, 3)
    assert found.p_value is None
    assert "too few" in str(found.reason)


def test_d2_by_hand():
    """Wald statistics 4 and 16 of one parameter: roots 2 and 4, variance 2, r = 1.5 x 2 = 3.

    F = (10 - 3 x 3) / (1 + 3) = 0.25; degrees of freedom 1 x (1 + 1/3)^2 = 16/9.
    """
    found = d2(np.array([4.0, 16.0]), 1)
    assert found.riv == pytest.approx(3)
    assert found.statistic == pytest.approx(0.25)
    assert found.df_residual == pytest.approx(16 / 9)


def test_d1_needs_no_more_than_the_complete_data_where_nothing_is_missing():
    assert reiter(20, 3, 0.0, 100) == 100
    assert reiter(2, 3, 0.5, 100) is None


def test_a_singular_covariance_is_a_reason():
    found = d1(np.ones((3, 2)), np.zeros((3, 2, 2)))
    assert found.statistic is None
    assert "singular" in str(found.reason)


def test_estimates_that_differ_without_any_error_have_no_limits_and_a_reason():
    found = pool(np.array([1.0, 2.0]), np.zeros(2), df_complete=10)
    assert (found.df, found.p_value, found.conf_low, found.conf_high) == (0, None, None, None)
    assert "0 degrees of freedom" in found.reason


def test_less_than_one_degree_of_freedom_gives_no_limits():
    found = pool(np.array([1.0, 5.0]), np.array([0.5, 0.5]), df_complete=1)
    assert 0 < found.df < 1
    assert (found.estimate, found.conf_high) == (3, None)
    assert "too few for limits" in found.reason


def test_d1_says_whether_imputations_or_patients_are_too_few():
    estimates = np.array([[1.0 + 0.1 * i, 2.0 - 0.1 * i] for i in range(20)])
    found = d1(estimates, np.tile(np.eye(2), (20, 1, 1)), df_complete=2)
    assert found.p_value is None
    assert "2 degrees of freedom of complete data are too few" in found.reason
