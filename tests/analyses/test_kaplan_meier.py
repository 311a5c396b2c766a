from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analyses import kaplan_meier
from analyses.results.survival import KaplanMeier
from cohort.errors import AnalysisError

REFERENCE = Path(__file__).resolve().parent.parent / "reference"
GROUPS = {"name": "group", "levels": ["1", "2", "3"]}
CASES: dict[str, dict[str, Any]] = {
    "plain": {},
    "level_80": {"conf_level": 0.8},
    "fine": {"time": "fine"},
    "reverse": {"event": "censored"},
    "entry": {"entry": "entry"},
    "whole": {"weights": "whole"},
    "share": {"weights": "share"},
    "share_entry": {"weights": "share", "entry": "entry"},
}
TYPES = ["log-log", "log", "plain", "logit", "arcsine"]
RUNS = [
    (case, kind)
    for case in CASES
    for kind in (TYPES if case in {"plain", "share"} else ["log-log"])
]


def rows() -> pd.DataFrame:
    frame = pd.read_csv(REFERENCE / "rows.csv")
    return frame.assign(group=frame["group"].astype(str), censored=1 - frame["event"])


def fitted(case: str, conf_type: str) -> KaplanMeier:
    options = {"time": "time", "event": "event", "by": GROUPS} | CASES[case]
    return kaplan_meier(rows(), conf_type=conf_type, **options)


def expected(file: str, case: str, conf_type: str | None = None) -> pd.DataFrame:
    table = pd.read_csv(REFERENCE / file)
    chosen = table["case"] == case
    if conf_type is not None:
        chosen &= table["conf_type"] == conf_type
    return table[chosen].reset_index(drop=True)


def curve(time: list[float], event: list[int], **options: Any) -> KaplanMeier:
    frame = pd.DataFrame({"time": time, "event": event} | options.pop("columns", {}))
    return kaplan_meier(frame, time="time", event="event", **options)


@pytest.mark.parametrize(("case", "conf_type"), RUNS)
def test_curves_equal_survfit(case: str, conf_type: str) -> None:
    r = expected("kaplan_meier.csv", case, conf_type)
    result = fitted(case, conf_type)
    ours = result.summary
    assert list(ours["group"].astype(int)) == list(r["group"])
    np.testing.assert_array_equal(ours["time"], r["time"])
    sums = {"n_risk": "weighted_n_risk", "n_event": "weighted_events"}
    for theirs, name in sums.items():
        values = np.concatenate([getattr(c, name) for c in result.curves])
        np.testing.assert_allclose(values, r[theirs], rtol=1e-12)
    for name in ("estimate", "std_error", "conf_low", "conf_high"):
        np.testing.assert_allclose(ours[name], r[name], rtol=1e-10, atol=1e-14, err_msg=name)


@pytest.mark.parametrize(("case", "conf_type"), RUNS)
def test_quantiles_and_their_limits_equal_quantile_survfit(case: str, conf_type: str) -> None:
    r = expected("kaplan_meier_quantiles.csv", case, conf_type)
    ours = fitted(case, conf_type).quantiles([0.1, 0.25, 0.5, 0.75, 0.9])
    for name in ("estimate", "conf_low", "conf_high"):
        np.testing.assert_allclose(ours[name], r[name], rtol=1e-12, err_msg=name)


def test_survival_at_times_equals_summary_survfit() -> None:
    r = expected("kaplan_meier_at.csv", "plain")
    ours = fitted("plain", "log-log").at([6, 12.5, 20, 30])
    names = ("time", "n_risk", "n_event", "estimate", "std_error", "conf_low", "conf_high")
    for name in names:
        np.testing.assert_allclose(ours[name], r[name], rtol=1e-10, err_msg=name)


def test_follow_up_is_the_reverse_kaplan_meier_of_r() -> None:
    r = expected("kaplan_meier_quantiles.csv", "reverse", "log-log")
    r = r[r["probability"] == 0.5]
    ours = fitted("plain", "log-log").follow_up
    for name in ("estimate", "conf_low", "conf_high"):
        np.testing.assert_allclose(ours[name], r[name], rtol=1e-12, err_msg=name)


REAL: dict[str, tuple[str, str, str, str, str | None]] = {
    "veteran": ("veteran", "time", "status == 1", "celltype", None),
    "lung": ("lung", "time", "status == 2", "sex", None),
    "colon": ("colon", "time", "status == 1", "rx", None),
    "mgus2": ("mgus2", "futime", "death == 1", "sex", None),
    "pbc": ("pbc", "time", "status == 2", "edema", None),
    "heart": ("heart", "stop", "event == 1", "transplant", "start"),
}


