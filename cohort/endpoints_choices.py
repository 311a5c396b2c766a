"""Every decision behind an endpoint, in sentences for the methods text and the manifest."""

from __future__ import annotations

from collections.abc import Iterator

from cohort.endpoint_rules import EndpointRule
from cohort.endpoints_definition import GIVEN_NAMES, Endpoint, given_kinds, meaning
from cohort.endpoints_findings import STAGE
from cohort.errors import listed
from cohort.table import Choice, Cohort


def endpoint_choices(cohort: Cohort, endpoint: Endpoint) -> Iterator[Choice]:
    """Every decision behind one endpoint, in sentences for the methods text."""
    stem, kind, asked, rule = endpoint.id, endpoint.kind, endpoint.asked, endpoint.rule
    yield Choice(STAGE, stem, kind, meaning(kind, "given" if rule is None else "events"))
    if rule is not None:
        yield from _of_definition(cohort, endpoint, rule)
    elif asked.options.made_from == "given" or kind not in GIVEN_NAMES:
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
        if cohort.time_unit == "months":
            said += (
                " An event whose day is known, past the end of follow-up by less than its months "
                "can tell, is placed at the end."
            )
        yield Choice(STAGE, f"{stem} events", options.late_events, said)
    if rule.needs_cause:
        yield from _of_causes(endpoint, rule)
    if endpoint.has_states:
        said = (
            "Curves, log-rank tests and Cox models take a competing event as the end of "
            "observation (cause-specific): one minus such a curve is more than the share of "
            "patients who will have the event."
        )
        yield Choice(STAGE, f"{stem} competing", "cause-specific", said)


def _of_causes(endpoint: Endpoint, rule: EndpointRule) -> Iterator[Choice]:
    """What deaths of other and of unknown causes are, and whose causes are used."""
    stem, options = endpoint.id, endpoint.asked.options
    unknown = endpoint.deaths["death_unknown_cause"]
    said = (
        f"A death from another cause is {_VALUES[rule.value('death_other_cause')]}; one whose "
        f"cause is not known is {_POLICIES[unknown]}."
    )
    yield Choice(STAGE, f"{stem} unknown_cause", unknown, said)
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
