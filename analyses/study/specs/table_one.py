"""A description of the patients by group, as a study file asks for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

from pydantic import field_validator

from analyses.study.fields import Slug, SomeNames, Text
from analyses.study.specs.restricted import Restricted
from analyses.study.use import Use
from analyses.study.wording import refused

if TYPE_CHECKING:
    from cohort.yaml_reader import Path


class TableOneSpec(Restricted):
    """A description of the patients by group, with standardised differences.

    Attributes
    ----------
    by
        Column of the groups.
    columns
        Columns described, in this order.
    within
        Column whose levels have a table each, after that of all patients.
    tests
        ``none``, or ``standard`` for the tests that some journals still ask for.
    """

    id: Slug
    kind: Literal["table_one"]
    title: Text | None = None
    by: Text
    columns: SomeNames
    within: Text | None = None
    tests: Literal["none", "standard"] = "none"

    @field_validator("within")
    @classmethod
    def _another_column(cls, within: str | None, info: Any) -> str | None:
        if within is not None and within == info.data.get("by"):
            raise refused(f"'{within}' makes the groups", advice="Leave it out here.")
        return within

    @field_validator("columns")
    @classmethod
    def _not_the_groups(cls, columns: tuple[str, ...], info: Any) -> tuple[str, ...]:
        if info.data.get("by") in columns:
            raise refused(f"'{info.data['by']}' makes the groups", advice="Leave it out here.")
        return columns

    def uses(self, place: Path) -> Iterator[Use]:
        """The groups, and the columns described."""
        yield from super().uses(place)
        yield Use((*place, "by"), self.by, "groups")
        if self.within is not None:
            yield Use((*place, "within"), self.within, "groups")
        for i, name in enumerate(self.columns):
            yield Use((*place, "columns", i), name, "description")
