"""Endpoints: time, event and state of each patient from follow-up and events, or as given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from cohort.duration import Duration
from cohort.endpoints_choices import endpoint_choices
from cohort.endpoints_definition import Endpoint, EndpointDefinition, EndpointOptions
from cohort.endpoints_events import event_findings, with_first_events
from cohort.endpoints_findings import STAGE, endpoint_findings, followup_findings
from cohort.endpoints_orders import order_findings
from cohort.endpoints_refusals import Offer, decided, offer_of
from cohort.endpoints_times import SUFFIXES, made_columns, stages, with_days_to
from cohort.errors import Problem, SpecError
from cohort.table import Cohort, Finding


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
    offer = offer_of(cohort)
    pairs = [_resolved(offer, one) for one in asked]
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
    choices = tuple(
        choice for endpoint in endpoints for choice in endpoint_choices(cohort, endpoint)
    )
    with_them = replace(cohort, patients=table.select(*names, *made))
    return with_them.noting(_new(cohort, found), choices)


def _resolved(offer: Offer, asked: EndpointDefinition) -> tuple[Endpoint, list[Problem]]:
    """The endpoint as this cohort can answer it, and every reason why it cannot."""
    asked = replace(asked, kind=asked.kind.upper())
    rule, refused = decided(offer, asked)
    return Endpoint(asked, rule), [reason.at(f"endpoint '{asked.id}'") for reason in refused]


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
