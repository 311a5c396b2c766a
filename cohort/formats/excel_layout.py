"""What a sheet of a workbook says beside its values: merged and hidden cells, formulas."""

from __future__ import annotations

import posixpath
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.parsers import expat

from cohort.errors import DataError, Problem

_MOST_TIMES = 200
_FREE = 1 << 28  # bytes that may be as even as they like
_CHUNK = 1 << 20
MOST_ROWS = 1_048_576  # rows that Excel itself can hold on a sheet


@dataclass(frozen=True, slots=True)
class SheetLayout:
    """Layout of one sheet.

    Attributes
    ----------
    merged
        First and last row of each range of merged cells.
    hidden_rows, hidden_columns
        How many the workbook does not show.
    uncalculated
        Formulas without a stored value.
    """

    merged: tuple[tuple[int, int], ...]
    hidden_rows: int
    hidden_columns: int
    uncalculated: int

    def merged_in(self, row: int) -> int:
        """Ranges of merged cells that touch a row."""
        return sum(first <= row <= last for first, last in self.merged)


def check_sizes(path: Path, name: str) -> None:
    """Refuse a workbook that would grow out of all proportion, before any of it is unpacked.

    Raises
    ------
    DataError
        For the first such part.
    """
    with zipfile.ZipFile(path) as archive:
        parts = archive.infolist()
    whole = sum(part.file_size for part in parts)
    packed = path.stat().st_size
    if whole > max(_FREE, _MOST_TIMES * packed):
        raise DataError(
            Problem(
                name,
                f"grows to more than {_MOST_TIMES} times its size when unpacked",
                f"up to {_MOST_TIMES} times",
                "No table does: if you trust it, save its sheet as CSV.",
            )
        )


def sheet_layout(path: Path, name: str, sheet: str) -> SheetLayout:
    """Layout of the sheet of this name.

    Raises
    ------
    DataError
        Where the sheet is damaged, or has more rows than a sheet can have.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            reader = _LayoutReader(f"{name} sheet '{sheet}'")
            with archive.open(_part(archive, sheet)) as file:
                while piece := file.read(_CHUNK):
                    reader.parser.Parse(piece, False)
                reader.parser.Parse(b"", True)
    except (expat.ExpatError, zipfile.BadZipFile, KeyError, OSError, EOFError) as error:
        found = f"is no readable Excel workbook: {error}"
        advice = "Open it in Excel and save it again, or save the sheet as CSV."
        raise DataError(Problem(name, found, advice=advice)) from None
    return reader.layout()


def _part(archive: zipfile.ZipFile, sheet: str) -> str:
    """The part of the archive that holds a sheet."""
    sheets = _elements(archive.read("xl/workbook.xml"), "sheet")
    key = {element["name"]: element["id"] for element in sheets}[sheet]
    relations = _elements(archive.read("xl/_rels/workbook.xml.rels"), "Relationship")
    target = {element["Id"]: element["Target"] for element in relations}[key]
    return posixpath.normpath(posixpath.join("/xl", target)).lstrip("/")


def _elements(content: bytes, wanted: str) -> list[dict[str, str]]:
    """Attributes of the elements of one name, name spaces aside."""
    found = []

    def start(name: str, attributes: dict[str, str]) -> None:
        if name.rpartition(" ")[2] == wanted:
            found.append({key.rpartition(" ")[2]: value for key, value in attributes.items()})

    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = start
    parser.Parse(content, True)
    return found


class _LayoutReader:
    """Counts as the sheet streams by, as far as a sheet can go."""

    def __init__(self, where: str) -> None:
        self._where, self._rows = where, 0
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self._merged: list[tuple[int, int]] = []
        self._hidden_rows = self._hidden_columns = self._uncalculated = 0
        self._formula = self._value = self._text = False

    def layout(self) -> SheetLayout:
        """What was counted."""
        return SheetLayout(
            tuple(self._merged), self._hidden_rows, self._hidden_columns, self._uncalculated
        )

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        match name.rpartition(" ")[2]:
            case "c":
                self._text = attributes.get("t") == "str"
            case "f":
                self._formula = True
            case "v" if self._formula:
                # An empty value is the value of a formula that gives text, of no other.
                self._value = self._text
                self.parser.CharacterDataHandler = self._written
            case "row":
                self._count_row(attributes)
                self._hidden_rows += _is_on(attributes, "hidden")
            case "col" if _is_on(attributes, "hidden"):
                self._hidden_columns += int(attributes["max"]) - int(attributes["min"]) + 1
            case "mergeCell":
                rows = [int(row) for row in re.findall(r"[0-9]+", attributes["ref"])]
                self._merged.append((min(rows), max(rows)))

    def _count_row(self, attributes: dict[str, str]) -> None:
        self._rows = int(attributes.get("r", self._rows + 1))
        if self._rows > MOST_ROWS:
            raise DataError(
                Problem(
                    self._where,
                    f"a row of number {self._rows:,}",
                    f"up to {MOST_ROWS:,}, as many as Excel holds",
                    "Excel did not write this sheet whole: give the table as CSV or Parquet.",
                )
            )

    def _written(self, _: str) -> None:
        self._value = True

    def _end(self, name: str) -> None:
        match name.rpartition(" ")[2]:
            case "v":
                self.parser.CharacterDataHandler = None
            case "c":
                self._uncalculated += self._formula and not self._value
                self._formula = self._value = self._text = False


def _is_on(attributes: dict[str, Any], name: str) -> bool:
    return attributes.get(name) in ("1", "true")
