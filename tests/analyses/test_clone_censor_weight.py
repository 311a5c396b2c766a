"""Clone, censor, weight: against explicit loops in R, by hand, and where it cannot be done."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from immortal_cases import expected, patients

from analyses.adjustment.clone_censor_weight import clone_censor_weight
from cohort.errors import AnalysisError

TERMS = ["age", {"name": "grade", "levels": ["1", "2", "3"]}]
STATES = {"start": "start", "never": "never_start"}


def _compared(data, **options):
    given = {
        "time": "time",
        "event": "event",
        "treatment": "treated",
        "start": "start",
        "grace": 120,
        "terms": TERMS,
        "times": [100, 400, 900],
        "tau": 1000,
        "resamples": 0,
        "seed": 1,
        "intervals": 4,
    }
    return clone_censor_weight(data, **{**given, **options})


@pytest.mark.parametrize("model", ["cox", "pooled_logistic"])
@pytest.mark.parametrize("varying", ["no", "yes"])
@pytest.mark.parametrize("truncate", [1, 0.99])
def test_curves_weights_and_hazard_ratio_are_those_of_loops_over_clones_in_r(
    model, varying, truncate
):
    switches = {"operated": "operated"} if varying == "yes" else None
    found = _compared(patients(), model=model, truncate=truncate, time_varying=switches)
    tag = f"{model} {varying} {truncate}"
    for name, arm in zip(("start", "never"), found.arms, strict=True):
        assert arm.strategy == STATES[name]
        for risk in arm.risks:
            survival = expected("ccw_survival", f"{tag} {name} {risk.time:g}")
            assert 1 - risk.estimate == pytest.approx(survival, rel=1e-6)
        assert arm.mean.estimate == pytest.approx(expected("ccw_rmst", f"{tag} {name}"), rel=1e-6)
        effective = expected("ccw_effective", f"{tag} {name}")
        assert arm.weights.effective == pytest.approx(effective, rel=1e-6)
        assert arm.weights.n == expected("ccw_n_past", f"{tag} {name}")
        assert arm.n_deviated == expected("ccw_deviated", f"{tag} {name}")
        assert arm.n_event == expected("ccw_events", f"{tag} {name}")
        assert arm.n == arm.n_event + arm.n_deviated + arm.n_ended == len(patients())
    ratio = expected("ccw_log_hazard_ratio", tag)
    assert found.effect.estimate == pytest.approx(ratio, rel=1e-5, abs=1e-7)


def _ten():
    """Ten patients, grace 2, one covariate of two levels with five patients each.

    Level a: starts at 1, 2 and (too late) 4; never; never, dead at 1.
    Level b: starts at 1; never three times; never, dead at 2.
    """
    rows = [
        ("a", 10, 0, 1.0), ("a", 5, 1, 2.0), ("a", 8, 1, 4.0), ("a", 10, 0, None),
        ("a", 1, 1, None), ("b", 6, 1, 1.0), ("b", 10, 0, None), ("b", 10, 0, None),
        ("b", 3, 1, None), ("b", 2, 1, None),
    ]  # fmt: skip
    made = pd.DataFrame(rows, columns=["level", "time", "event", "start"])
    made["level"] = pd.Categorical(made["level"], categories=["a", "b"], ordered=True)
    return made.assign(treated=made["start"].notna().astype(int))


def test_the_clones_that_must_start_by_hand():
    """All ten are at risk with weight 1 up to 2: S(1) = 9/10, S(2) = 9/10 * 8/9 = 8/10.

    Past 2 are four of level a, two of whom started, and four of level b, one of whom did: in a
    logistic model with one coefficient a level the chances are 1/2 and 1/4, the weights 2, 2, 4.
    At 5 one of weight 2 dies among 8: S = 8/10 * 6/8 = 6/10; at 6 weight 4 among 6: 2/10.
    """
    found = _compared(_ten(), grace=2, terms=["level"], times=[1, 2, 5, 6], tau=8, truncate=1)
    start = found.arms[0]
    assert [1 - risk.estimate for risk in start.risks] == pytest.approx([0.9, 0.8, 0.6, 0.2])
    assert (start.n, start.n_deviated, start.n_event, start.n_ended) == (10, 5, 4, 1)
    # Area: 1 to 1, 0.9 to 2, 0.8 to 5, 0.6 to 6, 0.2 to 8.
    assert start.mean.estimate == pytest.approx(1 + 0.9 + 3 * 0.8 + 0.6 + 2 * 0.2)
    assert start.weights.effective == pytest.approx(8**2 / (4 + 4 + 16))


def test_the_clones_that_must_not_start_by_hand():
    """One interval of a pooled logistic model: of five of each level two and one start.

    Chances 2/5 and 1/5, so the hazard over the interval is log(5/3) in a and log(5/4) in b, and
    half of it is survived by 1. At 1 five of each level are there (starts of the day come after):
    weights (5/3)^(1/2) and (5/4)^(1/2), and the death is in a. At 2 the three of a that have
    neither started at 1 nor died (one of them starts that day) and four of b weigh 5/3 and 5/4,
    and the death is in b. Past 2 are two of a and three of b.
    """
    found = _compared(
        _ten(), grace=2, terms=["level"], times=[1, 2, 3, 8], tau=8, truncate=1,
        model="pooled_logistic", intervals=1,
    )  # fmt: skip
    never = found.arms[1]
    a, b = math.sqrt(5 / 3), math.sqrt(5 / 4)
    first = 1 - a / (5 * a + 5 * b)
    second = first * (1 - (5 / 4) / (3 * 5 / 3 + 4 * 5 / 4))
    third = second * (1 - (5 / 4) / (2 * 5 / 3 + 3 * 5 / 4))
    last = third * (1 - (5 / 3) / (2 * 5 / 3 + 2 * 5 / 4))
    assert [1 - r.estimate for r in never.risks] == pytest.approx([first, second, third, last])
    assert (never.n, never.n_deviated, never.n_event) == (10, 3, 4)


def test_an_event_on_the_day_of_the_start_counts_for_those_who_must_not_start():
    data = _ten()
    data.loc[6, ["time", "event", "start", "treated"]] = [1, 1, 1.0, 1]  # starts and dies on day 1
    found = _compared(data, grace=2, terms=["level"], times=[1], tau=8, truncate=1,
                      model="pooled_logistic", intervals=1)  # fmt: skip
    assert found.arms[1].n_event == 5
    assert found.arms[1].n_deviated == 3
    assert any(finding.rule == "start_on_last_day" for finding in found.findings)


def test_labels_that_repeat_are_no_patients():
    data, switches = patients(), {"operated": "operated"}
    found = _compared(data.set_axis([0] * len(data)), time_varying=switches)
    assert found.effect == _compared(data, time_varying=switches).effect


@pytest.mark.parametrize("kind", ["text", "date"])
def test_a_covariate_that_switches_on_at_no_number_is_refused_by_name(kind):
    data = patients()
    made = data["operated"].map("{:g}".format)
    if kind == "date":
        made = pd.Timestamp("2015-01-01") + pd.to_timedelta(data["operated"], unit="D")
    said = "column 'operated': not numbers"
    with pytest.raises(AnalysisError, match=said):
        _compared(data.assign(operated=made), time_varying={"operated": "operated"})


def test_a_column_of_dates_that_are_all_missing_never_switches_on():
    data = patients()
    dates = data.assign(operated=pd.Series(pd.NaT, data.index), other=data["operated"])
    plain = data.assign(operated=np.nan, other=data["operated"])
    asked = {"time_varying": {"other": "other", "operated": "operated"}}
    said = []
    for given in (dates, plain):
        with pytest.raises(AnalysisError) as told:
            _compared(given, **asked)
        said.append(str(told.value))
    assert said[0] == said[1]
    assert "operated, which varies over time:" in said[0]
    assert "switch" not in said[0]


def test_samples_are_the_same_on_any_number_of_processes_and_for_the_same_seed():
    one = _compared(patients(), resamples=6)
    two = _compared(patients(), resamples=6, processes=2)
    other = _compared(patients(), resamples=6, seed=2)
    assert one.to_dict() == two.to_dict()
    assert one.mean_difference.std_error != other.mean_difference.std_error
    assert one.mean_difference.estimate == other.mean_difference.estimate


def test_limits_are_normal_on_their_scales():
    found = _compared(patients(), resamples=40)
    risk = found.arms[0].risks[1]
    scale = [math.log(-math.log(1 - v)) for v in (risk.conf_low, risk.estimate, risk.conf_high)]
    assert scale[1] - scale[0] == pytest.approx(scale[2] - scale[1])
    difference = found.risk_differences[1]
    low, high = difference.conf_low, difference.conf_high
    assert (low + high) / 2 == pytest.approx(difference.estimate)
    assert high - low == pytest.approx(2 * 1.959963984540054 * difference.std_error)


def test_a_level_at_which_nobody_starts_is_named_and_refused():
    data = patients()
    data["grade"] = data["grade"].mask(data["start"].isna() & (data["age"] > 70), "4")
    terms = ["age", {"name": "grade", "levels": ["1", "2", "3", "4"]}]
    with pytest.raises(AnalysisError, match=r"grade 4: 0 of \d+ patients .* do not overlap"):
        _compared(data, terms=terms)


def test_a_model_of_starting_that_separates_is_refused():
    data = patients()
    past = data["time"] > 120
    early = data["start"].fillna(np.inf) <= 120
    data["age"] = np.where(early, 40.0, 80.0) + data["age"] / 100
    assert past.any()
    with pytest.raises(AnalysisError, match=r"separates: .* are certain to start"):
        _compared(data)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"grace": 0}, "grace: 0"),
        ({"grace": 5000}, "nobody is followed past the grace period"),
        ({"seed": None}, "seed: none"),
        ({"terms": []}, "terms: none"),
        ({"tau": 1e6}, "at most"),
        ({"model": "forest"}, "model: forest"),
        ({"truncate": 0.2}, "truncate: 0.2"),
        ({"time_varying": {"operated": "opertaed"}}, "Did you mean 'operated'"),
    ],
)
def test_what_makes_no_sense_is_refused(options, said):
    with pytest.raises(AnalysisError, match=said):
        _compared(patients(), **options)


def test_a_day_of_the_start_that_is_not_known_is_refused_or_left_out_and_counted():
    data = patients()
    treated = np.flatnonzero(data["treated"] == 1)[:7]
    data.loc[treated, "start"] = np.nan
    with pytest.raises(AnalysisError, match="7 patients were treated on a day that is not known"):
        _compared(data)
    found = _compared(data, unknown_start="leave_out")
    assert found.n == len(data) - 7
    (finding,) = (f for f in found.findings if f.rule == "unknown_start")
    assert finding.n == 7


def test_records_and_summary_hold_every_number_once():
    found = _compared(patients(), resamples=10)
    records = {record.id: record for record in found.records("ccw", "days")}
    assert records["ccw/risk/start/t=400"].estimate == found.arms[0].risks[1].estimate
    difference = records["ccw/risk_difference/start/never_start/t=400"]
    assert difference.estimate == found.risk_differences[1].estimate
    assert records["ccw/naive_effect_hazard_ratio/treated/yes/no"].estimate < 0.3
    assert records["ccw/clones_n_deviated/never_start"].n == found.arms[1].n_deviated
    assert set(found.summary["quantity"]) == {
        *("risk", "rmst", "risk_difference", "rmst_difference"),
        *("log_hazard_ratio", "naive_log_hazard_ratio"),
    }
