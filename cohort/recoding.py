"""Canonical columns made by joining each column's distinct texts with what they mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
from cohort.formats.delimited import WHITE
from cohort.loading import Extract

LazyTable = nw.LazyFrame[Any]
Tally = dict[tuple[str, str], int]

_TYPES = {"integer": pa.int64(), "number": pa.float64()}
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
    tallies: dict[str, Tally] = {}
    made = ["patient_id"]
    joined = filled
    for name, group in pieces.items():
        made.append(name)
        if not any(piece.texts for piece in group):
            joined, tallies[name] = _empty(name, group, joined, n)
        elif group[0].rule.days_from is not None:
            joined, tallies[name] = _days(name, group[0], joined, work)
        elif _is_free(group):
            joined, tallies[name] = _free(name, group[0], joined, work)
        else:
            joined, tallies[name] = _decoded(name, group, joined, work, pieces)
        if name in INTERVALS:
            made += [f"{name}_low", f"{name}_high"]
    return Recoded(joined, tuple(made), tallies, n)


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
    name: str,
    group: Sequence[Piece],
    table: LazyTable,
    work: _Work,
    pieces: Mapping[str, tuple[Piece, ...]],
) -> tuple[LazyTable, Tally]:
    """A column of codes, numbers or dates, over all its rules by year of diagnosis."""
    year = pieces["diagnosis_year"][0] if group[0].rule.years is not None else None
    keys = dict.fromkeys(text for piece in group for text in piece.texts)
    keys |= dict.fromkeys(() if year is None else year.texts)
    rows = work.distinct(list(keys))
    tally: Tally = {}
    meanings = []
    for row in rows:
        found = _meaning(row, group, year, work.tokens)
        meanings.append(found)
        _count(tally, found, int(row["n"]))
    arrow = _TYPES.get(group[0].column.kind, pa.string())
    columns = {key: pa.array([row[key] for row in rows], pa.string()) for key in keys}
    columns[name] = pa.array([found.value for found in meanings], arrow)
    if name in INTERVALS:
        for side in ("low", "high"):
            bounds = [getattr(found, side) for found in meanings]
            columns[f"{name}_{side}"] = pa.array(bounds, pa.float64())
    codes = work.register("codes", columns)
    return table.join(codes, on=list(keys), how="left"), tally


def _meaning(
    row: Mapping[str, Any],
    group: Sequence[Piece],
    year: Piece | None,
    tokens: Mapping[str, str],
) -> Meaning:
    """What a column makes of one combination of texts."""
    if year is None:
        piece: Piece | None = group[0]
    else:
        written = meaning(year, [row[text] for text in year.texts], tokens).value
        diagnosed = written if isinstance(written, int) else None
        piece = next((piece for piece in group if piece.covers(diagnosed)), None)
    if piece is None:
        return Meaning(OUTSIDE)
    return meaning(piece, [row[text] for text in piece.texts], tokens)


def _count(tally: Tally, found: Meaning, n: int) -> None:
    key = (found.outcome, found.text if found.outcome in _LISTED else "")
    tally[key] = tally.get(key, 0) + n


def _empty(name: str, group: Sequence[Piece], table: LazyTable, n: int) -> tuple[LazyTable, Tally]:
    """A column that the files do not have: missing throughout."""
    kind = group[0].column.kind
    number = nw.Int64 if kind == "integer" else nw.Float64
    dtype = number if kind in _TYPES else nw.String
    columns = {name: nw.lit(None, dtype=dtype)}
    if name in INTERVALS:
        columns |= {f"{name}_{s}": nw.lit(None, dtype=nw.Float64) for s in ("low", "high")}
    return table.with_columns(**columns), {(ABSENT, ""): n}


def _free(name: str, piece: Piece, table: LazyTable, work: _Work) -> tuple[LazyTable, Tally]:
    """Text as written, white space stripped, empty text and missing tokens missing."""
    text = nw.col(piece.texts[0]).str.strip_chars(WHITE)
    small = text.str.to_lowercase()
    kinds = {"": BLANK} | {token: f"{MISSING}{kind}" for token, kind in work.tokens.items()}
    missing = small.is_in(list(kinds))
    counted = work.table.select(text=small).filter(nw.col("text").is_in(list(kinds)))
    rows = work.extract.engine.collect(counted.group_by("text").agg(n=nw.len())).to_pylist()
    tally: Tally = {}
    for row in rows:
        _count(tally, Meaning(kinds[row["text"]]), int(row["n"]))
    tally[VALUE, ""] = work.n - sum(tally.values())
    value = nw.when(~missing).then(text).otherwise(nw.lit(None))
    return table.with_columns(value.alias(name)), tally


def _days(name: str, piece: Piece, table: LazyTable, work: _Work) -> tuple[LazyTable, Tally]:
    """Whole days between two dates, each decoded once for every different date."""
    rule = piece.rule.days_from
    if rule is None:
        raise ValueError(f"{name} is no difference of dates")
    tally: Tally = {}
    stems = {f"{name}<": piece.texts[0], f"{name}>": piece.texts[1]}
    both = work.table
    for stem, text in stems.items():
        rows = work.distinct([text])
        written = [stripped(row[text]) for row in rows]
        days = [day_number(one, rule.format) for one in written]
        for row, one, day in zip(rows, written, days, strict=True):
            if one and day is None and one.lower() not in work.tokens:
                _count(tally, Meaning(UNPARSABLE, one), int(row["n"]))
        known = work.register(
            "dates",
            {
                text: pa.array([row[text] for row in rows], pa.string()),
                stem: pa.array(days, pa.int64()),
            },
        )
        table, both = (side.join(known, on=text, how="left") for side in (table, both))
    return _between(name, piece, table, both, tally, work)


def _between(
    name: str, piece: Piece, table: LazyTable, both: LazyTable, tally: Tally, work: _Work
) -> tuple[LazyTable, Tally]:
    """The difference of two day numbers where it can be, and how often it cannot."""
    days = nw.col(f"{name}<") - nw.col(f"{name}>")
    wrong = nw.lit(False)
    if piece.column.low is not None:
        wrong = wrong | (days < piece.column.low)
    if piece.column.high is not None:
        wrong = wrong | (days > piece.column.high)
    wrong = wrong.fill_null(False)
    value = nw.when(~wrong).then(days).otherwise(nw.lit(None))
    dtype = nw.Int64 if piece.column.kind == "integer" else nw.Float64
    counts = work.extract.engine.collect(
        both.select(wrong=wrong.cast(nw.Int64).sum(), known=(~days.is_null()).cast(nw.Int64).sum())
    ).to_pylist()[0]
    impossible, known = int(counts["wrong"] or 0), int(counts["known"] or 0)
    if impossible:
        tally[IMPOSSIBLE, ""] = impossible
    tally[VALUE, ""] = known - impossible
    blank = work.n - known - sum(n for (label, _), n in tally.items() if label == UNPARSABLE)
    if blank > 0:
        tally[BLANK, ""] = blank
    return table.with_columns(value.cast(dtype).alias(name)), tally