@pytest.mark.real
@pytest.mark.parametrize("conf_type", TYPES)
@pytest.mark.parametrize("case", REAL)
def test_curves_of_survivals_own_data_equal_survfit(
    real_data: Path, case: str, conf_type: str
) -> None:
    file, time, event, by, entry = REAL[case]
    frame = pd.read_csv(real_data / "reference_survival" / f"{file}.csv")
    if case == "colon":
        frame = frame[frame["etype"] == 2]
    frame = frame.assign(died=frame.eval(event))
    frame[by] = frame[by].map(
        lambda value: f"{value:g}" if isinstance(value, float) else str(value)
    )
    r = expected("kaplan_meier_real.csv", case, conf_type)
    levels = [str(value) for value in r["group"]]
    if case == "pbc":
        levels = [f"{float(value):g}" for value in levels]
    result = kaplan_meier(
        frame,
        time=time,
        event="died",
        by={"name": by, "levels": levels},
        entry=entry,
        conf_type=conf_type,
    )
    sums = result.summary.groupby("group", sort=False).sum()
    for name in ("n_risk", "n_event", "estimate", "std_error", "conf_low", "conf_high"):
        np.testing.assert_allclose(sums[name], r[name], rtol=1e-10, err_msg=name)
    medians = result.medians
    names = {"estimate": "median", "conf_low": "median_low", "conf_high": "median_high"}
    for ours, theirs in names.items():
        np.testing.assert_allclose(medians[ours], r[theirs], rtol=1e-12, err_msg=theirs)


TEN = [2, 3, 3, 5, 5, 8, 10, 12, 12, 15]
TEN_EVENTS = [1, 1, 0, 1, 1, 0, 1, 1, 0, 0]


def test_ten_patients_by_hand() -> None:
    """Times 2 3 3+ 5 5 8+ 10 12 12+ 15+ (+ censored).

    t   at risk  events  S
    2     10       1     9/10
    3      9       1     9/10 x 8/9 = 4/5      (the one censored at 3 is at risk)
    5      7       2     4/5 x 5/7 = 4/7
    8      5       0     4/7
    10     4       1     4/7 x 3/4 = 3/7       (first at or below 1/2: the median)
    12     3       1     3/7 x 2/3 = 2/7
    15     1       0     2/7

    Greenwood at 5: S^2 (1/(10 x 9) + 1/(9 x 8) + 2/(7 x 5)); log-log limits S^exp(-+z v) with
    v = sqrt(Greenwood sum) / -ln S. Reverse: 8/9 at 3, x 4/5 at 8, x 2/3 at 12 = 64/135 < 1/2:
    median follow-up 12.
    """
    result = curve(TEN, TEN_EVENTS)
    (only,) = result.curves
    assert only.time.tolist() == [2, 3, 5, 8, 10, 12, 15]
    assert only.n_risk.tolist() == [10, 9, 7, 5, 4, 3, 1]
    assert only.events.tolist() == [1, 1, 2, 0, 1, 1, 0]
    assert only.censored.tolist() == [0, 1, 0, 1, 0, 1, 1]
    hand = [9 / 10, 4 / 5, 4 / 7, 4 / 7, 3 / 7, 2 / 7, 2 / 7]
    np.testing.assert_allclose(only.survival, hand, rtol=1e-14)
    spread = math.sqrt(1 / 90 + 1 / 72 + 2 / 35)
    assert only.std_error[2] == pytest.approx(4 / 7 * spread, rel=1e-14)
    power = math.exp(1.959963984540054 * spread / -math.log(4 / 7))
    assert only.conf_low[2] == pytest.approx((4 / 7) ** power, rel=1e-12)
    assert only.conf_high[2] == pytest.approx((4 / 7) ** (1 / power), rel=1e-12)
    assert result.medians["estimate"].tolist() == [10]
    assert result.follow_up["estimate"].tolist() == [12]
    assert (result.n, result.n_event, only.n_censor) == (10, 6, 4)


def test_median_of_a_flat_stretch_is_its_middle() -> None:
    # S is 1/2 from 3 to 8: quantile.survfit gives 5.5 where print.survfit gives 3
    assert curve([1, 3, 8, 9], [1, 1, 1, 1]).medians["estimate"].tolist() == [5.5]


