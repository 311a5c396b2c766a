"""Survival curves, as a study file asks for them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from analyses.study.fields import ConfLevel, Slug, Text
from analyses.study.specs.restricted import Restricted
from analyses.study.times import TimesSpec
from analyses.study.use import Use

if TYPE_CHECKING:
    from cohort.yaml_reader import Path


class KaplanMeierSpec(Restricted):
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

    def uses(self, place: Path) -> Iterator[Use]:
        """The groups, where there are any."""
        yield from super().uses(place)
        if self.by is not None:
            yield Use((*place, "by"), self.by, "groups", self.endpoint)
