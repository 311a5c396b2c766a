"""Excel workbooks (.xlsx): one sheet as a table of text, and all in it that a table cannot say."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, time, timedelta
from itertools import islice
from pathlib import Path
from typing import Any
from zipfile import BadZipFile
from zlib import error as zlib_error

import pyarrow as pa

from cohort.errors import DataError, Problem, SpecError, listed, suggest
from cohort.formats.encoding import digest
from cohort.formats.excel_layout import SheetLayout, check_sizes, sheet_layout
from cohort.formats.frames import opened_table
from cohort.formats.opened import WHITE, Given, Opened, checked_headings
from cohort.table import Finding, Severity

_BATCH = 10_000  # rows made into Arrow at a time
_WHOLE = 1e15  # whole numbers up to here are written without a fraction


def open_workbook(given: Given) -> Opened:
    """A sheet of a workbook: the one the dictionary names, else the first.

    Dates become ``2015-03-31``, whole numbers come without ``.0``, other numbers with the 15
    digits that Excel shows, numbers shown with leading zeros with them. A formula is read as the
    value that Excel stored beside it. Error cells are missing, blank rows are left out, hidden
    rows and columns are read as any other: each is counted.

    Raises
    ------
    SpecError
        Where openpyxl is not installed or the sheet is not there.
    DataError
        Where the workbook is damaged or grows out of all proportion, or its headings cannot be
        used.
    """
    path, name = given.path, given.name
    check_sizes(path, name)
    sheet, others = _chosen_sheet(given)
    where = f"{name} sheet '{sheet}'"
    layout = sheet_layout(path, name, sheet)
    seen = _Seen()
    with _worksheet(path, name, sheet) as rows:
        first = given.rule.header_row
        headings = _headings(list(islice(rows, first)), first, where, others)
        for _ in islice(rows, len(given.rule.skip_rows)):
            pass
        schema = pa.schema([(f"c{i}", pa.string()) for i in range(len(headings))])
        table = pa.Table.from_batches(_batches(rows, schema, seen), schema)
    findings = _findings(given.role, layout, seen, first)
    if given.rule.sheet is None and others:
        advice = f"The first sheet was read. {_another(others)}"
        findings = (
            Finding("info", given.role, "", sheet, "sheet", table.num_rows, advice, "row"),
            *findings,
        )
    if not table.num_rows and others:
        raise DataError(Problem(where, "columns only, no patients", advice=_another(others)))
    named = table.rename_columns(list(headings))
    return opened_table(given.role, where, named, digest(path), findings)


class _Seen:
    """What the cells showed, counted."""

    def __init__(self) -> None:
        self.errors = self.blank_rows = self.beyond = 0

    def text(self, cell: Any) -> str | None:
        """A cell as text, as a delimited file would hold it."""
        value = cell.value
        if isinstance(value, str):
            if cell.data_type == "e":
                self.errors += 1
                return None
            return value or None
        if value is None:
            return None
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, int | float):
            return _number(value, cell.number_format)
        return _moment(value)


def _number(value: float, shown: str) -> str:
    """A number as Excel shows it, without a fraction where it is whole."""
    if value == int(value) and abs(value) < _WHOLE:
        zeros = len(shown) if shown.strip("0") == "" else 0
        return str(int(value)).zfill(zeros)
    return f"{value:.15g}"


def _moment(value: Any) -> str:
    """A date, or a date with its time where it has one."""
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(" ")
    return str(value) if isinstance(value, timedelta) else str(value.isoformat())


def _batches(
    rows: Iterator[Sequence[Any]], schema: pa.Schema, seen: _Seen
) -> Iterator[pa.RecordBatch]:
    """Rows that hold anything, in batches."""
    width = len(schema)
    filled = _filled(rows, width, seen)
    while batch := list(islice(filled, _BATCH)):
        columns = zip(*batch, strict=True)
        yield pa.record_batch([pa.array(column, pa.string()) for column in columns], schema=schema)


def _filled(rows: Iterator[Sequence[Any]], width: int, seen: _Seen) -> Iterator[list[str | None]]:
    """The texts of each row that holds any under a heading."""
    for row in rows:
        texts = [seen.text(cell) for cell in row]
        seen.beyond += sum(text is not None for text in texts[width:])
        del texts[width:]
        if any(text is not None and text.strip(WHITE) for text in texts):
            texts += [None] * (width - len(texts))
            yield texts
        else:
            seen.blank_rows += 1


def _another(others: Sequence[str]) -> str:
    """How another sheet than the first is read."""
    return f"Other sheets: {listed(others)}; 'sheet' of a dictionary's file names the one to read."


def _headings(
    rows: list[Sequence[Any]], first: int, where: str, others: Sequence[str]
) -> tuple[str, ...]:
    """Column names, from the row that holds them."""
    seen = _Seen()
    texts = [seen.text(cell) or "" for cell in rows[-1]] if len(rows) == first else []
    while texts and not texts[-1].strip(WHITE):
        texts.pop()
    if not texts:
        advice = _another(others) if others else ""
        found = "no headings where they should stand"
        raise DataError(Problem(f"{where} row {first}", found, advice=advice))
    return checked_headings(texts, where)


def _chosen_sheet(given: Given) -> tuple[str, list[str]]:
    """Name of the sheet to read, and those of the others."""
    with _workbook(given.path, given.name) as workbook:
        names = [sheet.title for sheet in workbook.worksheets]
    wanted = given.rule.sheet
    if not names:
        raise DataError(Problem(given.name, "a workbook without a sheet of cells"))
    if wanted is None:
        return names[0], names[1:]
    if wanted not in names:
        found = f"has no sheet '{wanted}'"
        allowed = f"Sheets: {listed(names)}"
        raise SpecError(Problem(given.name, found, allowed, suggest(wanted, names)))
    return wanted, [other for other in names if other != wanted]


@contextmanager
def _worksheet(path: Path, name: str, sheet: str) -> Iterator[Iterator[Sequence[Any]]]:
    """The rows of a sheet, one after another."""
    with _workbook(path, name) as workbook:
        chosen = workbook[sheet]
        # What a file says of its own extent may be wrong, and rows past it would be lost.
        chosen.reset_dimensions()
        yield chosen.iter_rows()


@contextmanager
def _workbook(path: Path, name: str) -> Iterator[Any]:
    """A workbook as openpyxl opens it for reading on, its complaints told to a person."""
    try:
        from openpyxl import load_workbook
        from openpyxl.utils.exceptions import InvalidFileException
    except ImportError:
        advice = "Install it: pip install 'her2low[excel]'; or save the sheet as CSV."
        raise SpecError(Problem(name, "openpyxl, which reads workbooks, is not installed",
                                advice=advice)) from None  # fmt: skip
    damage = (BadZipFile, zlib_error, SyntaxError, EOFError, OSError, KeyError, ValueError)
    opening = (*damage, InvalidFileException, TypeError, AttributeError, IndexError)
    with warnings.catch_warnings(), path.open("rb") as file:
        # Of features that hold no values; dates that cannot be come as error cells.
        warnings.simplefilter("ignore")
        try:
            workbook = load_workbook(file, read_only=True, data_only=True, keep_links=False)
        except opening as error:
            raise _damaged(name, error) from None
        try:
            yield workbook
        except damage as error:
            raise _damaged(name, error) from None
        finally:
            workbook.close()


def _damaged(name: str, error: Exception) -> DataError:
    found = f"is no readable Excel workbook: {error or type(error).__name__}"
    advice = "Open it in Excel and save it again, or save the sheet as CSV."
    return DataError(Problem(name, found, advice=advice))


def _findings(role: str, layout: SheetLayout, seen: _Seen, first: int) -> tuple[Finding, ...]:
    """What was counted, in words."""
    merged = layout.merged_in(first)
    counted: tuple[tuple[Severity, str, int, str, str], ...] = (
        ("warning", "error_cells", seen.errors, "cell",
         "Cells that show an error (#N/A, #REF!) are missing: mend them in the workbook."),
        ("warning", "formula_without_value", layout.uncalculated, "cell",
         "Formulas whose value the file does not hold are missing: open it in Excel, save it."),
        ("info", "blank_rows", seen.blank_rows, "row", "Rows without any value were left out."),
        ("warning", "cells_beyond_headings", seen.beyond, "cell",
         "Cells right of the last heading were not read."),
        ("warning", "merged_headings", merged, "range",
         "Merged cells in the row of headings: only the first column of each has a name."),
        ("warning", "merged_cells", len(layout.merged) - merged, "range",
         "Merged cells: only the first of each has the value, the others are missing."),
        ("info", "hidden_rows", layout.hidden_rows, "row",
         "Rows that the workbook hides, as filters do, were read as any other."),
        ("info", "hidden_columns", layout.hidden_columns, "column",
         "Columns that the workbook hides were read as any other."),
    )  # fmt: skip
    return tuple(
        Finding(severity, role, "", "", rule, n, advice, unit)
        for severity, rule, n, unit, advice in counted
        if n
    )
