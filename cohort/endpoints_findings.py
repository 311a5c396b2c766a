"""What was seen while endpoints were made: who has none and why, and what was decided for whom."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import narwhals as nw

from cohort.endpoints_definition import Endpoint
from cohort.endpoints_events import CLOSE, RANKS
from cohort.table import Cohort, Finding

LazyTable = nw.LazyFrame[Any]
Counts = Mapping[str, int]
STAGE = "endpoint"  # under which findings and choices are noted

# Reason why a patient has no endpoint -> what it means. {origin} is where time starts.
_WHY = {
    "reporting_source": (
        "Known from a death certificate or an autopsy only: these patients have no endpoint."
    ),
    "followup_flag": (
        "Survival time is flagged as not calculated (death certificate or autopsy only) or as "
        "unknown: these patients have no endpoint."
    ),
    "no_endpoint": (
        "Vital status or follow-up is missing or impossible: these patients have no endpoint and "
        "are left out of its analyses."
    ),
    "other_primaries": (
        "Not among the primaries whose cause of death is used, or the sequence is not known: these "
        "patients have no endpoint."
    ),
    "no_origin": (
        "Time starts at {origin}, which these patients did not reach or whose day is not known: "
        "they have no endpoint."
    ),
    "end_before_origin": (
        "Follow-up ends before {origin}, where time starts: these patients have no endpoint. Ask "
        "the data's owner; whole months are too coarse for close dates."
    ),
    "event_undated": (
        "An event that matters has no date, so which came first is not known: these patients have "
        "no endpoint."
    ),
    "event_before_origin": (
        "An event that matters came before {origin}, where time starts: these patients were not "
        "free of it and have no endpoint."
    ),
    "unknown_cause_excluded": (
        "Dead of unknown cause: these patients have no endpoint, as the study chose."
    ),
    "no_diagnosis_date": (
        "The date of diagnosis is not known, so the calendar end cannot be placed: these patients "
        "have no endpoint."
    ),
    "origin_after_censoring": (
        "{Origin} lies after the calendar end: these patients have no endpoint."
    ),
    "no_entry": (
        "The day from which the patient was observed is not known: these patients have no endpoint."
    ),
    "entry_after_end": (
        "Observed only from the end of follow-up or later (a patient whose follow-up is 0 too): "
        "never at risk while observed, so without the endpoint."
    ),
}
# Such reasons are ordinary; the others point at the data.
_ORDINARY = ("other_primaries", "no_origin", "unknown_cause_excluded", "origin_after_censoring")


def endpoint_findings(
    cohort: Cohort, made: LazyTable, endpoints: Sequence[Endpoint]
) -> tuple[Finding, ...]:
    """Findings of every endpoint, from one aggregation over the patients."""
    sums = {}
    for endpoint in endpoints:
        for name, holds in _held(cohort, endpoint):
            sums[f"{endpoint.id}__{name}"] = holds.fill_null(False).cast(nw.Int64).sum()
    found = cohort.engine.collect(made.select(**sums)).to_pylist()[0]
    counts = {name: int(n or 0) for name, n in found.items()}
    return tuple(f for endpoint in endpoints for f in _told(endpoint, counts))


def followup_findings(cohort: Cohort) -> Iterator[Finding]:
    """Years of diagnosis without any vital status, and incomplete dates behind survival time."""
    columns = cohort.columns
    if {"diagnosis_year", "vital_status"} <= set(columns):
        without = nw.col("vital_status").is_null().cast(nw.Int64)
        marked = cohort.patients.select("diagnosis_year", without=without)
        by_year = marked.group_by("diagnosis_year").agg(n=nw.len(), without=nw.col("without").sum())
        rows = cohort.engine.collect(by_year.sort("diagnosis_year")).to_pylist()
        for row in rows:
            if row["diagnosis_year"] is not None and int(row["n"]) == int(row["without"]):
                yield Finding(
                    "warning", STAGE, "vital_status", str(row["diagnosis_year"]),
                    "year_without_vital_status", int(row["n"]),
                    "No patient diagnosed in this year has a vital status (registries release the "
                    "last years without): select earlier years.",
                )  # fmt: skip
    if "followup_flag" in columns:
        flags = {
            "incomplete_zero_days_possible": "a survival of 0 may be 0 days or some",
            "incomplete": "at least one day of survival is certain",
        }
        holds = {n: (nw.col("followup_flag") == n).fill_null(False) for n in flags}
        summed = cohort.patients.select(**{n: h.cast(nw.Int64).sum() for n, h in holds.items()})
        counts = cohort.engine.collect(summed).to_pylist()[0]
        for name, words in flags.items():
            if counts[name]:
                yield Finding(
                    "info", STAGE, "followup_flag", name, "incomplete_dates", int(counts[name]),
                    f"Survival time rests on incomplete dates: {words}. It is kept.",
                )  # fmt: skip


def _held(cohort: Cohort, endpoint: Endpoint) -> Iterator[tuple[str, nw.Expr]]:
    """What is counted of one endpoint, with where it holds."""
    stem, rule, options = endpoint.id, endpoint.rule, endpoint.asked.options
    time, event = nw.col(f"{stem}_time"), nw.col(f"{stem}_event")
    why, how = nw.col(f"{stem}__why"), nw.col(f"{stem}__how")
    for reason in _WHY:
        yield reason, why == reason
    known = why == ""
    yield "zero", known & (time == 0)
    yield "zero_event", known & (time == 0) & event
    yield "cut", known & nw.col(f"{stem}__cut")
    yield "competing", known & (how == RANKS["competing"])
    if rule is not None and rule.needs_events:
        late, alive = nw.col(f"{stem}__late"), nw.col("vital_status") == "alive"
        yield "after_contact", known & late & alive
        yield "after_death", known & late & (nw.col("vital_status") == "dead")
        yield "placed", known & nw.col(f"{stem}__placed")
        first, end = nw.col(f"{stem}__first"), nw.col(f"{stem}__end")
        same = (first <= end + CLOSE) & (first >= end - CLOSE)
        yield "same_day", known & same & (nw.col("vital_status") == "dead")
    if rule is not None and rule.setting == "early":
        for name, level in (("stage", "IV"), ("m_category", "M1")):
            if name in cohort.columns:
                yield f"metastatic_{name}", known & (nw.col(name) == level)
    if rule is not None and rule.needs_cause:
        cause, dead = nw.col("cause_of_death"), nw.col("vital_status") == "dead"
        unknown = (cause.is_null() | (cause == "unknown")).fill_null(True)
        yield "unknown_cause", known & dead & unknown
        if "tumour_sequence" in cohort.columns and options.primaries != "only":
            several = (nw.col("tumour_sequence") != "only").fill_null(True)
            yield "several_primaries", known & dead & several


def _told(endpoint: Endpoint, counts: Counts) -> Iterator[Finding]:
    """The findings of one endpoint; what never happened is not told."""
    stem, asked = endpoint.id, endpoint.asked
    origin = asked.origin.removesuffix("_day").replace("_", " ")
    for reason, words in _WHY.items():
        n = counts[f"{stem}__{reason}"]
        if n:
            advice = words.format(origin=origin, Origin=origin.capitalize())
            severity = "info" if reason in _ORDINARY else "warning"
            yield Finding(severity, STAGE, f"{stem}_time", "", reason, n, advice)  # type: ignore[arg-type]
    for rule, severity, part, column, value, advice in _notes(endpoint, counts):
        n = counts.get(f"{stem}__{part}", 0)
        if n:
            yield Finding(severity, STAGE, f"{stem}_{column}", value, rule, n, advice)  # type: ignore[arg-type]


def _notes(endpoint: Endpoint, counts: Counts) -> Iterator[tuple[str, str, str, str, str, str]]:
    """(rule, severity, count, column, value, advice) of what was decided for patients."""
    asked = endpoint.asked
    n_event = counts[f"{endpoint.id}__zero_event"]
    yield (
        "time_zero", "info", "zero", "time", "0",
        f"Follow-up of 0 is kept; {n_event} of these patients have the event at 0, which counts.",
    )  # fmt: skip
    ends = [str(asked.censor_at)] if asked.censor_at is not None else []
    ends += [asked.options.censor_on.isoformat()] if asked.options.censor_on is not None else []
    said = " or ".join(ends)
    yield (
        "censored_at", "info", "cut", "event", "",
        f"Events after {said} count as censored at {said} (administrative censoring).",
    )  # fmt: skip
    handled = (
        "the event counts, since the patient was seen then"
        if asked.options.late_events == "count"
        else "the event is not counted, and follow-up ends at the last contact"
    )
    yield (
        "event_after_last_contact", "warning", "after_contact", "event", "",
        f"An event lies after the last contact of a living patient: {handled}.",
    )  # fmt: skip
    yield (
        "event_after_death", "warning", "after_death", "event", "",
        "The first event that matters lies after death: it is not counted, and the death decides. "
        "Ask the data's owner.",
    )  # fmt: skip
    yield (
        "event_in_last_month", "info", "placed", "event", "",
        "An event lies past the end of follow-up by less than a time in months can tell (whole "
        "months are cut to the month): it is placed at the end of follow-up.",
    )  # fmt: skip
    yield (
        "event_on_day_of_death", "info", "same_day", "event", "",
        "An event on the day of death: an event comes before a competing one, and that before a "
        "censoring.",
    )  # fmt: skip
    unknown = endpoint.deaths.get("death_unknown_cause", "")
    yield (
        "unknown_cause", "warning", "unknown_cause", "event", unknown,
        f"Dead, and the cause is not known: taken as {unknown} where the death decides. Compare "
        "with the other policies (unknown_cause).",
    )  # fmt: skip
    for name, words in (("stage", "stage IV"), ("m_category", "M1")):
        yield (
            "metastatic_at_diagnosis", "warning", f"metastatic_{name}", "event", words,
            f"Metastatic at diagnosis ({words}), and this endpoint is of patients free of disease: "
            "select them away.",
        )  # fmt: skip
    yield (
        "cause_by_sequence", "info", "several_primaries", "event", "",
        "Dead with several primaries, or their number is not known: registries attribute such "
        "deaths by a narrower list of causes than where there is one primary (SEER: any cancer "
        "death). Restrict by primaries (only, first), or report both.",
    )  # fmt: skip
