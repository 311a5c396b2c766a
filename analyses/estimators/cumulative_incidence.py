"""Cumulative incidence of each of several competing events, by group."""

from __future__ import annotations

from typing import Any, get_args

import numpy as np

from analyses.estimators.grouped_survival import (
    GroupedSurvival,
    early_zero_findings,
    late_start_findings,
    small_group_findings,
    zero_weight_findings,
)
from analyses.estimators.states import StateRows, state_rows
from analyses.estimators.survival_data import By, by_column
from analyses.kernels.aalen_johansen import (
    Rows,
    StateCounts,
    aalen_johansen,
    count_states,
    jackknife_errors,
    rows_of_cells,
)
from analyses.kernels.intervals import survival_limits
from analyses.results.cumulative_incidence import CumulativeIncidence, IncidenceCurve
from analyses.results.frozen import Array, frozen
from analyses.results.survival import ConfType
from cohort.table import Finding


def cumulative_incidence(
    data: Any,
    *,
    time: str,
    state: By,
    by: By | None = None,
    entry: str | None = None,
    weights: str | None = None,
    conf_level: float = 0.95,
    conf_type: ConfType = "log-log",
) -> CumulativeIncidence:
    """The share of patients who have had each event over time, others having come before it.

    Parameters
    ----------
    data, time, by, entry
        As in `kaplan_meier`; at risk are those with entry < time <= exit.
    state
        How follow-up ended: an ordered categorical or ``{"name": ..., "levels": [...]}``. The
        first level is censoring, each other one an event that precludes the rest.
    weights
        Whole numbers count as so many patients; with others each patient's influence is weighted.
    conf_level, conf_type
        Of the pointwise limits, by the transform of the incidence itself, as R's ``survfit``.

    Returns
    -------
    CumulativeIncidence
        `.summary`, `.at(times)`, `.differences(times)`. Incidences and the share free of every
        event sum to 1. Rows with a missing value are left out and counted.

    Raises
    ------
    AnalysisError
        As `kaplan_meier`; for states without order, and a value that is none of them.

    Notes
    -----
    Aalen and Johansen (1978), ties exact; standard errors by the infinitesimal jackknife. Checked
    against ``survfit`` of R's survival 3.5 with a factor of states, and by hand:
    tests/analyses/test_cumulative_incidence.py.
    """
    _require_interval(conf_level, conf_type)
    found = state_rows(data, time=time, state=state, by=by, entry=entry, weights=weights)
    return _result(found, by_column(by), (entry, weights), conf_level, conf_type)


def _result(
    found: StateRows,
    by: str | None,
    columns: tuple[str | None, str | None],
    conf_level: float,
    conf_type: ConfType,
) -> CumulativeIncidence:
    """Curves of prepared rows; `columns` are those of entry and weights."""
    rows = found.rows
    curves = _curves(found, conf_level, conf_type)
    return CumulativeIncidence(
        curves=curves,
        causes=found.causes,
        censoring=found.censoring,
        state=found.column,
        by=by,
        conf_level=conf_level,
        conf_type=conf_type,
        n=sum(curve.n for curve in curves),
        n_input=rows.n_input,
        n_missing=rows.n_missing,
        findings=(
            *event_findings(found),
            *late_start_findings(
                columns[0], ((c.group, c.n, float(c.entry_time[0]), c.last_time) for c in curves)
            ),
            *early_zero_findings(
                columns[0], ((c.group, c.n, c.time, c.event_free == 0) for c in curves)
            ),
            *zero_weight_findings(columns[1], rows.n_zero),
        ),
        weighting=rows.weighting(columns[1]),
    )


def _require_interval(conf_level: float, conf_type: str) -> None:
    if conf_type not in get_args(ConfType):
        raise ValueError(f"conf_type is one of {get_args(ConfType)}, not {conf_type!r}")
    if not 0 < conf_level < 1:
        raise ValueError(f"conf_level lies between 0 and 1, not {conf_level}")


