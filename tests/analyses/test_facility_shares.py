"""Shares by facility against R's integrate, glmer and qbinom, by hand, and without variance."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.special import chdtrc

from analyses.estimators.facility_shares import facility_shares
from analyses.kernels.proportions import binomial_limits
from analyses.kernels.random_intercept import median_odds_ratio, random_intercept
from cohort.errors import AnalysisError

REFERENCE = Path(__file__).resolve().parent.parent / "reference"
LOW = {"name": "is_low", "levels": ["False", "True"]}


@pytest.fixture(scope="module")
def patients() -> pd.DataFrame:
    data = pd.read_csv(REFERENCE / "cox_data.csv")
    moved = (data["facility"] % 3 == 0) & (data["group"] == "positive")
    return data.assign(is_low=((data["group"] == "low") | moved).astype(str))


@pytest.fixture(scope="module")
def expected() -> Any:
    table = pd.read_csv(REFERENCE / "facility_shares.csv", keep_default_na=False)
    return lambda quantity: table[table["quantity"] == quantity]["value"].to_numpy(dtype=float)


def asked(data: pd.DataFrame, **options: Any) -> Any:
    given = {"of": LOW, "category": "True", "facility": "facility"} | options
    return facility_shares(data, **given)


def test_the_variance_between_facilities_equals_r(patients: pd.DataFrame, expected: Any) -> None:
    between = asked(patients).between
    assert between.mean == pytest.approx(expected("mean")[0], rel=1e-6)
    assert between.deviation == pytest.approx(expected("deviation")[0], rel=1e-6)
    assert between.std_error == pytest.approx(expected("std_error")[0], rel=1e-5)
    assert between.statistic == pytest.approx(expected("lr")[0], rel=1e-8)
    # Half a chi-square on 1 df, since a standard deviation cannot be below 0.
    assert between.p_value == pytest.approx(chdtrc(1, expected("lr")[0]) / 2, rel=1e-8)
    assert between.conf_low == pytest.approx(expected("low")[0], rel=1e-6)
    assert between.conf_high == pytest.approx(expected("high")[0], rel=1e-6)
    # lme4 and metafor stop a little before the maximum that the integral has.
    for quantity in ("glmer", "metafor"):
        found = [between.mean, between.deviation]
        np.testing.assert_allclose(found, expected(quantity), rtol=1e-5)


def test_the_limits_of_the_funnel_equal_r(patients: pd.DataFrame, expected: Any) -> None:
    share = float((patients["is_low"] == "True").mean())
    n = np.array([1.0, 5, 12, 40, 200])
    found = np.concatenate([*binomial_limits(share, n, 0.95), *binomial_limits(share, n, 0.998)])
    np.testing.assert_allclose(found, expected("limit"), rtol=1e-9, atol=1e-12)


def test_limits_of_two_patients_by_hand() -> None:
    """Of 2 patients at a share of 1/2 the distribution function is 1/4, 3/4, 1.

    The lower 10 % tail falls on 0: (0 - (1/4 - 1/10)/(1/4))/2 is below 0, so the limit is 0; the
    upper falls on 2: (2 - (1 - 9/10)/(1/4))/2 = 4/5.
    """
    low, high = binomial_limits(0.5, np.array([2.0]), 0.8)
    assert low[0] == 0
    assert high[0] == pytest.approx(4 / 5)


def test_facilities_that_do_not_differ_have_no_variance() -> None:
    found = random_intercept(np.full(6, 5.0), np.full(6, 10.0), 0.95)
    assert not isinstance(found, str)
    assert (found.deviation, found.low, found.statistic, found.p_value) == (0, 0, 0, 1)
    assert found.high is not None
    assert found.std_error == pytest.approx(1 / np.sqrt(60 / 4), rel=1e-6)
    assert median_odds_ratio(0) == 1


def test_facilities_are_placed_by_size_and_named_only_on_request(patients: pd.DataFrame) -> None:
    result = asked(patients, least_patients=11)
    sizes = [one.n for one in result.facilities]
    assert sizes == sorted(sizes, reverse=True)
    assert [one.name for one in result.facilities][:3] == ["1", "2", "3"]
    assert sum(sizes) == 300
    assert result.n_small == sum(n < 11 for n in sizes) > 0
    ids = {str(value) for value in patients["facility"]}
    assert {one.name for one in asked(patients, identify=True).facilities} == ids
    assert len(result.records("f")) == len({r.id for r in result.records("f")})


def test_each_year_has_its_own_spread(patients: pd.DataFrame) -> None:
    result = asked(patients, year="grade")
    assert [one.year for one in result.by_year] == [1, 2, 3]
    assert sum(one.n for one in result.by_year) == 300
    single = asked(patients[patients["grade"] == 2])
    assert result.by_year[1].deviation == pytest.approx(single.between.deviation, abs=1e-6)


def test_the_figure_hides_no_facility(patients: pd.DataFrame) -> None:
    result = asked(patients, least_patients=11)
    artists = result.plot()
    drawn = sum(len(line.get_xdata()) for _, _, line in artists.points)
    assert drawn == len(result.facilities) == 25
    grey = sum(len(line.get_xdata()) for _, is_grey, line in artists.points if is_grey)
    assert grey == result.n_small
    np.testing.assert_allclose(artists.curves[0].get_ydata(), result.low_95)


def test_one_facility_has_no_variance_and_says_so(patients: pd.DataFrame) -> None:
    result = asked(patients.assign(facility="a"))
    assert result.between.deviation is None
    assert "one facility only" in str(result.between.reason)
    assert len(result.failures) == 1
    result.records("f")


@pytest.mark.parametrize(
    ("k", "n", "said"),
    [
        ([8, 0], [8, 9], "all or none"),
        ([1, 0, 1, 1, 0], [1, 1, 1, 1, 1], "no facility has two patients"),
        ([3, 0, 2, 0, 0, 1], [3, 2, 2, 1, 4, 1], "all or none"),
    ],
)
def test_a_spread_that_is_not_identified_has_a_reason(
    k: list[int], n: list[int], said: str
) -> None:
    """All of some facilities and none of others: the likelihood rises with the deviation."""
    found = random_intercept(np.array(k, dtype=float), np.array(n, dtype=float), 0.95)
    assert isinstance(found, str)
    assert said in found


def test_a_year_whose_facilities_are_all_or_none_leaves_the_others_standing() -> None:
    rows = [(2010, f, f == "a") for f in "aaaabbbb"]
    rows += [(2011, f, i % 4 < 2 + (f == "a")) for i, f in enumerate("aaaabbbb")]
    data = pd.DataFrame(rows, columns=["year", "facility", "is_low"])
    result = asked(data.assign(is_low=data["is_low"].astype(str)), year="year")
    first, second = result.by_year
    assert "all or none" in str(first.reason)
    assert (first.deviation, first.std_error, first.median_odds_ratio) == (None, None, None)
    assert second.reason is None
    records = {r.id: r for r in result.records("f")}
    assert records["f/between_facility_deviation/True/2010"].status == "not_estimable"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"category": "Tru"}, "Did you mean 'True'"),
        ({"facility": "facilty"}, "Did you mean 'facility'"),
        ({"year": "age"}, "not whole numbers"),
        ({"year": "endless"}, "not whole numbers"),
        ({"year": "flag"}, "not whole numbers"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(
    options: dict[str, Any], said: str, patients: pd.DataFrame
) -> None:
    data = patients.assign(endless=np.inf, flag=patients["er"] == "yes")
    with pytest.raises(AnalysisError, match=said):
        asked(data, **options)


def test_a_facility_column_may_have_any_name(patients: pd.DataFrame) -> None:
    named = asked(patients.rename(columns={"facility": "counted"}), facility="counted")
    assert named.facilities == asked(patients).facilities
