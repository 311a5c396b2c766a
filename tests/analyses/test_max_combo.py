from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import chdtrc

from analyses import logrank, max_combo
from analyses.kernels import max_combo as kernel
from analyses.kernels.logrank import fleming_harrington, risk_sets
from analyses.results.max_combo import MaxCombo
from cohort.errors import AnalysisError

REFERENCE = Path(__file__).resolve().parent.parent / "reference"
NAMES: dict[str, Any] = {"time": "time", "event": "event"}
GROUPS = {"name": "group", "levels": ["1", "2", "3"]}
PAIR = {"name": "group", "levels": ["1", "2"]}


def rows() -> pd.DataFrame:
    frame = pd.read_csv(REFERENCE / "rows.csv")
    younger = frame["age"].isna() | (frame["age"] < 64)
    half = np.where(younger, "younger", "older")
    return frame.assign(group=frame["group"].astype(str), half=half)


def fitted(case: str) -> MaxCombo:
    frame = rows()
    pair = frame[frame["group"] != "3"]
    match case:
        case "two":
            return max_combo(pair, **NAMES, by=PAIR)
        case "ages":
            return max_combo(frame, **NAMES, by={"name": "half", "levels": ["younger", "older"]})
        case "two_entry_strata":
            return max_combo(pair, **NAMES, by=PAIR, entry="entry", strata="stratum")
        case "trend":
            return max_combo(frame, **NAMES, by=GROUPS, trend="linear")
        case "trend_whole_strata":
            return max_combo(
                frame, **NAMES, by=GROUPS, weights="whole", strata="stratum", trend=(-2, -1, 3)
            )
        case "three":
            return max_combo(frame, **NAMES, by=GROUPS)
        case _:
            return max_combo(frame, **NAMES, by=GROUPS, weights="whole", strata="stratum")


def answer(case: str) -> dict[str, Any]:
    table = pd.read_csv(REFERENCE / "max_combo.csv")
    table = table[table["case"] == case]
    return {name: part["value"].to_numpy() for name, part in table.groupby("quantity")}


@pytest.mark.parametrize("case", ["two", "ages", "two_entry_strata", "trend", "trend_whole_strata"])
def test_four_statistics_their_correlation_and_p_equal_those_of_r(case: str) -> None:
    r = answer(case)
    result = fitted(case)
    statistics = [part.statistic for part in result.parts]
    np.testing.assert_allclose(statistics, r["z"] ** 2, rtol=1e-10)
    np.testing.assert_allclose(result.correlation, r["correlation"].reshape(4, 4), rtol=1e-9)
    assert result.statistic == pytest.approx(max(r["z"] ** 2), rel=1e-10)
    assert result.p_value == pytest.approx(r["p_value"][0], rel=2e-5, abs=1e-10)


@pytest.mark.parametrize("case", ["three", "three_whole_strata"])
def test_chi_squares_of_three_groups_equal_those_of_r(case: str) -> None:
    statistics = [part.statistic for part in fitted(case).parts]
    np.testing.assert_allclose(statistics, answer(case)["chi_square"], rtol=1e-10)


def joint(levels: list[str]) -> kernel.Joint:
    frame = rows()
    frame = frame[frame["group"].isin(levels)]
    codes = frame["group"].map(levels.index).to_numpy(dtype=np.intp)
    time = frame["time"].to_numpy(dtype=float)
    cells = risk_sets(time, frame["event"].to_numpy() == 1, codes, len(levels))
    exponents = ((0, 0), (1, 0), (0, 1), (1, 1))
    weights = np.array([fleming_harrington(cells, *pair) for pair in exponents])
    return kernel.joint_tests(cells, weights)


@pytest.mark.parametrize("bound", [0.5, 4.0, 9.0, 40.0, 200.0])
def test_the_sequence_gives_what_quadrature_gives_in_the_tail_as_well(bound: float) -> None:
    found = joint(["1", "2"])._replace(statistic=np.array([bound, 0, 0, 0]))
    assert found.loadings[0].shape == (1, 3)
    by_sequence = kernel._by_sequence(list(found.loadings), [bound] * 4)
    assert by_sequence == pytest.approx(kernel.any_p_value(found), rel=1e-3)


def test_p_of_three_groups_is_what_drawing_from_the_joint_distribution_gives() -> None:
    found = joint(["1", "2", "3"])
    assert [loading.shape for loading in found.loadings] == [(2, 6)] * 4
    draws = np.random.default_rng(7).standard_normal((400_000, 6))
    squares = np.array([((draws @ loading.T) ** 2).sum(axis=1) for loading in found.loadings])
    for bound in (2.0, 5.0, 9.0):
        asked = found._replace(statistic=np.full(4, bound))
        share = float((squares.max(axis=0) >= bound).mean())
        spread = np.sqrt(share * (1 - share) / 400_000)
        assert kernel.any_p_value(asked) == pytest.approx(share, abs=4 * spread)


SEVEN = pd.DataFrame(
    {
        "time": [1, 3, 4, 2, 3, 5, 6],
        "event": [1, 1, 0, 1, 1, 1, 0],
        "group": ["a", "a", "a", "b", "b", "b", "b"],
    }
)
AB = {"name": "group", "levels": ["a", "b"]}


