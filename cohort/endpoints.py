"""Endpoints: time, event and state of each patient from follow-up and events, or as given."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from cohort.duration import Duration
from cohort.endpoint_rules import EndpointRule
from cohort.endpoints_definition import (
    Endpoint,
    EndpointDefinition,
    EndpointOptions,
    given_kinds,
    meaning,
    resolved,
)
from cohort.endpoints_events import event_findings, with_first_events
from cohort.endpoints_findings import STAGE, endpoint_findings, followup_findings
from cohort.endpoints_orders import order_findings
from cohort.endpoints_times import SUFFIXES, made_columns, stages, with_days_to
from cohort.errors import SpecError, listed
from cohort.table import Choice, Cohort, Finding


def add_endpoint(
    cohort: Cohort,
    *,
    id: str,
    kind: str = "OS",
    censor_at: Duration | None = None,
    origin: str = "diagnosis",
    entry: str | None = None,
    options: EndpointOptions | None = None,
) -> Cohort:
    """The cohort with ``<id>_time`` and ``<id>_event``: the time of an endpoint and if it came.

    An endpoint of ``cohort.endpoint_rules`` (OS, BCSS, DFS, IDFS, ...) is made from vital
    status, follow-up, cause of death and the cohort's events: the first that matters ends it.
    Any other, and any that the source gives ready-made (``given_<kind>_time | _event``), is
    taken as given. Where deaths or events compete, ``<id>_state`` says how follow-up ended
    (censored, event, competing); `entry` gives ``<id>_entry``. All are in the unit of follow-up.

    On the same day an event comes before a competing one, and that before a censoring. A time of
    0 is kept, and an event then counts. A patient whose vital status, follow-up, origin, entry or
    event's date is missing or contradictory has no endpoint (null) and is counted by reason.

    Parameters
    ----------
    id
        Stem of the new columns.
    kind
        ``OS``, ``BCSS``, ``IDFS``, ...; or the name of an endpoint that the source gives.
    censor_at
        Administrative censoring this long after the origin: later events become censorings
        then. An event at exactly this time counts.
    origin
        Where time starts: ``diagnosis``, ``surgery``, ``metastasis``, ``chemotherapy``, or
        another column of days after diagnosis.
    entry
        Column of days from which the patient was observed (delayed entry).
    options
        Choices on which studies differ (`EndpointOptions`).

    Raises
    ------
    SpecError
        With every reason why this cohort has no such endpoint, or why it is off.

    Notes
    -----
    Definitions: Hudis 2007, Tolaney 2021 (STEEP), each cell of the table with its source and
    whether it was checked there. Checked against worked patients
    (tests/cohort/test_endpoints_worked.py), the counts of TCGA-CDR (151 deaths in 1,096
    patients) and of METABRIC (646 deaths of disease, 497 of another cause).
    """
    asked = EndpointDefinition(id, kind, censor_at, origin, entry, options or EndpointOptions())
    return add_endpoints(cohort, [asked])


def add_endpoints(cohort: Cohort, asked: Sequence[EndpointDefinition]) -> Cohort:
    """The cohort with several endpoints, counted together in one aggregation.

    As `add_endpoint` for each; every problem of all of them is raised at once. An endpoint made
    again under its id takes the place of the earlier one. Nothing is copied: the columns are
    expressions over the patients, computed when they are used.
    """
    if not asked:
        return cohort
    pairs = [resolved(cohort, one) for one in asked]
    problems = [problem for _, found in pairs for problem in found]
    if problems:
        raise SpecError(problems)
    endpoints = [endpoint for endpoint, _ in pairs]
    fresh = {f"{e.id}_{suffix}" for e in endpoints for suffix in SUFFIXES}
    names = [name for name in cohort.columns if name not in fresh]
    cohort = _without(cohort, endpoints, names)
    table = with_first_events(cohort, cohort.patients, endpoints)
    calendar = {e.id: e.asked.options.censor_on for e in endpoints}
    table = with_days_to(cohort, table, {k: day for k, day in calendar.items() if day is not None})
    turns = zip(*(stages(cohort, endpoint) for endpoint in endpoints), strict=True)
    for turn in turns:
        table = table.with_columns(**{k: v for columns in turn for k, v in columns.items()})
    found = (
        *order_findings(cohort),
        *followup_findings(cohort),
        *event_findings(cohort, endpoints),
        *endpoint_findings(cohort, table, endpoints),
    )
    made = [name for endpoint in endpoints for name in made_columns(endpoint)]
    choices = tuple(choice for endpoint in endpoints for choice in _choices(cohort, endpoint))
    with_them = replace(cohort, patients=table.select(*names, *made))
    return with_them.noting(_new(cohort, found), choices)


def _without(cohort: Cohort, endpoints: Sequence[Endpoint], names: list[str]) -> Cohort:
    """The cohort without these endpoints, should they have been made before, and their notes."""
    stems = tuple(f"{endpoint.id}_{suffix}" for endpoint in endpoints for suffix in SUFFIXES)
    ids = {endpoint.id for endpoint in endpoints}
    return replace(
        cohort,
        patients=cohort.patients.select(*names),
        findings=tuple(f for f in cohort.findings if f.source != STAGE or f.column not in stems),
        choices=tuple(
            c for c in cohort.choices if c.stage != STAGE or c.name.partition(" ")[0] not in ids
        ),
    )


def _new(cohort: Cohort, found: Sequence[Finding]) -> tuple[Finding, ...]:
    """Findings that an earlier endpoint of this cohort has not noted already."""
    return tuple(finding for finding in dict.fromkeys(found) if finding not in cohort.findings)


def _choices(cohort: Cohort, endpoint: Endpoint) -> Iterator[Choice]:
    """Every decision behind one endpoint, in sentences for the methods text."""
    stem, kind, asked, rule = endpoint.id, endpoint.kind, endpoint.asked, endpoint.rule
    yield Choice(STAGE, stem, kind, meaning(kind, "given" if rule is None else "events"))
    if rule is not None:
        yield from _of_definition(cohort, endpoint, rule)
    elif asked.options.made_from == "given" or kind not in ("DSS", "PFI", "DFI"):
        said = "Time and event are the source's own, by its own definition"
        yield Choice(STAGE, f"{stem} from", "given", f"{said}.")
    yield from _of_time(cohort, endpoint)


def _of_definition(cohort: Cohort, endpoint: Endpoint, rule: EndpointRule) -> Iterator[Choice]:
    """What counts, on whose word, and what competes."""
    stem, options = endpoint.id, endpoint.asked.options
    if endpoint.kind in given_kinds(cohort.columns):
        said = "Made from vital status and events although the source gives one ready-made."
        yield Choice(STAGE, f"{stem} from", "events", said)
    if not rule.is_verified:
        said = f"This definition is not checked in its source ({rule.source}); used on request."
        yield Choice(STAGE, f"{stem} definition", rule.verified, said)
    if rule.caution:
        yield Choice(STAGE, f"{stem} caution", "", f"{rule.caution}.")
    for event, value in options.changes:
        said = f"Departs from the definition: {_words(event)} is {_VALUES[value]}."
        yield Choice(STAGE, f"{stem} change", f"{event}: {value}", said)
    if rule.needs_events:
        counted = listed(_words(e) for e in rule.events_that("event"))
        late = (
            "counts, since the patient was seen then"
            if options.late_events == "count"
            else "does not count"
        )
        said = (
            f"Events besides death: {counted}. The first decides; on one day an event comes before "
            "a competing one, and that before a censoring. An event after death does not count; "
            f"one after the last contact of a living patient {late}."
        )
        yield Choice(STAGE, f"{stem} events", options.late_events, said)
    if rule.needs_cause:
        others = "compete" if rule.value("death_other_cause") == "competing" else "do not compete"
        said = (
            f"Deaths from other causes {others}; a death whose cause is not known is "
            f"{_POLICIES[options.unknown_cause]}."
        )
        yield Choice(STAGE, f"{stem} unknown_cause", options.unknown_cause, said)
        if options.primaries != "all":
            kept = {"only": "their only primary", "first": "their only or first primary"}
            said = f"Restricted to patients whose tumour is {kept[options.primaries]}."
            yield Choice(STAGE, f"{stem} primaries", options.primaries, said)


_VALUES = {
    "event": "an event",
    "competing": "a competing event",
    "censor": "a censoring",
    "ignore": "not counted",
}
_POLICIES = {
    "competing": "taken as competing",
    "event": "taken as an event",
    "censored": "taken as a censoring",
    "exclude": "a reason to leave the patient out",
}


def _words(event: str) -> str:
    return event.replace("_", " ").replace("dcis", "DCIS").replace("nonbreast", "non-breast")


def _of_time(cohort: Cohort, endpoint: Endpoint) -> Iterator[Choice]:
    """Where time starts, from when patients were observed, and where it ends."""
    stem, asked, unit = endpoint.id, endpoint.asked, cohort.time_unit
    converted = "" if unit == "days" else " Days became months by 1 year = 365.25 days = 12 months."
    if asked.origin_column is not None:
        said = (
            f"Time starts at {_words(asked.origin_column.removesuffix('_day'))}: patients must "
            "have reached it, so those who had not, or whose day is not known, are left out and "
            f"counted.{converted}"
        )
        yield Choice(STAGE, f"{stem} origin", asked.origin, said)
    if asked.entry is not None:
        said = (
            f"Patients are at risk from {asked.entry} on (delayed entry); one observed only from "
            f"the end of follow-up or later is left out and counted.{converted}"
        )
        yield Choice(STAGE, f"{stem} entry", asked.entry, said)
    if asked.censor_at is not None:
        horizon = asked.censor_at.within(unit)
        name = f"{stem} censored at"
        yield Choice(STAGE, name, str(asked.censor_at), f"{horizon:.10g} {unit}")
    if asked.options.censor_on is not None:
        said = f"Follow-up ends on this date, counted from the date of diagnosis.{converted}"
        yield Choice(STAGE, f"{stem} censored on", asked.options.censor_on.isoformat(), said)
