"""What the choice of index specimens met, counted in patients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import narwhals as nw

from cohort.specimen_order import site_place, status_place
from cohort.table import Cohort, Finding, Severity

LazyTable = nw.LazyFrame[Any]

# Findings of a file have its role as source; no role has this name (cohort.dictionary_checks).
STAGE = "index_specimen"

_Told = tuple[str, Severity, str, nw.Expr, str]


@dataclass(frozen=True, slots=True, eq=False)
class SpecimenTables:
    """The tables that the choice of index specimens made.

    Attributes
    ----------
    every
        All specimens of the patients, with what makes them usable.
    usable
        Those that may be chosen, with the size of their tumour.
    index
        The chosen one of each patient.
    own
        Status of each patient by the patient's own row.
    """

    every: LazyTable
    usable: LazyTable
    index: LazyTable
    own: LazyTable


def specimen_findings(cohort: Cohort, tables: SpecimenTables, choice: str) -> tuple[Finding, ...]:
    """Counts of patients by what their specimens are and by how one of them was chosen."""
    index = tables.index.select(
        "patient_id",
        index_site="specimen_site",
        index_timing="specimen_timing",
        index_place=site_place(),
        index_status="her2_status",
        index_other="other_primary",
    )
    counted = cohort.patients.select("patient_id")
    for table in (_by_patient(tables.every), _beside(tables.usable), index, tables.own):
        counted = counted.join(table, on="patient_id", how="left")
    told = _told(choice)
    sums = {rule: when.fill_null(False).cast(nw.Int64).sum() for rule, _, _, when, _ in told}
    row = cohort.engine.collect(counted.select(**sums)).to_pylist()[0]
    return tuple(
        Finding(severity, STAGE, column, "", rule, int(row[rule]), advice)
        for rule, severity, column, _, advice in told
        if row[rule]
    )


def _by_patient(usable: LazyTable) -> LazyTable:
    """Specimens of each patient: with evidence, in situ, too late or undated, usable."""
    evidence, may = nw.col("evidence"), nw.col("usable")
    place = nw.when(may).then(nw.col("place_of_status")).otherwise(nw.lit(None))
    marks = usable.with_columns(place_of_status=status_place())
    return (
        marks.with_columns(
            with_evidence=evidence.cast(nw.Int64),
            may=may.cast(nw.Int64),
            part=(evidence & nw.col("in_situ")).cast(nw.Int64),
            untimely=(evidence & ~nw.col("in_time")).cast(nw.Int64),
            other=(may & nw.col("other_primary")).cast(nw.Int64),
            undated=(may & nw.col("specimen_day").is_null()).cast(nw.Int64),
            status_i=place,
        )
        .group_by("patient_id")
        .agg(
            n_rows=nw.len(),
            n_evidence=nw.col("with_evidence").sum(),
            n_usable=nw.col("may").sum(),
            n_in_situ=nw.col("part").sum(),
            n_untimely=nw.col("untimely").sum(),
            n_other=nw.col("other").sum(),
            n_undated=nw.col("undated").sum(),
            highest=nw.col("status_i").min(),
            lowest=nw.col("status_i").max(),
        )
    )


def _beside(usable: LazyTable) -> LazyTable:
    """The tumours of each patient's usable specimens, and whether one was taken early."""
    early = (nw.col("specimen_timing") == "before_treatment").fill_null(False)
    patient = ["patient_id"]
    tumours = usable.group_by("patient_id", "tumour_key").agg(
        mm=nw.col("tumour_mm").max(), n_early=early.cast(nw.Int64).sum()
    )
    largest = tumours.group_by(patient).agg(largest_mm=nw.col("mm").max())
    joined = tumours.join(largest, on=patient, how="inner")
    at_top = (nw.col("mm") == nw.col("largest_mm")).cast(nw.Int64)
    return (
        joined.with_columns(at_top=at_top)
        .group_by(patient)
        .agg(
            n_early=nw.col("n_early").sum(),
            n_tumours=nw.len(),
            n_largest=nw.col("at_top").sum(),
            least_mm=nw.col("mm").min(),
            most_mm=nw.col("mm").max(),
        )
    )


def _told(choice: str) -> tuple[_Told, ...]:
    """(rule, severity, column, condition on a patient, advice) of each finding, in order."""
    by_rule = (*_EVERY, *(_OF_3855 if choice == "item_3855" else ()))
    if choice == "closest":
        return (*by_rule, *_OF_CLOSEST)
    return (*by_rule, _UNDATED) if choice in ("first", "last") else by_rule


