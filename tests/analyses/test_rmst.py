from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyses import kaplan_meier, rmst
from analyses.results.rmst import RMST
from cohort.errors import AnalysisError

REFERENCE = Path(__file__).resolve().parent.parent / "reference"
NAMES: dict[str, Any] = {"time": "time", "event": "event"}
GROUPS = {"name": "group", "levels": ["1", "2", "3"]}
CASES: dict[str, dict[str, Any]] = {
    "plain": {"tau": 30},
    "between_times": {"tau": 17.25},
    "last": {},
    "fine": {"tau": 30, "time": "fine"},
    "entry": {"tau": 30, "entry": "entry"},
    "whole": {"tau": 30, "weights": "whole"},
    "strata": {"tau": 25, "strata": "half"},
    "share": {"tau": 30, "weights": "share"},
    "share_entry": {"tau": 30, "weights": "share", "entry": "entry"},
}


def rows() -> pd.DataFrame:
    frame = pd.read_csv(REFERENCE / "rows.csv")
    half = np.where(frame["stratum"] == 1, "first", "others")
    return frame.assign(group=frame["group"].astype(str), half=half)


def same_as_reference(result: RMST, r: pd.DataFrame) -> None:
    ours = result.summary.set_index(["quantity", "group"])
    levels = {str(i): level for i, level in enumerate((g.group for g in result.groups), start=1)}
    for row in r[r["group"].notna()].itertuples():
        mine = ours.loc[(row.quantity, levels[f"{row.group:g}"])]
        for name in ("estimate", "std_error", "conf_low", "conf_high", "p_value"):
            theirs = getattr(row, name)
            assert mine[name] == pytest.approx(theirs, rel=1e-10, nan_ok=True), (row, name)
    (test,) = r[r["quantity"] == "rmst_test"].itertuples()
    assert result.statistic == pytest.approx(test.estimate, rel=1e-9)
    assert result.p_value == pytest.approx(test.p_value, rel=1e-9)
    assert result.tau == r["tau"].iloc[0]


@pytest.mark.parametrize("case", CASES)
def test_means_differences_and_ratios_equal_those_of_r(case: str) -> None:
    r = pd.read_csv(REFERENCE / "rmst.csv")
    result = rmst(rows(), by=GROUPS, **NAMES | CASES[case])
    same_as_reference(result, r[r["case"] == case])


REAL: dict[str, tuple[str, str, list[str], str, float]] = {
    "veteran": (
        "celltype",
        "status == 1",
        ["squamous", "smallcell", "adeno", "large"],
        "time",
        150,
    ),
    "lung": ("sex", "status == 2", ["1", "2"], "time", 600),
    "colon": ("rx", "status == 1", ["Obs", "Lev", "Lev+5FU"], "time", 1826.25),
    "mgus2": ("sex", "death == 1", ["F", "M"], "futime", 120),
}


@pytest.mark.real
@pytest.mark.parametrize("case", REAL)
def test_survivals_own_data_give_survfits_means(real_data: Path, case: str) -> None:
    by, event, levels, time, tau = REAL[case]
    frame = pd.read_csv(real_data / "reference_survival" / f"{case}.csv")
    if case == "colon":
        frame = frame[frame["etype"] == 2]
    frame = frame.assign(died=frame.eval(event))
    groups = {"name": by, "levels": levels}
    result = rmst(frame, time=time, event="died", by=groups, tau=tau)
    r = pd.read_csv(REFERENCE / "rmst_real.csv")
    same_as_reference(result, r[r["case"] == case])


EIGHT = pd.DataFrame(
    {
        "time": [2, 4, 4, 7, 1, 3, 5, 6],
        "event": [1, 1, 0, 0, 1, 1, 1, 0],
        "group": ["a"] * 4 + ["b"] * 4,
    }
)
AB = {"name": "group", "levels": ["a", "b"]}


