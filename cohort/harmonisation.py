"""A source's text becomes canonical columns; everything that could not be used is counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import narwhals as nw

from cohort.codes import CodeTable
from cohort.data_findings import Decoded, decoding_findings, unknown_code_problems
from cohort.decode import BLANK, MISSING, OUTSIDE, Decoder, Outcomes, Piece, first
from cohort.dictionary import ColumnRule, SourceDictionary, Text, split
from cohort.dictionary_checks import INTERVALS
from cohort.errors import DataError
from cohort.joining import column_name, join, key_problems
from cohort.loading import Extract
from cohort.schema import SCHEMA, Column, column
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
    file lacks is missing throughout.

    Parameters
    ----------
    extract
        What `load` read.
    on_unknown_code
        ``warn`` makes a code that the dictionary does not have missing, with a finding;
        ``stop`` makes it an error.

    Raises
    ------
    DataError
        Where a patient stands in several rows of a file of one row a patient, where a key is
        missing, and for unknown codes where they are to stop.

    Notes
    -----
    Checked against hand-made files of every kind of value, and the published counts of
    TCGA-BRCA and METABRIC (tests/cohort/test_harmonisation.py, test_sources.py).
    """
    dictionary = extract.dictionary
    problems = key_problems(extract)
    if problems:
        raise DataError(problems, extract.findings)
    pieces, choices = _pieces(extract)
    references = {split(name) for piece in pieces.values() for p in piece for name in _used(p)}
    references |= {split(name) for item in dictionary.unmapped for name in item.columns}
    given = {reference for reference in references if reference[0] in extract.headings}
    joined = join(extract, given)
    decoded = _decode(extract, joined.table, pieces)
    findings = (
        *extract.findings, *_absent_files(extract), *joined.findings, *decoding_findings(decoded)
    )  # fmt: skip
    if on_unknown_code == "stop":
        problems = unknown_code_problems(findings, dictionary.name)
        if problems:
            raise DataError(problems, findings)
    names = _canonical(pieces)
    counted = extract.engine.collect(decoded.table.select(n=nw.len()))
    return Cohort(
        patients=decoded.table.select(names),
        engine=extract.engine,
        source=dictionary.name,
        time_unit=dictionary.time.followup,
        n=int(counted["n"][0].as_py()),
        identifies=tuple((name, _said(value)) for name, value in dictionary.identifies.items()),
        findings=findings,
        files=extract.files,
        choices=(
            Choice("harmonise", "source", dictionary.name, dictionary.describes),
            Choice("harmonise", "dictionary_sha256", dictionary.sha256),
            *choices,
        ),
    )


def _pieces(extract: Extract) -> tuple[dict[str, tuple[Piece, ...]], list[Choice]]:
    """The rules of each canonical column, resolved to what the files have."""
    dictionary = extract.dictionary
    made: dict[str, tuple[Piece, ...]] = {}
    choices = []
    number = 0
    for name in sorted(dictionary.columns, key=_order):
        known = column(name)
        assert known is not None
        pieces = []
        for rule in dictionary.columns[name]:
            table = None if rule.codes is None else dictionary.codes(rule.codes)
            chosen = _chosen(rule, extract)
            pieces.append(_piece(number, known, rule, table, chosen, extract))
            number += 1
            if rule.first_of:
                choices.append(
                    Choice("harmonise", name, ", ".join(chosen.references), "the first file given")
                )
        if name.startswith("given_") and not any(piece.texts for piece in pieces):
            continue  # an endpoint that this copy of the source does not give
        made[name] = tuple(pieces)
    return made, choices


def _chosen(rule: ColumnRule, extract: Extract) -> Text:
    """The alternative of a rule whose file was given."""
    for item in rule.alternatives:
        if any(split(name)[0] in extract.headings for name in item.references):
            return item
    return rule.alternatives[0]


def _piece(
    number: int,
    known: Column,
    rule: ColumnRule,
    table: CodeTable | None,
    chosen: Text,
    extract: Extract,
) -> Piece:
    """A rule resolved to columns of the joined table."""
    role = split(chosen.references[0])[0]
    if rule.days_from is not None:
        both = [column_name(extract, split(name)) for name in chosen.references]
        found = [name for name in both if name is not None]
        texts = tuple(found) if len(found) == len(both) else ()
    else:
        named = [(name, column_name(extract, split(name))) for name in chosen.references]
        present = [(name, at) for name, at in named if at is not None]
        if not chosen.coalesce:
            present = present[:1]
        role = split(present[0][0])[0] if present else role
        texts = tuple(dict.fromkeys(at for _, at in present))
    return Piece(number, known, rule, table, role, texts)


def _used(piece: Piece) -> tuple[str, ...]:
    return piece.rule.references


