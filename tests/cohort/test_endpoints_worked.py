"""Worked patients: what happened to each, and every endpoint of the table by hand.

Follow-up ends at day 500 in death (of breast cancer, another cause, a cause not known, a cause not
recorded) or at the last contact of the living. ``di@100`` is a distant recurrence on day 100. An
answer is the time and how follow-up ended there: E event, C competing event, - censored; ``.`` is
no endpoint. Deaths of unknown cause compete, the default.
"""

from __future__ import annotations

import pyarrow as pa
import pytest

from cohort.endpoint_rules import endpoint_rules
from cohort.endpoints import add_endpoint, add_endpoints
from cohort.endpoints_definition import EndpointDefinition, EndpointOptions
from cohort.engine import DuckDBEngine
from cohort.errors import SpecError
from cohort.table import Cohort

KINDS = {
    "ip": "ipsilateral_invasive_breast",
    "lr": "local_regional_invasive",
    "di": "distant",
    "co": "contralateral_invasive_breast",
    "id": "ipsilateral_dcis",
    "cd": "contralateral_dcis",
    "sp": "second_primary_nonbreast_invasive",
    "pr": "progression",
    "??": None,
}
STATUS = {
    "alive": ("alive", None),
    "breast": ("dead", "breast_cancer"),
    "other": ("dead", "other"),
    "unknown": ("dead", "unknown"),
    "none": ("dead", None),
    "lost": (None, None),
}
A, E, C, N = "500-", "500E", "500C", "."
X = "100E"  # an event on day 100
#                                OS BCSS DFS IDFS IBCFS RFS RFI BCFI DDFS DRFS DRFI PFS
WORKED = {
    # Nothing but the end of follow-up.
    "alive 500": (A, A, A, A, A, A, A, A, A, A, A, A),
    "breast 500": (E, E, E, E, E, E, E, E, E, E, E, E),
    "other 500": (E, C, E, E, E, E, C, C, E, E, C, E),
    "unknown 500": (E, C, E, E, E, E, C, C, E, E, C, E),
    "none 500": (E, C, E, E, E, E, C, C, E, E, C, E),
    "alive 0": ("0-",) * 12,
    "breast 0": ("0E",) * 12,
    "other 0": tuple(f"0{s}" for s in "ECEEEECCEECE"),
    # No follow-up, no endpoint, not even where an event is known.
    "lost 500": (N,) * 12,
    "alive .": (N,) * 12,
    "breast . di@100": (N,) * 12,
    "lost 500 di@100": (N,) * 12,
    # Each event alone, in the living.
    "alive 500 ip@100": (A, A, X, X, X, X, X, X, A, A, A, A),
    "alive 500 lr@100": (A, A, X, X, X, X, X, X, A, A, A, A),
    "alive 500 di@100": (A, A, X, X, X, X, X, X, X, X, X, A),
    "alive 500 co@100": (A, A, X, X, X, A, A, X, A, A, A, A),
    "alive 500 id@100": (A, A, X, A, A, A, A, A, A, A, A, A),
    "alive 500 cd@100": (A, A, X, A, A, A, A, A, A, A, A, A),
    "alive 500 sp@100": (A, A, X, X, A, A, A, A, X, A, A, A),
    "alive 500 pr@100": (A, A, A, A, A, A, A, A, A, A, A, X),
    # The same before death from another cause.
    "other 500 ip@100": (E, C, X, X, X, X, X, X, E, E, C, E),
    "other 500 lr@100": (E, C, X, X, X, X, X, X, E, E, C, E),
    "other 500 di@100": (E, C, X, X, X, X, X, X, X, X, X, E),
    "other 500 co@100": (E, C, X, X, X, E, C, X, E, E, C, E),
    "other 500 id@100": (E, C, X, E, E, E, C, C, E, E, C, E),
    "other 500 cd@100": (E, C, X, E, E, E, C, C, E, E, C, E),
    "other 500 sp@100": (E, C, X, X, E, E, C, C, X, E, C, E),
    "other 500 pr@100": (E, C, E, E, E, E, C, C, E, E, C, X),
    # And before death from breast cancer.
    "breast 500 di@100": (E, E, X, X, X, X, X, X, X, X, X, E),
    "breast 500 sp@100": (E, E, X, X, E, E, E, E, X, E, E, E),
    "breast 500 id@100": (E, E, X, E, E, E, E, E, E, E, E, E),
    # On one day an event comes before a competing one and before a censoring.
    "other 500 di@500": (E, C, E, E, E, E, E, E, E, E, E, E),
    "other 500 co@500": (E, C, E, E, E, E, C, E, E, E, C, E),
    "alive 500 di@500": (A, A, E, E, E, E, E, E, E, E, E, A),
    "alive 500 di@0": (A, A, *("0E",) * 9, A),
    # After the last contact of the living it counts; after death it does not.
    "alive 500 di@600": (A, A, *("600E",) * 9, A),
    "alive 500 id@600": (A, A, "600E", A, A, A, A, A, A, A, A, A),
    "other 500 di@600": (E, C, E, E, E, E, C, C, E, E, C, E),
    "breast 500 pr@501": (E,) * 12,
    # The first of several that matter.
    "alive 500 lr@100 di@200": (A, A, X, X, X, X, X, X, "200E", "200E", "200E", A),
    "alive 500 sp@100 di@200": (A, A, X, X, *("200E",) * 4, X, "200E", "200E", A),
    "alive 500 di@200 di@100": (A, A, X, X, X, X, X, X, X, X, X, A),
    "other 500 id@100 co@200 di@300": (
        E, C, X, "200E", "200E", "300E", "300E", "200E", "300E", "300E", "300E", E,
    ),
    "alive 500 lr@100 di@600": (A, A, X, X, X, X, X, X, "600E", "600E", "600E", A),
    "other 500 lr@100 di@600": (E, C, X, X, X, X, X, X, E, E, C, E),
    # Without its date an event that matters leaves open which came first.
    "alive 500 di@.": (A, A, N, N, N, N, N, N, N, N, N, A),
    "alive 500 id@.": (A, A, N, A, A, A, A, A, A, A, A, A),
    "alive 500 lr@. di@100": (A, A, N, N, N, N, N, N, X, X, X, A),
    "breast 500 pr@.": (E, E, E, E, E, E, E, E, E, E, E, N),
    # Of a kind that is not known: ends nothing.
    "alive 500 ??@100": (A,) * 12,
}  # fmt: skip
ORDER = ("OS", "BCSS", "DFS", "IDFS", "IBCFS", "RFS", "RFI", "BCFI", "DDFS", "DRFS", "DRFI", "PFS")


