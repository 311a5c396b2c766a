"""A proportional-hazards model, as a study file asks for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

from pydantic import field_validator

from analyses.study.fields import ConfLevel, Flag, Names, Slug, Text
from analyses.study.specs.restricted import Restricted
from analyses.study.specs.term import Terms, TermSpec
from analyses.study.use import Use, strata_uses
from analyses.study.wording import refused

if TYPE_CHECKING:
    from cohort.yaml_reader import Path


class CoxSpec(Restricted):
    """A proportional-hazards model of an endpoint.

    Attributes
    ----------
    terms
        Covariates, in the order of the table.
    strata
        Columns whose combinations have a baseline hazard each.
    cluster
        Column of units within which patients are alike; errors are then robust.
    univariable
        Print a model of each term alone beside the adjusted one.
    """

    id: Slug
    kind: Literal["cox"]
    title: Text | None = None
    endpoint: Text
    terms: Terms
    strata: Names = ()
    cluster: Text | None = None
    ties: Literal["efron", "breslow"] = "efron"
    univariable: Flag = True
    conf_level: ConfLevel = 0.95

    @field_validator("terms")
    @classmethod
    def _terms_once(cls, terms: tuple[TermSpec, ...]) -> tuple[TermSpec, ...]:
        seen: list[frozenset[str]] = []
        for term in terms:
            if frozenset(term.columns()) in seen:
                raise refused(f"'{' x '.join(term.columns())}' stands twice",
                              advice="Keep one of the two.")  # fmt: skip
            seen.append(frozenset(term.columns()))
        return terms

    @field_validator("strata")
    @classmethod
    def _strata_apart(cls, strata: tuple[str, ...], info: Any) -> tuple[str, ...]:
        used = {name for term in info.data.get("terms", ()) for name in term.columns()}
        both = [name for name in strata if name in used]
        if both:
            raise refused(
                f"'{both[0]}' is a term as well", advice="A column is a term or a stratum."
            )
        return strata

    def uses(self, place: Path) -> Iterator[Use]:
        """The terms, the strata and the units of likeness."""
        yield from super().uses(place)
        for i, term in enumerate(self.terms):
            yield from term.uses((*place, "terms", i), self.endpoint)
        yield from strata_uses(self.strata, place, self.endpoint)
        if self.cluster is not None:
            yield Use((*place, "cluster"), self.cluster, "cluster", self.endpoint)
