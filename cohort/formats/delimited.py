"""Delimited text: the headings read by us, the body by the engine, no row lost without a word."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cohort.dictionary import FileRule
from cohort.errors import DataError, Problem, listed
from cohort.formats import biotab, cbioportal, encoding
from cohort.formats.compressed import is_gzip, unpacked, unpacked_finding
from cohort.formats.opened import WHITE, Given, Opened, checked_headings
from cohort.table import Finding

if TYPE_CHECKING:
    import narwhals as nw

    from cohort.table import Engine, Severity

_DELIMITERS = {"tab": "\t", ",": ",", ";": ";", "|": "|"}
_NAMES = {"\t": "tab", ",": "comma", ";": "semicolon", "|": "vertical bar"}
_LONGEST = 8_000_000  # letters of a line, no more than the engine reads at a time
_SHOWN = 20  # lines named in a message
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


def open_text(given: Given) -> Opened:
    """Headings of a delimited file, and how its body is read.

    What gzip compressed is decompressed first; text that is not UTF-8, or whose line ends are
    mixed, is rewritten.

    Raises
    ------
    DataError
        Where it is no text, or its headings cannot be used.
    """
    path, name = given.path, given.name
    packed = is_gzip(path)
    if packed:
        path, sha256 = unpacked(path, name, given.folder)
    text = seen = encoding.scan(path, name)
    findings = _rewritten(given.role, seen)
    if packed:
        findings = (unpacked_finding(given.role, seen.n_lines), *findings)
    else:
        sha256 = seen.sha256
    if not seen.readable:
        path = encoding.as_utf8(path, name, seen, given.folder)
        text = encoding.scan(path, name)
    shape = layout(path, name, given.rule)
    if shape.kept_rows:
        findings += (_kept(given.role, shape.kept_rows),)
    if text.long_lines:
        findings += (_long(given.role, text.long_lines),)
    if not text.ends:
        findings += (_last_line(given.role),)

    def read(engine: Engine, columns: Sequence[int]) -> tuple[nw.LazyFrame[Any], int]:
        try:
            table, n_rows = engine.read_delimited(path, name, shape, columns)
        except DataError as error:
            unplaced = any(problem.where == name for problem in error.problems)
            raise (_ragged(path, name, shape) if unplaced else None) or error from None
        check_rows(path, name, shape, text.n_lines, n_rows)
        return table, n_rows

    return Opened(given.role, name, shape.headings, sha256, read, findings)


def _rewritten(role: str, seen: encoding.Scan) -> tuple[Finding, ...]:
    """Notes on text that had to be rewritten."""
    found = []
    if seen.encoding != "utf-8":
        single = seen.encoding in ("cp1252", "latin-1")
        advice = (
            "The file is not UTF-8; it was read as Western European text. Look at its accented "
            "letters, or save it as UTF-8."
            if single
            else "The file was rewritten to UTF-8 before it was read."
        )
        level: Severity = "warning" if single else "info"
        found.append(
            Finding(level, role, "", seen.encoding, "encoding", seen.n_lines, advice, "line")
        )
    if seen.line_ends == "mixed":
        advice = "Line ends of several kinds were made one before the file was read."
        found.append(Finding("info", role, "", "", "line_ends", seen.n_lines, advice, "line"))
    return tuple(found)


def _kept(role: str, kept: Sequence[int]) -> Finding:
    """Rows that the dictionary skips and that were read all the same."""
    advice = (
        "The dictionary skips these rows as extra headings, but here they look like patients: "
        "they were read."
    )
    rows = ", ".join(str(row) for row in kept)
    return Finding("warning", role, "", rows, "rows_kept", len(kept), advice, "row")


def _long(role: str, lines: Sequence[int]) -> Finding:
    """Lines that hold more than a patient's row does."""
    advice = (
        f"Lines of more than {encoding.LONG:,} bytes were read whole: look whether a quotation "
        "mark is missing there, or a document stands in a cell."
    )
    where = f"line {listed((str(line) for line in lines), 8)}"
    return Finding("warning", role, "", where, "long_line", len(lines), advice, "line")


def _last_line(role: str) -> Finding:
    """A last line that does not end."""
    advice = (
        "The last line has no line end: look whether its last value is whole, as the file may "
        "have been cut off there."
    )
    return Finding("info", role, "", "", "last_line_open", 1, advice, "line")


def layout(path: Path, name: str, rule: FileRule) -> Layout:
    """Headings and layout of a UTF-8 file, as its dictionary says and its first lines show.

    Raises
    ------
    DataError
        Where there are no headings, where one stands twice, where there is one column only,
        where no patient follows, and where a biotab's extra rows would be read as patients.
    """
    lines = _head(path, name)
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
        counted = "an unknown number of" if n_records < 0 else f"{n_records:,}"
        found = f"{counted} records in the file but {n_rows:,} rows read"
        advice = "Look for quotation marks that open and do not close."
        raise DataError(Problem(name, found, advice=advice))


def _head(path: Path, name: str) -> list[str]:
    """The first lines of a file."""
    lines: list[str] = []
    with path.open(encoding="utf-8-sig", newline="") as file:
        while len(lines) < _HEAD and (line := file.readline(_LONGEST + 1)):
            lines.append(line)
            if len(line) > _LONGEST:
                where = f"{name} line {len(lines)}"
                advice = "Is this a table? Its line ends may be lost."
                raise DataError(Problem(where, "the line is longer than 8 MB", advice=advice))
    return lines


def _records(path: Path, shape: Layout) -> int:
    """Records after the headings, by Python's own reader; -1 where it cannot tell."""
    try:
        return sum(bool(fields) for _, fields in _by_record(path, shape))
    except csv.Error:
        return -1


def _ragged(path: Path, name: str, shape: Layout) -> DataError | None:
    """The first lines that do not have a field for each heading, by Python's own reader."""
    n = len(shape.headings)
    wrong = ((line, len(fields)) for line, fields in _by_record(path, shape)
             if fields and len(fields) != n)  # fmt: skip
    try:
        problems = [
            Problem(f"{name} line {line}", f"{found} fields where there are {n} headings")
            for line, found in islice(wrong, _SHOWN)
        ]
    except csv.Error:
        return None
    return DataError(problems) if problems else None


def _by_record(path: Path, shape: Layout) -> Iterator[tuple[int, list[str]]]:
    """Line and fields of each record after the headings; none where the line is empty."""
    usual = csv.field_size_limit(_LONGEST)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            body = islice(file, shape.skip_lines, None)
            if not shape.quote:
                for number, line in enumerate(body, start=shape.skip_lines + 1):
                    text = line.rstrip("\r\n")
                    yield number, text.split(shape.delimiter) if text else []
                return
            reader = csv.reader(body, delimiter=shape.delimiter)
            number = 1
            for fields in reader:
                yield shape.skip_lines + number, fields
                number = reader.line_num + 1
    finally:
        csv.field_size_limit(usual)


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
        reader = csv.reader(lines, delimiter=delimiter, strict=True)
        try:
            cells, used = next(reader), reader.line_num
        except csv.Error as error:
            found = f"cannot be read: {error}"
            advice = "Look for a quotation mark that opens and does not close."
            raise DataError(Problem(f"{name} headings", found, advice=advice)) from None
    else:
        cells, used = lines[0].rstrip("\r\n").split(delimiter), 1
    return checked_headings(cells, name), used


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
