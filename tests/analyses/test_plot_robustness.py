"""Figures of a bias analysis and of leaving units out: what is drawn is what was found."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analyses import bias_analysis, cox, leave_one_out
from analyses.plots.bias_analysis import AS_READ, CORRECTED, TOTAL
from cohort.errors import AnalysisError

REFERENCE = Path(__file__).resolve().parent.parent / "reference"
NAMES = {"time": "time", "event": "event"}
LOW = ("group", "low", "zero")
MATRIX = {"zero": {"zero": 90, "low": 10}, "low": {"zero": 10, "low": 90}}


@pytest.fixture(scope="module")
def fitted():
    frame = pd.read_csv(REFERENCE / "cox_data.csv")
    group = {"name": "group", "levels": ["zero", "low", "positive"]}
    return cox(frame, terms=[group, "age"], **NAMES), frame


def test_a_bias_analysis_is_drawn_at_its_numbers(fitted):
    found = bias_analysis(*fitted, contrast=LOW, matrix=MATRIX, draws=40, seed=1, **NAMES)
    drawn = found.plot()
    marks = {name: float(mark.get_xdata()[0]) for name, mark in drawn.marks}
    assert marks[AS_READ] == pytest.approx(np.exp(found.conventional.estimate))
    assert marks[CORRECTED] == pytest.approx(np.exp(found.systematic[0]))
    assert marks[TOTAL] == pytest.approx(np.exp(found.total[0]))
    intervals = {name: line.get_xdata() for name, line in drawn.intervals}
    assert list(intervals[TOTAL]) == pytest.approx(list(np.exp(found.total[1:])))
    shares = {name: patch.get_data().values.sum() for name, patch in drawn.draws}
    assert shares[CORRECTED] == pytest.approx(1)
    assert 0.9 < shares[TOTAL] <= 1
    assert "over 40 draws" in drawn.alt


def test_units_left_out_are_drawn_in_the_order_of_their_ratios(fitted):
    found = leave_one_out(*fitted, contrast=LOW, unit="facility", fitted=12, **NAMES)
    drawn = found.plot()
    own = {u.unit: np.exp(u.after.estimate) for u in found.units if u.after is not None}
    heights = list(drawn.marks.get_ydata())
    assert heights == sorted(heights)
    assert heights == pytest.approx([own[name] for name in drawn.units])
    assert len(drawn.intervals.get_segments()) == 12
    assert drawn.everybody.get_ydata()[0] == pytest.approx(np.exp(found.estimate.estimate))
    assert any("12 of 25 units" in text.get_text() for text in drawn.names)


def test_a_unit_without_limits_has_a_mark_and_no_interval(fitted):
    found = leave_one_out(*fitted, contrast=LOW, unit="facility", fitted=4, **NAMES)
    order = [u.unit for u in sorted(found.fitted, key=lambda u: u.after.estimate)]

    def lacking(units):
        return replace(
            found,
            units=tuple(
                replace(u, after=replace(u.after, conf_low=None, conf_high=None))
                if u.unit in units
                else u
                for u in found.units
            ),
        )

    drawn = lacking({order[1]}).plot()
    own = {u.unit: u.after for u in found.fitted}
    ends = {s[0, 0]: list(s[:, 1]) for s in drawn.intervals.get_segments()}
    assert set(ends) == {1, 3, 4}
    for place, said in ends.items():
        one = own[order[int(place) - 1]]
        assert said == pytest.approx(list(np.exp([one.conf_low, one.conf_high])))
    assert len(drawn.marks.get_xdata()) == 4
    assert lacking(set(order)).plot().intervals.get_segments() == []


def test_no_unit_to_leave_out_has_no_figure():
    frame = pd.DataFrame(
        {
            "time": [1, 2, 3, 4],
            "event": 1,
            "group": ["low", "zero", "zero", "low"],
            "s": list("AABB"),
        }
    )
    model = cox(frame, terms=[{"name": "group", "levels": ["zero", "low"]}], **NAMES)
    found = leave_one_out(model, frame, contrast=LOW, unit="s", **NAMES)
    with pytest.raises(AnalysisError, match="no unit could be left out"):
        found.plot()
