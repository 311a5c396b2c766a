"""Whether HER2 was known when a patient came under observation, or only by living longer."""

from __future__ import annotations

from dataclasses import replace

import narwhals as nw

from cohort.endpoints_definition import EndpointDefinition
from cohort.selection import neoadjuvant_criterion, select
from cohort.specimen_findings import STAGE
from cohort.table import Cohort, Finding

_SOON = 365  # days within which tissue belongs to the first course of treatment


def with_timely_her2(cohort: Cohort, asked: EndpointDefinition) -> Cohort:
    """The patients whose endpoint is known, without those of edge case E11.

    These had to live until a specimen after neoadjuvant therapy was taken, and its holding tumour
    means no complete response. One whose time starts, or who is observed, only from the day of
    that specimen on stays; a specimen without a day is none of these.
    """
    criterion = neoadjuvant_criterion()
    if asked.origin_column is None and asked.entry is None:
        # Tissue after a therapy is after diagnosis, on whatever day it was taken.
        return select(cohort, [criterion], endpoint=asked.id, her2_groups=False)
    name = f"{asked.id}_{criterion.column}"
    timing = nw.col(criterion.column)
    stays = _known_by_start(cohort, asked)
    for start in _starts(asked):
        # No start, no endpoint: that is the reason which is counted next.
        stays = stays | start.is_null()
    other = nw.when(stays).then(nw.lit(None)).otherwise(timing)
    marked = replace(cohort, patients=cohort.patients.with_columns(other.alias(name)))
    late = replace(criterion, column=name)
    kept = select(marked, [late], endpoint=asked.id, her2_groups=False)
    return replace(kept, patients=kept.patients.drop(name))


def late_exposure(cohort: Cohort, asked: EndpointDefinition, label: str) -> tuple[Finding, ...]:
    """Patients of one endpoint whose HER2 is known from tissue taken after their time starts.

    They had to live until it was taken. Tissue after neoadjuvant therapy is a matter of edge
    case E11; here are recurrences, and specimens not said to be from before treatment that were
    taken more than a year after diagnosis, or from a metastasis on a day that is not known.
    A patient who came under observation on the day of the specimen or later is not concerned.
    """
    if not {"specimen_timing", "specimen_day", "specimen_site"} <= set(cohort.columns):
        return ()
    timing, day = nw.col("specimen_timing"), nw.col("specimen_day")
    distant = (nw.col("specimen_site") == "distant").fill_null(False)
    beyond = (day > _SOON).fill_null(False) | (day.is_null() & distant)
    late = (timing == "recurrence").fill_null(False) | (timing.is_null() & beyond)
    late = late & ~_known_by_start(cohort, asked)
    counted = cohort.patients.select(n=late.cast(nw.Int64).sum())
    n = int(cohort.engine.collect(counted).to_pylist()[0]["n"] or 0)
    start = asked.origin.removesuffix("_day").replace("_", " ")
    start += "" if asked.entry is None else ", with delayed entry"
    advice = (
        f"HER2 of these patients is known from tissue taken after the start of {label} ({start}), "
        "or on a day that is not known: they had to live until then. Use delayed entry on that "
        "day, or count from it (origin)."
    )
    found = Finding(
        "warning", STAGE, "specimen_timing", label, "exposure_after_baseline", n, advice
    )
    return (found,) if n else ()


def _known_by_start(cohort: Cohort, asked: EndpointDefinition) -> nw.Expr:
    """Whether the specimen was taken by the day from which the patient is at risk; False unknown.

    That day is the origin, or where the patient is observed later, the entry.
    """
    if "specimen_day" not in cohort.columns:
        return nw.lit(False)
    day = nw.col("specimen_day")
    return nw.any_horizontal(
        *((day <= start).fill_null(False) for start in _starts(asked)), ignore_nulls=False
    )


def _starts(asked: EndpointDefinition) -> list[nw.Expr]:
    """The origin, and the entry where there is one, in days after diagnosis."""
    names = (asked.origin_column, asked.entry)
    days = [nw.col(name) for name in names if name is not None]
    return days if asked.origin_column is not None else [nw.lit(0.0), *days]
