"""Limits of the incidence that a Fine and Gray model predicts: R's loops, derivatives, by hand."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analyses import fine_gray
from analyses.results.fine_gray import FineGray

REFERENCE = Path(__file__).parents[1] / "reference"
STATE = {"name": "cause", "levels": ["0", "1", "2"]}
TERMS: list[Any] = [{"name": "group", "levels": ["1", "2", "3"]}, "receptor"]
CASES: dict[str, dict[str, Any]] = {
    "fine": {},
    "tied": {"time": "months"},
    "share": {"weights": "share"},
    "cluster": {"weights": "share", "cluster": "site"},
    "strata": {"strata": "stratum"},
    "strata_cluster": {"strata": "stratum", "cluster": "site"},
}


def rows() -> pd.DataFrame:
    frame = pd.read_csv(REFERENCE / "competing_rows.csv")
    frame["months"] = frame["time"] + 1
    return frame.astype({"group": str, "cause": str})


def model(frame: pd.DataFrame, **options: Any) -> FineGray:
    asked = {"time": "fine", "state": STATE, "cause": "1", "terms": TERMS} | options
    return fine_gray(frame, **asked)


def new(row: Any) -> pd.DataFrame:
    group = "2" if row.two else "3" if row.three else "1"
    return pd.DataFrame({"group": [group], "receptor": row.receptor, "stratum": row.stratum})


@pytest.mark.parametrize("case", CASES)
def test_errors_are_those_of_loops_in_r(case: str) -> None:
    fitted = model(rows(), **CASES[case])
    r = pd.read_csv(REFERENCE / "fine_gray_limits.csv")
    for row in r[r["case"] == case].itertuples():
        (ours,) = fitted.predict_incidence(new(row), [row.time]).to_dict("records")
        assert ours["estimate"] == pytest.approx(row.estimate, rel=1e-8)
        assert ours["std_error"] == pytest.approx(row.std_error, rel=1e-7)


def _by_weights(
    frame: pd.DataFrame, patient: pd.DataFrame, at: list[float]
) -> np.ndarray[Any, Any]:
    """The infinitesimal jackknife: derivatives of the hazard by each patient's weight."""
    step, parts = 1e-4, []
    for i in range(len(frame)):
        ends = []
        for sign in (1, -1):
            weight = np.ones(len(frame))
            weight[i] += sign * step
            found = model(frame.assign(w=weight), weights="w").predict_incidence(patient, at)
            ends.append(-np.log1p(-found["estimate"].to_numpy()))
        parts.append((ends[0] - ends[1]) / (2 * step))
    return np.sqrt((np.array(parts) ** 2).sum(axis=0))


def test_errors_are_near_those_of_derivatives_by_weight() -> None:
    """They differ in c / n^2 for c / (n (n - c)) of the censoring distribution, as crr's do."""
    frame = rows().iloc[:50]
    patient = pd.DataFrame({"group": ["3"], "receptor": [1]})
    at = [6.0, 20.0]
    found = model(frame).predict_incidence(patient, at)
    ours = found["std_error"] / (1 - found["estimate"])
    assert ours.to_numpy() == pytest.approx(_by_weights(frame, patient, at), rel=2e-2)


def test_without_censoring_before_the_end_they_are_the_derivatives() -> None:
    """Nobody is censored before the last event, so that the share under observation is 1."""
    frame = rows().iloc[:40]
    frame.loc[frame["cause"] == "0", "fine"] = 100.0
    patient = pd.DataFrame({"group": ["2"], "receptor": [0]})
    at = [6.0, 20.0]
    found = model(frame).predict_incidence(patient, at)
    ours = found["std_error"] / (1 - found["estimate"])
    assert ours.to_numpy() == pytest.approx(_by_weights(frame, patient, at), rel=1e-6)


