"""Loading: files and tables in, text out, every row accounted for or a message that helps."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cohort.dictionary import SourceDictionary
from cohort.errors import DataError, SpecError
from cohort.loading import Extract, load

DICTIONARY = """
name: clinic
describes: A clinic's export
files:
  main: {grain: patient, key: ID}
  extra: {grain: patient, key: Patient, required: false}
time: {followup: days}
fits: [main.Age]
columns:
  age_years: {from: main.Age, number: {}}
  followup_days: {from: extra.Days, number: {integer: true}}
"""


@pytest.fixture
def clinic(tmp_path: Path) -> SourceDictionary:
    path = tmp_path / "clinic.yaml"
    path.write_text(DICTIONARY)
    return SourceDictionary.load(path)


def rows(extract: Extract, role: str = "main") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = extract.engine.collect(extract.tables[role]).to_pylist()
    return found


def refused(files: Any, source: Any, kind: type[Exception] = DataError) -> str:
    with pytest.raises(kind) as caught:
        load(files, source=source)
    return str(caught.value)


def test_every_row_is_read_with_digest_and_size(tmp_path: Path, clinic: SourceDictionary) -> None:
    path = tmp_path / "a.csv"
    path.write_text("ID,Note,Age\n1,x,50\n2,y,60\n")
    extract = load(path, source=clinic)
    assert rows(extract) == [{"c0": "1", "c2": "50"}, {"c0": "2", "c2": "60"}]
    assert extract.headings["main"] == ("ID", "Note", "Age")
    (file,) = extract.files
    assert (file.role, file.name, file.n_rows, file.n_columns) == ("main", "a.csv", 2, 3)
    assert file.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert extract.findings == ()


def test_headings_match_in_other_case_and_with_white_space(
    tmp_path: Path, clinic: SourceDictionary
) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id\u00a0, AGE\n1,50\n")
    assert rows(load(path, source=clinic)) == [{"c0": "1", "c1": "50"}]


@pytest.mark.parametrize("kind", ["pandas", "polars", "lazy", "arrow", "duckdb", "parquet"])
def test_a_table_reads_as_the_same_file_would(
    kind: str, tmp_path: Path, clinic: SourceDictionary
) -> None:
    frame = pd.DataFrame({"ID": ["a", "b"], "Age": [50.0, None]})
    arrow = pa.table({"ID": ["a", "b"], "Age": pa.array([50.0, None])})
    given: Any = frame
    if kind == "polars":
        given = pl.DataFrame({"ID": ["a", "b"], "Age": [50.0, None]})
    elif kind == "lazy":
        given = pl.LazyFrame({"ID": ["a", "b"], "Age": [50.0, None]})
    elif kind == "arrow":
        given = arrow
    elif kind == "duckdb":
        given = duckdb.connect().from_arrow(arrow)
    elif kind == "parquet":
        given = tmp_path / "a.parquet"
        pq.write_table(arrow, given)
    extract = load(given, source=clinic)
    assert rows(extract) == [{"c0": "a", "c1": "50"}, {"c0": "b", "c1": None}]
    assert extract.files[0].n_rows == 2
    assert len(extract.files[0].sha256) == 64


def test_the_given_frame_is_not_changed(clinic: SourceDictionary) -> None:
    frame = pd.DataFrame({"ID": [1, 2], "Age": [50, 60]})
    before = frame.copy()
    load(frame, source=clinic)
    pd.testing.assert_frame_equal(frame, before)


def test_latin_letters_are_read_with_a_warning(tmp_path: Path, clinic: SourceDictionary) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("ID,Age\nJosé,50\n".encode("latin-1"))
    extract = load(path, source=clinic)
    assert rows(extract)[0]["c0"] == "José"
    assert [(f.severity, f.rule, f.value) for f in extract.findings] == [
        ("warning", "encoding", "cp1252")
    ]
    assert extract.files[0].sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_utf16_with_mixed_line_ends_is_read(tmp_path: Path, clinic: SourceDictionary) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("ID,Age\r\n1,50\n2,60\r3,70".encode("utf-16"))
    extract = load(path, source=clinic)
    assert [row["c1"] for row in rows(extract)] == ["50", "60", "70"]
    assert "encoding" in {finding.rule for finding in extract.findings}


def test_a_path_that_does_not_exist_names_the_nearest(
    tmp_path: Path, clinic: SourceDictionary
) -> None:
    (tmp_path / "registry_2020.csv").write_text("ID,Age\n1,50\n")
    message = refused(tmp_path / "regitry_2020.csv", clinic, SpecError)
    assert "does not exist" in message
    assert "Did you mean 'registry_2020.csv'?" in message


def test_a_folder_and_a_folder_that_is_not_there(tmp_path: Path, clinic: SourceDictionary) -> None:
    assert "is a folder" in refused(tmp_path, clinic, SpecError)
    assert "its folder does not exist" in refused(tmp_path / "no" / "a.csv", clinic, SpecError)


def test_unknown_role_and_missing_required_file_are_told_together(
    clinic: SourceDictionary,
) -> None:
    message = refused({"mian": "a.csv"}, clinic, SpecError)
    assert "files.mian" in message
    assert "Did you mean 'main'?" in message
    assert "files.main: source 'clinic' cannot be read without this file" in message


def test_problems_of_every_file_are_told_at_once(tmp_path: Path, clinic: SourceDictionary) -> None:
    (tmp_path / "a.csv").write_text("ID,Age\n")
    (tmp_path / "b.csv").write_text("Patient,Days,Days\n1,2,3\n")
    message = refused({"main": tmp_path / "a.csv", "extra": tmp_path / "b.csv"}, clinic)
    assert "a.csv: headings only" in message
    assert "'Days' stands 2 times" in message


def test_bad_rows_of_every_file_are_told_at_once(tmp_path: Path, clinic: SourceDictionary) -> None:
    (tmp_path / "a.csv").write_text("ID,Age\n1\n")
    (tmp_path / "b.csv").write_text("Patient,Days\n1,2,3\n")
    message = refused({"main": tmp_path / "a.csv", "extra": tmp_path / "b.csv"}, clinic)
    assert "a.csv line 2: 1 fields" in message
    assert "b.csv line 2: 3 or more fields" in message


def test_a_second_file_without_its_key_is_told(tmp_path: Path, clinic: SourceDictionary) -> None:
    (tmp_path / "a.csv").write_text("ID,Age\n1,50\n")
    (tmp_path / "b.csv").write_text("Person,Days\n1,2\n")
    message = refused({"main": tmp_path / "a.csv", "extra": tmp_path / "b.csv"}, clinic)
    assert "b.csv: no column Patient to join the patients by" in message


def test_a_file_of_another_source_names_the_source_that_fits(tmp_path: Path) -> None:
    path = tmp_path / "clinical.txt"
    path.write_text("PATIENT_ID\tOS_STATUS\tOS_MONTHS\tHER2_IHC_SCORE\nP1\t0:LIVING\t3\t1\n")
    message = refused(path, "ncdb_puf")
    assert "does not look like source 'ncdb_puf'" in message
    assert "PUF_CASE_ID, YEAR_OF_DIAGNOSIS" in message
    assert "Try source 'cbioportal'" in message


def test_the_best_of_several_fitting_sources_is_named(tmp_path: Path) -> None:
    path = tmp_path / "clinical.txt"
    path.write_text(
        "PATIENT_ID\tOS_STATUS\tINTCLUST\tCLAUDIN_SUBTYPE\tER_IHC\tHORMONE_THERAPY\tRADIO_THERAPY\n"
        "P1\t0:LIVING\t1\tLumA\tPositve\tYES\tNO\n"
    )
    assert "Try source 'metabric'" in refused(path, "tcga_brca")


def test_a_file_that_fits_no_source_says_so(tmp_path: Path) -> None:
    path = tmp_path / "other.csv"
    path.write_text("a,b\n1,2\n")
    assert "No other source of the package fits" in refused(path, "ncdb_puf")


def test_two_headings_that_differ_in_case_only_are_ambiguous(
    tmp_path: Path, clinic: SourceDictionary
) -> None:
    path = tmp_path / "a.csv"
    path.write_text("ID,AGE,age\n1,2,3\n")
    assert "'Age' may be AGE or age" in refused(path, clinic)


def test_headings_that_differ_in_case_only_are_ambiguous_though_one_is_exact(
    tmp_path: Path, clinic: SourceDictionary
) -> None:
    path = tmp_path / "a.csv"
    path.write_text("ID,AGE,Age\n1,2,3\n")
    assert "'Age' may be AGE or Age" in refused(path, clinic)


def test_headings_that_differ_in_case_only_are_fine_where_the_dictionary_names_each(
    tmp_path: Path,
) -> None:
    text = DICTIONARY.replace("from: main.Age,", "from: [main.Age, main.AGE],")
    (tmp_path / "clinic.yaml").write_text(text)
    path = tmp_path / "a.csv"
    path.write_text("ID,AGE,Age\n1,2,3\n")
    both = SourceDictionary.load(tmp_path / "clinic.yaml")
    assert rows(load(path, source=both)) == [{"c0": "1", "c1": "2", "c2": "3"}]


def test_an_unknown_source_names_the_nearest() -> None:
    message = refused("a.csv", "ncdb_pfu", SpecError)
    assert "Did you mean 'ncdb_puf'?" in message


def test_rows_kept_though_the_dictionary_skips_them_are_a_warning(tmp_path: Path) -> None:
    names = ["bcr_patient_barcode", "her2_ihc_score", "her2_status_by_ihc", "her2_fish_status"]
    headings = "\t".join([*names, "age_at_diagnosis"])
    patients = "".join(f"TCGA-{i}\t1+\tNegative\tNegative\t50\n" for i in range(4))
    path = tmp_path / "b.txt"
    path.write_text(f"{headings}\n{patients}")
    extract = load(path, source="tcga_brca")
    assert extract.files[0].n_rows == 4
    assert [(f.severity, f.rule, f.n) for f in extract.findings] == [("warning", "rows_kept", 2)]


def test_a_damaged_parquet_file_is_told(tmp_path: Path, clinic: SourceDictionary) -> None:
    path = tmp_path / "a.parquet"
    path.write_bytes(b"PAR1 not really")
    assert "is no readable Parquet file" in refused(path, clinic)


def test_a_frame_with_a_column_twice_is_refused() -> None:
    twice = pd.DataFrame([[1, 2, 3]], columns=["ID", "Age", "Age"])
    with pytest.raises(DataError, match="'Age' stands 2 times"):
        load(twice, source="ncdb_puf")


def test_a_compressed_file_is_read_with_the_digest_of_the_file_given(
    tmp_path: Path, clinic: SourceDictionary
) -> None:
    path = tmp_path / "a.csv.gz"
    # Two members, as `cat a.gz b.gz` makes them, and the padding of a tape.
    path.write_bytes(gzip.compress(b"ID,Age\n1,50\n") + gzip.compress(b"2,60\n") + b"\0" * 9)
    extract = load(path, source=clinic)
    assert rows(extract) == [{"c0": "1", "c1": "50"}, {"c0": "2", "c1": "60"}]
    assert extract.files[0].sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert [(f.rule, f.value) for f in extract.findings] == [("compressed", "gzip")]


def test_a_compressed_file_that_is_cut_short_or_damaged_is_refused(
    tmp_path: Path, clinic: SourceDictionary
) -> None:
    whole = gzip.compress(b"ID,Age\n" + b"1,50\n" * 50)
    path = tmp_path / "a.csv.gz"
    path.write_bytes(whole[:-9])
    assert "a.csv.gz: is cut short" in refused(path, clinic)
    path.write_bytes(whole[:-8] + b"\1\2\3\4" + whole[-4:])
    assert "a.csv.gz: is damaged" in refused(path, clinic)
    path.write_bytes(whole + b"no more of it")
    assert "a.csv.gz: is damaged" in refused(path, clinic)


def test_a_compressed_file_that_grows_out_of_proportion_is_refused(
    tmp_path: Path, clinic: SourceDictionary, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cohort.formats.compressed._FREE", 1 << 20)
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(b"ID,Age\n" + b"0" * (1 << 22)))
    assert "more than 200 times its size" in refused(path, clinic)


LISTING = """
name: listing
describes: A case listing
files:
  main: {grain: patient, key: Patient ID}
