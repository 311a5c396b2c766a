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

from analyses import cumulative_incidence, kaplan_meier
from analyses.results.cumulative_incidence import CumulativeIncidence
from cohort.errors import AnalysisError

REFERENCE = Path(__file__).resolve().parent.parent / "reference"
GROUPS = {"name": "group", "levels": ["1", "2", "3"]}
STATES = {"name": "cause", "levels": ["0", "1", "2"]}
CASES: dict[str, dict[str, Any]] = {
    "plain": {},
    "alone": {"by": None},
    "fine": {"time": "fine"},
    "ties": {},
    "three": {"state": {"name": "three", "levels": ["0", "1", "2", "3"]}},
    "entry": {"entry": "entry"},
    "whole": {"weights": "whole"},
    "share": {"weights": "share"},
    "share_entry": {"weights": "share", "entry": "entry"},
}


def rows(case: str = "plain") -> pd.DataFrame:
    name = "competing_ties" if case == "ties" else "competing_rows"
    frame = pd.read_csv(REFERENCE / f"{name}.csv")
    text = [c for c in ("group", "cause", "three") if c in frame]
    return frame.astype(dict.fromkeys(text, str))


def same_as_reference(result: CumulativeIncidence, r: pd.DataFrame, levels: list[str]) -> None:
    for curve in result.curves:
        theirs = r[r["group"] == levels.index(curve.group) + 1]
        for state in range(len(result.causes) + 1):
            own = theirs[theirs["state"] == state]
            assert curve.time.tolist() == own["time"].tolist()
            free = (curve.event_free, curve.event_free_error)
            free += (curve.event_free_low, curve.event_free_high)
            rows_of = (curve.incidence, curve.std_error, curve.conf_low, curve.conf_high)
            mine = free if state == 0 else [values[state - 1] for values in rows_of]
            columns = ("estimate", "std_error", "conf_low", "conf_high")
            for name, values in zip(columns, mine, strict=True):
                wanted = own[name].to_numpy()
                # survfit has limits around an estimate whose error is rounding only.
                certain = (own["std_error"].to_numpy() < 1e-12) & np.isnan(values)
                np.testing.assert_allclose(
                    values[~certain], wanted[~certain], rtol=1e-10, atol=1e-14, err_msg=name
                )


@pytest.mark.parametrize("case", CASES)
def test_curves_and_limits_equal_those_of_survfit(case: str) -> None:
    r = pd.read_csv(REFERENCE / "incidence.csv")
    options: dict[str, Any] = {"time": "time", "state": STATES, "by": GROUPS} | CASES[case]
    result = cumulative_incidence(rows(case), **options)
    levels = ["all"] if case == "alone" else GROUPS["levels"]
    same_as_reference(result, r[(r["case"] == case) & (r["conf_type"] == "log-log")], levels)


@pytest.mark.parametrize("conf_type", ["log", "plain", "logit", "arcsine"])
def test_other_interval_types_equal_those_of_survfit(conf_type: Any) -> None:
    r = pd.read_csv(REFERENCE / "incidence.csv")
    result = cumulative_incidence(rows(), time="time", state=STATES, by=GROUPS, conf_type=conf_type)
    theirs = r[(r["case"] == "plain") & (r["conf_type"] == conf_type.replace("sine", "sin"))]
    same_as_reference(result, theirs, GROUPS["levels"])


@pytest.mark.real
def test_progression_and_death_of_mgus2(real_data: Path) -> None:
    frame = pd.read_csv(real_data / "reference_survival" / "mgus2.csv")
    frame["etime"] = frame["ptime"].where(frame["pstat"] == 1, frame["futime"])
    frame["how"] = np.where(frame["pstat"] == 1, "pcm", np.where(frame["death"] == 1, "dead", "-"))
    states = {"name": "how", "levels": ["-", "pcm", "dead"]}
    by = {"name": "sex", "levels": ["F", "M"]}
    result = cumulative_incidence(frame, time="etime", state=states, by=by)
    r = pd.read_csv(REFERENCE / "incidence_real.csv").set_index(["group", "state", "time"])
    for row in result.at([12, 120, 240]).itertuples():
        state = 0 if row.quantity == "event_free" else ["pcm", "dead"].index(row.level) + 1
        theirs = r.loc[(["F", "M"].index(row.group) + 1, state, row.time)]
        for name in ("estimate", "std_error", "conf_low", "conf_high"):
            assert getattr(row, name) == pytest.approx(theirs[name], rel=1e-10)
    at = result.at([120]).set_index(["group", "level"])["estimate"]
    assert at["F", "pcm"] == pytest.approx(0.07388566, abs=1e-8)  # as the data's README says
    assert at["M", "dead"] == pytest.approx(0.57517849, abs=1e-8)


