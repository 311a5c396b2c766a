"""A user's mistakes, end to end: what is said, the exit code, and the earlier output untouched."""

from __future__ import annotations

import gzip
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from analyses.cli import app
from cohort.simulation import simulate

STUDY = """\
version: 1
title: A study
source: {name: ncdb_puf, files: {main: registry.csv}}
endpoints:
  - {id: os, kind: OS}
select:
  - {id: women, column: sex, equals: female, reason: Women}
analyses:
  - {id: table, kind: table_one, by: her2_status, columns: [age_years, grade]}
  - {id: curves, kind: kaplan_meier, endpoint: os, by: her2_status}
  - {id: tests, kind: logrank, endpoint: os, by: her2_status}
  - {id: model, kind: cox, endpoint: os, terms: [{name: her2_status, reference: zero}]}
"""
TIME, VITAL = "DX_LASTCONTACT_DEATH_MONTHS", "PUF_VITAL_STATUS"


@pytest.fixture(scope="module")
def patients() -> pd.DataFrame:
    return simulate(400, seed=7, dirt=0)


@pytest.fixture
def folder(tmp_path: Path, patients: pd.DataFrame) -> Path:
    (tmp_path / "study.yaml").write_text(STUDY)
    patients.to_csv(tmp_path / "registry.csv", index=False)
    out = tmp_path / "out"
    out.mkdir()
    (out / "manifest.json").write_text('{"software": {"her2low": "0.0.0"}}')
    (out / "report.pdf").write_bytes(b"an earlier report")
    return tmp_path


def run(folder: Path):
    words = ["run", str(folder / "study.yaml"), "--out", str(folder / "out"), "--quiet"]
    return CliRunner().invoke(app, words)


def refused(folder: Path, code: int, *said: str) -> None:
    done = run(folder)
    assert done.exit_code == code, done.output
    for words in said:
        assert words in done.output
    assert "Traceback" not in done.output
    assert (folder / "out" / "report.pdf").read_bytes() == b"an earlier report"
    assert sorted(p.name for p in folder.iterdir()) == ["out", "registry.csv", "study.yaml"]


@pytest.mark.parametrize(
    ("written", "instead", "said"),
    [
        ("main: registry.csv", "main: regisry.csv", ("study.yaml:3", "registry.csv")),
        ("title: A study", "title: A study\ntitle: Another", ("study.yaml:3", "title")),
        ("select:", "\tselect:", ("study.yaml:6", "tab")),
        ("analyses:", "analysis:", ("study.yaml:8", "Did you mean 'analyses'?")),
        ("kind: OS", "kind: OS, cenor_at: {years: 5}", ("study.yaml:5", "censor_at")),
        ("kind: cox", "kind: coxx", ("study.yaml:12", "Did you mean 'cox'?")),
        ("columns: [age_years, grade]", "columns: [age_yeers]", ("study.yaml:9", "age_years")),
        ("reference: zero", "reference: nought", ("study.yaml:12", "zero, low, positive")),
        (
            "endpoint: os, by: her2_status}\n  - {id: tests",
            "endpoint: oss}\n  - {id: tests",
            ("os",),
        ),
        ("name: ncdb_puf", "name: ncdb_pfu", ("study.yaml:3", "ncdb_puf")),
        ("main: registry.csv", "main: ../registry.csv", ("study.yaml:3", "--allow-path")),
        ("version: 1", "version: 2", ("study.yaml:1",)),
        ("kind: OS", "kind: DSS", ("study.yaml:5", "DSS")),
    ],
)
def test_mistakes_of_the_study_file_are_exit_code_2(folder, written, instead, said):
    text = (folder / "study.yaml").read_text()
    assert written in text
    (folder / "study.yaml").write_text(text.replace(written, instead, 1))
    refused(folder, 2, *said)


def test_an_empty_file_is_exit_code_3(folder):
    (folder / "registry.csv").write_text("")
    refused(folder, 3, "registry.csv", "empty")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda whole: whole[:-7], "fields where there are"),
        (lambda whole: whole.replace(b"\n", b"\0\n", 9)[:9000], "a zero byte"),
        (lambda whole: whole.replace(b"SEX,", b"AGE,", 1), "'AGE' stands 2 times"),
        (lambda whole: whole + b'"', "registry.csv line 402"),
        (lambda whole: gzip.compress(whole)[:-200], "is cut short"),
        (lambda whole: whole.decode().encode("utf-16")[:-1], "is not UTF-16 throughout"),
        (lambda _: b"<?xml version='1.0'?><NaaccrData><Patient>", "the file ends before it is"),
        (lambda _: b"<!DOCTYPE x [<!ENTITY a 'b'>]><x/>", "a document type declaration"),
        (lambda _: b"PK\x03\x04" + b"x" * 100, "damaged ZIP archive or Excel workbook"),
        (lambda _: b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "no text"),
    ],
    ids=["cut", "zero", "twice", "quote", "gzip", "wide", "xml", "doctype", "zip", "picture"],
)
def test_files_that_are_broken_are_exit_code_3_with_the_place(folder, spoil, said):
    path = folder / "registry.csv"
    path.write_bytes(spoil(path.read_bytes()))
    refused(folder, 3, "registry.csv", said)


