"""Canonical columns made by joining each column's distinct texts with what they mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import narwhals as nw
import pyarrow as pa

from cohort.decode import (
    BLANK,
    IMPOSSIBLE,
    MISSING,
    OUTSIDE,
    RECODED,
    UNCERTAIN,
    UNKNOWN,
    UNPARSABLE,
    VALUE,
    Meaning,
    Piece,
    day,
    meaning,
)
from cohort.dictionary_checks import INTERVALS
from cohort.formats.opened import WHITE
from cohort.loading import Extract
from cohort.pieces import Pieces
from cohort.schema import column

if TYPE_CHECKING:
    from narwhals.dtypes import DType

LazyTable = nw.LazyFrame[Any]
Tally = dict[tuple[str, str], int]

_TYPES = {"integer": pa.int64(), "number": pa.float64()}
SIDES = ("low", "high")
# Texts of a column up to which its levels are told by an expression and not by a join.
_FEW = 64
# Outcomes whose texts are counted one by one; of the others only the number is told.
_LISTED = (UNKNOWN, UNPARSABLE, IMPOSSIBLE, UNCERTAIN, RECODED)
# The column that keeps a score as written where it is no certain one.
SCORE, AS_WRITTEN = "her2_ihc", "her2_ihc_text"


@dataclass(frozen=True, slots=True, eq=False)
class Recoded:
    """Rows with canonical columns, and what became of every value.

    Attributes
    ----------
    table
        Lazy; `patient_id` and the canonical columns among others.
    columns
        Names of the canonical columns, bounds included.
    tallies
        By canonical column: rows by (outcome, text); the text is empty where single values are
        not told.
    n
        Rows.
    """

    table: LazyTable
    columns: tuple[str, ...]
    tallies: Mapping[str, Tally]
    n: int


def recode_rows(extract: Extract, table: LazyTable, pieces: Pieces) -> Recoded:
    """The joined text of patients, tumours, specimens or events as canonical columns.

    Each column's distinct texts are decoded once and joined back, so that the work grows with
    the number of different texts and not with the number of rows. Free text is stripped in
    place.
    """
    tokens = {token.lower(): kind for token, kind in extract.dictionary.missing.items()}
    read = sorted(pieces.names)
    filled = table.with_columns(*[nw.col(name).fill_null("") for name in read]) if read else table
    n = int(extract.engine.collect(filled.select(n=nw.len()))["n"][0].as_py())
    work = _Work(extract, filled, tokens, n, pieces)
    made = {name: _made(name, group, work) for name, group in pieces.groups.items()}
    plain = {name: value for one in made.values() for name, value in one.plain.items()}
    whole = filled.with_columns(**plain) if plain else filled
    for one in made.values():
        for meanings, keys in one.joins:
            whole = whole.join(meanings, on=list(keys), how="left")
    late = {name: value for one in made.values() for name, value in one.late.items()}
    whole = whole.with_columns(**late) if late else whole
    columns = [name for one in made.values() for name in one.columns]
    tallies = {name: one.tally for name, one in made.items()}
    return Recoded(whole, ("patient_id", *columns), tallies, n)


@dataclass(frozen=True, slots=True, eq=False)
class _Made:
    """How one canonical column comes about: by expressions, or by joining what texts mean.

    ``columns`` are the canonical columns made, ``plain`` are expressions on the texts, ``joins``
    tables of meanings with the texts that they are joined by, ``late`` expressions on what the
    joins add.
    """

    tally: Tally
    columns: tuple[str, ...]
    plain: dict[str, nw.Expr] = field(default_factory=dict)
    joins: tuple[tuple[LazyTable, tuple[str, ...]], ...] = ()
    late: dict[str, nw.Expr] = field(default_factory=dict)


def _made(name: str, group: Sequence[Piece], work: _Work) -> _Made:
    """One canonical column, by the way that suits its rules."""
    group = _counting(group)
    constant = all(piece.constant is not None and not piece.rule.when for piece in group)
    if constant or not any(piece.texts or piece.constant is not None for piece in group):
        return _same(name, group[0], work)
    if group[0].origins:
        return _days(name, group[0], work)
    if _is_free(group):
        return _free(name, group[0], work)
    return _decoded(name, group, work)


def _counting(group: Sequence[Piece]) -> Sequence[Piece]:
    """The rules that can count: the first for all rows of which the file has the columns."""
    for i, piece in enumerate(group):
        if not piece.rule.when and (piece.texts or piece.constant is not None):
            return [*(one for one in group[:i] if one.rule.when), piece]
    return group


@dataclass(frozen=True, slots=True, eq=False)
class _Work:
    """What every column's recoding shares."""

    extract: Extract
    table: LazyTable
    tokens: Mapping[str, str]
    n: int
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

    def distinct(self, keys: Sequence[str]) -> list[dict[str, Any]]:
        """The different texts of some columns, each with its number of rows."""
        counted = self.table.group_by(list(keys)).agg(n=nw.len())
        rows: list[dict[str, Any]] = self.extract.engine.collect(counted).to_pylist()
        return rows

    def register(self, stem: str, columns: dict[str, pa.Array]) -> LazyTable:
        """A small table beside the patients."""
        return self.extract.engine.register(stem, pa.table(columns))


