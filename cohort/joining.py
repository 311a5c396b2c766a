"""The files of a source joined on the patient, every key accounted for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import narwhals as nw

from cohort.errors import Problem
from cohort.formats.opened import WHITE
from cohort.headings import position
from cohort.loading import Extract
from cohort.table import Finding

LazyTable = nw.LazyFrame[Any]


@dataclass(frozen=True, slots=True, eq=False)
class Joined:
    """One row a patient: `patient_id` and the text, as written, of every column asked for.

    Attributes
    ----------
    table
        Lazy; columns are named by role and place (``main:12``).
    findings
        Keys of one file that another lacks.
    """

    table: LazyTable
    findings: tuple[Finding, ...]


def column_name(extract: Extract, reference: tuple[str, str]) -> str | None:
    """Name of a column in the joined table; None where its file or column is absent."""
    role, heading = reference
    headings = extract.headings.get(role)
    at = None if headings is None else position(heading, headings)
    return None if at is None else f"{role}:{at}"


def key_problems(extract: Extract) -> list[Problem]:
    """Files of one row a patient whose key is missing or stands twice; no key is shown."""
    problems = []
    for file in extract.files:
        if extract.dictionary.files[file.role].grain != "patient":
            continue
        keys = _keys(extract, file.role)
        counts = extract.engine.collect(
            keys.group_by("key")
            .agg(n=nw.len())
            .select(
                missing=nw.when(nw.col("key").is_null()).then(nw.col("n")).sum(),
                twice=(~nw.col("key").is_null() & (nw.col("n") > 1)).cast(nw.Int64).sum(),
            )
        ).to_pylist()[0]
        missing, twice = int(counts["missing"] or 0), int(counts["twice"] or 0)
        heading = extract.headings[file.role][key_place(extract, file.role)]
        if missing:
            problems.append(
                Problem(
                    file.name, f"{missing:,} rows have no {heading}",
                    advice="A row without its patient cannot be used: complete or delete it.",
                )
            )  # fmt: skip
        if twice:
            problems.append(
                Problem(
                    file.name, f"{twice:,} patients stand in more than one row",
                    f"One row a patient (key {heading})",
                    "Keep one row of each, or describe the file by a dictionary of another grain.",
                )
            )  # fmt: skip
    return problems


def join(extract: Extract, columns: set[tuple[str, int]]) -> Joined:
    """The main file's patients with some columns (role, place) of every file."""
    main = extract.dictionary.main
    table = _chosen(extract, main, columns, "patient_id")
    findings: list[Finding] = []
    for role in extract.headings:
        if role == main or extract.dictionary.files[role].grain != "patient":
            continue
        findings += _unmet(extract, main, role)
        other = _chosen(extract, role, columns, "key")
        table = table.join(other, left_on="patient_id", right_on="key", how="left")
    return Joined(table, tuple(findings))


def _chosen(extract: Extract, role: str, columns: set[tuple[str, int]], key: str) -> LazyTable:
    """A file's stripped key and some of its columns as written, named by role and place."""
    wanted = {f"{role}:{at}": nw.col(f"c{at}") for where, at in sorted(columns) if where == role}
    return extract.tables[role].select(_strip(_key(extract, role)).alias(key), **wanted)


def _strip(name: str) -> nw.Expr:
    text = nw.col(name).str.strip_chars(WHITE)
    return nw.when((text != "").fill_null(False)).then(text).otherwise(nw.lit(None))


def _key(extract: Extract, role: str) -> str:
    """The key column of a loaded table."""
    return f"c{key_place(extract, role)}"


def key_place(extract: Extract, role: str) -> int:
    """Place of a file's key among its headings."""
    found = [position(name, extract.headings[role]) for name in extract.dictionary.files[role].key]
    return next(at for at in found if at is not None)


def _keys(extract: Extract, role: str) -> LazyTable:
    """The keys of a file; a token that means missing is missing."""
    text = nw.col("key")
    tokens = [token.lower() for token in extract.dictionary.missing]
    keys = extract.tables[role].select(_strip(_key(extract, role)).alias("key"))
    if not tokens:
        return keys
    missing = text.str.to_lowercase().is_in(tokens).fill_null(True)
    return keys.select(key=nw.when(~missing).then(text).otherwise(nw.lit(None)))


def _unmet(extract: Extract, main: str, role: str) -> Iterator[Finding]:
    """Patients of one file that the other lacks, both ways."""
    for here, there in ((main, role), (role, main)):
        alone = _keys(extract, here).join(_keys(extract, there), on="key", how="anti")
        n = int(extract.engine.collect(alone.select(n=nw.len()))["n"][0].as_py())
        if n:
            advice = (
                f"These patients are not in file '{there}': what comes from it is missing for them."
                if here == main
                else f"These rows belong to no patient of file '{there}' and are not used."
            )
            yield Finding("warning", here, "patient_id", "", "key_not_met", n, advice)
