from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyses import logrank, pairwise_logrank
from analyses.results.logrank import LogRank
from cohort.errors import AnalysisError

REFERENCE = Path(__file__).resolve().parent.parent / "reference"
NAMES: dict[str, Any] = {"time": "time", "event": "event"}
GROUPS = {"name": "group", "levels": ["1", "2", "3"]}
CASES: dict[str, dict[str, Any]] = {
    "plain": {},
    "rho_1": {"rho": 1},
    "rho_half": {"rho": 0.5},
    "strata": {"strata": "stratum"},
    "strata_rho_1": {"strata": "stratum", "rho": 1},
    "gamma_1": {"gamma": 1},
    "rho_1_gamma_half": {"rho": 1, "gamma": 0.5},
    "entry": {"entry": "entry"},
    "entry_strata_gamma_1": {"entry": "entry", "strata": ["stratum"], "gamma": 1},
    "whole_strata": {"weights": "whole", "strata": "stratum"},
    "trend": {"trend": "linear"},
    "gehan": {"test": "gehan"},
    "gehan_entry_strata": {"test": "gehan", "entry": "entry", "strata": "stratum"},
    "tarone_ware_whole_strata": {"test": "tarone_ware", "weights": "whole", "strata": "stratum"},
    "tarone_ware_trend": {"test": "tarone_ware", "trend": "linear"},
    "trend_scores_strata_rho_1": {"trend": (0, 1, 5), "strata": "stratum", "rho": 1},
}


def rows() -> pd.DataFrame:
    frame = pd.read_csv(REFERENCE / "rows.csv")
    return frame.assign(group=frame["group"].astype(str))


def answer(case: str) -> dict[str, Any]:
    table = pd.read_csv(REFERENCE / "logrank.csv")
    table = table[table["case"] == case]
    return {name: part["value"].to_numpy() for name, part in table.groupby("quantity")}


