"""Excel workbooks: values as a delimited file would hold them, and every trap of a sheet."""

from __future__ import annotations

import builtins
import zipfile
from collections.abc import Callable
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook

from cohort.dictionary import SourceDictionary
from cohort.errors import DataError, SpecError
from cohort.loading import Extract, load

DICTIONARY = """
name: clinic
describes: A clinic's workbook
files:
  main: {grain: patient, key: ID}
time: {followup: days}
fits: [main.Age]
columns:
  age_years: {from: main.Age, number: {}}
  her2_reported: {from: main.HER2, codes: label_her2_result}
  diagnosis_date: {from: main.Date, date: iso}
"""


def clinic(folder: Path, **changes: str) -> SourceDictionary:
    text = DICTIONARY
    if changes:
        more = ", ".join(f"{key}: {value}" for key, value in changes.items())
        text = text.replace("key: ID}", f"key: ID, {more}}}")
    path = folder / "clinic.yaml"
    path.write_text(text)
    return SourceDictionary.load(path)


def workbook(
    folder: Path, *rows: list[Any], change: Callable[[Any], None] = lambda _: None
) -> Path:
    book = Workbook()
    for row in rows:
        book.active.append(row)
    change(book)
    path = folder / "patients.xlsx"
    book.save(path)
    return path


def rows(extract: Extract) -> list[list[str | None]]:
    found = extract.engine.collect(extract.tables["main"]).to_pylist()
    return [list(row.values()) for row in found]


def noted(extract: Extract) -> dict[str, int]:
    return {finding.rule: finding.n for finding in extract.findings}


def refused(path: Path, source: Any, kind: type[Exception] = DataError) -> str:
    with pytest.raises(kind) as caught:
        load(path, source=source)
    return str(caught.value)


HEADINGS = ["ID", "Age", "HER2", "Date"]


def test_cells_become_text_as_a_delimited_file_would_hold_them(tmp_path: Path) -> None:
    path = workbook(
        tmp_path,
        [" ID ", "Age", "HER2", "Date"],
        ["007", 61, "positive", date(2015, 3, 31)],
        [8, 61.0, True, datetime.fromisoformat("2015-03-31T14:30")],
        [9, 0.1 + 0.2, None, time(9, 5)],
        [10, 1.9, "", "31/3/2015"],
    )
    extract = load(path, source=clinic(tmp_path))
    assert rows(extract) == [
        ["007", "61", "positive", "2015-03-31"],
        ["8", "61", "true", "2015-03-31 14:30:00"],
        ["9", "0.3", None, "09:05:00"],
        ["10", "1.9", None, "31/3/2015"],
    ]
    assert extract.findings == ()
    assert extract.files[0].n_rows == 4
    assert extract.headings["main"] == ("ID", "Age", "HER2", "Date")


def test_zeros_that_a_number_is_shown_with_are_kept(tmp_path: Path) -> None:
    def change(book: Any) -> None:
        book.active["C2"].number_format = "000"
        book.active["C3"].number_format = "0.00"

    path = workbook(tmp_path, HEADINGS, [1, 50, 10, None], [2, 50, 10, None], change=change)
    assert [row[2] for row in rows(load(path, source=clinic(tmp_path)))] == ["010", "10"]


def test_error_cells_are_missing_and_counted(tmp_path: Path) -> None:
    path = workbook(tmp_path, HEADINGS, [1, "#N/A", "#REF!", None], [2, 50, "no #N/A", None])
    extract = load(path, source=clinic(tmp_path))
    assert rows(extract) == [["1", None, None, None], ["2", "50", "no #N/A", None]]
    assert noted(extract) == {"error_cells": 2}


