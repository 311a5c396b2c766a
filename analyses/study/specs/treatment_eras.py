"""A model by era of treatment, as a study file asks for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

from pydantic import field_validator

from analyses.study.fields import Names
from analyses.study.specs.modelled import Modelled
from analyses.study.specs.term import Terms, strata_apart
from analyses.study.use import Use, strata_uses

if TYPE_CHECKING:
    from cohort.yaml_reader import Path

DATE = "diagnosis_date"


class TreatmentErasSpec(Modelled):
    """The same model with all follow-up, and with follow-up up to approvals of T-DXd.

    Attributes
    ----------
    terms
        Of the model; the first is the one that is looked at.
    strata
        One baseline hazard for each combination of their values.
    """

    kind: Literal["treatment_eras"]
    terms: Terms
    strata: Names = ()

    @field_validator("strata")
    @classmethod
    def _apart(cls, strata: tuple[str, ...], info: Any) -> tuple[str, ...]:
        return strata_apart(strata, info.data.get("terms", ()))

    def uses(self, place: Path) -> Iterator[Use]:
        """The terms and the strata."""
        yield from super().uses(place)
        yield from strata_uses(self.strata, place, self.endpoint)

    def reads(self) -> list[str]:
        """The date of diagnosis besides, where the source has it; without, that is printed."""
        return [*super().reads(), DATE]
