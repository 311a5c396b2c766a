"""A source's text becomes canonical columns; everything that could not be used is counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import narwhals as nw

from cohort.data_findings import (
    absent_files,
    tally_findings,
    unknown_code_problems,
    unmapped_columns,
    unverified_codes,
)
from cohort.dictionary import SourceDictionary
from cohort.errors import DataError, Problem, SpecError
from cohort.joining import Keys, check_keys
from cohort.loading import Extract
from cohort.overrides import override_choices, override_findings, override_problems
from cohort.pieces import Overrides, Pieces, order, resolved
from cohort.receptors import with_receptors
from cohort.recoding import Recoded, recode_rows
from cohort.records import Records, records
from cohort.sites import site_findings
from cohort.table import Choice, Cohort, Finding
from cohort.texts import texts
from cohort.tumours import index_tumours

LazyTable = nw.LazyFrame[Any]


def harmonise(
    extract: Extract,
    *,
    on_unknown_code: Literal["warn", "stop"] = "warn",
    recode: Overrides | None = None,
) -> Cohort:
    """The patients of a source under canonical names, one row each.

    Codes become the schema's levels and numbers its units, as the dictionary states. A value
    that cannot be used is missing and counted in a finding: codes that the dictionary does not
    have, text that is no number, numbers and dates that cannot be, each kind of missing.
    Interval codes fill the bounds of HER2 ratio and copies (a plain number is both its bounds);
    elsewhere they are missing and counted. `hr_status` is positive where ER or PR is positive
    and negative where both are negative. A canonical column that the dictionary knows and the
    file lacks is missing throughout; an endpoint that it lacks (``given_...``) is left out.

    Where the source has one row a tumour, the index tumour stands for its patient
    (cohort.tumours). Specimens and events, where the dictionary describes them, are harmonised
    alike and kept beside the patients.

    Parameters
    ----------
    extract
        What `load` read.
    on_unknown_code
        ``warn`` makes a code that the dictionary does not have missing, with a finding;
        ``stop`` makes it an error.
    recode
        What the study says that texts of the source mean, by canonical column:
        ``{"her2_ihc": {"0-1+": "1+"}}``. Letters match in either case; such a text is read so
        before any code or missing token.

    Raises
    ------
    SpecError
        For another `on_unknown_code`, and for a `recode` of columns that the source does not
        give or to values that they do not have.
    DataError
        Where a patient stands in several rows of a file of one row a patient, or a tumour in
        several of one row a tumour; where a key is missing; where two files have no patient in
        common; and for unknown codes where they are to stop.

    Notes
    -----
    Checked against hand-made files of every kind of value, and the published counts of
    TCGA-BRCA and METABRIC (tests/cohort/test_harmonise.py, test_sources.py).
    """
    if on_unknown_code not in ("warn", "stop"):
        raise SpecError(Problem("on_unknown_code", f"'{on_unknown_code}'", "warn, stop"))
    overrides = _checked(recode or {}, extract.dictionary)
    return _harmonised(extract, on_unknown_code, overrides)


def _harmonised(extract: Extract, on_unknown_code: str, overrides: Overrides) -> Cohort:
    """Keys, patients, specimens, events and findings, in this order."""
    dictionary = extract.dictionary
    keys = check_keys(extract)
    if keys.problems:
        raise DataError(keys.problems, extract.findings)
    patients = _patients(extract, overrides)
    of_patients = (patients.table, patients.n, overrides, patients.pieces)
    specimens = records(extract, "specimens", *of_patients)
    events = records(extract, "events", *of_patients)
    findings = _findings(extract, keys, patients, (specimens, events), overrides)
    if on_unknown_code == "stop":
        problems = unknown_code_problems(findings, dictionary.name)
        if problems:
            raise DataError(problems, findings)
    chosen = dict.fromkeys((*patients.choices, *specimens.choices, *events.choices))
    return Cohort(
        patients=patients.table,
        engine=extract.engine,
        source=dictionary.name,
        time_unit=dictionary.time.followup,
        n=patients.n,
        identifies=tuple(dictionary.identifies.said().items()),
        findings=findings,
        files=extract.files,
        choices=(*_identity(dictionary), *chosen, *override_choices(overrides)),
        specimens=specimens.table,
        events=events.table,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Patients:
    """Harmonised patients, computed, and what was seen on the way."""

    table: LazyTable
    n: int
    pieces: Pieces
    recoded: Recoded
    choices: tuple[Choice, ...]
    findings: tuple[Finding, ...] = ()


def _checked(overrides: Overrides, dictionary: SourceDictionary) -> Overrides:
    """Overrides that the source can follow; SpecError with all that is wrong in them."""
    found = [
        Problem(".".join(("recode", *place)), what, allowed, advice)
        for place, what, allowed, advice in override_problems(dictionary, overrides)
    ]
    if found:
        raise SpecError(found)
    return overrides


def _patients(extract: Extract, overrides: Overrides) -> _Patients:
    """The canonical columns of the main file's patients, or of their index tumours."""
    main = extract.dictionary.main
    pieces = resolved(extract, extract.dictionary.columns, overrides)
    recoded = recode_rows(texts(extract, main, pieces.names), pieces, extract.dictionary.missing)
    whole = with_receptors(recoded.table.select(recoded.columns))
    names = sorted(whole.collect_schema().names(), key=order)
    # What was recoded in memory is computed already; the next stage copies it with its own columns.
    table = whole.select(names)
    if not recoded.computed or extract.dictionary.of_tumours:
        table = extract.engine.materialise(table)
    if not extract.dictionary.of_tumours:
        return _Patients(table, recoded.n, pieces, recoded, pieces.choices)
    chosen = index_tumours(table, extract.engine, main)
    return _Patients(chosen.patients, chosen.n, pieces, recoded, pieces.choices, chosen.findings)


def _findings(
    extract: Extract,
    keys: Keys,
    patients: _Patients,
    beside: tuple[Records, ...],
    overrides: Overrides,
) -> tuple[Finding, ...]:
    """All that was seen, in the order in which the stages saw it."""
    groups = patients.pieces.groups
    tallies = [patients.recoded.tallies, *(one.tallies for one in beside)]
    unit = "tumour" if extract.dictionary.of_tumours else "patient"
    return (
        *extract.findings,
        *absent_files(extract),
        *keys.findings,
        *tally_findings(patients.recoded.tallies, groups, unit),
        *patients.findings,
        *site_findings(patients.table, extract.engine, extract.dictionary.main),
        *(finding for one in beside for finding in one.findings),
        *override_findings(overrides, tallies),
        *unmapped_columns(extract),
        *unverified_codes(extract, groups),
    )


def _identity(dictionary: SourceDictionary) -> tuple[Choice, ...]:
    """Which dictionary read the source."""
    return (
        Choice("harmonise", "source", dictionary.name, dictionary.describes),
        Choice("harmonise", "dictionary_sha256", dictionary.sha256),
    )