def test_four_patients_by_hand() -> None:
    """Without competing events: events at 1 (x 1), 2 (x 0) and 3 (x 1), one alive (x 0) at 4.

    Breslow with b and r = e^b: risk sets 2r + 2, r + 2 and r + 1. The score, 1 - 2r/(2r + 2)
    - r/(r + 2) + 1 - r/(r + 1), is 0 where 2/(r + 1) = r/(r + 2): r^2 - r - 4 = 0, r =
    (1 + sqrt 17)/2. At t = 1 the hazard of x 0 is L = 1/(2r + 2), its mean m = r/(r + 1). A patient
    of hazard ratio q adds (event - q L)/(2r + 2) at fixed b, and by way of b less L m times U / I;
    the sum of the squares of both together is the variance.
    """
    frame = pd.DataFrame({"t": [1.0, 2, 3, 4], "s": ["1", "1", "1", "0"], "x": [1.0, 0, 1, 0]})
    r = (1 + math.sqrt(17)) / 2
    s0 = np.array([2 * r + 2, r + 2, r + 1])
    z = np.array([r / (r + 1), r / (r + 2), r / (r + 1)])
    dl = 1 / s0
    x, q = frame["x"].to_numpy(), np.array([r, 1, r, 1])
    last = [1, 2, 3, 3]
    event = [0, 1, 2, None]
    score = np.array(
        [
            (0 if event[i] is None else x[i] - z[event[i]])
            - q[i] * ((x[i] - z) * dl)[: last[i]].sum()
            for i in range(4)
        ]
    )
    information = (z * (1 - z)).sum()
    part = (np.array([1, 0, 0, 0]) - q * dl[0]) / s0[0] - dl[0] * z[0] * score / information
    fitted = fine_gray(
        frame, time="t", state={"name": "s", "levels": ["0", "1", "2"]}, cause="1", terms=["x"]
    )
    (ours,) = fitted.predict_incidence(pd.DataFrame({"x": [0.0]}), [1.0]).to_dict("records")
    assert ours["estimate"] == pytest.approx(1 - math.exp(-dl[0]), rel=1e-9)
    error = math.sqrt((part**2).sum())
    assert ours["std_error"] == pytest.approx(error * math.exp(-dl[0]), rel=1e-9)
    low, high = (1 - math.exp(-dl[0] * math.exp(k * 1.959963984540054 * error / dl[0]))
                 for k in (-1, 1))  # fmt: skip
    assert (ours["conf_low"], ours["conf_high"]) == pytest.approx((low, high), rel=1e-9)


@pytest.mark.parametrize("options", [{}, {"strata": "stratum"}, {"weights": "share"}])
def test_a_cluster_of_one_is_a_patient(options: dict[str, Any]) -> None:
    frame = rows()
    patient = pd.DataFrame({"group": ["3"], "receptor": [1], "stratum": [2]})
    alone = model(frame, **options).predict_incidence(patient, [6.0, 20.0])
    clustered = model(frame, **options, cluster="patient").predict_incidence(patient, [6.0, 20.0])
    assert clustered["std_error"].to_numpy() == pytest.approx(alone["std_error"], rel=1e-9)


def test_a_whole_weight_is_so_many_patients() -> None:
    frame = rows().query("whole > 0")
    patient = pd.DataFrame({"group": ["3"], "receptor": [1]})
    ours = model(frame, weights="whole").predict_incidence(patient, [6.0, 20.0])
    again = frame.loc[frame.index.repeat(frame["whole"])].reset_index(drop=True)
    repeated = model(again).predict_incidence(patient, [6.0, 20.0])
    assert ours["std_error"].to_numpy() == pytest.approx(repeated["std_error"], rel=1e-8)


def test_with_delayed_entry_they_are_derivatives_with_known_observation() -> None:
    """Without competing events the weights of observation play no part: a Breslow Cox model."""
    frame = rows().dropna(subset="entry").query("entry < fine").iloc[:40].copy()
    frame["cause"] = frame["cause"].replace("2", "0")
    patient = pd.DataFrame({"group": ["2"], "receptor": [1]})
    at = [10.0, 20.0]
    found = model(frame, entry="entry").predict_incidence(patient, at)
    step, parts = 1e-4, []
    for i in range(len(frame)):
        ends = []
        for sign in (1, -1):
            weight = np.ones(len(frame))
            weight[i] += sign * step
            some = model(frame.assign(w=weight), weights="w", entry="entry")
            ends.append(-np.log1p(-some.predict_incidence(patient, at)["estimate"].to_numpy()))
        parts.append((ends[0] - ends[1]) / (2 * step))
    ours = (found["std_error"] / (1 - found["estimate"])).to_numpy()
    assert ours == pytest.approx(np.sqrt((np.array(parts) ** 2).sum(axis=0)), rel=1e-6)


def test_limits_hold_the_estimate_and_are_null_before_any_event() -> None:
    fitted = model(rows())
    patient = pd.DataFrame({"group": ["1", "3"], "receptor": [0, 1]})
    found = fitted.predict_incidence(patient, [0.0, 6.0, 20.0, 1000.0])
    known = found.dropna()
    assert (known["conf_low"] < known["estimate"]).all()
    assert (known["estimate"] < known["conf_high"]).all()
    start = found[found["time"] == 0]
    assert (start["estimate"] == 0).all()
    assert start["conf_low"].isna().all()
    assert found[found["time"] == 1000].drop(columns=["row", "time"]).isna().all(axis=None)
