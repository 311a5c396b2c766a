"""What the values of a column show: its labels, its numbers, the way its dates are written."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import narwhals as nw

from cohort.codes import CodeTable
from cohort.decode import VALUE, CodeBook, day
from cohort.dictionary import SourceDictionary
from cohort.dictionary_rules import DateFormat
from cohort.drafting_tables import label_tables, read
from cohort.errors import DataError, Problem
from cohort.formats.opened import WHITE
from cohort.loading import Extract, headings_of, load
from cohort.rows import condition
from cohort.schema import column as schema_column

FORMATS: tuple[DateFormat, ...] = ("iso", "us", "european", "compact")
UNDECIDED = "undecided"  # the kind of missing of a code that the user must still decide
# More different values than this are no codes; so many are looked at to see what they are.
MOST_CODES = 60
_SEEN = 20_000
_DIGITS = re.compile(r"[0-9]+")
_SCORE = re.compile(r"[0-3]")
_NUMBERS = {
    ".": re.compile(r"[-+]?([0-9]+([.][0-9]*)?|[.][0-9]+)"),
    ",": re.compile(r"[-+]?([0-9]+(,[0-9]*)?|,[0-9]+)"),
}
_THOUSANDS = re.compile(r"[-+]?[1-9][0-9]{0,2}(,[0-9]{3})+")
# Digits that registries and data bases write for "unknown", whatever the column.
_UNKNOWN_DIGITS = frozenset({"8", "9", "88", "98", "99", "888", "998", "999"})
_ROLE = "main"

Values = dict[str, int]  # patients (rows) by text, the commonest first


@dataclass(frozen=True, slots=True, eq=False)
class Survey:
    """A file with every column kept, to be asked about its values.

    Attributes
    ----------
    extract
        The file as text.
    headings
        Its columns that have a name.
    n
        Rows.
    """

    extract: Extract
    headings: tuple[str, ...]
    n: int

    def values(self, heading: str, where: Mapping[str, Sequence[str]] | None = None) -> Values:
        """Texts of a column with their number of rows, blank ones aside, the commonest first."""
        table = self.rows(where).select(text=self.text(heading)).filter(nw.col("text") != "")
        counted = table.group_by("text").agg(n=nw.len())
        chosen = counted.sort("n", "text", descending=[True, False]).head(_SEEN)
        rows = self.extract.engine.collect(chosen).to_pylist()
        return {row["text"]: int(row["n"]) for row in rows}

    def rows(self, where: Mapping[str, Sequence[str]] | None = None) -> nw.LazyFrame[Any]:
        """All rows, or those of which a condition holds."""
        table = self.extract.tables[_ROLE]
        meant = condition(where, self.extract.headings[_ROLE], table) if where else None
        return table if meant is None else table.filter(meant)

    def text(self, heading: str) -> nw.Expr:
        """The text of a column, stripped, empty where blank."""
        at = self.extract.headings[_ROLE].index(heading)
        return nw.col(f"c{at}").fill_null("").str.strip_chars(WHITE)

    def repeats(self, heading: str, where: Mapping[str, Sequence[str]] | None = None) -> int:
        """Rows beyond the first of each text of a column; blank rows count too."""
        table = self.rows(where).select(text=self.text(heading))
        counted = table.group_by("text").agg(n=nw.len())
        one = nw.when(nw.col("text") == "").then(nw.lit(0)).otherwise(nw.lit(1))
        row = self.extract.engine.collect(
            counted.select(rows=nw.col("n").sum(), texts=one.sum())
        ).to_pylist()[0]
        return int(row["rows"] or 0) - int(row["texts"] or 0)

    def varying(self, key: str) -> tuple[str, ...]:
        """Columns in which the rows of one patient say different things; blank says nothing."""
        others = [heading for heading in self.headings if heading != key]
        silent = ["", *(row["token"].lower() for row in read("missing"))]
        said = {}
        for i, heading in enumerate(others):
            text = self.text(heading)
            spoken = ~text.str.to_lowercase().is_in(silent)
            said[f"t{i}"] = nw.when(spoken).then(text).otherwise(nw.lit(None, dtype=nw.String))
        sides = {
            f"{name}{side}": getattr(nw.col(name), how)()
            for name in said
            for side, how in (("<", "min"), (">", "max"))
        }
        grouped = self.rows().select(key=self.text(key), **said).group_by("key").agg(**sides)
        differ = {
            name: (nw.col(f"{name}<") != nw.col(f"{name}>")).fill_null(False).cast(nw.Int64).sum()
            for name in said
        }
        if not differ:
            return ()
        row = self.extract.engine.collect(grouped.select(**differ)).to_pylist()[0]
        return tuple(heading for i, heading in enumerate(others) if row[f"t{i}"])

    def tells_apart(self, key: str, heading: str) -> bool:
        """Whether a column, never blank, is different in every row of one patient."""
        pairs = self.rows().select(key=self.text(key), text=self.text(heading))
        counted = pairs.group_by("key", "text").agg(n=nw.len())
        wrong = (nw.col("n") > 1) | (nw.col("text") == "")
        n = self.extract.engine.collect(counted.filter(wrong).select(n=nw.len()))["n"][0].as_py()
        return int(n) == 0


def survey(item: Any) -> Survey:
    """The file with every column that has a name.

    Raises
    ------
    SpecError, DataError
        As `load` does.
    """
    headings = tuple(heading for heading in headings_of(item) if heading)
    if not headings:
        raise DataError(Problem("", "no column has a name"))
    plain = SourceDictionary.model_validate(
        {
            "name": "survey",
            "describes": "Every column as it is",
            "files": {_ROLE: {"grain": "patient", "key": headings[0]}},
            "time": {"followup": "days"},
            "fits": [[f"{_ROLE}.{headings[0]}"]],
            "unmapped": [{"columns": [f"{_ROLE}.{h}" for h in headings], "reason": "survey"}],
            "columns": {},
        }
    )
    extract = load(item, source=plain)
    return Survey(extract, headings, extract.files[0].n_rows)


@dataclass(frozen=True, slots=True)
class Label:
    """What one text of a column means and why, or that the user must say so."""

    text: str
    n: int
    kind: str
    value: str
    why: str
    decided: bool = True


def undecided(text: str, n: int, *, scored: bool = False) -> Label:
    """A text whose meaning is not certain; a score keeps its text and is not counted as missing."""
    kind, value = ("uncertain", "") if scored else ("missing", UNDECIDED)
    return Label(text, n, kind, value, "not certain", decided=False)


def labels(column: str, family: str, values: Values) -> list[Label]:
    """What the texts of a coded column mean where that is certain; digits alone never are.

    Bare digits are read only as a ladder: grades 1, 2 and 3 where all three occur; scores 0 to
    3 where all four occur, or beside scores with their plus sign.
    """
    books = [(table, CodeBook(table)) for table in label_tables(family)]
    ladder = _ladder(column, values)
    known_column = schema_column(column)
    levels = {level.casefold(): level for level in known_column.levels} if known_column else {}
    found = []
    for text, n in values.items():
        if text in ladder:
            found.append(Label(text, n, "value", ladder[text], "the digit is the level itself"))
        elif text.casefold() in levels and not _DIGITS.fullmatch(text):
            level = levels[text.casefold()]
            found.append(Label(text, n, "value", level, "the level itself"))
        elif _DIGITS.fullmatch(text) or (known := _known(text, books)) is None:
            scored = column == "her2_ihc" and _SCORE.search(text) is not None
            found.append(undecided(text, n, scored=scored))
        else:
            found.append(Label(text, n, *known))
    return found


def _known(text: str, books: Sequence[tuple[CodeTable, CodeBook]]) -> tuple[str, str, str] | None:
    """Kind, value and reason of a label in the first table that has it."""
    key = " ".join(text.casefold().split())
    for table, book in books:
        code = book.find(key)
        if code is not None and code.kind in ("value", "missing", "uncertain"):
            return code.kind, code.value, f"as in {table.name}"
    return None


def _ladder(column: str, values: Values) -> dict[str, str]:
    """Digits of a column that are its levels themselves."""
    for row in read("ladders"):
        if row["column"] != column:
            continue
        digits = row["digits"].split()
        bare = {text for text in values if _DIGITS.fullmatch(text)}
        strange = bare - set(digits) - _UNKNOWN_DIGITS
        signed = row["signed"] == "yes"
        beside = signed and any(f"{digit}+" in values for digit in digits)
        if not strange and (beside or bare >= set(digits)):
            plus = {digit: f"{digit}+" if signed and digit != "0" else digit for digit in digits}
            return {digit: plus[digit] for digit in digits if digit in bare}
    return {}


def tokens(values: Values) -> dict[str, str]:
    """Texts that mean missing in any column, with the kind of missing."""
    known = {row["token"].casefold(): row["kind"] for row in read("missing")}
    return {text: known[text.casefold()] for text in values if text.casefold() in known}


@dataclass(frozen=True, slots=True)
class Numbers:
    """How far the texts of a column are numbers: the share, the range, whether all are whole.

    ``decimal`` is the mark before the fraction; ``marked`` whether it is certain, and no mark of
    thousands (1,234).
    """

    share: float
    low: float
    high: float
    middle: float
    whole: bool
    decimal: str = "."
    marked: bool = True


def numbers(values: Values) -> Numbers | None:
    """The numbers among some texts, written as most of them are; None where there are none."""
    ways = [way for mark in _NUMBERS if (way := _numbers(values, mark)) is not None]
    return max(ways, key=lambda way: way.share, default=None)


def _numbers(values: Values, mark: str) -> Numbers | None:
    """The numbers whose fractions have this mark."""
    texts = [text for text in values if _NUMBERS[mark].fullmatch(text)]
    found: dict[float, int] = {}
    for text in texts:
        number = float(text.replace(",", "."))
        found[number] = found.get(number, 0) + values[text]
    if not found:
        return None
    commas = [text for text in texts if "," in text]
    marked = not commas or not all(_THOUSANDS.fullmatch(text) for text in commas)
    every = sum(values.values())
    n = sum(found.values())
    ordered = sorted(found)
    below, middle = 0, ordered[-1]
    for number in ordered:
        below += found[number]
        if 2 * below >= n:
            middle = number
            break
    whole = all(number.is_integer() for number in found)
    return Numbers(n / every, ordered[0], ordered[-1], middle, whole, mark, marked)


def date_formats(values: Values) -> tuple[DateFormat, ...]:
    """Ways of writing dates in which every text but one in a hundred is a date."""
    every = sum(values.values())
    fitting = []
    for form in FORMATS:
        n = sum(n for text, n in values.items() if day((text,), form, {}).outcome == VALUE)
        if every and n >= 0.99 * every:
            fitting.append(form)
    return tuple(fitting)
