"""What is asked of one endpoint, what the tables say of it, and whether a source can give it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Literal, get_args

from cohort.duration import Duration
from cohort.endpoint_rules import DEATHS, EVENTS, VALUES, EndpointRule, Value, endpoint_rules
from cohort.errors import Problem, listed, suggest
from cohort.schema import SCHEMA
from cohort.table import Cohort

MadeFrom = Literal["given", "events"]
UnknownCause = Literal["competing", "event", "censored", "exclude"]
Primaries = Literal["all", "first", "only"]
LateEvents = Literal["count", "ignore"]

# Endpoints that only a source can give: their definitions are the source's own.
GIVEN_NAMES = {
    "DSS": "Disease-specific survival",
    "PFI": "Progression-free interval",
    "DFI": "Disease-free interval",
}
# Days that end follow-up or come before it, so that no time starts at them.
_NO_ORIGIN = ("death_day", "last_contact_day", "observed_from_day", "event_day")


@dataclass(frozen=True, slots=True)
class EndpointOptions:
    """How an endpoint is made where good people differ; each choice is told in the methods.

    Attributes
    ----------
    made_from
        ``given`` (ready-made by the source) or ``events`` (vital status, cause of death and
        events); None takes the given one where there is one.
    unverified
        Also an endpoint whose definition in ``endpoint_rules`` is not checked in its source.
    unknown_cause
        What a death of unknown cause is to an endpoint that counts deaths by their cause:
        ``competing``, ``event``, ``censored``, or ``exclude`` (no endpoint).
    censor_on
        Administrative censoring by calendar; needs the date of diagnosis.
    primaries
        Whose causes of death are used: ``all``, ``first`` (the only or first of several
        primaries), ``only`` (one primary). Registries attribute deaths by different rules where
        there are several.
    late_events
        An event after the last contact of a living patient: ``count`` it (the patient was seen
        then) or ``ignore`` it.
    changes
        Cells of the definition that the study sets otherwise: pairs of an event
        (`endpoint_rules.EVENTS`) and ``event``, ``competing``, ``censor`` or ``ignore``.
    """

    made_from: MadeFrom | None = None
    unverified: bool = False
    unknown_cause: UnknownCause = "competing"
    censor_on: date | None = None
    primaries: Primaries = "all"
    late_events: LateEvents = "count"
    changes: tuple[tuple[str, Value], ...] = ()


@dataclass(frozen=True, slots=True)
class EndpointDefinition:
    """One endpoint as asked for: the parameters of `cohort.add_endpoint`."""

    id: str
    kind: str = "OS"
    censor_at: Duration | None = None
    origin: str = "diagnosis"
    entry: str | None = None
    options: EndpointOptions = EndpointOptions()

    @property
    def origin_column(self) -> str | None:
        """The column of days at which time starts; None for diagnosis."""
        return None if self.origin == "diagnosis" else origins().get(self.origin, self.origin)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A definition that this cohort can answer: `rule` is None where the source gives it."""

    asked: EndpointDefinition
    rule: EndpointRule | None

    @property
    def id(self) -> str:
        """Stem of the columns."""
        return self.asked.id

    @property
    def kind(self) -> str:
        """Abbreviation of the endpoint."""
        return self.asked.kind

    @property
    def has_states(self) -> bool:
        """Whether follow-up can end by a competing event, under the policy chosen."""
        if self.rule is None:
            return False
        values = {cell.event: cell.value for cell in self.rule.cells}
        if self.rule.needs_cause and self.asked.options.unknown_cause != "competing":
            del values["death_unknown_cause"]
        return "competing" in values.values()


def origins() -> dict[str, str]:
    """Where time can start, besides diagnosis: each name and its column of days."""
    return {
        name.removesuffix("_day"): name
        for name, known in SCHEMA.items()
        if name.endswith("_day") and known.unit == "days" and name not in _NO_ORIGIN
    }


