"""Everything about a study that can be known before its patients are read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from analyses.study.check import check_study
from analyses.study.spec import load_study

CODES = "code,kind,value,low,high,meaning,verified,source\n"
DICTIONARY = """\
name: worked
describes: A worked registry
files:
  main: {grain: patient, key: id}
  extra: {grain: patient, key: id, required: false}
time: {followup: months}
identifies: {her2_score: true, treatment: first_course, adc: false, recurrence: true}
fits: [main.id]
columns:
  age_years: {from: main.age, number: {min: 0, max: 120}}
  diagnosis_year: {from: main.year, number: {integer: true}}
  diagnosis_date: {from: main.date, date: iso}
  sex: {from: main.sex, codes: sex_w}
  grade: {from: main.grade, codes: grade_w}
  her2_ihc: {from: main.ihc, codes: ihc_w}
  her2_reported: {from: main.her2, codes: her2_w}
  er_status: {from: main.er, codes: receptor_w}
  pr_status: {from: main.pr, codes: receptor_w}
  chemotherapy: {from: main.chemo, codes: given_w}
  adc_therapy: {from: main.adc, codes: given_w}
  facility_id: {from: main.site}
  vital_status: {from: main.vital, codes: vital_w}
  followup_months: {from: main.months, number: {min: 0}}
  given_pfi_time: {from: main.pfi_months, number: {min: 0}}
  given_pfi_event: {from: main.pfi, codes: given_w}
  given_dss_time: {from: extra.dss_months, number: {min: 0}}
  given_dss_event: {from: extra.dss, codes: given_w}
"""
TABLES = {
    "sex_w": ("F,value,female", "M,value,male"),
    "grade_w": ("1,value,1", "2,value,2"),
    "ihc_w": ("0,value,0", "1,value,1+"),
    "her2_w": ("N,value,negative", "P,value,positive"),
    "receptor_w": ("N,value,negative", "P,value,positive"),
    "given_w": ("0,value,no", "1,value,yes"),
    "vital_w": ("A,value,alive", "D,value,dead"),
}
STUDY = """\
version: 1
title: Worked
source: {name: worked.yaml, files: {main: registry.csv}}
her2: {policies: {E1: low}}
endpoints:
  - {id: os, kind: OS, censor_at: {years: 5}}
  - {id: pfi, kind: PFI}
select:
  - {id: era, column: diagnosis_year, between: [2010, 2017], reason: r}
  - {id: grades, column: grade, one_of: [1, 2], reason: r}
analyses:
  - {id: table, kind: table_one, by: her2_status, columns: [age_years, hr_status, pfi_event]}
  - {id: km, kind: kaplan_meier, endpoint: os, by: her2_status, at: {months: [12, 60]}}
  - {id: test, kind: logrank, endpoint: pfi, by: sex, strata: [diagnosis_year]}
  - id: cox
    kind: cox
    endpoint: os
    terms:
      - {name: her2_status, reference: low}
      - {name: age_years, per: 10}
      - {name: grade, reference: "2"}
      - {interaction: [her2_status, grade]}
    cluster: facility_id
