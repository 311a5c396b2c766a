"""Time, event, state and entry of an endpoint as expressions over the patients' columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import narwhals as nw
import pyarrow as pa

from cohort.endpoints_definition import Endpoint, UnknownCause, followup_columns
from cohort.endpoints_events import CLOSE, RANKS, earlier, past, per_day
from cohort.table import Cohort

LazyTable = nw.LazyFrame[Any]
Columns = Mapping[str, nw.Expr]

EXCLUDED = 3  # the rank of a death of unknown cause that is to leave the patient out
_OF_DEATH: dict[UnknownCause, int] = {
    "competing": RANKS["competing"],
    "event": RANKS["event"],
    "censored": RANKS["censor"],
    "exclude": EXCLUDED,
}
# Levels under which follow-up means nothing: the tumour became known by the death.
NO_FOLLOWUP = {
    "reporting_source": ("autopsy_only", "death_certificate_only"),
    "followup_flag": ("death_certificate_or_autopsy_only", "unknown"),
}
SUFFIXES = ("time", "event", "state", "entry")


def stages(cohort: Cohort, endpoint: Endpoint) -> Iterator[Columns]:
    """Columns to add, in turns: each turn uses those of the one before.

    ``<id>__why`` is empty where the endpoint is known, and else the reason why it is not.
    """
    yield _ends(cohort, endpoint)
    yield _stops(cohort, endpoint)
    yield _limits(cohort, endpoint)
    yield _cuts(endpoint)
    yield _reasons(cohort, endpoint)
    yield _outcome(endpoint)


def made_columns(endpoint: Endpoint) -> tuple[str, ...]:
    """The columns that stay."""
    made = ["time", "event"]
    made += ["state"] if endpoint.has_states else []
    made += ["entry"] if endpoint.asked.entry is not None else []
    return tuple(f"{endpoint.id}_{name}" for name in made)


def with_days_to(cohort: Cohort, patients: LazyTable, on: Mapping[str, date]) -> LazyTable:
    """The patients with ``<id>__left``: days from diagnosis to a date; null without either.

    Dates are text of year, month and day (cohort.schema); each different one is read once.
    """
    if not on:
        return patients
    rows = cohort.engine.collect(patients.select("diagnosis_date").unique()).to_pylist()
    dates = sorted(row["diagnosis_date"] for row in rows if row["diagnosis_date"] is not None)
    columns = {"diagnosis_date": pa.array(dates, pa.string())}
    for stem, end in on.items():
        days = [(end - date.fromisoformat(text)).days for text in dates]
        columns[f"{stem}__left"] = pa.array(days, pa.float64())
    table = cohort.engine.register("days_to", pa.table(columns))
    return patients.join(table, on="diagnosis_date", how="left")


def _col(endpoint: Endpoint, part: str) -> nw.Expr:
    return nw.col(f"{endpoint.id}__{part}")


def _ends(cohort: Cohort, endpoint: Endpoint) -> Columns:
    """The end of follow-up after diagnosis, what it is, and where time starts."""
    stem = endpoint.id
    if endpoint.rule is None:
        given = f"given_{endpoint.kind.lower()}"
        came = nw.col(f"{given}_event")
        rank = (
            nw.when(came == "yes").then(nw.lit(RANKS["event"])).otherwise(nw.lit(RANKS["censor"]))
        )
        end, known = nw.col(f"{given}_time"), ~came.is_null()
    else:
        rank, end = _last_rank(endpoint), _followup(cohort)
        known = ~nw.col("vital_status").is_null()
    column, factor = endpoint.asked.origin_column, per_day(cohort.time_unit)
    origin = nw.lit(0.0) if column is None else nw.col(column) * factor
    return {
        f"{stem}__end": end.cast(nw.Float64),
        f"{stem}__rank": nw.when(known).then(rank).otherwise(nw.lit(None)),
        f"{stem}__origin": origin.cast(nw.Float64),
    }


def _followup(cohort: Cohort) -> nw.Expr:
    """Death or last contact after diagnosis."""
    columns = followup_columns(cohort)
    if len(columns) == 1:
        return nw.col(columns[0])
    death, contact = (nw.col(name) for name in columns)
    return nw.when(nw.col("vital_status") == "dead").then(death).otherwise(contact)


def _last_rank(endpoint: Endpoint) -> nw.Expr:
    """What the end of follow-up is: a censoring in the living, else by the cause of death."""
    rule = endpoint.rule
    assert rule is not None
    dead = nw.col("vital_status") == "dead"
    censored = nw.lit(RANKS["censor"])
    breast, other, unknown = (nw.lit(_OF_DEATH[value]) for value in endpoint.deaths.values())
    if not rule.needs_cause:
        return nw.when(dead).then(other).otherwise(censored)
    cause = nw.col("cause_of_death")
    return (
        nw.when(~dead)
        .then(censored)
        .when((cause == "breast_cancer").fill_null(False))
        .then(breast)
        .when((cause == "other").fill_null(False))
        .then(other)
        .otherwise(unknown)
    )


def _stops(cohort: Cohort, endpoint: Endpoint) -> Columns:
    """What comes first, an event or the end of follow-up, and when after the origin.

    On the same day an event comes before a competing one, and that before a censoring. An event
    of which only the day is known, past the end by less than its months can tell, is placed there.
    """
    stem, end, rank = endpoint.id, _col(endpoint, "end"), _col(endpoint, "rank")
    origin = _col(endpoint, "origin")
    if endpoint.rule is None or not endpoint.rule.needs_events:
        return {f"{stem}__stop": end - origin, f"{stem}__how": rank}
    first, first_rank = _col(endpoint, "first"), _col(endpoint, "first_rank")
    beyond = (first > end + CLOSE).fill_null(False)
    placed = beyond & _col(endpoint, "converted") & ~past(cohort.time_unit, first, end)
    late = beyond & ~placed.fill_null(False)
    tied = (first >= end - CLOSE).fill_null(False) & ~late
    usable = ~first.is_null() & ~(tied & (rank < first_rank)).fill_null(False)
    if endpoint.asked.options.late_events == "count":
        # A living patient was seen on the day of the event; nothing happens after death.
        usable = usable & ~(late & (nw.col("vital_status") == "dead").fill_null(False))
    else:
        usable = usable & ~late
    return {
        f"{stem}__stop": nw.when(usable & ~placed).then(first).otherwise(end) - origin,
        f"{stem}__how": nw.when(usable).then(first_rank).otherwise(rank),
        f"{stem}__late": late,
        f"{stem}__placed": usable & placed,
    }


def _limits(cohort: Cohort, endpoint: Endpoint) -> Columns:
    """Times past zero, the end by administration, and the start of observation."""
    stem, asked, factor = endpoint.id, endpoint.asked, per_day(cohort.time_unit)
    stop, origin = _col(endpoint, "stop"), _col(endpoint, "origin")
    near = ((stop < 0) & (stop > -CLOSE)).fill_null(False)
    made = {f"{stem}__stop": nw.when(near).then(nw.lit(0.0)).otherwise(stop)}
    limits = []
    if asked.censor_at is not None:
        limits.append(nw.lit(asked.censor_at.within(cohort.time_unit)))
    if asked.options.censor_on is not None:
        limits.append(_col(endpoint, "left") * factor - origin)
    if limits:
        made[f"{stem}__limit"] = limits[0] if len(limits) == 1 else earlier(limits[0], limits[1])
    if asked.entry is not None:
        entry = nw.col(asked.entry) * factor - origin
        # Observed since before the origin is at risk from the origin on.
        made[f"{stem}_entry"] = (
            nw.when((entry < 0).fill_null(False)).then(nw.lit(0.0)).otherwise(entry)
        )
    return made


def _cuts(endpoint: Endpoint) -> Columns:
    """What lies past the end by administration becomes a censoring at it."""
    stem, stop, how = endpoint.id, _col(endpoint, "stop"), _col(endpoint, "how")
    if endpoint.asked.censor_at is None and endpoint.asked.options.censor_on is None:
        return {f"{stem}__cut": nw.lit(False), f"{stem}__last": stop}
    limit = _col(endpoint, "limit")
    cut = (stop > limit).fill_null(False)
    return {
        f"{stem}__last": nw.when(cut).then(limit).otherwise(stop),
        f"{stem}__cut": cut & (how < RANKS["censor"]).fill_null(False),
        f"{stem}__how": nw.when(cut).then(nw.lit(RANKS["censor"])).otherwise(how),
    }


def _reasons(cohort: Cohort, endpoint: Endpoint) -> Columns:
    """Why the endpoint is not known; the first reason that holds."""
    why = nw.lit("")
    for reason, holds in reversed(list(_checks(cohort, endpoint))):
        why = nw.when(holds.fill_null(False)).then(nw.lit(reason)).otherwise(why)
    return {f"{endpoint.id}__why": why}


def _checks(cohort: Cohort, endpoint: Endpoint) -> Iterator[tuple[str, nw.Expr]]:
    """Each reason with where it holds, in the order in which they are told."""
    asked, rule, columns = endpoint.asked, endpoint.rule, cohort.columns
    for name, levels in NO_FOLLOWUP.items():
        if rule is not None and name in columns:
            yield name, nw.col(name).is_in(list(levels))
    end, origin = _col(endpoint, "end"), _col(endpoint, "origin")
    yield "no_endpoint", end.is_null() | _col(endpoint, "rank").is_null()
    if rule is not None and rule.needs_cause and asked.options.primaries != "all":
        kept = ["only", "first_of_several"] if asked.options.primaries == "first" else ["only"]
        sequence = nw.col("tumour_sequence")
        yield "other_primaries", ~sequence.is_in(kept) | sequence.is_null()
    if asked.origin_column is not None:
        yield "no_origin", origin.is_null()
    yield "end_before_origin", end < origin - CLOSE
    if rule is not None and rule.needs_events:
        yield "event_undated", _col(endpoint, "undated") > 0
        yield "event_before_origin", _col(endpoint, "first") < origin - CLOSE
    yield "unknown_cause_excluded", _col(endpoint, "how") == EXCLUDED
    if asked.options.censor_on is not None:
        yield "no_diagnosis_date", _col(endpoint, "left").is_null()
        yield "origin_after_censoring", _col(endpoint, "limit") < 0
    if asked.entry is not None:
        entry = nw.col(f"{endpoint.id}_entry")
        yield "no_entry", entry.is_null()
        yield "entry_after_end", entry >= _col(endpoint, "last") - CLOSE


def _outcome(endpoint: Endpoint) -> Columns:
    """The columns that stay; all of them null where the endpoint is not known."""
    stem, how = endpoint.id, _col(endpoint, "how")
    state = (
        nw.when(how == RANKS["event"])
        .then(nw.lit("event"))
        .when(how == RANKS["competing"])
        .then(nw.lit("competing"))
        .otherwise(nw.lit("censored"))
    )
    every = {
        f"{stem}_time": _col(endpoint, "last"),
        f"{stem}_event": how == RANKS["event"],
        f"{stem}_state": state,
        f"{stem}_entry": nw.col(f"{stem}_entry"),
    }
    known = _col(endpoint, "why") == ""
    return {
        name: nw.when(known).then(every[name]).otherwise(nw.lit(None))
        for name in made_columns(endpoint)
    }
