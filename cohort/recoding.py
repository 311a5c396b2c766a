"""Canonical columns by what each column's distinct texts mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import narwhals as nw
import pyarrow as pa

from cohort.decode import (
    ABSENT,
    BLANK,
    CONTRADICTED,
    IMPOSSIBLE,
    MISSING,
    OUTSIDE,
    RECODED,
    SECOND,
    UNCERTAIN,
    UNKNOWN,
    UNPARSABLE,
    VALUE,
    Meaning,
    Piece,
    contradicts,
    day,
    meaning,
)
from cohort.dictionary_checks import INTERVALS
from cohort.pieces import Pieces
from cohort.schema import column

LazyTable = nw.LazyFrame[Any]
Tally = dict[tuple[str, str], int]

_TYPES = {"integer": pa.int64(), "number": pa.float64()}
SIDES = ("low", "high")
# Outcomes whose texts are counted one by one; of the others only the number is told.
_LISTED = (UNKNOWN, UNPARSABLE, IMPOSSIBLE, UNCERTAIN, RECODED, CONTRADICTED)
# Outcomes by which a rule leaves a row to the next one.
_EMPTY = (BLANK, f"{MISSING}{BLANK}")
# The column that keeps a score as written where it is no certain one.
SCORE, AS_WRITTEN = "her2_ihc", "her2_ihc_text"


@dataclass(frozen=True, slots=True, eq=False)
class Lookup:
    """What the different texts of some columns mean.

    Attributes
    ----------
    keys
        The columns of text.
    rows
        The texts, one a key, of each combination that there is.
    values
        By the column made: what each combination means.
    """

    keys: tuple[str, ...]
    rows: Sequence[Mapping[str, Any]]
    values: Mapping[str, Sequence[Any]]


@dataclass(frozen=True, slots=True)
class Days:
    """Whole days between two dates, each looked up; outside the bounds they are missing."""

    later: str
    earlier: str
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True, eq=False)
class Recipe:
    """How one canonical column comes about, for whatever holds the texts.

    Attributes
    ----------
    tally
        What became of the values: rows by (outcome, text); the text is empty where single
        values are not told.
    columns
        The canonical columns made.
    lookups
        Meanings of texts.
    same
        By column: the value of every row.
    free
        By column: the text that is taken as it is, white space stripped, missing tokens missing.
    days
        By column: the difference of two dates among what the lookups make.
    """

    tally: Tally
    columns: tuple[str, ...]
    lookups: tuple[Lookup, ...] = ()
    same: Mapping[str, Any] = field(default_factory=dict)
    free: Mapping[str, str] = field(default_factory=dict)
    days: Mapping[str, Days] = field(default_factory=dict)


class Texts(Protocol):
    """Rows of text of which canonical columns are made: in memory, or lazy on an engine."""

    @property
    def n(self) -> int:
        """Rows."""

    @property
    def in_memory(self) -> bool:
        """Whether `table` gives a computed table."""

    def distinct(self, keys: Sequence[str]) -> list[dict[str, Any]]:
        """The different texts of some columns (empty where missing), each with its rows, n."""

    def tokens(self, text: str, tokens: Sequence[str]) -> dict[str, int]:
        """Rows whose text, stripped and in small letters, is one of the tokens."""

    def written(self, texts: Sequence[str], tokens: Sequence[str]) -> dict[str, int]:
        """By column: rows whose text, stripped and in small letters, is none of the tokens."""

    def differences(self, lookups: Sequence[Lookup], days: Days) -> tuple[int, int, int]:
        """Differences of dates that are known, that cannot be, and of which a date is blank."""

    def table(self, recipes: Sequence[Recipe], tokens: Sequence[str]) -> LazyTable:
        """The canonical columns, beside `patient_id`."""


@dataclass(frozen=True, slots=True, eq=False)
class Recoded:
    """Rows with canonical columns, and what became of every value.

    Attributes
    ----------
    table
        Lazy; `patient_id` and the canonical columns.
    columns
        Names of the canonical columns, bounds included.
    tallies
        By canonical column: rows by (outcome, text).
    n
        Rows.
    computed
        Whether the table is computed already, and not only described.
    """

    table: LazyTable
    columns: tuple[str, ...]
    tallies: Mapping[str, Tally]
    n: int
    computed: bool


def recode_rows(texts: Texts, pieces: Pieces, missing: Mapping[str, str]) -> Recoded:
    """The joined text of patients, tumours, specimens or events as canonical columns.

    Each column's distinct texts are decoded once, so that the work grows with the number of
    different texts and not with the number of rows.

    Parameters
    ----------
    texts
        The rows.
    pieces
        The rules, resolved.
    missing
        Texts that mean missing, with their kinds.
    """
    tokens = {token.lower(): kind for token, kind in missing.items()}
    work = _Work(texts, tokens, pieces)
    recipes = {name: _recipe(name, group, work) for name, group in pieces.groups.items()}
    columns = [name for one in recipes.values() for name in one.columns]
    tallies = {name: one.tally for name, one in recipes.items()}
    table = texts.table(list(recipes.values()), ["", *tokens])
    names = ("patient_id", *columns)
    return Recoded(table, names, tallies, texts.n, texts.in_memory)


def _recipe(name: str, group: Sequence[Piece], work: _Work) -> Recipe:
    """One canonical column, by the way that suits its rules."""
    group = _counting(group, work)
    constant = all(piece.constant is not None and not piece.rule.when for piece in group)
    if constant or not any(piece.texts or piece.constant is not None for piece in group):
        return _same(name, group[0], work)
    if group[0].origins:
        return _days(name, group[0], work)
    if _is_free(group):
        return _free(name, group[0], work)
    return _decoded(name, group, work)


def _counting(group: Sequence[Piece], work: _Work) -> Sequence[Piece]:
    """The rules that can count: to the first that has a text for every row."""
    for i, piece in enumerate(group):
        if piece.rule.when or not (piece.texts or piece.constant is not None):
            continue
        later = any(one.texts or one.constant is not None for one in group[i + 1 :])
        if piece.constant is not None or not later or _is_whole(piece, work):
            there = (one for one in group[:i] if one.rule.when or one.texts)
            return [*there, piece]
    return group


def _is_whole(piece: Piece, work: _Work) -> bool:
    """Whether no row is blank in the columns of a rule."""
    return not any(work.texts.tokens(text, [""]) for text in piece.texts)


@dataclass(frozen=True, slots=True, eq=False)
class _Work:
    """What every column's recoding shares."""

    texts: Texts
    tokens: Mapping[str, str]
    pieces: Pieces

    @property
    def conditions(self) -> Mapping[str, Piece]:
        """The rule of each column that decides among rules."""
        return self.pieces.conditions

    def makes_bounds(self, name: str) -> bool:
        """Whether a number has bounds beside it, which the source does not state itself."""
        return name in INTERVALS and f"{name}_{SIDES[0]}" not in self.pieces.groups

    def keeps_text(self, name: str) -> bool:
        """Whether uncertain scores are kept as written, where the source has no such column."""
        return name == SCORE and AS_WRITTEN not in self.pieces.groups


