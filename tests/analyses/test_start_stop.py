"""A treatment as it changes over time: against R's tmerge, by hand, and who is counted where."""

from __future__ import annotations

import math

import pandas as pd
import pytest
from immortal_cases import expected, expected_error, patients

from analyses.adjustment.start_stop import start_stop
from cohort.errors import AnalysisError

TERMS = ["age", {"name": "grade", "levels": ["1", "2", "3"]}]
COLUMNS = {"time": "time", "event": "event", "treatment": "treated", "start": "start"}


def test_the_model_is_r_s_on_rows_of_tmerge():
    found = start_stop(patients(), **COLUMNS, terms=TERMS)
    names = {"treated": "on", "age": "age"}
    for row in found.model.coefficients:
        if row.is_reference:
            continue
        term = names.get(row.term, f"grade{row.level}")
        assert row.estimate == pytest.approx(expected("start_stop", term), rel=1e-8)
        assert row.std_error == pytest.approx(expected_error("start_stop", term), rel=1e-8)
    assert found.n_rows == expected("rows")
    treated = found.exposures[1]
    assert treated.n_event == expected("events_treated")
    assert treated.person_time == expected("time_treated")
    assert found.n_at_baseline == 5
    assert found.naive.estimate == pytest.approx(expected("naive", "treated"), rel=1e-8)


def test_a_term_may_be_named_like_a_column_of_the_rows():
    odd = patients().rename(columns={"age": "time from"})
    named = start_stop(odd, **COLUMNS, terms=["time from"])
    wanted = start_stop(patients(), **COLUMNS, terms=["age"])
    assert named.effect.estimate == wanted.effect.estimate


def _six():
    """Starts at 2 (dies at 5), on the day of death 4, before time zero, after the end, never."""
    return pd.DataFrame(
        {
            "time": [5.0, 4, 6, 3, 7, 0],
            "event": [1, 1, 1, 0, 0, 1],
            "treated": ["yes", "yes", "yes", "yes", "no", "no"],
            "start": [2, 4, -3, 8, None, None],
        }
    )


def test_time_and_events_before_and_after_the_start_by_hand():
    """Untreated: (0,2], (0,4], (0,3], (0,7] = 16 with the event at 4; treated (2,5], (0,6] = 9.

    With r the hazard ratio, at 4 an untreated dies among two treated and two untreated, at 5 a
    treated among two and one, at 6 a treated among one and one. The score is zero where
    2 = 2r/(2r+2) + 2r/(2r+1) + r/(r+1), that is r^2 - r - 1 = 0: r = (1 + sqrt(5)) / 2.
    """
    found = start_stop(_six(), **COLUMNS)
    untreated, treated = found.exposures
    assert (untreated.n, untreated.n_event, untreated.person_time) == (4, 1, 16)
    assert (treated.n, treated.n_event, treated.person_time) == (2, 2, 9)
    golden = (1 + math.sqrt(5)) / 2
    assert math.exp(found.effect.estimate) == pytest.approx(golden, rel=1e-9)


def test_a_start_on_the_day_of_the_event_is_an_untreated_event_and_counted():
    found = start_stop(_six(), **COLUMNS)
    rules = {finding.rule: finding.n for finding in found.findings}
    assert rules["start_on_last_day"] == 1
    assert rules["start_after_end"] == 1
    assert found.exposures[0].n_event == 1
    assert (found.n_at_baseline, found.n_started_later) == (1, 1)


def test_patients_without_time_are_counted_with_their_events():
    found = start_stop(_six(), **COLUMNS)
    (finding,) = (f for f in found.findings if f.rule == "no_time_at_risk")
    assert finding.n == found.n_without_time == 1
    assert "1 of these patients have the event" in finding.advice
    assert found.n == 5


def test_labels_that_repeat_are_no_patients():
    data = patients()
    found = start_stop(data.set_axis([0] * len(data)), **COLUMNS, terms=TERMS)
    assert found.effect == start_stop(data, **COLUMNS, terms=TERMS).effect


def test_a_start_before_late_entry_is_treated_from_entry():
    data = _six().iloc[:5].assign(entry=[3.0, 0, 1, 0, 2])
    found = start_stop(data, **COLUMNS, entry="entry")
    assert found.n_at_baseline == 2
    assert found.exposures[1].person_time == (5 - 3) + (6 - 1)


def test_a_treatment_that_never_changes_is_refused():
    with pytest.raises(AnalysisError, match="all 5 patients are untreated throughout"):
        start_stop(_six().assign(treated="no", start=None), **COLUMNS)


def test_the_unit_of_time_does_not_matter():
    data = patients()
    half = data.assign(time=data["time"] / 2, start=data["start"] / 2)
    one, other = (start_stop(d, **COLUMNS, terms=TERMS) for d in (data, half))
    assert one.effect.estimate == pytest.approx(other.effect.estimate, rel=1e-12)


def test_records_hold_time_by_state_and_both_effects():
    records = {r.id: r for r in start_stop(_six(), **COLUMNS).records("ss", "days")}
    assert records["ss/person_time/yes"].estimate == 9
    assert records["ss/person_time/yes"].unit == "days"
    assert records["ss/naive_effect_log_hazard_ratio/treated/yes/no"].reason is None
