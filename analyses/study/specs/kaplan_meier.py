"""Survival curves, as a study file asks for them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from pydantic import model_validator

from analyses.study.fields import ConfLevel, Flag, Level, Quantiles, Slug, Text
from analyses.study.specs.missing import (
    ImputeSpec,
    Missing,
    imputes_alone,
    imputing,
    missing_uses,
)
from analyses.study.specs.restricted import Restricted
from analyses.study.times import TimesSpec
from analyses.study.use import Use, weight_uses
from analyses.study.wording import refused

if TYPE_CHECKING:
    from cohort.yaml_reader import Path


class KaplanMeierSpec(Restricted):
    """Survival curves of an endpoint, one a group.

    Attributes
    ----------
    endpoint
        Id of an endpoint of the study.
    by
        Column of the groups; without it one curve.
    at
        Times at which survival is printed.
    differences
        Whether the groups' survival at these times is compared with that of `reference`.
    reference
        Group that the others are compared with; the first where not given.
    given
        Times: survival at the later times of `at`, given that a patient has lived to them.
    quantiles
        Shares of patients, such as 0.25: the time by which so many have had the event is printed
        beside the median, which always is.
    numbers_at_risk
        What is counted under the curves: ``patients``, or what they weigh (``weights``).
    weights
        Column of what each patient counts for; whole numbers stand for so many patients.
    missing
        ``complete_case``: patients without a group are left out. ``impute``, or ``{impute: {m: 40,
        columns: [...]}}``: the same by multiple imputation beside it.
    """

    id: Slug
    kind: Literal["kaplan_meier"]
    title: Text | None = None
    endpoint: Text
    by: Text | None = None
    at: TimesSpec | None = None
    differences: Flag = False
    reference: Level | None = None
    given: TimesSpec | None = None
    weights: Text | None = None
    quantiles: Quantiles = ()
    numbers_at_risk: Literal["patients", "weights"] = "patients"
    conf_type: Literal["log-log", "log", "plain", "logit", "arcsine"] = "log-log"
    missing: Missing = "complete_case"
    conf_level: ConfLevel = 0.95

    @model_validator(mode="after")
    def _has_times(self) -> KaplanMeierSpec:
        """Differences and survival given a time are at times, and differences between groups."""
        if self.differences and (self.by is None or self.at is None):
            lacking = "by" if self.by is None else "at"
            raise refused(f"differences without {lacking}", advice=f"Add {lacking}.")
        if self.reference is not None and not self.differences:
            raise refused("reference without differences", advice="Add differences: true.")
        if self.given is not None and (
            self.at is None or self.at.within("days")[-1] <= self.given.within("days")[-1]
        ):
            last = self.given.to_durations()[-1]
            raise refused(f"given {last} without a later time in at", advice="Add one to at.")
        if self.numbers_at_risk == "weights" and self.weights is None:
            raise refused("numbers_at_risk: weights without weights", advice="Add weights.")
        if self.imputing is not None and self.by is None:
            raise refused("missing: impute without by", advice="Only a group can be missing here.")
        imputes_alone(self.missing, {"weights": self.weights, "given": self.given})
        return self

    @property
    def imputing(self) -> ImputeSpec | None:
        """How missing values are imputed; None where patients who lack one are left out."""
        return imputing(self.missing)

    def uses(self, place: Path) -> Iterator[Use]:
        """The groups, where there are any."""
        yield from super().uses(place)
        if self.by is not None:
            yield Use((*place, "by"), self.by, "groups", self.endpoint)
        yield from weight_uses(self.weights, place, self.endpoint)
        yield from missing_uses(self.missing, place, self.endpoint)