time: {followup: months}
fits: [main.Age, main.Breast Subtype (2010+)]
columns:
  age_years: {from: main.Age, number: {}}
  her2_reported: {from: main.Breast Subtype (2010+), codes: label_her2_result}
  her2_ish: {from: main.Score (2013), codes: label_her2_result}
  grade: {from: [main.Grade (2018+), main.Grade (thru 2017)], codes: label_yes_no}
"""


@pytest.fixture
def listing(tmp_path: Path) -> SourceDictionary:
    path = tmp_path / "listing.yaml"
    text = LISTING.replace("her2_ish", "her2_ish_second").replace("label_yes_no", "metabric_grade")
    path.write_text(text)
    return SourceDictionary.load(path)


def headed(folder: Path, source: Any, *headings: str) -> Extract:
    path = folder / "cases.txt"
    path.write_text("\t".join(headings) + "\n" + "\t".join("1" for _ in headings) + "\n")
    return load(path, source=source)


@pytest.mark.parametrize(
    "written",
    [
        "Breast Subtype (2010+)",
        "breast subtype (2010+)  ",
        "Breast Subtype (2010-2015)",
        "Breast Subtype",
        "BREAST SUBTYPE (thru 2017) ",
        "Breast Subtype (1975-2016 varying)",
    ],
)
def test_the_range_of_years_of_a_heading_does_not_count(
    tmp_path: Path, listing: SourceDictionary, written: str
) -> None:
    extract = headed(tmp_path, listing, "Patient ID ", "Age", written)
    assert extract.headings["main"][2].casefold() == "breast subtype (2010+)"
    noted = [(f.column, f.value) for f in extract.findings if f.rule == "heading_years"]
    same = written.strip().casefold() == "breast subtype (2010+)"
    assert noted == ([] if same else [("Breast Subtype (2010+)", written.strip())])


@pytest.mark.parametrize("written", ["Breast Subtype (A, B)", "Breast Subtype 2010", "Subtype"])
def test_other_words_and_brackets_count(
    tmp_path: Path, listing: SourceDictionary, written: str
) -> None:
    with pytest.raises(DataError, match="columns missing: Breast Subtype"):
        headed(tmp_path, listing, "Patient ID", "Age", written)


def test_a_heading_that_another_name_fits_exactly_is_not_taken(
    tmp_path: Path, listing: SourceDictionary
) -> None:
    names = ("Patient ID", "Age", "Breast Subtype (2010+)", "Grade (thru 2017)")
    extract = headed(tmp_path, listing, *names)
    assert extract.headings["main"] == names
    assert "heading_years" not in {finding.rule for finding in extract.findings}


def test_two_headings_that_differ_in_their_years_are_ambiguous(
    tmp_path: Path, listing: SourceDictionary
) -> None:
    names = ("Patient ID", "Age", "Breast Subtype (2010+)", "Score (2015)", "Score (2018)")
    with pytest.raises(DataError, match=r"'Score \(2013\)' may be Score \(2015\) or Score"):
        headed(tmp_path, listing, *names)


def test_a_listing_without_headings_says_what_to_do(
    tmp_path: Path, listing: SourceDictionary
) -> None:
    path = tmp_path / "cases.txt"
    path.write_text("00000012\t61\t4\t4\n00000013\t55\t4\t2\n")
    assert "variable names included" in refused(path, listing)
    path.write_text('00000012\t"61 years"\t"HR+/HER2-"\n00000013\t"55 years"\t"HR-/HER2-"\n')
    assert "variable names included" in refused(path, listing)
    path.write_text("Patient ID\tAge\tOther\n1\t2\t3\n")
    assert "variable names included" not in refused(path, listing)


@pytest.mark.parametrize(
    "heading", ["390", " 390\u00a0", "Item 390", "item 390 ", "NAACCR Item #390"]
)
def test_item_numbers_as_headings(tmp_path: Path, heading: str) -> None:
    path = tmp_path / "extract.csv"
    path.write_text(f"20,{heading},400,1760\n1,20150331,C504,1\n")
    extract = load(path, source="naaccr")
    assert extract.headings["main"] == ("20", "390", "400", "1760")
    assert list(rows(extract)[0].values()) == ["1", "20150331", "C504", "1"]
