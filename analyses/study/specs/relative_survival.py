"""Relative survival, as a study file asks for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

from pydantic import field_validator

from analyses.study.fields import Text
from analyses.study.specs.modelled import Modelled
from analyses.study.times import TimesSpec
from analyses.study.use import Use
from analyses.study.wording import refused

if TYPE_CHECKING:
    from cohort.yaml_reader import Path


class RelativeSurvivalSpec(Modelled):
    """Survival if the disease were the only cause of death, against a life table of one's own.

    Attributes
    ----------
    endpoint
        Death of any cause (kind OS).
    by
        Column of the groups; without it one curve.
    at
        Times at which survival is printed.
    life_table
        Path of a CSV file: age, sex, year, race where told apart, and rate or probability a year.
    age, sex, year, race
        Columns of the patients; race only where the table tells races apart.
    terms
        Of a model of the excess hazard, where one is wanted.
    cuts
        Ends of the intervals in which its baseline is constant; single years where not given.
    """

    kind: Literal["relative_survival"]
    by: Text | None = None
    at: TimesSpec
    life_table: Text
    age: Text = "age_years"
    sex: Text = "sex"
    year: Text = "diagnosis_year"
    race: Text | None = None
    cuts: TimesSpec | None = None

    @field_validator("cuts")
    @classmethod
    def _cuts_of_a_model(cls, cuts: TimesSpec | None, info: Any) -> TimesSpec | None:
        if cuts is not None and not info.data.get("terms"):
            raise refused("cuts without terms", advice="Name the terms of the excess hazard.")
        return cuts

    def uses(self, place: Path) -> Iterator[Use]:
        """The terms, the groups, and what places a patient in the life table."""
        yield from super().uses(place)
        if self.by is not None:
            yield Use((*place, "by"), self.by, "groups", self.endpoint)
        for key in ("age", "sex", "year", "race"):
            name = getattr(self, key)
            if name is not None:
                yield Use((*place, key), name, "description", self.endpoint)