def same_as_reference(result: LogRank, case: str) -> None:
    r = answer(case)
    assert result.df == r["df"][0]
    assert result.statistic == pytest.approx(r["statistic"][0], rel=1e-10)
    assert result.p_value == pytest.approx(r["p_value"][0], rel=1e-10)
    np.testing.assert_allclose(result.observed, r["observed"], rtol=1e-12)
    np.testing.assert_allclose(result.expected, r["expected"], rtol=1e-12)
    theirs = r["variance"].reshape(3, 3)
    np.testing.assert_allclose(result.variance, theirs, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("case", CASES)
def test_every_form_equals_survdiff_or_the_loops_in_r(case: str) -> None:
    same_as_reference(logrank(rows(), **NAMES, by=GROUPS, **CASES[case]), case)


def test_a_group_never_at_risk_takes_a_degree_of_freedom_and_is_said() -> None:
    frame = rows()
    gone = frame["group"] == "3"
    frame.loc[gone, ["time", "event"]] = 0
    frame.loc[frame["time"] == 0, "event"] = 0
    result = logrank(frame, **NAMES, by=GROUPS)
    same_as_reference(result, "never_at_risk")
    assert result.df == 1
    assert result.variance[2].tolist() == [0, 0, 0]
    assert ("never_at_risk", "3") in [(f.rule, f.value) for f in result.findings]


@pytest.mark.parametrize(
    ("adjust", "column"), [("holm", "holm"), ("bh", "bh"), ("bonferroni", "bonferroni")]
)
def test_pairs_use_their_two_groups_and_p_adjust(adjust: Any, column: str) -> None:
    r = pd.read_csv(REFERENCE / "logrank_pairs.csv")
    result = pairwise_logrank(rows(), **NAMES, by=GROUPS, adjust=adjust)
    assert result.pairs == (("1", "2"), ("1", "3"), ("2", "3"))
    np.testing.assert_allclose(result.summary["p_value"], r["p_value"], rtol=1e-10)
    np.testing.assert_allclose(result.summary["p_adjusted"], r[column], rtol=1e-10)


REAL: dict[str, tuple[str, dict[str, Any], list[str]]] = {
    "veteran": ("veteran", {"by": "celltype"}, ["squamous", "smallcell", "adeno", "large"]),
    "veteran_strata": (
        "veteran",
        {"by": "celltype", "strata": "trt"},
        ["squamous", "smallcell", "adeno", "large"],
    ),
    "lung_rho_1": ("lung", {"by": "sex", "rho": 1, "event": "status == 2"}, ["1", "2"]),
    "colon": ("colon", {"by": "rx"}, ["Obs", "Lev", "Lev+5FU"]),
    "mgus2": ("mgus2", {"by": "sex", "time": "futime", "event": "death == 1"}, ["F", "M"]),
    "pbc_strata": (
        "pbc",
        {"by": "edema", "strata": "sex", "event": "status == 2"},
        ["0.0", "0.5", "1.0"],
    ),
}


@pytest.mark.real
@pytest.mark.parametrize("case", REAL)
def test_survivals_own_data_give_survdiffs_statistic(real_data: Path, case: str) -> None:
    file, asked, levels = REAL[case]
    options = dict(asked)
    frame = pd.read_csv(real_data / "reference_survival" / f"{file}.csv")
    if file == "colon":
        frame = frame[frame["etype"] == 2]
    frame = frame.assign(died=frame.eval(options.pop("event", "status == 1")))
    by = {"name": options.pop("by"), "levels": levels}
    time = options.pop("time", "time")
    result = logrank(frame, time=time, event="died", by=by, **options)
    r = pd.read_csv(REFERENCE / "logrank_real.csv", index_col="case").loc[case]
    assert result.statistic == pytest.approx(r["statistic"], rel=1e-10)
    assert result.p_value == pytest.approx(r["p_value"], rel=1e-10)


SEVEN = pd.DataFrame(
    {
        "time": [1, 3, 4, 2, 3, 5, 6],
        "event": [1, 1, 0, 1, 1, 1, 0],
        "group": ["a", "a", "a", "b", "b", "b", "b"],
    }
)
AB = {"name": "group", "levels": ["a", "b"]}


def test_seven_patients_by_hand() -> None:
    """Group a: 1 3 4+, group b: 2 3 5 6+ (+ censored).

    t   at risk a, b   events a, b   expected a    variance
    1      3, 4           1, 0          3/7        1 x 6/6 x 3/7 x 4/7 = 12/49
    2      2, 4           0, 1          2/6        1 x 5/5 x 2/6 x 4/6 = 2/9
    3      2, 3           1, 1        2 x 2/5      2 x 3/4 x 2/5 x 3/5 = 9/25
    5      0, 2           0, 1           0         0

    Observed a 2, expected 3/7 + 1/3 + 4/5 = 164/105, difference 46/105.
    """
    result = logrank(SEVEN, **NAMES, by=AB)
    variance = 12 / 49 + 2 / 9 + 9 / 25
    assert result.observed == (2, 3)
    assert result.expected == pytest.approx((164 / 105, 5 - 164 / 105), rel=1e-14)
    np.testing.assert_allclose(result.variance, variance * np.array([[1, -1], [-1, 1]]), rtol=1e-13)
    assert result.statistic == pytest.approx((46 / 105) ** 2 / variance, rel=1e-13)
    assert (result.df, result.kind, result.n, result.n_event) == (1, "log-rank", (3, 4), (2, 3))


def test_early_weights_by_hand() -> None:
    """The same patients with weights S(t-): 1, 6/7, 5/7.

    Difference 1 x 4/7 - 6/7 x 1/3 + 5/7 x 1/5 = 3/7; variance 12/49 + 36/49 x 2/9 + 25/49 x 9/25
    = 29/49; statistic 9/29.
    """
    result = logrank(SEVEN, **NAMES, by=AB, rho=1)
    assert result.statistic == pytest.approx(9 / 29, rel=1e-13)
    assert result.kind == "Fleming-Harrington (1, 0)"


def test_gehan_and_tarone_ware_by_hand() -> None:
    """The same patients; at risk 7, 6 and 5 together.

    Gehan: 7 x 4/7 - 6 x 1/3 + 5 x 1/5 = 3, the difference of Wilcoxon's ranks; variance
    49 x 12/49 + 36 x 2/9 + 25 x 9/25 = 29. Tarone-Ware: weights sqrt(7), sqrt(6), sqrt(5),
    variance 7 x 12/49 + 6 x 2/9 + 5 x 9/25 = 12/7 + 4/3 + 9/5 = 509/105.
    """
    gehan = logrank(SEVEN, **NAMES, by=AB, test="gehan")
    assert gehan.statistic == pytest.approx(9 / 29, rel=1e-13)
    assert (gehan.kind, gehan.test) == ("Gehan", "gehan")
    tarone = logrank(SEVEN, **NAMES, by=AB, test="tarone_ware")
    difference = 4 / 7 * 7**0.5 - 1 / 3 * 6**0.5 + 1 / 5 * 5**0.5
    assert tarone.statistic == pytest.approx(difference**2 / (509 / 105), rel=1e-13)
    assert tarone.kind == "Tarone-Ware"


def test_peto_is_the_early_weights_by_name() -> None:
    one = logrank(rows(), **NAMES, by=GROUPS, test="peto", strata="stratum")
    same_as_reference(one, "strata_rho_1")
    assert (one.kind, one.rho) == ("Peto-Peto", 1)
    pairs = pairwise_logrank(rows(), **NAMES, by=GROUPS, test="gehan")
    assert {result.kind for result in pairs.results} == {"Gehan"}


def test_weights_that_are_no_counts_are_refused_and_the_cox_test_named() -> None:
    with pytest.raises(AnalysisError, match=r"cox\(.*robust=True\)"):
        logrank(rows(), **NAMES, by=GROUPS, weights="share")


def test_one_group_is_refused() -> None:
    with pytest.raises(AnalysisError, match="one group only: a"):
        logrank(SEVEN[:3], **NAMES, by=AB)


@pytest.mark.parametrize("trend", [(0, 1), (1, 1, 1), (0, 1, float("nan"))])
def test_scores_that_do_not_fit_the_groups_are_refused(trend: tuple[float, ...]) -> None:
    with pytest.raises(AnalysisError, match="One finite score for each group"):
        logrank(rows(), **NAMES, by=GROUPS, trend=trend)


@pytest.mark.parametrize(
    "options",
    [
        {"rho": -1},
        {"gamma": -1},
        {"trend": "quadratic"},
        {"test": "wilcoxon"},
        {"test": "gehan", "rho": 1},
    ],
)
def test_options_that_do_not_exist_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"rho|trend|test is one of"):
        logrank(rows(), **NAMES, by=GROUPS, **options)


