"""Files that repeat a patient in each row of a specimen: one row a patient is made of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import narwhals as nw

from cohort.dictionary_rules import split
from cohort.formats.opened import WHITE
from cohort.headings import position
from cohort.table import Finding

if TYPE_CHECKING:
    from cohort.dictionary import SourceDictionary
    from cohort.table import Engine

LazyTable = nw.LazyFrame[Any]

_DIFFER = (
    "These patients have different values here in their several rows: missing, as it cannot be "
    "told which is right."
)
_SEVERAL = "These patients have several rows, of which one was made for the patient."


def one_row_each_patient(
    dictionary: SourceDictionary,
    tables: Mapping[str, LazyTable],
    headings: Mapping[str, Sequence[str]],
    engine: Engine,
) -> tuple[dict[str, LazyTable], list[Finding]]:
    """The tables with one row for each patient in those that repeat them.

    What all rows of a patient say, or the only one that says anything, is the patient's; where
    they differ it is missing and the patients are counted, for each column that the patients'
    rules read. A row without its patient stays as it is. The order of the rows never matters.

    Parameters
    ----------
    dictionary
        Says ``rows: several`` of the roles concerned.
    tables, headings
        By role: the rows, and the headings of their file.
    engine
        Computes the tables.
    """
    made, findings = dict(tables), []
    for role, table in tables.items():
        if dictionary.files[role].rows == "several":
            made[role], found = _one_row_each(dictionary, role, table, headings[role], engine)
            findings += found
    return made, findings


def _one_row_each(
    dictionary: SourceDictionary,
    role: str,
    table: LazyTable,
    headings: Sequence[str],
    engine: Engine,
) -> tuple[LazyTable, list[Finding]]:
    """One role's table, and what was seen."""
    names = table.collect_schema().names()
    missing = ["", *(token.lower() for token in dictionary.missing)]
    places = [position(name, headings) for name in dictionary.key_of(role)]
    key = _said(f"c{next(at for at in places if at is not None)}", missing)
    keyed = table.with_columns(**{"?key": key})
    kept: dict[str, Any] = {"?n": nw.len()}
    for name in names:
        kept[f"{name}<"] = nw.col(f"{name}=").min()
        kept[f"{name}>"] = nw.col(f"{name}=").max()
        # Where every row says that it is missing, one of them says why.
        kept[f"{name}~"] = nw.col(name).min()
    told = keyed.filter(~nw.col("?key").is_null()).with_columns(
        **{f"{name}=": _said(name, missing) for name in names}
    )
    grouped = engine.materialise(told.group_by("?key").agg(**kept))
    one = grouped.select(**{name: _agreed(name) for name in names})
    without = keyed.filter(nw.col("?key").is_null()).select(names)
    whole = engine.materialise(nw.concat([one, without], how="vertical"))
    return whole, _differences(dictionary, role, grouped, headings, engine)


def _said(name: str, missing: Sequence[str]) -> nw.Expr:
    """The text of a column, white space stripped, null where it means missing."""
    text = nw.col(name).str.strip_chars(WHITE)
    absent = text.str.to_lowercase().is_in(list(missing)).fill_null(True)
    return nw.when(~absent).then(text).otherwise(nw.lit(None, dtype=nw.String))


def _agreed(name: str) -> nw.Expr:
    """What the rows of a patient say alike, null where they differ."""
    low, high = nw.col(f"{name}<"), nw.col(f"{name}>")
    silent = nw.when(low.is_null()).then(nw.col(f"{name}~"))
    alike = nw.when(low == high).then(low).otherwise(nw.lit(None, dtype=nw.String))
    return silent.otherwise(alike)


def _differences(
    dictionary: SourceDictionary,
    role: str,
    grouped: LazyTable,
    headings: Sequence[str],
    engine: Engine,
) -> list[Finding]:
    """Patients of several rows, and those whose rows differ in a column that is the patient's."""
    named = [split(name) for _, rule in dictionary.rules() for name in rule.references]
    read = dict.fromkeys(position(heading, headings) for where, heading in named if where == role)
    places = [at for at in read if at is not None]
    several = (nw.col("?n") > 1).cast(nw.Int64).sum()
    differ = {
        f"c{at}": (nw.col(f"c{at}<") != nw.col(f"c{at}>")).fill_null(False).cast(nw.Int64).sum()
        for at in places
    }
    counts = engine.collect(grouped.select(several=several, **differ)).to_pylist()[0]
    n = int(counts["several"] or 0)
    found = [Finding("info", role, "", "", "several_rows", n, _SEVERAL)] if n else []
    for at in places:
        n = int(counts[f"c{at}"] or 0)
        if n:
            found.append(Finding("warning", role, headings[at], "", "rows_differ", n, _DIFFER))
    return found
