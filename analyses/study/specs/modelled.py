"""A model of an endpoint with declared terms, as a study file asks for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pydantic import field_validator

from analyses.study.fields import ConfLevel, Slug, Text
from analyses.study.specs.restricted import Restricted
from analyses.study.specs.term import Terms, TermSpec, constant_in_time, terms_once
from analyses.study.use import Use

if TYPE_CHECKING:
    from cohort.yaml_reader import Path


class Modelled(Restricted):
    """What the models of an endpoint have in common.

    Attributes
    ----------
    terms
        Covariates, in the order of the table.
    """

    id: Slug
    title: Text | None = None
    endpoint: Text
    terms: Terms = ()
    conf_level: ConfLevel = 0.95

    @field_validator("terms")
    @classmethod
    def _terms_once(cls, terms: tuple[TermSpec, ...]) -> tuple[TermSpec, ...]:
        return terms_once(constant_in_time(terms))

    def uses(self, place: Path) -> Iterator[Use]:
        """The columns of the terms."""
        yield from super().uses(place)
        for i, term in enumerate(self.terms):
            yield from term.uses((*place, "terms", i), self.endpoint)