def cohort_of(stories, engine=None, **columns):
    """A cohort in days from stories such as ``alive 500 di@100``, more columns beside."""
    engine = engine or DuckDBEngine()
    status, days, events = [], [], []
    for i, story in enumerate(stories):
        state, end, *happened = story.split()
        status.append(STATUS[state])
        days.append(None if end == "." else float(end))
        for one in happened:
            kind, _, day = one.partition("@")
            events.append((f"p{i:03d}", KINDS[kind], None if day == "." else float(day)))
    table = {
        "patient_id": pa.array([f"p{i:03d}" for i in range(len(stories))], pa.string()),
        "vital_status": pa.array([s for s, _ in status], pa.string()),
        "cause_of_death": pa.array([c for _, c in status], pa.string()),
        "followup_days": pa.array(days, pa.float64()),
    }
    for name, values in columns.items():
        texts = name in ("diagnosis_date", "tumour_sequence", "followup_flag", "reporting_source")
        table[name] = pa.array(values, pa.string() if texts else pa.float64())
    happened = {
        "patient_id": pa.array([e[0] for e in events], pa.string()),
        "event_kind": pa.array([e[1] for e in events], pa.string()),
        "event_day": pa.array([e[2] for e in events], pa.float64()),
    }
    return Cohort(
        engine.register("patients", pa.table(table)),
        engine,
        "worked",
        "days",
        len(stories),
        events=engine.register("events", pa.table(happened)),
    )


def answers(cohort, id="x"):
    """Time and state of each patient, as the table above writes them."""
    frame = cohort.to_pandas()
    state = f"{id}_state"
    said = []
    for i, time in enumerate(frame[f"{id}_time"]):
        event = frame[f"{id}_event"].iloc[i]
        if time != time:
            assert event is None or event != event
            assert state not in frame or frame[state].isna().iloc[i]
            said.append(".")
            continue
        ended = "event" if event else "censored"
        if state in frame:
            ended = frame[state].iloc[i]
            assert bool(event) == (ended == "event")
        said.append(f"{time:g}{ {'event': 'E', 'competing': 'C', 'censored': '-'}[ended] }")
    return said


