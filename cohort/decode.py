"""What one written value means: codes, numbers, dates and missing tokens of a source dictionary.

Works on the distinct values of a column, which are few, never on patients.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from cohort.codes import Code, CodeTable
from cohort.dictionary_rules import LEVELS, ColumnRule, Constant, DateFormat, NumberRule
from cohort.formats.opened import WHITE
from cohort.schema import Column

VALUE, BLANK, ABSENT, OUTSIDE = "value", "blank", "absent", "outside"
UNKNOWN, UNPARSABLE, IMPOSSIBLE = "unknown", "unparsable", "impossible"
INTERVAL, OBSOLETE, MISSING = "interval", "obsolete", "missing:"
UNCERTAIN, RECODED = "uncertain", "recoded"
# Beside the outcome of a value: where it came from.
CONTRADICTED, SECOND = "contradicted", "second_column"
INCOMPLETE = f"{MISSING}incomplete_date"

_NUMBER = re.compile(r"[-+]?([0-9]{1,30}([.][0-9]*)?|[.][0-9]+)([eE][-+]?[0-9]{1,2})?")
_COMMA = re.compile(r"[-+]?([0-9]{1,30}(,[0-9]*)?|,[0-9]+)")
_WHOLE = re.compile(r"([0-9]+)[.]0+")
_DIGITS = re.compile(r"[0-9]+")
_CLOCK = r"([ T][0-9]{1,2}:[0-9]{2}(:[0-9]{2}([.][0-9]+)?)?Z?)?"
_DATES = {
    "iso": (re.compile(r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})" + _CLOCK), (1, 2, 3)),
    "us": (re.compile(r"([0-9]{1,2})/([0-9]{1,2})/([0-9]{4})"), (3, 1, 2)),
    "european": (re.compile(r"([0-9]{1,2})[./-]([0-9]{1,2})[./-]([0-9]{4})"), (3, 2, 1)),
    "compact": (re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})"), (1, 2, 3)),
}
# Dates of which the day, or the day and the month, is not known.
_NO_DAY = {
    "iso": re.compile(r"[0-9]{4}(-[0-9]{1,2})?"),
    "us": re.compile(r"([0-9]{1,2}/)?[0-9]{4}"),
    "european": re.compile(r"([0-9]{1,2}[./-])?[0-9]{4}"),
    "compact": re.compile(r"[0-9]{4}([0-9]{2}(99)?|9999)?"),
}


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a written value means: a value or bounds or neither, and what became of it.

    Attributes
    ----------
    value
        In the canonical column's type; None where there is none.
    low, high
        Bounds: the number itself, or those of an interval code (None where open).
    outcome
        ``value``, ``blank``, ``missing:<kind>``, ``interval``, ``obsolete`` (a value by an
        older code), ``uncertain`` (the code means more than one value), ``recoded`` (the study
        says what the text means), ``unknown`` (no such code), ``unparsable``, ``impossible``.
    text
        As written, white space stripped.
    """

    outcome: str
    text: str = ""
    value: str | float | int | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """One rule of one canonical column, resolved to the columns that the files have.

    Attributes
    ----------
    column, rule, book, role
        What is made, how, by which codes, and from which file.
    texts
        Columns of the joined table, in the order of preference; none where the files lack
        them. Of days between dates, the columns of the later date.
    origins
        Of days between dates, the columns of the date from which days are counted.
    lacking
        How many columns the rule needs and the files do not have.
    overrides
        What the study says that a text (in small letters) means, before any code.
    one_item
        Whether the texts are one item under several names, of which the files have more than one.
    """

    column: Column
    rule: ColumnRule
    book: CodeBook | None
    role: str
    texts: tuple[str, ...]
    origins: tuple[str, ...] = ()
    lacking: int = 0
    overrides: Mapping[str, Constant] = field(default_factory=dict)
    one_item: bool = False

    @property
    def keys(self) -> tuple[str, ...]:
        """Every column that the piece reads."""
        return (*self.texts, *self.origins)

    @property
    def has_uncertain_codes(self) -> bool:
        """Whether any code of the piece means more than one value."""
        return self.book is not None and any(c.kind == UNCERTAIN for c in self.book.table.codes)

    @property
    def constant(self) -> Constant | None:
        """The value of every row, None where it comes from columns."""
        return self.rule.value


