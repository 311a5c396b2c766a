"""What it would take to change a conclusion."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analyses import cox, tipping_points
from analyses.robustness import tipping
from analyses.robustness.tipping import spread_evenly
from cohort.errors import AnalysisError

REFERENCE = Path(__file__).resolve().parent.parent / "reference"
LEVELS = ["zero", "low", "positive"]
NAMES = {"time": "time", "event": "event"}


def rows(stretch: float = 1.0) -> pd.DataFrame:
    frame = pd.read_csv(REFERENCE / "cox_data.csv")
    longer = np.where(frame["group"] == "low", stretch, 1.0)
    return frame.assign(time=frame["time"] * longer, grade=frame["grade"].astype(str))


def model(frame, **options):
    grade = {"name": "grade", "levels": ["1", "2", "3"]}
    terms = [{"name": "group", "levels": LEVELS}, "age", grade]
    return cox(frame, terms=terms, **NAMES, **options)


def tipped(frame, level, reference, **options):
    given = {"errors": ()} | options
    return tipping_points(
        model(frame), frame, contrast=("group", level, reference), **NAMES, **given
    )


def test_events_more_equal_a_loop_over_every_number_in_r():
    r = pd.read_csv(REFERENCE / "tipping_events.csv")
    for (stretch, level, reference), expected in r.groupby(["stretch", "level", "reference"]):
        found = tipped(rows(float(stretch)), level, reference)
        ours = {point.group: point for point in found.events}
        assert set(ours) <= set(expected["group"])
        for row in expected[expected["group"].isin(ours)].itertuples():
            point = ours[row.group]
            assert point.n_censored == row.n_censored
            if math.isnan(row.n_more):
                assert point.n_more is None
                assert point.reason == "not even all of them do it"
                continue
            assert point.n_more == row.n_more
            assert point.conclusion == row.conclusion
            assert point.after is not None
            assert point.after.estimate == pytest.approx(row.estimate, rel=1e-8)
            assert point.after.std_error == pytest.approx(row.std_error, rel=1e-8)


def test_events_that_leave_no_estimate_are_told_from_events_that_change_nothing(monkeypatch):
    """Where the model of all events does not exist nobody knows whether they would do it."""
    monkeypatch.setattr(tipping, "_with_events", lambda *_: None)
    found = tipped(rows(), "low", "zero")
    assert {point.reason for point in found.events} == {
        "with the event in all of them there is no estimate"
    }


def test_patients_spread_evenly_by_hand():
    # Of ten, two: the middles of 0-4 and of 5-9; of three, one: the middle; all of three.
    assert spread_evenly(np.arange(10), 2).tolist() == [2, 7]
    assert spread_evenly(np.arange(3), 1).tolist() == [1]
    assert spread_evenly(np.arange(3), 3).tolist() == [0, 1, 2]
    assert spread_evenly(np.arange(3), 0).tolist() == []


def test_the_deciding_limit_is_that_on_the_side_of_1():
    frame = rows(1.7)
    found = tipped(frame, "low", "zero")
    assert found.conclusion == "lower"
    assert found.limit == pytest.approx(math.exp(found.estimate.conf_high))
    turned = tipped(frame, "zero", "low")
    assert turned.conclusion == "higher"
    assert turned.limit == pytest.approx(1 / found.limit)
    assert turned.estimate.estimate == pytest.approx(-found.estimate.estimate, rel=1e-9)


def test_a_common_outcome_is_turned_into_a_ratio_of_risks():
    found = tipped(rows(1.7), "low", "zero")
    assert found.event_share > 0.15
    assert found.outcome == "common"
    top, bottom = 1 - 0.5 ** math.sqrt(found.limit), 1 - 0.5 ** math.sqrt(1 / found.limit)
    assert found.bias == pytest.approx(top / bottom, rel=1e-12)


def test_misreading_at_no_error_is_the_model_and_error_widens_it():
    frame = rows(1.7)
    found = tipped(frame, "low", "zero", errors=(1e-6, 0.1, 0.2), draws=20, seed=1)
    exact, some, more = found.misreadings
    assert exact.after is not None
    assert exact.after.estimate == pytest.approx(found.estimate.estimate, abs=1e-3)
    assert exact.after.std_error == pytest.approx(found.estimate.std_error, rel=1e-2)
    assert some.after is not None
    assert more.after is not None
    assert exact.after.std_error < some.after.std_error < more.after.std_error
    assert [point.error for point in found.misreadings] == [1e-6, 0.1, 0.2]


def test_an_error_that_cannot_have_given_what_was_read_says_so():
    frame = rows()
    frame = frame[(frame["group"] == "low") | (frame.index < 40)]
    found = tipped(frame, "low", "zero", errors=(0.01, 0.4), draws=4, seed=1)
    assert found.misreadings[0].after is not None
    assert found.misreadings[1].after is None
    assert "cannot have given" in str(found.misreadings[1].reason)
    statuses = {r.group: r.status for r in found.records("a") if "misread" in r.quantity}
    assert statuses["error 0.4"] == "not_estimable"


def test_only_those_who_may_be_misread_are():
    frame = rows(1.7).assign(maybe=lambda f: f["site"] == "a")
    found = tipped(frame, "low", "zero", errors=(0.2,), draws=6, seed=1, among="maybe")
    everybody = tipped(frame, "low", "zero", errors=(0.2,), draws=6, seed=1)
    assert found.misreadings[0].after is not None
    assert everybody.misreadings[0].after is not None
    assert found.misreadings[0].after.std_error < everybody.misreadings[0].after.std_error


def test_what_cannot_be_asked_is_refused_by_name():
    frame = rows()
    fitted = model(frame)
    asked = {"contrast": ("group", "low", "zero"), **NAMES}
    with pytest.raises(AnalysisError, match="seed"):
        tipping_points(fitted, frame, **asked)
    with pytest.raises(AnalysisError, match="Between 0 and"):
        tipping_points(fitted, frame, **asked, errors=(0.5,), seed=1)
    with pytest.raises(AnalysisError, match="that the model was fitted to"):
        tipping_points(fitted, frame.iloc[:-1], **asked, errors=())
    with pytest.raises(AnalysisError, match="Did you mean 'low'"):
        tipped(frame, "lwo", "zero")
    with pytest.raises(AnalysisError, match="no category"):
        tipping_points(fitted, frame, contrast=("age", "low", "zero"), **NAMES, errors=())
    weighted = model(frame, weights="weight")
    with pytest.raises(AnalysisError, match="weights"):
        tipping_points(weighted, frame, **asked, errors=())