def test_an_adjustment_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="sidak"):
        pairwise_logrank(rows(), **NAMES, by=GROUPS, adjust="sidak")  # type: ignore[arg-type]


def test_without_events_there_is_no_test_and_the_reason_is_given() -> None:
    result = logrank(SEVEN.assign(event=0), **NAMES, by=AB)
    assert (result.statistic, result.df, result.p_value) == (None, 0, None)
    assert result.reason == "no event in any group"
    (record,) = (r for r in result.records("lr") if r.quantity == "logrank_test")
    assert (record.status, record.reason) == ("not_estimable", "no event in any group")


DIE, EARLY, LATE = ([1, 1], [1, 1]), ([1, 2], [1, 1]), ([5, 6], [1, 1])


@pytest.mark.parametrize(
    ("a", "b", "options", "reason", "rule"),
    [
        (DIE, DIE, {}, "all at risk have the event at once: the variance is 0", "no_variance"),
        (EARLY, LATE, {"entry": "entry"}, "at no event are patients of different", "never_at_risk"),
        # gamma weighs the first event 0, and only the first has both groups at risk
        (EARLY, ([1, 1], [0, 0]), {"gamma": 1}, "only at events of weight 0", "no_variance"),
    ],
)
def test_the_reason_of_no_test_tells_who_was_at_risk(
    a: Any, b: Any, options: dict[str, Any], reason: str, rule: str
) -> None:
    columns = {"time": a[0] + b[0], "event": a[1] + b[1], "entry": [0, 0, 3, 3]}
    result = logrank(pd.DataFrame(columns | {"group": list("aabb")}), **NAMES, by=AB, **options)
    assert (result.statistic, result.df) == (None, 0)
    assert reason in str(result.reason)
    found = [f.rule for f in result.findings if f.rule in {"never_at_risk", "no_variance"}]
    assert found == [rule, rule]


