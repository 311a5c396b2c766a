"""Comparisons adjusted by weights, by matching or by standardised curves, as a study file asks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from analyses.study.fields import Level, Names, Positive, Text
from analyses.study.specs.modelled import Modelled
from analyses.study.specs.term import Terms, TermSpec, constant_in_time, strata_apart, terms_once
from analyses.study.times import DurationSpec, TimesSpec
from analyses.study.use import Use, strata_uses
from analyses.study.wording import refused

if TYPE_CHECKING:
    from cohort.yaml_reader import Path

Share = Annotated[float, Field(ge=0, le=1)]


class Adjusted(Modelled):
    """What adjusted comparisons of groups have in common.

    Attributes
    ----------
    by
        Column of the groups.
    terms
        What is adjusted for; all must have been known at time zero.
    at, tau
        Times at which survival is compared; the end of the mean time.
    """

    by: Text
    terms: Terms
    at: TimesSpec | None = None
    tau: DurationSpec | None = None

    @model_validator(mode="after")
    def _groups_apart(self) -> Self:
        if any(self.by in term.columns() for term in self.terms if term.interaction is None):
            raise refused(f"'{self.by}' makes the groups", advice="Leave it out of the terms.")
        return self

    def uses(self, place: Path) -> Iterator[Use]:
        """The groups and the terms."""
        yield from super().uses(place)
        yield Use((*place, "by"), self.by, "groups", self.endpoint)


class Resampled(Adjusted):
    """An adjusted comparison whose limits may come from a bootstrap.

    Attributes
    ----------
    reference
        Group that the others are compared with; the first where not given.
    cluster
        Column of units within which patients are alike, such as facilities.
    resamples
        Bootstrap samples, everything estimated again in each, by the study's seed; 0 for none.
    processes
        Over how many processes the samples are spread; the numbers do not depend on it.
    """

    reference: Level | None = None
    cluster: Text | None = None
    resamples: Annotated[int, Field(strict=True, ge=0, le=10_000)] = 0
    processes: Annotated[int, Field(strict=True, ge=1, le=256)] = 1

    @field_validator("resamples")
    @classmethod
    def _enough(cls, resamples: int) -> int:
        if 0 < resamples < 20:
            raise refused(f"{resamples} samples", "0, or at least 20; 200 are usual")
        return resamples

    def uses(self, place: Path) -> Iterator[Use]:
        """The units of likeness besides."""
        yield from super().uses(place)
        if self.cluster is not None:
            yield Use((*place, "cluster"), self.cluster, "cluster", self.endpoint)


class WeightedSpec(Resampled):
    """Groups made alike by weights from their propensity, and compared.

    Attributes
    ----------
    estimand
        Whom the weighted groups stand for: ``ate`` all patients, ``att`` those of the group
        `target`, ``ato`` those who could have been of any group (overlap weights).
    truncate
        Quantiles of all weights together that smaller and larger ones are brought to; null for
        none. Overlap weights need none.
    outcome_terms
        Where given, a weighted Cox model with these terms besides (doubly robust).
    """

    kind: Literal["weighted"]
    estimand: Literal["ate", "att", "ato"] = "ate"
    target: Level | None = None
    truncate: tuple[Share, Share] | None = (0.01, 0.99)
    outcome_terms: Terms | tuple[()] = ()

    @field_validator("outcome_terms")
    @classmethod
    def _outcome_terms_once(cls, terms: tuple[TermSpec, ...]) -> tuple[TermSpec, ...]:
        return terms_once(constant_in_time(terms))

    @model_validator(mode="after")
    def _target(self) -> Self:
        if (self.target is not None) != (self.estimand == "att"):
            found = "att without a target" if self.target is None else "a target without att"
            raise refused(found, "estimand: att together with target: <group>")
        if self.truncate is not None and self.truncate[0] >= self.truncate[1]:
            raise refused(f"{list(self.truncate)}", "Two rising quantiles, such as [0.01, 0.99]")
        return self

    def uses(self, place: Path) -> Iterator[Use]:
        """The terms of the outcome besides."""
        yield from super().uses(place)
        for i, term in enumerate(self.outcome_terms):
            yield from term.uses((*place, "outcome_terms", i), self.endpoint)


class MatchedSpec(Adjusted):
    """Each patient of a group beside those of another that are most like them.

    Attributes
    ----------
    group, reference
        Whose patients look for counterparts, and where they find them.
    ratio
        Counterparts wanted for each.
    caliper
        Largest distance in standard deviations of the logit of the propensity; null for none.
    spread
        Of which deviation: ``overall``, or ``pooled`` of the two groups (Austin).
    """

    kind: Literal["matched"]
    group: Level
    reference: Level
    ratio: Annotated[int, Field(strict=True, ge=1, le=20)] = 1
    caliper: Positive | None = 0.2
    spread: Literal["overall", "pooled"] = "overall"

    @model_validator(mode="after")
    def _pair(self) -> Self:
        if self.group == self.reference:
            raise refused(f"'{self.group}' with itself", "Two groups")
        return self


class StandardisedCurvesSpec(Resampled):
    """Survival that one population would have in each group, by the g-formula or by weights.

    Attributes
    ----------
    method
        ``g-formula`` (a Cox model's predictions averaged) or ``weighting``.
    target
        Over the patients of this group; over all where not given.
    strata
        Strata of the Cox model; each patient keeps that of their own.
    """

    kind: Literal["standardised_curves"]
    method: Literal["g-formula", "weighting"] = "g-formula"
    target: Level | None = None
    strata: Names = ()

    @model_validator(mode="after")
    def _strata(self) -> Self:
        strata_apart(self.strata, self.terms)
        if self.strata and self.method == "weighting":
            raise refused("strata with weighting", advice="Put them among the terms.")
        return self

    def uses(self, place: Path) -> Iterator[Use]:
        """The strata besides."""
        yield from super().uses(place)
        yield from strata_uses(self.strata, place, self.endpoint)
