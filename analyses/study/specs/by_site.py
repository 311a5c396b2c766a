"""Hazard ratios from site to site, as a study file asks for them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, field_validator

from analyses.study.fields import Names, Text, Whole
from analyses.study.specs.modelled import Modelled
from analyses.study.specs.term import Terms, strata_apart
from analyses.study.use import Use, strata_uses
from analyses.study.wording import refused

if TYPE_CHECKING:
    from cohort.yaml_reader import Path


class BySiteSpec(Modelled):
    """Whether hazard ratios hold from site to site: each site's own, pooled, and all together.

    Attributes
    ----------
    site
        Column of the sites.
    of
        The term whose hazard ratios are pooled.
    least_events
        Sites with fewer events have no model of their own.
    sites
        ``numbers``, the largest site first; ``names`` prints the sites' own names.
    """

    kind: Literal["by_site"]
    terms: Terms
    site: Text = "facility_id"
    of: Text = "her2_status"
    strata: Names = ()
    ties: Literal["efron", "breslow"] = "efron"
    least_events: Annotated[Whole, Field(ge=1)] = 10
    sites: Literal["numbers", "names"] = "numbers"

    @field_validator("of")
    @classmethod
    def _a_term(cls, of: str, info: Any) -> str:
        names = [term.name for term in info.data.get("terms", ())]
        if names and of not in names:
            allowed = f"Terms: {', '.join(name for name in names if name)}"
            raise refused(f"'{of}' is no term of this analysis", allowed)
        return of

    @field_validator("strata")
    @classmethod
    def _strata_apart(cls, strata: tuple[str, ...], info: Any) -> tuple[str, ...]:
        return strata_apart(strata, info.data.get("terms", ()))

    def uses(self, place: Path) -> Iterator[Use]:
        """The terms, the strata and the sites."""
        yield from super().uses(place)
        yield from strata_uses(self.strata, place, self.endpoint)
        yield Use((*place, "site"), self.site, "cluster", self.endpoint)