def test_a_pair_without_a_test_carries_its_reason_and_no_adjusted_p() -> None:
    frame = rows()
    frame.loc[frame["group"] != "3", "event"] = 0
    result = pairwise_logrank(frame, **NAMES, by=GROUPS)
    assert (result.results[0].p_value, result.p_adjusted[0]) == (None, None)
    assert result.results[0].reason == "no event in any group"
    records = {record.id: record for record in result.records("lr")}
    for name in ("lr/logrank_test/2/1", "lr/logrank_adjusted_p/2/holm/1"):
        assert (records[name].p_value, records[name].status) == (None, "not_estimable")
        assert records[name].reason == "no event in any group"


def test_a_pair_without_a_test_takes_no_share_of_the_adjustment() -> None:
    frame = rows()
    frame.loc[frame["group"] != "3", "event"] = 0
    result = pairwise_logrank(frame, **NAMES, by=GROUPS, adjust="bonferroni")
    assert result.p_adjusted[0] is None
    p = result.results[1].p_value
    assert p is not None
    assert result.p_adjusted[1] == pytest.approx(min(2 * p, 1), rel=1e-12)


def test_missing_strata_are_counted_and_left_out() -> None:
    frame = rows()
    frame["stratum"] = frame["stratum"].where(frame["stratum"] != 4)
    result = logrank(frame, **NAMES, by=GROUPS, strata="stratum")
    missing = int(frame["stratum"].isna().sum())
    assert missing > 0
    assert result.n_missing == (("stratum", missing),)
    assert sum(result.n) == result.n_input - missing == 96 - missing


def test_small_groups_are_findings_in_the_same_words_as_the_curves() -> None:
    from analyses import kaplan_meier

    ours = [f for f in logrank(SEVEN, **NAMES, by=AB).findings if f.rule == "few_events"]
    theirs = [f for f in kaplan_meier(SEVEN, **NAMES, by=AB).findings if f.rule == "few_events"]
    assert [f.value for f in ours] == ["a", "b"]
    assert ours == theirs


def test_results_are_plain_json_and_records_have_distinct_ids() -> None:
    test = logrank(rows(), **NAMES, by=GROUPS, trend="linear")
    pairs = pairwise_logrank(rows(), **NAMES, by=GROUPS)
    assert json.loads(json.dumps(test.to_dict(), allow_nan=False))["scores"] == [0, 1, 2]
    assert len(json.loads(json.dumps(pairs.to_dict(), allow_nan=False))["pairs"]) == 3
    ids = [record.id for record in pairs.records("lr")]
    assert "lr/logrank_test/2/1" in ids
    assert len(ids) == len(set(ids)) == 6
    assert "lr/logrank_test/group" in [record.id for record in test.records("lr")]


# --- laws ---------------------------------------------------------------------------------------

PATIENT = st.tuples(
    st.integers(0, 10),
    st.booleans(),
    st.sampled_from("abc"),
    st.integers(1, 3),
    st.integers(0, 2),
)
PATIENTS = st.lists(PATIENT, min_size=3, max_size=40)
ABC = {"name": "group", "levels": ["a", "b", "c"]}


def table(patients: list[tuple[int, bool, str, int, int]]) -> pd.DataFrame:
    """The patients and one of each group and site, so that the three groups exist everywhere."""
    extra = [(20, False, group, 1, site) for group in "abc" for site in range(3)]
    return pd.DataFrame([*patients, *extra], columns=["time", "event", "group", "w", "site"])


def same_statistic(first: LogRank, second: LogRank) -> None:
    assert (first.statistic is None) == (second.statistic is None)
    if first.statistic is not None:
        assert first.statistic == pytest.approx(second.statistic, rel=1e-8, abs=1e-9)


