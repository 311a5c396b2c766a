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

from analyses import cumulative_incidence, kaplan_meier, rmst
from analyses.number_style import DEFAULT
from analyses.report.rmst_pages import _note
from analyses.results.records import checked
from cohort.errors import AnalysisError

REFERENCE = Path(__file__).resolve().parent.parent / "reference"
NAMES: dict[str, Any] = {"time": "time", "event": "event"}
GROUPS = {"name": "group", "levels": ["1", "2", "3"]}
CASES: dict[str, dict[str, Any]] = {
    "plain": {},
    "fine": {"time": "fine"},
    "entry": {"entry": "entry"},
    "share": {"weights": "share"},
    "share_entry": {"weights": "share", "entry": "entry"},
}


def rows(case: str = "plain") -> pd.DataFrame:
    frame = pd.read_csv(REFERENCE / "rows.csv")
    frame = frame.assign(group=frame["group"].astype(str))
    return frame[frame["entry"].notna()] if "entry" in case else frame


def reference(file: str, case: str) -> pd.DataFrame:
    table = pd.read_csv(REFERENCE / file, dtype={"group": str})
    return table[table["case"] == case].reset_index(drop=True)


@pytest.mark.parametrize("case", ["plain", "share", "share_entry"])
def test_differences_equal_those_of_summary_survfit(case: str) -> None:
    r = reference("milestone_differences.csv", case)
    result = kaplan_meier(rows(case), by=GROUPS, **NAMES | CASES[case])
    ours = result.differences(sorted(set(r["time"])))
    assert ours["group"].tolist() == r["group"].tolist()
    assert set(ours["reference"]) == {"1"}
    for name in ("estimate", "std_error", "conf_low", "conf_high", "p_value"):
        np.testing.assert_allclose(ours[name], r[name], rtol=1e-9, err_msg=name)


@pytest.mark.parametrize("case", CASES)
def test_survival_given_a_time_equals_survfit_with_start_time(case: str) -> None:
    r = reference("conditional_survival.csv", case)
    result = kaplan_meier(rows(case), by=GROUPS, given=8.5, **NAMES | CASES[case])
    ours = result.at(sorted(set(r["time"])))
    assert ours["group"].tolist() == r["group"].tolist()
    for name in ("estimate", "std_error", "conf_low", "conf_high"):
        np.testing.assert_allclose(ours[name], r[name], rtol=1e-10, err_msg=name)


EIGHT = pd.DataFrame(
    {
        "time": [2, 4, 4, 7, 1, 3, 5, 6],
        "event": [1, 1, 0, 0, 1, 1, 1, 0],
        "group": ["a"] * 4 + ["b"] * 4,
    }
)
AB = {"name": "group", "levels": ["a", "b"]}


def test_a_difference_by_hand() -> None:
    """Group a: 2 4 4+ 7+; group b: 1 3 5 6+ (+ censored), at 5.

    a: S = 3/4 x 2/3 = 1/2, variance 1/4 (1/(4 x 3) + 1/(3 x 2)) = 1/16.
    b: S = 3/4 x 2/3 x 1/2 = 1/4, variance 1/16 (1/12 + 1/6 + 1/2) = 3/64.
    Difference -1/4 with variance 7/64.
    """
    result = kaplan_meier(EIGHT, **NAMES, by=AB)
    (found,) = result.contrasts([5])
    assert (found.group, found.reference, found.n, found.n_event) == ("b", "a", 8, 5)
    assert found.estimate == pytest.approx(-1 / 4, rel=1e-14)
    assert found.std_error == pytest.approx(math.sqrt(7) / 8, rel=1e-14)
    assert found.statistic == pytest.approx(-2 / math.sqrt(7), rel=1e-14)
    (flipped,) = result.contrasts([5], reference="b")
    assert (flipped.group, flipped.estimate) == ("a", pytest.approx(1 / 4, rel=1e-14))


