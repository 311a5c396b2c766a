"""Published results beside a study's own, as a study file asks for them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, field_validator

from analyses.study.criterion_spec import CriterionSpec
from analyses.study.fields import ConfLevel, Level, Slug, SomeNames, Text
from analyses.study.specs.restricted import Restricted
from analyses.study.wording import refused


def _several(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


class EvidenceSpec(Restricted):
    """What is published on a question, pooled where it may be, with this study beneath.

    Attributes
    ----------
    compares
        Id of the Cox analysis, earlier in the file, whose hazard ratio stands beneath.
    term, level
        Which of its hazard ratios.
    outcome
        Endpoints as the publications name them (``OS``), in order of preference where several.
    contrast, population, stage
        As the table of published results names them; `stage` left out for all.
    unverified
        ``marked`` lets results take part that were not seen in a source.
    registry
        Whose patients these are, as the table of shared patients names them (``NCDB``), where the
        name of the source does not tell: a dictionary of one's own, an extract by another name.
    present
        ``pooled`` for a second pool with this study, where it shares no patients with others.
    """

    id: Slug
    kind: Literal["evidence"]
    title: Text | None = None
    compares: Slug | None = None
    term: Text = "her2_status"
    level: Level = "low"
    outcome: Annotated[SomeNames, BeforeValidator(_several, json_schema_input_type=str | list[str])]
    contrast: Text = "low_vs_zero"
    population: Text = "all"
    stage: Literal["early", "metastatic", "mixed"] | None = None
    unverified: Literal["left_out", "marked"] = "left_out"
    registry: Text | None = None
    present: Literal["compared", "pooled"] = "compared"
    conf_level: ConfLevel = 0.95

    @field_validator("only")
    @classmethod
    def _no_patients(cls, only: CriterionSpec | None) -> CriterionSpec | None:
        if only is not None:
            advice = "Restrict the analysis that is compared."
            raise refused("published results have no patients to restrict", advice=advice)
        return only

    @field_validator("present")
    @classmethod
    def _something_to_pool(cls, present: str, info: Any) -> str:
        if present == "pooled" and info.data.get("compares") is None:
            advice = "Name one: compares: <id of a Cox analysis>."
            raise refused("pooled, and no analysis is compared", advice=advice)
        return present
