"""What a study says that a text means comes before the dictionary, and is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from cohort.errors import SpecError
from cohort.harmonisation import harmonise
from cohort.loading import load
from cohort.table import Cohort
from tests.cohort.test_records import rows, source, table

RULES = """\
files: {main: {grain: patient, key: ID}}
columns:
  her2_ihc: {from: main.S, codes: score}
  nodes_positive: {from: main.N, number: {}}
  diagnosis_date: {from: main.D, date: iso}
  sex: {value: female}
"""


def read(folder: Path, scores: list[str], recode: dict[str, dict[str, str | float]]) -> Cohort:
    patients = table(*({"ID": f"p{i}", "S": score, "N": "many"} for i, score in enumerate(scores)))
    return harmonise(load(patients, source=source(folder, RULES)), recode=recode)


def test_a_text_is_read_as_the_study_says(tmp_path: Path) -> None:
    recode = {"her2_ihc": {"0-1+": "1+", "2+": "0", "na": "3+"}, "nodes_positive": {"MANY": 10}}
    cohort = read(tmp_path, ["0-1+", "2+", " NA ", "1+"], recode)
    assert rows(cohort, "patients", "her2_ihc", "her2_ihc_text", "nodes_positive") == [
        ("p0", "1+", None, 10),
        ("p1", "0", None, 10),
        ("p2", "3+", None, 10),
        ("p3", "1+", None, 10),
    ]
    told = {(f.column, f.value): f.n for f in cohort.findings if f.rule == "recoded"}
    assert told == {
        ("her2_ihc", "0-1+"): 1,
        ("her2_ihc", "2+"): 1,
        ("her2_ihc", "na"): 1,
        ("nodes_positive", "MANY"): 4,
    }
    chosen = {choice.value for choice in cohort.choices if choice.name == "recode.her2_ihc"}
    assert "'0-1+' read as 1+" in chosen


def test_without_it_the_text_is_kept_beside_a_missing_score(tmp_path: Path) -> None:
    cohort = read(tmp_path, ["0-1+", "1+"], {})
    assert rows(cohort, "patients", "her2_ihc", "her2_ihc_text") == [
        ("p0", None, "0-1+"),
        ("p1", "1+", None),
    ]
    told = [f for f in cohort.findings if f.rule == "uncertain_code"]
    assert [(f.severity, f.value, f.n) for f in told] == [("warning", "0-1+", 1)]


def test_a_text_that_no_row_has_is_told(tmp_path: Path) -> None:
    cohort = read(tmp_path, ["1+"], {"her2_ihc": {"0 to 1+": "1+"}})
    (told,) = [f for f in cohort.findings if f.rule == "recoded"]
    assert (told.severity, told.n) == ("warning", 0)


@pytest.mark.parametrize(
    ("recode", "said"),
    [
        ({"her2_ich": {"x": "1+"}}, "Did you mean 'her2_ihc'?"),
        ({"grade": {"x": "1"}}, "does not give 'grade'"),
        ({"her2_ihc": {"x": "1"}}, "recode.her2_ihc.x: '1' is not a level of her2_ihc"),
        ({"nodes_positive": {"x": 91}}, "A number from 0 to 90"),
        ({"nodes_positive": {"x": 1.5}}, "no whole number"),
        ({"nodes_positive": {" ": 1}}, "a blank text is missing"),
        ({"diagnosis_date": {"x": "2015-01-01"}}, "is a date and has no codes"),
        ({"sex": {"x": "female"}}, "is not read from written text"),
    ],
)
def test_what_cannot_be_said_is_refused(
    tmp_path: Path, recode: dict[str, dict[str, str | float]], said: str
) -> None:
    with pytest.raises(SpecError) as caught:
        read(tmp_path, ["1+"], recode)
    assert said in str(caught.value)
