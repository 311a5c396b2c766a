from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyses import gray_test
from cohort.errors import AnalysisError

REFERENCE = Path(__file__).resolve().parent.parent / "reference"
GROUPS: dict[str, Any] = {"name": "group", "levels": ["1", "2", "3"]}
STATES = {"name": "cause", "levels": ["0", "1", "2"]}
CASES: dict[str, dict[str, Any]] = {
    "plain": {},
    "fine": {"time": "fine"},
    "ties": {},
    "three": {"state": {"name": "three", "levels": ["0", "1", "2", "3"]}},
    "two": {},
    "strata": {"strata": "stratum"},
    "ties_strata": {"strata": ["stratum"]},
}


def rows(case: str) -> pd.DataFrame:
    name = "competing_ties" if case.startswith("ties") else "competing_rows"
    frame = pd.read_csv(REFERENCE / f"{name}.csv")
    if case == "two":
        frame = frame[frame["group"] < 3]
    text = [c for c in ("group", "cause", "three") if c in frame]
    return frame.astype(dict.fromkeys(text, str))


@pytest.mark.parametrize("case", CASES)
def test_statistics_equal_those_of_cuminc(case: str) -> None:
    r = pd.read_csv(REFERENCE / "gray.csv")
    r = r[r["case"] == case]
    options: dict[str, Any] = {"time": "time", "state": STATES, "by": GROUPS} | CASES[case]
    result = gray_test(rows(case), **options)
    assert [t.statistic for t in result.tests] == pytest.approx(r["statistic"].tolist(), rel=1e-10)
    assert [t.p_value for t in result.tests] == pytest.approx(r["p_value"].tolist(), rel=1e-9)
    assert [t.df for t in result.tests] == r["df"].tolist()
    assert [t.cause for t in result.tests] == r["cause"].astype(str).tolist()


@pytest.mark.real
def test_progression_and_death_of_mgus2_by_sex(real_data: Path) -> None:
    frame = pd.read_csv(real_data / "reference_survival" / "mgus2.csv")
    frame["etime"] = frame["ptime"].where(frame["pstat"] == 1, frame["futime"])
    frame["how"] = np.where(frame["pstat"] == 1, "pcm", np.where(frame["death"] == 1, "dead", "-"))
    states = {"name": "how", "levels": ["-", "pcm", "dead"]}
    by = {"name": "sex", "levels": ["F", "M"]}
    result = gray_test(frame, time="etime", state=states, by=by)
    r = pd.read_csv(REFERENCE / "gray.csv")
    theirs = r.loc[r["case"] == "mgus2", "statistic"].tolist()
    assert [t.statistic for t in result.tests] == pytest.approx(theirs, rel=1e-10)


@pytest.mark.real
def test_relapse_and_death_of_follicular_lymphoma_by_stage(real_data: Path) -> None:
    """R's answers as the data's README gives them: 8.769226 and 2.676439."""
    frame = pd.read_csv(real_data / "reference_survival" / "follic.csv")
    states = {"name": "status", "levels": ["0", "1", "2"]}
    by = {"name": "clinstg", "levels": ["1", "2"]}
    result = gray_test(frame, time="time", state=states, by=by)
    assert [sum(t.n_event) for t in result.tests] == [272, 76]
    found = [t.statistic for t in result.tests]
    assert found == pytest.approx([8.769226, 2.676439], abs=1e-6)


SIX = pd.DataFrame(
    {
        "time": [1, 3, 4, 2, 3, 4],
        "how": ["died", "relapse", "-", "relapse", "died", "-"],
        "group": ["a"] * 3 + ["b"] * 3,
    }
)
HOW = {"name": "how", "levels": ["-", "relapse", "died"]}
AB = {"name": "group", "levels": ["a", "b"]}


