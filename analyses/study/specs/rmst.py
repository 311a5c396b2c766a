"""Restricted mean survival, as a study file asks for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

from pydantic import field_validator

from analyses.study.fields import ConfLevel, Level, Names, Slug, Text
from analyses.study.specs.missing import (
    ImputeSpec,
    Missing,
    imputes_alone,
    imputing,
    missing_uses,
)
from analyses.study.specs.restricted import Restricted
from analyses.study.times import DurationSpec
from analyses.study.use import Use, strata_uses, weight_uses
from analyses.study.wording import refused

if TYPE_CHECKING:
    from cohort.yaml_reader import Path


class RmstSpec(Restricted):
    """The mean time free of an endpoint up to a time, by group, with differences and ratios.

    Attributes
    ----------
    by
        Column of the groups.
    tau
        The end of the time looked at. Where not given, the smallest of the groups' last times,
        with a warning.
    reference
        Group that the others are compared with; the first where not given.
    strata
        Columns at whose composition among all patients the groups are compared.
    weights
        Column of what each patient counts for; whole numbers stand for so many patients.
    missing
        ``complete_case``: patients without a group are left out. ``impute``, or ``{impute: {m: 40,
        columns: [...]}}``: the same by multiple imputation beside it.
    """

    id: Slug
    kind: Literal["rmst"]
    title: Text | None = None
    endpoint: Text
    by: Text
    tau: DurationSpec | None = None
    reference: Level | None = None
    strata: Names = ()
    weights: Text | None = None
    missing: Missing = "complete_case"
    conf_level: ConfLevel = 0.95

    @field_validator("strata")
    @classmethod
    def _strata_apart(cls, strata: tuple[str, ...], info: Any) -> tuple[str, ...]:
        if info.data.get("by") in strata:
            raise refused(f"'{info.data['by']}' makes the groups", advice="Leave it out here.")
        return strata

    @field_validator("missing")
    @classmethod
    def _imputes_alone(cls, missing: Missing, info: Any) -> Missing:
        return imputes_alone(missing, {key: info.data.get(key) for key in ("strata", "weights")})

    @property
    def imputing(self) -> ImputeSpec | None:
        """How missing values are imputed; None where patients who lack one are left out."""
        return imputing(self.missing)

    def uses(self, place: Path) -> Iterator[Use]:
        """The groups and the strata."""
        yield from super().uses(place)
        yield Use((*place, "by"), self.by, "groups", self.endpoint)
        yield from strata_uses(self.strata, place, self.endpoint)
        yield from weight_uses(self.weights, place, self.endpoint)
        yield from missing_uses(self.missing, place, self.endpoint)