def made(stories, kind, engine=None, options=None, columns=None, **asked):
    """The answers of one endpoint, any definition allowed."""
    options = options or EndpointOptions(unverified=True)
    cohort = cohort_of(stories, engine, **(columns or {}))
    return answers(add_endpoint(cohort, id="x", kind=kind, options=options, **asked))


def test_every_worked_patient_has_every_endpoint(engine):
    assert tuple(endpoint_rules()) == ORDER
    assert len(WORKED) >= 40
    cohort = cohort_of(list(WORKED), engine)
    asked = [
        EndpointDefinition(kind.lower(), kind, options=EndpointOptions(unverified=True))
        for kind in ORDER
    ]
    # One alone first: several that are made together must not differ from it.
    alone = answers(add_endpoint(cohort, id="idfs", kind="IDFS"), "idfs")
    cohort = add_endpoints(cohort, asked)
    assert alone == answers(cohort, "idfs")
    found = {kind: answers(cohort, kind.lower()) for kind in ORDER}
    for i, (story, expected) in enumerate(WORKED.items()):
        assert dict(zip(ORDER, expected, strict=True)) == {k: found[k][i] for k in ORDER}, story


def test_states_exist_where_something_competes():
    cohort = cohort_of(["other 500"])
    unverified = EndpointOptions(unverified=True)
    having = {
        kind
        for kind in ORDER
        if "x_state" in add_endpoint(cohort, id="x", kind=kind, options=unverified).columns
    }
    assert having == {"BCSS", "RFI", "BCFI", "DRFI"}
    state = add_endpoint(cohort, id="x", kind="RFI", options=unverified).to_pandas()["x_state"]
    assert list(state.cat.categories) == ["censored", "event", "competing"]
    assert state.cat.ordered


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("competing", ["500C", "500C", "500E", "500C", "100E", "500-"]),
        ("event", ["500E", "500E", "500E", "500C", "100E", "500-"]),
        ("censored", ["500-", "500-", "500E", "500C", "100E", "500-"]),
        ("exclude", [".", ".", "500E", "500C", "100E", "500-"]),
    ],
)
def test_death_of_unknown_cause_is_what_the_study_says(engine, policy, expected):
    stories = [
        "unknown 500", "none 500", "breast 500", "other 500", "unknown 500 di@100", "alive 500",
    ]  # fmt: skip
    options = EndpointOptions(unverified=True, unknown_cause=policy)
    assert made(stories, "RFI", engine, options) == expected
    cohort = add_endpoint(cohort_of(stories), id="x", kind="RFI", options=options)
    counted = {f.rule: (f.n, f.value) for f in cohort.findings}
    # Three are dead of a cause not known, whatever decides; left out, only the known remain.
    assert counted["unknown_cause"] == ((1 if policy == "exclude" else 3), policy)
    assert counted.get("unknown_cause_excluded", (0,))[0] == (2 if policy == "exclude" else 0)


DEATHS = ["breast 500", "other 500", "unknown 500", "none 500", "alive 500"]