def same(first: LogRank, second: LogRank) -> None:
    assert first.df == second.df
    np.testing.assert_allclose(first.observed, second.observed, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(first.expected, second.expected, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(first.variance, second.variance, rtol=1e-10, atol=1e-12)
    same_statistic(first, second)


@given(PATIENTS, st.randoms(use_true_random=False))
def test_order_of_rows_does_not_matter(patients: Any, random: Any) -> None:
    shuffled = list(patients)
    random.shuffle(shuffled)
    one, other = (logrank(table(p), **NAMES, by=ABC, rho=1) for p in (patients, shuffled))
    same(one, other)


@given(PATIENTS, st.permutations([0, 1, 2]))
def test_order_of_groups_does_not_change_the_statistic(patients: Any, order: list[int]) -> None:
    frame = table(patients)
    one = logrank(frame, **NAMES, by=ABC)
    other = logrank(frame, **NAMES, by={"name": "group", "levels": ["abc"[i] for i in order]})
    assert one.df == other.df
    same_statistic(one, other)
    assert other.observed == tuple(one.observed[i] for i in order)


@given(PATIENTS)
def test_doubling_all_times_leaves_the_test_unchanged(patients: Any) -> None:
    frame = table(patients)
    twice = frame.assign(time=2 * frame["time"])
    same(logrank(frame, **NAMES, by=ABC), logrank(twice, **NAMES, by=ABC))


@given(PATIENTS)
def test_a_whole_weight_equals_repeated_patients(patients: Any) -> None:
    frame = table(patients)
    repeated = frame.loc[frame.index.repeat(frame["w"])]
    one = logrank(frame, **NAMES, by=ABC, weights="w", gamma=1)
    same(one, logrank(repeated, **NAMES, by=ABC, gamma=1))
    assert one.n == logrank(repeated, **NAMES, by=ABC).n


@given(PATIENTS)
def test_observed_and_expected_have_one_sum_and_variance_rows_sum_to_zero(patients: Any) -> None:
    result = logrank(table(patients), **NAMES, by=ABC, strata="site")
    assert sum(result.observed) == pytest.approx(sum(result.expected), abs=1e-9)
    np.testing.assert_allclose(result.variance.sum(axis=1), 0, atol=1e-9)


def sum_of_strata(frame: pd.DataFrame) -> tuple[Any, Any]:
    """Expected events and variance, stratum by stratum."""
    expected, variance = np.zeros(3), np.zeros((3, 3))
    for _, part in frame.groupby("site"):
        one = logrank(part, **NAMES, by=ABC, entry="entry", rho=1)
        places = ["abc".index(group) for group in one.groups]
        expected[places] += one.expected
        variance[np.ix_(places, places)] += one.variance
    return expected, variance


@given(PATIENTS)
def test_a_stratified_test_is_the_sum_of_its_strata(patients: Any) -> None:
    frame = table(patients)
    frame["entry"] = frame["time"] - frame["w"]
    frame = frame[frame["entry"] >= 0]
    whole = logrank(frame, **NAMES, by=ABC, strata="site", entry="entry", rho=1)
    expected, variance = sum_of_strata(frame)
    np.testing.assert_allclose(whole.expected, expected, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(whole.variance, variance, rtol=1e-10, atol=1e-12)


def test_many_strata_of_continuous_times_are_the_sum_of_their_strata() -> None:
    # too many (stratum, time) cells to count: they are found by sorting
    random = np.random.default_rng(5)
    n = 600
    frame = pd.DataFrame(
        {
            "time": random.uniform(1, 9, n),
            "event": random.random(n) < 0.6,
            "group": random.choice(list("abc"), n),
            "site": random.integers(0, 40, n),
        }
    )
    frame["entry"] = frame["time"] * random.uniform(0, 0.9, n)
    whole = logrank(frame, **NAMES, by=ABC, strata="site", entry="entry", rho=1)
    expected, variance = sum_of_strata(frame)
    np.testing.assert_allclose(whole.expected, expected, rtol=1e-10)
    np.testing.assert_allclose(whole.variance, variance, rtol=1e-10)


@given(PATIENTS)
def test_a_trend_over_two_groups_is_their_log_rank_test(patients: Any) -> None:
    frame = table(patients)
    frame = frame[frame["group"] != "c"]
    one = logrank(frame, **NAMES, by=AB)
    other = logrank(frame, **NAMES, by=AB, trend=(3, 7))
    same_statistic(one, other)


def test_groups_that_all_die_at_once_have_no_test_and_the_reason_says_so():
    data = pd.DataFrame({"t": [1.0] * 8, "e": [True] * 8, "g": list("aaaabbbb")})
    test = logrank(data, time="t", event="e", by={"name": "g", "levels": ["a", "b"]})
    assert (test.statistic, test.p_value) == (None, None)
    assert "all at risk have the event at once" in test.reason
