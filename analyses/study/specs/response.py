"""Response to treatment by group, as a study file asks for it."""

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


class ResponseSpec(Restricted):
    """Odds of a response by group: raw, with a stratum held fixed, adjusted, within the stratum.

    Attributes
    ----------
    response
        Column of the response, of two levels; ``pcr`` where not given. Patients whose specimens
        were taken only after neoadjuvant therapy are left out, since having one means no pCR.
    by, reference
        Column of the groups, and the one that others are compared with (else the first).
    within
        Column of the stratum, such as ``hr_status``.
    terms
        What the adjusted model holds besides.
    """

    id: Slug
    kind: Literal["response"]
    title: Text | None = None
    response: Text = "pcr"
    by: Text
    reference: Level | None = None
    within: Text | None = None
    terms: Terms = ()
    conf_level: ConfLevel = 0.95

    @field_validator("within")
    @classmethod
    def _apart(cls, within: str | None, info: Any) -> str | None:
        if within is not None and within in (info.data.get("by"), info.data.get("response")):
            raise refused(f"'{within}' is the response or makes the groups", "Another column")
        return within

    @field_validator("terms")
    @classmethod
    def _terms_apart(cls, terms: tuple[TermSpec, ...], info: Any) -> tuple[TermSpec, ...]:
        taken = [info.data.get(name) for name in ("by", "response", "within")]
        for term in terms:
            both = [name for name in term.columns() if name in taken]
            if both and term.interaction is None:
                raise refused(f"'{both[0]}' is in the model already", advice="Leave it out here.")
            if term.time_varying is not None:
                raise refused("time_varying", "A model without follow-up has no periods")
        return terms_once(terms)

    def uses(self, place: Path) -> Iterator[Use]:
        """The response, the groups, the stratum and the terms."""
        yield from super().uses(place)
        yield Use((*place, "response"), self.response, "groups")
        yield Use((*place, "by"), self.by, "groups")
        if self.within is not None:
            yield Use((*place, "within"), self.within, "groups")
        for i, term in enumerate(self.terms):
            yield from term.uses((*place, "terms", i), None)