def test_six_patients_by_hand() -> None:
    """Group a: death at 1, relapse at 3, censored at 4; b: relapse at 2, death at 3, censored at 4.

    Relapse. At 2 in a 2 at risk, S(2-) = 2/3, h = 3; in b 3 at risk, h = 3; incidences 0. R = h.
    Score of a: 0 - 3/6 = -1/2. F = 1/6.
    At 3 a: 2 at risk, S(3-) = 2/3, h = 3, incidence 0, R = 3; b: 2 at risk, S(3-) = 2/3, h = 3,
    incidence 1/3, R = 2. Score of a: 1 - 3/5 = 2/5. F = 1/6 + 1/6 = 1/3. Total -1/10; b: +1/10.

    Variance of a's score; A is always 3 (1 - 3/6) = 3/2 on the diagonal, -3/2 beside it, but at 1,
    when h = 3 in both: the same. C of a with a: at 1 no relapse: 0. At 2: 3/2 x 1/6 = 1/4. At 3:
    1/4 + 3/2 x 1/(6 x 5/6) = 1/4 + 3/10 = 11/20; with b the negatives. Final C: 11/20.
    The martingale of relapse in k at t has variance S(t-)/(h n) and loads on a's score by
    A - t4 C + t4 C(end) for k = a, by the negative for b; t4 = 1 - (1 - F)/S(t).
    At 2: a: S = 2/3, t4 = 1 - (5/6)/(2/3) = -1/4; variance (2/3)/(6 x 2) = 1/18;
             load 3/2 - 1/4 x (11/20 - 1/4) = 3/2 - 3/40 = 57/40.
          b: S = 2/3, t4 = -1/4; variance 1/(6 x 3) = 1/18; load -57/40.
    At 3: a: S = 1/3, t4 = 1 - (2/3)/(1/3) = -1; variance (2/3)/(6 x 2) = 1/18; load 3/2.
          b: the same numbers: S = 1/3; load -3/2.
    The martingale of death in k at t has variance (S(t-)/n)^2 and load ((1 - F)/S) (C(end) - C).
    Since the load is t4' C(end) - t4' C with t4' = (1 - F)/S(t):
    At 1, a: S = 2/3, F = 0, t4' = 3/2; variance (1/3)^2 = 1/9; load 3/2 x 11/20 = 33/40.
    At 3, b: C = C(end), load 0.
    Sum: 2 x 1/18 x (57/40)^2 + 2 x 1/18 x (3/2)^2 + 1/9 x (33/40)^2
       = (3249 + 3600 + 1089)/(9 x 1600) = 7938/14400 = 441/800.
    Statistic (1/100)/(441/800) = 8/441.
    """
    result = gray_test(SIX, time="time", state=HOW, by=AB)
    relapse = result.tests[0]
    assert relapse.score == pytest.approx([-1 / 10, 1 / 10], rel=1e-13)
    assert relapse.variance[0] == pytest.approx([441 / 800, -441 / 800], rel=1e-13)
    assert (relapse.statistic, relapse.df) == (pytest.approx(8 / 441, rel=1e-12), 1)
    assert relapse.n_event == (1, 1)


def test_a_cause_that_never_came_has_no_test_and_a_reason() -> None:
    levels = {"name": "how", "levels": ["-", "relapse", "died", "moved"]}
    result = gray_test(SIX, time="time", state=levels, by=AB)
    assert (result.tests[2].statistic, result.tests[2].p_value) == (None, None)
    assert result.tests[2].reason == "no event of this kind"
    assert result.tests[0].statistic == pytest.approx(8 / 441, rel=1e-12)
    records = {r.id: r for r in result.records("g")}
    assert records["g/gray_test/group/moved"].status == "not_estimable"


def test_groups_never_at_risk_together_have_no_test() -> None:
    apart = SIX.assign(site=["x"] * 3 + ["y"] * 3)
    result = gray_test(apart, time="time", state=HOW, by=AB, strata="site")
    said = "no event of this kind while two groups were at risk together"
    assert [t.reason for t in result.tests] == [said, said]


def test_a_group_gone_before_the_first_event_takes_a_degree_of_freedom() -> None:
    gone = pd.DataFrame({"time": [0.5, 0.5], "how": ["-", "-"], "group": ["c", "c"]})
    frame = pd.concat([SIX, gone])
    by = {"name": "group", "levels": ["a", "b", "c"]}
    result = gray_test(frame, time="time", state=HOW, by=by)
    assert result.tests[0].df == 1
    assert result.tests[0].statistic == pytest.approx(8 / 441, rel=1e-12)


