"""The effect of a treatment within each group, as a study file asks for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, field_validator

from analyses.study.fields import Level, Names, Text, Whole
from analyses.study.specs.modelled import Modelled
from analyses.study.specs.term import TermSpec, strata_apart
from analyses.study.times import TimesSpec
from analyses.study.use import Use, strata_uses, weight_uses
from analyses.study.wording import refused

if TYPE_CHECKING:
    from cohort.yaml_reader import Path


class TreatmentEffectSpec(Modelled):
    """Treated against untreated in each group, the test that the effect is the same, differences.

    Attributes
    ----------
    treatment
        Column of the treatment, of two levels.
    by
        Column of the groups.
    reference
        Group whose hazard ratio the others' are divided by; the first where not given.
    at
        Times of the differences of survival between the arms.
    starts
        How it is known that the treatment was settled at time zero: ``measured``, by the source's
        day of its start, where one that began later is refused; or ``time_zero``, which the study
        then states (as after randomisation).
    weights
        Column of weights; other than whole numbers (of a propensity) they give marginal effects.
    strata, cluster, ties, least_events
        As in the analysis ``subgroups``.
    """

    kind: Literal["treatment_effect"]
    treatment: Text
    by: Text
    reference: Level | None = None
    at: TimesSpec | None = None
    starts: Literal["measured", "time_zero"] = "measured"
    strata: Names = ()
    cluster: Text | None = None
    weights: Text | None = None
    ties: Literal["efron", "breslow"] = "efron"
    least_events: Annotated[Whole, Field(ge=0)] = 10

    @field_validator("by")
    @classmethod
    def _not_itself(cls, by: str, info: Any) -> str:
        if by == info.data.get("treatment"):
            raise refused(f"'{by}' is the treatment", "Two different columns")
        return by

    @field_validator("strata")
    @classmethod
    def _strata_apart(cls, strata: tuple[str, ...], info: Any) -> tuple[str, ...]:
        terms: tuple[TermSpec, ...] = info.data.get("terms", ())
        both = [name for name in strata if name in (info.data.get("by"), info.data["treatment"])]
        if both:
            found = f"'{both[0]}' is the treatment or makes the groups"
            raise refused(found, advice="Leave it out here.")
        return strata_apart(strata, terms)

    @property
    def start(self) -> str:
        """The canonical column of the day on which the treatment began."""
        return f"{self.treatment}_day"

    def uses(self, place: Path) -> Iterator[Use]:
        """The treatment and its start, the groups, terms, strata and units of likeness."""
        yield from super().uses(place)
        yield Use((*place, "treatment"), self.treatment, "treatment", self.endpoint)
        if self.starts == "measured":
            yield Use((*place, "treatment"), self.start, "start", self.endpoint)
        yield Use((*place, "by"), self.by, "groups", self.endpoint)
        yield from strata_uses(self.strata, place, self.endpoint)
        if self.cluster is not None:
            yield Use((*place, "cluster"), self.cluster, "cluster", self.endpoint)
        yield from weight_uses(self.weights, place, self.endpoint)
