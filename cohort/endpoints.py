"""Endpoints: time and event of each patient from vital status and follow-up, or as given."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import narwhals as nw

from cohort.duration import Duration
from cohort.errors import Problem, SpecError, listed, suggest
from cohort.table import Choice, Cohort, Finding

LazyTable = nw.LazyFrame[Any]

MEANINGS = {
    "OS": "Overall survival: death from any cause",
    "DSS": "Disease-specific survival, as the source gives it",
    "PFI": "Progression-free interval, as the source gives it",
    "DFI": "Disease-free interval, as the source gives it",
    "PFS": "Progression-free survival, as the source gives it",
    "DFS": "Disease-free survival, as the source gives it",
    "RFS": "Relapse-free survival, as the source gives it",
}


def add_endpoint(
    cohort: Cohort, *, id: str, kind: str = "OS", censor_at: Duration | None = None
) -> Cohort:
    """The cohort with ``<id>_time`` and ``<id>_event``: the time of an endpoint and if it came.

    Overall survival is made from vital status and follow-up (days, or the registry's months, or
    the days of death and of last contact); other kinds must be given by the source
    (``given_<kind>_time`` and ``_event``). Times stay in the source's unit. A patient whose
    vital status or follow-up is missing has no endpoint (null) and is counted. A time of 0 is
    kept, and an event then counts.

    Parameters
    ----------
    id
        Stem of the new columns.
    kind
        ``OS``, or the name of an endpoint that the source gives.
    censor_at
        Administrative censoring: later events become censorings at this time. An event at
        exactly this time counts.

    Raises
    ------
    SpecError
        Where the source has no such endpoint.

    Notes
    -----
    Checked against worked patients (tests/cohort/test_endpoints.py) and the counts of
    TCGA-CDR (151 deaths in 1,096 patients).
    """
    names = cohort.columns
    kind = kind.upper()
    _require_length(id, censor_at)
    time, event = _overall(cohort) if kind == "OS" else _given(cohort, kind)
    columns = {f"{id}_time": time, f"{id}_event": event}
    known = ~(nw.col(f"{id}_time").is_null() | nw.col(f"{id}_event").is_null())
    raw = cohort.patients.select(*[n for n in names if n not in columns]).with_columns(**columns)
    # A time without a status, or a status without a time, is no endpoint: both become null.
    whole = raw.with_columns(
        nw.when(known).then(nw.col(f"{id}_time")).otherwise(nw.lit(None)).alias(f"{id}_time"),
        nw.when(known).then(nw.col(f"{id}_event")).otherwise(nw.lit(None)).alias(f"{id}_event"),
    )
    made = cohort.engine.materialise(whole)
    findings = _seen(cohort, made, id)
    choices = [Choice("endpoint", id, kind, MEANINGS.get(kind, f"{kind}, as the source gives it"))]
    if censor_at is not None:
        horizon = censor_at.within(cohort.time_unit)
        made, finding = _censored(cohort, made, id, horizon, str(censor_at))
        findings += finding
        choices.append(
            Choice(
                "endpoint",
                f"{id} censored at",
                str(censor_at),
                f"{horizon:.10g} {cohort.time_unit}",
            )
        )
    return replace(cohort, patients=made).noting(findings, tuple(choices))


def _require_length(id: str, censor_at: object) -> None:
    """Refuse a bare number, which does not say 5 of what."""
    if censor_at is not None and not isinstance(censor_at, Duration):
        allowed = "A length with its unit: Duration(5, 'years')"
        raise SpecError(Problem(f"endpoint '{id}'", f"censor_at is {censor_at!r}", allowed))


def _overall(cohort: Cohort) -> tuple[nw.Expr, nw.Expr]:
    """Time and event of overall survival from what the source has."""
    names = cohort.columns
    dead = nw.col("vital_status") == "dead"
    event = nw.when(nw.col("vital_status").is_null()).then(nw.lit(None)).otherwise(dead)
    followup = f"followup_{cohort.time_unit}"
    if "vital_status" in names and followup in names:
        return nw.col(followup), event
    if {"vital_status", "death_day", "last_contact_day"} <= set(
        names
    ) and cohort.time_unit == "days":
        time = nw.when(dead).then(nw.col("death_day")).otherwise(nw.col("last_contact_day"))
        return time, event
    needed = f"vital_status with {followup}, or with death_day and last_contact_day"
    raise SpecError(
        Problem("endpoint OS", f"source '{cohort.source}' gives no follow-up", f"Needed: {needed}")
    )


def _given(cohort: Cohort, kind: str) -> tuple[nw.Expr, nw.Expr]:
    """Time and event of an endpoint that the source gives ready-made."""
    stem = f"given_{kind.lower()}"
    names = cohort.columns
    if f"{stem}_time" in names and f"{stem}_event" in names:
        event = nw.col(f"{stem}_event")
        return (
            nw.col(f"{stem}_time"),
            nw.when(event.is_null()).then(nw.lit(None)).otherwise(event == "yes"),
        )
    given = [
        n.removeprefix("given_").removesuffix("_time").upper()
        for n in names
        if n.startswith("given_") and n.endswith("_time")
    ]
    raise SpecError(
        Problem(
            f"endpoint {kind}",
            f"source '{cohort.source}' does not give it",
            f"Endpoints here: {listed(['OS', *given])}",
            suggest(kind, ["OS", *given]),
        )
    )


def _seen(cohort: Cohort, made: LazyTable, id: str) -> tuple[Finding, ...]:
    """Patients without the endpoint, and with a time of 0."""
    time, event = nw.col(f"{id}_time"), nw.col(f"{id}_event")
    counts = cohort.engine.collect(
        made.select(
            missing=time.is_null().cast(nw.Int64).sum(),
            zero=(time == 0).fill_null(False).cast(nw.Int64).sum(),
            zero_event=((time == 0) & event).fill_null(False).cast(nw.Int64).sum(),
        )
    ).to_pylist()[0]
    found = []
    if counts["missing"]:
        found.append(
            Finding(
                "warning", "endpoint", f"{id}_time", "", "no_endpoint", int(counts["missing"]),
                "Vital status or follow-up is missing or impossible: these patients have no "
                "endpoint and are left out of its analyses.",
            )
        )  # fmt: skip
    if counts["zero"]:
        found.append(
            Finding(
                "info", "endpoint", f"{id}_time", "0", "time_zero", int(counts["zero"]),
                f"Follow-up of 0 is kept; {int(counts['zero_event'])} of these patients have the "
                "event at 0, which counts.",
            )
        )  # fmt: skip
    return tuple(found)


def _censored(
    cohort: Cohort, made: LazyTable, id: str, horizon: float, words: str
) -> tuple[LazyTable, tuple[Finding, ...]]:
    """Everything after the horizon becomes a censoring at it."""
    time, event = nw.col(f"{id}_time"), nw.col(f"{id}_event")
    late = (time > horizon).fill_null(False)
    n = int(
        cohort.engine.collect(
            made.select(n=(late & event).fill_null(False).cast(nw.Int64).sum())
        ).to_pylist()[0]["n"]
    )
    cut = cohort.engine.materialise(
        made.with_columns(
            nw.when(late).then(nw.lit(horizon)).otherwise(time).alias(f"{id}_time"),
            nw.when(late).then(nw.lit(False)).otherwise(event).alias(f"{id}_event"),
        )
    )
    finding = Finding(
        "info", "endpoint", f"{id}_event", "", "censored_at", n,
        f"Events after {words} count as censored at {words} (administrative censoring).",
    )  # fmt: skip
    return cut, (finding,) if n else ()
