"""What every analysis of a study file has in common."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from analyses.study.criterion_spec import CriterionSpec
from analyses.study.fields import Spec
from analyses.study.use import Use

if TYPE_CHECKING:
    from cohort.yaml_reader import Path


class Restricted(Spec):
    """An analysis that may be restricted to some of the selected patients.

    Attributes
    ----------
    only
        A further condition of this analysis alone; the patients left out are counted beside it.
    """

    only: CriterionSpec | None = None

    def uses(self, place: Path) -> Iterator[Use]:
        """The columns that the analysis names, each with its place in the study file."""
        if self.only is not None:
            where = (*place, "only", "column")
            yield Use(where, self.only.column, "criterion", criterion=self.only)

    @property
    def competes(self) -> str | None:
        """The key of the study file that asks for competing events, if any does."""
        return None

    def reads(self) -> list[str]:
        """The columns that the analysis needs, its endpoint's aside."""
        return [use.column for use in self.uses(())]
