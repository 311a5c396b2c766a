"""A source's text becomes canonical columns; everything that could not be used is counted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import narwhals as nw

from cohort.data_findings import (
    absent_files,
    tally_findings,
    unknown_code_problems,
    unmapped_columns,
    unverified_codes,
)
from cohort.decode import CodeBook, Piece
from cohort.dictionary import SourceDictionary
from cohort.dictionary_rules import ColumnRule, Text, split
from cohort.errors import DataError, Problem, SpecError
from cohort.joining import Joined, column_name, join, key_problems
from cohort.loading import Extract
from cohort.recoding import Recoded, recode
from cohort.schema import SCHEMA, column
from cohort.table import Choice, Cohort, Finding

LazyTable = nw.LazyFrame[Any]


def harmonise(extract: Extract, *, on_unknown_code: Literal["warn", "stop"] = "warn") -> Cohort:
    """The patients of a source under canonical names, one row each.

    Codes become the schema's levels and numbers its units, as the dictionary states. A value
    that cannot be used is missing and counted in a finding: codes that the dictionary does not
    have, text that is no number, numbers and dates that cannot be, each kind of missing.
    Interval codes fill the bounds of HER2 ratio and copies (a plain number is both its bounds);
    elsewhere they are missing and counted. `hr_status` is positive where ER or PR is positive
    and negative where both are negative. A canonical column that the dictionary knows and the
    file lacks is missing throughout; an endpoint that it lacks (``given_...``) is left out.

    Parameters
    ----------
    extract
        What `load` read.
    on_unknown_code
        ``warn`` makes a code that the dictionary does not have missing, with a finding;
        ``stop`` makes it an error.

    Raises
    ------
    SpecError
        For another `on_unknown_code`.
    DataError
        Where a patient stands in several rows of a file of one row a patient, where a key is
        missing, and for unknown codes where they are to stop.

    Notes
    -----
    Checked against hand-made files of every kind of value, and the published counts of
    TCGA-BRCA and METABRIC (tests/cohort/test_harmonise.py, test_sources.py).
    """
    if on_unknown_code not in ("warn", "stop"):
        raise SpecError(Problem("on_unknown_code", f"'{on_unknown_code}'", "warn, stop"))
    dictionary = extract.dictionary
    problems = key_problems(extract)
    if problems:
        raise DataError(problems, extract.findings)
    pieces, choices = _pieces(extract)
    joined = join(extract, _references(extract, pieces))
    recoded = recode(extract, joined.table, pieces)
    findings = _findings(extract, joined, recoded, pieces)
    if on_unknown_code == "stop":
        problems = unknown_code_problems(findings, dictionary.name)
        if problems:
            raise DataError(problems, findings)
    return Cohort(
        patients=_patients(extract, recoded),
        engine=extract.engine,
        source=dictionary.name,
        time_unit=dictionary.time.followup,
        n=recoded.n,
        identifies=tuple(
            (name, _said(value)) for name, value in dictionary.identifies.stated().items()
        ),
        findings=findings,
        files=extract.files,
        choices=(*_identity(dictionary), *choices),
    )


def _findings(
    extract: Extract, joined: Joined, recoded: Recoded, pieces: Mapping[str, tuple[Piece, ...]]
) -> tuple[Finding, ...]:
    """All that was seen, in the order in which the stages saw it."""
    return (
        *extract.findings,
        *absent_files(extract),
        *joined.findings,
        *tally_findings(recoded.tallies, pieces),
        *unmapped_columns(extract, joined.table),
        *unverified_codes(extract, pieces),
    )


def _identity(dictionary: SourceDictionary) -> tuple[Choice, ...]:
    """Which dictionary read the source."""
    return (
        Choice("harmonise", "source", dictionary.name, dictionary.describes),
        Choice("harmonise", "dictionary_sha256", dictionary.sha256),
    )


def _pieces(extract: Extract) -> tuple[dict[str, tuple[Piece, ...]], list[Choice]]:
    """The rules of each canonical column, resolved to what the files have."""
    columns = extract.dictionary.columns
    made: dict[str, tuple[Piece, ...]] = {}
    choices = []
    for name in sorted(columns, key=_order):
        made[name] = tuple(_piece(name, rule, extract) for rule in columns[name])
        for rule in columns[name]:
            if rule.first_of:
                chosen = ", ".join(_chosen(rule, extract).references)
                choices.append(Choice("harmonise", name, chosen, "from the first file given"))
    given = {name for name in made if name.startswith("given_")}
    lacking = {name for name in given if not any(piece.texts for piece in made[name])}
    return {name: group for name, group in made.items() if name not in lacking}, choices


def _chosen(rule: ColumnRule, extract: Extract) -> Text:
    """The alternative of a rule whose file was given."""
    for item in rule.alternatives:
        if any(split(name)[0] in extract.headings for name in item.references):
            return item
    return rule.alternatives[0]


def _piece(name: str, rule: ColumnRule, extract: Extract) -> Piece:
    """A rule resolved to columns of the joined table."""
    known = column(name)
    if known is None:
        raise ValueError(f"{name} is no canonical column")
    book = None if rule.codes is None else CodeBook(extract.dictionary.codes(rule.codes))
    chosen = _chosen(rule, extract)
    named = [(split(ref)[0], column_name(extract, split(ref))) for ref in chosen.references]
    present = [(role, at) for role, at in named if at is not None]
    if rule.days_from is not None:
        present = present if len(present) == len(named) else []
    elif not chosen.coalesce:
        present = present[:1]
    role = (present or named)[0][0]
    return Piece(known, rule, book, role, tuple(at for _, at in present))


def _references(extract: Extract, pieces: Mapping[str, tuple[Piece, ...]]) -> set[tuple[str, int]]:
    """Role and place of every column that is read."""
    names = {name for group in pieces.values() for piece in group for name in piece.texts}
    for item in extract.dictionary.unmapped:
        found = [column_name(extract, split(reference)) for reference in item.columns]
        names |= {name for name in found if name is not None}
    return {(role, int(at)) for role, at in (name.split(":") for name in names)}


def _patients(extract: Extract, recoded: Recoded) -> LazyTable:
    """The canonical columns, computed once."""
    table, names = recoded.table, set(recoded.columns)
    if {"er_status", "pr_status"} <= names and "hr_status" not in names:
        names.add("hr_status")
        er, pr = nw.col("er_status"), nw.col("pr_status")
        either = (er == "positive").fill_null(False) | (pr == "positive").fill_null(False)
        neither = ((er == "negative") & (pr == "negative")).fill_null(False)
        negative = nw.when(neither).then(nw.lit("negative")).otherwise(nw.lit(None))
        status = nw.when(either).then(nw.lit("positive")).otherwise(negative)
        table = table.with_columns(hr_status=status)
    ordered = sorted(names, key=_order)
    return extract.engine.materialise(table.select(ordered))


def _order(name: str) -> tuple[int, str]:
    known = list(SCHEMA)
    return (known.index(name) if name in SCHEMA else len(known), name)


def _said(value: bool | str) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value
