"""Shares of the categories by year, as a study file asks for them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from analyses.study.fields import ConfLevel, Slug, Text
from analyses.study.specs.restricted import Restricted
from analyses.study.use import Use

if TYPE_CHECKING:
    from cohort.yaml_reader import Path


class ShareTrendSpec(Restricted):
    """The share of each category by year, and whether it rises or falls.

    Attributes
    ----------
    of
        Column of the category.
    year
        Column of the years.
    """

    id: Slug
    kind: Literal["share_trend"]
    title: Text | None = None
    of: Text
    year: Text = "diagnosis_year"
    conf_level: ConfLevel = 0.95

    def uses(self, place: Path) -> Iterator[Use]:
        """The category and the year."""
        yield from super().uses(place)
        yield Use((*place, "of"), self.of, "groups")
        yield Use((*place, "year"), self.year, "cut")
