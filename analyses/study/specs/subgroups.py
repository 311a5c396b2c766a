"""A comparison within subgroups, as a study file asks for it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, field_validator

from analyses.study.fields import Level, Names, Number, Spec, Text, Whole
from analyses.study.specs.modelled import Modelled
from analyses.study.specs.term import TermSpec, strata_apart
from analyses.study.use import Use, strata_uses, weight_uses
from analyses.study.wording import refused

if TYPE_CHECKING:
    from cohort.yaml_reader import Path


def _bare_name(value: object) -> object:
    return {"name": value} if isinstance(value, str) else value


def _one_cut(value: object) -> object:
    return [value] if isinstance(value, int | float) and not isinstance(value, bool) else value


def _rising(values: tuple[float, ...]) -> tuple[float, ...]:
    for before, after in pairwise(values):
        if after <= before:
            raise refused(f"{after:g} follows {before:g}", "Ascending numbers")
    return values


Cuts = Annotated[
    tuple[Number, ...],
    Field(min_length=1),
    AfterValidator(_rising),
    BeforeValidator(_one_cut, json_schema_input_type=float | list[float]),
]


class FactorSpec(Spec):
    """A column that makes subgroups; in the file a bare name is short for ``{name: ...}``.

    Attributes
    ----------
    cut
        Of a number, where its ranges begin: ``cut: [50, 70]`` makes <50, 50 to <70 and 70 or more.
    """

    name: Text
    cut: Cuts | None = None

    def declared(self) -> dict[str, Any]:
        """The factor as `analyses.subgroups` takes it."""
        return {"name": self.name} if self.cut is None else {"name": self.name, "cut": self.cut}

    def use(self, place: Path, endpoint: str) -> Use:
        """The column, whose levels are the subgroups unless it is cut."""
        purpose: Literal["cut", "subgroups"] = "subgroups" if self.cut is None else "cut"
        return Use((*place, "name"), self.name, purpose, endpoint)


Factors = Annotated[
    tuple[
        Annotated[FactorSpec, BeforeValidator(_bare_name, json_schema_input_type=str | FactorSpec)],
        ...,
    ],
    Field(min_length=1),
]


class SubgroupsSpec(Modelled):
    """Each group against a reference in all patients and in each subgroup, with interaction tests.

    Attributes
    ----------
    by
        Column of the groups.
    reference
        Group that the others are compared with; the first where not given.
    factors
        Columns that make subgroups, in the order of the figure.
    strata
        Columns whose combinations have a baseline hazard each, in every model.
    cluster
        Column of units within which patients are alike; errors are then robust.
    weights
        Column of weights; other than whole numbers they give robust errors and Wald tests.
    adjust
        P-values of interaction for the number of factors; ``none`` states how many there are.
    least_events
        Of the two groups compared, below which a subgroup is drawn grey.
    """

    kind: Literal["subgroups"]
    by: Text
    reference: Level | None = None
    factors: Factors
    strata: Names = ()
    cluster: Text | None = None
    weights: Text | None = None
    ties: Literal["efron", "breslow"] = "efron"
    adjust: Literal["holm", "bh", "bonferroni", "none"] = "none"
    least_events: Annotated[Whole, Field(ge=0)] = 10

    @field_validator("factors")
    @classmethod
    def _factors_once(cls, factors: tuple[FactorSpec, ...], info: Any) -> tuple[FactorSpec, ...]:
        seen: list[str] = [str(info.data.get("by"))]
        for factor in factors:
            if factor.name in seen:
                what = "makes the groups" if factor.name == seen[0] else "stands twice"
                raise refused(f"'{factor.name}' {what}", advice="Leave it out here.")
            seen.append(factor.name)
        return factors

    @field_validator("strata")
    @classmethod
    def _strata_apart(cls, strata: tuple[str, ...], info: Any) -> tuple[str, ...]:
        terms: tuple[TermSpec, ...] = info.data.get("terms", ())
        other = [str(info.data.get("by")), *(f.name for f in info.data.get("factors", ()))]
        both = [name for name in strata if name in other]
        if both:
            raise refused(
                f"'{both[0]}' makes groups or subgroups",
                advice="A test of its product needs its own coefficient: leave it out here.",
            )
        return strata_apart(strata, terms)

    def uses(self, place: Path) -> Iterator[Use]:
        """The groups, terms, factors, strata and units of likeness."""
        yield from super().uses(place)
        yield Use((*place, "by"), self.by, "groups", self.endpoint)
        for i, factor in enumerate(self.factors):
            yield factor.use((*place, "factors", i), self.endpoint)
        yield from strata_uses(self.strata, place, self.endpoint)
        if self.cluster is not None:
            yield Use((*place, "cluster"), self.cluster, "cluster", self.endpoint)
        yield from weight_uses(self.weights, place, self.endpoint)