def meaning(kind: str, made_from: MadeFrom) -> str:
    """What an endpoint is, in one phrase."""
    rule = endpoint_rules().get(kind)
    if rule is not None and made_from == "events":
        return rule.meaning
    name = rule.name if rule is not None else GIVEN_NAMES.get(kind, kind)
    return f"{name}, as the source gives it"


def given_kinds(columns: tuple[str, ...]) -> tuple[str, ...]:
    """Endpoints that a source gives ready-made, from the names of its columns."""
    return tuple(
        name.removeprefix("given_").removesuffix("_time").upper()
        for name in columns
        if name.startswith("given_") and name.endswith("_time")
        if name.removesuffix("_time") + "_event" in columns
    )


def resolved(cohort: Cohort, asked: EndpointDefinition) -> tuple[Endpoint, list[Problem]]:
    """The endpoint as this cohort can answer it, and every reason why it cannot."""
    asked = replace(asked, kind=asked.kind.upper())
    given = asked.kind in given_kinds(cohort.columns)
    made_from = asked.options.made_from or ("given" if given else "events")
    rule = endpoint_rules().get(asked.kind) if made_from == "events" else None
    problems = [*_misused(cohort, asked), *_changed(asked, made_from)]
    if rule is not None:
        rule = rule if problems else rule.changed(dict(asked.options.changes))
        problems += _not_made(cohort, asked, rule)
    elif not given:
        problems.append(_not_given(cohort, asked))
    elif asked.origin != "diagnosis":
        advice = "Leave origin out, or write from: events."
        found = f"{asked.kind} as the source gives it starts where the source starts it"
        problems.append(Problem(_where(asked), found, advice=advice))
    return Endpoint(asked, rule), problems


def _where(asked: EndpointDefinition) -> str:
    return f"endpoint '{asked.id}'"


def _misused(cohort: Cohort, asked: EndpointDefinition) -> Iterator[Problem]:
    """Parameters that are none, and columns that the cohort does not have."""
    where, options, columns = _where(asked), asked.options, cohort.columns
    if asked.id.startswith("given_"):
        yield Problem(where, "begins like a column of the source", advice="Leave out 'given_'.")
    length: object = asked.censor_at
    if length is not None and not isinstance(length, Duration):
        # A bare number does not say 5 of what.
        allowed = "A length with its unit: Duration(5, 'years')"
        yield Problem(where, f"censor_at is {length!r}", allowed)
    day: object = options.censor_on
    if day is not None and (not isinstance(day, date) or isinstance(day, datetime)):
        allowed = "A date: datetime.date(2022, 8, 5)"
        yield Problem(where, f"censor_on is {day!r}", allowed)
    for name, values in (
        ("made_from", (None, *get_args(MadeFrom))),
        ("unknown_cause", get_args(UnknownCause)),
        ("primaries", get_args(Primaries)),
        ("late_events", get_args(LateEvents)),
    ):
        given = getattr(options, name)
        if given not in values:
            yield Problem(where, f"{name} is {given!r}", f"Allowed: {listed(map(str, values))}")
    days = [n for n in columns if n in origins().values() or n == "observed_from_day"]
    for name, column in (("origin", asked.origin_column), ("entry", asked.entry)):
        if column is not None and column not in days:
            found = f"{name} is '{column}', which source '{cohort.source}' does not give"
            yield Problem(where, found, f"Columns of days here: {listed(days) or 'none'}",
                          suggest(column, days))  # fmt: skip
    if options.censor_on is not None and "diagnosis_date" not in columns:
        found = f"censor_on needs the date of diagnosis, which source '{cohort.source}' lacks"
        yield Problem(where, found, advice="Censor by duration: censor_at.")
    if options.primaries != "all" and "tumour_sequence" not in columns:
        found = f"primaries needs tumour_sequence, which source '{cohort.source}' lacks"
        yield Problem(where, found, advice="Leave it out.")


