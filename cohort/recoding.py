"""Canonical columns made by joining each column's distinct texts with what they mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import narwhals as nw
import pyarrow as pa

from cohort.decode import (
    ABSENT,
    BLANK,
    IMPOSSIBLE,
    MISSING,
    OUTSIDE,
    UNPARSABLE,
    VALUE,
    Meaning,
    Piece,
    day_number,
    meaning,
    stripped,
)
from cohort.dictionary_checks import INTERVALS
from cohort.formats.opened import WHITE
from cohort.loading import Extract

LazyTable = nw.LazyFrame[Any]
Tally = dict[tuple[str, str], int]

_TYPES = {"integer": pa.int64(), "number": pa.float64()}
SIDES = ("low", "high")
# Texts of a column up to which its levels are told by an expression and not by a join.
_FEW = 64
# Outcomes whose texts are counted one by one; of the others only the number is told.
_LISTED = ("unknown", UNPARSABLE, IMPOSSIBLE)


@dataclass(frozen=True, slots=True, eq=False)
class Recoded:
    """Patients with canonical columns, and what became of every value.

    Attributes
    ----------
    table
        Lazy; `patient_id` and the canonical columns among others.
    columns
        Names of the canonical columns, bounds included.
    tallies
        By canonical column: patients by (outcome, text); the text is empty where single
        values are not told.
    n
        Patients.
    """

    table: LazyTable
    columns: tuple[str, ...]
    tallies: Mapping[str, Tally]
    n: int


def recode(extract: Extract, table: LazyTable, pieces: Mapping[str, tuple[Piece, ...]]) -> Recoded:
    """The joined text of the patients as canonical columns.

    Each column's distinct texts are decoded once and joined back, so that the work grows with
    the number of different texts and not with the number of patients. Free text is stripped in
    place.
    """
    tokens = {token.lower(): kind for token, kind in extract.dictionary.missing.items()}
    filled = table.with_columns(
        *[nw.col(name).fill_null("") for name in table.collect_schema().names()]
    )
    n = int(extract.engine.collect(filled.select(n=nw.len()))["n"][0].as_py())
    work = _Work(extract, filled, tokens, n)
    made = {name: _made(name, group, work, pieces) for name, group in pieces.items()}
    columns = ["patient_id"]
    for name in pieces:
        columns += [name, *(f"{name}_{side}" for side in SIDES if name in INTERVALS)]
    plain = {name: value for one in made.values() for name, value in one.plain.items()}
    whole = filled.with_columns(**plain) if plain else filled
    for one in made.values():
        for meanings, keys in one.joins:
            whole = whole.join(meanings, on=list(keys), how="left")
    late = {name: value for one in made.values() for name, value in one.late.items()}
    whole = whole.with_columns(**late) if late else whole
    tallies = {name: one.tally for name, one in made.items()}
    return Recoded(whole, tuple(columns), tallies, n)


@dataclass(frozen=True, slots=True, eq=False)
class _Made:
    """How one canonical column comes about: by expressions, or by joining what texts mean.

    ``plain`` are expressions on the texts, ``joins`` tables of meanings with the texts that
    they are joined by, ``late`` expressions on what the joins add.
    """

    tally: Tally
    plain: dict[str, nw.Expr] = field(default_factory=dict)
    joins: tuple[tuple[LazyTable, tuple[str, ...]], ...] = ()
    late: dict[str, nw.Expr] = field(default_factory=dict)


def _made(
    name: str, group: Sequence[Piece], work: _Work, pieces: Mapping[str, tuple[Piece, ...]]
) -> _Made:
    """One canonical column, by the way that suits its rules."""
    if not any(piece.texts for piece in group):
        return _empty(name, group, work.n)
    if group[0].rule.days_from is not None:
        return _days(name, group[0], work)
    if _is_free(group):
        return _free(name, group[0], work)
    return _decoded(name, group, work, pieces)


@dataclass(frozen=True, slots=True, eq=False)
class _Work:
    """What every column's recoding shares."""

    extract: Extract
    table: LazyTable
    tokens: Mapping[str, str]
    n: int

    def distinct(self, keys: Sequence[str]) -> list[dict[str, Any]]:
        """The different texts of some columns, each with its number of patients."""
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
    cut = rule.up_to is not None or rule.after is not None
    return plain and not cut and len(group) == 1 and len(group[0].texts) == 1


