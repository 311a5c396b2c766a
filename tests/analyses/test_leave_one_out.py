"""One contrast without each hospital in turn."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analyses import cox, leave_one_out
from cohort.errors import AnalysisError

REFERENCE = Path(__file__).resolve().parent.parent / "reference"
NAMES = {"time": "time", "event": "event"}
LOW = ("group", "low", "zero")


def rows() -> pd.DataFrame:
    frame = pd.read_csv(REFERENCE / "cox_data.csv")
    return frame.assign(grade=frame["grade"].astype(str))


def model(frame, **options):
    grade = {"name": "grade", "levels": ["1", "2", "3"]}
    group = {"name": "group", "levels": ["zero", "low", "positive"]}
    return cox(frame, terms=[group, "age", grade], **NAMES, **options)


def test_every_facility_left_out_equals_a_model_without_it_in_r():
    frame = rows()
    found = leave_one_out(
        model(frame), frame, contrast=LOW, unit="facility", named="names", **NAMES
    )
    ours = {unit.unit: unit for unit in found.units}
    r = pd.read_csv(REFERENCE / "leave_one_out.csv")
    assert set(ours) == set(r["facility"].astype(str))
    for row in r.itertuples():
        unit = ours[str(row.facility)]
        assert (unit.n, unit.n_event) == (row.n, row.n_event)
        assert unit.approximate == pytest.approx(row.approximate, rel=1e-7, abs=1e-12)
        assert unit.after is not None
        assert unit.after.estimate == pytest.approx(row.estimate, rel=1e-8, abs=1e-12)
        assert unit.after.std_error == pytest.approx(row.std_error, rel=1e-8)
    farthest = (r["estimate"] - found.estimate.estimate).abs().idxmax()
    assert found.largest is not None
    assert found.largest.unit == str(r["facility"][farthest])


# With e = exp(b), all four: of those at risk at 1, 2, 3 and 4 the lows are 2 of 4, 1 of 3, 1 of 2
# and 1 of 1; the score 2 - e/(1 + e) - e/(2 + e) - e/(1 + e) - 1 is 0 where e^2 + e = 1. Without A
# the likelihood is 1/(1 + e), without B e/(1 + e): neither has a maximum.
HAND = pd.DataFrame(
    {
        "time": [1, 2, 3, 4],
        "event": [1, 1, 1, 1],
        "group": ["low", "zero", "zero", "low"],
        "site": ["A", "A", "B", "B"],
    }
)


def test_a_unit_without_which_nothing_is_left_says_so_by_hand():
    group = {"name": "group", "levels": ["zero", "low"]}
    fitted = cox(HAND, terms=[group], **NAMES)
    e = (math.sqrt(5) - 1) / 2
    assert math.exp(fitted.coefficients[1].estimate) == pytest.approx(e, rel=1e-9)
    found = leave_one_out(fitted, HAND, contrast=LOW, unit="site", **NAMES)
    assert [unit.after for unit in found.units] == [None, None]
    assert all("no finite estimate" in str(unit.reason) for unit in found.units)
    assert found.largest is None
    *own, last = [r for r in found.records("a") if r.status != "ok"]
    assert ["no finite estimate" in str(r.reason) for r in own] == [True, True]
    assert last.reason == "no unit could be left out"


def test_the_other_units_have_the_approximation_only_and_that_is_said():
    frame = rows()
    found = leave_one_out(model(frame), frame, contrast=LOW, unit="facility", fitted=3, **NAMES)
    assert [unit.after is not None for unit in found.units][:4] == [True, True, True, False]
    assert found.n_fitted == 3
    assert any("3 of 25 units" in f.advice for f in found.findings)
    sizes = [abs(unit.approximate) for unit in found.units]
    assert sizes == sorted(sizes, reverse=True)
    assert json.loads(json.dumps(found.to_dict()))["n_units"] == 25


def test_patients_of_no_unit_stay_and_are_counted():
    frame = rows()
    frame["facility"] = frame["facility"].astype(float).where(frame.index >= 5, np.nan)
    found = leave_one_out(
        model(frame), frame, contrast=LOW, unit="facility", named="names", **NAMES
    )
    assert found.n_unknown == 5
    assert sum(unit.n for unit in found.units) == len(frame) - 5
    assert {unit.unit for unit in found.units} <= {str(k) for k in range(1, 26)}


def test_the_limits_keep_the_variance_of_the_model():
    frame = rows()
    clustered = model(frame, cluster="site")
    found = leave_one_out(
        clustered, frame, contrast=LOW, unit="facility", fitted=1, named="names", **NAMES
    )
    (first, *_) = found.fitted
    without = model(frame[frame["facility"].astype(str) != first.unit], cluster="site")
    c = without.coefficients[1]
    assert first.after is not None
    assert (first.after.estimate, first.after.std_error) == pytest.approx(
        (c.estimate, c.std_error), rel=1e-9
    )


def test_one_unit_is_refused_by_name():
    frame = rows().assign(one="x")
    with pytest.raises(AnalysisError, match="1 units"):
        leave_one_out(model(frame), frame, contrast=LOW, unit="one", **NAMES)


def test_units_are_numbered_by_size_unless_names_are_asked_for():
    frame = rows()
    asked = {"contrast": LOW, "unit": "facility", "fitted": 3, **NAMES}
    found = leave_one_out(model(frame), frame, **asked)
    named = leave_one_out(model(frame), frame, **asked, named="names")
    places = [int(unit.unit.removeprefix("unit ")) for unit in found.units]
    assert sorted(places) == list(range(1, 26))
    by_place = [
        unit.n for _, unit in sorted(zip(places, found.units, strict=True), key=lambda p: p[0])
    ]
    assert by_place == sorted(by_place, reverse=True)
    assert [u.approximate for u in named.units] == [u.approximate for u in found.units]
    with pytest.raises(ValueError, match="'numbers' or 'names'"):
        leave_one_out(model(frame), frame, **asked, named="ids")


def test_each_unit_left_out_has_a_record_by_its_place():
    frame = rows()
    found = leave_one_out(model(frame), frame, contrast=LOW, unit="facility", fitted=3, **NAMES)
    own = [r for r in found.records("a") if r.quantity == "hazard_ratio_without"]
    assert [r.group for r in own] == ["place 1", "place 2", "place 3"]
    for record, unit in zip(own, found.units[:3], strict=True):
        assert (record.n, record.n_event) == (unit.n, unit.n_event)
        assert record.estimate == pytest.approx(math.exp(unit.after.estimate))