def test_formulas_are_read_as_stored_and_counted_where_nothing_is(tmp_path: Path) -> None:
    path = workbook(tmp_path, HEADINGS, [1, "=25+25", "=A2", None], [2, 50, None, None])
    _edit(path, "<f>25+25</f><v />", "<f>25+25</f><v>50</v>")
    _edit(path, "<f>25+25</f><v></v>", "<f>25+25</f><v>50</v>")
    _edit(path, "<f>A2</f><v />", "<f>A2</f>")
    _edit(path, "<f>A2</f><v></v>", "<f>A2</f>")
    extract = load(path, source=clinic(tmp_path))
    assert rows(extract)[0] == ["1", "50", None, None]
    assert noted(extract) == {"formula_without_value": 1}


def test_an_empty_value_beside_a_formula_is_none_unless_it_is_text(tmp_path: Path) -> None:
    path = workbook(tmp_path, HEADINGS, [1, "=25+25", "=A2", None], [2, 50, None, None])
    _edit(path, "<f>25+25</f><v></v>", "<f>25+25</f><v />")
    _edit(path, "<f>A2</f><v></v>", "<f>A2</f><v />")
    _edit(path, '<c r="C2">', '<c r="C2" t="str">')
    extract = load(path, source=clinic(tmp_path))
    assert rows(extract)[0] == ["1", None, None, None]
    # The age has never been computed; a text that is empty has.
    assert noted(extract) == {"formula_without_value": 1}


def test_a_sheet_with_more_rows_than_excel_has_is_refused_at_once(tmp_path: Path) -> None:
    path = workbook(tmp_path, HEADINGS, [1, 50, None, None], [2, 50, None, None])
    _edit(path, '<row r="3">', '<row r="1048577">')
    with pytest.raises(DataError, match="a row of number 1,048,577") as caught:
        load(path, source=clinic(tmp_path))
    assert "give the table as CSV or Parquet" in str(caught.value)


@pytest.mark.parametrize(
    "first", [["Written by A."], [], ["Note", "By"]], ids=["line", "blank", "other headings"]
)
def test_a_first_sheet_of_notes_is_refused_with_the_names_of_the_others(
    tmp_path: Path, first: list[str]
) -> None:
    def change(book: Any) -> None:
        book.create_sheet("Data").append(HEADINGS)

    path = workbook(tmp_path, first, *([["x", "y"]] if len(first) > 1 else []), change=change)
    with pytest.raises(DataError) as caught:
        load(path, source=clinic(tmp_path))
    told = [str(caught.value), *(finding.advice for finding in caught.value.findings)]
    assert any("Other sheets: Data; 'sheet' of a dictionary's file names" in one for one in told)


def test_blank_rows_are_left_out_and_counted(tmp_path: Path) -> None:
    path = workbook(tmp_path, HEADINGS, [1, 50], [None], ["  "], [2, 51], [None, None])
    extract = load(path, source=clinic(tmp_path))
    assert [row[0] for row in rows(extract)] == ["1", "2"]
    assert noted(extract)["blank_rows"] >= 2


def test_hidden_and_merged_cells_are_counted(tmp_path: Path) -> None:
    def change(book: Any) -> None:
        sheet = book.active
        sheet.row_dimensions[3].hidden = True
        sheet.column_dimensions["C"].hidden = True
        sheet.merge_cells("D1:E1")
        sheet.merge_cells("C2:C3")

    path = workbook(tmp_path, HEADINGS, [1, 50, "x"], [2, 51, "x"], change=change)
    extract = load(path, source=clinic(tmp_path))
    assert [row[0] for row in rows(extract)] == ["1", "2"]
    counts = {"hidden_rows": 1, "hidden_columns": 1, "merged_headings": 1, "merged_cells": 1}
    assert noted(extract) == counts


def test_cells_right_of_the_headings_are_counted(tmp_path: Path) -> None:
    path = workbook(tmp_path, HEADINGS, [1, 50, "x", None, None, "a note"])
    extract = load(path, source=clinic(tmp_path))
    assert rows(extract) == [["1", "50", "x", None]]
    assert noted(extract) == {"cells_beyond_headings": 1}


def test_rows_past_the_extent_that_a_sheet_claims_are_read(tmp_path: Path) -> None:
    path = workbook(tmp_path, HEADINGS, *[[i, 50, "x", None] for i in range(5)])
    _edit(path, 'ref="A1:D6"', 'ref="A1:B2"')
    assert [row[2] for row in rows(load(path, source=clinic(tmp_path)))] == ["x"] * 5