def _decoded(
    name: str, group: Sequence[Piece], work: _Work, pieces: Mapping[str, tuple[Piece, ...]]
) -> _Made:
    """A column of codes, numbers or dates, over all its rules by year of diagnosis."""
    names = dict.fromkeys(condition for piece in group for condition in piece.rule.when)
    conditions = {condition: pieces[condition][0] for condition in names}
    keys = dict.fromkeys(t for piece in (*group, *conditions.values()) for t in piece.texts)
    rows = work.distinct(list(keys))
    chosen = [_piece_for(row, group, conditions, work.tokens) for row in rows]
    found = [
        Meaning(OUTSIDE) if piece is None else meaning(piece, _texts(row, piece), work.tokens)
        for row, piece in zip(rows, chosen, strict=True)
    ]
    tally: Tally = {}
    for row, one in zip(rows, found, strict=True):
        _count(tally, one, int(row["n"]))
    year = conditions.get("diagnosis_year")
    if set(conditions) <= {"diagnosis_year"} and _is_short(group, keys, rows):
        return _Made(tally, {name: _cases(rows, chosen, found, year)})
    arrow = _TYPES.get(group[0].column.kind, pa.string())
    columns = {key: pa.array([row[key] for row in rows], pa.string()) for key in keys}
    columns[name] = pa.array([one.value for one in found], arrow)
    if name in INTERVALS:
        for side in SIDES:
            bounds = [getattr(one, side) for one in found]
            columns[f"{name}_{side}"] = pa.array(bounds, pa.float64())
    return _Made(tally, joins=((work.register("codes", columns), tuple(keys)),))


def _is_short(
    group: Sequence[Piece], keys: Mapping[str, None], rows: Sequence[Mapping[str, Any]]
) -> bool:
    """Whether a column has levels and so few texts that naming them is cheaper than a join."""
    if group[0].column.kind != "category" or any(len(piece.texts) > 1 for piece in group):
        return False
    return all(len({row[key] for row in rows}) <= _FEW for key in keys)


def _cases(
    rows: Sequence[Mapping[str, Any]],
    chosen: Sequence[Piece | None],
    found: Sequence[Meaning],
    year: Piece | None,
) -> nw.Expr:
    """The level of each text, by rule and year."""
    texts: dict[tuple[str, Any], set[str]] = {}
    years: dict[str, set[str]] = {}
    homes: dict[tuple[str, Any], Piece] = {}
    for row, piece, one in zip(rows, chosen, found, strict=True):
        if piece is None or one.value is None:
            continue
        rule = str(piece.rule.years)
        texts.setdefault((rule, one.value), set()).add(row[piece.texts[0]])
        homes[rule, one.value] = piece
        if year is not None:
            years.setdefault(rule, set()).add(row[year.texts[0]])
    value: nw.Expr = nw.lit(None, dtype=nw.String)
    for (rule, level), written in sorted(texts.items()):
        condition = nw.col(homes[rule, level].texts[0]).is_in(sorted(written))
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
    return next((piece for piece in covering if piece.texts), next(iter(covering), None))


def _texts(row: Mapping[str, Any], piece: Piece) -> list[str | None]:
    return [row[text] for text in piece.texts]


def _count(tally: Tally, found: Meaning, n: int) -> None:
    key = (found.outcome, found.text if found.outcome in _LISTED else "")
    tally[key] = tally.get(key, 0) + n


def _empty(name: str, group: Sequence[Piece], n: int) -> _Made:
    """A column that the files do not have: missing throughout."""
    kind = group[0].column.kind
    number = nw.Int64 if kind == "integer" else nw.Float64
    columns = {name: nw.lit(None, dtype=number if kind in _TYPES else nw.String)}
    if name in INTERVALS:
        columns |= {f"{name}_{side}": nw.lit(None, dtype=nw.Float64) for side in SIDES}
    return _Made({(ABSENT, ""): n}, columns)


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
    return _Made(tally, {name: value})


def _days(name: str, piece: Piece, work: _Work) -> _Made:
    """Whole days between two dates, each decoded once for every different date."""
    rule = piece.rule.days_from
    if rule is None:
        raise ValueError(f"{name} is no difference of dates")
    tally: Tally = {}
    joins = []
    for stem, text in ((f"{name}<", piece.texts[0]), (f"{name}>", piece.texts[1])):
        rows = work.distinct([text])
        written = [stripped(row[text]) for row in rows]
        days = [day_number(one, rule.format) for one in written]
        blank = [not one or one.lower() in work.tokens for one in written]
        for row, one, day, missing in zip(rows, written, days, blank, strict=True):
            if day is None and not missing:
                _count(tally, Meaning(UNPARSABLE, one), int(row["n"]))
        texts = pa.array([row[text] for row in rows], pa.string())
        dates = {text: texts, stem: pa.array(days, pa.int64()), f"{stem}?": pa.array(blank)}
        joins.append((work.register("dates", dates), (text,)))
    days_between = nw.col(f"{name}<") - nw.col(f"{name}>")
    wrong = _impossible(piece, days_between)
    blank_either = nw.col(f"{name}<?") | nw.col(f"{name}>?")
    _count_days(tally, joins, (days_between, wrong, blank_either), work)
    dtype = nw.Int64 if piece.column.kind == "integer" else nw.Float64
    value = nw.when(~wrong).then(days_between).otherwise(nw.lit(None)).cast(dtype)
    return _Made(tally, joins=tuple(joins), late={name: value})


def _impossible(piece: Piece, days: nw.Expr) -> nw.Expr:
    """Whether a difference of dates cannot be; not where it is unknown."""
    wrong = nw.lit(False)
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
