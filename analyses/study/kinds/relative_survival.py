"""Relative survival, from the selected patients and a life table to its outcome."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from analyses.study.life_table_file import life_table_rows
from analyses.study.outcome import Outcome, attempt, entry_column, finished
from cohort.errors import AnalysisError, DataError, Problem

if TYPE_CHECKING:
    import pandas as pd

    from analyses.results.failure import Failure
    from analyses.results.life_table import LifeTable
    from analyses.study.setting import Setting
    from analyses.study.specs.relative_survival import RelativeSurvivalSpec


def against_population(
    spec: RelativeSurvivalSpec, frame: pd.DataFrame, setting: Setting
) -> Outcome:
    """Net survival by group, and the model of the excess hazard where terms are asked for."""
    from analyses.estimators.excess_hazard import excess_hazard
    from analyses.estimators.relative_survival import relative_survival
    from analyses.results.relative_survival import RelativeSurvivalAnalysis

    if entry_column(spec, frame) is not None:
        found = "patients of this endpoint come under observation late"
        advice = "Use an endpoint without delayed entry."
        raise AnalysisError(Problem("relative_survival", found, advice=advice))
    options: dict[str, Any] = {
        "time": f"{spec.endpoint}_time",
        "event": f"{spec.endpoint}_event",
        "life_table": _table(spec, setting),
        "unit": setting.unit,
        "conf_level": spec.conf_level,
        **{key: getattr(spec, key) for key in ("age", "sex", "year", "race")},
    }
    durations = spec.at.to_durations()
    times = [duration.within(setting.unit) for duration in durations]
    result = relative_survival(frame, by=spec.by, times=times, **options)
    failures: list[Failure] = []
    if spec.terms:
        terms = [term.declared() for term in spec.terms]
        cuts = None if spec.cuts is None else spec.cuts.within(setting.unit)
        model, failures = attempt(
            spec, frame, lambda: excess_hazard(frame, terms=terms, cuts=cuts, **options)
        )
        if model is not None:
            own = [f for f in model.findings if f not in result.findings]
            findings = (*result.findings, *own)
            result = replace(result, excess=model, findings=findings)
    said = tuple(str(duration) for duration in durations)
    title = spec.title or "Relative survival"
    made = RelativeSurvivalAnalysis(spec.id, title, spec.endpoint, result, said)
    records = result.records(spec.id, setting.unit)
    return finished(spec.id, made, records, result.findings, failures)


def _table(spec: RelativeSurvivalSpec, setting: Setting) -> LifeTable:
    """The life table of the study, checked; what is wrong with it fails the analysis."""
    from analyses.estimators.life_table import life_table

    path = setting.folder / spec.life_table
    rows, digest = life_table_rows(path)
    try:
        return life_table(rows, name=path.name, sha256=digest)
    except DataError as error:
        raise AnalysisError(
            [replace(p, where=f"{path.name}: {p.where}") for p in error.problems]
        ) from None
