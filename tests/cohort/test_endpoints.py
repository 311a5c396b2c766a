"""Endpoints: worked patients in days and months, given endpoints, censoring."""

from __future__ import annotations

import pytest

from cohort.duration import Duration
from cohort.endpoints import add_endpoint
from cohort.errors import SpecError


def _endpoint(cohort, id="os"):
    frame = cohort.to_pandas()
    return [
        (None if t != t else t, None if e is None or e != e else bool(e))
        for t, e in zip(frame[f"{id}_time"], frame[f"{id}_event"], strict=True)
    ]


def test_overall_survival_from_days_keeps_zero_and_leaves_the_unknown_out(make_cohort):
    cohort = make_cohort(
        {
            "vital_status": ["dead", "alive", "dead", None, "alive"],
            "followup_days": [10.0, 20.0, 0.0, 5.0, None],
        }
    )
    made = add_endpoint(cohort, id="os")
    assert _endpoint(made) == [(10, True), (20, False), (0, True), (None, None), (None, None)]
    said = {f.rule: f.n for f in made.findings}
    assert said == {"no_endpoint": 2, "time_zero": 1}


def test_overall_survival_from_days_of_death_and_last_contact(make_cohort):
    cohort = make_cohort(
        {
            "vital_status": ["dead", "alive", "dead"],
            "death_day": [7.0, None, None],
            "last_contact_day": [3.0, 9.0, 4.0],
        }
    )
    # A death without its day has no time: the last contact before it is not the death.
    assert _endpoint(add_endpoint(cohort, id="os")) == [(7, True), (9, False), (None, None)]


def test_administrative_censoring_keeps_an_event_on_the_day_itself(make_cohort):
    cohort = make_cohort(
        {
            "vital_status": ["dead", "dead", "alive", "dead"],
            "followup_months": [12.0, 12.01, 30.0, 3.0],
        },
        time_unit="months",
    )
    made = add_endpoint(cohort, id="os", censor_at=Duration(1, "years"))
    assert _endpoint(made) == [(12, True), (12, False), (12, False), (3, True)]
    assert next(f.n for f in made.findings if f.rule == "censored_at") == 1


def test_years_become_days_and_months_by_one_conversion():
    assert Duration(5, "years").within("days") == 1826.25
    assert Duration(5, "years").within("months") == 60
    assert Duration(60, "months").within("days") == 1826.25
    assert Duration(30.4375, "days").within("months") == 1
    assert str(Duration(1, "years")) == "1 year"


def test_an_endpoint_that_the_source_gives_and_one_that_it_does_not(make_cohort):
    cohort = make_cohort(
        {
            "given_dss_time": [5.0, 6.0, None],
            "given_dss_event": ["yes", "no", "yes"],
            "vital_status": ["dead", "alive", "dead"],
            "followup_days": [5.0, 6.0, 7.0],
        }
    )
    made = add_endpoint(cohort, id="dss", kind="DSS")
    assert _endpoint(made, "dss") == [(5, True), (6, False), (None, None)]
    with pytest.raises(SpecError, match="Endpoints here: OS, DSS"):
        add_endpoint(cohort, id="x", kind="DFI")


def test_a_source_without_follow_up_is_told_what_is_needed(make_cohort):
    with pytest.raises(SpecError, match="gives no follow-up"):
        add_endpoint(make_cohort({"vital_status": ["dead"]}), id="os")


def test_events_at_zero_are_counted_in_words(make_cohort):
    cohort = make_cohort({"vital_status": ["dead", "alive"], "followup_days": [0.0, 0.0]})
    finding = next(f for f in add_endpoint(cohort, id="os").findings if f.rule == "time_zero")
    assert finding.n == 2
    assert "1 of these patients have the event at 0" in finding.advice


def test_days_of_death_are_no_follow_up_in_months(make_cohort):
    days = {"vital_status": ["dead"], "death_day": [3.0], "last_contact_day": [3.0]}
    with pytest.raises(SpecError, match="gives no follow-up"):
        add_endpoint(make_cohort(days, time_unit="months"), id="os")


def test_a_kind_may_be_written_small_and_an_id_made_again(make_cohort):
    given = {"given_dss_time": [5.0], "given_dss_event": ["yes"]}
    cohort = make_cohort(given | {"vital_status": ["alive"], "followup_days": [9.0]})
    made = add_endpoint(add_endpoint(cohort, id="x"), id="x", kind="dss")
    assert _endpoint(made, "x") == [(5, True)]


def test_censoring_without_a_unit_is_refused(make_cohort):
    cohort = make_cohort({"vital_status": ["dead"], "followup_days": [3.0]})
    with pytest.raises(SpecError, match="Duration"):
        add_endpoint(cohort, id="os", censor_at=5)
