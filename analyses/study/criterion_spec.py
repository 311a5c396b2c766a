"""One condition on patients, as a study file states it: of the selection or of one analysis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pydantic import model_validator

from analyses.study.fields import Flag, Level, Number, Slug, SomeLevels, Spec, Text
from analyses.study.wording import refused

if TYPE_CHECKING:
    from cohort.selection import Criterion
    from cohort.table import Cohort


class CriterionSpec(Spec):
    """One condition that a patient must meet, and why.

    Exactly one of `between` (both ends included, null is open), `one_of`, `equals`,
    `not_missing`.
    """

    id: Slug
    column: Text
    reason: Text
    between: tuple[Number | None, Number | None] | None = None
    one_of: SomeLevels | None = None
    equals: Level | None = None
    not_missing: Flag | None = None

    @model_validator(mode="after")
    def _one_condition(self) -> CriterionSpec:
        conditions = ("between", "one_of", "equals", "not_missing")
        given = [name for name in conditions if getattr(self, name) is not None]
        if len(given) != 1:
            found = f"{len(given)} conditions: {', '.join(given)}" if given else "no condition"
            raise refused(found, f"Exactly one of: {', '.join(conditions)}")
        if self.not_missing is False:
            raise refused("not_missing: false is no condition", "not_missing: true")
        if self.between is not None:
            low, high = self.between
            if low is None and high is None:
                raise refused("between: [null, null] is no condition", "A number at one end")
            if low is not None and high is not None and low > high:
                raise refused(f"between: {low} is above {high}", advice=f"Write [{high}, {low}].")
        return self

    def to_criterion(self) -> Criterion:
        """The criterion as `cohort.select` takes it."""
        from cohort.selection import Criterion

        one_of = (self.equals,) if self.equals is not None else self.one_of
        return Criterion(
            id=self.id,
            column=self.column,
            reason=self.reason,
            between=self.between,
            one_of=one_of,
            not_missing=bool(self.not_missing),
        )


def criteria(specs: Sequence[CriterionSpec], cohort: Cohort) -> list[Criterion]:
    """The criteria of a study, after that of the tumour's site where a patient needs it."""
    from cohort.selection import breast_criterion

    of_breast = breast_criterion(cohort)
    own = [spec.to_criterion() for spec in specs]
    return own if of_breast is None else [of_breast, *own]
