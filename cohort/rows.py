"""Which rows of a file are meant: those of a role, where one file holds rows of several kinds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import narwhals as nw

from cohort.formats.opened import WHITE
from cohort.headings import position
from cohort.table import Finding

if TYPE_CHECKING:
    from cohort.dictionary import SourceDictionary
    from cohort.table import Engine

LazyTable = nw.LazyFrame[Any]


def condition(
    where: Mapping[str, Sequence[str]], headings: Sequence[str], table: LazyTable
) -> nw.Expr | None:
    """Whether a row of a table is meant, None where all are.

    Texts are compared as written, white space around them aside; a column that the file lacks
    is blank in every row.
    """
    meant: nw.Expr | None = None
    for heading, texts in where.items():
        at = position(heading, headings)
        wanted = [text.strip(WHITE) for text in texts]
        if at is not None:
            held = nw.col(f"c{at}").fill_null("").str.strip_chars(WHITE).is_in(wanted)
        elif "" in wanted:
            continue
        else:
            held = _never(table)
        meant = held if meant is None else meant & held
    return meant


def _never(table: LazyTable) -> nw.Expr:
    """False in every row, as filters take no constant."""
    null = nw.col(table.collect_schema().names()[0]).is_null()
    return null & ~null


def rows_by_role(
    dictionary: SourceDictionary,
    tables: Mapping[str, LazyTable],
    headings: Mapping[str, Sequence[str]],
) -> dict[str, LazyTable]:
    """The rows of every role whose file was given, each file read once for all its roles."""
    found = {}
    for role, rule in dictionary.files.items():
        file = dictionary.file_of(role)
        if file in tables:
            meant = condition(rule.where, headings[file], tables[file])
            found[role] = tables[file] if meant is None else tables[file].filter(meant)
    return found


def rows_of_no_role(
    dictionary: SourceDictionary,
    tables: Mapping[str, LazyTable],
    headings: Mapping[str, Sequence[str]],
    engine: Engine,
) -> Iterator[Finding]:
    """Rows of a file that no role means, counted; they are not used."""
    for file, table in tables.items():
        meant = [
            condition(dictionary.files[role].where, headings[file], table)
            for role in dictionary.roles_of(file)
        ]
        conditions = [one for one in meant if one is not None]
        if len(conditions) < len(meant):
            continue
        used = conditions[0]
        for one in conditions[1:]:
            used = used | one
        n = int(engine.collect(table.filter(~used).select(n=nw.len()))["n"][0].as_py())
        if n:
            advice = "These rows are of a kind that the dictionary does not read: not used."
            yield Finding("info", file, "", "", "rows_of_no_role", n, advice, "row")
