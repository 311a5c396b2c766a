"""Parametric survival models, as a study file asks for them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from analyses.results.lifetimes import FAMILIES, Family
from analyses.study.specs.modelled import Modelled
from analyses.study.times import DurationSpec
from analyses.study.wording import refused


def _several(value: object) -> object:
    """A single distribution as a list of one."""
    return [value] if isinstance(value, str) else value


def _once(values: tuple[Family, ...]) -> tuple[Family, ...]:
    again = [value for i, value in enumerate(values) if value in values[:i]]
    if again:
        raise refused(f"'{again[0]}' stands twice", advice="Keep one of the two.")
    return values


Families = Annotated[
    tuple[Family, ...],
    Field(min_length=1),
    AfterValidator(_once),
    BeforeValidator(_several, json_schema_input_type=Family | list[Family]),
]


class ParametricSpec(Modelled):
    """Time ratios under one or several distributions of the time to an endpoint.

    Attributes
    ----------
    distributions
        Those to be fitted; of several the one with the lowest AIC is shown.
    zero_as
        The length of time that stands in for a follow-up of 0, at which no such distribution has
        a density: half a month or half a day.
    """

    kind: Literal["parametric"]
    distributions: Families = FAMILIES
    zero_as: DurationSpec | None = None