class CodeBook:
    """A code table ready for look-up: single codes, then ranges, then the longest beginning."""

    def __init__(self, table: CodeTable) -> None:
        self.table = table
        self._single = {code.code.lower(): code for code in table.codes if code.bounds is None}
        self._ranges = [
            (len(code.code.partition("-")[0]), bounds, code)
            for code in table.codes
            if (bounds := code.bounds) is not None
        ]
        begun = [(code.beginning, code) for code in table.codes if code.beginning is not None]
        self._begun = sorted(
            begun, key=lambda item: (item[0].count("?") - len(item[0]), -len(item[0]))
        )

    @classmethod
    def of_levels(cls, levels: Sequence[str]) -> CodeBook:
        """The levels of a column as its codes, each standing for itself."""
        codes = {
            level.lower(): Code(level, "value", level, None, None, level, "yes", "cohort.schema")
            for level in levels
        }
        book = cls(CodeTable(LEVELS, (), ""))
        # A level such as 20-24 is no range of codes.
        book._single = codes
        return book

    def find(self, key: str) -> Code | None:
        """The code that a key stands for."""
        found = self._single.get(key) or self._ranged(key)
        if found is not None:
            return found
        return next((code for start, code in self._begun if _begins(key, start)), None)

    def _ranged(self, key: str) -> Code | None:
        """The range of whole-number codes that a key is in."""
        if not _DIGITS.fullmatch(key):
            return None
        number = int(key)
        return next(
            (
                code
                for width, (start, end), code in self._ranges
                if len(key) == width and start <= number <= end
            ),
            None,
        )


def _begins(key: str, start: str) -> bool:
    """Whether a key begins so; ``?`` is any character."""
    return len(key) >= len(start) and all(
        wanted in ("?", seen) for wanted, seen in zip(start, key, strict=False)
    )


def stripped(text: str | None) -> str:
    """The text without white space around it, no-break spaces too."""
    return "" if text is None else text.strip(WHITE)


def meaning(piece: Piece, texts: Sequence[str | None], tokens: Mapping[str, str]) -> Meaning:
    """What a piece makes of the texts of one patient: the first that is not missing counts.

    Parameters
    ----------
    piece
        The rule.
    texts
        One for each of the piece's columns.
    tokens
        Missing tokens of the whole source in small letters, with their kinds.
    """
    if piece.constant is not None:
        return _valued(piece.column, VALUE, "", piece.constant)
    if not piece.texts:
        return Meaning(ABSENT)
    meanings = [_one(piece, stripped(text), tokens) for text in texts]
    if piece.rule.any_of:
        return _any(meanings, piece.lacking)
    usable = [m for m in meanings if m.outcome != BLANK and not m.outcome.startswith(MISSING)]
    # Where all are missing, the first that says why is counted.
    said = [m for m in meanings if m.outcome != BLANK]
    return (usable or said or meanings)[0]


def contradicts(
    piece: Piece, texts: Sequence[str | None], tokens: Mapping[str, str]
) -> tuple[str, ...]:
    """The texts of one patient that mean different values of one item; empty where none do."""
    if not piece.one_item:
        return ()
    known = [
        one for text in texts if (one := _one(piece, stripped(text), tokens)).value is not None
    ]
    return tuple(one.text for one in known) if len({one.value for one in known}) > 1 else ()


def day(texts: Sequence[str | None], form: DateFormat, tokens: Mapping[str, str]) -> Meaning:
    """The first date that is not missing as a day number (1 January of year 1 is day 1)."""
    meanings = [_day(stripped(text), form, tokens) for text in texts]
    usable = [m for m in meanings if m.outcome != BLANK and not m.outcome.startswith(MISSING)]
    said = [m for m in meanings if m.outcome != BLANK]
    return (usable or said or meanings)[0]


def _day(text: str, form: DateFormat, tokens: Mapping[str, str]) -> Meaning:
    """One written date as a day number."""
    if not text:
        return Meaning(BLANK)
    kind = tokens.get(text.lower())
    if kind is not None:
        return Meaning(f"{MISSING}{kind}", text)
    found = _calendar(text, form)
    if found is None:
        return Meaning(INCOMPLETE if _NO_DAY[form].fullmatch(text) else UNPARSABLE, text)
    return Meaning(VALUE, text, found.toordinal())


def _any(meanings: Sequence[Meaning], lacking: int) -> Meaning:
    """Yes where any column says yes, no where all say no; columns that are absent say nothing."""
    known = [m for m in meanings if m.value is not None]
    yes = [m for m in known if m.value == "yes"]
    if yes:
        return yes[0]
    if len(known) == len(meanings):
        return Meaning(ABSENT) if lacking else known[0]
    silent = [m for m in meanings if m.value is None]
    said = [m for m in silent if m.outcome != BLANK]
    wrong = [m for m in said if not m.outcome.startswith(MISSING)]
    return (wrong or said or silent)[0]