EIGHT = pd.DataFrame(
    {
        "time": [1, 2, 2, 2, 3, 4, 5, 5],
        "how": ["died", "relapse", "died", "-", "relapse", "-", "relapse", "died"],
    }
)
HOW = {"name": "how", "levels": ["-", "relapse", "died"]}


def test_eight_patients_by_hand() -> None:
    """Relapse and death among eight, and the error of one of them.

    At 1 one of 8 dies; at 2 of 7 one relapses, one dies, one is censored; at 3 of 4 one
    relapses; at 4 one of 3 is censored; at 5 of 2 one relapses and one dies.

    Free of both: 7/8, 7/8 x 5/7 = 5/8, 5/8 x 3/4 = 15/32, 15/32, 0.
    Relapse: 0, 7/8 x 1/7 = 1/8, 1/8 + 5/8 x 1/4 = 9/32, 9/32, 9/32 + 15/32 x 1/2 = 33/64.
    Death:   1/8, 1/8 + 1/8 = 1/4, 1/4, 1/4, 1/4 + 15/64 = 31/64; all sum to 1.

    The error of relapse at 2: influences. F = S(1) x h, S(1) = 7/8, h = 1/7. The one who dies
    at 1 moves S(1) by -1/8 x 7/8 and thereby F by -(7/64) x 1/7 = -1/64; each of the other seven
    moves S(1) by 1/8 x 1/8, F by 1/64 x 1/7 = 1/448, and by S(1) x (0 - 1/7)/7 = -1/56, the one
    who relapses by S(1) x (1 - 1/7)/7 = 6/56: six times 1/448 - 8/448 = -1/64, once 49/448 = 7/64.
    Sum of squares (7 + 49)/4096 = 56/4096: that of 1/8 x 7/8 / 8, as there is no censoring yet.
    """
    result = cumulative_incidence(EIGHT, time="time", state=HOW)
    (curve,) = result.curves
    assert curve.n_risk.tolist() == [8, 7, 4, 3, 2]
    assert curve.event_free == pytest.approx([7 / 8, 5 / 8, 15 / 32, 15 / 32, 0], rel=1e-14)
    relapse, died = curve.incidence
    assert relapse == pytest.approx([0, 1 / 8, 9 / 32, 9 / 32, 33 / 64], rel=1e-14)
    assert died == pytest.approx([1 / 8, 1 / 4, 1 / 4, 1 / 4, 31 / 64], rel=1e-14)
    assert curve.std_error[0, 1] == pytest.approx(math.sqrt(56) / 64, rel=1e-14)
    assert (curve.n, curve.n_event, result.n_event) == (8, (3, 3), (3, 3))
    at = result.at([0, 2.5, 9])
    relapse_rows = at[at["level"] == "relapse"]
    assert relapse_rows["estimate"].tolist() == pytest.approx([0, 1 / 8, 33 / 64])
    assert relapse_rows["n_event"].tolist() == [0, 1, 3]
    assert relapse_rows["n_risk"].tolist() == [8, 4, 0]
    assert np.isnan(relapse_rows["conf_low"].iloc[0])


def test_differences_by_hand() -> None:
    """At 2 the eight have relapse 1/8; their copies at twice the times have none yet (0/8).

    None at all tells nothing of the error of its own group, and there is none of the difference.
    Death at 2: 1/4 against 1/8, both as of eight patients without censoring: variances
    1/4 x 3/4 / 8 = 3/128 and 1/8 x 7/8 / 8 = 7/512.
    """
    late = EIGHT.assign(time=2 * EIGHT["time"], group="late")
    frame = pd.concat([EIGHT.assign(group="soon"), late])
    by = {"name": "group", "levels": ["soon", "late"]}
    result = cumulative_incidence(frame, time="time", state=HOW, by=by)
    relapse, died = result.differences([2]).itertuples()
    assert (relapse.level, relapse.group, relapse.reference) == ("relapse", "late", "soon")
    assert relapse.estimate == pytest.approx(-1 / 8, rel=1e-14)
    assert np.isnan(relapse.std_error)
    assert "group late is 0" in relapse.reason
    assert died.estimate == pytest.approx(-1 / 8, rel=1e-14)
    assert died.std_error == pytest.approx(math.sqrt(3 / 128 + 7 / 512), rel=1e-13)
    assert (died.n, died.n_event) == (16, 3)
    flipped = result.differences([2], reference="late")
    assert flipped["estimate"].tolist() == pytest.approx([1 / 8, 1 / 8])
    records = {r.id: r for r in result.records("a", "days", [2])}
    found = records["a/cumulative_incidence_difference/late/died/soon/t=2"]
    assert found.estimate == pytest.approx(-1 / 8)


