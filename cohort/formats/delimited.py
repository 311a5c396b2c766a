"""Delimited text: the headings read by us, the body by the engine, no row lost without a word."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from cohort.dictionary import FileRule
from cohort.errors import DataError, Problem
from cohort.formats import biotab, cbioportal

WHITE = " \t\r\n\v\f\u00a0\u2007\u202f\ufeff"
_DELIMITERS = {"tab": "\t", ",": ",", ";": ";", "|": "|"}
_NAMES = {"\t": "tab", ",": "comma", ";": "semicolon", "|": "vertical bar"}
_HEAD = 200  # lines looked at for comments, headings and rows to skip


@dataclass(frozen=True, slots=True)
class Layout:
    """How a delimited file is laid out.

    Attributes
    ----------
    headings
        Column names, white space stripped.
    delimiter, quote
        Character between fields, and around them (empty where the format has none).
    skip, skip_lines
        Records, and lines, before the first patient (a quoted heading may take several lines).
    skipped_lines
        How many of those lines are not empty.
    kept_rows
        Rows that the dictionary skips but that hold patients here, so they are read.
    """

    headings: tuple[str, ...]
    delimiter: str
    quote: str
    skip: int
    skip_lines: int
    skipped_lines: int
    kept_rows: tuple[int, ...] = ()


def layout(path: Path, name: str, rule: FileRule) -> Layout:
    """Headings and layout of a UTF-8 file, as its dictionary says and its first lines show.

    Raises
    ------
    DataError
        Where there are no headings, where one stands twice, where there is one column only,
        where no patient follows, and where a biotab's extra rows would be read as patients.
    """
    with path.open(encoding="utf-8-sig", newline="") as file:
        lines = list(islice(file, _HEAD))
    comments = cbioportal.comment_lines(lines, rule.comment)
    start = comments + rule.header_row - 1
    if start >= len(lines) or not lines[start].strip(WHITE):
        raise DataError(Problem(f"{name} line {start + 1}", "no headings where they should stand"))
    delimiter = _delimiter(lines[start], name, rule)
    # Neither format knows quotation marks: one in a value is only a character.
    raw = delimiter == "\t" and (comments > 0 or biotab.is_biotab(lines))
    quote = "" if raw else '"'
    headings, used = _headings(lines[start:], delimiter, quote, name)
    body = start + used
    skip, kept = len(rule.skip_rows), tuple[int, ...]()
    if not biotab.is_biotab(lines):
        skip, kept = _rows_to_skip(lines[body:], rule, headings, delimiter)
    elif not rule.skip_rows:
        raise DataError(
            Problem(
                f"{name} lines 2-3",
                "this is a GDC biotab file: two more rows of names stand before the patients",
                advice="Use source 'tcga_brca', or a dictionary with skip_rows: [2, 3].",
            )
        )
    first = body + skip
    if not any(line.strip(WHITE) for line in lines[first:]):
        raise DataError(
            Problem(name, "headings only, no patients", advice="Was its download complete?")
        )
    empty = sum(not line.strip("\r\n") for line in lines[:first])
    records = start + 1 + skip
    return Layout(headings, delimiter, quote, records, first, first - empty, kept)


def check_rows(path: Path, name: str, shape: Layout, n_lines: int, n_rows: int) -> None:
    """Every record of the file must have become a row.

    Raises
    ------
    DataError
        Where rows and records differ in number.
    """
    # There are never fewer lines than records, so equality proves that none was lost; only
    # line ends inside quoted fields make the exact, slower count necessary.
    if n_lines - shape.skipped_lines == n_rows:
        return
    n_records = _records(path, shape)
    if n_records != n_rows:
        raise DataError(
            Problem(
                name,
                f"{n_records:,} records in the file but {n_rows:,} rows read",
                advice="Look for quotation marks that open and do not close.",
            )
        )


def _records(path: Path, shape: Layout) -> int:
    """Records after the headings, by Python's own reader."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        body = islice(file, shape.skip_lines, None)
        if not shape.quote:
            return sum(bool(line.strip("\r\n")) for line in body)
        try:
            return sum(bool(row) for row in csv.reader(body, delimiter=shape.delimiter))
        except csv.Error:
            return -1


def _delimiter(line: str, name: str, rule: FileRule) -> str:
    """The character between fields: as the dictionary says, else the commonest in the headings."""
    bare = re.sub(r'"[^"]*"', "", line)
    usual = "," if name.lower().endswith(".csv") else "\t"
    counts = {mark: bare.count(mark) for mark in _DELIMITERS.values()}
    best = max(counts, key=lambda mark: (counts[mark], mark == usual))
    wanted = best if rule.delimiter is None else _DELIMITERS[rule.delimiter]
    if counts[wanted]:
        return wanted
    if counts[best]:
        found = f"no {_NAMES[wanted]} between the headings; they look {_NAMES[best]}-separated"
    else:
        found = f"one column only: '{line.strip(WHITE)[:60]}'"
    raise DataError(
        Problem(
            f"{name} headings", found, f"Delimiters: {', '.join(_NAMES.values())}",
            "Save the table as CSV or TSV, or set 'delimiter' in the dictionary.",
        )
    )  # fmt: skip


def _headings(
    lines: Sequence[str], delimiter: str, quote: str, name: str
) -> tuple[tuple[str, ...], int]:
    """Column names, each once, and the lines they take."""
    if quote:
        reader = csv.reader(lines, delimiter=delimiter)
        cells, used = next(reader), reader.line_num
    else:
        cells, used = lines[0].rstrip("\r\n").split(delimiter), 1
    headings = tuple(cell.strip(WHITE) for cell in cells)
    twice_over(headings, name)
    return headings, used


def twice_over(headings: Sequence[str], name: str) -> None:
    """Refuse headings of which one stands twice."""
    twice = sorted({h for h in headings if h and headings.count(h) > 1})
    if twice:
        raise DataError(
            Problem(
                f"{name} headings", f"'{heading}' stands {headings.count(heading)} times",
                advice="Rename or delete all but one: which is meant cannot be told.",
            )
            for heading in twice
        )  # fmt: skip


def _rows_to_skip(
    body: Sequence[str], rule: FileRule, headings: Sequence[str], delimiter: str
) -> tuple[int, tuple[int, ...]]:
    """How many rows after the headings to skip, and those to keep as they hold patients."""
    if not rule.skip_rows:
        return 0, ()
    n = len(rule.skip_rows)
    folded = [heading.casefold() for heading in headings]
    at = next((folded.index(k.casefold()) for k in rule.key if k.casefold() in folded), 0)
    keys = [cells[at] for line in body if len(cells := line.split(delimiter)) > at]
    patients = {_shape(key) for key in keys[n:]}
    # A copy of the file without its extra rows would lose its first patients.
    if keys[:n] and (not patients or all(_shape(key) in patients for key in keys[:n])):
        return 0, rule.skip_rows
    return n, ()


def _shape(key: str) -> str:
    """A key with its letters and digits blurred: TCGA-3C-AAAU becomes a-9a-a."""
    return re.sub(r"[0-9]+", "9", re.sub(r"[A-Za-z]+", "a", key.strip(WHITE)))
