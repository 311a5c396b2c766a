"""A Fine and Gray model, as a study file asks for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

from pydantic import field_validator

from analyses.study.fields import ConfLevel, Names, Slug, Text
from analyses.study.specs.restricted import Restricted
from analyses.study.specs.term import Terms, TermSpec, constant_in_time, strata_apart, terms_once
from analyses.study.use import Use, strata_uses, weight_uses

if TYPE_CHECKING:
    from cohort.yaml_reader import Path


class FineGraySpec(Restricted):
    """A model of the subdistribution hazard of an endpoint's event, or of what competes with it.

    Attributes
    ----------
    cause
        ``event``, or ``competing`` for the competing events.
    terms
        Covariates, in the order of the table.
    strata
        Columns whose combinations have a baseline and a censoring distribution each.
    cluster
        Column of units within which patients are alike.
    weights
        Column of what each patient counts for; whole numbers stand for so many patients.
    """

    id: Slug
    kind: Literal["fine_gray"]
    title: Text | None = None
    endpoint: Text
    cause: Literal["event", "competing"] = "event"
    terms: Terms
    strata: Names = ()
    cluster: Text | None = None
    weights: Text | None = None
    conf_level: ConfLevel = 0.95

    @field_validator("terms")
    @classmethod
    def _terms_once(cls, terms: tuple[TermSpec, ...]) -> tuple[TermSpec, ...]:
        return terms_once(constant_in_time(terms))

    @field_validator("strata")
    @classmethod
    def _strata_apart(cls, strata: tuple[str, ...], info: Any) -> tuple[str, ...]:
        return strata_apart(strata, info.data.get("terms", ()))

    @property
    def competes(self) -> str:
        """The key of the study file that asks for competing events."""
        return "kind"

    def uses(self, place: Path) -> Iterator[Use]:
        """The terms, the strata and the units of likeness."""
        yield from super().uses(place)
        for i, term in enumerate(self.terms):
            yield from term.uses((*place, "terms", i), self.endpoint)
        yield from strata_uses(self.strata, place, self.endpoint)
        if self.cluster is not None:
            yield Use((*place, "cluster"), self.cluster, "cluster", self.endpoint)
        yield from weight_uses(self.weights, place, self.endpoint)