def test_survival_given_a_time_by_hand() -> None:
    """The same patients, given that they lived to 3.

    a: 4 4+ 7+ are left: S(5 | 3) = 2/3, variance 4/9 x 1/(3 x 2) = 2/27.
    b: 5 6+ are left (the one who died at 3 is not): S(5 | 3) = 1/2, variance 1/4 x 1/2 = 1/8.
    """
    result = kaplan_meier(EIGHT, **NAMES, by=AB, given=3)
    table = result.at([2, 3, 5])
    assert table["n_risk"].fillna(-1).tolist() == [-1, 3, 1, -1, 2, 2]
    assert np.isnan(table["estimate"][[0, 3]]).all()
    assert table["estimate"][[1, 4]].tolist() == [1, 1]
    np.testing.assert_allclose(table["estimate"][[2, 5]], [2 / 3, 1 / 2], rtol=1e-14)
    np.testing.assert_allclose(table["std_error"][[2, 5]] ** 2, [2 / 27, 1 / 8], rtol=1e-14)
    assert (result.n, result.n_gone, result.n_input, result.given) == (5, 3, 8, 3)
    assert result.medians["estimate"].tolist()[1] == 5.5


def test_differences_that_are_not_defined_say_why() -> None:
    died = EIGHT.assign(event=[1, 1, 0, 0, 1, 1, 1, 1])
    result = kaplan_meier(died, **NAMES, by=AB)
    past, fallen, early = (result.contrasts([t])[0] for t in (8, 6.5, 0.5))
    assert (past.estimate, past.reason) == (None, "follow-up of group a ends at 7")
    assert fallen.estimate == pytest.approx(-1 / 2)
    assert fallen.std_error is None
    assert "group b has come down to 0" in str(fallen.reason)
    assert (early.estimate, early.p_value) == (0, None)
    assert "standard error of group b and of group a is 0" in str(early.reason)
    found = checked(c.record("km", "kaplan_meier") for c in (past, fallen, early))
    assert found[1].id == "km/survival_difference/b/a/t=6.5"
    assert [record.status for record in found] == ["not_estimable", "ok", "ok"]


def test_an_unknown_reference_is_refused_with_the_groups() -> None:
    with pytest.raises(AnalysisError, match="Groups: a, b"):
        kaplan_meier(EIGHT, **NAMES, by=AB).differences([5], reference="c")


def test_a_time_that_nobody_is_followed_past_is_refused_with_the_last() -> None:
    with pytest.raises(AnalysisError, match="The last time is 7"):
        kaplan_meier(EIGHT, **NAMES, by=AB, given=7)
    with pytest.raises(AnalysisError, match="at least 0"):
        kaplan_meier(EIGHT, **NAMES, by=AB, given=-1)


def test_a_group_that_nobody_is_left_of_has_no_curve_and_is_a_finding() -> None:
    result = kaplan_meier(EIGHT, **NAMES, by=AB, given=6)
    assert result.groups == ("a",)
    (found,) = (f for f in result.findings if f.rule == "nobody_followed")
    assert (found.value, found.n) == ("b", 4)


def test_records_of_survivors_have_ids_beside_those_of_everybody() -> None:
    whole = kaplan_meier(EIGHT, **NAMES, by=AB).records("km", "days", [5])
    later = kaplan_meier(EIGHT, **NAMES, by=AB, given=3).records("km", "days", [2, 5])
    found = {r.id: r for r in checked([*whole, *later])}
    assert found["km/conditional_survival/b/given=3/t=5"].estimate == 0.5
    assert found["km/conditional_survival/b/given=3/t=2"].reason == "the curve starts at 3"
    assert found["km/followed_past/given=3"].n == 5
    json.dumps(kaplan_meier(EIGHT, **NAMES, by=AB, given=3).to_dict(), allow_nan=False)


