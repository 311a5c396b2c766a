"""The analyses that a study file can ask for, one model a kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from analyses.study.criterion_spec import CriterionSpec
from analyses.study.fields import (
    ConfLevel,
    Flag,
    Level,
    Names,
    NotNegative,
    Positive,
    Slug,
    SomeNames,
    Spec,
    Text,
)
from analyses.study.times import TimesSpec
from analyses.study.wording import refused
from cohort.change_result import PAIRS


class _Restricted(Spec):
    """An analysis that may be restricted to some of the selected patients.

    Attributes
    ----------
    only
        A further condition of this analysis alone; the patients left out are counted beside it.
    """

    only: CriterionSpec | None = None


class TableOneSpec(_Restricted):
    """A description of the patients by group, with standardised differences.

    Attributes
    ----------
    by
        Column of the groups.
    columns
        Columns described, in this order.
    tests
        ``none``, or ``standard`` for the tests that some journals still ask for.
    """

    id: Slug
    kind: Literal["table_one"]
    title: Text | None = None
    by: Text
    columns: SomeNames
    tests: Literal["none", "standard"] = "none"

    @field_validator("columns")
    @classmethod
    def _not_the_groups(cls, columns: tuple[str, ...], info: Any) -> tuple[str, ...]:
        if info.data.get("by") in columns:
            raise refused(f"'{info.data['by']}' makes the groups", advice="Leave it out here.")
        return columns


class KaplanMeierSpec(_Restricted):
    """Survival curves of an endpoint, one a group.

    Attributes
    ----------
    endpoint
        Id of an endpoint of the study.
    by
        Column of the groups; without it one curve.
    at
        Times at which survival is printed.
    """

    id: Slug
    kind: Literal["kaplan_meier"]
    title: Text | None = None
    endpoint: Text
    by: Text | None = None
    at: TimesSpec | None = None
    conf_type: Literal["log-log", "log", "plain", "logit", "arcsine"] = "log-log"
    conf_level: ConfLevel = 0.95


class LogRankSpec(_Restricted):
    """A test of whether an endpoint differs between groups, with pairs and a trend.

    Attributes
    ----------
    rho, gamma
        Fleming-Harrington weights; 0 and 0 is the log-rank test.
    pairs
        How the p-values of the pairs are adjusted; ``none`` leaves the pairs out.
    trend
        ``her2_negative`` orders IHC 0, IHC 1+ and 2+ with a negative in-situ result (positive
        disease is treated differently), ``linear`` every group. Where not given:
        ``her2_negative`` by HER2 status, else ``none``.
    """

    id: Slug
    kind: Literal["logrank"]
    title: Text | None = None
    endpoint: Text
    by: Text
    strata: Names = ()
    rho: NotNegative = 0.0
    gamma: NotNegative = 0.0
    pairs: Literal["holm", "bh", "bonferroni", "none"] = "holm"
    trend: Literal["her2_negative", "linear", "none"] = "none"

    @model_validator(mode="before")
    @classmethod
    def _usual_trend(cls, data: Any) -> Any:
        """Within HER2-negative disease where the groups are HER2 groups and nothing is said."""
        if isinstance(data, Mapping) and "trend" not in data and data.get("by") == "her2_status":
            return {**data, "trend": "her2_negative"}
        return data

    @field_validator("trend")
    @classmethod
    def _has_negatives(cls, trend: str, info: Any) -> str:
        if trend == "her2_negative" and info.data.get("by", "her2_status") != "her2_status":
            by = info.data["by"]
            raise refused(f"'her2_negative' is a trend over her2_status, not over '{by}'",
                          "Allowed: linear, none")  # fmt: skip
        return trend

    @field_validator("strata")
    @classmethod
    def _strata_apart(cls, strata: tuple[str, ...], info: Any) -> tuple[str, ...]:
        if info.data.get("by") in strata:
            raise refused(f"'{info.data['by']}' makes the groups", advice="Leave it out here.")
        return strata


class SplineSpec(Spec):
    """A restricted cubic spline: `df` columns with `df` + 1 knots at Harrell's quantiles."""

    df: Annotated[int, Field(strict=True, ge=3, le=6)]


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
    """

    name: Text | None = None
    reference: Level | None = None
    per: Positive | None = None
    spline: SplineSpec | None = None
    interaction: tuple[Text, Text] | None = None

    @model_validator(mode="after")
    def _one_thing(self) -> TermSpec:
        """A column or an interaction; a level or a scale."""
        if (self.name is None) == (self.interaction is None):
            n = "neither" if self.name is None else "both"
            raise refused(f"{n} of name and interaction", "Exactly one of the two")
        scaled = [key for key in ("per", "spline") if getattr(self, key) is not None]
        if self.interaction is not None and (scaled or self.reference is not None):
            raise refused(
                "an interaction takes nothing else", "{interaction: [a, b]}",
                "State reference, per and spline in the terms of the two columns.",
            )  # fmt: skip
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


def _bare_name(value: object) -> object:
    return {"name": value} if isinstance(value, str) else value


class CoxSpec(_Restricted):
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
    terms: Annotated[
        tuple[Annotated[TermSpec, BeforeValidator(_bare_name)], ...], Field(min_length=1)
    ]
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


class Her2ChangeSpec(_Restricted):
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


AnalysisSpec = Annotated[
    TableOneSpec | KaplanMeierSpec | LogRankSpec | CoxSpec | Her2ChangeSpec,
    Field(discriminator="kind"),
]
