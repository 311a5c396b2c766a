"""Endpoints of a study: as its file states them, checked against its source, run and reported."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pypdf
import pytest

import analyses
from analyses.study.check import check_study
from analyses.study.spec import Study, load_study
from cohort.endpoints_definition import EndpointDefinition, EndpointOptions
from cohort.errors import SpecError

HEAD = "code,kind,value,low,high,meaning,verified,source\n"
CODES = {
    "vital_w": "A,value,alive,,,m,yes,s\nD,value,dead,,,m,yes,s\n",
    "cause_w": "B,value,breast_cancer,,,m,yes,s\n",
    "kind_w": "M,value,distant,,,m,yes,s\n",
    "sequence_w": "0,value,only,,,m,yes,s\n",
}
DICTIONARY = """\
name: worked
describes: Worked patients
files:
  main: {grain: patient, key: id}
  extra: {grain: patient, key: id, required: false}
  later: {grain: event, key: id, required: false}
time: {followup: days}
identifies: {recurrence: true, cause_of_death: true, treatment_starts: true}
fits: [main.id]
columns:
  age_years: {from: main.age, number: {}}
  diagnosis_date: {from: extra.date, date: iso}
  tumour_sequence: {from: main.sequence, codes: sequence_w}
  surgery_day: {from: main.surgery, number: {}}
  metastasis_day: {from: extra.metastasis, number: {}}
  vital_status: {from: main.vital, codes: vital_w}
  cause_of_death: {from: main.cause, codes: cause_w}
  followup_days: {from: main.days, number: {}}
events:
  - from: later
    columns:
      event_kind: {from: later.kind, codes: kind_w}
      event_day: {from: later.day, number: {}}
"""
TEXT = """\
version: 1
title: Worked
source: {name: worked.yaml, files: {main: registry.csv, later: later.csv, extra: extra.csv}}
endpoints:
  - {id: os, kind: OS}
  - {id: idfs, kind: IDFS, origin: surgery}
  - {id: rfi, kind: RFI, unverified: true}
analyses:
  - {id: km, kind: kaplan_meier, endpoint: os}
