"""Drafts of tables as clinics write them: decimal commas, fused words, several rows a patient."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cohort.dictionary import SourceDictionary
from cohort.drafting import Draft, draft, write
from cohort.drafting_headings import guess
from cohort.errors import DataError
from cohort.harmonisation import harmonise
from cohort.loading import load
from cohort.table import Cohort


def drafted(folder: Path, text: str) -> Draft:
    (folder / "own.csv").write_text(text)
    return draft(folder / "own.csv", name="own")


def reread(made: Draft, folder: Path) -> Cohort:
    """The file as the written draft reads it."""
    write(made, folder / "own.yaml")
    return harmonise(load(folder / "own.csv", source=SourceDictionary.load(folder / "own.yaml")))


def values(cohort: Cohort, name: str) -> list[Any]:
    return [None if v != v else v for v in cohort.to_pandas([name])[name].astype(object)]


def standing(made: Draft) -> dict[str, tuple[str, ...]]:
    """The columns of the draft that are read, with their headings."""
    return {one.column: one.headings for one in made.decided}


# --- decimal commas ----------------------------------------------------------------------


def test_decimal_commas_are_seen_and_read(tmp_path: Path) -> None:
    made = drafted(
        tmp_path,
        "id;Size cm;FISH Ratio;Age;OS (months)\n"
        "a;2,1;1,2;50;24,5\nb;1,5;2,3;51;24\nc;3;;52;7,25\nd;4,2;;53;12\n",
    )
    cohort = reread(made, tmp_path)
    assert values(cohort, "tumour_size_mm") == [21, 15, 30, 42]
    assert values(cohort, "her2_ratio") == [1.2, 2.3, None, None]
    assert values(cohort, "followup_months") == [24.5, 24, 7.25, 12]
    assert 'number: {scale: 10, decimal: ","}' in made.text
    assert made.text.count("decimal:") == 3


def test_a_comma_that_may_mark_thousands_is_left_to_the_user(tmp_path: Path) -> None:
    made = drafted(tmp_path, "id;followup days\na;1,234\nb;2,500\nc;812\n")
    assert "followup_days" not in standing(made)
    assert "DECIDE: does the comma mark the fraction?" in made.text


def test_numbers_with_the_other_mark_are_missing_with_the_way_out(tmp_path: Path) -> None:
    text = (
        "Patient ID;Date of diagnosis;HER2 IHC;Vital status;HER2 ratio;Tumour size (mm)\n"
        "1;2019-01-05;2+;Alive;2,1;12.5\n2;2019-01-05;2+;Alive;1.9;1,200\n"
    )
    (tmp_path / "own.csv").write_text(text)
    cohort = harmonise(load(tmp_path / "own.csv", source="spreadsheet"))
    told = {f.value: f.advice for f in cohort.findings if f.rule == "unparsable_number"}
    assert set(told) == {"2,1", "1,200"}
    assert all('write number: {decimal: ","}' in advice for advice in told.values())
    (tmp_path / "own.yaml").write_text(
        "extends: spreadsheet\nname: own\ndescribes: Commas\ncolumns:\n"
        '  tumour_size_mm: {from: main.Tumour size (mm), number: {decimal: ","}}\n'
    )
    cohort = harmonise(load(tmp_path / "own.csv", source=tmp_path / "own.yaml"))
    assert values(cohort, "tumour_size_mm") == [None, 1.2]
    told = {(f.column, f.value): f.advice for f in cohort.findings if "parsable" in f.rule}
    assert "a mark of thousands is never guessed" in told["tumour_size_mm", "12.5"]


# --- headings run together, and what values say --------------------------------------------


@pytest.mark.parametrize(
    ("heading", "meant"),
    [
        ("her2score", "her2_ihc"),
        ("HER2Score", "her2_ihc"),
        ("her2ihc", "her2_ihc"),
        ("her2neuihcscore", "her2_ihc"),
        ("IHC", "her2_ihc"),
        ("her2fish", "her2_ish"),
        ("fishratio", "her2_ratio"),
        ("erstatus", "er_status"),
        ("vitalstatus", "vital_status"),
        ("ageatdiagnosis", "age_years"),
        ("osmonths", "followup"),
        ("her2low", None),
        ("update", None),
        ("tumorRecordNumber", "tumour_id"),
    ],
)
def test_words_that_are_run_together_are_told_apart(heading: str, meant: str | None) -> None:
    found = guess(heading)
    assert (None if found is None else found.column) == meant


ROWS = "1+,,alive\n2+,neg,dead\n0,,alive\n0-1+,,alive\n"


@pytest.mark.parametrize(
    "heading", ["her2score", "her2ihc", "ihc", "HER2", "HER2 status", "her2 lab"]
)
def test_scores_are_read_under_any_heading_of_her2(tmp_path: Path, heading: str) -> None:
    rows = "".join(f"{i},{row}\n" for i, row in enumerate(ROWS.split()))
    made = drafted(tmp_path, f"pat,{heading},fish,status\n{rows}")
    assert standing(made)["her2_ihc"] == (heading,)
    assert "  her2_score: true\n" in made.text
    assert values(reread(made, tmp_path), "her2_ihc") == ["1+", "2+", "0", None]


def test_scores_under_a_heading_that_says_nothing_are_asked_about(tmp_path: Path) -> None:
    rows = "".join(f"{i},{row}\n" for i, row in enumerate(ROWS.split()))
    made = drafted(tmp_path, f"pat,path_1,fish,status\n{rows}")
    assert "her2_ihc" not in standing(made)
    assert "'path_1' does not say whose scores these are: HER2's?" in made.text
    assert "  her2_score: false  # true as soon as her2_ihc is read\n" in made.text


def test_receptor_scores_are_not_taken_for_those_of_her2(tmp_path: Path) -> None:
    made = drafted(tmp_path, "pat,ER intensity,ihc\na,1+,positive\nb,3+,negative\n")
    assert not {"her2_ihc"} & {one.column for one in (*made.decided, *made.open)}


def test_only_what_is_read_is_identified(tmp_path: Path) -> None:
    made = drafted(tmp_path, "pat,Trastuzumab,ADC,chemotherapy\na,ja,v,yes\nb,nein,w,no\n")
    assert "  treatment: partly\n" in made.text
    assert "  anti_her2: false  # true as soon as anti_her2_therapy is read\n" in made.text
    assert "  adc: false  # true as soon as adc_therapy is read\n" in made.text


def test_a_treatment_whose_values_are_dates_is_its_start(tmp_path: Path) -> None:
    made = drafted(
        tmp_path, "pat,date of diagnosis,T-DXd start\na,05.01.2019,\nb,15.01.2019,25.01.2019\n"
    )
    assert standing(made)["adc_therapy_day"] == ("T-DXd start", "date of diagnosis")
    assert values(reread(made, tmp_path), "adc_therapy_day") == [None, 10]
    assert "  treatment_starts: true\n" in made.text


def test_a_sequence_of_tumours_is_no_key_of_one_where_each_patient_has_a_row(
    tmp_path: Path,
) -> None:
    made = drafted(tmp_path, "pat,sequence_number,age\na,00,50\nb,01,60\n")
    assert "tumour_id" not in standing(made)
    head = "patient_id,sequenceNumberCentral,tumorRecordNumber\n"
    made = drafted(tmp_path, f"{head}a,01,1\na,02,2\nb,00,\n")
    assert standing(made)["tumour_id"] == ("tumorRecordNumber",)


# --- several rows a patient ----------------------------------------------------------------

SAMPLES = (
    "id,sample,her2,er,dx,status,age\n"
    "1,S1,0,+,2019-01-05,alive,50\n1,S2,1+,-,2019-03-05,alive,\n2,S1,2+,+,2019-01-05,dead,60\n"
)


def test_rows_of_a_patient_that_differ_in_specimens_only_are_specimens(tmp_path: Path) -> None:
    made = drafted(tmp_path, SAMPLES)
    assert 'main: {grain: patient, key: "id", rows: several}' in made.text
    cohort = reread(made, tmp_path)
    assert (cohort.n, values(cohort, "age_years")) == (2, [50, 60])
    assert values(cohort, "vital_status") == ["alive", "dead"]
    assert cohort.specimens is not None
    rows = cohort.engine.collect(cohort.specimens.sort("patient_id", "specimen_id")).to_pylist()
    told = [(row["patient_id"], row["specimen_id"], row["her2_ihc"]) for row in rows]
    assert told == [("1", "S1", "0"), ("1", "S2", "1+"), ("2", "S1", "2+")]
    assert "er_status" not in cohort.columns
    assert not [f for f in cohort.findings if f.rule == "rows_differ"]


def test_rows_that_differ_in_what_is_the_patients_are_refused_with_what_was_found(
    tmp_path: Path,
) -> None:
    with pytest.raises(DataError, match="differ in what is the patient's: status, age") as caught:
        drafted(tmp_path, SAMPLES.replace("-03-05,alive,", "-03-05,dead,51"))
    assert "1 rows beyond the first of 'id'" in str(caught.value)
    with pytest.raises(DataError, match="differ in dx, but in nothing of HER2"):
        drafted(tmp_path, "id,her2,dx\n1,1+,a\n1,1+,b\n2,2+,c\n")


def test_a_number_of_samples_is_no_key_where_the_patients_own_repeats(tmp_path: Path) -> None:
    head = "Study ID,Patient ID,Sample ID,HER2 ihc score,Overall Survival Status\n"
    rows = "x,P1,P1-1,1+,0:LIVING\nx,P1,P1-2,0,0:LIVING\nx,P2,P2-1,2+,1:DECEASED\n"
    made = drafted(tmp_path, head + rows)
    assert 'key: "Patient ID"' in made.text
    cohort = reread(made, tmp_path)
    assert cohort.n == 2
    assert {one.headings for one in made.decided if one.column == "specimen_id"} == {("Sample ID",)}
