"""Lengths of time in a study file: ``{years: 10}`` and ``{months: [12, 36, 60]}``."""

from __future__ import annotations

import itertools
from typing import Annotated, get_args

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from analyses.study.fields import Positive, Spec
from analyses.study.wording import refused
from cohort.duration import Duration, Unit
from cohort.table import TimeUnit

UNITS: tuple[Unit, ...] = get_args(Unit)


def _one(value: object) -> object:
    """A single point in time as a list of one."""
    return [value] if isinstance(value, int | float) else value


def _ascending(values: tuple[float, ...]) -> tuple[float, ...]:
    for before, after in itertools.pairwise(values):
        if after <= before:
            raise refused(f"{after:g} follows {before:g}", "Ascending numbers")
    return values


class _Units(Spec):
    """Exactly one unit, with what is counted in it."""

    @model_validator(mode="after")
    def _one_unit(self) -> _Units:
        given = [unit for unit in UNITS if getattr(self, unit) is not None]
        if len(given) != 1:
            found = f"{len(given)} units: {', '.join(given)}" if given else "no unit"
            raise refused(found, f"Exactly one of: {', '.join(UNITS)}")
        return self

    @property
    def unit(self) -> Unit:
        """The unit that was given."""
        return next(unit for unit in UNITS if getattr(self, unit) is not None)


class DurationSpec(_Units):
    """A length of time: exactly one of years, months, days, above 0."""

    days: Positive | None = None
    months: Positive | None = None
    years: Positive | None = None

    def to_duration(self) -> Duration:
        """The length with its unit, as `cohort` takes it."""
        return Duration(getattr(self, self.unit), self.unit)

    def __str__(self) -> str:
        """As a person writes it: ``10 years``."""
        return str(self.to_duration())


Points = Annotated[
    tuple[Positive, ...],
    Field(min_length=1),
    AfterValidator(_ascending),
    BeforeValidator(_one, json_schema_input_type=float | list[float]),
]


class TimesSpec(_Units):
    """Points in time: exactly one of years, months, days, ascending and above 0."""

    days: Points | None = None
    months: Points | None = None
    years: Points | None = None

    def to_durations(self) -> tuple[Duration, ...]:
        """Each point as a length of time with its unit."""
        return tuple(Duration(value, self.unit) for value in getattr(self, self.unit))

    def within(self, unit: TimeUnit) -> tuple[float, ...]:
        """The points in the unit of follow-up (1 year = 365.25 days = 12 months)."""
        return tuple(duration.within(unit) for duration in self.to_durations())