def _is_free(group: Sequence[Piece]) -> bool:
    """Text that is taken as it is, of which there may be as many as patients."""
    rule = group[0].rule
    plain = rule.codes is None and rule.number is None and rule.date is None and not rule.when
    whole = rule.up_to is None and rule.after is None and rule.characters is None
    alone = len(group) == 1 and len(group[0].texts) == 1 and not group[0].overrides
    return plain and whole and alone


def _decoded(name: str, group: Sequence[Piece], work: _Work) -> Recipe:
    """A column of codes, numbers or dates, over all its rules by year of diagnosis."""
    names = dict.fromkeys(condition for piece in group for condition in piece.rule.when)
    conditions = {condition: work.conditions[condition] for condition in names}
    keys = dict.fromkeys(t for piece in (*group, *conditions.values()) for t in piece.texts)
    rows = work.texts.distinct(list(keys)) if keys else [{"n": work.texts.n}]
    tally: Tally = {}
    found = []
    for row in rows:
        one, places = _found(row, group, conditions, work.tokens)
        found.append(one)
        _count(tally, one, int(row["n"]))
        for place in places:
            _count(tally, place, int(row["n"]))
    values = {name: [one.value for one in found]}
    if work.keeps_text(name) and any(piece.has_uncertain_codes for piece in group):
        values[AS_WRITTEN] = [one.text if one.outcome == UNCERTAIN else None for one in found]
    if work.makes_bounds(name):
        for side in SIDES:
            values[f"{name}_{side}"] = [getattr(one, side) for one in found]
    if not keys:
        return Recipe(tally, tuple(values), same={made: said[0] for made, said in values.items()})
    return Recipe(tally, tuple(values), (Lookup(tuple(keys), rows, values),))