def test_past_the_follow_up_there_is_no_incidence_and_a_reason() -> None:
    frame = EIGHT.assign(how=EIGHT["how"].where(EIGHT.index < 7, "-"))
    result = cumulative_incidence(frame, time="time", state=HOW)
    assert result.at([5.5])["estimate"].isna().all()
    records = [r for r in result.records("a", None, [5.5]) if r.time == 5.5]
    assert {r.status for r in records} == {"not_estimable"}
    assert {r.reason for r in records} == {"follow-up of the group ends at 5"}


def test_groups_followed_for_less_have_no_difference_and_a_reason() -> None:
    frame = pd.concat([EIGHT.assign(group="a"), EIGHT[:4].assign(group="b")])
    by = {"name": "group", "levels": ["a", "b"]}
    result = cumulative_incidence(frame, time="time", state=HOW, by=by)
    (one, two) = result.contrasts([3])
    assert (one.contrast.estimate, one.contrast.reason) == (
        None,
        "follow-up of group b ends at 2",
    )
    assert two.cause == "died"


def test_a_cause_that_never_came_has_incidence_zero_and_a_finding() -> None:
    levels = {"name": "how", "levels": ["-", "relapse", "died", "moved"]}
    result = cumulative_incidence(EIGHT, time="time", state=levels)
    assert (result.curves[0].incidence[2] == 0).all()
    assert (result.curves[0].std_error[2] == 0).all()
    assert ("all, moved", "no_events") in [(f.value, f.rule) for f in result.findings]


@pytest.mark.parametrize(
    ("values", "state", "said"),
    [
        (["a", "b"] * 4, "how", "no order, so that none of them is known to be the censoring"),
        (["a", "b"] * 4, {"name": "how", "levels": ["a", "c"]}, "not among the levels: b"),
        (["a", "b"] * 4, {"name": "how", "levels": ["a"]}, "at least one event"),
        (["a", "b"] * 4, {"name": "how", "levels": ["a", "b", "a"]}, "each once"),
        ([1.5, 2.5] * 4, "how", "no order"),
    ],
)
def test_states_that_cannot_be_read_are_refused(values: Any, state: Any, said: str) -> None:
    with pytest.raises(AnalysisError, match=f"state 'how'.*(\n.*)*{said}"):
        cumulative_incidence(EIGHT.assign(how=values), time="time", state=state)


def test_an_unordered_categorical_is_refused_since_its_first_level_means_nothing() -> None:
    frame = EIGHT.assign(how=EIGHT["how"].astype("category"))
    with pytest.raises(AnalysisError, match="no order"):
        cumulative_incidence(frame, time="time", state="how")
    ordered = pd.Categorical(EIGHT["how"], HOW["levels"], ordered=True)
    result = cumulative_incidence(EIGHT.assign(how=ordered), time="time", state="how")
    assert (result.censoring, result.causes) == ("-", ("relapse", "died"))


def test_missing_states_are_counted_and_left_out() -> None:
    frame = EIGHT.assign(how=EIGHT["how"].where(EIGHT.index > 1))
    result = cumulative_incidence(frame, time="time", state=HOW)
    assert (result.n, result.n_input, result.n_missing) == (6, 8, (("how", 2),))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"time": [-1, *[2] * 7]}, "negative or not finite"),
        ({"time": [math.inf, *[2] * 7]}, "negative or not finite"),
        ({"time": ["soon"] * 8}, "not numbers"),
        ({"entry": [1, *[0] * 7]}, "1 rows enter at or after their exit"),
        ({"w": [0.0] * 8}, "every weight is 0"),
        ({"w": [-1.0] * 8}, "negative or not finite"),
        ({"how": [None] * 8}, "no row has a value"),
    ],
)
def test_bad_columns_are_refused_by_name(change: dict[str, Any], said: str) -> None:
    frame = EIGHT.assign(entry=0, w=1.0).assign(**change)
    with pytest.raises(AnalysisError, match=said):
        cumulative_incidence(frame, time="time", state=HOW, entry="entry", weights="w")