def _is_free(group: Sequence[Piece]) -> bool:
    """Text that is taken as it is, of which there may be as many as patients."""
    rule = group[0].rule
    plain = rule.codes is None and rule.number is None and rule.date is None and not rule.when
    whole = rule.up_to is None and rule.after is None and rule.characters is None
    alone = len(group) == 1 and len(group[0].texts) == 1 and not group[0].overrides
    return plain and whole and alone


def _decoded(name: str, group: Sequence[Piece], work: _Work) -> _Made:
    """A column of codes, numbers or dates, over all its rules by year of diagnosis."""
    names = dict.fromkeys(condition for piece in group for condition in piece.rule.when)
    conditions = {condition: work.conditions[condition] for condition in names}
    keys = dict.fromkeys(t for piece in (*group, *conditions.values()) for t in piece.texts)
    rows = work.distinct(list(keys)) if keys else [{"n": work.n}]
    chosen = [_piece_for(row, group, conditions, work.tokens) for row in rows]
    found = [
        Meaning(OUTSIDE) if piece is None else meaning(piece, _texts(row, piece), work.tokens)
        for row, piece in zip(rows, chosen, strict=True)
    ]
    tally: Tally = {}
    for row, one in zip(rows, found, strict=True):
        _count(tally, one, int(row["n"]))
    values = {name: [one.value for one in found]}
    uncertain = any(one.outcome == UNCERTAIN for one in found)
    if work.keeps_text(name) and any(piece.has_uncertain_codes for piece in group):
        values[AS_WRITTEN] = [one.text if one.outcome == UNCERTAIN else None for one in found]
    year = conditions.get("diagnosis_year")
    by_year = set(conditions) <= {"diagnosis_year"}
    if by_year and _is_short(group, keys, rows) and not uncertain:
        cases = {made: _cases(rows, chosen, said, year) for made, said in values.items()}
        return _Made(tally, tuple(values), cases)
    if work.makes_bounds(name):
        for side in SIDES:
            values[f"{name}_{side}"] = [getattr(one, side) for one in found]
    columns = {key: pa.array([row[key] for row in rows], pa.string()) for key in keys}
    for made, said in values.items():
        columns[made] = pa.array(said, _arrow(made))
    return _Made(tally, tuple(values), joins=((work.register("codes", columns), tuple(keys)),))


def dtype(name: str) -> DType:
    """The type of a canonical column in a lazy table."""
    kind = _arrow(name)
    if pa.types.is_integer(kind):
        return nw.Int64()
    return nw.Float64() if pa.types.is_floating(kind) else nw.String()


def _arrow(name: str) -> pa.DataType:
    """The type of a canonical column as Arrow has it."""
    known = column(name)
    return pa.string() if known is None else _TYPES.get(known.kind, pa.string())


def _is_short(
    group: Sequence[Piece], keys: Mapping[str, None], rows: Sequence[Mapping[str, Any]]
) -> bool:
    """Whether a column has levels and so few texts that naming them is cheaper than a join."""
    single = all(len(piece.texts) < 2 and piece.constant is None for piece in group)
    if group[0].column.kind != "category" or not single:
        return False
    return all(len({row[key] for row in rows}) <= _FEW for key in keys)


def _cases(
    rows: Sequence[Mapping[str, Any]],
    chosen: Sequence[Piece | None],
    values: Sequence[Any],
    year: Piece | None,
) -> nw.Expr:
    """The level of each text, by rule and year."""
    texts: dict[tuple[str, Any], set[str]] = {}
    years: dict[str, set[str]] = {}
    homes: dict[tuple[str, Any], Piece] = {}
    for row, piece, level in zip(rows, chosen, values, strict=True):
        if piece is None or level is None:
            continue
        rule = str(piece.rule.years)
        texts.setdefault((rule, level), set()).update(row[text] for text in piece.texts)
        homes[rule, level] = piece
        if year is not None:
            years.setdefault(rule, set()).add(row[year.texts[0]])
    value: nw.Expr = nw.lit(None, dtype=nw.String)
    for (rule, level), written in sorted(texts.items()):
        piece = homes[rule, level]
        condition = nw.col(piece.texts[0]).is_in(sorted(written))
        if year is not None:
            condition = condition & nw.col(year.texts[0]).is_in(sorted(years[rule]))
        value = nw.when(condition).then(nw.lit(level)).otherwise(value)
    return value


def _piece_for(
    row: Mapping[str, Any],
    group: Sequence[Piece],
    conditions: Mapping[str, Piece],
    tokens: Mapping[str, str],
) -> Piece | None:
    """The first rule whose conditions hold and whose columns the file has.

    None where the conditions of none hold; where the file has the columns of none, the first.
    """
    told = {
        name: meaning(piece, _texts(row, piece), tokens).value for name, piece in conditions.items()
    }
    covering = [piece for piece in group if piece.rule.covers(told)]
    present = (piece for piece in covering if piece.texts or piece.constant is not None)
    return next(present, next(iter(covering), None))