def _decode(
    extract: Extract, table: LazyTable, pieces: Mapping[str, tuple[Piece, ...]]
) -> Decoded:
    """Text to values and outcomes, computed once, with what its findings need."""
    dictionary = extract.dictionary
    every = [piece for group in pieces.values() for piece in group]
    tokens = tuple((token.lower(), kind) for token, kind in dictionary.missing.items())
    outcomes = Outcomes.of(_kinds(dictionary))
    decoder = Decoder(tokens, outcomes)
    for step in (decoder.text, decoder.key, decoder.number, decoder.outcome):
        columns = {name: expr for piece in every for name, expr in step(piece).items()}
        table = table.with_columns(**columns)
    whole = [name for name, group in pieces.items() if group[0].rule.years is None]
    by_year = [name for name in pieces if name not in whole]
    for names in (whole, by_year):
        columns = {}
        for name in names:
            columns |= _combined(name, pieces[name], decoder)
        table = table.with_columns(**columns) if columns else table
    if {"er_status", "pr_status"} <= set(pieces) and "hr_status" not in pieces:
        table = table.with_columns(hr_status=_hr_status())
    keep = [*_canonical(pieces), *(f"{name}?" for name in pieces)]
    kept = extract.engine.materialise(table.select(keep))
    return Decoded(extract, outcomes, kept, table, pieces)


def _combined(name: str, pieces: Sequence[Piece], decoder: Decoder) -> dict[str, nw.Expr]:
    """A column's value, bounds, outcome and raw text, over its rules by year."""
    bounded = name in INTERVALS
    names = [name, *([f"{name}_low", f"{name}_high"] if bounded else [])]
    made = [decoder.values(piece, bounded) for piece in pieces]
    outcomes = [nw.col(piece.at("w")) for piece in pieces]
    texts = [nw.col(piece.at("x")) for piece in pieces]
    if pieces[0].rule.years is None:
        columns = dict(zip(names, made[0], strict=True))
        return columns | {f"{name}?": outcomes[0], f"{name}=": texts[0]}
    when = [_in_years(piece.rule) for piece in pieces]
    columns = {}
    for i, column_made in enumerate(names):
        cases = [(condition, values[i]) for condition, values in zip(when, made, strict=True)]
        columns[column_made] = first(cases, nw.lit(None))
    columns[f"{name}?"] = first(
        list(zip(when, outcomes, strict=True)), decoder.outcomes.lit(OUTSIDE)
    )
    columns[f"{name}="] = first(list(zip(when, texts, strict=True)), nw.lit(None))
    return columns


def _in_years(rule: ColumnRule) -> nw.Expr:
    """Whether the patient was diagnosed in the years that the rule is for."""
    start, end = rule.years or (None, None)
    year = nw.col("diagnosis_year")
    condition = ~year.is_null()
    if start is not None:
        condition = condition & (year >= start)
    if end is not None:
        condition = condition & (year <= end)
    return condition


def _hr_status() -> nw.Expr:
    er, pr = nw.col("er_status"), nw.col("pr_status")
    return first(
        [
            ((er == "positive").fill_null(False) | (pr == "positive").fill_null(False),
             nw.lit("positive")),
            ((er == "negative") & (pr == "negative"), nw.lit("negative")),
        ],
        nw.lit(None, dtype=nw.String),
    )  # fmt: skip


def _canonical(pieces: Mapping[str, tuple[Piece, ...]]) -> list[str]:
    """Names of the patients' columns, in the schema's order."""
    names = {"patient_id", *pieces}
    names |= {f"{name}_{side}" for name in INTERVALS if name in pieces for side in ("low", "high")}
    if {"er_status", "pr_status"} <= names:
        names.add("hr_status")
    return sorted(names, key=_order)


def _order(name: str) -> tuple[int, str]:
    known = list(SCHEMA)
    return (known.index(name) if name in SCHEMA else len(known), name)


def _kinds(dictionary: SourceDictionary) -> list[str]:
    """Every kind of missing that the dictionary tells apart."""
    tables = {rule.codes for _, _, rule in dictionary.rules() if rule.codes is not None}
    codes = [code for name in tables for code in dictionary.codes(name).codes]
    coded = [code.outcome.removeprefix(MISSING) for code in codes if code.kind == "missing"]
    return [kind for kind in {*dictionary.missing.values(), *coded} if kind != BLANK]


def _absent_files(extract: Extract) -> list[Finding]:
    """Files that the dictionary knows and that were not given."""
    return [
        Finding(
            "info", role, "", "", "file_not_given", 0,
            "This file of the source was not given: what only it has is missing.",
        )
        for role in extract.dictionary.files if role not in extract.headings
    ]  # fmt: skip


def _said(value: bool | str) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value
