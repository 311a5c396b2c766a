"""A place of a study that names a column, and what the column is to do there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from analyses.study.criterion_spec import CriterionSpec
    from analyses.study.specs.term import TermSpec
    from cohort.yaml_reader import Path

Purpose = Literal[
    "groups",
    "subgroups",
    "cut",
    "treatment",
    "start",
    "description",
    "term",
    "stratum",
    "cluster",
    "weight",
    "imputation",
    "criterion",
    "day",
]


@dataclass(frozen=True, slots=True)
class Use:
    """A column named at `path` of a study, for a purpose.

    `endpoint` is that of the analysis, None where it has none; `term` and `criterion` are the
    parts of the study that name the column, where they are such.
    """

    path: Path
    column: str
    purpose: Purpose
    endpoint: str | None = None
    term: TermSpec | None = None
    criterion: CriterionSpec | None = None


def weight_uses(weights: str | None, place: Path, endpoint: str) -> Iterator[Use]:
    """The weights of an analysis, where it has any."""
    if weights is not None:
        yield Use((*place, "weights"), weights, "weight", endpoint)


def strata_uses(strata: Sequence[str], place: Path, endpoint: str) -> Iterator[Use]:
    """The strata of an analysis."""
    for i, name in enumerate(strata):
        yield Use((*place, "strata", i), name, "stratum", endpoint)