def _texts(row: Mapping[str, Any], piece: Piece) -> list[str | None]:
    return [row[text] for text in piece.texts]


def _count(tally: Tally, found: Meaning, n: int) -> None:
    key = (found.outcome, found.text if found.outcome in _LISTED else "")
    tally[key] = tally.get(key, 0) + n


def _same(name: str, piece: Piece, work: _Work) -> _Made:
    """A column that is alike in every row: a constant, or missing as the files lack it."""
    one = meaning(piece, (), work.tokens)
    values: dict[str, Any] = {name: one.value}
    if work.makes_bounds(name):
        values |= {f"{name}_{side}": getattr(one, side) for side in SIDES}
    columns: dict[str, nw.Expr] = {
        made: nw.lit(value, dtype=dtype(made)) for made, value in values.items()
    }
    return _Made({(one.outcome, ""): work.n}, tuple(values), columns)


def _free(name: str, piece: Piece, work: _Work) -> _Made:
    """Text as written, white space stripped, empty text and missing tokens missing."""
    text = nw.col(piece.texts[0]).str.strip_chars(WHITE)
    small = text.str.to_lowercase()
    kinds = {"": BLANK} | {token: f"{MISSING}{kind}" for token, kind in work.tokens.items()}
    counted = work.table.select(text=small).filter(nw.col("text").is_in(list(kinds)))
    rows = work.extract.engine.collect(counted.group_by("text").agg(n=nw.len())).to_pylist()
    tally: Tally = {}
    for row in rows:
        _count(tally, Meaning(kinds[row["text"]]), int(row["n"]))
    tally[VALUE, ""] = work.n - sum(tally.values())
    value = nw.when(~small.is_in(list(kinds))).then(text).otherwise(nw.lit(None))
    return _Made(tally, (name,), {name: value})


def _days(name: str, piece: Piece, work: _Work) -> _Made:
    """Whole days between two dates, each decoded once for every different date."""
    rule = piece.rule.days_from
    if rule is None:
        raise ValueError(f"{name} is no difference of dates")
    tally: Tally = {}
    joins = []
    for stem, keys in ((f"{name}<", piece.texts), (f"{name}>", piece.origins)):
        rows = work.distinct(keys)
        found = [day([row[key] for key in keys], rule.format, work.tokens) for row in rows]
        for row, one in zip(rows, found, strict=True):
            if one.outcome == UNPARSABLE:
                _count(tally, one, int(row["n"]))
        dates = {key: pa.array([row[key] for row in rows], pa.string()) for key in keys}
        dates[stem] = pa.array([one.value for one in found], pa.int64())
        dates[f"{stem}?"] = pa.array([one.value is None and one.outcome != UNPARSABLE
                                      for one in found])  # fmt: skip
        joins.append((work.register("dates", dates), keys))
    days_between = nw.col(f"{name}<") - nw.col(f"{name}>")
    wrong = _impossible(piece, days_between)
    blank_either = nw.col(f"{name}<?") | nw.col(f"{name}>?")
    _count_days(tally, joins, (days_between, wrong, blank_either), work)
    dtype = nw.Int64 if piece.column.kind == "integer" else nw.Float64
    value = nw.when(~wrong).then(days_between).otherwise(nw.lit(None)).cast(dtype)
    return _Made(tally, (name,), joins=tuple(joins), late={name: value})


def _impossible(piece: Piece, days: nw.Expr) -> nw.Expr:
    """Whether a difference of dates cannot be; not where it is unknown."""
    wrong = days != days  # a column without bounds refuses nothing
    if piece.column.low is not None:
        wrong = wrong | (days < piece.column.low)
    if piece.column.high is not None:
        wrong = wrong | (days > piece.column.high)
    return wrong.fill_null(False)


def _count_days(
    tally: Tally,
    joins: Sequence[tuple[LazyTable, tuple[str, ...]]],
    seen: tuple[nw.Expr, nw.Expr, nw.Expr],
    work: _Work,
) -> None:
    """Differences that are known, that cannot be, and that are blank, added to the tally."""
    table = work.table
    for dates, keys in joins:
        table = table.join(dates, on=list(keys), how="left")
    days, wrong, blank = seen
    sums = {"known": ~days.is_null(), "wrong": wrong, "blank": blank.fill_null(False)}
    counted = {name: held.cast(nw.Int64).sum() for name, held in sums.items()}
    counts = work.extract.engine.collect(table.select(**counted)).to_pylist()[0]
    impossible = int(counts["wrong"] or 0)
    tally[VALUE, ""] = int(counts["known"] or 0) - impossible
    tally[IMPOSSIBLE, ""] = impossible
    tally[BLANK, ""] = int(counts["blank"] or 0)