def test_a_curve_flat_at_one_half_to_its_end_is_a_finding() -> None:
    result = curve([1, 3, 8, 9], [1, 1, 0, 0])
    assert result.medians["estimate"].tolist() == [6]
    assert "flat_median" in [finding.rule for finding in result.findings]
    assert "flat_median" not in [f.rule for f in curve([1, 3, 8, 9], [1, 1, 1, 0]).findings]


def test_limits_are_null_where_the_curve_is_one_or_zero() -> None:
    result = curve([1, 2, 3], [0, 1, 1])
    (only,) = result.curves
    assert only.survival.tolist() == [1, 0.5, 0]
    assert np.isnan(only.conf_low[[0, 2]]).all()
    assert np.isnan(only.conf_high[[0, 2]]).all()
    assert np.isfinite(only.conf_low[1])
    assert np.isnan(only.std_error[2])


def test_an_event_at_time_zero_counts() -> None:
    (only,) = curve([0, 1, 2, 3], [1, 0, 1, 0]).curves
    assert only.n_risk.tolist() == [4, 3, 2, 1]
    np.testing.assert_allclose(only.survival, [3 / 4, 3 / 4, 3 / 8, 3 / 8], rtol=1e-15)


def test_delayed_entry_counts_only_those_who_have_entered() -> None:
    # 4 enters at 5: not at risk at 5, at risk from then on; 5 enters at 0
    result = curve(
        [3, 5, 6, 9, 9], [1, 1, 0, 1, 0], columns={"entry": [0, 0, 4, 5, 0]}, entry="entry"
    )
    (only,) = result.curves
    assert only.n_risk.tolist() == [3, 3, 3, 2]
    assert result.at([4, 5, 5.5, 9])["n_risk"].tolist() == [2, 3, 3, 2]
    assert result.risk_table([0, 5])["n_risk"].tolist() == [3, 3]


def test_near_ties_are_ties() -> None:
    (only,) = curve([0.1 + 0.2, 0.3, 1], [1, 1, 0]).curves
    assert only.events.tolist() == [2, 0]


def test_at_is_null_past_the_last_time_unless_the_curve_is_zero() -> None:
    columns = {"group": ["a", "a", "b", "b"]}
    by = {"name": "group", "levels": ["a", "b"]}
    result = curve([1, 4, 1, 3], [1, 0, 1, 1], columns=columns, by=by)
    table = result.at([0.5, 4, 10]).set_index(["group", "time"])["estimate"]
    assert table["a"].tolist()[:2] == [1, 0.5]
    assert np.isnan(table["a", 10])
    assert table["b"].tolist() == [1, 0, 0]


def test_risk_table_sums_to_the_patients_at_every_time() -> None:
    result = fitted("plain", "log-log")
    times = [0, 1, 2.5, 10, 30, 500]
    table = result.risk_table(times)
    total = table["n_risk"] + table["n_event"] + table["n_censor"]
    assert total.tolist() == [curve.n for curve in result.curves for _ in times]
    at_zero = table[table["time"] == 0]
    assert at_zero["n_risk"].tolist() == [curve.n for curve in result.curves]


def test_rows_with_a_missing_value_are_counted_and_left_out() -> None:
    result = curve([1, 2, None, 4], [1, 1, 1, None])  # type: ignore[list-item]
    assert (result.n, result.n_input) == (2, 4)
    assert result.n_missing == (("time", 1), ("event", 1))


def two_groups(events: tuple[int, int], n: int = 30, longer: float = 1.0) -> KaplanMeier:
    """Groups a and b with the given numbers of events, b followed `longer` times as long."""
    time = [*range(1, n + 1), *(longer * t for t in range(1, n + 1))]
    event = [int(i < e) for e in events for i in range(n)]
    by = {"name": "group", "levels": ["a", "b"]}
    return curve(time, event, columns={"group": ["a"] * n + ["b"] * n}, by=by)


def test_groups_with_few_or_no_events_are_findings() -> None:
    found = {f.value: f for f in two_groups((6, 0)).findings if f.value}
    assert (found["a"].rule, found["a"].n) == ("few_events", 30)
    assert found["a"].advice.startswith("6 events among 30 patients support no conclusion")
    assert found["b"].rule == "no_events"
    assert [f.rule for f in two_groups((10, 12)).findings if f.value] == []


def test_unequal_follow_up_is_a_finding_without_numbers() -> None:
    (found,) = (f for f in two_groups((12, 12), longer=2).findings if not f.value)
    assert found.rule == "unequal_follow_up"
    assert "medians" in found.advice
    assert "21.5" not in found.advice
    assert [f for f in two_groups((12, 12)).findings if not f.value] == []


