"""One endpoint as a study file states it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, Strict

from analyses.study.fields import Flag, Slug, Spec, Text
from analyses.study.times import DurationSpec
from analyses.study.wording import refused, shown
from cohort.endpoint_rules import DEATHS, EVENTS, VALUES, Value
from cohort.endpoints_definition import origins
from cohort.errors import listed, suggest

if TYPE_CHECKING:
    from cohort.endpoints_definition import EndpointDefinition


def _kind(value: str) -> str:
    """The name of an endpoint in capitals, as it is printed."""
    if not (value.isascii() and value.isupper() and value.isalnum() and value[0].isalpha()):
        near = value.upper()
        advice = f"Did you mean '{near}'?" if near.isalnum() and near != value else ""
        raise refused(
            f"{shown(value)} is no kind of endpoint", "Capitals, such as OS, IDFS, DSS", advice
        )
    return value


def _not_given(value: str) -> str:
    if value.startswith("given_"):
        raise refused(f"'{value}' begins like a column of the source", advice="Leave out 'given_'.")
    return value


def _origin(value: str) -> str:
    """``diagnosis``, or what happens on a day; a column of days is called by what happens."""
    known = origins()
    name = value.removesuffix("_day") if value in known.values() else value
    if name not in ("diagnosis", *known):
        every = ["diagnosis", *known]
        raise refused(f"{shown(value)} is no origin", f"Origins: {listed(every)}",
                      suggest(value, every))  # fmt: skip
    return name


def _entry(value: str) -> str:
    known = ["observed_from_day", *origins().values()]
    if value not in known:
        raise refused(f"{shown(value)} is no column of days", f"Columns: {listed(known)}",
                      suggest(value, known))  # fmt: skip
    return value


def _day(value: object) -> object:
    """A date written as year-month-day."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    try:
        return date.fromisoformat(value if isinstance(value, str) and len(value) == 10 else "")
    except ValueError:
        raise refused(f"{shown(value)} is no date", "Year-month-day, such as 2022-08-05") from None


def _changes(value: Mapping[str, Value]) -> Mapping[str, Value]:
    for event, change in value.items():
        if event not in EVENTS:
            raise refused(f"'{event}' is no event", f"Events: {listed(EVENTS)}",
                          suggest(event, EVENTS))  # fmt: skip
        if change == "ignore" and event in DEATHS:
            raise refused(f"{event}: follow-up cannot go on after death",
                          f"Allowed: {listed(VALUES[:-1])}")  # fmt: skip
    return MappingProxyType(dict(value))


class EndpointSpec(Spec):
    """One endpoint: made from follow-up and events, or ready-made by the source.

    Attributes
    ----------
    id
        Stem of its columns ``<id>_time``, ``<id>_event``, ``<id>_state``, ``<id>_entry``.
    kind
        ``OS``, ``BCSS``, ``IDFS``, ...; or what the source calls it (``DSS``, ``PFI``, ...).
    censor_at, censor_on
        Administrative censoring, after the origin and by calendar.
    origin
        Where time starts: ``diagnosis``, ``surgery``, ``metastasis``, ``chemotherapy``, ...
    entry
        Column of days from which a patient was observed.
    made_from, unverified, unknown_cause, primaries, late_events, changes
        As `cohort.EndpointOptions`; the first is written ``from``.
    """

    id: Annotated[Slug, AfterValidator(_not_given)]
    kind: Annotated[str, Strict(), AfterValidator(_kind)]
    label: Text | None = None
    censor_at: DurationSpec | None = None
    censor_on: Annotated[date, BeforeValidator(_day, json_schema_input_type=date)] | None = None
    origin: Annotated[Text, AfterValidator(_origin)] = "diagnosis"
    entry: Annotated[Text, AfterValidator(_entry)] | None = None
    made_from: Literal["given", "events"] | None = Field(default=None, alias="from")
    unverified: Flag = False
    unknown_cause: Literal["competing", "event", "censored", "exclude"] | None = None
    primaries: Literal["all", "first", "only"] = "all"
    late_events: Literal["count", "ignore"] = "count"
    changes: Annotated[
        Mapping[str, Value],
        AfterValidator(_changes),
        PlainSerializer(dict, return_type=dict[str, Any]),
    ] = Field(default_factory=dict, validate_default=True)

    def to_definition(self) -> EndpointDefinition:
        """The endpoint as `cohort` takes it."""
        from cohort.endpoints_definition import EndpointDefinition, EndpointOptions

        return EndpointDefinition(
            id=self.id,
            kind=self.kind,
            censor_at=None if self.censor_at is None else self.censor_at.to_duration(),
            origin=self.origin,
            entry=self.entry,
            options=EndpointOptions(
                made_from=self.made_from,
                unverified=self.unverified,
                unknown_cause=self.unknown_cause,
                censor_on=self.censor_on,
                primaries=self.primaries,
                late_events=self.late_events,
                changes=tuple(self.changes.items()),
            ),
        )
