"""Specimens and events of the patients: several rows each, from the blocks of a dictionary."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import narwhals as nw

from cohort.data_findings import tally_findings, without_texts
from cohort.decode import MISSING, Piece
from cohort.dictionary import Block
from cohort.formats.opened import WHITE
from cohort.joining import join
from cohort.loading import Extract
from cohort.pieces import Overrides, Pieces, order, resolved
from cohort.receptors import with_receptors
from cohort.recoding import Tally, recode_rows
from cohort.recoding_tables import LazyTexts, dtype
from cohort.rows import condition
from cohort.table import Choice, Finding

LazyTable = nw.LazyFrame[Any]


@dataclass(frozen=True, slots=True, eq=False)
class Records:
    """Specimens or events of the patients.

    Attributes
    ----------
    table
        Computed, one row each, canonical columns; None where no file holds any.
    tallies
        By canonical column, what became of every value (cohort.recoding).
    findings, choices
        What was seen, and which files were chosen. A text that cannot be used is told once: not
        here where the patients' own column reads the same text in the same way.
    """

    table: LazyTable | None
    tallies: Mapping[str, Tally]
    findings: tuple[Finding, ...]
    choices: tuple[Choice, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class _Made:
    """The records of one block, and rows of its file that are of no patient."""

    role: str
    table: LazyTable
    tallies: Mapping[str, Tally]
    pieces: Pieces
    n_strange: int


def records(
    extract: Extract, kind: str, patients: LazyTable, n: int, overrides: Overrides, own: Pieces
) -> Records:
    """The specimens, or the events, of the patients.

    The blocks of the dictionary are stacked. Rows of patients whom the main file does not have
    are counted and not looked at; those of tumours that were not chosen are counted and not used.

    Parameters
    ----------
    extract
        What `load` read.
    kind
        ``specimens`` or ``events``.
    patients, n
        Harmonised patients, and their number.
    overrides
        What the study says that texts mean.
    own
        The rules of the patients' own columns.
    """
    blocks: Sequence[Block] = getattr(extract.dictionary, kind)
    given = [block for block in blocks if block.from_ in extract.tables]
    found = [(block, _made(extract, block, patients, overrides, own)) for block in given]
    made = [one for _, one in found if one is not None]
    absent = [_absent(kind, block) for block, one in found if one is None]
    if not made:
        return Records(None, {}, tuple(absent))
    tallies: dict[str, Tally] = {}
    for one in made:
        for name, tally in one.tallies.items():
            tallies[name] = _added(tallies.get(name, {}), tally)
    stacked = extract.engine.materialise(_stacked([one.table for one in made]))
    strange = sum(one.n_strange for one in made)
    kept, unused = _of_index_tumours(extract, kind, stacked, patients, strange)
    findings = [*absent, *_seen(made, kind.removesuffix("s")), *unused]
    if kind == "specimens":
        findings += _without(extract, kept, n)
    else:
        findings += _without_day(extract, kept)
    choices = dict.fromkeys(choice for one in made for choice in one.pieces.choices)
    return Records(kept, tallies, tuple(findings), tuple(choices))


def _absent(kind: str, block: Block) -> Finding:
    """A block of which the files have no column."""
    advice = f"The files have none of the columns that tell these {kind}: none is known of."
    columns = ", ".join(block.columns)
    unit = kind.removesuffix("s")
    return Finding("info", block.from_, columns, "", f"{kind}_absent", 0, advice, unit)


def _made(
    extract: Extract, block: Block, patients: LazyTable, overrides: Overrides, own: Pieces
) -> _Made | None:
    """The records that one block describes, None where the files have no column of it."""
    pieces = resolved(extract, block.columns, overrides)
    rows = extract.tables[block.from_]
    meant = condition(block.where, extract.headings[block.from_], rows)
    if not block.where:
        written = _written(extract, block, pieces)
        if written is None:
            return None
        joined = join(extract, block.from_, pieces.names).filter(written)
    else:
        joined = join(extract, block.from_, pieces.names, meant)
    strange = 0
    if block.from_ != extract.dictionary.main:
        index = patients.select("patient_id")
        strange = _n(extract, joined.join(index, on="patient_id", how="anti"))
        joined = joined.join(index, on="patient_id", how="semi") if strange else joined
    lazy = LazyTexts(extract.engine, joined, sorted(pieces.names))
    recoded = recode_rows(lazy, pieces, extract.dictionary.missing)
    table = recoded.table.select(recoded.columns)
    told = told_of_patients(extract, block, pieces, own)
    tallies = {
        name: without_texts(tally) if name in told else tally
        for name, tally in recoded.tallies.items()
    }
    return _Made(block.from_, table, tallies, pieces, strange)


def told_of_patients(extract: Extract, block: Block, pieces: Pieces, own: Pieces) -> frozenset[str]:
    """Columns of a block whose texts the patients' own column has read, and told, already."""
    if block.from_ != extract.dictionary.main or block.where:
        return frozenset()
    return frozenset(
        name
        for name, group in pieces.groups.items()
        if name in own.groups and _reading(group) == _reading(own.groups[name])
    )


