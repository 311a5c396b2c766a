"""Why a source cannot give an endpoint as asked for; one set of reasons for every door."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from types import MappingProxyType
from typing import get_args

from cohort.duration import Duration
from cohort.endpoint_rules import DEATHS, EVENTS, VALUES, EndpointRule, endpoint_rules
from cohort.endpoints_definition import (
    GIVEN_NAMES,
    EndpointDefinition,
    LateEvents,
    MadeFrom,
    Primaries,
    UnknownCause,
    followup_of,
    given_kinds,
    origins,
)
from cohort.errors import Problem, listed, suggest
from cohort.table import Cohort, TimeUnit

# Files of which one is needed; none: it is there.
Roles = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Refusal:
    """One reason, with the key of the endpoint that it is about; the caller says where that is."""

    key: str
    found: str
    allowed: str = ""
    advice: str = ""

    def at(self, where: str) -> Problem:
        """The reason at a place that a person can go to."""
        return Problem(where, self.found, self.allowed, self.advice)


@dataclass(frozen=True, slots=True)
class Offer:
    """What a source has for endpoints: known of its patients, or of its dictionary and files.

    Attributes
    ----------
    columns
        Canonical columns, each with the files of which it needs one that is not given.
    events
        The same of the events; None where the source has none.
    identifies, because
        What the source says that it identifies, and why not.
    """

    source: str
    time_unit: TimeUnit
    columns: Mapping[str, Roles]
    events: Roles | None
    identifies: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    because: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def lacks(self, what: str) -> bool:
        """Whether the source says that it does not identify this."""
        return self.identifies.get(what) == "no"


def offer_of(cohort: Cohort) -> Offer:
    """What harmonised patients have."""
    return Offer(
        source=cohort.source,
        time_unit=cohort.time_unit,
        columns=MappingProxyType(dict.fromkeys(cohort.columns, ())),
        events=None if cohort.events is None else (),
        identifies=MappingProxyType(dict(cohort.identifies)),
    )


def decided(offer: Offer, asked: EndpointDefinition) -> tuple[EndpointRule | None, list[Refusal]]:
    """The definition by which an endpoint is made, and every reason why it cannot be.

    The definition is None where the source gives the endpoint ready-made.
    """
    given = asked.kind in given_kinds(tuple(offer.columns))
    made_from = asked.options.made_from or ("given" if given else "events")
    rule = endpoint_rules().get(asked.kind) if made_from == "events" else None
    refused = [*_misused(asked), *_changed(asked, made_from)]
    if rule is not None:
        rule = rule if refused else rule.changed(dict(asked.options.changes))
        refused += [*(() if refused else _unused(asked, rule)), *_not_made(offer, asked, rule)]
    else:
        refused += [] if refused or not given else _unused(asked, None)
        refused += _not_given(offer, asked, given)
    return rule, [*refused, *_lacking(offer, asked, rule)]


def _misused(asked: EndpointDefinition) -> Iterator[Refusal]:
    """Parameters that are none."""
    options = asked.options
    if asked.id.startswith("given_"):
        yield Refusal("id", "begins like a column of the source", advice="Leave out 'given_'.")
    length: object = asked.censor_at
    if length is not None and not isinstance(length, Duration):
        # A bare number does not say 5 of what.
        allowed = "A length with its unit: Duration(5, 'years')"
        yield Refusal("censor_at", f"censor_at is {length!r}", allowed)
    day: object = options.censor_on
    if day is not None and (not isinstance(day, date) or isinstance(day, datetime)):
        allowed = "A date: datetime.date(2022, 8, 5)"
        yield Refusal("censor_on", f"censor_on is {day!r}", allowed)
    for name, values in (
        ("made_from", (None, *get_args(MadeFrom))),
        ("unknown_cause", (None, *get_args(UnknownCause))),
        ("primaries", get_args(Primaries)),
        ("late_events", get_args(LateEvents)),
    ):
        given = getattr(options, name)
        if given not in values:
            allowed = f"Allowed: {listed(map(str, values))}"
            yield Refusal(name, f"{name} is {given!r}", allowed)


def _changed(asked: EndpointDefinition, made_from: MadeFrom) -> Iterator[Refusal]:
    """Changes of the definition that name no event or value, or have nothing to change."""
    options = asked.options
    if options.changes and made_from == "given":
        advice = "Leave changes out, or write from: events."
        found = f"{asked.kind} as the source gives it cannot be changed"
        yield Refusal("changes", found, "", advice)
    for event, value in options.changes:
        if event not in EVENTS:
            allowed = f"Events: {listed(EVENTS)}"
            yield Refusal("changes", f"'{event}' is no event", allowed, suggest(event, EVENTS))
        elif value not in VALUES or (value == "ignore" and event in DEATHS):
            possible = VALUES[:-1] if event in DEATHS else VALUES
            found = f"{event} cannot be '{value}'"
            yield Refusal("changes", found, f"Allowed: {listed(possible)}")
    if options.unknown_cause is not None and "death_unknown_cause" in dict(options.changes):
        found = (
            f"death_unknown_cause is '{dict(options.changes)['death_unknown_cause']}' by changes "
            f"and unknown_cause is '{options.unknown_cause}': two rules for the same deaths"
        )
        yield Refusal("unknown_cause", found, advice="Leave one of the two out.")


def _not_made(offer: Offer, asked: EndpointDefinition, rule: EndpointRule) -> Iterator[Refusal]:
    """Why an endpoint cannot, or should not unasked, be made from what the source identifies."""
    source, allowed = f"source '{offer.source}'", f"Endpoints: {listed(kinds(offer))}"
    if rule.needs_events:
        yield from _without_events(offer, rule)
    needed = followup_of(offer.time_unit, tuple(offer.columns))
    needed = ("vital_status", *(needed or (f"followup_{offer.time_unit}",)))
    if rule.needs_cause and offer.lacks("cause_of_death"):
        found = f"{source} does not identify cause of death, so not {rule.kind}"
        yield Refusal("kind", found, allowed, offer.because.get("cause_of_death", ""))
    elif rule.needs_cause:
        needed += ("cause_of_death",)
    missing = [name for name in needed if name not in offer.columns]
    if missing:
        found = f"{source} does not give {rule.kind} ({listed(missing)})"
        yield Refusal("kind", found, allowed)
    else:
        yield from _elsewhere(offer, rule.kind, needed)
    if not rule.is_verified and not asked.options.unverified:
        yield _unverified(rule)


def _without_events(offer: Offer, rule: EndpointRule) -> Iterator[Refusal]:
    """Why there are no recurrences to make an endpoint from."""
    source, allowed = f"source '{offer.source}'", f"Endpoints: {listed(kinds(offer))}"
    if offer.lacks("recurrence"):
        found = f"{source} does not identify recurrences, so not {rule.kind}"
        yield Refusal("kind", found, allowed, offer.because.get("recurrence", ""))
    elif offer.events is None:
        found = f"{source} gives no events after diagnosis (recurrences), so not {rule.kind}"
        yield Refusal("kind", found, allowed)
    elif offer.events:
        found = f"{rule.kind}: events come from file {_either(offer.events)}, which is not given"
        yield Refusal("kind", found, advice=_add(offer.events))


def _elsewhere(offer: Offer, kind: str, needed: tuple[str, ...]) -> Iterator[Refusal]:
    """The first column that only a file has that is not given."""
    for name in needed:
        roles = offer.columns[name]
        if roles:
            found = (
                f"{kind}: '{name}' comes from file {_either(roles)}, which the study does not give"
            )
            yield Refusal("kind", found, advice=_add(roles))
            return


def _unverified(rule: EndpointRule) -> Refusal:
    """Why an endpoint whose definition is not checked is off, and how it is switched on."""
    degree = "in part from memory" if rule.verified == "partly" else "from memory"
    return Refusal(
        "kind",
        f"the definition of {rule.kind} is {degree}, not checked in its source ({rule.source})",
        f"Checked: {listed(k for k, r in endpoint_rules().items() if r.is_verified)}",
        "To use it all the same, write unverified: true (in Python, "
        "EndpointOptions(unverified=True)); the report marks it.",
    )


def _unused(asked: EndpointDefinition, rule: EndpointRule | None) -> Iterator[Refusal]:
    """Choices that would change nothing: who makes them believes that they do."""
    options = asked.options
    given = f"{asked.kind} as the source gives it is ready-made" if rule is None else ""
    by_cause, events = rule is not None and rule.needs_cause, rule is not None and rule.needs_events
    alike = given or f"{asked.kind} takes deaths of every cause alike"
    if options.primaries != "all" and not by_cause:
        found = f"{alike}, so primaries: {options.primaries} changes nothing"
        advice = "Leave it out; to restrict the patients, select by tumour_sequence."
        yield Refusal("primaries", found, advice=advice)
    if options.unknown_cause is not None and not by_cause:
        found = f"{alike}, so unknown_cause: {options.unknown_cause} changes nothing"
        advice = (
            "Leave it out." if given else "Leave it out, or set death_unknown_cause in changes."
        )
        yield Refusal("unknown_cause", found, advice=advice)
    if options.late_events != "count" and not events:
        why = given or f"no event besides death matters to {asked.kind}"
        found = f"{why}, so late_events: {options.late_events} changes nothing"
        yield Refusal("late_events", found, advice="Leave it out.")


def _not_given(offer: Offer, asked: EndpointDefinition, given: bool) -> Iterator[Refusal]:
    """Why the source does not give an endpoint ready-made, or not from where it is asked for."""
    kind, allowed = asked.kind, f"Endpoints: {listed(kinds(offer))}"
    columns = f"given_{kind.lower()}_time", f"given_{kind.lower()}_event"
    recurs = kind in ("PFI", "DFI") or (
        kind in endpoint_rules() and endpoint_rules()[kind].needs_events
    )
    if recurs and offer.lacks("recurrence"):
        found = f"source '{offer.source}' does not identify recurrences, so not {kind}"
        yield Refusal("kind", found, allowed, offer.because.get("recurrence", ""))
    elif not given:
        missing = [name for name in columns if name not in offer.columns]
        found = f"source '{offer.source}' does not give {kind} ({listed(missing)})"
        every = [*endpoint_rules(), *GIVEN_NAMES]
        near = "" if kind in every else suggest(kind, [*every, *kinds(offer)])
        yield Refusal("kind", found, allowed, near)
    else:
        yield from _elsewhere(offer, kind, columns)
    if given and asked.origin != "diagnosis":
        found = f"{kind} as the source gives it starts where the source starts it"
        yield Refusal("origin", found, advice="Leave origin out, or write from: events.")


def _lacking(
    offer: Offer, asked: EndpointDefinition, rule: EndpointRule | None
) -> Iterator[Refusal]:
    """Days, dates and sequences that the choices of an endpoint need."""
    options = asked.options
    by_cause = rule is not None and rule.needs_cause
    needed = {
        "origin": asked.origin_column,
        "entry": asked.entry,
        "censor_on": None if options.censor_on is None else "diagnosis_date",
        "primaries": "tumour_sequence" if by_cause and options.primaries != "all" else None,
    }
    days = [n for n in offer.columns if n in origins().values() or n == "observed_from_day"]
    for key, name in needed.items():
        if name is None:
            continue
        of_days = key in ("origin", "entry")
        roles = offer.columns.get(name) if not of_days or name in days else None
        starts = name in days and name not in _NO_TREATMENTS
        if starts and offer.lacks("treatment_starts"):
            found = f"source '{offer.source}' does not identify when treatments start ({name})"
            yield Refusal(key, found, advice=f"Leave {key} out.")
        elif roles is None:
            found = f"source '{offer.source}' does not give '{name}', which {key} needs"
            allowed = f"Columns of days: {listed(days) or 'none'}" if of_days else ""
            near = suggest(name, days) if of_days else ""
            yield Refusal(key, found, allowed, near or f"Leave {key} out.")
        elif roles:
            found = f"'{name}' comes from file {_either(roles)}, which the study does not give"
            yield Refusal(key, found, advice=_add(roles))


# Days that are no start of a treatment.
_NO_TREATMENTS = ("metastasis_day", "observed_from_day", "specimen_day")


def kinds(offer: Offer) -> list[str]:
    """Endpoints that the source has: made from what it identifies, then ready-made."""
    columns = tuple(offer.columns)
    followed = "vital_status" in columns and followup_of(offer.time_unit, columns)
    recurs = offer.events is not None and not offer.lacks("recurrence")
    causes = "cause_of_death" in columns and not offer.lacks("cause_of_death")
    made = [
        kind
        for kind, rule in endpoint_rules().items()
        if followed and (recurs or not rule.needs_events) and (causes or not rule.needs_cause)
    ]
    return [*made, *(k for k in sorted(given_kinds(columns)) if k not in made)]


def _either(roles: Roles) -> str:
    return " or ".join(f"'{role}'" for role in sorted(roles))


def _add(roles: Roles) -> str:
    return f"Add {roles[0]}: and its path under source.files."
