"""The sensitivity grid, as a study file asks for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, field_validator

from analyses.study.criterion_spec import CriterionSpec
from analyses.study.fields import Level, Names, Slug, Spec, Text, TextMap, Whole
from analyses.study.specs.term import TermSpec, terms_once
from analyses.study.use import Use
from analyses.study.wording import refused, shown

if TYPE_CHECKING:
    from cohort.yaml_reader import Path

Edition = Literal[2007, 2013, 2018, 2023]


class ContrastSpec(Spec):
    """The one estimate of every specification: a level of a term against another.

    Attributes
    ----------
    reference
        The reference of the term in the main model where not given.
    """

    term: Text = "her2_status"
    level: Level = "low"
    reference: Level | None = None


def _bare_name(value: object) -> object:
    return {"name": value} if isinstance(value, str) else value


def _frozen(
    sets: Mapping[str, tuple[TermSpec, ...]],
) -> Mapping[str, tuple[TermSpec, ...]]:
    return MappingProxyType({name: terms_once(terms) for name, terms in sets.items()})


def _plain(sets: Mapping[str, tuple[TermSpec, ...]]) -> dict[str, Any]:
    return {name: [term.model_dump(mode="json") for term in terms] for name, terms in sets.items()}


def _named(value: object) -> object:
    """The name of a set of policies alone, as the mapping that it stands for."""
    return {"policy": value} if isinstance(value, str) else value


def _years(value: object) -> object:
    """Two years, either of them null."""
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise refused(f"{shown(value)} are no years", "[first, last], null where open")
    return tuple(value)


def _in_order(value: tuple[int | None, int | None]) -> tuple[int | None, int | None]:
    first, last = value
    if first is None and last is None:
        raise refused("[null, null] is no restriction", "A year at one end")
    if first is not None and last is not None and first > last:
        raise refused(f"{first} is after {last}", advice=f"Write [{last}, {first}].")
    return value


Policies = Annotated[TextMap, BeforeValidator(_named)]
Years = Annotated[
    tuple[Whole | None, Whole | None], BeforeValidator(_years), AfterValidator(_in_order)
]
Adjustments = Annotated[
    Mapping[Slug, tuple[Annotated[TermSpec, BeforeValidator(_bare_name)], ...]],
    AfterValidator(_frozen),
    PlainSerializer(_plain, return_type=dict[str, Any]),
]


class SensitivitySpec(Spec):
    """Choices that are crossed with each other, every one beside the study's own.

    Attributes
    ----------
    of
        Id of the Cox model that is the main specification: its endpoint, terms, strata, clusters
        and ties, in the study's own patients.
    contrast
        What is estimated in each.
    editions
        Of the guideline, beside the study's.
    policies
        Edge cases that depart from the study's, each a choice of its own; ``each`` for every
        alternative of every edge case, one at a time.
    endpoints
        Ids, beside that of the main model.
    adjustment
        Terms beside the contrast's, by name; an empty list for none.
    missing
        ``complete_case``, ``impute`` (as the main model says, or with every default).
    years
        First and last year of diagnosis, both included.
    subsets
        Criteria, one a choice.
    limit
        Of the number of specifications.
    """

    id: Slug = "sensitivity"
    title: Text | None = None
    of: Text
    contrast: ContrastSpec = Field(default_factory=ContrastSpec)
    editions: tuple[Edition, ...] = ()
    policies: Literal["each"] | tuple[Policies, ...] = ()
    endpoints: Names = ()
    adjustment: Adjustments = Field(default_factory=dict, validate_default=True)
    missing: tuple[Literal["complete_case", "impute"], ...] = ()
    years: tuple[Years, ...] = ()
    subsets: tuple[CriterionSpec, ...] = ()
    limit: Annotated[Whole, Field(ge=1, le=100_000)] = 1_000

    @field_validator("adjustment")
    @classmethod
    def _without_the_contrast(
        cls, sets: Mapping[str, tuple[TermSpec, ...]], info: Any
    ) -> Mapping[str, tuple[TermSpec, ...]]:
        contrast = info.data.get("contrast")
        for name, terms in sets.items():
            if any(contrast is not None and contrast.term in term.columns() for term in terms):
                raise refused(
                    f"'{contrast.term}' in the set '{name}'",
                    advice="The contrast's own term is in every model: leave it out here.",
                )
        if "main" in sets:
            raise refused(
                "a set named 'main'", advice="That is the main model's: take another name."
            )
        return sets

    @field_validator("subsets")
    @classmethod
    def _ids_once(cls, subsets: tuple[CriterionSpec, ...]) -> tuple[CriterionSpec, ...]:
        ids = [subset.id for subset in subsets]
        again = [one for i, one in enumerate(ids) if one in ids[:i]]
        if again:
            raise refused(f"two subsets '{again[0]}'", advice="Give each its own id.")
        return subsets

    def uses(self, place: Path) -> Iterator[Use]:
        """The columns of the sets of terms, of the years and of the subsets."""
        for name, terms in self.adjustment.items():
            for i, term in enumerate(terms):
                yield from term.uses((*place, "adjustment", name, i), "")
        if self.years:
            yield Use(
                (*place, "years"), "diagnosis_year", "criterion", criterion=self.year_criterion(0)
            )
        for i, subset in enumerate(self.subsets):
            where = (*place, "subsets", i, "column")
            yield Use(where, subset.column, "criterion", criterion=subset)

    def year_criterion(self, i: int) -> CriterionSpec:
        """The years of the i-th choice as a criterion."""
        first, last = self.years[i]
        return CriterionSpec(
            id="years",
            column="diagnosis_year",
            between=(first, last),
            reason=year_words(first, last),
        )

    def reads(self) -> list[str]:
        """The columns that the grid needs besides those of the main model."""
        return [use.column for use in self.uses(())]


def year_words(first: int | None, last: int | None) -> str:
    """Years in words: ``2010 to 2013``, ``2014 or later``, ``up to 2013``."""
    if first is None:
        return f"up to {last}"
    return f"{first} or later" if last is None else f"{first} to {last}"
