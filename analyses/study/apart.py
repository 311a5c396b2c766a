"""Cox models of patients too many to hold: their covariates stay with the engine."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import narwhals as nw

from analyses.study.analyse import conditions_of, restricted
from analyses.study.drawn_her2 import draws_her2
from analyses.study.kinds.cox import fitted
from analyses.study.outcome import Outcome, failed_record, failure_among
from cohort.errors import AnalysisError
from cohort.schema import column

if TYPE_CHECKING:
    from analyses.study.spec import Study
    from analyses.study.specs.cox import CoxSpec
    from cohort.selection import Criterion
    from cohort.table import Cohort, Engine

LazyTable = nw.LazyFrame[Any]


def held_apart(study: Study, by_endpoint: Mapping[str, Cohort]) -> frozenset[str]:
    """Ids of the Cox models whose patients are as many as the engine's `blocks_from`.

    None where a second program is to recompute them, which reads the patients in memory, and where
    patients have a group that is to be drawn.
    """
    if study.verify or draws_her2(study):
        return frozenset()
    return frozenset(
        spec.id
        for spec in study.analyses
        if spec.kind == "cox"
        and not spec.needs_memory
        and by_endpoint[spec.endpoint].n >= study.engine.blocks_from
        and (spec.cause != "competing" or _state(spec) in by_endpoint[spec.endpoint].columns)
    )


def _state(spec: CoxSpec) -> str:
    return f"{spec.endpoint}_state"


def fit_apart(spec: CoxSpec, patients: Cohort, conditions: Mapping[str, Criterion]) -> Outcome:
    """The outcome of a Cox model, as `analyse` gives it of patients in memory, to 1e-10."""
    from analyses.blocks import cox_blocks

    engine, wanted = patients.engine, conditions_of(spec, conditions)
    time, event, entry = (f"{spec.endpoint}_{name}" for name in ("time", "event", "entry"))
    names = [time, event, *spec.reads(), *(criterion.column for criterion in wanted)]
    has_entry = entry in patients.columns
    table = patients.patients
    if spec.cause == "competing":
        table = table.with_columns((nw.col(_state(spec)) == "competing").alias(event))
    rows = table.select(list(dict.fromkeys([*names, *([entry] if has_entry else [])])))
    outside, n = [], patients.n
    for criterion in wanted:
        rows = rows.filter(criterion.met())
        left = _count(engine, rows)
        outside.append((criterion, n - left))
        n = left
    n_zero = 0
    if spec.weights is not None:
        weight = nw.col(spec.weights)
        rows = rows.filter((weight != 0) | weight.is_null())
        n_zero = n - _count(engine, rows)
    rows = engine.materialise(rows)
    levels = {name: _observed(engine, rows, name) for name in spec.reads() if _has_levels(name)}
    fit = partial(cox_blocks, rows, levels=levels)
    try:
        outcome = fitted(
            spec, fit, patients.time_unit, (entry if has_entry else None, None), n_zero
        )
    except AnalysisError as error:
        events = _count(engine, rows.filter(nw.col(event).cast(nw.Boolean)))
        failure = failure_among(spec, n, events, error)
        return Outcome(spec.id, None, (failed_record(0, failure),), failures=(failure,))
    return restricted(spec, outcome, outside)


def _count(engine: Engine, rows: LazyTable) -> int:
    return int(engine.collect(rows.select(n=nw.len()))["n"][0].as_py())


def _has_levels(name: str) -> bool:
    known = column(name)
    return known is not None and known.kind == "category"


def _observed(engine: Engine, rows: LazyTable, name: str) -> tuple[str, ...]:
    """The levels of a column that some row has, in the order of the schema."""
    known = column(name)
    assert known is not None
    found = engine.collect(rows.select(nw.col(name).cast(nw.String)).unique())[name].to_pylist()
    return tuple(level for level in known.levels if level in found)
