"""Files as they should not be: each is read right with a note, or refused with its place."""

from __future__ import annotations

import csv
import gzip
import io
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from openpyxl import Workbook

from cohort.dictionary import SourceDictionary
from cohort.errors import DataError, Her2LowError
from cohort.harmonisation import harmonise
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
  histology: {from: main.Note}
  followup_days: {from: extra.Days, number: {integer: true}}
"""


@pytest.fixture
def clinic(tmp_path: Path) -> SourceDictionary:
    path = tmp_path / "clinic.yaml"
    path.write_text(DICTIONARY.replace("  histology: {from: main.Note}\n", "")
                    + "unmapped:\n  - {columns: main.Note, reason: a test}\n")  # fmt: skip
    return SourceDictionary.load(path)


def read(folder: Path, source: Any, content: bytes | str, name: str = "a.csv") -> Extract:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return load(path, source=source)


def rows(extract: Extract) -> list[list[str | None]]:
    return [
        list(row.values()) for row in extract.engine.collect(extract.tables["main"]).to_pylist()
    ]


def noted(extract: Extract) -> list[tuple[str, str, int]]:
    return [(finding.rule, finding.value, finding.n) for finding in extract.findings]


def refused(folder: Path, source: Any, content: bytes | str, name: str = "a.csv") -> str:
    with pytest.raises(DataError) as caught:
        read(folder, source, content, name)
    return str(caught.value)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_wide_encodings_with_and_without_a_mark(
    tmp_path: Path, clinic: SourceDictionary, encoding: str, end: str
) -> None:
    text = end.join(["ID,Age,Note", "José,50,Łódź", "2,60,", ""])
    extract = read(tmp_path, clinic, text.encode(encoding))
    assert rows(extract) == [["José", "50", "Łódź"], ["2", "60", None]]
    assert [rule for rule, _, _ in noted(extract)] == ["encoding"]
    assert noted(extract)[0][1] == encoding


def test_wide_text_cut_in_the_middle_of_a_letter(tmp_path: Path, clinic: SourceDictionary) -> None:
    message = refused(tmp_path, clinic, "ID,Age\n1,50\n".encode("utf-16")[:-1])
    assert "a.csv: is not UTF-16 throughout" in message


@pytest.mark.parametrize("line", [1, 2, 300])
def test_a_zero_byte_is_refused_with_its_line(
    tmp_path: Path, clinic: SourceDictionary, line: int
) -> None:
    lines = [b"ID,Age,Note", *[b"%d,50,x" % i for i in range(400)]]
    lines[line - 1] += b"\0"
    message = refused(tmp_path, clinic, b"\n".join(lines))
    assert f"a.csv line {line}: a zero byte" in message


def test_a_picture_is_no_table(tmp_path: Path, clinic: SourceDictionary) -> None:
    message = refused(tmp_path, clinic, b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x01\0", "a.png")
    assert "a.png line 3: a zero byte: the file is damaged or no text" in message


def test_a_cell_of_a_million_letters_is_read_whole(
    tmp_path: Path, clinic: SourceDictionary
) -> None:
    cell = "x" * 1_000_000
    extract = read(tmp_path, clinic, f"ID,Age,Note\n1,50,{cell}\n2,60,y\n")
    assert rows(extract) == [["1", "50", cell], ["2", "60", "y"]]
    told = [(f.severity, f.value, f.n, f.unit) for f in extract.findings if f.rule == "long_line"]
    assert told == [("warning", "line 2", 1, "line")]
    assert not read(tmp_path, clinic, f"ID,Age,Note\n1,50,{'x' * 400_000}\n").findings
    few = "".join(f"{i},50,z\n" for i in range(3))
    extract = read(tmp_path, clinic, f"ID,Age,Note\n{few}7,50,{cell}\n{few.replace(',50', ',51')}")
    assert [f.value for f in extract.findings] == ["line 5"]
    two_lines = f'"{"x" * 500_000}\n{"y" * 500_000}"'
    extract = read(tmp_path, clinic, f"ID,Age,Note\n1,50,{two_lines}\n")
    assert rows(extract)[0][2] == two_lines.strip('"')
    assert csv.field_size_limit() == 131_072  # the limit of other readers is as it was


def test_a_cell_longer_than_is_read_is_refused_with_its_line(
    tmp_path: Path, clinic: SourceDictionary
) -> None:
    long = "x" * 9_000_000
    message = refused(tmp_path, clinic, f"ID,Age,Note\n1,50,\n2,60,{long}\n")
    assert "a.csv line 3: the line is longer than 8 MB" in message
    many = "".join(f"{i},50,\n" for i in range(400))
    message = refused(tmp_path, clinic, f"ID,Age,Note\n{many}2,60,{long}\n")
    assert "a.csv line 402: the line is longer than 8 MB" in message


def test_a_file_without_line_ends_is_refused(tmp_path: Path, clinic: SourceDictionary) -> None:
    assert "a.csv line 1: the line is longer than 8 MB" in refused(
        tmp_path, clinic, b"ID,Age," * 5_000_000
    )


def test_line_ends_of_old_computers(tmp_path: Path, clinic: SourceDictionary) -> None:
    extract = read(tmp_path, clinic, "ID,Age\r1,50\r2,60\r")
    assert rows(extract) == [["1", "50"], ["2", "60"]]
    assert [rule for rule, _, _ in noted(extract)] == ["line_ends"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('ID,Age,Note\n1,50,"x\n', "line 2: a quotation mark"),
        ('ID,Age,Note\n1,50,x\n2,60,"y', "line 3: a quotation mark"),
        ('ID,"Age,Note\n1,50,x\n', "headings: cannot be read: unexpected end of data"),
        ("ID,Age,Note\n1,50,x\n2,6", "line 3: 2 fields where there are 3 headings"),
        ("ID,Age,Note\n1,50,x\n2\n", "line 3: 1 fields where there are 3 headings"),
        ("ID,Age,Note\n1,50,x,y\n", "line 2: 4 or more fields where there are 3 headings"),
        ("ID,Age,Note\r\n1,50,x\r\n2\r\n", "line 3: 1 fields where there are 3 headings"),
        ("ID,Age,Note\n1,50,x\n\n\n2\n", "line 5: 1 fields where there are 3 headings"),
        ("ID,Age,Age\n1,50,x\n", "'Age' stands 2 times"),
        ("ID,Age, Age \n1,50,x\n", "'Age' stands 2 times"),
        ("ID,Age,Note", "headings only"),
        ("ID,Age,Note\n", "headings only"),
        ("", "the file is empty"),
    ],
)
def test_text_that_is_broken_is_refused_with_its_place(
    tmp_path: Path, clinic: SourceDictionary, content: str, said: str
) -> None:
    assert said in refused(tmp_path, clinic, content)


@pytest.mark.parametrize("before", ["", "x"])
def test_a_long_line_of_letters_that_does_not_fit_is_told_with_its_place(
    tmp_path: Path, clinic: SourceDictionary, before: str
) -> None:
    long = before + "é" * 5_000
    message = refused(tmp_path, clinic, f'ID,Age,Note\n1,50,"a\nb"\n2,{long}\n3,70,z\n')
    assert "a.csv line 4: 2 fields where there are 3 headings" in message


def test_a_heading_whose_quotation_mark_does_not_close(
    tmp_path: Path, clinic: SourceDictionary
) -> None:
    message = refused(tmp_path, clinic, 'ID,Age,"' + "x" * 200_000 + "\n1,50,x\n")
    assert "a.csv headings: cannot be read" in message
    assert "quotation mark" in message


def test_a_last_line_without_its_end_is_told(tmp_path: Path, clinic: SourceDictionary) -> None:
    extract = read(tmp_path, clinic, "ID,Age,Note\n1,50,x\n2,60,y")
    assert rows(extract)[1] == ["2", "60", "y"]
    assert noted(extract) == [("last_line_open", "", 1)]


def test_headings_of_several_lines_and_a_mark_before_them(
    tmp_path: Path, clinic: SourceDictionary
) -> None:
    text = '\ufeff"ID","Age","Note\n(free, ""text"")"\r\n"1","50","a\nb"\r\n'
    extract = read(tmp_path, clinic, text)
    assert extract.headings["main"] == ("ID", "Age", 'Note\n(free, "text")')
    assert rows(extract) == [["1", "50"]]


@pytest.mark.parametrize("content", [b"", b"ID,Age\n", b"\0" * 9000, b"\xff" * 9000, b'"' * 9000])
def test_rubbish_is_an_error_of_ours_and_never_a_cohort(
    tmp_path: Path, clinic: SourceDictionary, content: bytes
) -> None:
    for name in ("a.csv", "a.xlsx", "a.xml", "a.parquet", "a.csv.gz"):
        for start in (
            b"",
            b"PK\x03\x04",
            b"PAR1",
            b"\x1f\x8b",
            b"<?xml",
            b"\xff\xfe",
        ):
            path = tmp_path / name
            path.write_bytes(start + content)
            with pytest.raises(Her2LowError) as caught:
                load(path, source=clinic)
            assert name in str(caught.value)


def test_two_files_whose_patients_do_not_meet(tmp_path: Path, clinic: SourceDictionary) -> None:
    (tmp_path / "a.csv").write_text("ID,Age\n1,50\n2,60\n")
    (tmp_path / "b.csv").write_text("Patient,Days\n01,7\n02,9\n")
    extract = load({"main": tmp_path / "a.csv", "extra": tmp_path / "b.csv"}, source=clinic)
    with pytest.raises(DataError, match=r"none of its 2 patients is in a\.csv"):
        harmonise(extract)
    (tmp_path / "b.csv").write_text("Patient,Days\n1,7\n02,9\n")
    extract = load({"main": tmp_path / "a.csv", "extra": tmp_path / "b.csv"}, source=clinic)
    cohort = harmonise(extract)
    found = [(f.source, f.rule, f.n) for f in cohort.findings if f.rule == "key_not_met"]
    assert found == [("main", "key_not_met", 1), ("extra", "key_not_met", 1)]


def test_one_table_is_the_same_text_in_whatever_file_it_comes(
    tmp_path: Path, clinic: SourceDictionary
) -> None:
    # Leading zeros, quoted line ends, marks of every kind, blanks and wide letters.
    table = [
        ["ID", "Age", "Note"],
        ["007", "61", 'said "no", then\nyes'],
        ["8", "", "Łódź; 5 | 6\tx"],
        ["C-9", "0.5", " "],
    ]
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(table)
    semicolons = io.StringIO()
    csv.writer(semicolons, delimiter=";", lineterminator="\n").writerows(table)
    plain = text.getvalue()
    files = {
        "utf8.csv": plain.encode(),
        "mark.csv": plain.encode("utf-8-sig"),
        "wide.csv": plain.encode("utf-16"),
        "bare.csv": plain.encode("utf-16-be"),
        "mixed.csv": plain.replace("\r\n", "\n", 1).encode(),
        "semicolons.txt": semicolons.getvalue().encode(),
        "packed.csv.gz": gzip.compress(plain.encode()),
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    book = Workbook()
    for row in table:
        book.active.append([cell or None for cell in row])
    book.save(tmp_path / "book.xlsx")
    columns = {name: [row[i] or None for row in table[1:]] for i, name in enumerate(table[0])}
    pq.write_table(pa.table(columns), tmp_path / "table.parquet")
    expected = [[cell or None for cell in row] for row in table[1:]]
    for name in [*files, "book.xlsx", "table.parquet"]:
        found = rows(load(tmp_path / name, source=clinic))
        # A line end inside a field may be of either kind.
        assert [[c and c.replace("\r\n", "\n") for c in row] for row in found] == expected, name
    assert rows(load(pa.table(columns), source=clinic)) == expected