def test_a_missing_column_names_it_and_the_source_that_fits(folder, patients):
    patients.drop(columns=[VITAL]).to_csv(folder / "registry.csv", index=False)
    refused(folder, 3, VITAL)


def test_a_dictionary_of_another_source_says_which_one_fits(folder):
    text = STUDY.replace("ncdb_puf", "metabric").replace(
        "by: her2_status, columns", "by: sex, columns"
    )
    text = text.replace("by: her2_status}", "by: grade}").replace(
        "{name: her2_status, reference: zero}", "age_years"
    )
    (folder / "study.yaml").write_text(text)
    refused(folder, 3, "metabric", "ncdb_puf")


def test_one_patient_twice_is_exit_code_3_with_the_count(folder, patients):
    pd.concat([patients, patients.iloc[:3]]).to_csv(folder / "registry.csv", index=False)
    refused(folder, 3, "3", "PUF_CASE_ID")


def test_a_row_that_cannot_be_read_is_an_error_with_its_line(folder):
    lines = (folder / "registry.csv").read_text().splitlines()
    lines[20] += ",one,cell,too,many"
    (folder / "registry.csv").write_text("\n".join(lines) + "\n")
    refused(folder, 3, "21")


def test_an_unknown_code_stops_where_the_study_says_so(folder, patients):
    patients.assign(SEX="7").to_csv(folder / "registry.csv", index=False)
    (folder / "study.yaml").write_text("on_unknown_code: stop\n" + STUDY)
    refused(folder, 3, "sex", "'7'")


def test_a_selection_that_leaves_nobody_is_exit_code_4_and_names_the_step(folder):
    (folder / "study.yaml").write_text(STUDY.replace("equals: female", "equals: other"))
    refused(folder, 4, "women", "no patient is left")


def finished(folder: Path, code: int) -> tuple[str, str]:
    """The findings and failures of a run that wrote its report."""
    done = run(folder)
    assert done.exit_code == code, done.output
    assert "Traceback" not in done.output
    assert (folder / "out" / "report.pdf").read_bytes().startswith(b"%PDF")
    failures = (folder / "out" / "tables" / "failures.csv").read_text()
    return (folder / "out" / "findings.csv").read_text(), failures


def test_an_unknown_code_is_otherwise_missing_and_counted(folder, patients):
    odd = patients.assign(GRADE=patients["GRADE"].where(patients.index >= 5, "Z"))
    odd.to_csv(folder / "registry.csv", index=False)
    findings, _ = finished(folder, 0)
    assert any("grade,Z,unknown_code,5" in line for line in findings.splitlines())


def test_nobody_died_is_a_failure_in_its_place_and_exit_code_5(folder, patients):
    patients.assign(**{VITAL: "1"}).to_csv(folder / "registry.csv", index=False)
    _, failures = finished(folder, 5)
    assert "model,cox" in failures
    assert "tests,logrank" in failures


def test_a_group_without_deaths_is_named_and_the_others_are_estimated(folder, patients):
    # Nobody with IHC 3+ dies.
    positive = (patients["CS_SITESPECIFIC_FACTOR_8"] == "030") | (
        patients["HER2_IHC_SUMMARY"] == "3"
    )
    survived = patients[VITAL].where(~positive, "1")
    ish = [
        c for c in patients if c.startswith("HER2_ISH") or c.endswith(("_11", "_13", "_10", "_12"))
    ]
    patients.assign(**{VITAL: survived}, **dict.fromkeys(ish, "")).to_csv(
        folder / "registry.csv", index=False
    )
    findings, failures = finished(folder, 5)
    assert "her2_status" in failures
    assert "positive" in failures
    assert "no_events" in findings
    results = (folder / "out" / "results.json").read_text()
    assert '"id": "model/hazard_ratio/her2_status/low/zero"' in results


def test_negative_and_missing_follow_up_are_counted_and_left_out(folder, patients):
    odd = patients[TIME].where(patients.index >= 4, "-3.00").where(patients.index != 9, "")
    patients.assign(**{TIME: odd}).to_csv(folder / "registry.csv", index=False)
    findings, _ = finished(folder, 0)
    assert any("negative_followup,4" in line for line in findings.splitlines())
    assert any("followup_months,blank,missing" in line for line in findings.splitlines())