def event_findings(found: StateRows) -> tuple[Finding, ...]:
    """Warnings of groups with few or no events of a cause."""
    sizes = found.rows.per_group()
    warnings: list[Finding] = []
    for place, cause in enumerate(found.causes, start=1):
        names = [f"{level}, {cause}" for level in found.rows.levels]
        warnings += small_group_findings(found.column, names, sizes, found.per_group(place))
    return tuple(warnings)


def _curves(found: StateRows, conf_level: float, conf_type: ConfType) -> tuple[IncidenceCurve, ...]:
    """The curves of each group over its own exit times."""
    rows = found.rows
    plain = _counted(found, rows.counts)
    used = plain if rows.weights is None else _counted(found, rows.weights)
    n_risk = plain.n_risk
    emptied = (plain.any_event > 0) & (plain.any_event == n_risk)
    fit = aalen_johansen(used, emptied)
    alike = rows.entry is None and rows.weights is None
    each = rows_of_cells(used) if alike else _each(found, used)
    free_error, error = jackknife_errors(used, fit, each)
    free = (fit.event_free, free_error, *_limits(fit.event_free, free_error, conf_level, conf_type))
    ever = (fit.incidence, error, *_limits(fit.incidence, error, conf_level, conf_type))
    curves = []
    for g, entries in enumerate(_entries(rows)):
        own = plain.exits[g] > 0
        curves.append(
            IncidenceCurve(
                group=rows.levels[g],
                n=int(plain.exits[g].sum()),
                n_event=tuple(int(count) for count in plain.events[g].sum(axis=-1)),
                time=frozen(plain.time[own]),
                n_risk=frozen(n_risk[g, own]),
                events=frozen(plain.events[g][:, own]),
                censored=frozen(plain.censored[g, own]),
                **{name: frozen(v[g, own]) for name, v in zip(_FREE, free, strict=True)},
                **{name: frozen(v[g][:, own]) for name, v in zip(_EVER, ever, strict=True)},
                entry_time=frozen(entries[0]),
                entered=frozen(entries[1]),
            )
        )
    return tuple(curves)


_FREE = ("event_free", "event_free_error", "event_free_low", "event_free_high")
_EVER = ("incidence", "std_error", "conf_low", "conf_high")


def _limits(
    share: Array, error: Array, conf_level: float, conf_type: ConfType
) -> tuple[Array, Array]:
    """Limits of a share; NaN where the transform is not defined."""
    return survival_limits(share, error, conf_level, conf_type)


def _counted(found: StateRows, weights: Array | None) -> StateCounts:
    rows = found.rows
    shape = (len(rows.levels), len(found.causes))
    return count_states(
        rows.time, found.state, rows.codes, shape, entry=rows.entry, weights=weights
    )


def _each(found: StateRows, used: StateCounts) -> Rows:
    """The patients one by one; a weight that counts patients counts their squares as often."""
    rows = found.rows
    start = None
    if rows.entry is not None:
        start = np.searchsorted(used.time, rows.entry, side="right").astype(np.intp)
    mass = np.ones(len(rows.time)) if rows.counts is None else rows.counts
    if rows.weights is not None:
        mass = rows.weights**2
    place = np.searchsorted(used.time, rows.time).astype(np.intp)
    return Rows(rows.codes, place, found.state, start, mass)


def _entries(rows: GroupedSurvival) -> list[tuple[Array, Array]]:
    """For each group the distinct times of delayed entry and the patients entering."""
    none = np.empty(0)
    if rows.entry is None:
        return [(none, none)] * len(rows.levels)
    found = []
    for g in range(len(rows.levels)):
        own = rows.codes == g
        times, place = np.unique(rows.entry[own], return_inverse=True)
        weights = None if rows.counts is None else rows.counts[own]
        found.append((times, np.bincount(place, weights).astype(np.float64)))
    return found
