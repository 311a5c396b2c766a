"""Endpoints: worked patients in days and months, given endpoints, censoring."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import narwhals as nw
import pyarrow as pa
import pytest

from cohort.duration import Duration
from cohort.endpoints import add_endpoint, add_endpoints
from cohort.endpoints_definition import EndpointDefinition, EndpointOptions
from cohort.errors import SpecError
from cohort.harmonisation import harmonise
from cohort.loading import load


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
    with pytest.raises(SpecError, match="Endpoints: OS, DSS"):
        add_endpoint(cohort, id="x", kind="DFI")


def test_a_source_without_follow_up_is_told_what_is_needed(make_cohort):
    with pytest.raises(SpecError, match=r"does not give OS \(followup_days"):
        add_endpoint(make_cohort({"vital_status": ["dead"]}), id="os")


def test_events_at_zero_are_counted_in_words(make_cohort):
    cohort = make_cohort({"vital_status": ["dead", "alive"], "followup_days": [0.0, 0.0]})
    finding = next(f for f in add_endpoint(cohort, id="os").findings if f.rule == "time_zero")
    assert finding.n == 2
    assert "1 of these patients have the event at 0" in finding.advice


def test_days_of_death_are_no_follow_up_in_months(make_cohort):
    days = {"vital_status": ["dead"], "death_day": [3.0], "last_contact_day": [3.0]}
    with pytest.raises(SpecError, match=r"does not give OS \(followup_months"):
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


def _events(cohort, rows):
    """The cohort with events: (place of the patient, kind, columns)."""
    columns = {
        "patient_id": [f"p{i:06d}" for i, _, _ in rows],
        "event_kind": [kind for _, kind, _ in rows],
    }
    for name in dict.fromkeys(name for _, _, more in rows for name in more):
        columns[name] = pa.array([more.get(name) for _, _, more in rows], pa.float64())
    return replace(cohort, events=cohort.engine.register("events", pa.table(columns)))


def _problems(cohort, **asked):
    with pytest.raises(SpecError) as caught:
        add_endpoint(cohort, id="x", **asked)
    return [str(problem) for problem in caught.value.problems]


def test_events_in_the_other_unit_are_converted_once(make_cohort):
    columns = {"vital_status": ["alive"] * 3, "followup_months": [24.0] * 3}
    cohort = make_cohort(columns, time_unit="months")
    days = _events(cohort, [(0, "distant", {"event_day": 365.25})])
    assert _endpoint(add_endpoint(days, id="x", kind="IDFS"), "x")[0] == (12, True)
    both = _events(
        cohort,
        [
            (0, "distant", {"event_day": 365.25, "event_months": 11.0}),
            (1, "distant", {"event_day": 365.25}),
        ],
    )
    found = _endpoint(add_endpoint(both, id="x", kind="IDFS"), "x")
    assert found == [(11, True), (12, True), (24, False)]
    columns = {"vital_status": ["alive"], "followup_days": [900.0]}
    months = _events(make_cohort(columns), [(0, "distant", {"event_months": 12.0})])
    assert _endpoint(add_endpoint(months, id="x", kind="IDFS"), "x") == [(365.25, True)]


def test_an_origin_on_the_last_day_is_no_end_before_it(make_cohort):
    # By floating point many of these days, as months, lie past the same days divided by 30.4375.
    days = range(2000)
    columns = {
        "vital_status": ["dead"] * len(days),
        "followup_months": [day / 30.4375 for day in days],
        "surgery_day": [float(day) for day in days],
    }
    assert any(day * (12 / 365.25) > day / 30.4375 for day in days)
    cohort = add_endpoint(make_cohort(columns, time_unit="months"), id="x", origin="surgery")
    found = _endpoint(cohort, "x")
    assert [event for _, event in found] == [True] * len(days)
    assert all(0 <= time < 1e-9 for time, _ in found)


def test_a_definition_from_memory_is_off_until_asked_for(make_cohort):
    columns = {
        "vital_status": ["dead"],
        "followup_days": [5.0],
        "cause_of_death": ["breast_cancer"],
    }
    cohort = make_cohort(columns)
    (problem,) = _problems(cohort, kind="BCSS")
    assert "the definition of BCSS is from memory, not checked in its source" in problem
    assert "unverified: true" in problem
    assert "EndpointOptions(unverified=True)" in problem
    assert "Checked: OS, IDFS, IBCFS" in problem
    drfi = _problems(_events(cohort, [(0, "distant", {"event_day": 3.0})]), kind="DRFI")
    assert "is in part from memory" in drfi[0]
    made = add_endpoint(cohort, id="x", kind="BCSS", options=EndpointOptions(unverified=True))
    said = {c.name: c for c in made.choices}
    assert said["x definition"].value == "memory"
    assert "not checked in its source" in said["x definition"].meaning
    assert said["x unknown_cause"].value == "competing"


def test_what_a_source_does_not_identify_is_refused_with_that_reason(make_cohort):
    cohort = make_cohort({"vital_status": ["dead"], "followup_days": [5.0]})
    (problem,) = _problems(cohort, kind="IDFS")
    assert "source 'worked' gives no events after diagnosis" in problem
    assert "Endpoints: OS" in problem
    none = replace(cohort, identifies=(("recurrence", "no"),))
    assert "does not identify recurrences, so not IDFS" in _problems(none, kind="IDFS")[0]
    first, second, third = _problems(cohort, kind="RFI")
    assert "gives no events" in first
    assert "does not give RFI (cause_of_death)" in second
    assert "from memory" in third
    (given,) = _problems(cohort, kind="DSS")
    assert "does not give DSS" in given


def test_every_mistake_of_every_endpoint_is_told_at_once(make_cohort):
    cohort = make_cohort(
        {"vital_status": ["dead"], "followup_days": [5.0], "surgery_day": [1.0], "grade": ["1"]}
    )
    options = EndpointOptions(
        censor_on=datetime(2022, 8, 5, tzinfo=UTC), unknown_cause="maybe", primaries="first",
        changes=(("relapse", "event"), ("death_other_cause", "ignore"), ("distant", "often")),
    )  # fmt: skip
    options = replace(options, unverified=True)
    asked = {"origin": "operation", "entry": "grade", "options": options}
    cohort = _events(cohort, [(0, "distant", {"event_day": 3.0})])
    found = _problems(cohort, kind="RFI", **asked)
    for words in [
        "censor_on is datetime.datetime(2022, 8, 5",
        "unknown_cause is 'maybe'",
        "source 'worked' does not give 'operation', which origin needs",
        "source 'worked' does not give 'grade', which entry needs",
        "source 'worked' does not give 'diagnosis_date', which censor_on needs",
        "source 'worked' does not give 'tumour_sequence', which primaries needs",
        "'relapse' is no event",
        "death_other_cause cannot be 'ignore'\n    Allowed: event, competing, censor",
        "distant cannot be 'often'\n    Allowed: event, competing, censor, ignore",
    ]:
        assert sum(words in problem for problem in found) == 1, words
    assert len(found) == 10
    assert "does not give RFI (cause_of_death)" in found[5]
    assert "Columns of days: surgery_day" in found[6]
    with pytest.raises(SpecError) as caught:
        add_endpoints(cohort, [EndpointDefinition("given_a"), EndpointDefinition("b", "XFS")])
    assert [p.where for p in caught.value.problems] == ["endpoint 'given_a'", "endpoint 'b'"]


def test_a_given_endpoint_is_taken_first_and_may_be_made_instead(make_cohort):
    cohort = make_cohort(
        {
            "vital_status": ["alive"],
            "followup_days": [90.0],
            "given_idfs_time": [40.0],
            "given_idfs_event": ["yes"],
            "surgery_day": [10.0],
        }
    )
    cohort = _events(cohort, [(0, "distant", {"event_day": 50.0})])
    given = add_endpoint(cohort, id="x", kind="IDFS")
    assert _endpoint(given, "x") == [(40, True)]
    said = {c.name: c for c in given.choices}
    assert said["x"].meaning == "Invasive disease-free survival, as the source gives it"
    assert said["x from"].value == "given"
    events = EndpointOptions(made_from="events")
    made = add_endpoint(cohort, id="x", kind="IDFS", options=events)
    assert _endpoint(made, "x") == [(50, True)]
    said = {c.name: c for c in made.choices}
    assert said["x from"].value == "events"
    assert "although the source gives one" in said["x from"].meaning
    (problem,) = _problems(cohort, kind="IDFS", origin="surgery")
    assert "starts where the source starts it" in problem
    asked = EndpointOptions(changes=(("distant", "ignore"),))
    (problem,) = _problems(cohort, kind="IDFS", options=asked)
    assert "cannot be changed" in problem
    (problem,) = _problems(cohort, kind="IBCFS", options=EndpointOptions(made_from="given"))
    assert "does not give IBCFS" in problem


def test_an_endpoint_made_again_takes_the_place_of_the_earlier(make_cohort):
    columns = {
        "vital_status": ["dead", None],
        "followup_days": [5.0, 3.0],
        "cause_of_death": ["other", None],
        "observed_from_day": [1.0, 1.0],
    }
    options = EndpointOptions(unverified=True)
    first = add_endpoint(
        make_cohort(columns), id="x", kind="BCSS", entry="observed_from_day", options=options
    )
    assert [c for c in first.columns if c.startswith("x_")] == [
        "x_time", "x_event", "x_state", "x_entry",
    ]  # fmt: skip
    again = add_endpoint(first, id="x")
    assert [c for c in again.columns if c.startswith("x_")] == ["x_time", "x_event"]
    assert [c.name for c in again.choices] == ["x"]
    assert [f.rule for f in again.findings if f.column.startswith("x_")] == ["no_endpoint"]
    two = add_endpoint(again, id="y")
    assert [c.name for c in two.choices] == ["x", "y"]
    assert len(two.findings) == len(set(two.findings))
    assert add_endpoints(two, []) is two


def test_years_without_any_vital_status_are_told(make_cohort):
    cohort = make_cohort(
        {
            "diagnosis_year": [2016, 2016, 2017, 2017, None],
            "vital_status": [None, "dead", None, None, None],
            "followup_days": [1.0] * 5,
        }
    )
    found = [f for f in add_endpoint(cohort, id="x").findings if "year" in f.rule]
    assert [(f.value, f.n) for f in found] == [("2017", 2)]


def test_complete_dates_behind_survival_are_not_told(make_cohort):
    columns = {"vital_status": ["dead"], "followup_months": [3.0], "followup_flag": ["complete"]}
    cohort = add_endpoint(make_cohort(columns, time_unit="months"), id="x")
    assert [f.rule for f in cohort.findings] == []


def test_what_an_endpoint_could_count_and_the_source_never_has_is_told(make_cohort):
    columns = {"vital_status": ["alive"] * 2, "followup_days": [9.0] * 2}
    kinds = [(0, "distant", {"event_day": 3.0}), (1, None, {"event_day": 3.0})]
    cohort = add_endpoint(_events(make_cohort(columns), kinds), id="x", kind="IBCFS")
    found = {(f.rule, f.value): f for f in cohort.findings}
    assert found["event_kind_missing", ""].n == 1
    absent = [value for rule, value in found if rule == "event_kind_absent"]
    assert absent == [
        "ipsilateral_invasive_breast", "local_regional_invasive", "contralateral_invasive_breast",
    ]  # fmt: skip
    assert "IBCFS would count it" in found["event_kind_absent", absent[0]].advice


def test_decisions_on_events_are_counted(make_cohort):
    columns = {
        "vital_status": ["alive", "dead", "dead"],
        "followup_days": [9.0, 9.0, 9.0],
    }
    rows = [(0, 12.0), (1, 12.0), (2, 9.0)]
    events = [(i, "distant", {"event_day": day}) for i, day in rows]
    cohort = add_endpoint(_events(make_cohort(columns), events), id="x", kind="IDFS")
    assert _endpoint(cohort, "x") == [(12, True), (9, True), (9, True)]
    counted = {f.rule: f.n for f in cohort.findings if f.column.startswith("x_")}
    assert counted == {
        "event_after_last_contact": 1,
        "event_after_death": 1,
        "event_on_day_of_death": 1,
    }
    assert "the event counts" in next(
        f.advice for f in cohort.findings if f.rule == "event_after_last_contact"
    )
    ignored = EndpointOptions(late_events="ignore")
    cohort = add_endpoint(cohort, id="x", kind="IDFS", options=ignored)
    assert _endpoint(cohort, "x") == [(9, False), (9, True), (9, True)]
    assert "is not counted" in next(
        f.advice for f in cohort.findings if f.rule == "event_after_last_contact"
    )


def test_a_day_within_the_last_whole_month_of_follow_up_is_not_after_it(make_cohort):
    # Registries cut survival to whole months: 13 is 13 to under 14, and day 405 is month 13.3.
    columns = {
        "vital_status": ["dead", "alive", "dead", "dead", "dead", "dead"],
        "followup_months": [13.0, 13.0, 13.0, 13.5, 13.5, 13.0],
    }
    cohort = make_cohort(columns, time_unit="months")
    days = [405.0, 405.0, 427.0, 412.0, 425.0, 395.0]
    rows = [(i, "distant", {"event_day": day}) for i, day in enumerate(days)]
    made = add_endpoint(_events(cohort, rows), id="x", kind="IDFS")
    # The third and the fifth lie after death for certain; a time in decimals is nearly exact.
    expected = [(13, True), (13, True), (13, True), (13.5, True), (13.5, True)]
    found = _endpoint(made, "x")
    assert found[:5] == expected
    assert found[5] == (395 * 12 / 365.25, True)
    counted = {f.rule: f.n for f in made.findings if f.column == "x_event"}
    assert counted == {"event_in_last_month": 3, "event_after_death": 2}
    assert "placed at the end" in {c.name: c.meaning for c in made.choices}["x events"]
    # The distant recurrence decides, not the death, where deaths of another cause compete.
    causes = cohort.patients.with_columns(cause_of_death=nw.lit("other"))
    competing = _events(replace(cohort, patients=causes), rows)
    options = EndpointOptions(unverified=True)
    made = add_endpoint(competing, id="x", kind="DRFI", options=options)
    states = ["event", "event", "competing", "event", "competing", "event"]
    assert list(made.to_pandas()["x_state"]) == states
    ignored = EndpointOptions(late_events="ignore")
    made = add_endpoint(_events(cohort, rows), id="x", kind="IDFS", options=ignored)
    assert _endpoint(made, "x")[1] == (13, True)


def test_months_of_an_event_are_as_exact_as_those_of_follow_up(make_cohort):
    columns = {"vital_status": ["dead", "alive"], "followup_months": [13.0, 13.0]}
    rows = [(i, "distant", {"event_months": 13.3, "event_day": 405.0}) for i in range(2)]
    cohort = _events(make_cohort(columns, time_unit="months"), rows)
    made = add_endpoint(cohort, id="x", kind="IDFS")
    assert _endpoint(made, "x") == [(13, True), (13.3, True)]
    counted = {f.rule: f.n for f in made.findings if f.column == "x_event"}
    assert counted == {"event_after_death": 1, "event_after_last_contact": 1}


def test_metastatic_patients_in_an_endpoint_of_early_disease_are_told(make_cohort):
    columns = {
        "vital_status": ["alive", "alive", None],
        "followup_days": [9.0] * 3,
        "stage": ["IV", "III", "IV"],
        "m_category": ["M1", "M1", "M1"],
    }
    cohort = _events(make_cohort(columns), [(0, "distant", {"event_day": 3.0})])
    cohort = add_endpoint(cohort, id="x", kind="IDFS")
    cohort = add_endpoint(cohort, id="os")
    found = [f for f in cohort.findings if f.rule == "metastatic_at_diagnosis"]
    assert [(f.column, f.value, f.n) for f in found] == [
        ("x_event", "stage IV", 1), ("x_event", "M1", 2),
    ]  # fmt: skip


def test_an_event_after_the_last_contact_is_told_only_of_who_has_the_endpoint(make_cohort):
    columns = {
        "vital_status": ["alive", "alive"],
        "followup_days": [9.0] * 2,
        "followup_flag": ["complete", "unknown"],
    }
    events = [(i, "distant", {"event_day": 12.0}) for i in range(2)]
    cohort = add_endpoint(_events(make_cohort(columns), events), id="x", kind="IDFS")
    counted = {f.rule: f.n for f in cohort.findings if f.column.startswith("x_")}
    assert counted == {"followup_flag": 1, "event_after_last_contact": 1}


@pytest.mark.real
def test_metabric_has_646_deaths_of_disease_and_497_others_that_compete(real_data):
    cohort = harmonise(
        load(real_data / "metabric" / "data_clinical_patient.txt", source="metabric")
    )
    unverified = EndpointOptions(unverified=True)
    cohort = add_endpoints(
        cohort,
        [EndpointDefinition("os"), EndpointDefinition("bcss", "BCSS", options=unverified)],
    )
    frame = cohort.to_pandas()
    known = frame[frame["os_time"].notna()]
    assert len(known) == 1981
    assert int(known["os_event"].astype(bool).sum()) == 1144
    counts = known["bcss_state"].value_counts().to_dict()
    # The one without a cause competes by default, and is told.
    assert counts == {"censored": 837, "event": 646, "competing": 498}
    assert next(f.n for f in cohort.findings if f.rule == "unknown_cause") == 1


@pytest.mark.real
def test_the_counts_of_tcga_cdr(real_data):
    folder = real_data / "tcga_brca"
    files = {
        "main": folder / "nationwidechildrens.org_clinical_patient_brca.txt",
        "cdr": folder / "tcga_cdr_brca.csv",
    }
    kinds = ("OS", "DSS", "PFI", "DFI")
    cohort = harmonise(load(files, source="tcga_brca"))
    cohort = add_endpoints(cohort, [EndpointDefinition(k.lower(), k) for k in kinds])
    frame = cohort.to_pandas()
    counted = {
        kind: (
            int(frame[f"{kind.lower()}_time"].notna().sum()),
            int(frame[f"{kind.lower()}_event"].dropna().astype(bool).sum()),
        )
        for kind in kinds
    }
    assert counted == {"OS": (1096, 151), "DSS": (1077, 83), "PFI": (1096, 145), "DFI": (952, 84)}