def _reading(group: Sequence[Piece]) -> list[tuple[object, ...]]:
    """What some rules read and how, by whatever other names the columns might have had."""
    places = {"from_", "coalesce", "first_of"}
    return [
        (piece.texts, piece.origins, piece.rule.model_dump(exclude=places))
        for piece in group
        if piece.texts
    ]


def _written(extract: Extract, block: Block, pieces: Pieces) -> nw.Expr | None:
    """Whether anything is written in the row's own columns, `tumour_id` (whose it is) aside.

    A text that cannot be used is written too: a relapse of an impossible date is a relapse.
    """
    tokens = [token.lower() for token in extract.dictionary.missing]
    written: nw.Expr | None = None
    for name, group in pieces.groups.items():
        for piece in group:
            missing = ["", *tokens, *_missing_codes(piece)]
            for text in piece.texts:
                if text.partition(":")[0] == block.from_ and name != "tumour_id":
                    small = nw.col(text).fill_null("").str.strip_chars(WHITE).str.to_lowercase()
                    said = ~small.is_in(missing)
                    written = said if written is None else written | said
    return written


def _missing_codes(piece: Piece) -> list[str]:
    """Single codes of a piece that say that the value is missing."""
    codes = () if piece.book is None else piece.book.table.codes
    return [code.code.lower() for code in codes if code.outcome.startswith(MISSING)]


def _stacked(tables: Sequence[LazyTable]) -> LazyTable:
    """Tables below each other, with every column that any of them has."""
    names = sorted({name for one in tables for name in one.collect_schema().names()}, key=order)
    whole = []
    for table in tables:
        known = table.collect_schema().names()
        lacking = {name: nw.lit(None, dtype=dtype(name)) for name in names if name not in known}
        whole.append(table.with_columns(**lacking).select(names) if lacking
                     else table.select(names))  # fmt: skip
    return with_receptors(whole[0] if len(whole) == 1 else nw.concat(whole, how="vertical"))


def _of_index_tumours(
    extract: Extract, kind: str, table: LazyTable, patients: LazyTable, strange: int
) -> tuple[LazyTable, Iterator[Finding]]:
    """The records of the patients' index tumours; those not used as findings."""
    names = table.collect_schema().names()
    kept = table
    if extract.dictionary.of_tumours and "tumour_id" in names:
        own = patients.collect_schema().names()
        if "tumour_id" in own:
            index = patients.select("patient_id", **{"?index": nw.col("tumour_id")})
            met = table.join(index, on="patient_id", how="left")
            other = (nw.col("tumour_id") != nw.col("?index")).fill_null(False)
            kept = extract.engine.materialise(met.filter(~other).select(names))
    others = 0 if kept is table else _n(extract, table) - _n(extract, kept)
    said = (
        (strange, "of_no_patient", "of patients whom the main file does not have"),
        (others, "of_other_tumours", "of tumours that do not stand for a patient"),
    )
    found = (
        Finding("warning" if rule == "of_no_patient" else "info", kind, "", "", f"{kind}_{rule}",
                n, f"These {kind} are {words}: not used.", kind.removesuffix("s"))
        for n, rule, words in said if n
    )  # fmt: skip
    return kept, found


def _seen(made: Sequence[_Made], unit: str) -> Iterator[Finding]:
    """What became of the values, file by file."""
    for role in dict.fromkeys(one.role for one in made):
        tallies: dict[str, Tally] = {}
        groups: dict[str, tuple[Piece, ...]] = {}
        for one in made:
            if one.role == role:
                for name, tally in one.tallies.items():
                    tallies[name] = _added(tallies.get(name, {}), tally)
                    groups[name] = (*groups.get(name, ()), *one.pieces.groups[name])
        yield from tally_findings(tallies, groups, unit)


def _without(extract: Extract, specimens: LazyTable, n: int) -> Iterator[Finding]:
    """Patients of whom there is no specimen."""
    lacking = n - _n(extract, specimens.group_by("patient_id").agg(rows=nw.len()))
    if lacking:
        advice = "Patients without a specimen: their HER2 status is unknown."
        yield Finding("info", "specimens", "", "", "patients_without_specimen", lacking, advice)


def _without_day(extract: Extract, events: LazyTable) -> Iterator[Finding]:
    """Events of which it is not known when they were."""
    names = events.collect_schema().names()
    time = "event_day" if "event_day" in names else "event_months"
    n = _n(extract, events.filter(nw.col(time).is_null()))
    if n:
        advice = "These events happened, but it is not known when."
        yield Finding("warning", "events", time, "", "event_without_time", n, advice, "event")


def _added(one: Tally, other: Tally) -> Tally:
    return {key: one.get(key, 0) + other.get(key, 0) for key in dict.fromkeys((*one, *other))}


def _n(extract: Extract, table: LazyTable) -> int:
    return int(extract.engine.collect(table.select(n=nw.len()))["n"][0].as_py())
