"""The index specimen of each patient, whose HER2 evidence the patient's status rests on.

The in-situ part of an invasive tumour is never evidence, nor is a specimen that says nothing of
HER2. Among the others NAACCR item 3855 orders, each before the next: a specimen of the tumour
that the patient's row describes; the primary (or a site not stated), else nodes, else a
metastasis, else tissue at recurrence; before treatment (or a time not stated), else after
neoadjuvant therapy; the largest of several tumours; the highest category, an unresolved 2+
yielding only to a positive result or to a negative in-situ result at 2+; the higher score; the
earliest day; the smaller key.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import narwhals as nw

from cohort import her2_rules
from cohort.errors import Problem, SpecError, listed, suggest
from cohort.her2 import DEFAULT_EDITION, her2_columns
from cohort.her2_policies import resolved
from cohort.schema import CARRIED, HER2_EVIDENCE, SCHEMA, SPECIMEN, column
from cohort.specimen_findings import STAGE, SpecimenTables, specimen_findings
from cohort.specimen_order import chosen, with_tumours, without_sizes
from cohort.table import Choice, Cohort

LazyTable = nw.LazyFrame[Any]

_DECIDED = "specimens"  # under which choices are noted


def index_specimen(
    cohort: Cohort,
    *,
    policies: Mapping[str, str] | str | None = None,
    edition: int = DEFAULT_EDITION,
    index_day: str | None = None,
) -> Cohort:
    """The cohort whose patients have the HER2 evidence of their index specimen.

    By the rules of NAACCR item 3855 (this module's first lines), or as edge case E10 says:
    ``closest`` (the last specimen on or before `index_day`), ``ever_low`` (the highest category
    of all), ``first``, ``last``. Patients without a usable specimen keep the evidence of their
    own row; under ``closest``, which needs a date, they have none. Where both have evidence, the
    specimen's stands and disagreements are counted. What else a specimen tells (receptors, grade)
    fills what the patient's row lacks. Nothing happens where the source holds no specimens.

    Parameters
    ----------
    cohort
        Harmonised patients and specimens; before `classify_her2`.
    policies
        As `classify_her2` takes them. E10 chooses the order; the others and `edition` decide
        the category of each specimen.
    index_day
        Column of the day before which ``closest`` looks, such as ``metastasis_day``.

    Returns
    -------
    Cohort
        With the evidence and ``specimen_id, specimen_day, specimen_site, specimen_timing,
        specimen_invasive`` of the index specimen, and a finding for each kind of choice made.

    Raises
    ------
    SpecError
        For a choice that does not exist, and an index day that is missing, unknown or not used.

    Notes
    -----
    Method: notes of NAACCR item 3855 (EOD public 3.3). Checked against hand-made patients for
    each rule (tests/cohort/test_specimens.py).
    """
    settled = resolved(policies)
    _check_index_day(cohort, settled["E10"], index_day)
    if cohort.specimens is None:
        return _as_given(cohort, settled)
    return _with_index(cohort, cohort.specimens, index_day, (edition, settled))


def _as_given(cohort: Cohort, settled: Mapping[str, str]) -> Cohort:
    """Patients of a source without specimens; its rows may still say when HER2 was tested."""
    if "specimen_timing" not in cohort.columns:
        return cohort
    told = tuple(choice for choice in _choices(settled, None) if choice.name == "E11")
    return cohort.noting(choices=tuple(c for c in told if c not in cohort.choices))


def _with_index(
    cohort: Cohort,
    specimens: LazyTable,
    index_day: str | None,
    rules: tuple[int, Mapping[str, str]],
) -> Cohort:
    """Each specimen's category, the index specimens by E10, and the patients with them."""
    edition, settled = rules
    choice, engine = settled["E10"], cohort.engine
    every = judged_specimens(cohort, specimens, rules, index_day)
    usable = every.filter(nw.col("usable"))
    features = _features(specimens)
    index = engine.materialise(chosen(usable, engine, choice, features))
    own = _own_status(cohort, edition, settled)
    findings = specimen_findings(cohort, SpecimenTables(every, usable, index, own), choice)
    keep = choice != "closest"
    made = replace(
        cohort,
        patients=engine.materialise(
            _filled(_with_evidence(cohort, index, every, keep=keep), index, features)
        ),
        findings=tuple(f for f in cohort.findings if f.source != STAGE),
        choices=tuple(c for c in cohort.choices if c.stage != _DECIDED),
    )
    return made.noting(findings, _choices(settled, index_day))


def _own_status(cohort: Cohort, edition: int, settled: Mapping[str, str]) -> LazyTable:
    """The status of each patient by the evidence in the patient's own row."""
    if set(HER2_EVIDENCE) & set(cohort.columns):
        patients = _status(cohort, cohort.patients, edition, settled)
    else:
        patients = cohort.patients.with_columns(her2_status=nw.lit("unknown"))
    return patients.select("patient_id", "her2_status")


def judged_specimens(
    cohort: Cohort,
    specimens: LazyTable,
    rules: tuple[int, Mapping[str, str]],
    index_day: str | None = None,
) -> LazyTable:
    """The patients' specimens with their own HER2 status, their tumour and whether of use.

    Each is classified by itself; edge case E11 is of patients and not of specimens.
    """
    edition, settled = rules
    known = _status(cohort, whole(specimens), edition, {**settled, "E11": "left_in"})
    judged = cohort.engine.materialise(_usable(known, cohort.patients, index_day))
    given = set(specimens.collect_schema().names())
    if {"tumour_id", "tumour_size_mm"} <= given:
        return cohort.engine.materialise(with_tumours(judged))
    return without_sizes(judged)


def _status(
    cohort: Cohort, frame: LazyTable, edition: int, settled: Mapping[str, str]
) -> LazyTable:
    assay = dict(cohort.identifies).get("her2_assay", "")
    return her2_columns(frame, cohort.engine, edition=edition, policies=settled, assay=assay)


def whole(specimens: LazyTable) -> LazyTable:
    """Specimens with every column of a specimen and of HER2 evidence, null where not given."""
    names = specimens.collect_schema().names()
    lacking = [name for name in (*SPECIMEN, *HER2_EVIDENCE) if name not in names]
    return specimens.with_columns(*(absent(name) for name in lacking))


def absent(name: str) -> nw.Expr:
    """A canonical column of nulls."""
    kind: Any = nw.Float64 if SCHEMA[name].kind == "number" else nw.String
    return nw.lit(None).cast(kind).alias(name)


def _check_index_day(cohort: Cohort, choice: str, index_day: str | None) -> None:
    """Refuse an index day that is missing, has no use or is not there."""
    where = "her2.index_day"
    if index_day is None and choice == "closest":
        found = "'closest' needs the day that the specimen must not be after"
        raise SpecError(Problem(where, found, advice="Such as metastasis_day."))
    if index_day is not None and choice != "closest":
        found = f"'{index_day}' is given, and E10 is '{choice}', which has no use for it"
        raise SpecError(Problem(where, found, advice="Choose closest, or leave it out."))
    if index_day is not None and index_day not in cohort.columns:
        days = [name for name in cohort.columns if name.endswith("_day")]
        found = f"'{index_day}' is not a column of this cohort"
        near = suggest(index_day, days)
        raise SpecError(Problem(where, found, f"Columns: {listed(days)}", near))


def _usable(known: LazyTable, patients: LazyTable, index_day: str | None) -> LazyTable:
    """The patients' specimens, and of each whether it is evidence and whether it may be used."""
    names = patients.collect_schema().names()
    told = {"p_behaviour": "behaviour", "p_tumour": "tumour_id"}
    own = patients.select(
        "patient_id",
        *(
            (nw.col(name) if name in names else absent(name)).alias(alias)
            for alias, name in told.items()
        ),
        (nw.lit(0.0) if index_day is None else nw.col(index_day)).alias("p_index_day"),
    )
    joined = known.join(own, on="patient_id", how="inner")
    evidence = nw.col("her2_status") != "unknown"
    part = nw.col("specimen_invasive") == "no"
    if "behaviour" in known.collect_schema().names():
        part = part.fill_null(False) | (
            nw.col("specimen_invasive").is_null() & (nw.col("behaviour") == "in_situ")
        )
    in_situ = part & ~(nw.col("p_behaviour") == "in_situ").fill_null(False)
    in_time = nw.lit(True)
    if index_day is not None:
        in_time = (nw.col("specimen_day") <= nw.col("p_index_day")).fill_null(False)
    told_apart = nw.col("tumour_id") != nw.col("p_tumour")
    return joined.with_columns(
        evidence=evidence,
        in_situ=in_situ.fill_null(False),
        in_time=in_time,
        other_primary=told_apart.fill_null(False),
    ).with_columns(usable=nw.col("evidence") & ~nw.col("in_situ") & nw.col("in_time"))


def _with_evidence(cohort: Cohort, index: LazyTable, every: LazyTable, *, keep: bool) -> LazyTable:
    """Patients with the evidence of their index specimen; `keep` leaves the others their own.

    Patients of whom only an in-situ part was tested have that said in ``specimen_invasive``.
    """
    names = cohort.columns
    taken = (*HER2_EVIDENCE, *CARRIED)
    given = index.select(
        "patient_id", *(nw.col(name).alias(f"s_{name}") for name in taken), s_found=nw.lit(True)
    )
    in_situ = (nw.col("evidence") & nw.col("in_situ")).cast(nw.Int64)
    part = (
        every.with_columns(in_situ_i=in_situ)
        .group_by("patient_id")
        .agg(s_in_situ=nw.col("in_situ_i").max())
    )
    joined = cohort.patients.join(given, on="patient_id", how="left").join(
        part, on="patient_id", how="left"
    )
    found = nw.col("s_found").fill_null(False)
    columns = {}
    for name in taken:
        other = nw.col(name) if name in names and keep else absent(name)
        columns[name] = nw.when(found).then(nw.col(f"s_{name}")).otherwise(other)
    only_part = ~found & (nw.col("s_in_situ") == 1).fill_null(False)
    columns["specimen_invasive"] = (
        nw.when(only_part).then(nw.lit("no")).otherwise(columns["specimen_invasive"])
    )
    return joined.with_columns(**columns).select(*names, *(n for n in taken if n not in names))


def _features(specimens: LazyTable) -> tuple[str, ...]:
    """What the specimens tell of their tumour besides HER2: its receptors, its grade."""
    other = {"patient_id", "her2_other_reported", *SPECIMEN, *CARRIED, *HER2_EVIDENCE}
    names = specimens.collect_schema().names()
    return tuple(name for name in names if name in SCHEMA and name not in other)


def _filled(patients: LazyTable, index: LazyTable, features: Sequence[str]) -> LazyTable:
    """Patients with features of the index specimen where their own row does not have them."""
    if not features:
        return patients
    names = patients.collect_schema().names()
    given = index.select("patient_id", *(nw.col(name).alias(f"s_{name}") for name in features))
    columns = {
        name: nw.coalesce(nw.col(name), nw.col(f"s_{name}"))
        if name in names
        else nw.col(f"s_{name}")
        for name in features
    }
    joined = patients.join(given, on="patient_id", how="left").with_columns(**columns)
    return joined.select(*names, *(name for name in features if name not in names))


def _choices(settled: Mapping[str, str], index_day: str | None) -> tuple[Choice, ...]:
    """What was decided about specimens, for the methods text and the manifest."""
    made = [
        Choice(_DECIDED, policy.id, settled[policy.id], policy.meaning(settled[policy.id]))
        for policy in her2_rules.policies()
        if policy.stage == "specimens"
    ]
    if index_day is not None:
        known = column(index_day)
        made.append(Choice(_DECIDED, "index_day", index_day, known.meaning if known else ""))
    return tuple(made)
