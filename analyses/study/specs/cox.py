"""A proportional-hazards model, as a study file asks for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

from pydantic import field_validator

from analyses.study.fields import ConfLevel, Flag, Names, Slug, Text
from analyses.study.specs.missing import (
    ImputeSpec,
    Missing,
    imputes_alone,
    imputing,
    missing_uses,
)
from analyses.study.specs.restricted import Restricted
from analyses.study.specs.term import Terms, TermSpec, strata_apart, terms_once
from analyses.study.use import Use, strata_uses, weight_uses
from analyses.study.wording import refused

if TYPE_CHECKING:
    from cohort.yaml_reader import Path


class CoxSpec(Restricted):
    """A proportional-hazards model of an endpoint.

    Attributes
    ----------
    cause
        Where events compete: ``event`` or ``competing``, the other of the two ending follow-up.
    terms
        Covariates, in the order of the table.
    strata
        Columns whose combinations have a baseline hazard each.
    cluster
        Column of units within which patients are alike; errors are then robust.
    penalty
        ``firth`` for few events, or a level that separates: finite estimates, limits and p-values
        from the profile of the penalised likelihood.
    proportionality
        Function of time with which the hazard ratios are tested for being constant; ``none`` for
        no test. A penalised model has none.
    univariable
        Print a model of each term alone beside the adjusted one.
    weights
        Column of what each patient counts for; whole numbers stand for so many patients.
    missing
        ``complete_case``: patients who lack a value are left out. ``impute``, or ``{impute: {m: 40,
        columns: [...]}}``: the same by multiple imputation beside it.
    """

    id: Slug
    kind: Literal["cox"]
    title: Text | None = None
    endpoint: Text
    cause: Literal["event", "competing"] | None = None
    terms: Terms
    strata: Names = ()
    cluster: Text | None = None
    ties: Literal["efron", "breslow"] = "efron"
    penalty: Literal["firth"] | None = None
    proportionality: Literal["km", "rank", "identity", "log", "none"] = "km"
    univariable: Flag = True
    weights: Text | None = None
    missing: Missing = "complete_case"
    conf_level: ConfLevel = 0.95

    @field_validator("terms")
    @classmethod
    def _terms_once(cls, terms: tuple[TermSpec, ...]) -> tuple[TermSpec, ...]:
        return terms_once(terms)

    @field_validator("penalty")
    @classmethod
    def _penalty_alone(cls, penalty: str | None, info: Any) -> str | None:
        if penalty is not None and info.data.get("cluster") is not None:
            raise refused(
                "penalty together with a cluster",
                advice="Its limits are those of the likelihood, not robust: leave one of them out.",
            )
        return penalty

    @field_validator("missing")
    @classmethod
    def _imputes_alone(cls, missing: Missing, info: Any) -> Missing:
        return imputes_alone(missing, {key: info.data.get(key) for key in ("penalty", "weights")})

    @property
    def imputing(self) -> ImputeSpec | None:
        """How missing values are imputed; None where patients who lack one are left out."""
        return imputing(self.missing)

    @property
    def needs_memory(self) -> bool:
        """Whether the model can only be fitted to rows in memory, however many they are."""
        changing = any(term.time_varying is not None for term in self.terms)
        return changing or self.penalty is not None or self.imputing is not None

    @field_validator("strata")
    @classmethod
    def _strata_apart(cls, strata: tuple[str, ...], info: Any) -> tuple[str, ...]:
        return strata_apart(strata, info.data.get("terms", ()))

    @property
    def competes(self) -> str | None:
        """The key of the study file that asks for competing events, if any does."""
        return None if self.cause is None else "cause"

    def uses(self, place: Path) -> Iterator[Use]:
        """The terms, the strata and the units of likeness."""
        yield from super().uses(place)
        for i, term in enumerate(self.terms):
            yield from term.uses((*place, "terms", i), self.endpoint)
        yield from strata_uses(self.strata, place, self.endpoint)
        if self.cluster is not None:
            yield Use((*place, "cluster"), self.cluster, "cluster", self.endpoint)
        yield from weight_uses(self.weights, place, self.endpoint)
        yield from missing_uses(self.missing, place, self.endpoint)