@pytest.mark.parametrize(
    ("kind", "changes", "expected"),
    [
        # A cell that the study changes decides, and the others stay as the definition has them.
        ("BCSS", {}, "ECCC-"),
        ("BCSS", {"death_unknown_cause": "event"}, "ECEE-"),
        ("BCSS", {"death_unknown_cause": "censor"}, "EC---"),
        ("BCSS", {"death_other_cause": "censor"}, "E-CC-"),
        ("BCSS", {"death_other_cause": "censor", "death_unknown_cause": "censor"}, "E----"),
        ("BCSS", {"death_other_cause": "event", "death_unknown_cause": "event"}, "EEEE-"),
        ("OS", {"death_unknown_cause": "censor"}, "EE---"),
        ("OS", {"death_unknown_cause": "competing"}, "EECC-"),
        ("OS", {"death_other_cause": "censor"}, "E-EE-"),
        ("OS", {"death_other_cause": "competing"}, "ECEE-"),
        ("OS", dict.fromkeys(("death_breast_cancer", "death_other_cause",
                              "death_unknown_cause"), "competing"), "CCCC-"),
    ],
)  # fmt: skip
def test_a_cell_of_a_death_set_otherwise_decides(engine, kind, changes, expected):
    options = EndpointOptions(unverified=True, changes=tuple(changes.items()))
    assert made(DEATHS, kind, engine, options) == [f"500{how}" for how in expected]
    cohort = add_endpoint(cohort_of(DEATHS), id="x", kind=kind, options=options)
    # A state where something competes, and only there.
    assert ("x_state" in cohort.columns) == ("C" in expected)
    assert any(c.name == "x competing" for c in cohort.choices) == ("C" in expected)
    # The words are those of the patients.
    said = {c.name: c for c in cohort.choices}
    if "x unknown_cause" in said:
        value = {"E": "event", "C": "competing", "-": "censored"}[expected[2]]
        assert said["x unknown_cause"].value == value
        words = {"E": "an event", "C": "competing", "-": "a censoring"}[expected[2]]
        assert f"not known is taken as {words}" in said["x unknown_cause"].meaning
        assert next(f.value for f in cohort.findings if f.rule == "unknown_cause") == value


def test_the_policy_of_the_unknown_cause_decides_the_states_too(engine):
    options = EndpointOptions(changes=(("death_other_cause", "censor"),), unknown_cause="competing")
    assert made(DEATHS, "OS", engine, options) == ["500E", "500-", "500C", "500C", "500-"]
    changes = (("death_other_cause", "censor"),)
    options = EndpointOptions(unverified=True, changes=changes, unknown_cause="event")
    cohort = add_endpoint(cohort_of(DEATHS), id="x", kind="BCSS", options=options)
    assert "x_state" not in cohort.columns


def test_two_rules_for_deaths_of_unknown_cause_are_refused():
    options = EndpointOptions(
        unverified=True, changes=(("death_unknown_cause", "event"),), unknown_cause="censored"
    )
    with pytest.raises(SpecError, match="two rules for the same deaths"):
        made(DEATHS, "BCSS", options=options)


@pytest.mark.parametrize(
    ("kind", "options", "said"),
    [
        ("OS", {"primaries": "only"}, "OS takes deaths of every cause alike, so primaries: only"),
        ("OS", {"late_events": "ignore"}, "no event besides death matters to OS, so late_events"),
        ("BCSS", {"late_events": "ignore"}, "no event besides death matters to BCSS"),
        ("IDFS", {"unknown_cause": "event"}, "IDFS takes deaths of every cause alike"),
        ("DSS", {"primaries": "first"}, "DSS as the source gives it is ready-made, so primaries"),
        ("DSS", {"unknown_cause": "event"}, "DSS as the source gives it is ready-made"),
        ("DSS", {"late_events": "ignore"}, "DSS as the source gives it is ready-made"),
    ],
)
def test_a_choice_that_would_change_nothing_is_refused(kind, options, said):
    columns = {"given_dss_time": [5.0], "given_dss_event": [1.0], "tumour_sequence": ["only"]}
    with pytest.raises(SpecError) as caught:
        made(["breast 500"], kind, None, EndpointOptions(unverified=True, **options), columns)
    (problem,) = caught.value.problems
    assert said in problem.found
    assert problem.found.endswith("changes nothing")


def test_all_causes_count_alike_so_a_policy_for_the_unknown_is_refused():
    assert made(["unknown 500", "none 500"], "OS") == ["500E", "500E"]
    options = EndpointOptions(unknown_cause="exclude")
    with pytest.raises(SpecError, match="every cause alike, so unknown_cause: exclude changes"):
        made(["unknown 500"], "OS", options=options)


def test_an_event_after_the_last_contact_may_be_ignored(engine):
    stories = ["alive 500 di@600", "other 500 di@600", "alive 500 di@500", "alive 500 lr@5 di@600"]
    options = EndpointOptions(late_events="ignore")
    assert made(stories, "IDFS", engine, options) == ["500-", "500E", "500E", "5E"]


