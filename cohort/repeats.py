"""Files in which a patient stands more than once: counted, and one row of each kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import narwhals as nw

from cohort.description import Repeats
from cohort.formats.opened import WHITE
from cohort.joining import key_place
from cohort.loading import Extract

LazyTable = nw.LazyFrame[Any]

_SHOWN = 20  # keys shown where they are asked for


def one_row_each(extract: Extract, *, identify: bool) -> tuple[Extract, tuple[Repeats, ...]]:
    """The extract with one row for each patient in its files of one row a patient.

    Which row is kept does not depend on the order of the file: the first when all its columns
    are sorted. Rows without a patient are left out. All of it is counted.
    """
    tables = dict(extract.tables)
    found = []
    for repeats in repeated(extract, identify=identify):
        found.append(repeats)
        tables[repeats.role] = extract.engine.materialise(_first_rows(extract, repeats.role))
    if not found:
        return extract, ()
    return replace(extract, tables=MappingProxyType(tables)), tuple(found)


def repeated(extract: Extract, *, identify: bool) -> Iterator[Repeats]:
    """Each file of one row a patient in which one stands twice, or a row has no patient."""
    names = {file.role: file.name for file in extract.files}
    for role in extract.tables:
        if extract.dictionary.files[role].grain != "patient":
            continue
        counted = _keyed(extract, role).group_by("key").agg(n=nw.len())
        several = (~nw.col("key").is_null()) & (nw.col("n") > 1)
        row = extract.engine.collect(
            counted.select(
                patients=several.cast(nw.Int64).sum(),
                rows=nw.when(several).then(nw.col("n")).otherwise(nw.lit(0)).sum(),
                without=nw.when(nw.col("key").is_null())
                .then(nw.col("n"))
                .otherwise(nw.lit(0))
                .sum(),
            )
        ).to_pylist()[0]
        patients, rows, without = (int(row[k] or 0) for k in ("patients", "rows", "without"))
        if not patients and not without:
            continue
        shown: tuple[str, ...] = ()
        if identify and patients:
            named = counted.filter(several).select("key").sort("key").head(_SHOWN)
            shown = tuple(extract.engine.collect(named)["key"].to_pylist())
        file = names[extract.dictionary.file_of(role)]
        heading = extract.headings[role][key_place(extract, role)]
        yield Repeats(role, file, heading, patients, rows, without, shown)


def _keyed(extract: Extract, role: str) -> LazyTable:
    """A file's rows with their key; a text that means missing is no key."""
    text = nw.col(f"c{key_place(extract, role)}").str.strip_chars(WHITE)
    absent = ["", *(token.lower() for token in extract.dictionary.missing)]
    known = ~text.str.to_lowercase().is_in(absent).fill_null(True)
    return extract.tables[role].with_columns(
        key=nw.when(known).then(text).otherwise(nw.lit(None, dtype=nw.String))
    )


def _first_rows(extract: Extract, role: str) -> LazyTable:
    """One row of each patient, as the file has its columns."""
    columns = extract.tables[role].collect_schema().names()
    keyed = _keyed(extract, role).filter(~nw.col("key").is_null())
    numbered = keyed.with_row_index("place", order_by=["key", *columns])
    first = nw.col("place") == nw.col("place").min().over("key")
    return numbered.filter(first).select(columns)
