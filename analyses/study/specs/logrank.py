"""Tests of survival between groups, as a study file asks for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from analyses.study.fields import Flag, Names, NotNegative, Number, Slug, Text
from analyses.study.specs.restricted import Restricted
from analyses.study.use import Use, strata_uses, weight_uses
from analyses.study.wording import refused

if TYPE_CHECKING:
    from cohort.yaml_reader import Path


class LogRankSpec(Restricted):
    """A test of whether an endpoint differs between groups, with pairs and a trend.

    Attributes
    ----------
    rho, gamma
        Fleming-Harrington weights; 0 and 0 is the log-rank test.
    test
        ``gehan``, ``tarone_ware`` or ``peto`` in place of ``logrank`` with its `rho` and `gamma`.
    max_combo
        Whether the largest of four weighted tests is given as well, for curves that may cross.
    pairs
        How the p-values of the pairs are adjusted; ``none`` leaves the pairs out.
    scores
        One number a group of the trend, in their order, in place of 0, 1, 2.
    trend
        ``her2_negative`` orders IHC 0, IHC 1+ and 2+ with a negative in-situ result (positive
        disease is treated differently), ``linear`` every group. Where not given:
        ``her2_negative`` by HER2 status, else ``none``.
    weights
        Column of what each patient counts for; whole numbers stand for so many patients.
    """

    id: Slug
    kind: Literal["logrank"]
    title: Text | None = None
    endpoint: Text
    by: Text
    strata: Names = ()
    weights: Text | None = None
    rho: NotNegative = 0.0
    gamma: NotNegative = 0.0
    test: Literal["logrank", "gehan", "tarone_ware", "peto"] = "logrank"
    max_combo: Flag = False
    pairs: Literal["holm", "bh", "bonferroni", "none"] = "holm"
    trend: Literal["her2_negative", "linear", "none"] = "none"
    scores: Annotated[tuple[Number, ...], Field(min_length=2)] | None = None

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

    @model_validator(mode="after")
    def _fits(self) -> LogRankSpec:
        """Exponents belong to one of the tests, scores to a trend."""
        if self.test != "logrank" and (self.rho or self.gamma):
            raise refused(
                f"rho or gamma with the test '{self.test}'", advice="Leave one of the two out."
            )
        if self.scores is not None and self.trend == "none":
            raise refused("scores without a trend", advice="Add trend: linear.")
        if self.scores is not None and len(set(self.scores)) < 2:
            raise refused("scores that are all alike", "At least two different ones")
        return self

    def uses(self, place: Path) -> Iterator[Use]:
        """The groups and the strata."""
        yield from super().uses(place)
        yield Use((*place, "by"), self.by, "groups", self.endpoint)
        yield from strata_uses(self.strata, place, self.endpoint)
        yield from weight_uses(self.weights, place, self.endpoint)

    def reads(self) -> list[str]:
        """The columns named, and the detail of which the trend within HER2-negative is made."""
        return super().reads() + (["her2_detail"] if self.trend == "her2_negative" else [])