def test_cells_can_be_set_otherwise(engine):
    stories = ["alive 500 id@100", "alive 500 sp@100", "alive 500 sp@100 di@100", "alive 500 co@9"]
    stories += ["other 500 sp@500", "alive 500 co@500", "breast 500 co@500", "breast 500 sp@500"]
    changes = (
        ("ipsilateral_dcis", "event"),
        ("second_primary_nonbreast_invasive", "competing"),
        ("contralateral_invasive_breast", "censor"),
    )
    options = EndpointOptions(unverified=True, changes=changes)
    expected = ["100E", "100C", "100E", "9-", "500C", "500-", "500E", "500E"]
    assert made(stories, "BCFI", engine, options) == expected
    cohort = add_endpoint(cohort_of(stories), id="x", kind="BCFI", options=options)
    said = [c.meaning for c in cohort.choices if c.name == "x change"]
    assert said[0] == "Departs from the definition: ipsilateral DCIS is an event."
    # An endpoint of all causes gets states where a cell is made to compete.
    options = EndpointOptions(changes=(("second_primary_nonbreast_invasive", "competing"),))
    assert made(["alive 500 sp@100", "other 500"], "IDFS", options=options) == ["100C", "500E"]


@pytest.mark.parametrize("unit", ["days", "months"])
def test_time_starts_at_the_origin_asked_for(engine, unit):
    stories = ["other 500 di@300", "alive 500", "alive 90", "alive 500 di@50", "alive 500 lr@100"]
    stories += ["alive 500", "alive 100"]
    surgery = [100.0, 100.0, 100.0, 100.0, 100.0, None, 100.0]
    cohort = cohort_of(stories, engine, surgery_day=surgery)
    factor = 1.0
    if unit == "months":
        cohort, factor = in_months(cohort), 365.25 / 12
    cohort = add_endpoint(cohort, id="x", kind="IDFS", origin="surgery")
    frame = cohort.to_pandas()
    times = [None if t != t else round(t * factor, 9) for t in frame["x_time"]]
    # An event on the day of surgery counts, at time 0; an end on it is a time of 0.
    assert times == [200, 400, None, None, 0, None, 0]
    assert [e for e in frame["x_event"] if e == e and e is not None] == [True, False, True, False]
    counted = {f.rule: f.n for f in cohort.findings if f.column == "x_time"}
    assert counted == {
        "no_origin": 1,
        "end_before_origin": 1,
        "event_before_origin": 1,
        "time_zero": 2,
    }
    said = next(c for c in cohort.choices if c.name == "x origin")
    assert said.value == "surgery"
    assert "patients must have reached it" in said.meaning
    assert ("365.25 days" in said.meaning) == (unit == "months")


def in_months(cohort):
    """The same patients with follow-up and events in months."""
    import narwhals as nw

    factor = 12 / 365.25
    patients = cohort.patients.with_columns(followup_months=nw.col("followup_days") * factor)
    events = cohort.events.with_columns(event_months=nw.col("event_day") * factor)
    return Cohort(
        patients.drop("followup_days"),
        cohort.engine,
        "worked",
        "months",
        cohort.n,
        events=events.drop("event_day"),
    )


def test_patients_are_at_risk_from_their_entry(engine):
    stories = ["alive 500", "breast 500", "alive 500", "alive 500 di@200", "alive 0", "alive 500"]
    stories += ["alive 500", "alive 500"]
    entry = [0.0, 499.0, 500.0, 200.0, 0.0, None, -30.0, 700.0]
    cohort = add_endpoint(
        cohort_of(stories, engine, observed_from_day=entry),
        id="x",
        kind="IDFS",
        entry="observed_from_day",
    )
    assert answers(cohort) == ["500-", "500E", ".", ".", ".", ".", "500-", "."]
    entries = cohort.to_pandas()["x_entry"]
    assert [None if e != e else e for e in entries] == [0, 499, None, None, None, None, 0, None]
    counted = {f.rule: f.n for f in cohort.findings if f.column == "x_time"}
    assert counted == {"no_entry": 1, "entry_after_end": 4}


