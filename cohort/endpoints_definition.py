"""What is asked of one endpoint, what the tables say of it, and whether a source can give it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

from cohort.duration import Duration
from cohort.endpoint_rules import DEATHS, EndpointRule, Value, endpoint_rules
from cohort.schema import EVENT_KINDS, SCHEMA
from cohort.table import Cohort, TimeUnit

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
        ``competing``, ``event``, ``censored``, or ``exclude`` (no endpoint). None leaves it to the
        definition and its `changes`; in the tables such a death competes.
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
    unknown_cause: UnknownCause | None = None
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
    def deaths(self) -> Mapping[str, UnknownCause]:
        """What a death of each cause is, under the definition as changed and the policy chosen."""
        if self.rule is None:
            return {}
        found = {death: _OF_CELL[self.rule.value(death)] for death in DEATHS}
        policy = self.asked.options.unknown_cause
        return found if policy is None else found | {"death_unknown_cause": policy}

    @property
    def has_states(self) -> bool:
        """Whether follow-up can end by a competing event: a death or another."""
        if self.rule is None:
            return False
        others = {self.rule.value(event) for event in EVENT_KINDS}
        return "competing" in {*others, *self.deaths.values()}


# What a cell of the table makes of a death, as the policy for an unknown cause is worded.
_OF_CELL: dict[Value, UnknownCause] = {
    "event": "event",
    "competing": "competing",
    "censor": "censored",
}


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


def followup_columns(cohort: Cohort) -> tuple[str, ...]:
    """The column of follow-up, or the two that make it; empty where there is none."""
    return followup_of(cohort.time_unit, cohort.columns)


def followup_of(unit: TimeUnit, columns: tuple[str, ...]) -> tuple[str, ...]:
    """The same, by the unit of follow-up and the names of the columns that there are."""
    if f"followup_{unit}" in columns:
        return (f"followup_{unit}",)
    days = ("death_day", "last_contact_day")
    return days if unit == "days" and set(days) <= set(columns) else ()
