"""The first event of each patient that matters to an endpoint, from the cohort's events."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import narwhals as nw

from cohort.duration import Duration
from cohort.endpoint_rules import EndpointRule, Value
from cohort.endpoints_definition import Endpoint
from cohort.table import Cohort, Finding, TimeUnit

LazyTable = nw.LazyFrame[Any]

# Times that differ by less were made different by converting days to months.
CLOSE = 1e-9
_TENTH = 0.1  # of a month, to which follow-up with decimals may be rounded

# How follow-up ends, the one that prevails on the same day first.
RANKS: dict[Value, int] = {"event": 0, "competing": 1, "censor": 2}


def per_day(unit: TimeUnit) -> float:
    """One day in the unit of follow-up."""
    return Duration(1, "days").within(unit)


def past(unit: TimeUnit, time: nw.Expr, end: nw.Expr) -> nw.Expr:
    """Where a time that was given in days lies past the end of follow-up, for all that is known.

    Registries cut survival to whole months, so that its last day lies up to one month later; a
    number of months with decimals is rounded to a tenth or finer. Days are exact.
    """
    if unit == "days":
        return (time > end + CLOSE).fill_null(False)
    whole = (end == end.cast(nw.Int64).cast(nw.Float64)).fill_null(False)
    slack = nw.when(whole).then(nw.lit(1.0)).otherwise(nw.lit(_TENTH))
    return (time > end + slack + CLOSE).fill_null(False)


def with_first_events(
    cohort: Cohort, patients: LazyTable, endpoints: Sequence[Endpoint]
) -> LazyTable:
    """The patients with, for each endpoint that needs events, the first and what it is.

    Adds ``<id>__first`` (time after diagnosis in the unit of follow-up; null where there is
    none), ``<id>__first_rank`` (`RANKS`), ``<id>__converted`` (whether that time was given in
    the other unit) and ``<id>__undated`` (events without a time).
    """
    wanted = [(e.id, e.rule) for e in endpoints if e.rule is not None and e.rule.needs_events]
    if cohort.events is None or not wanted:
        return patients
    timed = cohort.events.with_columns(
        event__time=event_time(cohort), event__converted=event_time(cohort, only="converted")
    )
    marked = timed.with_columns(
        **{k: v for stem, rule in wanted for k, v in _marks(stem, rule).items()}
    )
    sums: dict[str, nw.Expr] = {}
    for stem, _ in wanted:
        places = [_at(stem, value) for value in (*RANKS, "converted")]
        sums |= {place: nw.col(place).min() for place in places}
        sums[f"{stem}__undated"] = nw.col(f"{stem}__undated").sum()
    firsts = marked.group_by("patient_id").agg(**sums)
    # Materialised: small, and read again by everything that uses the endpoints.
    found = cohort.engine.materialise(
        firsts.select("patient_id", *(c for stem, _ in wanted for c in _firsts(stem)))
    )
    return patients.join(found, on="patient_id", how="left")


def event_time(cohort: Cohort, *, only: Literal["own", "converted"] | None = None) -> nw.Expr:
    """Time of an event after diagnosis in the unit of follow-up, its own unit first.

    `only` those given in that unit (``own``), or in the other one (``converted``).
    """
    assert cohort.events is not None
    names = cohort.events.collect_schema().names()
    days, months = nw.col("event_day"), nw.col("event_months")
    own_name, own, other, factor = (
        ("event_day", days, months, Duration(1, "months").within("days"))
        if cohort.time_unit == "days"
        else ("event_months", months, days, per_day("months"))
    )
    other_name = "event_months" if own_name == "event_day" else "event_day"
    nothing = nw.lit(None).cast(nw.Float64)
    given = own if own_name in names else nothing
    converted = other * factor if other_name in names else nothing
    if only == "own":
        return given
    if only == "converted":
        return nw.when(given.is_null()).then(converted).otherwise(nothing)
    return nw.coalesce(given, converted)


def event_findings(cohort: Cohort, endpoints: Sequence[Endpoint]) -> tuple[Finding, ...]:
    """Events without a kind, and kinds that an endpoint counts and the source never has."""
    wanted = [e.rule for e in endpoints if e.rule is not None and e.rule.needs_events]
    if cohort.events is None or not wanted:
        return ()
    counted = cohort.events.group_by("event_kind").agg(n=nw.len())
    counts = {r["event_kind"]: int(r["n"]) for r in cohort.engine.collect(counted).to_pylist()}
    found = []
    if counts.get(None):
        found.append(
            Finding(
                "warning", "endpoint", "event_kind", "", "event_kind_missing", counts[None],
                "Events whose kind is not known end no endpoint.", "event",
            )
        )  # fmt: skip
    kinds = dict.fromkeys(k for rule in wanted for k in rule.events_that("event"))
    for kind in kinds:
        if kind not in counts:
            users = [r.kind for r in wanted if r.value(kind) == "event"]
            found.append(
                Finding(
                    "info", "endpoint", "event_kind", kind, "event_kind_absent", 0,
                    f"The source has no event of this kind: none happened, or none is recorded "
                    f"({', '.join(users)} would count it).",
                )
            )  # fmt: skip
    return tuple(found)


def _at(stem: str, value: str) -> str:
    return f"{stem}__{value}_at"


def _marks(stem: str, rule: EndpointRule) -> dict[str, nw.Expr]:
    """For each row of the events, its time under what it is to the endpoint."""
    kind, time = nw.col("event_kind"), nw.col("event__time")
    marks = {}
    for value in RANKS:
        kinds = list(rule.events_that(value))
        # Not every engine takes an empty list of values.
        meant = kind.is_in(kinds).fill_null(False) if kinds else nw.lit(False)
        marks[_at(stem, value)] = nw.when(meant).then(time).otherwise(nw.lit(None)).cast(nw.Float64)
    matters = kind.is_in(list(rule.events_that(*RANKS))).fill_null(False)
    converted = nw.when(matters).then(nw.col("event__converted")).otherwise(nw.lit(None))
    marks[_at(stem, "converted")] = converted.cast(nw.Float64)
    marks[f"{stem}__undated"] = (matters & time.is_null()).cast(nw.Int64)
    return marks


def _firsts(stem: str) -> tuple[nw.Expr, ...]:
    """The earliest of the three, and which it is where some are on the same day."""
    event, competing, censor = (nw.col(_at(stem, value)) for value in RANKS)
    first = earlier(earlier(event, competing), censor)
    rank = (
        nw.when((event == first).fill_null(False))
        .then(nw.lit(RANKS["event"]))
        .when((competing == first).fill_null(False))
        .then(nw.lit(RANKS["competing"]))
        .otherwise(nw.lit(RANKS["censor"]))
    )
    return (
        first.alias(f"{stem}__first"),
        rank.alias(f"{stem}__first_rank"),
        (nw.col(_at(stem, "converted")) == first).fill_null(False).alias(f"{stem}__converted"),
        nw.col(f"{stem}__undated"),
    )


def earlier(one: nw.Expr, other: nw.Expr) -> nw.Expr:
    """The smaller of two times; the other one where one is missing."""
    return nw.when((one.is_null() | (other < one)).fill_null(False)).then(other).otherwise(one)
