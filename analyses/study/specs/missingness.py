"""A count of missing values, as a study file asks for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from analyses.study.fields import Slug, SomeNames, Text
from analyses.study.specs.restricted import Restricted
from analyses.study.use import Use

if TYPE_CHECKING:
    from cohort.yaml_reader import Path


class MissingnessSpec(Restricted):
    """Who lacks what: by column, by group, and which columns are missing together.

    Attributes
    ----------
    by
        Column of the groups; without it all patients together.
    columns
        Columns that are looked at, in this order.
    """

    id: Slug
    kind: Literal["missingness"]
    title: Text | None = None
    by: Text | None = None
    columns: SomeNames

    def uses(self, place: Path) -> Iterator[Use]:
        """The groups, and the columns looked at."""
        yield from super().uses(place)
        if self.by is not None:
            yield Use((*place, "by"), self.by, "groups")
        for i, name in enumerate(self.columns):
            yield Use((*place, "columns", i), name, "description")
