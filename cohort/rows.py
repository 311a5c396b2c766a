"""Which rows of a file are meant: those of a role, where one file holds rows of several kinds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import narwhals as nw

from cohort.errors import Problem, listed
from cohort.formats.opened import WHITE
from cohort.headings import position
from cohort.table import Finding

if TYPE_CHECKING:
    from cohort.dictionary import SourceDictionary
    from cohort.table import Engine

LazyTable = nw.LazyFrame[Any]

_SHOWN = 6  # kinds of row named in a message


def condition(
    where: Mapping[str, Sequence[str]], headings: Sequence[str], table: LazyTable
) -> nw.Expr | None:
    """Whether a row of a table is meant, None where all are.

    Texts are compared as written, white space around them aside; ``*`` at the end of one stands
    for any end. A column that the file lacks is blank in every row.
    """
    meant: nw.Expr | None = None
    for heading, texts in where.items():
        at = position(heading, headings)
        wanted = [text.strip(WHITE) for text in texts]
        if at is not None:
            written = _written(at)
            held = written.is_in([text for text in wanted if not text.endswith("*")])
            for text in wanted:
                if text.endswith("*"):
                    held = held | written.str.starts_with(text[:-1])
        elif "" in wanted:
            continue
        else:
            held = _never(table)
        meant = held if meant is None else meant & held
    return meant


def _written(at: int) -> nw.Expr:
    """The text of a column, stripped, empty where missing."""
    return nw.col(f"c{at}").fill_null("").str.strip_chars(WHITE)


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


@dataclass(frozen=True, slots=True)
class Without:
    """Patients of whom the main file has rows, but none that tells of the patient."""

    problems: tuple[Problem, ...]
    findings: tuple[Finding, ...]


def without_main_row(
    dictionary: SourceDictionary,
    tables: Mapping[str, LazyTable],
    headings: Mapping[str, Sequence[str]],
    engine: Engine,
) -> Without:
    """Those patients counted, with the kinds of row that they have; a problem where it is all."""
    main = dictionary.main
    where = dictionary.files[main].where
    found = [position(key, headings[main]) for key in dictionary.key_of(main)]
    key = next((at for at in found if at is not None), None)
    if key is None or main not in tables:
        return Without((), ())
    table = tables[main]
    meant = condition(where, headings[main], table)
    if meant is None:
        return Without((), ())
    rows = table.with_columns(**{"?key": _written(key), "?main": meant.cast(nw.Int64)})
    by_patient = rows.group_by("?key").agg(**{"?any": nw.col("?main").max()})
    counts = engine.collect(
        by_patient.filter(nw.col("?key") != "").select(n=nw.len(), told=nw.col("?any").sum())
    ).to_pylist()[0]
    n, told = int(counts["n"]), int(counts["told"] or 0)
    if n == told:
        return Without((), ())
    lost = by_patient.filter(nw.col("?any") == 0).select("?key")
    kinds = _kinds(rows.join(lost, on="?key", how="inner"), where, headings[main], engine)
    if not told:
        allowed = "; ".join(
            f"{name}: {listed(text or '(blank)' for text in texts)}"
            for name, texts in where.items()
            if position(name, headings[main]) is not None
        )
        advice = "Name the rows that hold one patient each in a dictionary of your own (where)."
        said = f"none of its rows is one that tells of a patient; they are {kinds}"
        return Without((Problem(f"file '{main}'", said, allowed, advice),), ())
    advice = (
        f"These patients have no row that tells of the patient, only {kinds}: not in the cohort. "
        "Name their rows in a dictionary of your own (where), or correct the export."
    )
    finding = Finding("warning", main, "", "", "patients_without_main_row", n - told, advice)
    return Without((), (finding,))


def _kinds(
    rows: LazyTable, where: Mapping[str, Sequence[str]], headings: Sequence[str], engine: Engine
) -> str:
    """What the columns say that tell the kinds of rows apart: ``redcap_event_name 'visit_1'``."""
    said = []
    for name in where:
        at = position(name, headings)
        if at is None:
            continue
        texts = engine.collect(rows.select(text=_written(at)).unique().sort("text"))["text"]
        shown = [f"'{text}'" for text in texts.to_pylist() if text]
        if shown:
            said.append(f"{headings[at]} {listed(shown, _SHOWN)}")
    return "; ".join(said)
