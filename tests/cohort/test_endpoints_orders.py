"""Dates in an order that cannot be, each told with the number of patients."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa
import pytest

from cohort.endpoints_orders import order_findings


def told(cohort):
    found = order_findings(cohort)
    assert {f.source for f in found} <= {"dates"}
    assert {f.severity for f in found} <= {"warning"}
    return {(f.rule, f.column): f.n for f in found}


def with_events(cohort, days, name="event_day"):
    table = pa.table(
        {
            "patient_id": pa.array([f"p{i:06d}" for i, _ in days], pa.string()),
            "event_kind": pa.array(["distant"] * len(days), pa.string()),
            name: pa.array([d for _, d in days], pa.float64()),
        }
    )
    return replace(cohort, events=cohort.engine.register("events", table))


def test_dates_in_order_are_not_told(make_cohort):
    cohort = make_cohort(
        {
            "vital_status": ["dead", "alive"],
            "cause_of_death": ["breast_cancer", None],
            "followup_days": [100.0, 100.0],
            "surgery_day": [100.0, 0.0],
            "specimen_day": [-5.0, 100.0],
        }
    )
    assert told(with_events(cohort, [(0, 100.0), (1, 0.0)])) == {}


def test_nothing_to_compare_is_nothing_told(make_cohort):
    assert told(make_cohort({"age_years": [50.0]})) == {}
    assert told(make_cohort({"vital_status": ["dead"], "surgery_day": [-1.0]})) == {
        ("treatment_before_diagnosis", "surgery_day"): 1
    }


def test_death_contact_and_events_before_diagnosis(make_cohort):
    cohort = make_cohort(
        {
            "vital_status": ["dead", "alive", "dead"],
            "death_day": [-1.0, None, 9.0],
            "last_contact_day": [-1.0, -3.0, 10.0],
        }
    )
    assert told(with_events(cohort, [(0, -2.0), (2, 3.0), (2, -4.0)])) == {
        ("before_diagnosis", "death_day"): 1,
        ("before_diagnosis", "last_contact_day"): 2,
        ("before_diagnosis", "event_day"): 2,
        ("last_contact_after_death", "last_contact_day"): 1,
    }
    assert told(make_cohort({"followup_days": [-1.0, 0.0]})) == {
        ("before_diagnosis", "followup_days"): 1
    }


@pytest.mark.parametrize("followup", [True, False])
def test_treatment_events_and_specimens_after_the_end(make_cohort, followup):
    ends = (
        {"followup_days": [100.0] * 4}
        if followup
        else {"death_day": [100.0, None, 100.0, None], "last_contact_day": [None, 100.0] * 2}
    )
    cohort = make_cohort(
        {
            "vital_status": ["dead", "alive", "dead", "alive"],
            "chemotherapy_day": [101.0, 100.0, -1.0, 300.0],
            "observed_from_day": [101.0, 0.0, 0.0, 0.0],
            **ends,
        }
    )
    cohort = with_events(cohort, [(0, 101.0), (0, 5.0), (1, 101.0), (1, 102.0), (3, 100.0)])
    specimens = pa.table(
        {
            "patient_id": pa.array(["p000000", "p000001", "p000001"]),
            "specimen_day": pa.array([101.0, 50.0, 100.0]),
        }
    )
    cohort = replace(cohort, specimens=cohort.engine.register("specimens", specimens))
    assert told(cohort) == {
        ("treatment_before_diagnosis", "chemotherapy_day"): 1,
        ("after_death", "chemotherapy_day"): 1,
        ("after_last_contact", "chemotherapy_day"): 1,
        ("after_death", "observed_from_day"): 1,
        ("after_death", "specimen_day"): 1,
        ("after_death", "event_day"): 1,
        ("after_last_contact", "event_day"): 1,
    }


def test_a_day_within_the_last_month_is_no_contradiction(make_cohort):
    cohort = make_cohort(
        {
            "vital_status": ["dead", "dead"],
            "followup_months": [10.0, 10.0],
            "surgery_day": [11 * 365.25 / 12, 11 * 365.25 / 12 + 1],
        },
        time_unit="months",
    )
    cohort = with_events(cohort, [(0, 10.0), (1, 10.5)], "event_months")
    assert told(cohort) == {
        ("after_death", "surgery_day"): 1,
        ("after_death", "event_day"): 1,
    }


def test_the_day_of_an_event_within_the_last_month_is_no_contradiction(make_cohort):
    columns = {"vital_status": ["dead"] * 4, "followup_months": [13.0, 13.0, 13.5, 13.5]}
    cohort = make_cohort(columns, time_unit="months")
    days = [(0, 405.0), (1, 427.0), (2, 412.0), (3, 425.0)]
    assert told(with_events(cohort, days)) == {("after_death", "event_day"): 2}


def test_the_living_have_no_death(make_cohort):
    cohort = make_cohort(
        {
            "vital_status": ["alive", "alive", "dead"],
            "death_day": [50.0, None, 50.0],
            "last_contact_day": [None, 60.0, None],
            "cause_of_death": ["breast_cancer", "other", "breast_cancer"],
        }
    )
    assert told(cohort) == {
        ("alive_with_death", "death_day"): 1,
        ("alive_with_death", "cause_of_death"): 1,
    }


def test_neoadjuvant_therapy_starts_before_surgery(make_cohort):
    cohort = make_cohort(
        {
            "neoadjuvant": ["yes", "yes", "no", "yes"],
            "surgery_day": [100.0, 100.0, 100.0, None],
            "systemic_therapy_day": [101.0, 100.0, 130.0, 5.0],
        }
    )
    assert told(cohort) == {("neoadjuvant_after_surgery", "systemic_therapy_day"): 1}


def test_specimens_without_days_are_not_compared(make_cohort):
    cohort = make_cohort({"vital_status": ["dead"], "followup_days": [3.0]})
    specimens = pa.table({"patient_id": ["p000000"], "specimen_id": ["a"]})
    cohort = replace(cohort, specimens=cohort.engine.register("specimens", specimens))
    assert told(cohort) == {}