def _changed(asked: EndpointDefinition, made_from: MadeFrom) -> Iterator[Problem]:
    """Changes of the definition that name no event or value, or have nothing to change."""
    where = _where(asked)
    if asked.options.changes and made_from == "given":
        advice = "Leave changes out, or write from: events."
        yield Problem(where, f"{asked.kind} as the source gives it cannot be changed", "", advice)
    for event, value in asked.options.changes:
        if event not in EVENTS:
            allowed = f"Events: {listed(EVENTS)}"
            yield Problem(where, f"'{event}' is no event", allowed, suggest(event, EVENTS))
        elif value not in VALUES or (value == "ignore" and event in DEATHS):
            possible = VALUES[:-1] if event in DEATHS else VALUES
            yield Problem(where, f"{event} cannot be '{value}'", f"Allowed: {listed(possible)}")


def _not_made(cohort: Cohort, asked: EndpointDefinition, rule: EndpointRule) -> Iterator[Problem]:
    """Why an endpoint cannot, or should not unasked, be made from what the source identifies."""
    where, columns, identifies = _where(asked), cohort.columns, dict(cohort.identifies)
    source = f"source '{cohort.source}'"
    if rule.needs_events and cohort.events is None:
        why = (
            f"{source} does not identify recurrence"
            if identifies.get("recurrence") == "no"
            else f"{source} gives no events after diagnosis (recurrences, second cancers)"
        )
        allowed = f"Endpoints here: {listed(_kinds(cohort))}"
        yield Problem(where, f"{why}, so {rule.kind} cannot be made", allowed)
    if rule.needs_cause and "cause_of_death" not in columns:
        found = f"{source} does not identify cause of death, so {rule.kind} cannot be made"
        yield Problem(where, found, f"Endpoints here: {listed(_kinds(cohort))}")
    if "vital_status" not in columns or not followup_columns(cohort):
        needed = f"vital_status with followup_{cohort.time_unit}"
        if cohort.time_unit == "days":
            needed += ", or with death_day and last_contact_day"
        found = f"{source} gives no follow-up, so {rule.kind} cannot be made"
        yield Problem(where, found, f"Needed: {needed}")
    if not rule.is_verified and not asked.options.unverified:
        yield unverified_problem(where, rule)


def unverified_problem(where: str, rule: EndpointRule) -> Problem:
    """Why an endpoint whose definition is not checked is off, and how it is switched on."""
    degree = "in part from memory" if rule.verified == "partly" else "from memory"
    return Problem(
        where,
        f"the definition of {rule.kind} is {degree}, not checked in its source ({rule.source})",
        f"Checked: {listed(k for k, r in endpoint_rules().items() if r.is_verified)}",
        "To use it all the same, write unverified: true (in Python, "
        "EndpointOptions(unverified=True)); the report marks it.",
    )


def _not_given(cohort: Cohort, asked: EndpointDefinition) -> Problem:
    known = _kinds(cohort)
    return Problem(
        _where(asked),
        f"source '{cohort.source}' does not give {asked.kind}",
        f"Endpoints here: {listed(known)}",
        suggest(asked.kind, [*endpoint_rules(), *known]),
    )


def _kinds(cohort: Cohort) -> list[str]:
    """Endpoints that this cohort can have: made, then given."""
    columns = cohort.columns
    made = [
        kind
        for kind, rule in endpoint_rules().items()
        if "vital_status" in columns and followup_columns(cohort)
        if not rule.needs_events or cohort.events is not None
        if not rule.needs_cause or "cause_of_death" in columns
    ]
    return [*made, *(k for k in given_kinds(columns) if k not in made)]


def followup_columns(cohort: Cohort) -> tuple[str, ...]:
    """The column of follow-up, or the two that make it; empty where there is none."""
    columns = cohort.columns
    if f"followup_{cohort.time_unit}" in columns:
        return (f"followup_{cohort.time_unit}",)
    days = ("death_day", "last_contact_day")
    return days if cohort.time_unit == "days" and set(days) <= set(columns) else ()
