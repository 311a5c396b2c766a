"""Tables that repeat the patient in each row of a specimen: cBioPortal's combined download."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from cohort.describing import describe
from cohort.dictionary import SourceDictionary
from cohort.errors import DataError, SpecError
from cohort.harmonisation import harmonise
from cohort.her2 import classify_her2
from cohort.loading import load
from cohort.specimens import index_specimen
from cohort.table import Cohort

HEAD = (
    "Study ID\tPatient ID\tSample ID\tDiagnosis Age\tSEX\tOverall Survival (Months)\t"
    "Overall Survival Status\tHER2 ihc score\tHER2 fish status\tSample Type"
)
# P1: two samples, the age written once. P2: one. P3: rows that differ in age and sex.
ROWS = (
    "x\tP1\tP1-1\t50\tFemale\t12\t0:LIVING\t1\t\tPrimary",
    "x\t P1 \tP1-2\tNA\t Female\t12\t0:LIVING\t3\t\tMetastasis",
    "x\tP2\tP2-1\t51\tFemale\t22\t1:DECEASED\t2\tNegative\tPrimary",
    "x\tP3\tP3-1\t52\tFemale\t32\t0:LIVING\t0\t\tPrimary",
    "x\tP3\tP3-2\t53\tMale\t32\t0:LIVING\t0\t\tPrimary",
)


def combined(folder: Path, rows: tuple[str, ...] | list[str] = ROWS) -> Path:
    path = folder / "portal.tsv"
    path.write_text("\n".join([HEAD, *rows]) + "\n")
    return path


def read(folder: Path, rows: tuple[str, ...] | list[str] = ROWS) -> Cohort:
    return harmonise(load(combined(folder, rows), source="cbioportal_combined"))


def patients(cohort: Cohort, *names: str) -> list[tuple[Any, ...]]:
    rows = cohort.engine.collect(cohort.patients.select("patient_id", *names).sort("patient_id"))
    return [tuple(row.values()) for row in rows.to_pylist()]


def test_one_row_is_made_of_a_patients_rows_and_each_is_a_specimen(tmp_path: Path) -> None:
    cohort = read(tmp_path)
    assert patients(cohort, "age_years", "sex", "followup_months", "vital_status") == [
        ("P1", 50, "female", 12, "alive"),
        ("P2", 51, "female", 22, "dead"),
        ("P3", None, None, 32, "alive"),
    ]
    assert cohort.specimens is not None
    rows = cohort.engine.collect(cohort.specimens.sort("specimen_id")).to_pylist()
    assert [(r["patient_id"], r["specimen_id"], r["her2_ihc"]) for r in rows] == [
        ("P1", "P1-1", "1+"), ("P1", "P1-2", "3+"), ("P2", "P2-1", "2+"),
        ("P3", "P3-1", "0"), ("P3", "P3-2", "0"),
    ]  # fmt: skip
    status = classify_her2(index_specimen(cohort))
    assert patients(status, "her2_status") == [("P1", "low"), ("P2", "low"), ("P3", "zero")]


def test_patients_whose_rows_differ_are_counted_by_column(tmp_path: Path) -> None:
    told = {(f.rule, f.column): (f.severity, f.n, f.unit) for f in read(tmp_path).findings}
    assert told["rows_differ", "Diagnosis Age"] == ("warning", 1, "patient")
    assert told["rows_differ", "SEX"] == ("warning", 1, "patient")
    assert told["several_rows", ""] == ("info", 2, "patient")
    # A score is the specimen's, and not for the rows to agree on.
    assert {column for rule, column in told if rule == "rows_differ"} == {"Diagnosis Age", "SEX"}


@pytest.mark.parametrize("seed", range(4))
def test_the_order_of_the_rows_never_matters(tmp_path: Path, seed: int) -> None:
    rows = list(ROWS)
    random.Random(seed).shuffle(rows)
    names = ("age_years", "sex", "followup_months", "vital_status")
    (tmp_path / "a").mkdir()
    assert patients(read(tmp_path / "a", rows), *names) == patients(read(tmp_path), *names)


def test_a_row_without_its_patient_is_still_refused(tmp_path: Path) -> None:
    rows = [*ROWS, *(["x\t\tQ-1\t52\tMale\t32\t0:LIVING\t0\t\tPrimary"] * 2)]
    with pytest.raises(DataError, match="2 rows have no Patient ID"):
        read(tmp_path, rows)


def test_why_a_value_is_missing_is_kept_where_every_row_says_so(tmp_path: Path) -> None:
    rows = [row.replace("\t51\t", "\tNA\t") for row in ROWS]
    missing = {
        f.value: f.n for f in read(tmp_path, rows).findings
        if (f.rule, f.column) == ("missing", "age_years")
    }  # fmt: skip
    assert missing == {"not_available": 1, "blank": 1}


def test_the_download_is_described_by_its_own_dictionary(tmp_path: Path) -> None:
    found = describe(combined(tmp_path))
    assert found.source == "cbioportal_combined"
    assert (found.n, found.n_specimens, found.repeats) == (3, 5, ())
    with pytest.raises(DataError, match="rows: several"):
        harmonise(load(combined(tmp_path), source="cbioportal"))


def test_only_patients_can_stand_in_several_rows(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(
        "name: own\ndescribes: x\nfiles: {main: {grain: tumour, key: id, rows: several}}\n"
        "time: {followup: days}\nfits: [main.id]\ncolumns: {}\n"
    )
    with pytest.raises(SpecError, match="only of grain patient can several be made one"):
        SourceDictionary.load(tmp_path / "own.yaml")