def test_an_absent_column_is_refused_with_the_nearest() -> None:
    with pytest.raises(AnalysisError, match="Did you mean 'how'"):
        cumulative_incidence(EIGHT, time="time", state={"name": "hwo", "levels": ["-", "died"]})


def test_result_is_plain_json_and_cannot_be_changed() -> None:
    result = cumulative_incidence(rows(), time="time", state=STATES, by=GROUPS)
    assert json.loads(json.dumps(result.to_dict(), allow_nan=False))["causes"] == ["1", "2"]
    with pytest.raises(ValueError, match="read-only"):
        result.curves[0].incidence[0] = 2
    ids = [r.id for r in result.records("r", "days", [10, 200])]
    assert "r/cumulative_incidence/1/2/t=10" in ids
    assert "r/event_free/3/t=200" in ids


# --- laws ---------------------------------------------------------------------------------------

PATIENT = st.tuples(st.integers(0, 9), st.sampled_from("012"), st.integers(1, 3))
PATIENTS = st.lists(PATIENT, min_size=2, max_size=40)


def table(patients: list[tuple[int, str, int]]) -> pd.DataFrame:
    frame = pd.DataFrame(patients, columns=["time", "cause", "w"])
    entry = (frame["time"] * frame["w"] / 4 - 1).clip(lower=-1)
    return frame.assign(entry=entry.clip(lower=0), share=frame["w"] / 1.7)


@given(PATIENTS, st.sampled_from([{}, {"weights": "w"}, {"weights": "share"}]))
def test_incidences_and_the_event_free_sum_to_one(patients: Any, options: Any) -> None:
    result = cumulative_incidence(table(patients), time="time", state=STATES, **options)
    (curve,) = result.curves
    np.testing.assert_allclose(curve.event_free + curve.incidence.sum(axis=0), 1, rtol=1e-12)
    assert (np.diff(curve.incidence, axis=1) >= 0).all()
    known = ~np.isnan(curve.conf_low)
    assert (curve.conf_low <= curve.incidence + 1e-12)[known].all()
    assert (curve.incidence <= curve.conf_high + 1e-12)[known].all()


@given(PATIENTS, st.sampled_from([{}, {"weights": "w"}, {"weights": "share"}]))
def test_without_competing_events_it_is_one_less_kaplan_meier(
    patients: Any, options: dict[str, Any]
) -> None:
    frame = table(patients).assign(event=lambda f: f["cause"] == "1")
    frame["cause"] = frame["cause"].where(frame["event"], "0")
    (curve,) = cumulative_incidence(frame, time="time", state=STATES, **options).curves
    (km,) = kaplan_meier(frame, time="time", event="event", **options).curves
    np.testing.assert_allclose(curve.event_free, km.survival, rtol=1e-12)
    np.testing.assert_allclose(curve.incidence[0], 1 - km.survival, rtol=1e-12, atol=1e-15)
    known = ~np.isnan(km.std_error) & (km.survival > 0)
    np.testing.assert_allclose(
        curve.std_error[0][known], km.std_error[known], rtol=1e-9, atol=1e-12
    )


@given(PATIENTS)
def test_a_whole_weight_equals_repeated_patients(patients: Any) -> None:
    frame = table(patients)
    frame = frame[frame["time"] > frame["entry"]]
    if frame.empty:
        return
    repeated = frame.loc[frame.index.repeat(frame["w"])]
    for entry in (None, "entry"):
        options: dict[str, Any] = {"time": "time", "state": STATES, "entry": entry}
        one = cumulative_incidence(frame, weights="w", **options).summary
        other = cumulative_incidence(repeated, **options).summary
        pd.testing.assert_frame_equal(one, other, rtol=1e-9, atol=1e-12)


@given(PATIENTS, st.randoms(use_true_random=False))
def test_order_of_rows_does_not_matter(patients: Any, random: Any) -> None:
    shuffled = list(patients)
    random.shuffle(shuffled)
    one, other = (
        cumulative_incidence(table(p), time="time", state=STATES).summary
        for p in (patients, shuffled)
    )
    pd.testing.assert_frame_equal(one, other, check_exact=True)


@given(PATIENTS)
def test_an_entry_before_everything_changes_nothing(patients: Any) -> None:
    frame = table(patients)
    frame = frame.assign(time=frame["time"] + 1, entry=0.0)
    one = cumulative_incidence(frame, time="time", state=STATES).summary
    other = cumulative_incidence(frame, time="time", state=STATES, entry="entry").summary
    pd.testing.assert_frame_equal(one, other, rtol=1e-9, atol=1e-12)