def test_eight_patients_by_hand() -> None:
    """Group a: 2 4 4+ 7+; group b: 1 3 5 6+ (+ censored); tau = 6.

    a: S is 1 to 2, 3/4 to 4, 3/4 x 2/3 = 1/2 to 6: area 2 + 3/2 + 1 = 9/2.
       From 2 to 6 the area is 5/2, from 4 to 6 it is 1:
       variance (5/2)^2 x 1/(4 x 3) + 1 x 1/(3 x 2) = 25/48 + 8/48 = 11/16.
    b: S is 1 to 1, 3/4 to 3, 1/2 to 5, 1/4 to 6: area 1 + 3/2 + 1 + 1/4 = 15/4.
       From 1 the area is 11/4, from 3 it is 5/4, from 5 it is 1/4:
       variance (121/16)/12 + (25/16)/6 + (1/16)/2 = (121 + 50 + 6)/192 = 59/64.
    Difference -3/4 with variance 11/16 + 59/64 = 103/64; ratio (15/4)/(9/2) = 5/6 with variance
    of the logarithm (11/16)/(81/4) + (59/64)/(225/16).
    """
    result = rmst(EIGHT, **NAMES, by=AB, tau=6)
    a, b = result.groups
    assert (a.estimate, b.estimate) == pytest.approx((9 / 2, 15 / 4), rel=1e-14)
    assert (a.std_error**2, b.std_error**2) == pytest.approx((11 / 16, 59 / 64), rel=1e-14)
    assert (a.n, a.n_event, b.n_event) == (4, 2, 3)
    (difference,), (log_ratio,) = result.differences, result.log_ratios
    assert (difference.group, difference.reference) == ("b", "a")
    assert difference.estimate == pytest.approx(-3 / 4, rel=1e-14)
    assert difference.std_error == pytest.approx(math.sqrt(103) / 8, rel=1e-14)
    assert difference.statistic == pytest.approx(-6 / math.sqrt(103), rel=1e-14)
    assert log_ratio.estimate == pytest.approx(math.log(5 / 6), rel=1e-13)
    spread = math.sqrt((11 / 16) / (81 / 4) + (59 / 64) / (225 / 16))
    assert log_ratio.std_error == pytest.approx(spread, rel=1e-14)
    assert result.statistic == pytest.approx(36 / 103, rel=1e-13)


def test_strata_by_hand() -> None:
    """The same patients twice, in stratum y all times doubled; stratum x holds a third.

    With tau = 4 stratum x has area a: 2 + 3/2 = 7/2, b: 1 + 3/2 + 1/2 = 3; stratum y has its
    curve at twice the times, so areas a: 4 and b: 2 + 3/2 = 7/2. Half the patients are in each
    stratum (8 of 16): a 15/4, b 13/4.
    """
    frame = pd.concat([EIGHT.assign(site="x"), EIGHT.assign(site="y", time=2 * EIGHT["time"])])
    result = rmst(frame, **NAMES, by=AB, tau=4, strata="site")
    assert [g.estimate for g in result.groups] == pytest.approx([15 / 4, 13 / 4], rel=1e-14)
    assert result.shares == (("site x", 0.5), ("site y", 0.5))
    # a: x (3/2)^2/12, y none before 4; b: x 2^2/12 + (1/2)^2/6, y (3/2)^2/12
    spread = [0.25 * (9 / 48), 0.25 * (1 / 3 + 1 / 24 + 9 / 48)]
    assert [g.std_error**2 for g in result.groups] == pytest.approx(spread, rel=1e-13)


def test_tau_from_the_data_is_the_smallest_last_time_and_a_finding() -> None:
    result = rmst(EIGHT, **NAMES, by=AB)
    assert (result.tau, result.tau_from, result.tau_largest) == (6, "data", 6)
    (found,) = (f for f in result.findings if f.rule == "tau_from_data")
    assert "6, the last time of group 'b'" in found.advice
    given_tau = rmst(EIGHT, **NAMES, by=AB, tau=6)
    assert "tau_from_data" not in [f.rule for f in given_tau.findings]
    record = {r.id: r for r in result.records("r", "days")}["r/rmst_tau/data"]
    assert (record.estimate, record.unit) == (6, "days")


def test_a_tau_past_the_follow_up_names_the_largest_allowed() -> None:
    with pytest.raises(AnalysisError, match=r"past the last time of group 'b'\n.*\n.*tau = 6\."):
        rmst(EIGHT, **NAMES, by=AB, tau=6.5)


def test_a_curve_that_has_come_down_to_zero_allows_a_later_tau() -> None:
    died = EIGHT.assign(event=[1, 1, 0, 0, 1, 1, 1, 1])
    result = rmst(died, **NAMES, by=AB, tau=7)
    assert result.tau_largest == 7
    assert result.groups[1].estimate == pytest.approx(1 + 3 / 2 + 1 + 1 / 4, rel=1e-14)
    assert rmst(died, **NAMES, by=AB).tau == 6
    everyone = EIGHT.assign(event=1)
    assert rmst(everyone, **NAMES, by=AB, tau=100).tau_largest is None


def test_a_tau_past_one_stratum_names_group_and_stratum() -> None:
    frame = pd.concat([EIGHT.assign(site="x"), EIGHT.assign(site="y", time=2 * EIGHT["time"])])
    with pytest.raises(AnalysisError, match="group 'b' in stratum 'site x'"):
        rmst(frame, **NAMES, by=AB, tau=8, strata="site")


def test_every_stratum_without_a_group_is_named() -> None:
    frame = EIGHT.assign(site=["x", "x", "y", "z", "x", "x", "x", "z"])
    with pytest.raises(AnalysisError, match=r"stratum 'site y': no patient of group 'b'"):
        rmst(frame, **NAMES, by=AB, strata="site")


