"""Treatments that start after time zero, as a study file asks for them in three valid ways."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, field_validator

from analyses.study.fields import Names, SomeLevels, Text
from analyses.study.specs.modelled import Modelled
from analyses.study.specs.term import Terms, TermSpec, strata_apart
from analyses.study.times import DurationSpec, TimesSpec
from analyses.study.use import Use, strata_uses
from analyses.study.wording import refused

if TYPE_CHECKING:
    from cohort.yaml_reader import Path


class LateTreatmentSpec(Modelled):
    """What the three ways have in common.

    Attributes
    ----------
    treatment
        Column of the treatment, whose day of the start is the column ``<treatment>_day``.
    given
        Levels that mean it was given; where not given here, all but ``no`` and ``none``.
    unknown_start
        ``refuse``, or ``leave_out`` patients treated on a day that is not known (counted).
    naive
        Whether the biased comparison from time zero stands beside: ``show`` or ``leave_out``.
    """

    treatment: Text
    given: SomeLevels | None = None
    unknown_start: Literal["refuse", "leave_out"] = "refuse"
    naive: Literal["show", "leave_out"] = "show"

    @property
    def start(self) -> str:
        """The canonical column of the day on which the treatment began."""
        return f"{self.treatment}_day"

    @field_validator("terms")
    @classmethod
    def _fixed(cls, terms: tuple[TermSpec, ...]) -> tuple[TermSpec, ...]:
        for term in terms:
            if term.time_varying is not None:
                found = "a coefficient that changes over time"
                raise refused(found, advice="Leave time_varying out of this term.")
        return terms

    def uses(self, place: Path) -> Iterator[Use]:
        """The terms, the treatment and its start."""
        yield from super().uses(place)
        yield Use((*place, "treatment"), self.treatment, "treatment", self.endpoint)
        yield Use((*place, "treatment"), self.start, "start", self.endpoint)


class _Stratified(LateTreatmentSpec):
    """A way that ends in a Cox model, which may be stratified."""

    strata: Names = ()
    at: TimesSpec | None = None

    @field_validator("strata")
    @classmethod
    def _apart(cls, strata: tuple[str, ...], info: Any) -> tuple[str, ...]:
        if info.data.get("treatment") in strata:
            raise refused(f"'{info.data['treatment']}' is the treatment", advice="Leave it out.")
        return strata_apart(strata, info.data.get("terms", ()))

    def uses(self, place: Path) -> Iterator[Use]:
        """The strata besides."""
        yield from super().uses(place)
        yield from strata_uses(self.strata, place, self.endpoint)


class LandmarkSpec(_Stratified):
    """Survival from a landmark, by whether the treatment had started by then.

    Attributes
    ----------
    landmark
        The time from which survival counts, after the endpoint's origin.
    by
        Groups by which patients lost before it are counted.
    at
        Times of survival, counted from the landmark.
    """

    kind: Literal["landmark"]
    landmark: DurationSpec
    by: Text | None = None

    @field_validator("by")
    @classmethod
    def _not_itself(cls, by: str | None, info: Any) -> str | None:
        if by is not None and by == info.data.get("treatment"):
            raise refused(f"'{by}' is the treatment", "Another column", "Leave it out.")
        return by

    def uses(self, place: Path) -> Iterator[Use]:
        """The groups besides."""
        yield from super().uses(place)
        if self.by is not None:
            yield Use((*place, "by"), self.by, "groups", self.endpoint)


class StartStopSpec(_Stratified):
    """The treatment as it changes: untreated until its start, treated since.

    Attributes
    ----------
    at
        Times of the curves that are given as numbers.
    """

    kind: Literal["start_stop"]


class CloneCensorWeightSpec(LateTreatmentSpec):
    """Starting within a grace period against not starting within it, by cloning and weighting.

    Attributes
    ----------
    terms
        Covariates that decide who starts.
    grace
        Length of the grace period, after the endpoint's origin.
    time_varying
        Other treatments as covariates that switch on at the day of their start.
    at, tau
        Times of the risks; end of the restricted mean.
    model, intervals, truncate
        As `analyses.clone_censor_weight`.
    resamples, processes
        Bootstrap samples by the study's seed, 0 for none; over how many processes they are
        spread, on which the numbers do not depend.
    """

    kind: Literal["clone_censor_weight"]
    terms: Terms
    grace: DurationSpec
    time_varying: Names = ()
    at: TimesSpec | None = None
    tau: DurationSpec | None = None
    model: Literal["cox", "pooled_logistic"] = "cox"
    intervals: Annotated[int, Field(strict=True, ge=1, le=100)] = 6
    truncate: Annotated[float, Field(gt=0.5, le=1)] = 0.99
    resamples: Annotated[int, Field(strict=True, ge=0, le=10_000)] = 200
    processes: Annotated[int, Field(strict=True, ge=1, le=256)] = 1

    @field_validator("resamples")
    @classmethod
    def _more_than_one(cls, resamples: int) -> int:
        if resamples == 1:
            raise refused("1 sample", "0, or at least 2; 200 are usual")
        return resamples

    def uses(self, place: Path) -> Iterator[Use]:
        """The starts of other treatments besides."""
        yield from super().uses(place)
        for i, name in enumerate(self.time_varying):
            where = (*place, "time_varying", i)
            yield Use(where, name, "treatment", self.endpoint)
            yield Use(where, f"{name}_day", "start", self.endpoint)
