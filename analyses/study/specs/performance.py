"""The performance of a Cox model, as a study file asks for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, field_validator

from analyses.study.fields import Names, Text
from analyses.study.specs.modelled import Modelled
from analyses.study.specs.term import Terms
from analyses.study.times import DurationSpec, TimesSpec
from analyses.study.use import Use, strata_uses
from analyses.study.wording import refused

if TYPE_CHECKING:
    from cohort.yaml_reader import Path


class PerformanceSpec(Modelled):
    """How well a Cox model of an endpoint predicts, in the patients that it is fitted to.

    Attributes
    ----------
    at
        Horizons of the predictions.
    tau
        The last time that Uno's concordance and the integrated Brier score look at; the last
        horizon where not given.
    groups
        Groups of like predicted risk in the calibration.
    resamples
        Bootstrap samples that correct the optimism of measuring a model in its own patients, by
        the study's seed; 0 for none.
    processes
        Over how many processes the samples are spread; the numbers do not depend on it. A script
        that runs such a study must guard its main program, as Python's multiprocessing asks.
    """

    kind: Literal["performance"]
    terms: Terms
    strata: Names = ()
    cluster: Text | None = None
    ties: Literal["efron", "breslow"] = "efron"
    at: TimesSpec
    tau: DurationSpec | None = None
    groups: Annotated[int, Field(strict=True, ge=2, le=50)] = 10
    resamples: Annotated[int, Field(strict=True, ge=0, le=10_000)] = 200
    processes: Annotated[int, Field(strict=True, ge=1, le=256)] = 1

    @field_validator("resamples")
    @classmethod
    def _more_than_one(cls, resamples: int) -> int:
        if resamples == 1:
            raise refused("1 sample", "0, or at least 2; 200 are usual")
        return resamples

    def uses(self, place: Path) -> Iterator[Use]:
        """The terms, the strata and the units of likeness."""
        yield from super().uses(place)
        yield from strata_uses(self.strata, place, self.endpoint)
        if self.cluster is not None:
            yield Use((*place, "cluster"), self.cluster, "cluster", self.endpoint)
