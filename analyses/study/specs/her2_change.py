"""The change of HER2 between specimens, as a study file asks for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from pydantic import model_validator

from analyses.study.fields import ConfLevel, Slug, Text
from analyses.study.specs.restricted import Restricted
from analyses.study.use import Use
from analyses.study.wording import refused
from cohort.change_result import PAIRS

if TYPE_CHECKING:
    from cohort.yaml_reader import Path


class Her2ChangeSpec(Restricted):
    """HER2 of a first against a second specimen of the same patients.

    Attributes
    ----------
    first, second
        Kinds of specimen that make a pair, as `cohort.her2_change` takes them.
    by
        Column whose levels have a table each, beside that of all patients.
    """

    id: Slug
    kind: Literal["her2_change"]
    title: Text | None = None
    first: Literal["primary", "before_treatment", "first"] = "primary"
    second: Literal[
        "metastasis", "recurrence", "metastasis_or_recurrence", "after_neoadjuvant", "last"
    ] = "metastasis"
    by: Text | None = None
    conf_level: ConfLevel = 0.95

    @model_validator(mode="after")
    def _make_a_pair(self) -> Her2ChangeSpec:
        if (self.first, self.second) not in PAIRS:
            fitting = ", ".join(b for a, b in PAIRS if a == self.first)
            raise refused(
                f"'{self.first}' and '{self.second}' make no pair", f"With {self.first}: {fitting}"
            )
        return self

    def uses(self, place: Path) -> Iterator[Use]:
        """The levels that have a table each."""
        yield from super().uses(place)
        if self.by is not None:
            yield Use((*place, "by"), self.by, "groups")
