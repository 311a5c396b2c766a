"""The files of a source joined on the patient, every key accounted for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import narwhals as nw
import pyarrow as pa
import pyarrow.compute as pc

from cohort.errors import Problem
from cohort.formats.opened import WHITE
from cohort.formats.plain import stripped_texts
from cohort.headings import position
from cohort.loading import Extract
from cohort.table import Finding

LazyTable = nw.LazyFrame[Any]


@dataclass(frozen=True, slots=True)
class Keys:
    """What is wrong with the keys of the files, and what was seen: keys that do not meet."""

    problems: tuple[Problem, ...]
    findings: tuple[Finding, ...]


def column_name(extract: Extract, reference: tuple[str, str]) -> str | None:
    """Name of a column in the joined table; None where its file or column is absent."""
    role, heading = reference
    headings = extract.headings.get(role)
    at = None if headings is None else position(heading, headings)
    return None if at is None else f"{role}:{at}"


def check_keys(extract: Extract) -> Keys:
    """The patients' keys of every role; no key is shown.

    A row without its patient, and a patient twice in a file of one row a patient, are problems;
    so are two files none of whose patients meet.
    """
    problems: list[Problem] = []
    findings: list[Finding] = []
    main = extract.dictionary.main
    for role in extract.tables:
        problems += _row_problems(extract, role)
    for role in extract.tables:
        if problems or role == main:
            continue
        unmet = _unmet(extract, main, role)
        problems += unmet.problems
        findings += unmet.findings
    return Keys(tuple(problems), tuple(findings))


def join(
    extract: Extract, base: str, columns: Iterable[str], meant: nw.Expr | None = None
) -> LazyTable:
    """The rows of a role with columns of its own and of files of one row a patient.

    Of the role's rows those that are meant, all where nothing is said. The key is `patient_id`,
    white space stripped; the text of every column asked for is as written, under its name of
    role and place (``main:12``).
    """
    wanted = sorted(set(columns))
    rows = extract.tables[base]
    rows = rows if meant is None else rows.filter(meant)
    table = _chosen(extract, base, rows, wanted, "patient_id")
    for role in dict.fromkeys(name.partition(":")[0] for name in wanted):
        if role != base:
            other = _chosen(extract, role, extract.tables[role], wanted, "key")
            table = table.join(other, left_on="patient_id", right_on="key", how="left")
    return table


def stripped_key(extract: Extract, role: str) -> nw.Expr:
    """The patient's key in a loaded table, white space stripped, null where empty."""
    text = nw.col(f"c{key_place(extract, role)}").str.strip_chars(WHITE)
    return nw.when((text != "").fill_null(False)).then(text).otherwise(nw.lit(None))


def key_place(extract: Extract, role: str) -> int:
    """Place of a file's key among its headings."""
    found = [position(name, extract.headings[role]) for name in extract.dictionary.key_of(role)]
    return next(at for at in found if at is not None)


def _row_problems(extract: Extract, role: str) -> Iterator[Problem]:
    """Rows of a role whose key is missing, or stands twice where it must not."""
    missing, twice = _row_counts(extract, role)
    heading = extract.headings[role][key_place(extract, role)]
    name = next(f.name for f in extract.files if f.role == extract.dictionary.file_of(role))
    if missing:
        yield Problem(
            name, f"{missing:,} rows have no {heading}",
            advice="A row without its patient cannot be used: complete or delete it.",
        )  # fmt: skip
    if twice and extract.dictionary.files[role].grain == "patient":
        yield Problem(
            name, f"{twice:,} patients stand in more than one row",
            f"One row a patient (key {heading})",
            "Keep one row of each; or, where each row is a specimen, read the file by a dictionary "
            "that says 'rows: several' (cbioportal_combined does).",
        )  # fmt: skip


def _row_counts(extract: Extract, role: str) -> tuple[int, int]:
    """Rows of a role without a key, and keys that stand in several rows."""
    held = extract.engine.held(extract.tables[role])
    if held is not None:
        return _held_counts(extract, held.column(f"c{key_place(extract, role)}"))
    counts = extract.engine.collect(
        _keys(extract, role)
        .group_by("key")
        .agg(n=nw.len())
        .select(
            missing=nw.when(nw.col("key").is_null()).then(nw.col("n")).sum(),
            twice=(~nw.col("key").is_null() & (nw.col("n") > 1)).cast(nw.Int64).sum(),
        )
    ).to_pylist()[0]
    return int(counts["missing"] or 0), int(counts["twice"] or 0)


def _held_counts(extract: Extract, keys: pa.ChunkedArray) -> tuple[int, int]:
    """The same of keys that are held in memory."""
    stripped = stripped_texts(keys)
    known = pc.fill_null(pc.not_equal(stripped, ""), False)
    tokens = [token.lower() for token in extract.dictionary.missing]
    if tokens:
        is_token = pc.is_in(pc.utf8_lower(stripped), pa.array(tokens, pa.string()))
        known = pc.and_(known, pc.invert(is_token))
    present = stripped if pc.all(known).as_py() else stripped.filter(known)
    twice = 0
    if pc.count_distinct(present).as_py() < len(present):
        times = pc.struct_field(pc.value_counts(present), "counts")
        twice = int(pc.sum(pc.greater(times, 1)).as_py())
    return len(keys) - len(present), twice


def _chosen(
    extract: Extract, role: str, rows: LazyTable, columns: Iterable[str], key: str
) -> LazyTable:
    """A role's stripped key and some of its columns as written, named by role and place."""
    wanted = {}
    for name in columns:
        where, _, at = name.partition(":")
        if where == role:
            wanted[name] = nw.col(f"c{at}")
    return rows.select(stripped_key(extract, role).alias(key), **wanted)


def _keys(extract: Extract, role: str) -> LazyTable:
    """The keys of a role; a token that means missing is missing."""
    text = nw.col("key")
    tokens = [token.lower() for token in extract.dictionary.missing]
    keys = extract.tables[role].select(key=stripped_key(extract, role))
    if not tokens:
        return keys
    missing = text.str.to_lowercase().is_in(tokens).fill_null(True)
    return keys.select(key=nw.when(~missing).then(text).otherwise(nw.lit(None)))


def _unmet(extract: Extract, main: str, role: str) -> Keys:
    """Patients of one role that the other lacks; both ways where each has a row a patient."""
    patients = {name: _keys(extract, name).group_by("key").agg(rows=nw.len())
                for name in (main, role)}  # fmt: skip
    findings = []
    there = _n(extract, patients[role])
    alone = _n(extract, patients[role].join(patients[main], on="key", how="anti"))
    if there and alone == there:
        names = {file.role: file.name for file in extract.files}
        return Keys(
            (
                Problem(
                    names[extract.dictionary.file_of(role)],
                    f"none of its {there:,} patients is in {names[main]}",
                    advice="Are the keys of the same kind, and the files of the same patients?",
                ),
            ),
            (),
        )
    if alone:
        advice = f"These patients are not in file '{main}': what it says of them is not used."
        findings.append(Finding("warning", role, "patient_id", "", "key_not_met", alone, advice))
    if extract.dictionary.files[role].grain == "patient":
        lacking = _n(extract, patients[main].join(patients[role], on="key", how="anti"))
        if lacking:
            advice = (
                f"These patients are not in file '{role}': what comes from it is missing for them."
            )
            findings.insert(
                0, Finding("warning", main, "patient_id", "", "key_not_met", lacking, advice)
            )
    return Keys((), tuple(findings))


def _n(extract: Extract, table: LazyTable) -> int:
    return int(extract.engine.collect(table.select(n=nw.len()))["n"][0].as_py())