def _one(piece: Piece, text: str, tokens: Mapping[str, str]) -> Meaning:
    """What one text means."""
    if not text:
        return Meaning(BLANK)
    override = piece.overrides.get(text.lower())
    if override is not None:
        return _valued(piece.column, RECODED, text, override)
    kind = tokens.get(text.lower())
    if kind is not None:
        return Meaning(f"{MISSING}{kind}", text)
    rule = piece.rule
    part = _part(text, rule)
    code = None if piece.book is None else piece.book.find(_key(part, rule))
    if code is not None:
        return _coded(piece.column, code, text)
    if rule.number is not None:
        return _number(piece.column, rule, rule.number, part, text)
    if rule.date is not None:
        found = _calendar(part, rule.date)
        if found is None:
            return Meaning(INCOMPLETE if _NO_DAY[rule.date].fullmatch(part) else UNPARSABLE, text)
        return Meaning(VALUE, text, found.isoformat())
    return Meaning(UNKNOWN, text) if piece.book is not None else Meaning(VALUE, text, part)


def _part(text: str, rule: ColumnRule) -> str:
    """The text from one place to another, before or after a separator."""
    if rule.characters is not None:
        text = text[rule.characters[0] - 1 : rule.characters[1]]
    if rule.up_to is not None:
        text = text.partition(rule.up_to)[0]
    if rule.after is not None:
        text = text.rpartition(rule.after)[2]
    return text.strip(WHITE)


def _key(text: str, rule: ColumnRule) -> str:
    """The text as codes are matched: small letters, ``10.0`` as 10, leading zeros restored."""
    whole = _WHOLE.fullmatch(text)
    key = text.lower() if whole is None else whole[1]
    padded = rule.pad is not None and _DIGITS.fullmatch(key)
    return key.zfill(rule.pad or 0) if padded else key


def _coded(column: Column, code: Code, text: str) -> Meaning:
    """What a code of the table means."""
    outcome = code.outcome
    if outcome == INTERVAL:
        return Meaning(INTERVAL, text, None, code.low, code.high)
    if outcome not in (VALUE, OBSOLETE):
        return Meaning(outcome, text)
    return _valued(column, outcome, text, code.value)


def _valued(column: Column, outcome: str, text: str, value: Constant) -> Meaning:
    """A value that is given, in the column's type; a number is both its bounds."""
    if column.kind in ("number", "integer"):
        number = float(value)
        return Meaning(outcome, text, _typed(column, number), number, number)
    return Meaning(outcome, text, str(value))


def _number(column: Column, rule: ColumnRule, how: NumberRule, part: str, text: str) -> Meaning:
    """What a written number means: scaled, or why it cannot be used."""
    written = part if how.code_width is None else _key(part, rule)
    if how.code_width is not None and not (
        _DIGITS.fullmatch(written) and len(written) == how.code_width
    ):
        return Meaning(UNPARSABLE, text)
    pattern = _COMMA if how.decimal == "," else _NUMBER
    if not pattern.fullmatch(written):
        return Meaning(UNPARSABLE, text)
    number = float(written.replace(",", "."))
    whole = how.integer or column.kind == "integer"
    if whole and not number.is_integer():
        return Meaning(UNPARSABLE, text)
    value = _scaled(number, how.scale)
    if _outside(number, how.min, how.max) or _outside(value, column.low, column.high):
        return Meaning(IMPOSSIBLE, text)
    return Meaning(VALUE, text, _typed(column, value), value, value)


def _scaled(number: float, scale: float) -> float:
    """The number in the column's unit; divided where that is exact (230 / 100 is 2.3)."""
    divisor = round(1 / scale)
    if scale < 1 and abs(1 / scale - divisor) < 1e-9:
        return number / divisor
    return number * scale


def _outside(number: float, low: float | None, high: float | None) -> bool:
    return (low is not None and number < low) or (high is not None and number > high)


def _typed(column: Column, number: float) -> float | int:
    return int(number) if column.kind == "integer" else number


def _calendar(text: str, form: DateFormat) -> date | None:
    """A written date, None where it is none (a 30 February too)."""
    pattern, order = _DATES[form]
    match = pattern.fullmatch(text)
    if match is None:
        return None
    try:
        return date(*(int(match[i]) for i in order))
    except ValueError:
        return None
