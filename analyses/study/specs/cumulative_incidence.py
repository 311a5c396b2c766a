"""Cumulative incidence of competing events, as a study file asks for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

from pydantic import field_validator, model_validator

from analyses.study.fields import ConfLevel, Flag, Level, Names, Slug, Text
from analyses.study.specs.restricted import Restricted
from analyses.study.times import TimesSpec
from analyses.study.use import Use, strata_uses, weight_uses
from analyses.study.wording import refused

if TYPE_CHECKING:
    from cohort.yaml_reader import Path


class CumulativeIncidenceSpec(Restricted):
    """The incidence of an endpoint's event and of its competing events, one curve a group.

    Attributes
    ----------
    endpoint
        Id of an endpoint of the study with which something competes.
    by
        Column of the groups, which Gray's test compares; without it one curve an event.
    at
        Times at which incidences are printed.
    differences
        Whether the groups' incidences at these times are compared with those of `reference`.
    reference
        Group that the others are compared with; the first where not given.
    strata
        Columns within whose combinations Gray's test compares the groups.
    test
        ``gray`` or ``none``; where not given, Gray's test, and none for an endpoint with delayed
        entry unless strata ask for it: there the test is not defined.
    weights
        Column of what each patient counts for; whole numbers stand for so many patients.
    """

    id: Slug
    kind: Literal["cumulative_incidence"]
    title: Text | None = None
    endpoint: Text
    by: Text | None = None
    at: TimesSpec | None = None
    differences: Flag = False
    reference: Level | None = None
    strata: Names = ()
    test: Literal["gray", "none"] | None = None
    weights: Text | None = None
    conf_type: Literal["log-log", "log", "plain", "logit", "arcsine"] = "log-log"
    conf_level: ConfLevel = 0.95

    @field_validator("strata")
    @classmethod
    def _strata_apart(cls, strata: tuple[str, ...], info: Any) -> tuple[str, ...]:
        if info.data.get("by") in strata:
            raise refused(f"'{info.data['by']}' makes the groups", advice="Leave it out here.")
        return strata

    @model_validator(mode="after")
    def _fits(self) -> CumulativeIncidenceSpec:
        """Differences are between groups at times, strata those of the test of groups."""
        if self.differences and (self.by is None or self.at is None):
            lacking = "by" if self.by is None else "at"
            raise refused(f"differences without {lacking}", advice=f"Add {lacking}.")
        if self.reference is not None and not self.differences:
            raise refused("reference without differences", advice="Add differences: true.")
        if self.strata and self.by is None:
            raise refused("strata without by", advice="Add by: the groups that are compared.")
        if self.test == "gray" and self.by is None:
            raise refused("test without by", advice="Add by: the groups that are compared.")
        if self.weights is not None and (self.strata or self.test == "gray"):
            raise refused(
                "Gray's test together with weights, for which it is not defined",
                advice="Leave test and strata out, or ask for a fine_gray model with the groups as "
                "its term and the same weights.",
            )
        if self.strata and self.test == "none":
            raise refused("strata without test", advice="Strata are those of Gray's test.")
        return self

    @property
    def competes(self) -> str:
        """The key of the study file that asks for competing events."""
        return "kind"

    def uses(self, place: Path) -> Iterator[Use]:
        """The groups, where there are any, and the strata of their test."""
        yield from super().uses(place)
        if self.by is not None:
            yield Use((*place, "by"), self.by, "groups", self.endpoint)
        yield from strata_uses(self.strata, place, self.endpoint)
        yield from weight_uses(self.weights, place, self.endpoint)