def test_medians_apart_are_found_where_their_test_is_silent() -> None:
    # medians of follow-up 2 and 3; three and three censorings cannot reach p < 0.05
    columns = {"group": list("aaabbb")}
    by = {"name": "group", "levels": ["a", "b"]}
    result = curve([1, 2, 3, 2, 3, 4], [0] * 6, columns=columns, by=by)
    (found,) = (f for f in result.findings if f.rule == "unequal_follow_up")
    assert "medians" in found.advice


def test_censoring_that_differs_without_medians_is_found_by_its_test() -> None:
    time = [5] * 40 + [1] * 15 + [5] * 25
    event = [1] * 40 + [0] * 15 + [1] * 25
    by = {"name": "group", "levels": ["a", "b"]}
    result = curve(time, event, columns={"group": ["a"] * 40 + ["b"] * 40}, by=by)
    assert result.follow_up["estimate"].isna().all()
    (found,) = (f for f in result.findings if f.rule == "unequal_follow_up")
    assert "log-rank test" in found.advice


def test_patients_of_weight_zero_take_no_part_and_are_counted() -> None:
    weights = {"w": [1.5, 0, 0.5, 2]}
    result = curve([1, 2, 3, 4], [1, 1, 1, 0], columns=weights, weights="w")
    assert result.n == 3
    assert [(f.rule, f.n) for f in result.findings if f.rule == "zero_weight"] == [
        ("zero_weight", 1)
    ]
    assert result.variance == "infinitesimal jackknife"


def test_numbers_at_risk_stay_unweighted_under_weights_that_are_no_counts() -> None:
    (only,) = fitted("share", "log-log").curves[:1]
    (plain,) = fitted("plain", "log-log").curves[:1]
    np.testing.assert_array_equal(only.n_risk, plain.n_risk)
    assert not np.allclose(only.weighted_n_risk, plain.n_risk)


def test_a_hundred_equal_weights_leave_an_exact_zero_at_the_end() -> None:
    (only,) = curve(list(range(100)), [1] * 100, columns={"w": [0.1] * 100}, weights="w").curves
    assert only.survival[-1] == 0
    assert only.std_error[-1] == 0


def test_records_say_why_a_number_is_absent() -> None:
    records = {r.id: r for r in two_groups((6, 0)).records("km", "days", [10, 100])}
    assert records["km/median/b"].status == "not_reached"
    assert records["km/median/b"].reason
    late = records["km/survival/a/t=100"]
    assert (late.status, late.estimate) == ("not_estimable", None)
    assert late.reason == "follow-up of the group ends at 30"
    at = records["km/at_risk/a/t=10"]
    assert (at.n, at.n_risk, at.n_event, at.n_censor) == (30, 21, 6, 3)
    assert records["km/median_follow_up/a"].unit == "days"


def test_result_is_plain_json_with_null_for_what_is_not_defined() -> None:
    text = json.dumps(curve([1, 2, 3], [0, 1, 1]).to_dict(), allow_nan=False)
    assert json.loads(text)["curves"][0]["conf_low"][0] is None


def test_result_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="read-only"):
        fitted("plain", "log-log").curves[0].survival[0] = 2


def test_every_wrong_column_is_named_at_once() -> None:
    with pytest.raises(AnalysisError) as caught:
        kaplan_meier(rows(), time="tiem", event="evnt")
    assert [p.where for p in caught.value.problems] == ["column 'tiem'", "column 'evnt'"]


@pytest.mark.parametrize("options", [{"conf_type": "loglog"}, {"conf_level": 95}])
def test_an_unknown_interval_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="conf_"):
        curve([1, 2], [1, 0], **options)


def test_a_quantile_outside_zero_and_one_is_refused() -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        curve([1, 2], [1, 0]).quantiles(50)


def test_a_limit_that_is_not_there_has_its_reason_in_the_record():
    data = pd.DataFrame({"t": [1.0, 2.0, 3.0, 4.0], "e": [False, True, True, False]})
    curves = kaplan_meier(data, time="t", event="e")
    records = {r.id: r for r in curves.records("k", "days", (1.0, 2.0))}
    at_one = records["k/survival/all/t=1"]
    assert (at_one.estimate, at_one.conf_low, at_one.status) == (1.0, None, "ok")
    assert "not defined for log-log limits" in at_one.reason  # limit that is not there
    assert records["k/survival/all/t=2"].reason is None
    median = records["k/median/all"]
    assert median.estimate == 3.0
    assert median.conf_high is None
    assert median.reason == "the upper limit is not reached"
