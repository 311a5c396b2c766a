"""A model of a category on features, as a study file asks for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

from pydantic import field_validator

from analyses.study.fields import ConfLevel, Level, Slug, Text
from analyses.study.specs.restricted import Restricted
from analyses.study.specs.term import Terms, TermSpec, terms_once
from analyses.study.use import Use
from analyses.study.wording import refused

if TYPE_CHECKING:
    from cohort.yaml_reader import Path


class CategoryModelSpec(Restricted):
    """Which features go with which category, such as HER2 status.

    Attributes
    ----------
    of
        Column of the category, in the order of its levels.
    model
        ``multinomial``, an odds ratio for each pair of categories; ``ordinal``, one for a higher
        against a lower category.
    reference
        Of a multinomial model the category that the others are against first.
    terms
        Features, in the order of the table.
    """

    id: Slug
    kind: Literal["category_model"]
    title: Text | None = None
    of: Text
    model: Literal["multinomial", "ordinal"] = "multinomial"
    reference: Level | None = None
    terms: Terms
    conf_level: ConfLevel = 0.95

    @field_validator("reference")
    @classmethod
    def _of_pairs(cls, reference: str | None, info: Any) -> str | None:
        if reference is not None and info.data.get("model") == "ordinal":
            raise refused(
                "an ordinal model has no reference", "It compares higher with lower categories"
            )
        return reference

    @field_validator("terms")
    @classmethod
    def _terms_once(cls, terms: tuple[TermSpec, ...], info: Any) -> tuple[TermSpec, ...]:
        for term in terms:
            if info.data.get("of") in term.columns():
                raise refused(f"'{info.data['of']}' is modelled", advice="Leave it out here.")
            if term.time_varying is not None:
                raise refused("time_varying", "A model without follow-up has no periods")
        return terms_once(terms)

    def uses(self, place: Path) -> Iterator[Use]:
        """The category and the terms."""
        yield from super().uses(place)
        yield Use((*place, "of"), self.of, "groups")
        for i, term in enumerate(self.terms):
            yield from term.uses((*place, "terms", i), None)
