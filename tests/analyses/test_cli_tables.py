"""The commands about a source's files: describe, new-dictionary, and classify's whole table."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from analyses import cli
from cohort.dictionary import SourceDictionary
from cohort.harmonisation import harmonise
from cohort.loading import load

PROJECT = Path(__file__).resolve().parent.parent.parent
REGISTRY = PROJECT / "sample_data" / "registry.csv"
HEADINGS = "PUF_CASE_ID,YEAR_OF_DIAGNOSIS,PUF_VITAL_STATUS,DX_LASTCONTACT_DEATH_MONTHS"
OWN = """\
MRN,Age at diagnosis,Date of diagnosis,HER2 IHC,ER,Vital status,OS (months)
a,50,31.03.2015,0,pos,1,12
b,60,01.04.2016,1+,neg,0,13
c,70,02.05.2016,2+,pos,1,14
"""


def call(*words: str | Path) -> Any:
    return CliRunner().invoke(cli.app, [str(word) for word in words])


@pytest.fixture
def puf(tmp_path: Path) -> Path:
    """Five patients of an NCDB file, one of them twice."""
    file = tmp_path / "puf.csv"
    rows = ["a,2012,1,10,000", "b,2012,0,20,010", "c,2013,1,30,030", "d,2014,1,1,040"]
    file.write_text("\n".join([f"{HEADINGS},CS_SITESPECIFIC_FACTOR_8", *rows]) + "\n")
    return file


# --- describe ----------------------------------------------------------------------------


def test_describe_reports_in_sections_and_plainly_where_it_is_no_terminal(puf: Path) -> None:
    result = call("describe", puf)
    assert result.exit_code == 0
    assert result.stderr == ""
    assert "\x1b" not in result.stdout
    titles = [line for line in result.stdout.splitlines() if line and not line.startswith(" ")]
    assert titles[:3] == ["Source", "HER2", "HER2 status by year of diagnosis"]
    assert "Codes and values not understood" in titles
    assert "    HER2-low can be formed for diagnoses of 2012." in result.stdout
    row = next(
        line for line in result.stdout.splitlines() if line.startswith("    her2_ihc  '040'")
    )
    assert row.split()[:3] == ["her2_ihc", "'040'", "1"]
    assert max(len(line) for line in result.stdout.splitlines()) <= 130


def test_columns_of_the_report_stand_below_one_another(puf: Path) -> None:
    lines = call("describe", puf).stdout.splitlines()
    start = lines.index("HER2 status by year of diagnosis")
    table = lines[start + 1 : start + 5]
    ends = [len(line) for line in table]
    assert len(set(ends)) == 1, table
    assert table[1].split() == ["2012", "2", "1", "1", "0", "0", "0", "0"]


def test_describe_prints_json(puf: Path) -> None:
    result = call("describe", puf, "--json")
    plain = json.loads(result.stdout)
    assert plain["source"] == "ncdb_puf"
    assert plain["n"] == 4
    assert plain["her2"]["counts"]["low"] == 1


def test_describe_names_patients_only_where_asked_to(puf: Path) -> None:
    with puf.open("a") as file:
        file.write("b,2012,0,20,010\n")
    assert "They are" not in call("describe", puf).stdout
    assert "They are b." in call("describe", puf, "--identify").stdout
    assert call("describe", puf).exit_code == 0


def test_describe_takes_further_files_of_a_named_source(tmp_path: Path) -> None:
    main, more = tmp_path / "main.tsv", tmp_path / "cdr.csv"
    head = ("bcr_patient_barcode", "her2_ihc_score", "her2_status_by_ihc", "her2_fish_status",
            "age_at_diagnosis")  # fmt: skip
    main.write_text("\t".join(head) + "\nT1\t1+\tNegative\t\t50\n")
    more.write_text("bcr_patient_barcode,DSS,DSS.time\nT1,0,100\n")
    result = call("describe", main, "--source", "tcga_brca", "--file", f"cdr={more}", "--json")
    assert [file["name"] for file in json.loads(result.stdout)["files"]] == ["main.tsv", "cdr.csv"]
    # Where the source is not named, only those that have such a file are tried.
    unnamed = json.loads(call("describe", main, "--file", f"cdr={more}", "--json").stdout)
    assert [fit["source"] for fit in unnamed["fits"]] == ["tcga_brca"]
    assert unnamed["source"] == "tcga_brca"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["absent.csv"], 2, "'absent.csv' does not exist"),
        (["puf.csv", "--source", "ncbd_puf"], 2, "Did you mean 'ncdb_puf'?"),
        (["puf.csv", "--file", "crd=puf.csv"], 2, "no source has files main, crd"),
        (["puf.csv", "--file", "main=puf.csv"], 2, "given by puf.csv and by puf.csv"),
        (["puf.csv", "--source", "ncdb_puf", "--file", "main=x.csv"], 2, "given by x.csv and by"),
        (["puf.csv", "--source", "metabric"], 3, "does not look like source 'metabric'"),
        (["broken.csv"], 3, "broken.csv line 2: 2 fields where there are 4 headings"),
    ],
)
def test_mistakes_are_told_without_a_traceback(
    puf: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], code: int, said: str
) -> None:
    monkeypatch.chdir(puf.parent)
    (puf.parent / "broken.csv").write_text(f"{HEADINGS}\na,2012\n")
    result = call("describe", *words)
    assert result.exit_code == code
    assert said in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""


def test_a_file_that_no_dictionary_fits_is_described_as_such(tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text("colour,shape\nred,round\n")
    result = call("describe", tmp_path / "table.csv")
    assert result.exit_code == 0
    assert "No dictionary of the package fits this file." in result.stdout
    assert "her2low new-dictionary" in result.stdout


# --- new-dictionary ----------------------------------------------------------------------


def test_a_new_dictionary_reads_its_file_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "Our patients 2024.csv").write_text(OWN)
    result = call("new-dictionary", "Our patients 2024.csv")
    assert result.exit_code == 0, result.stderr
    assert "Written: our_patients_2024.yaml and 3 code tables beside it" in result.stdout
    assert "1 column left for you to decide" in result.stdout
    dictionary = SourceDictionary.load(tmp_path / "our_patients_2024.yaml")
    cohort = harmonise(load(tmp_path / "Our patients 2024.csv", source=dictionary))
    assert list(cohort.to_pandas(["her2_ihc"])["her2_ihc"]) == ["0", "1+", "2+"]
    described = call("describe", "Our patients 2024.csv", "--source", "our_patients_2024.yaml")
    assert described.exit_code == 0
    assert "HER2-low can be formed for diagnoses of 2015-2016." in described.stdout
    study = tmp_path / "study.yaml"
    study.write_text(
        "version: 1\ntitle: Own\n"
        "source: {name: our_patients_2024.yaml, files: {main: Our patients 2024.csv}}\n"
        "analyses:\n  - {id: table, kind: table_one, by: her2_status, columns: [age_years]}\n"
    )
    checked = call("check", study)
    assert checked.exit_code == 0, checked.stderr


def test_a_file_that_a_source_fits_already_is_told_so(puf: Path) -> None:
    result = call("new-dictionary", puf, "--out", puf.parent / "own.yaml")
    assert result.exit_code == 0
    first = result.stdout.splitlines()[0]
    assert first.startswith("Source 'ncdb_puf' (")
    assert f"See first: her2low describe {puf}" in first


@pytest.mark.parametrize(
    ("out", "code", "said"),
    [
        ("own.csv", 2, "a dictionary is a YAML file"),
        ("there.yaml", 2, "it exists already"),
        ("absent/own.yaml", 2, "there is no folder 'absent'"),
        ("taken.yaml", 2, "taken_er_status.csv' exists already"),
    ],
)
def test_a_new_dictionary_never_replaces_anything(
    tmp_path: Path, out: str, code: int, said: str
) -> None:
    (tmp_path / "own_table.csv").write_text(OWN)
    (tmp_path / "there.yaml").write_text("mine")
    (tmp_path / "codes").mkdir()
    (tmp_path / "codes" / "taken_er_status.csv").write_text("mine")
    result = call("new-dictionary", tmp_path / "own_table.csv", "--out", tmp_path / out)
    assert result.exit_code == code
    assert said in result.stderr
    assert (tmp_path / "there.yaml").read_text() == "mine"
    assert [path.name for path in (tmp_path / "codes").iterdir()] == ["taken_er_status.csv"]


def test_a_table_without_a_key_is_exit_code_3(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("age,grade\n50,1\n50,2\n")
    result = call("new-dictionary", tmp_path / "t.csv", "--out", tmp_path / "t.yaml")
    assert result.exit_code == 3
    assert "no column tells the patients apart" in result.stderr
    assert not (tmp_path / "t.yaml").exists()


# --- classify ----------------------------------------------------------------------------


def classified(file: Path, out: Path, *more: str) -> Any:
    return call("classify", file, "--source", "ncdb_puf", "--out", out, *more)


def test_the_table_holds_every_canonical_column_as_the_patients_do(puf: Path) -> None:
    out = puf.parent / "out.csv"
    assert classified(puf, out).exit_code == 0
    with out.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["patient_id"] for row in rows] == ["a", "b", "c", "d"]
    assert [row["followup_months"] for row in rows] == ["10", "20", "30", "1"]
    assert [row["vital_status"] for row in rows] == ["alive", "dead", "alive", "alive"]
    assert [row["her2_status"] for row in rows] == ["zero", "low", "positive", "unknown"]
    expected = harmonise(load(puf, source="ncdb_puf")).columns
    assert set(rows[0]) > set(expected)


def test_csv_and_parquet_hold_the_same(puf: Path) -> None:
    assert classified(puf, puf.parent / "out.csv").exit_code == 0
    assert classified(puf, puf.parent / "out.parquet").exit_code == 0
    table = pq.read_table(puf.parent / "out.parquet").to_pylist()
    with (puf.parent / "out.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == list(table[0])
    assert [row["her2_rule"] for row in rows] == [row["her2_rule"] for row in table]
    assert table[0]["followup_months"] == 10.0


def test_the_table_is_read_again_by_the_source_that_the_command_names(puf: Path) -> None:
    first, second = puf.parent / "first.csv", puf.parent / "second.csv"
    said = classified(puf, first).stdout
    assert "Source 'canonical_months' reads it again." in said
    again = call("classify", first, "--source", "canonical_months", "--out", second)
    assert again.exit_code == 0, again.stderr
    with first.open(newline="") as one, second.open(newline="") as other:
        before, after = list(csv.DictReader(one)), list(csv.DictReader(other))
    shared = [name for name in before[0] if name in after[0]]
    assert {"her2_status", "her2_ihc", "followup_months", "vital_status"} <= set(shared)
    assert [{n: row[n] for n in shared} for row in before] == [
        {n: row[n] for n in shared} for row in after
    ]


def test_a_patients_status_is_that_of_the_index_specimen(tmp_path: Path) -> None:
    file = tmp_path / "redcap.csv"
    file.write_text(
        "record_id,redcap_repeat_instrument,diagnosis_date,vital_status,her2_ihc,specimen_her2_ihc\n"
        "1,,2015-03-01,0,,\n1,specimen,,,,0\n1,specimen,,,,1+\n"
    )
    out = tmp_path / "out.csv"
    assert call("classify", file, "--source", "redcap", "--out", out).exit_code == 0
    with out.open(newline="") as read:
        (row,) = csv.DictReader(read)
    assert (row["her2_ihc"], row["her2_status"]) == ("1+", "low")


def test_an_edge_case_is_read_as_the_command_says(puf: Path) -> None:
    puf.write_text(puf.read_text().replace("a,2012,1,10,000", "a,2012,1,10,020"))
    out = puf.parent / "out.csv"

    def status(*more: str) -> str:
        assert classified(puf, out, *more).exit_code == 0
        with out.open(newline="") as file:
            return next(csv.DictReader(file))["her2_status"]

    assert status() == "unresolved"
    assert status("--policy", "E1=low") == "low"
    assert status("--policy", "peiffer2023") in ("low", "unresolved")
    for words, said in (
        (("--policy", "E1=lwo"), "Did you mean 'low'?"),
        (("--policy", "E1=low", "--policy", "E1=low"), "'E1' is given twice"),
        (("--policy", "E1="), "no edge case with its choice"),
        (("--policy", "nobody2023"), "nobody2023"),
    ):
        result = classified(puf, out, *words)
        assert result.exit_code == 2
        assert said in result.stderr


def test_each_status_is_explained_where_asked_for(puf: Path) -> None:
    out = puf.parent / "out.csv"
    classified(puf, out)
    assert "her2_explanation" not in out.read_text()
    assert classified(puf, out, "--explain").exit_code == 0
    with out.open(newline="") as file:
        sentences = [row["her2_explanation"] for row in csv.DictReader(file)]
    assert "IHC 1+" in sentences[1]
    assert "HER2-low by rule" in sentences[1]
    assert not any("PUF_CASE_ID" in sentence for sentence in sentences)


def test_repeated_patients_are_named_only_where_asked_for(puf: Path) -> None:
    with puf.open("a") as file:
        file.write("b,2012,0,20,010\n")
    out = puf.parent / "out.csv"
    quiet = classified(puf, out)
    named = classified(puf, out, "--identify")
    assert quiet.exit_code == named.exit_code == 3
    assert "Keys: b" not in quiet.stderr
    assert "1 patient in more than one row" in named.stderr
    assert "Keys: b" in named.stderr
    assert not out.exists()


def test_inputs_are_never_replaced(puf: Path) -> None:
    before = puf.read_text()
    result = classified(puf, puf)
    assert result.exit_code == 2
    assert "Inputs are never replaced" in result.stderr
    assert puf.read_text() == before


# --- all of them -------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["describe", "new-dictionary", "classify"])
def test_help_of_a_command_says_what_it_is_for_and_imports_nothing_heavy(command: str) -> None:
    # Typer itself takes pydantic for the parameters of a command.
    heavy = ("numpy", "pandas", "yaml", "duckdb", "narwhals", "pyarrow", "rich", "matplotlib")
    code = (
        f"import sys; sys.argv = ['her2low', {command!r}, '--help']\n"
        "from analyses.cli import main\n"
        "try: main()\n"
        f"finally: print('HEAVY', [m for m in {heavy!r} if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=PROJECT,
        env={**os.environ},
    )  # fmt: skip
    assert "FILE" in done.stdout
    assert "HEAVY []" in done.stdout


def test_classify_says_what_was_left_out_and_of_what_it_is(tmp_path: Path) -> None:
    tumour = (
        '<Tumor><Item naaccrId="primarySite">{}</Item><Item naaccrId="dateOfDiagnosis">{}</Item>'
        '<Item naaccrId="her2IhcSummary">1</Item></Tumor>'
    )
    file = tmp_path / "registry.xml"
    file.write_text(
        '<NaaccrData baseDictionaryUri="http://naaccr.org/naaccrxml/naaccr-dictionary-240.xml" '
        'recordType="I" specificationVersion="1.7" xmlns="http://naaccr.org/naaccrxml"><Patient>'
        '<Item naaccrId="patientIdNumber">00000001</Item><Item naaccrId="vitalStatus">1</Item>'
        + tumour.format("C341", "20100101")
        + tumour.format("C504", "20180105")
        + '<x:ext xmlns:x="http://x.org"><x:a>1</x:a></x:ext></Patient></NaaccrData>'
    )
    words = ("classify", str(file), "--source", "naaccr", "--out", str(tmp_path / "out.csv"))
    result = CliRunner().invoke(cli.app, list(words))
    assert result.exit_code == 0
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    at = lines.index("In the files, but not used, or chosen among:")
    told = lines[at + 1 : at + 4]
    assert told[0].startswith("'http://x.org' 1 element Elements of other name spaces")
    assert told[1].startswith("n_tumours 1 patient These patients have more than one tumour")
    assert told[2] == "'site' 1 tumour Tumours of another site than the breast: not used."
