"""The share of a category by facility, as a study file asks for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from analyses.study.fields import ConfLevel, Flag, Level, Slug, Text, Whole
from analyses.study.specs.restricted import Restricted
from analyses.study.use import Use

if TYPE_CHECKING:
    from cohort.yaml_reader import Path


class FacilitySharesSpec(Restricted):
    """The share of a category by facility: a funnel plot, and the variance between facilities.

    Attributes
    ----------
    of, category
        Column of the categories, and the one that is counted.
    facility
        Column of the facility.
    year
        Column of the year, each of which has the same numbers beside; none where not given.
    identify
        Write the facilities' ids into the table of numbers; else their places by size.
    least_patients
        Facilities with fewer are drawn grey.
    """

    id: Slug
    kind: Literal["facility_shares"]
    title: Text | None = None
    of: Text
    category: Level
    facility: Text = "facility_id"
    year: Text | None = None
    identify: Flag = False
    least_patients: Annotated[Whole, Field(ge=0)] = 10
    conf_level: ConfLevel = 0.95

    def uses(self, place: Path) -> Iterator[Use]:
        """The category, the facility and the year."""
        yield from super().uses(place)
        yield Use((*place, "of"), self.of, "groups")
        yield Use((*place, "facility"), self.facility, "cluster")
        if self.year is not None:
            yield Use((*place, "year"), self.year, "cut")