def test_one_group_is_refused() -> None:
    with pytest.raises(AnalysisError, match="one group only: a"):
        gray_test(SIX[:3], time="time", state=HOW, by=AB)


def test_missing_strata_are_counted_and_left_out() -> None:
    frame = SIX.assign(site=["x", None, "x", "x", "x", "x"])
    result = gray_test(frame, time="time", state=HOW, by=AB, strata="site")
    assert (result.n, result.n_input, result.n_missing) == ((2, 3), 6, (("site", 1),))


def test_result_is_plain_json() -> None:
    result = gray_test(rows("plain"), time="time", state=STATES, by=GROUPS)
    plain = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert [t["level"] for t in plain["tests"]] == ["1", "2"]
    assert result.summary["df"].tolist() == [2, 2]


PATIENT = st.tuples(st.integers(0, 9), st.sampled_from("012"), st.sampled_from("123"))
PATIENTS = st.lists(PATIENT, min_size=6, max_size=40)


def statistics(patients: Any, levels: str = "123", step: int = 1) -> list[float | None]:
    frame = pd.DataFrame(patients, columns=["time", "cause", "group"])
    frame = frame.assign(time=frame["time"] * step)
    extra = pd.DataFrame({"time": 10 * step, "cause": "0", "group": list("123")})
    by = {"name": "group", "levels": list(levels)}
    result = gray_test(pd.concat([frame, extra]), time="time", state=STATES, by=by)
    for test in result.tests:
        assert abs(test.score.sum()) < 1e-9
        assert (test.statistic is None) == (test.reason is not None)
    return [test.statistic for test in result.tests]


@given(PATIENTS)
def test_neither_order_nor_scale_nor_names_matter(patients: Any) -> None:
    wanted = statistics(patients)
    for found in (
        statistics(sorted(patients)),
        statistics(patients, step=2),
        statistics(patients, levels="312"),
    ):
        for a, b in zip(wanted, found, strict=True):
            assert (a is None) == (b is None)
            assert a is None or a == pytest.approx(b, rel=1e-6, abs=1e-9)


def few_to_the_end() -> pd.DataFrame:
    """Nine patients, all of whom have an event: the common incidence comes to 1 before the last."""
    return pd.DataFrame(
        {
            "time": [1, 1, 2, 3, 4, 9, 1, 8, 4],
            "cause": list("211111111"),
            "group": list("211112121"),
            "stratum": 99,
        }
    )


TWO = {"name": "group", "levels": ["1", "2"]}


@pytest.mark.parametrize("alone", [True, False])
def test_where_the_common_incidence_comes_to_1_the_test_is_that_of_cuminc(alone: bool) -> None:
    """``cuminc(t, st, g)`` of the nine, ``cuminc(t, st, g, s)`` with them as one more stratum."""
    theirs = (5.904537150385, 2.0) if alone else (0.00634946073220687, 1.97456560828811623)
    frame = few_to_the_end()
    if not alone:
        frame = pd.concat([rows("two"), frame], ignore_index=True)
    result = gray_test(
        frame, time="time", state=STATES, by=TWO, strata=None if alone else "stratum"
    )
    assert [t.statistic for t in result.tests] == pytest.approx(theirs, rel=1e-9)
    json.dumps(result.to_dict(), allow_nan=False)


def test_without_a_test_the_reason_is_the_true_one() -> None:
    """All events at one time leave no variance; so few with so many ties a negative one."""
    at_once = pd.DataFrame({"time": 5, "cause": "1", "group": list("112212")})
    tied = pd.DataFrame(
        {"time": [1] + [2] * 9 + [3] * 9, "cause": list("0110101011111111111"),
         "group": list("1221112121112121111")}
    )  # fmt: skip
    for frame, said in ((at_once, "all at one time"), (tied, "variance of the scores is none")):
        test = gray_test(frame, time="time", state=STATES, by=TWO).tests[0]
        assert test.statistic is None
        assert said in str(test.reason)