"""
Checked = Callable[..., list[str]]


@pytest.fixture
def checked(tmp_path: Path) -> Checked:
    """The problems of the worked study after changes (old, new) to it and to its dictionary."""
    (tmp_path / "codes").mkdir()
    for name, rows in CODES.items():
        (tmp_path / "codes" / f"{name}.csv").write_text(HEAD + rows)
    for name in ("registry.csv", "extra.csv", "later.csv"):
        (tmp_path / name).write_text("id\n1\n")

    def check(*changes: tuple[str, str], source: tuple[tuple[str, str], ...] = ()) -> list[str]:
        text, dictionary = TEXT, DICTIONARY
        for old, new in changes:
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        for old, new in source:
            assert dictionary.count(old) == 1, old
            dictionary = dictionary.replace(old, new)
        (tmp_path / "worked.yaml").write_text(dictionary)
        (tmp_path / "study.yaml").write_text(text)
        return [str(problem) for problem in check_study(load_study(tmp_path / "study.yaml"))]

    return check


def test_every_key_of_an_endpoint_reaches_its_definition(checked: Checked, tmp_path: Path) -> None:
    line = (
        "{id: os, kind: BCSS, censor_at: {years: 5}, censor_on: 2022-08-05, origin: surgery_day, "
        "entry: observed_from_day, from: events, unverified: true, unknown_cause: exclude, "
        "primaries: first, late_events: ignore, changes: {distant: event}}"
    )
    checked(("{id: os, kind: OS}", line))
    study = load_study(tmp_path / "study.yaml")
    made = study.endpoints[0].to_definition()
    assert made.options == EndpointOptions(
        made_from="events",
        unverified=True,
        unknown_cause="exclude",
        censor_on=date(2022, 8, 5),
        primaries="first",
        late_events="ignore",
        changes=(("distant", "event"),),
    )
    assert (made.id, made.kind, made.origin, made.entry) == (
        "os", "BCSS", "surgery", "observed_from_day",
    )  # fmt: skip
    assert str(made.censor_at) == "5 years"
    assert study.endpoints[1].to_definition() == EndpointDefinition("idfs", "IDFS", None, "surgery")
    # Written out and read again, the study is the same.
    plain = study.to_dict()
    assert plain["endpoints"][0]["from"] == "events"
    assert Study.from_dict(plain, folder=tmp_path).to_dict() == plain
    plain["endpoints"][0]["censor_on"] = date(2022, 8, 5)
    assert Study.from_dict(plain, folder=tmp_path).endpoints[0] == study.endpoints[0]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("origin: operation", ["endpoints[0].origin: 'operation' is no origin", "Origins: diagn"]),
        ("origin: sugery", ["Did you mean 'surgery'?"]),
        ("entry: age_years", ["endpoints[0].entry: 'age_years' is no column of days"]),
        ("censor_on: 2022-8-5", ["endpoints[0].censor_on: '2022-8-5' is no date", "2022-08-05"]),
        ("censor_on: 2022-02-30", ["'2022-02-30' is no date"]),
        ("censor_on: 2022", ["2022 is no date"]),
        ("unknown_cause: lost", ["'lost' is not allowed", "competing, event, censored, exclude"]),
        ("unverified: 1", ["endpoints[0].unverified: 1 where true or false should stand"]),
        ("changes: {relapse: event}", ["'relapse' is no event", "Events: ipsilateral"]),
        ("changes: {distant: often}", ["'often' is not allowed", "competing"]),
        ("changes: {death_other_cause: ignore}", ["follow-up cannot go on after death"]),
        ("form: events", ["endpoints[0].form: not a key here", "Did you mean 'from'?"]),
    ],
)
def test_a_mistake_in_an_endpoint_is_told_at_its_line(
    checked: Checked, more: str, said: list[str]
) -> None:
    with pytest.raises(SpecError) as caught:
        checked(("{id: os, kind: OS}", f"{{id: os, kind: OS, {more}}}"))
    (problem,) = [str(p) for p in caught.value.problems]
    assert problem.startswith("study.yaml:5: endpoints[0]")
    assert [words for words in said if words not in problem] == []


def test_a_sound_study_has_no_problem(checked: Checked) -> None:
    assert checked() == []


@pytest.mark.parametrize(
    ("changes", "source", "said"),
    [
        # From memory.
        ([(", unverified: true", "")], [], ["RFI is from memory", "write unverified: true"]),
        # What the source does not identify.
        ([(TEXT[TEXT.index("  - {id: rfi"):TEXT.index("analyses")], "")],
         [("recurrence: true", "recurrence: false")],
         ["endpoints[1].kind: source 'worked' does not identify recurrences, so not IDFS",
          "Endpoints: OS, BCSS"]),
        ([(TEXT[TEXT.index("  - {id: idfs"):TEXT.index("  - {id: rfi")], "")],
         [("cause_of_death: true", "cause_of_death: false")],
         ["does not identify cause of death, so not RFI", "Endpoints: OS, DFS, IDFS"]),
        ([("origin: surgery", "censor_at: {years: 5}")],
         [("  cause_of_death: {from: main.cause, codes: cause_w}\n", "")],
         ["endpoints[2].kind: source 'worked' does not give RFI (cause_of_death)"]),
        ([(TEXT[TEXT.index("  - {id: rfi"):TEXT.index("analyses")], "")],
         [(DICTIONARY[DICTIONARY.index("events:"):], "")],
         ["source 'worked' gives no events after diagnosis (recurrences), so not IDFS"]),
        ([(TEXT[TEXT.index("  - {id: rfi"):TEXT.index("analyses")], ""),
          (", later: later.csv", "")], [],
         ["IDFS: events come from file 'later', which is not given", "Add later: and its path"]),
        # What the choices need.
        ([("origin: surgery", "origin: surgery, censor_on: 2022-08-05"),
          (", extra: extra.csv", "")], [],
         ["endpoints[1].censor_on: 'diagnosis_date' comes from file 'extra'", "Add extra:"]),
        ([("origin: surgery", "origin: metastasis"), (", extra: extra.csv", "")], [],
         ["endpoints[1].origin: 'metastasis_day' comes from file 'extra'"]),
        ([("origin: surgery", "origin: chemotherapy")], [],
         ["endpoints[1].origin: source 'worked' does not give 'chemotherapy_day', which origin",
          "Columns of days: surgery_day, metastasis_day"]),
        ([("origin: surgery", "entry: observed_from_day")], [],
         ["endpoints[1].entry: source 'worked' does not give 'observed_from_day', which entry"]),
        ([("unverified: true", "unverified: true, primaries: only")],
         [("  tumour_sequence: {from: main.sequence, codes: sequence_w}\n", "")],
         ["endpoints[2].primaries: source 'worked' does not give 'tumour_sequence'",
          "Leave primaries out."]),
        ([], [("treatment_starts: true", "treatment_starts: false")],
         ["endpoints[1].origin: source 'worked' does not identify when treatments start"]),
        # What would change nothing.
        ([("kind: OS", "kind: OS, primaries: only")], [],
         ["endpoints[0].primaries: OS takes deaths of every cause alike, so primaries: only"]),
        ([("kind: OS", "kind: OS, late_events: ignore")], [],
         ["endpoints[0].late_events: no event besides death matters to OS"]),
        ([("kind: OS", "kind: OS, unknown_cause: event")], [],
         ["endpoints[0].unknown_cause: OS takes deaths of every cause alike"]),
        ([("unverified: true", "unverified: true, unknown_cause: event, "
                               "changes: {death_unknown_cause: censor}")], [],
         ["endpoints[2].unknown_cause: death_unknown_cause is 'censor' by changes", "Leave one"]),
        # What nobody gives.
        ([("kind: OS", "kind: XFS")], [], ["source 'worked' does not give XFS (given_xfs_time"]),
        ([("kind: OS", "kind: OS, from: given")], [], ["does not give OS (given_os_time"]),
    ],
)  # fmt: skip
def test_what_an_endpoint_needs_is_asked_of_the_source(
    checked: Checked,
    changes: list[tuple[str, str]],
    source: list[tuple[str, str]],
    said: list[str],
) -> None:
    (problem,) = checked(*changes, source=tuple(source))
    assert [words for words in said if words not in problem] == []


def test_the_day_of_a_specimen_is_an_origin_where_there_are_specimens(checked: Checked) -> None:
    change = ("origin: surgery", "origin: specimen")
    (problem,) = checked(change)
    assert "does not give 'specimen_day', which origin needs" in problem
    block = (
        "specimens:\n  - from: later\n    columns:\n"
        "      specimen_day: {from: later.day, number: {}}\nevents:"
    )
    assert checked(change, source=(("events:", block),)) == []


PATIENTS = """\
patient_id,age_years,vital_status,cause_of_death,followup_days,surgery_day,observed_from_day,sex
a,50,dead,breast_cancer,900,30,0,female
b,60,dead,other,800,30,0,female
c,55,alive,,1000,30,100,male
d,45,alive,,1000,,100,female
e,65,dead,,500,20,600,male
f,70,alive,,400,20,0,male
"""
EVENTS = "patient_id,event_kind,event_day\na,distant,300\nc,contralateral_dcis,400\nf,distant,450\n"
STUDY: dict[str, Any] = {
    "version": 1,
    "title": "Worked",
    "source": {"name": "canonical", "files": {"main": "patients.csv", "events": "events.csv"}},
    "endpoints": [
        {"id": "os", "kind": "OS", "label": "Overall survival"},
        {"id": "idfs", "kind": "IDFS", "label": "IDFS", "origin": "surgery",
         "censor_at": {"days": 850}},
        {"id": "rfi", "kind": "RFI", "label": "RFI", "unverified": True},
        {"id": "late", "kind": "OS", "label": "Late entry", "entry": "observed_from_day"},
    ],
    "analyses": [
        {"id": "km", "kind": "kaplan_meier", "endpoint": "os", "by": "sex"},
        {"id": "idfs_km", "kind": "kaplan_meier", "endpoint": "idfs"},
        {"id": "late_km", "kind": "kaplan_meier", "endpoint": "late", "at": {"days": [50, 500]}},
        {"id": "late_test", "kind": "logrank", "endpoint": "late", "by": "sex"},
        {"id": "late_cox", "kind": "cox", "endpoint": "late", "terms": ["age_years"]},
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, str]:
    """The result of the study above and the text of its report."""
    folder = tmp_path_factory.mktemp("endpoints")
    (folder / "patients.csv").write_text(PATIENTS)
    (folder / "events.csv").write_text(EVENTS)
    result = analyses.run_study(Study.from_dict(STUDY, folder=folder), out=folder / "out")
    pages = pypdf.PdfReader(folder / "out" / "report.pdf").pages
    return result, " ".join(" ".join(page.extract_text() for page in pages).split())


def test_the_endpoints_of_a_study_are_counted(ran: tuple[Any, str]) -> None:
    result, _ = ran
    counted = {e.id: (e.n, e.n_event, e.n_competing) for e in result.endpoints}
    assert counted == {
        "os": (6, 3, None),
        "idfs": (5, 4, None),  # d had no surgery; f recurs after the last contact
        "rfi": (6, 2, 2),
        "late": (5, 2, None),  # e was observed only after death
    }
    assert [e.is_checked for e in result.endpoints] == [True, True, False, True]
    assert [e.origin for e in result.endpoints] == ["diagnosis", "surgery", *["diagnosis"] * 2]
    numbers = {r.id: r for r in result.records}
    assert numbers["endpoint.rfi/n_competing"].n == 2
    assert [e.step.reason for e in result.endpoints] == [
        "Vital status or follow-up not known", "Endpoint not known or not at risk",
        "Vital status or follow-up not known", "Endpoint not known or not at risk",
    ]  # fmt: skip


def test_the_tables_behind_endpoints_are_in_the_manifest(ran: tuple[Any, str]) -> None:
    names = [name for name, _ in ran[0].tables]
    assert {"endpoint_rules/endpoints.csv", "endpoint_rules/matrix.csv"} <= set(names)
    assert "her2_rules/category.csv" in names


def test_delayed_entry_reaches_the_estimators(ran: tuple[Any, str]) -> None:
    result, _ = ran
    at_risk = {
        r.time: r.n_risk
        for r in result.records
        if r.analysis == "late_km" and r.quantity == "survival"
    }
    # On day 50 only a, b and f are observed; c and d come on day 100, f leaves on day 400.
    assert at_risk == {50: 3, 500: 4}
    model = next(a for a in result.analyses if a.id == "late_cox").adjusted
    assert (model.n, model.n_event) == (5, 2)
    assert result.failures == ()


def test_the_methods_tell_how_each_endpoint_was_made(ran: tuple[Any, str]) -> None:
    _, text = ran
    for words in [
        "Overall survival (OS): Overall survival: death from any cause, in days from diagnosis.",
        "in days from surgery; follow-up censored at 850 days. Events besides death: ipsilateral",
        "patients must have reached it",
        "This definition is not checked in its source",
        "definition not checked in its source",
        "A death from another cause is a competing event; one whose cause is not known is taken",
        "one minus such a curve is more than the share of patients who will have the event",
        "since surgery",
        "Patients are at risk from observed_from_day on (delayed entry)",
        "censored at 850 days",
    ]:
        assert words in text, words
