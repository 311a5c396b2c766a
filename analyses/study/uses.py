"""Every place of a study that names a column, and what the column is to do there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from analyses.study.analysis_spec import (
    CoxSpec,
    Her2ChangeSpec,
    KaplanMeierSpec,
    LogRankSpec,
    TableOneSpec,
)

if TYPE_CHECKING:
    from analyses.study.analysis_spec import TermSpec
    from analyses.study.criterion_spec import CriterionSpec
    from analyses.study.spec import Study
    from cohort.yaml_reader import Path

Purpose = Literal["groups", "description", "term", "stratum", "cluster", "criterion", "day"]


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


def uses(study: Study) -> tuple[Use, ...]:
    """Every use of a column, in the order of the study file."""
    found = []
    if study.her2.index_day is not None:
        found.append(Use(("her2", "index_day"), study.her2.index_day, "day"))
    found += [
        Use(("select", i, "column"), spec.column, "criterion", criterion=spec)
        for i, spec in enumerate(study.select)
    ]
    for i, analysis in enumerate(study.analyses):
        place: Path = ("analyses", i)
        if analysis.only is not None:
            where = (*place, "only", "column")
            found.append(Use(where, analysis.only.column, "criterion", criterion=analysis.only))
        if isinstance(analysis, TableOneSpec):
            found += _table(analysis, place)
        elif isinstance(analysis, CoxSpec):
            found += _model(analysis, place)
        elif isinstance(analysis, Her2ChangeSpec):
            if analysis.by is not None:
                found.append(Use((*place, "by"), analysis.by, "groups"))
        else:
            found += _groups(analysis, place)
    return tuple(found)


def _table(spec: TableOneSpec, place: Path) -> Iterator[Use]:
    yield Use((*place, "by"), spec.by, "groups")
    for i, name in enumerate(spec.columns):
        yield Use((*place, "columns", i), name, "description")


def _groups(spec: KaplanMeierSpec | LogRankSpec, place: Path) -> Iterator[Use]:
    if spec.by is not None:
        yield Use((*place, "by"), spec.by, "groups", spec.endpoint)
    if isinstance(spec, LogRankSpec):
        yield from _strata(spec, place)


def _model(spec: CoxSpec, place: Path) -> Iterator[Use]:
    for i, term in enumerate(spec.terms):
        where = (*place, "terms", i)
        if term.interaction is None:
            yield Use((*where, "name"), term.columns()[0], "term", spec.endpoint, term)
        else:
            for k, name in enumerate(term.interaction):
                yield Use((*where, "interaction", k), name, "term", spec.endpoint, term)
    yield from _strata(spec, place)
    if spec.cluster is not None:
        yield Use((*place, "cluster"), spec.cluster, "cluster", spec.endpoint)


def _strata(spec: LogRankSpec | CoxSpec, place: Path) -> Iterator[Use]:
    for i, name in enumerate(spec.strata):
        yield Use((*place, "strata", i), name, "stratum", spec.endpoint)
