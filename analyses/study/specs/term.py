"""A declared term of a model, as a study file says it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from analyses.study.fields import Level, Positive, Spec, Text
from analyses.study.times import Points
from analyses.study.use import Use
from analyses.study.wording import refused

if TYPE_CHECKING:
    from cohort.yaml_reader import Path


class SplineSpec(Spec):
    """A restricted cubic spline: `df` columns with `df` + 1 knots at Harrell's quantiles."""

    df: Annotated[int, Field(strict=True, ge=3, le=6)]


class PeriodsSpec(Spec):
    """Times at which follow-up is cut, in the source's unit; a coefficient for each period."""

    cut: Points


class TermSpec(Spec):
    """One declared term of a model: a column, or an interaction of two.

    Attributes
    ----------
    name
        A column; in the file a bare name is short for ``{name: ...}``.
    reference
        Level that the others are compared with.
    per
        Units of a number that its coefficient is for: ``per: 10`` is for ten years of age.
    spline
        A number's curve in place of its line.
    interaction
        Two columns whose product is the term, in place of `name`.
    time_varying
        ``{cut: [24, 60]}``, a coefficient for each period of follow-up, its ends in the source's
        unit; or ``log``, a coefficient that changes with the logarithm of time.
    """

    name: Text | None = None
    reference: Level | None = None
    per: Positive | None = None
    spline: SplineSpec | None = None
    interaction: tuple[Text, Text] | None = None
    time_varying: PeriodsSpec | Literal["log"] | None = None

    @model_validator(mode="after")
    def _one_thing(self) -> TermSpec:
        """A column or an interaction; a level or a scale."""
        if (self.name is None) == (self.interaction is None):
            n = "neither" if self.name is None else "both"
            raise refused(f"{n} of name and interaction", "Exactly one of the two")
        scaled = [key for key in ("per", "spline") if getattr(self, key) is not None]
        if self.time_varying is not None:
            scaled.append("time_varying")
        if self.interaction is not None and (scaled or self.reference is not None):
            raise refused(
                "an interaction takes nothing else", "{interaction: [a, b]}",
                "State reference, per and spline in the terms of the two columns.",
            )  # fmt: skip
        scaled = [key for key in scaled if key != "time_varying"]
        if self.interaction is not None and self.interaction[0] == self.interaction[1]:
            raise refused(f"'{self.interaction[0]}' with itself", "Two different columns")
        if self.reference is not None and scaled:
            raise refused(
                f"reference and {scaled[0]} together",
                "reference belongs to a column with levels, per and spline to a number",
            )
        return self

    def columns(self) -> tuple[str, ...]:
        """The column or columns that the term reads."""
        return self.interaction if self.interaction is not None else (str(self.name),)

    def declared(self) -> dict[str, Any]:
        """The term as `analyses.cox` takes it."""
        return self.model_dump(exclude_none=True, exclude_defaults=True)

    def uses(self, place: Path, endpoint: str | None) -> Iterator[Use]:
        """The column or columns of the term, in a model of an endpoint."""
        if self.interaction is None:
            yield Use((*place, "name"), self.columns()[0], "term", endpoint, self)
            return
        for k, name in enumerate(self.interaction):
            yield Use((*place, "interaction", k), name, "term", endpoint, self)


def constant_in_time(terms: tuple[TermSpec, ...]) -> tuple[TermSpec, ...]:
    """The terms of a model without coefficients that change over time."""
    changing = [term.name for term in terms if term.time_varying is not None]
    if changing:
        raise refused(
            f"time_varying of '{changing[0]}', which this model does not have",
            advice="Leave it out, or ask for a cox model.",
        )
    return terms


def terms_once(terms: tuple[TermSpec, ...]) -> tuple[TermSpec, ...]:
    """The terms of a model, none of them twice."""
    seen: list[frozenset[str]] = []
    for term in terms:
        if frozenset(term.columns()) in seen:
            raise refused(f"'{' x '.join(term.columns())}' stands twice",
                          advice="Keep one of the two.")  # fmt: skip
        seen.append(frozenset(term.columns()))
    return terms


def strata_apart(strata: tuple[str, ...], terms: tuple[TermSpec, ...]) -> tuple[str, ...]:
    """The strata of a model, none of them a term."""
    used = {name for term in terms for name in term.columns()}
    both = [name for name in strata if name in used]
    if both:
        raise refused(f"'{both[0]}' is a term as well", advice="A column is a term or a stratum.")
    return strata


def _bare_name(value: object) -> object:
    return {"name": value} if isinstance(value, str) else value


Terms = Annotated[
    tuple[
        Annotated[TermSpec, BeforeValidator(_bare_name, json_schema_input_type=str | TermSpec)], ...
    ],
    Field(min_length=1),
]