@pytest.mark.parametrize("tau", [0, -1, math.inf, math.nan])
def test_a_tau_that_is_no_time_is_refused(tau: float) -> None:
    with pytest.raises(AnalysisError, match="A finite time above 0"):
        rmst(EIGHT, **NAMES, by=AB, tau=tau)


def test_an_unknown_reference_is_refused_with_the_nearest() -> None:
    frame = EIGHT.assign(group=EIGHT["group"].map({"a": "zero", "b": "low"}))
    by = {"name": "group", "levels": ["zero", "low"]}
    with pytest.raises(AnalysisError, match="Did you mean 'zero'"):
        rmst(frame, **NAMES, by=by, reference="zeor")
    result = rmst(frame, **NAMES, by=by, reference="low")
    assert [(c.group, c.reference) for c in result.differences] == [("zero", "low")]


def test_one_group_is_refused() -> None:
    with pytest.raises(AnalysisError, match="one group only: a"):
        rmst(EIGHT[:4], **NAMES, by=AB)


def test_without_follow_up_beyond_zero_there_is_no_tau() -> None:
    with pytest.raises(AnalysisError, match="nobody of group 'a' is followed beyond time 0"):
        rmst(EIGHT.assign(time=[0] * 4 + [1, 3, 5, 6]), **NAMES, by=AB)


def test_without_events_the_means_are_tau_and_tests_have_their_reason() -> None:
    result = rmst(EIGHT.assign(event=0), **NAMES, by=AB, tau=5)
    assert [(g.estimate, g.std_error, g.conf_low) for g in result.groups] == [(5, 0, None)] * 2
    assert (result.statistic, result.p_value) == (None, None)
    (difference,) = result.differences
    assert (difference.estimate, difference.p_value) == (0, None)
    assert "standard error of group b and of group a is 0" in str(difference.reason)
    records = {r.id: r for r in result.records("r")}
    assert records["r/rmst_test/group/t=5"].status == "not_estimable"
    assert {f.rule for f in result.findings} == {"no_events"}


def test_all_events_at_time_zero_have_no_ratio() -> None:
    frame = EIGHT.assign(time=[0] * 4 + [1, 3, 5, 6], event=[1] * 4 + [1, 1, 1, 0])
    result = rmst(frame, **NAMES, by=AB, tau=5)
    assert result.groups[0].estimate == 0
    (log_ratio,) = result.log_ratios
    assert (log_ratio.estimate, log_ratio.p_value) == (None, None)
    assert "a ratio is not defined" in str(log_ratio.reason)
    assert "r/rmst_ratio/b/a/t=5" in [r.id for r in result.records("r")]


@pytest.mark.parametrize(("scale", "said"), [(1e-300, "all would be ties"), (1e300, "above 1e")])
def test_times_that_are_no_times_are_refused(scale: float, said: str) -> None:
    with pytest.raises(AnalysisError, match=rf"column 'time': .*{said}"):
        rmst(EIGHT.assign(time=EIGHT["time"] * scale), **NAMES, by=AB)


def test_missing_values_are_counted_and_left_out() -> None:
    frame = EIGHT.assign(site=["x", None] * 4)
    result = rmst(frame, **NAMES, by=AB, tau=2, strata="site")
    assert (result.n, result.n_input, result.n_missing) == (4, 8, (("site", 4),))


def test_result_is_plain_json_and_cannot_be_changed() -> None:
    result = rmst(rows(), **NAMES, by=GROUPS, tau=30)
    assert json.loads(json.dumps(result.to_dict(), allow_nan=False))["tau"] == 30
    with pytest.raises(ValueError, match="read-only"):
        result.groups[0].survival[0] = 2
    ids = [r.id for r in result.records("r", "days")]
    assert "r/rmst_ratio/2/1/t=30" in ids
    assert len(ids) == len(set(ids))


def test_a_level_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="conf_level"):
        rmst(EIGHT, **NAMES, by=AB, conf_level=95)


@pytest.mark.parametrize("weights", ["share", "whole"])
def test_strata_and_weights_together_are_the_weighted_mean_of_the_strata(weights: str) -> None:
    frame = rows()
    frame = frame[frame[weights] > 0]
    whole = rmst(frame, **NAMES, by=GROUPS, tau=25, strata="half", weights=weights)
    parts = {
        str(name): rmst(part, **NAMES, by=GROUPS, tau=25, weights=weights)
        for name, part in frame.groupby("half")
    }
    shares = frame.groupby("half")[weights].sum() / frame[weights].sum()
    assert dict(whole.shares) == pytest.approx({f"half {k}": v for k, v in shares.items()})
    for g, group in enumerate(whole.groups):
        pairs = [(shares[name], part.groups[g]) for name, part in parts.items()]
        mean = sum(share * part.estimate for share, part in pairs)
        variance = sum(share**2 * part.std_error**2 for share, part in pairs)
        assert group.estimate == pytest.approx(mean, rel=1e-12)
        assert group.std_error**2 == pytest.approx(variance, rel=1e-12)