_n_usable = nw.col("n_usable")
_found = (_n_usable > 0).fill_null(False)
_several_tumours = nw.col("n_tumours") > 1
_own_evidence = nw.col("her2_status") != "unknown"
_EVERY: tuple[_Told, ...] = (
    (
        "several_specimens", "info", "specimen_id", _n_usable > 1,
        "Several specimens with HER2 evidence: one of them is the index specimen (edge case E10).",
    ),
    (
        "specimens_disagree", "warning", "her2_status", nw.col("highest") != nw.col("lowest"),
        "The specimens differ in HER2 status: the patient's group depends on edge case E10.",
    ),
    (
        "only_in_situ", "warning", "specimen_invasive",
        ~_found & (nw.col("n_in_situ") > 0),
        "Only the in-situ part of the tumour was tested: HER2 of the invasive part is unknown.",
    ),
    (
        "no_specimen", "info", "specimen_id", nw.col("n_rows").is_null(),
        "No specimen in the source: the patient's own row is the evidence.",
    ),
    (
        "no_usable_specimen", "info", "specimen_id", nw.col("n_evidence") == 0,
        "Specimens without any HER2 evidence: the patient's own row is the evidence.",
    ),
    (
        "only_after_neoadjuvant", "warning", "specimen_timing",
        nw.col("index_timing") == "after_neoadjuvant",
        "The index specimen was taken after neoadjuvant therapy, which changes HER2 (edge case "
        "E11); having one means no complete response.",
    ),
    (
        "not_from_primary", "warning", "specimen_site",
        (nw.col("index_place") == 1) | (nw.col("index_place") == 2),
        "The index specimen is from nodes or from a metastasis.",
    ),
    (
        "at_recurrence", "warning", "specimen_timing", nw.col("index_timing") == "recurrence",
        "The index specimen was taken at a recurrence, after diagnosis.",
    ),
    (
        "site_not_stated", "info", "specimen_site", _found & nw.col("index_site").is_null(),
        "The site of the index specimen is not stated: it was taken as the primary.",
    ),
    (
        "timing_not_stated", "info", "specimen_timing", _found & nw.col("index_timing").is_null(),
        "When the index specimen was taken is not stated: it was taken as before treatment.",
    ),
    (
        "own_evidence_replaced", "info", "her2_status", _found & _own_evidence,
        "HER2 evidence in the patient's own row as well: that of the index specimen stands.",
    ),
    (
        "own_evidence_differs", "warning", "her2_status",
        _found & _own_evidence & (nw.col("her2_status") != nw.col("index_status")),
        "The patient's own row and the index specimen differ in HER2 status: the specimen stands.",
    ),
)  # fmt: skip
_OF_3855: tuple[_Told, ...] = (
    (
        "several_tumours", "info", "tumour_id", _several_tumours,
        "Specimens of several tumours: that of the largest one stands among equals in site and "
        "time.",
    ),
    (
        "tumour_size_unknown", "warning", "tumour_size_mm",
        _several_tumours & (nw.col("least_mm") < 0),
        "Several tumours, of which one or more have no size: these come after those with a size.",
    ),
    (
        "tumour_size_tied", "info", "tumour_size_mm",
        (nw.col("n_largest") > 1) & (nw.col("most_mm") >= 0),
        "Several tumours share the largest size: the highest category among them stands.",
    ),
    (
        "other_primary", "warning", "tumour_id", nw.col("index_other"),
        "The index specimen is of another tumour than the one that the patient's row describes.",
    ),
    (
        "pre_treatment_elsewhere", "warning", "specimen_timing",
        (nw.col("index_timing") == "after_neoadjuvant") & (nw.col("n_early") > 0),
        "A specimen before treatment exists, but of nodes, a metastasis or another tumour: the "
        "primary after neoadjuvant therapy stands.",
    ),
)  # fmt: skip
_OF_CLOSEST: tuple[_Told, ...] = (
    (
        "none_in_time", "warning", "specimen_day", ~_found & (nw.col("n_untimely") > 0),
        "No dated specimen on or before the index day, or no index day: HER2 is unknown. Give the "
        "primary as a specimen with its day.",
    ),
    (
        "own_evidence_undated", "warning", "her2_status", ~_found & _own_evidence,
        "HER2 evidence in the patient's own row has no day and is not used: HER2 is unknown.",
    ),
)  # fmt: skip
_UNDATED: _Told = (
    "specimen_without_day", "warning", "specimen_day", nw.col("n_undated") > 0,
    "Specimens without a day come after those with one.",
)  # fmt: skip
