"""Dates in an order that cannot be, each counted in one aggregation over the patients."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import narwhals as nw

from cohort.endpoints_definition import followup_columns, origins
from cohort.endpoints_events import CLOSE, event_time, past, per_day
from cohort.table import Cohort, Finding

LazyTable = nw.LazyFrame[Any]
STAGE = "dates"  # under which these findings are noted

_ADVICE = {
    "before_diagnosis": "Before diagnosis, which cannot be. Ask the data's owner.",
    "treatment_before_diagnosis": (
        "Before diagnosis: possible for a procedure that made the diagnosis, else a wrong date."
    ),
    "last_contact_after_death": "After death. Overall survival uses the day of death.",
    "after_death": "After death, which cannot be. Ask the data's owner.",
    "after_last_contact": (
        "After the last contact of a living patient: the patient was seen later than follow-up "
        "says. Ask the data's owner."
    ),
    "alive_with_death": "Alive, with a day or a cause of death: the vital status is believed.",
    "neoadjuvant_after_surgery": (
        "Therapy said to be neoadjuvant starts after surgery. Ask the data's owner."
    ),
}
# Days that come before follow-up ends and are no treatment.
_SEEN = ("metastasis_day", "observed_from_day", "specimen_day")


def order_findings(cohort: Cohort) -> tuple[Finding, ...]:
    """Impossible orders of dates, each with the number of patients concerned.

    Death, last contact or an event before diagnosis; treatment, events and specimens after death
    or after the last contact of a living patient; a death of the living. Values that a dictionary
    has already set to missing as impossible are not seen here.
    """
    patients, columns = _widened(cohort)
    checks = list(_checks(cohort, columns))
    if not checks:
        return ()
    sums = {
        f"check_{i}": holds.fill_null(False).cast(nw.Int64).sum()
        for i, (_, _, holds) in enumerate(checks)
    }
    counts = cohort.engine.collect(patients.select(**sums)).to_pylist()[0]
    return tuple(
        Finding("warning", STAGE, column, "", rule, int(counts[f"check_{i}"]), _ADVICE[rule])
        for i, (rule, column, _) in enumerate(checks)
        if counts[f"check_{i}"]
    )


def _widened(cohort: Cohort) -> tuple[LazyTable, tuple[str, ...]]:
    """The patients with the first and last day of their events and the last of their specimens."""
    patients, columns = cohort.patients, cohort.columns
    if cohort.events is not None:
        timed = cohort.events.select(
            "patient_id",
            time=event_time(cohort),
            own=event_time(cohort, only="own"),
            converted=event_time(cohort, only="converted"),
        )
        spans = timed.group_by("patient_id").agg(
            events__first=nw.col("time").min(),
            events__last=nw.col("own").max(),
            events__last_converted=nw.col("converted").max(),
        )
        patients = patients.join(spans, on="patient_id", how="left")
        columns += ("events__first", "events__last")
    if cohort.specimens is not None and "specimen_day" in cohort.specimens.collect_schema().names():
        last = cohort.specimens.group_by("patient_id").agg(
            specimens__last=nw.col("specimen_day").max()
        )
        patients = patients.join(last, on="patient_id", how="left")
        columns += ("specimens__last",)
    return patients, columns


def _checks(cohort: Cohort, columns: tuple[str, ...]) -> Iterator[tuple[str, str, nw.Expr]]:
    """(rule, column, where it holds) of each order that cannot be."""
    treatments = [n for n in origins().values() if n in columns and n not in _SEEN]
    for name in ("death_day", "last_contact_day", "followup_days", "followup_months"):
        if name in columns:
            yield "before_diagnosis", name, nw.col(name) < 0
    if "events__first" in columns:
        yield "before_diagnosis", "event_day", nw.col("events__first") < 0
    for name in treatments:
        yield "treatment_before_diagnosis", name, nw.col(name) < 0
    if {"death_day", "last_contact_day"} <= set(columns):
        yield (
            "last_contact_after_death",
            "last_contact_day",
            nw.col("last_contact_day") > nw.col("death_day"),
        )
    if {"neoadjuvant", "surgery_day", "systemic_therapy_day"} <= set(columns):
        later = nw.col("systemic_therapy_day") > nw.col("surgery_day")
        yield (
            "neoadjuvant_after_surgery",
            "systemic_therapy_day",
            (nw.col("neoadjuvant") == "yes") & later,
        )
    if "vital_status" in columns:
        yield from _of_status(cohort, columns, treatments)


def _of_status(
    cohort: Cohort, columns: tuple[str, ...], treatments: list[str]
) -> Iterator[tuple[str, str, nw.Expr]]:
    """Orders that depend on whether the patient died."""
    alive, dead = nw.col("vital_status") == "alive", nw.col("vital_status") == "dead"
    if "death_day" in columns:
        yield "alive_with_death", "death_day", alive & ~nw.col("death_day").is_null()
    if "cause_of_death" in columns:
        # SEER has one code for alive and for dead of another cause, so only this cause is wrong.
        yield (
            "alive_with_death",
            "cause_of_death",
            alive & (nw.col("cause_of_death") == "breast_cancer"),
        )
    followup = followup_columns(cohort)
    if not followup:
        return
    if len(followup) == 1:
        end = nw.col(followup[0])
    else:
        end = nw.when(dead).then(nw.col("death_day")).otherwise(nw.col("last_contact_day"))
    days = {name: name for name in (*treatments, *_SEEN) if name in columns}
    if "specimens__last" in columns:
        days["specimen_day"] = "specimens__last"
    beyond = {
        shown: past(cohort.time_unit, nw.col(name) * per_day(cohort.time_unit), end)
        for shown, name in days.items()
    }
    if "events__last" in columns:
        # A time in follow-up's own unit is as exact as that is.
        own = (nw.col("events__last") > end + CLOSE).fill_null(False)
        beyond["event_day"] = own | past(cohort.time_unit, nw.col("events__last_converted"), end)
    for shown, later in beyond.items():
        yield "after_death", shown, dead & later
        yield "after_last_contact", shown, alive & later