PATIENT = st.tuples(st.integers(0, 12), st.booleans(), st.sampled_from("ab"), st.integers(1, 3))
PATIENTS = st.lists(PATIENT, min_size=2, max_size=40)


@given(PATIENTS, st.integers(0, 11), st.booleans())
def test_survival_given_a_time_is_the_ratio_of_the_curve_at_the_two_times(
    patients: Any, earlier: int, weighted: bool
) -> None:
    extra = [(14, False, group, 1) for group in "ab"]
    frame = pd.DataFrame([*patients, *extra], columns=["time", "event", "group", "w"])
    frame["w"] /= 1.7
    options = {"weights": "w"} if weighted else {}
    times = np.arange(earlier, 14)
    whole = kaplan_meier(frame, **NAMES, by=AB, **options)
    later = kaplan_meier(frame, **NAMES, by=AB, given=earlier, **options)
    for before, after in zip(whole.curves, later.curves, strict=True):
        survival = before.step("survival", times, 1.0)
        np.testing.assert_allclose(
            after.step("survival", times, 1.0), survival / survival[0], rtol=1e-12
        )


@given(PATIENTS, st.integers(0, 12))
def test_a_difference_is_that_of_the_curves_and_inside_its_limits(patients: Any, time: int) -> None:
    extra = [(14, False, group, 1) for group in "ab"]
    frame = pd.DataFrame([*patients, *extra], columns=["time", "event", "group", "w"])
    result = kaplan_meier(frame, **NAMES, by=AB)
    (found,) = result.contrasts([time])
    a, b = result.at([time])["estimate"]
    assert found.estimate == pytest.approx(b - a, abs=1e-14)
    if found.conf_low is not None and found.conf_high is not None:
        assert found.conf_low < b - a < found.conf_high
    else:
        assert found.reason


def beside_one_death() -> pd.DataFrame:
    """200 patients, 100 of whom die one a day from day 1 on, beside one who dies on day 3."""
    days = np.concatenate([np.arange(1, 101), np.full(100, 101)])
    many = pd.DataFrame({"time": days, "state": ["dead"] * 100 + ["alive"] * 100, "group": "1"})
    one = pd.DataFrame({"time": [3], "state": ["dead"], "group": ["2"]})
    frame = pd.concat([many, one], ignore_index=True)
    return frame.assign(event=frame["state"] == "dead")


def with_nobody_dead() -> pd.DataFrame:
    """The same 200 beside four followed to day 101 without a death."""
    frame = beside_one_death().iloc[:200]
    free = pd.DataFrame({"time": [101] * 4, "state": "alive", "group": "2", "event": False})
    return pd.concat([frame, free], ignore_index=True)


@pytest.mark.parametrize("frame", [beside_one_death(), with_nobody_dead()])
@pytest.mark.parametrize("kind", ["survival", "incidence", "means"])
def test_a_group_without_spread_is_not_taken_as_known_exactly(
    frame: pd.DataFrame, kind: str
) -> None:
    """One death, or none, tells nothing of the error of its own group."""
    two = {"name": "group", "levels": ["1", "2"]}
    if kind == "survival":
        found = kaplan_meier(frame, by=two, **NAMES).contrasts([2])
    elif kind == "incidence":
        states = {"name": "state", "levels": ["alive", "dead"]}
        curves = cumulative_incidence(frame, time="time", state=states, by=two)
        found = tuple(each.contrast for each in curves.contrasts([50]))
    else:
        result = rmst(frame, by=two, tau=60, **NAMES)
        found = (*result.differences, *result.log_ratios)
        assert result.statistic is None
        assert "No limits and no p: the standard error of group 2 is 0" in _note(result, DEFAULT)
    for each in found:
        assert each.estimate is not None
        assert each.status == "ok"
        spread = (each.std_error, each.statistic, each.p_value, each.conf_low, each.conf_high)
        assert spread == (None,) * 5
        assert "standard error of group 2 is 0" in str(each.reason)
        checked([each.record("a", "kind")])