"""

Checked = Callable[..., list[str]]


@pytest.fixture
def checked(tmp_path: Path) -> Checked:
    """The problems of the worked study after changes (old, new) to it and to its dictionary."""
    (tmp_path / "codes").mkdir()
    for name, rows in TABLES.items():
        lines = "".join(f"{row},,,m,yes,s\n" for row in rows)
        (tmp_path / "codes" / f"{name}.csv").write_text(CODES + lines)
    (tmp_path / "registry.csv").write_text("id\n1\n")
    (tmp_path / "extra.csv").write_text("id\n1\n")

    def check(
        *changes: tuple[str, str], source: tuple[str, str] = ("", ""), allow_path: bool = False
    ) -> list[str]:
        text = STUDY
        for old, new in changes:
            assert text.count(old) == 1
            text = text.replace(old, new)
        assert source == ("", "") or DICTIONARY.count(source[0]) == 1
        (tmp_path / "worked.yaml").write_text(DICTIONARY.replace(*source))
        (tmp_path / "study.yaml").write_text(text)
        study = load_study(tmp_path / "study.yaml", allow_path=allow_path)
        return [str(problem) for problem in check_study(study)]

    return check


def test_a_sound_study_has_no_problem(checked: Checked) -> None:
    assert checked() == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("columns: [age_years,", "columns: [age_yaers,",
         ["study.yaml:12: analyses[0].columns[0]: 'age_yaers' is not a cohort column",
          "Did you mean 'age_years'?", "Columns: age_years, age_band, sex"]),
        ("column: diagnosis_year", "column: diagnose_year",
         ["study.yaml:9: select[0].column: 'diagnose_year' is not", "'diagnosis_year'?"]),
        ("by: sex", "by: age_years",
         ["study.yaml:14: analyses[2].by: 'age_years' is a number and cannot make groups",
          "Columns: age_band, sex, race"]),
        ("columns: [age_years,", "columns: [facility_id,",
         ["columns[0]: 'facility_id' is free text and cannot be described"]),
        ("- {name: age_years, per: 10}", "- diagnosis_date",
         ["terms[1].name: 'diagnosis_date' is a date and cannot be a term"]),
        ("by: sex", "by: pfi_event", ["analyses[2].by: 'pfi_event' is the outcome itself"]),
        ("column: diagnosis_year", "column: os_time",
         ["select[0].column: 'os_time' is an outcome, and patients are not selected"]),
        ("one_of: [1, 2]", "one_of: [1, 2, 9]",
         ["study.yaml:10: select[1].one_of[2]: '9' is not a level of grade", "Levels: 1, 2, 3, 4"]),
        ("between: [2010, 2017]", "one_of: [2010, recent]",
         ["select[0].one_of[1]: 'recent' is no number, and diagnosis_year is one"]),
        ("column: grade, one_of: [1, 2]", "column: grade, between: [1, 2]",
         ["study.yaml:10: select[1].between: 'grade' is a column with levels", "Use one_of."]),
        ("column: grade, one_of: [1, 2]", "column: sex, equals: Female",
         ["select[1].equals: 'Female' is not a level of sex", "Did you mean 'female'?"]),
        ("column: grade, one_of: [1, 2]", "column: diagnosis_date, equals: 2010-01-01",
         ["select[1].equals: diagnosis_date is a date", "Select by diagnosis_year."]),
        ("reference: low", "reference: lo",
         ["study.yaml:19: analyses[3].terms[0].reference: 'lo' is not a HER2 group", "'low'?",
          "Groups: zero, low, positive"]),
        ("reference: low", "reference: unknown", ["'unknown' is not a HER2 group"]),
        ('reference: "2"', "reference: G2",
         ["study.yaml:21: analyses[3].terms[2].reference: 'G2' is not a level of grade"]),
        ('reference: "2"', "reference: 3",
         ["terms[2].reference: no patient has '3': the selection keeps 1, 2",
          "or change study.yaml:10: select[1]"]),
        ("{name: age_years, per: 10}", "{name: age_years, reference: 50}",
         ["terms[1].reference: 'age_years' is a number and has no reference level"]),
        ('{name: grade, reference: "2"}', "{name: grade, per: 2}",
         ["terms[2].per: 'grade' is a column with levels; per belongs to a number"]),
        ('{name: grade, reference: "2"}', "{name: grade, spline: {df: 3}}",
         ["terms[2].spline: 'grade' is a column with levels; spline belongs"]),
        ("[her2_status, grade]", "[her2_status, sex]",
         ["terms[3].interaction[1]: 'sex' is in an interaction and is not a term itself",
          "Add 'sex' to the terms."]),
        ("{E1: low}", "{E1: lowest}",
         ["study.yaml:4: her2.policies.E1: 'lowest' is not a choice of E1", "Did you mean 'low'?",
          "Choices: unresolved, low"]),
        ("{E1: low}", "{F1: low}", ["policies.F1: 'F1' is not an edge case", "Edge cases: E1"]),
        ("[12, 60]", "[12, 61]",
         ["study.yaml:13: analyses[1].at: 61 months lies past 5 years", "'os'"]),
        ("kind: cox\n", "kind: cox\n    only: {id: g, column: grade, equals: 1, reason: r}\n",
         ["terms[2].reference: no patient has '2': the selection keeps 1",
          "or change study.yaml:17: analyses[3].only"]),
        ("kind: cox\n", "kind: cox\n    only: {id: g, column: gradee, equals: 1, reason: r}\n",
         ["study.yaml:17: analyses[3].only.column: 'gradee' is not a cohort column", "'grade'?"]),
        ("name: worked.yaml", "name: wroked.yaml",
         ["study.yaml:3: source.name: source", "no such file", "Did you mean 'worked.yaml'?"]),
        ("name: worked.yaml", "name: tcga",
         ["study.yaml:3: source.name: source 'tcga': no such dictionary"]),
        ("main: registry.csv", "main: regsitry.csv",
         ["study.yaml:3: source.files.main: 'regsitry.csv': no such file", "'registry.csv'?"]),
        ("main: registry.csv", "main: data/registry.csv", ["no such file", "no folder"]),
        ("main: registry.csv", "main: codes", ["source.files.main: 'codes' is a folder"]),
        ("main: registry.csv", "extra: extra.csv",
         ["study.yaml:3: source.files: source 'worked' needs a file 'main'",
          "Files: main (required); extra (optional)"]),
        ("main: registry.csv", "main: registry.csv, extr: extra.csv",
         ["source.files.extr: 'extr' is not a file of source 'worked'", "Did you mean 'extra'?"]),
        ("by: sex", "by: stage",
         ["analyses[2].by: source 'worked' does not give 'stage'", "It gives: "]),
        ("by: sex", "by: adc_therapy",
         ["analyses[2].by: source 'worked' does not identify adc_therapy"]),
        ("kind: PFI", "kind: DFI",
         ["study.yaml:7: endpoints[1].kind: source 'worked' does not give DFI (given_dfi_time",
          "Endpoints: OS, DSS, PFI"]),
        ("kind: PFI", "kind: DSS",
         ["endpoints[1].kind: DSS: 'given_dss_time' comes from file 'extra', which the study does "
          "not give", "Add extra: and its path under source.files."]),
    ],
)  # fmt: skip
def test_a_mistake_is_told_before_any_patient_is_read(
    checked: Checked, old: str, new: str, said: list[str]
) -> None:
    problems = checked((old, new))
    told = [p for p in problems if said[0] in p]
    assert len(told) == 1
    assert [part for part in said if part not in told[0]] == []
    # A missing required file makes every column of it missing; all else is one problem.
    assert len(problems) == 1 or "needs a file" in told[0]


def test_an_optional_file_that_is_given_brings_its_endpoint(checked: Checked) -> None:
    files = ("main: registry.csv", "main: registry.csv, extra: extra.csv")
    assert checked(files, ("kind: PFI", "kind: DSS")) == []


def test_without_a_score_zero_and_low_cannot_be_told_apart(checked: Checked) -> None:
    problems = checked(source=("her2_score: true", "her2_score: false"))
    assert [problem.split(":")[1] for problem in problems] == ["12", "13", "19", "22"]
    assert all("holds no HER2 score, so HER2-zero and HER2-low cannot" in p for p in problems)
    assert all("her2_reported" in problem for problem in problems)


def test_without_a_score_positive_disease_can_still_be_selected(checked: Checked) -> None:
    text = "column: her2_status, equals: positive"
    problems = checked(
        ("column: grade, one_of: [1, 2]", text),
        source=("her2_score: true", "her2_score: false"),
    )
    assert not any("select[1].column" in problem for problem in problems)


def test_treatment_and_recurrence_that_a_source_does_not_identify(checked: Checked) -> None:
    by = ("by: sex", "by: chemotherapy")
    (problem,) = checked(by, source=("treatment: first_course", "treatment: none"))
    assert "analyses[2].by: source 'worked' does not identify chemotherapy" in problem
    (problem,) = checked(source=("recurrence: true", "recurrence: false"))
    assert "endpoints[1].kind: source 'worked' does not identify recurrences, so not PFI" in problem


def test_hormone_receptor_status_needs_both_receptors(checked: Checked) -> None:
    line = "  pr_status: {from: main.pr, codes: receptor_w}\n"
    (problem,) = checked(source=(line, ""))
    assert "analyses[0].columns[1]: source 'worked' does not give 'hr_status'" in problem


def test_overall_survival_needs_vital_status_and_followup(checked: Checked) -> None:
    line = "  followup_months: {from: main.months, number: {min: 0}}\n"
    (problem,) = checked(source=(line, ""))
    assert "endpoints[0].kind: source 'worked' does not give OS (followup_months)" in problem


def test_a_mistake_in_the_users_dictionary_is_told_at_its_own_line(checked: Checked) -> None:
    (problem,) = checked(source=("codes: grade_w", "codes: grade_x"))
    assert problem.startswith("worked.yaml:14: columns.grade.codes: codes 'grade_x'")
    assert "Did you mean 'grade_w'?" in problem


def test_a_link_out_of_the_folder_is_refused_unless_allowed(
    checked: Checked, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside") / "registry.csv"
    outside.write_text("id\n1\n")
    (tmp_path / "registry.csv").unlink()
    (tmp_path / "registry.csv").symlink_to(outside)
    (problem,) = checked()
    assert "'registry.csv' is a link to a file outside the study's folder" in problem
    assert checked(allow_path=True) == []


def test_every_problem_is_told_at_once_in_the_order_of_the_file(checked: Checked) -> None:
    problems = checked(
        ("{E1: low}", "{E1: no}"),
        ("one_of: [1, 2]", "one_of: [G1]"),
        ("columns: [age_years,", "columns: [age,"),
        ("[12, 60]", "[12, 90]"),
        ("by: sex", "by: stage"),
        ("main: registry.csv", "main: absent.csv"),
        ('reference: "2"', 'reference: "7"'),
    )
    assert [int(problem.split(":")[1]) for problem in problems] == [3, 4, 10, 12, 13, 14, 21]


READING = "files: {main: registry.csv}"


@pytest.mark.parametrize(
    ("recode", "said"),
    [
        ("{her2_ich: {x: 1+}}", "source.recode.her2_ich: source 'worked' does not give"),
        ("{her2_ihc: {0-1: 1}}", "source.recode.her2_ihc.0-1: '1' is not a level of her2_ihc"),
        ("{age_years: {old: 130}}", "source.recode.age_years.old: '130' is no value of age_years"),
    ],
)
def test_texts_that_the_study_reads_its_own_way_fit_the_source(
    checked: Checked, recode: str, said: str
) -> None:
    (found,) = checked((READING, f"{READING}, recode: {recode}"))
    assert found.startswith(f"study.yaml:3: {said}")


def test_a_text_may_be_read_as_a_level_or_a_number(checked: Checked) -> None:
    recode = '{her2_ihc: {"0-1": 1+, x: "0"}, age_years: {old: 90}}'
    assert checked((READING, f"{READING}, recode: {recode}")) == []