def test_the_sheet_named_is_read_and_another_is_told(tmp_path: Path) -> None:
    def change(book: Any) -> None:
        book.active.title = "Notes"
        sheet = book.create_sheet("Patients")
        sheet.append(["A report"])
        sheet.append(HEADINGS)
        sheet.append([1, 50])

    path = workbook(tmp_path, HEADINGS, [3, 4], change=change)
    extract = load(path, source=clinic(tmp_path, sheet="Patients", header_row="2"))
    assert rows(extract) == [["1", "50", None, None]]
    assert noted(extract) == {}
    first = load(path, source=clinic(tmp_path))
    assert rows(first) == [["3", "4", None, None]]
    assert [(f.rule, f.value) for f in first.findings] == [("sheet", "Notes")]
    message = refused(path, clinic(tmp_path, sheet="Patient"), SpecError)
    assert "has no sheet 'Patient'" in message
    assert "Did you mean 'Patients'?" in message


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ([[]], "no headings where they should stand"),
        ([[None, None], [1, 2]], "row 1: no headings"),
        ([HEADINGS], "columns only, no patients"),
        ([HEADINGS, [None]], "columns only, no patients"),
        ([["ID", "Age", "Age"], [1, 2, 3]], "'Age' stands 2 times"),
    ],
)
def test_sheets_that_cannot_be_used(tmp_path: Path, table: list[list[Any]], said: str) -> None:
    assert said in refused(workbook(tmp_path, *table), clinic(tmp_path))


def test_a_workbook_that_grows_out_of_proportion_is_refused_unopened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = workbook(tmp_path, HEADINGS, [1, 50])
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/media/zeros", b"0" * (1 << 24))
    assert rows(load(path, source=clinic(tmp_path)))
    monkeypatch.setattr("cohort.formats.excel_layout._FREE", 1 << 20)
    assert "200 times its size when unpacked" in refused(path, clinic(tmp_path))


def test_damaged_workbooks_are_told(tmp_path: Path) -> None:
    path = workbook(tmp_path, HEADINGS, *[[i, 50] for i in range(300)])
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert "damaged ZIP archive or Excel workbook" in refused(path, clinic(tmp_path))
    path.write_bytes(whole)
    _edit(path, "</row>", "<row>")
    assert "patients.xlsx: is no readable Excel workbook" in refused(path, clinic(tmp_path))
    path.write_bytes(whole)
    _edit(path, "<sheets>", "<sheet>", part="xl/workbook.xml")
    assert "patients.xlsx: is no readable Excel workbook" in refused(path, clinic(tmp_path))


def test_other_archives_and_workbooks_say_what_they_are(tmp_path: Path) -> None:
    for inside, said in (("a.csv", "is a ZIP archive"), ("xl/workbook.bin", "binary Excel")):
        path = tmp_path / "a.xlsx"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(inside, b"x")
        assert said in refused(path, clinic(tmp_path))


def test_without_openpyxl_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = workbook(tmp_path, HEADINGS, [1, 50])
    plain = builtins.__import__

    def absent(name: str, *rest: Any) -> Any:
        if name.partition(".")[0] == "openpyxl":
            raise ImportError(name)
        return plain(name, *rest)

    monkeypatch.setattr(builtins, "__import__", absent)
    message = refused(path, clinic(tmp_path), SpecError)
    assert "openpyxl, which reads workbooks, is not installed" in message
    assert "her2low[excel]" in message


def _edit(path: Path, old: str, new: str, part: str = "xl/worksheets/sheet1.xml") -> None:
    """Change the text of one part of a workbook."""
    with zipfile.ZipFile(path) as archive:
        parts = {info: archive.read(info) for info in archive.infolist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for info, content in parts.items():
            changed = (
                content.replace(old.encode(), new.encode()) if info.filename == part else content
            )
            archive.writestr(info, changed)