def test_entry_counts_from_the_origin_and_follows_the_censoring():
    from cohort.duration import Duration

    columns = {"observed_from_day": [150.0, 150.0, 290.0], "surgery_day": [100.0, 200.0, 100.0]}
    cohort = add_endpoint(
        cohort_of(["alive 500"] * 3, **columns),
        id="x",
        origin="surgery",
        entry="observed_from_day",
        censor_at=Duration(190, "days"),
    )
    # The third was observed only from the day on which follow-up ends by administration.
    assert answers(cohort) == ["190-", "190-", "."]
    assert list(cohort.to_pandas()["x_entry"])[:2] == [50, 0]


def test_follow_up_ends_on_a_date(engine):
    from datetime import date

    stories = ["breast 500", "breast 500", "alive 500", "breast 500", "breast 500", "breast 500"]
    dates = ["2021-03-23", "2021-03-24", "2022-01-01", None, "2022-08-06", "2022-08-05"]
    columns = {"diagnosis_date": dates}
    options = EndpointOptions(censor_on=date(2022, 8, 5))
    # 500 days before 2022-08-05 is 2021-03-23: an event on the day itself counts.
    expected = ["500E", "499-", "216-", ".", ".", "0-"]
    assert made(stories, "OS", engine, options, columns) == expected
    cohort = add_endpoint(cohort_of(stories, **columns), id="x", options=options)
    counted = {f.rule: f.n for f in cohort.findings if f.source == "endpoint"}
    assert counted["no_diagnosis_date"] == 1
    assert counted["origin_after_censoring"] == 1
    assert counted["censored_at"] == 2
    assert next(c for c in cohort.choices if c.name == "x censored on").value == "2022-08-05"


def test_a_calendar_end_counts_from_the_origin():
    from datetime import date

    columns = {"diagnosis_date": ["2022-01-01"] * 2, "surgery_day": [100.0, 250.0]}
    options = EndpointOptions(censor_on=date(2022, 8, 5))
    # 216 days after diagnosis; the second had no surgery by then.
    assert made(["breast 500"] * 2, "OS", None, options, columns, origin="surgery") == ["116-", "."]


def test_the_earlier_of_two_ends_decides():
    from datetime import date

    from cohort.duration import Duration

    columns = {"diagnosis_date": ["2022-01-01", "2010-01-01"]}
    options = EndpointOptions(censor_on=date(2022, 8, 5))
    found = made(["breast 500"] * 2, "OS", None, options, columns, censor_at=Duration(300, "days"))
    assert found == ["216-", "300-"]


def test_survival_that_no_registry_calculated_is_no_endpoint(engine):
    columns = {
        "followup_flag": [
            "complete_zero_days", "complete", "incomplete_zero_days_possible", "incomplete",
            "death_certificate_or_autopsy_only", "unknown", None, "complete",
        ],
        "reporting_source": ["clinical"] * 7 + ["autopsy_only"],
    }  # fmt: skip
    stories = ["alive 0"] + ["breast 500"] * 7
    assert made(stories, "OS", engine, None, columns) == [
        "0-", "500E", "500E", "500E", ".", ".", "500E", ".",
    ]  # fmt: skip
    cohort = add_endpoint(cohort_of(stories, **columns), id="x")
    counted = {(f.rule, f.value): f.n for f in cohort.findings}
    assert counted["followup_flag", ""] == 2
    assert counted["reporting_source", ""] == 1
    assert counted["incomplete_dates", "incomplete"] == 1
    assert counted["incomplete_dates", "incomplete_zero_days_possible"] == 1


def test_causes_of_death_by_the_number_of_primaries(engine):
    sequence = ["only", "first_of_several", "later", None, "only"]
    stories = ["breast 500", "breast 500", "breast 500", "breast 500", "alive 500"]
    columns = {"tumour_sequence": sequence}
    for primaries, expected in {
        "all": ["500E", "500E", "500E", "500E", "500-"],
        "first": ["500E", "500E", ".", ".", "500-"],
        "only": ["500E", ".", ".", ".", "500-"],
    }.items():
        options = EndpointOptions(unverified=True, primaries=primaries)
        assert made(stories, "BCSS", engine, options, columns) == expected
    cohort = cohort_of(stories, **columns)
    cohort = add_endpoint(cohort, id="x", kind="BCSS", options=EndpointOptions(unverified=True))
    # First of several, later, and of a number that is not known; the last is alive.
    assert next(f.n for f in cohort.findings if f.rule == "cause_by_sequence") == 3