def test_seven_patients_by_hand() -> None:
    """Group a: 1 3 4+, group b: 2 3 5 6+.

    At 1, 2 and 3 (at 5 only b is at risk) observed less expected of a is 4/7, -1/3, 1/5; variance
    12/49, 2/9, 9/25; S(t-) 1, 6/7, 5/7.
    Weights (1, 0): 1, 6/7, 5/7; (0, 1): 0, 1/7, 2/7; (1, 1): 0, 6/49, 10/49.
    """
    difference = np.array([4 / 7, -1 / 3, 1 / 5])
    variance = np.array([12 / 49, 2 / 9, 9 / 25])
    weights = np.array([[1, 1, 1], [1, 6 / 7, 5 / 7], [0, 1 / 7, 2 / 7], [0, 6 / 49, 10 / 49]])
    covariance = weights * variance @ weights.T
    result = max_combo(SEVEN, **NAMES, by=AB)
    statistics = (weights @ difference) ** 2 / covariance.diagonal()
    np.testing.assert_allclose(
        [p.statistic for p in result.parts], statistics, rtol=1e-12, atol=1e-14
    )
    scale = np.sqrt(covariance.diagonal())
    correlation = covariance / np.outer(scale, scale)
    np.testing.assert_allclose(result.correlation, correlation, rtol=1e-12)
    assert result.best == 1
    assert result.statistic == pytest.approx(9 / 29, rel=1e-12)


def test_one_event_to_compare_leaves_one_test_and_its_own_p() -> None:
    frame = pd.DataFrame({"time": [1, 2, 3, 4], "event": [1, 0, 0, 0], "group": list("abab")})
    result = max_combo(frame, **NAMES, by=AB)
    assert [part.df for part in result.parts] == [1, 1, 0, 0]
    statistic = logrank(frame, **NAMES, by=AB).statistic
    assert statistic is not None
    assert result.statistic == pytest.approx(statistic, rel=1e-12)
    assert result.p_value == pytest.approx(float(chdtrc(1, statistic)), rel=1e-12)
    late = {r.id: r for r in result.records("mc")}[
        "mc/max_combo_part/group/Fleming-Harrington (0, 1)"
    ]
    assert (late.status, late.reason) == (
        "not_estimable",
        "with these weights no event compares the groups",
    )


def test_without_events_there_is_no_test_and_the_reason_is_given() -> None:
    result = max_combo(SEVEN.assign(event=0), **NAMES, by=AB)
    assert (result.statistic, result.p_value, result.best) == (None, None, None)
    assert result.reason == "no event in any group"
    json.dumps(result.to_dict(), allow_nan=False)
    assert {r.status for r in result.records("mc") if "part" in r.id} == {"not_estimable"}


def test_p_is_the_same_at_every_call() -> None:
    assert fitted("three").p_value == fitted("three").p_value


def test_crossing_curves_are_found_where_the_logrank_test_is_blind() -> None:
    early = pd.DataFrame({"time": range(1, 81), "event": 1, "group": "a"})
    late = pd.DataFrame({"time": np.repeat([2, 41, 42, 43], 20), "event": 1, "group": "b"})
    late.loc[:19, "time"] = np.arange(1, 21)
    frame = pd.concat([early, late])
    plain, combined = logrank(frame, **NAMES, by=AB), max_combo(frame, **NAMES, by=AB)
    assert combined.p_value is not None
    assert plain.p_value is not None
    assert combined.p_value < plain.p_value


def test_weights_that_are_no_counts_and_one_group_are_refused() -> None:
    with pytest.raises(AnalysisError, match="not whole numbers"):
        max_combo(rows(), **NAMES, by=GROUPS, weights="share")
    with pytest.raises(AnalysisError, match="one group only: a"):
        max_combo(SEVEN[:3], **NAMES, by=AB)


PATIENTS = st.lists(
    st.tuples(st.integers(0, 8), st.booleans(), st.sampled_from("ab")), min_size=3, max_size=30
)


@given(PATIENTS)
def test_p_lies_between_the_smallest_of_the_four_and_their_sum(patients: Any) -> None:
    extra = [(20, False, group) for group in "ab"]
    frame = pd.DataFrame([*patients, *extra], columns=["time", "event", "group"])
    result = max_combo(frame, **NAMES, by=AB)
    known = [part.p_value for part in result.parts if part.p_value is not None]
    if result.p_value is None:
        assert not known
    else:
        assert min(known) * (1 - 1e-4) <= result.p_value <= sum(known) * (1 + 1e-4)
        assert result.p_value <= 1


@given(PATIENTS)
def test_order_of_groups_does_not_change_the_test(patients: Any) -> None:
    extra = [(20, False, group) for group in "ab"]
    frame = pd.DataFrame([*patients, *extra], columns=["time", "event", "group"])
    one = max_combo(frame, **NAMES, by=AB)
    other = max_combo(frame, **NAMES, by={"name": "group", "levels": ["b", "a"]})
    assert (one.p_value is None) == (other.p_value is None)
    if one.p_value is not None:
        assert one.p_value == pytest.approx(other.p_value, rel=1e-5)
