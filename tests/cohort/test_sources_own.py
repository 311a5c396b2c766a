"""A REDCap project, raw and labelled, and a hospital's own table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from cohort.errors import DataError
from cohort.harmonisation import harmonise
from cohort.loading import load
from cohort.specimens import index_specimen
from cohort.table import Cohort
from tests.cohort.worked import answers, classified

RAW: list[dict[str, str]] = [
    {"record_id": "1", "sex": "1", "age": "54", "diagnosis_date": "2019-03-01", "er_status": "1",
     "pr_status": "0", "her2_ihc": "1", "her2_ish": "0", "anti_her2___1": "0",
     "anti_her2___2": "0", "adc___1": "1", "adc___2": "0", "chemotherapy": "1", "vital_status": "1",
     "death_date": "2021-03-01", "cause_of_death": "Breast cancer"},
    {"record_id": "1", "redcap_repeat_instrument": "specimen", "redcap_repeat_instance": "1",
     "specimen_site": "Primary", "specimen_her2_ihc": "0", "specimen_date": "2019-03-05",
     "specimen_timing": "Before treatment"},
    {"record_id": "1", "redcap_repeat_instrument": "specimen", "redcap_repeat_instance": "2",
     "specimen_site": "Distant", "specimen_her2_ihc": "2", "specimen_her2_ish": "0",
     "specimen_date": "2020-03-01", "specimen_timing": "Recurrence"},
    {"record_id": "1", "redcap_repeat_instrument": "recurrence", "redcap_repeat_instance": "1",
     "recurrence_type": "Distant recurrence", "recurrence_date": "2020-02-01"},
    {"record_id": "2", "sex": "2", "age": "61", "diagnosis_date": "2020-01-01", "er_status": "0",
     "pr_status": "0", "her2_ihc": "3", "anti_her2___1": "1", "anti_her2___2": "0",
     "adc___1": "0", "adc___2": "0", "chemotherapy": "0", "vital_status": "0",
     "last_contact_date": "2023-01-01"},
]  # fmt: skip
HEADINGS = {
    "record_id": "Record ID", "sex": "Sex", "age": "Age", "diagnosis_date": "Diagnosis date",
    "er_status": "ER status", "pr_status": "PR status", "her2_ihc": "HER2 IHC",
    "her2_ish": "HER2 ISH", "chemotherapy": "Chemotherapy", "vital_status": "Vital status",
    "death_date": "Death date", "cause_of_death": "Cause of death",
    "last_contact_date": "Last contact date", "redcap_repeat_instrument": "Repeat Instrument",
    "redcap_repeat_instance": "Repeat Instance", "specimen_site": "Specimen site",
    "specimen_her2_ihc": "Specimen HER2 IHC", "specimen_her2_ish": "Specimen HER2 ISH",
    "specimen_date": "Specimen date", "specimen_timing": "Specimen timing",
    "recurrence_type": "Recurrence type", "recurrence_date": "Recurrence date",
    "anti_her2___1": "Anti-HER2 (choice=Trastuzumab)",
    "anti_her2___2": "Anti-HER2 (choice=Pertuzumab)",
    "adc___1": "ADC (choice=Trastuzumab deruxtecan)", "adc___2": "ADC (choice=T-DM1)",
}  # fmt: skip
LABELS = {
    "sex": {"1": "Female", "2": "Male"}, "er_status": {"0": "Negative", "1": "Positive"},
    "pr_status": {"0": "Negative", "1": "Positive"}, "chemotherapy": {"0": "No", "1": "Yes"},
    "her2_ihc": {"1": "1+", "3": "3+"}, "specimen_her2_ihc": {"0": "0", "2": "2+"},
    "her2_ish": {"0": "Negative"}, "specimen_her2_ish": {"0": "Negative"},
    "vital_status": {"0": "Alive", "1": "Dead"},
    "redcap_repeat_instrument": {"specimen": "Specimen", "recurrence": "Recurrence"},
}  # fmt: skip


def export(kind: str) -> pd.DataFrame:
    frame = pd.DataFrame(RAW).fillna("")
    if kind == "raw":
        return frame
    boxes = [name for name in frame.columns if "___" in name]
    frame[boxes] = frame[boxes].replace({"0": "Unchecked", "1": "Checked"})
    for name, labels in LABELS.items():
        frame[name] = frame[name].replace(labels)
    return frame.rename(columns=HEADINGS)


@pytest.fixture(scope="module", params=["raw", "labels"])
def project(request: pytest.FixtureRequest) -> Cohort:
    return classified("redcap", export(request.param))


@pytest.mark.parametrize(
    ("column", "question", "choices"),
    [
        ("anti_her2_therapy", "Anti-HER2 therapy", ("Trastuzumab", "Pertuzumab")),
        ("adc_therapy", "Antibody-drug conjugate", ("Trastuzumab deruxtecan", "T-DM1")),
    ],
)
def test_boxes_of_a_label_export_are_read_by_their_choices(
    column: str, question: str, choices: tuple[str, str]
) -> None:
    first, second = (f"{question} (choice={choice})" for choice in choices)
    frame = pd.DataFrame(
        {
            "Record ID": list("abc"), "Vital status": ["Alive"] * 3, "HER2 IHC": ["1+"] * 3,
            "Diagnosis date": ["2019-03-01"] * 3,
            first: ["Checked", "Unchecked", "Unchecked"],
            second: ["Unchecked", "Unchecked", "Checked"],
        }
    )  # fmt: skip
    read = harmonise(load(frame, source="redcap")).to_pandas([column])
    assert list(read[column]) == ["yes", "no", "yes"]
    # A box that the export leaves out may be ticked.
    alone = harmonise(load(frame.drop(columns=second), source="redcap")).to_pandas([column])
    assert list(alone[column].astype(object).where(alone[column].notna(), None)) == [
        "yes", None, None,
    ]  # fmt: skip


def test_a_row_a_patient_without_the_repeats(project: Cohort) -> None:
    found = answers(project)
    assert sorted(found) == ["1", "2"]
    one, two = found["1"], found["2"]
    assert (one["sex"], two["sex"]) == ("female", "male")
    assert (one["hr_status"], two["hr_status"]) == ("positive", "negative")
    assert (one["vital_status"], one["followup_days"]) == ("dead", 731)
    assert (two["vital_status"], two["followup_days"]) == ("alive", 1096)
    assert (one["chemotherapy"], two["chemotherapy"]) == ("yes", "no")
    assert one["cause_of_death"] == "breast_cancer"


def test_boxes_to_tick(project: Cohort) -> None:
    found = answers(project)
    assert [found[key]["anti_her2_therapy"] for key in "12"] == ["no", "yes"]
    assert [found[key]["adc_therapy"] for key in "12"] == ["yes", "no"]


def test_repeating_instruments_are_specimens_and_events(project: Cohort) -> None:
    assert project.specimens is not None
    assert project.events is not None
    specimens = project.engine.collect(project.specimens).to_pandas().sort_values("specimen_id")
    assert list(specimens["her2_ihc"]) == ["0", "2+"]
    assert list(specimens["specimen_site"]) == ["primary", "distant"]
    assert list(specimens["specimen_day"]) == [4, 366]
    events = project.engine.collect(project.events).to_pandas()
    assert list(events["event_kind"]) == ["distant"]
    assert list(events["event_day"]) == [337]
    # The index specimen is the primary before treatment: zero, although the patient's row says 1+.
    found = answers(project)
    assert (found["1"]["her2_status"], found["2"]["her2_status"]) == ("zero", "positive")


TABLE: dict[str, list[Any]] = {
    "Patient ID": ["A", "B", "C"], "Age at diagnosis": ["50", "61", "n.a."],
    "Sex": ["F", "f", "M"], "Date of diagnosis": ["2018-01-01", "2019-06-30", "2020-02-29"],
    "HER2 score": ["1+", "2+", "0"], "HER2 FISH": ["", "Not amplified", "-"],
    "ER": ["Positive", "Negative", "Pos?"], "PR": ["Negative", "Negative", "?"],
    "Grade": ["G2", "III", "1"], "pT": ["pT2", "pT1c", "T4b"], "pN": ["N0", "N1a", "NX"],
    "Chemotherapy": ["Yes", "N", "Unknown"], "T-DXd": ["No", "Yes", ""],
    "Vital status": ["Alive", "Died", "Alive"], "Date of death": ["", "2021-06-30", ""],
    "Last follow-up": ["2023-01-01", "", "2022-02-28"], "Cause of death": ["", "Disease", ""],
    "Recurrence type": ["Local recurrence", "", "Distant metastasis"],
    "Recurrence date": ["2020-01-01", "", "2021-02-28"],
    "Second specimen site": ["", "Metastasis", ""],
    "Second specimen HER2 IHC": ["", "3+", ""],
}  # fmt: skip


def test_a_hospitals_own_table(tmp_path: Path) -> None:
    path = tmp_path / "clinic.csv"
    pd.DataFrame(TABLE).to_csv(path, index=False)
    cohort = classified("spreadsheet", path)
    found = answers(cohort)
    assert [found[key]["her2_status"] for key in "ABC"] == ["low", "low", "zero"]
    assert [found[key]["grade"] for key in "ABC"] == ["2", "3", "1"]
    assert [found[key]["t_category"] for key in "ABC"] == ["T2", "T1", "T4"]
    assert [found[key]["followup_days"] for key in "ABC"] == [1826, 731, 730]
    assert [found[key]["adc_therapy"] for key in "ABC"] == ["no", "yes", None]
    assert [found[key]["cause_of_death"] for key in "ABC"] == [None, "breast_cancer", None]
    unknown = [(f.column, f.value) for f in cohort.findings if f.rule == "unknown_code"]
    assert unknown == [("er_status", "Pos?")]
    assert cohort.events is not None
    events = cohort.engine.collect(cohort.events).to_pandas().sort_values("patient_id")
    assert list(events["event_kind"]) == ["local_regional_invasive", "distant"]


def test_two_specimens_side_by_side(tmp_path: Path) -> None:
    path = tmp_path / "clinic.csv"
    pd.DataFrame(TABLE).to_csv(path, index=False)
    cohort = harmonise(load(path, source="spreadsheet"))
    assert cohort.specimens is not None
    frame = cohort.engine.collect(cohort.specimens).to_pandas()
    second = frame[frame["specimen_id"] == "second"]
    assert list(second["patient_id"]) == ["B"]
    assert list(second["specimen_site"]) == ["distant"]
    assert len(frame[frame["specimen_id"] == "primary"]) == 3


def test_a_table_of_ones_own_says_only_what_differs(tmp_path: Path) -> None:
    dictionary = tmp_path / "our_clinic.yaml"
    dictionary.write_text(
        "extends: spreadsheet\nname: our_clinic\ndescribes: Breast unit\n"
        "fits: [main.HER-2 Score]\ncolumns:\n"
        "  her2_ihc: {from: main.HER-2 Score, codes: wording_her2_ihc_score}\n"
        "specimens: []\n"
    )
    path = tmp_path / "clinic.csv"
    pd.DataFrame(TABLE).rename(columns={"HER2 score": "HER-2 Score"}).to_csv(path, index=False)
    assert answers(classified(str(dictionary), path))["A"]["her2_ihc"] == "1+"


EVENT_NAMES = {
    "1": "baseline_arm_1", "2": "Baseline (Arm 1: Surgery)", "3": "baseline_arm_2",
    "4": "visit_0_arm_1", "5": "Diagnosis",
}  # fmt: skip


def longitudinal(names: dict[str, str]) -> pd.DataFrame:
    rows = [
        {**RAW[4], "record_id": key, "redcap_event_name": name, "redcap_repeat_instrument": ""}
        for key, name in names.items()
    ]
    return pd.DataFrame(rows)


def test_the_first_event_in_any_arm_and_patients_without_it_are_told() -> None:
    cohort = classified("redcap", longitudinal(EVENT_NAMES))
    assert sorted(answers(cohort)) == ["1", "2", "3", "5"]
    (told,) = [f for f in cohort.findings if f.rule == "patients_without_main_row"]
    assert (told.severity, told.n) == ("warning", 1)
    assert "redcap_event_name 'visit_0_arm_1'" in told.advice


def test_a_project_without_the_first_event_is_refused() -> None:
    with pytest.raises(DataError) as caught:
        load(longitudinal({"1": "visit_0_arm_1", "2": "visit_0_arm_1"}), source="redcap")
    assert "none of its rows is one that tells of a patient" in str(caught.value)
    assert "baseline_arm_*" in str(caught.value)


def test_what_was_found_in_specimens_stays_when_one_of_them_is_chosen() -> None:
    rows = [RAW[0], {**RAW[1], "specimen_her2_ihc": "1 plus"}, RAW[4]]
    cohort = harmonise(load(pd.DataFrame(rows).fillna(""), source="redcap"))
    before = set(cohort.findings)
    assert any(f.rule == "unknown_code" and f.value == "1 plus" for f in before)
    once = index_specimen(cohort)
    assert before <= set(once.findings)
    assert index_specimen(once).findings == once.findings