def arrow_type(name: str) -> pa.DataType:
    """The type of a canonical column as Arrow has it; days and their marks beside them."""
    known = column(name)
    if known is not None:
        return _TYPES.get(known.kind, pa.string())
    return pa.bool_() if name.endswith("?") else pa.int64()


def _found(
    row: Mapping[str, Any],
    group: Sequence[Piece],
    conditions: Mapping[str, Piece],
    tokens: Mapping[str, str],
) -> tuple[Meaning, list[Meaning]]:
    """What the first rule makes of a row whose conditions hold and whose columns are not blank.

    Beside it what must be told of where the value came from: columns that contradict each other,
    and a rule that is not the first of which the files have the columns.
    """
    told = {
        name: meaning(piece, _texts(row, piece), tokens).value for name, piece in conditions.items()
    }
    covering = [piece for piece in group if piece.rule.covers(told)]
    if not covering:
        return Meaning(OUTSIDE), []
    present = [one for one in covering if one.texts or one.constant is not None] or covering[:1]
    by_rule = [(one, meaning(one, _texts(row, one), tokens)) for one in present]
    piece, one = next((pair for pair in by_rule if pair[1].outcome not in _EMPTY), by_rule[0])
    beside = []
    if texts := contradicts(piece, _texts(row, piece), tokens):
        beside.append(Meaning(CONTRADICTED, " / ".join(texts)))
    if piece is not present[0] and one.outcome != ABSENT:
        beside.append(Meaning(SECOND))
    return one, beside


def _texts(row: Mapping[str, Any], piece: Piece) -> list[str | None]:
    return [row[text] for text in piece.texts]


def _count(tally: Tally, found: Meaning, n: int) -> None:
    key = (found.outcome, found.text if found.outcome in _LISTED else "")
    tally[key] = tally.get(key, 0) + n


def _same(name: str, piece: Piece, work: _Work) -> Recipe:
    """A column that is alike in every row: a constant, or missing as the files lack it."""
    one = meaning(piece, (), work.tokens)
    values: dict[str, Any] = {name: one.value}
    if work.makes_bounds(name):
        values |= {f"{name}_{side}": getattr(one, side) for side in SIDES}
    return Recipe({(one.outcome, ""): work.texts.n}, tuple(values), same=values)


def _free(name: str, piece: Piece, work: _Work) -> Recipe:
    """Text as written, white space stripped, empty text and missing tokens missing."""
    kinds = {"": BLANK} | {token: f"{MISSING}{kind}" for token, kind in work.tokens.items()}
    tally: Tally = {}
    for token, n in work.texts.tokens(piece.texts[0], list(kinds)).items():
        _count(tally, Meaning(kinds[token]), n)
    tally[VALUE, ""] = work.texts.n - sum(tally.values())
    return Recipe(tally, (name,), free={name: piece.texts[0]})


def _days(name: str, piece: Piece, work: _Work) -> Recipe:
    """Whole days between two dates, each decoded once for every different date."""
    rule = piece.rule.days_from
    if rule is None:
        raise ValueError(f"{name} is no difference of dates")
    tally: Tally = {}
    lookups = []
    for stem, keys in ((f"{name}<", piece.texts), (f"{name}>", piece.origins)):
        rows = work.texts.distinct(keys)
        found = [day([row[key] for key in keys], rule.format, work.tokens) for row in rows]
        for row, one in zip(rows, found, strict=True):
            if one.outcome == UNPARSABLE:
                _count(tally, one, int(row["n"]))
        blank = [one.value is None and one.outcome != UNPARSABLE for one in found]
        values: dict[str, list[Any]] = {stem: [one.value for one in found], f"{stem}?": blank}
        lookups.append(Lookup(keys, rows, values))
    days = Days(f"{name}<", f"{name}>", piece.column.low, piece.column.high)
    known, wrong, blank_either = work.texts.differences(lookups, days)
    tally |= {(VALUE, ""): known - wrong, (IMPOSSIBLE, ""): wrong, (BLANK, ""): blank_either}
    return Recipe(tally, (name,), tuple(lookups), days={name: days})