# --- laws ---------------------------------------------------------------------------------------

PATIENT = st.tuples(st.integers(0, 12), st.booleans(), st.sampled_from("ab"), st.integers(1, 3))
PATIENTS = st.lists(PATIENT, min_size=2, max_size=40)


def table(patients: list[tuple[int, bool, str, int]]) -> pd.DataFrame:
    """The patients and one of each group who is followed to 13."""
    extra = [(13, False, group, 1) for group in "ab"]
    return pd.DataFrame([*patients, *extra], columns=["time", "event", "group", "w"])


@given(PATIENTS, st.floats(0.5, 13), st.sampled_from(["none", "whole", "share", "entry"]))
def test_the_mean_is_the_area_under_the_reported_curve(
    patients: Any, tau: float, form: str
) -> None:
    frame = table(patients).assign(entry=lambda f: f["time"] * f["w"] / 4 - 1)
    frame = frame.assign(share=frame["w"] / 1.7, entry=frame["entry"].clip(lower=0))
    frame = frame[frame["time"] > 0]
    options: dict[str, Any] = {"whole": {"weights": "w"}, "share": {"weights": "share"}}.get(
        form, {"entry": "entry"} if form == "entry" else {}
    )
    result = rmst(frame, **NAMES, by=AB, tau=tau, **options)
    curves = kaplan_meier(frame, **NAMES, by=AB, **options)
    for group, curve in zip(result.groups, curves.curves, strict=True):
        times = np.concatenate([[0.0], curve.time[curve.time < tau], [tau]])
        area = (np.diff(times) * curve.step("survival", times[:-1], 1.0)).sum()
        assert group.estimate == pytest.approx(area, rel=1e-12)
        own = np.concatenate([[0.0], group.time, [tau]])
        reported = np.diff(own) @ np.concatenate([[1.0], group.survival])
        assert group.estimate == pytest.approx(reported, rel=1e-12)
        assert group.std_error >= 0


@given(PATIENTS)
def test_a_whole_weight_equals_repeated_patients(patients: Any) -> None:
    frame = table(patients)
    repeated = frame.loc[frame.index.repeat(frame["w"])]
    one = rmst(frame, **NAMES, by=AB, tau=9, weights="w").summary
    pd.testing.assert_frame_equal(one, rmst(repeated, **NAMES, by=AB, tau=9).summary, rtol=1e-10)


@given(PATIENTS, st.randoms(use_true_random=False))
def test_order_of_rows_does_not_matter(patients: Any, random: Any) -> None:
    shuffled = list(patients)
    random.shuffle(shuffled)
    one, other = (rmst(table(p), **NAMES, by=AB, tau=9).summary for p in (patients, shuffled))
    pd.testing.assert_frame_equal(one, other, check_exact=True)


@given(PATIENTS)
def test_doubling_all_times_doubles_means_and_leaves_ratios(patients: Any) -> None:
    frame = table(patients)
    one = rmst(frame, **NAMES, by=AB, tau=9)
    twice = rmst(frame.assign(time=2 * frame["time"]), **NAMES, by=AB, tau=18)
    for a, b in zip(one.groups, twice.groups, strict=True):
        assert (2 * a.estimate, 2 * a.std_error) == pytest.approx((b.estimate, b.std_error))
    assert one.log_ratios[0].estimate == pytest.approx(twice.log_ratios[0].estimate, abs=1e-12)


@given(PATIENTS)
def test_changing_the_reference_flips_the_sign(patients: Any) -> None:
    one, other = (rmst(table(patients), **NAMES, by=AB, tau=9, reference=r) for r in "ab")
    for name in ("differences", "log_ratios"):
        (a,), (b,) = getattr(one, name), getattr(other, name)
        assert (a.estimate is None) == (b.estimate is None)
        if a.estimate is not None:
            assert a.estimate == pytest.approx(-b.estimate, abs=1e-14)


@given(PATIENTS)
def test_without_censoring_the_mean_is_the_mean_of_the_times(patients: Any) -> None:
    frame = table(patients).assign(event=True)
    result = rmst(frame, **NAMES, by=AB, tau=9)
    for group in result.groups:
        own = frame.loc[frame["group"] == group.group, "time"].clip(upper=9)
        assert group.estimate == pytest.approx(own.mean(), rel=1e-12)


@given(PATIENTS)
def test_one_stratum_changes_nothing(patients: Any) -> None:
    frame = table(patients).assign(site="x")
    one = rmst(frame, **NAMES, by=AB, tau=9).summary
    pd.testing.assert_frame_equal(one, rmst(frame, **NAMES, by=AB, tau=9, strata="site").summary)
