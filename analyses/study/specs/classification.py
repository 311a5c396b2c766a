"""Classified against unclassified patients, as a study file asks for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

from pydantic import field_validator

from analyses.study.fields import SomeNames
from analyses.study.specs.modelled import Modelled
from analyses.study.use import Use
from analyses.study.wording import refused

if TYPE_CHECKING:
    from cohort.yaml_reader import Path


class ClassificationSpec(Modelled):
    """Patients in one of the three HER2 groups against those in none: features and survival.

    The patients are those of the study's own criteria, before the three groups are asked for.

    Attributes
    ----------
    columns
        Features of the table, in this order.
    terms
        What the adjusted model holds besides; none for the raw model alone.
    """

    kind: Literal["classification"]
    columns: SomeNames

    @field_validator("columns")
    @classmethod
    def _not_the_status(cls, columns: tuple[str, ...], info: Any) -> tuple[str, ...]:
        del info
        if "her2_status" in columns:
            raise refused("'her2_status' tells the two apart", advice="Leave it out here.")
        return columns

    def uses(self, place: Path) -> Iterator[Use]:
        """The status, the features and the terms."""
        yield from super().uses(place)
        yield Use((*place, "kind"), "her2_status", "groups", self.endpoint)
        for i, name in enumerate(self.columns):
            yield Use((*place, "columns", i), name, "description")
