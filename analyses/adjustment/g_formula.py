"""Survival of a population had all of it been in one group, from a Cox model (the g-formula).

Each patient's predicted curve with the group set, averaged. The influence of a patient on the
average, by which its variance is exact to first order, has four parts: being in the population,
the hazard's steps at the patient's own risk and event, and the coefficients both in the
predictions and in the baseline (Gill and Andersen, 1982; Ozenne et al., 2020, Biom. J. 62, 751).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from analyses.adjustment.followed import Patients
from analyses.adjustment.spreads import Numbers, Places, events_by, shared_covariance
from analyses.adjustment.weighted_curves import Asked
from analyses.estimators.cox_asked import Asked as CoxAsked
from analyses.estimators.cox_fit import Fit, fit
from analyses.estimators.cox_prepared import Prepared, prepared
from analyses.estimators.cox_rows import InMemory
from analyses.estimators.terms import Declared
from analyses.kernels import cox as kernel
from analyses.kernels.standardised import (
    Nodes,
    area_weights,
    functional,
    mean_density,
    mean_survival,
    nodes_of,
    value_weights,
)
from analyses.results.frozen import Array
from analyses.results.terms import columns_of, design_matrix
from cohort.errors import AnalysisError, Problem

WHERE = "standardised curves"


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """A fitted model with each patient's covariates in every group.

    Attributes
    ----------
    covariates
        For each group rows x columns, centred as the fit's, in the order of its rows.
    eta
        Rows x groups: log hazard ratio against the means had the patient been of the group.
    hazard
        Cumulative hazard at the means at each grid time.
    member
        Whether a row belongs to the population that is averaged over.
    """

    ready: Prepared
    fit: Fit
    covariates: tuple[Array, ...]
    eta: Array
    hazard: Array
    member: npt.NDArray[np.bool_]

    @property
    def grid(self) -> kernel.Grid:
        """Distinct event times by stratum."""
        return self.fit.rows.grid

    @property
    def stratum(self) -> Places:
        """Stratum of each row."""
        return self.fit.rows.followed.stratum

    @property
    def last(self) -> float:
        """The last follow-up of the stratum that is followed the shortest."""
        ends = np.full(len(self.grid.start) - 1, -np.inf)
        np.maximum.at(ends, self.stratum, self.fit.rows.followed.exit)
        return float(ends.min())


def fitted(
    who: Patients, terms: tuple[Declared, ...], asked: CoxAsked, target: str | None
) -> Fitted:
    """The model, and every patient set to each group in turn.

    AnalysisError where a coefficient has no estimate: no curve of those patients exists.
    """
    ready = prepared(who.frame, terms, asked)
    found = fit(ready.rows)
    _require_estimates(found)
    n = len(who.frame)
    order = np.arange(n) if ready.order is None else ready.order
    centre = ready.rows.design.centre
    matrices = []
    coded = pd.CategoricalDtype(list(who.levels), ordered=True)
    for level in who.levels:
        whole = pd.Categorical.from_codes(
            np.full(n, who.levels.index(level), dtype=np.int64), dtype=coded
        )
        columns = columns_of(ready.terms, who.frame.assign(**{who.by: whole}))
        matrices.append(design_matrix(columns, order, centre))
    codes = who.groups.codes[order]
    member = np.ones(n, dtype=bool) if target is None else codes == who.levels.index(target)
    return Fitted(
        ready,
        found,
        tuple(matrices),
        np.column_stack([x @ found.beta for x in matrices]),
        found.rows.grid.cumulated(found.at.steps.hazard),
        member,
    )


class Average(NamedTuple):
    """One group's curve over the population of one stratum.

    Attributes
    ----------
    rows, share
        Places of the population's rows of the stratum, and their share of the whole population.
    first, last
        The stratum's rows of the grid.
    curve, nodes
        Mean survival at its event times, and the nodes that stand for the rows.
    """

    rows: Places
    share: float
    first: int
    last: int
    curve: Array
    nodes: Nodes


def averages_of(model: Fitted, g: int) -> tuple[Average, ...]:
    """One group's curve in each stratum that holds any of the population."""
    total = float(model.member.sum())
    found = []
    for s, (first, last) in enumerate(_segments(model.grid)):
        rows = np.flatnonzero((model.stratum == s) & model.member)
        if len(rows):
            nodes = nodes_of(model.eta[rows, g], float(len(rows)))
            curve = mean_survival(model.hazard[first:last], nodes)
            found.append(Average(rows, len(rows) / total, first, last, curve, nodes))
    return tuple(found)


def values_of(model: Fitted, asked: Asked) -> Array:
    """Survival at times and means up to tau (groups x numbers); NaN past the last follow-up."""
    return np.array(
        [_values(model, averages_of(model, g), asked) for g in range(model.eta.shape[1])]
    )


def _values(model: Fitted, averages: tuple[Average, ...], asked: Asked) -> list[float]:
    found = []
    for quantity, time in asked.names:
        total = 0.0 if time <= model.last else np.nan
        for one in averages:
            weights, constant = _functional(model, one, quantity, time)
            total += one.share * (constant + float(weights @ one.curve))
        found.append(total)
    return found


def curve_of(model: Fitted, g: int, times: Array) -> Array:
    """The standardised curve of one group at some times."""
    result = np.zeros(len(times))
    for one in averages_of(model, g):
        place = np.searchsorted(model.grid.time[one.first : one.last], times, side="right")
        result += one.share * np.concatenate([[1.0], one.curve])[place]
    return result


def numbers_of(model: Fitted, who: Patients, asked: Asked, cluster: Places | None) -> Numbers:
    """The same numbers with covariances between groups, by the patients' influences."""
    values = values_of(model, asked)
    order = np.arange(len(model.eta)) if model.ready.order is None else model.ready.order
    unit = None if cluster is None else cluster[order]
    found = influences(model, asked, values)
    covariance = np.array([shared_covariance(influence, unit) for influence in found])
    k = len(who.levels)
    sizes = tuple(int(n) for n in np.bincount(who.groups.codes, minlength=k))
    times = [t for _, t in asked.names]
    events = events_by(who.time, who.event, who.groups.codes, times, k)
    return Numbers(who.levels, asked.names, values, covariance, (sizes, events))


def influences(model: Fitted, asked: Asked, values: Array) -> Iterator[Array]:
    """Influence of each row on each number, of every group (rows x groups), a number at a time."""
    groups = range(model.eta.shape[1])
    averages = [averages_of(model, g) for g in groups]
    densities = [
        [one.share * mean_density(model.hazard[one.first : one.last], one.nodes) for one in own]
        for own in averages
    ]
    shared = _Shared.of(model.fit)
    for column, (quantity, time) in enumerate(asked.names):
        result = np.zeros((len(model.eta), len(groups)))
        for g in groups:
            taken = np.zeros(len(model.grid.time))
            gradient = np.zeros(len(model.fit.beta))
            for one, density in zip(averages[g], densities[g], strict=True):
                weights, constant = _functional(model, one, quantity, time)
                hazard = model.hazard[one.first : one.last]
                value, slope = functional(model.eta[one.rows, g], hazard, weights, constant)
                part = one.share / len(one.rows)
                result[one.rows, g] += part * (value - values[g, column])
                gradient += part * (slope @ _rows(model.covariates[g], one.rows))
                taken[one.first : one.last] = np.cumsum((weights * density)[::-1])[::-1]
            gradient += taken @ shared.by_hazard
            result[:, g] += _hazard_influence(model.fit, shared.risk, taken)
            result[:, g] += shared.changes @ gradient
        yield result


@dataclass(frozen=True, slots=True, eq=False)
class _Shared:
    """What the influences on all numbers share.

    `by_hazard` are the steps of the hazard times the mean covariates at risk, `risk` each row's
    own hazard ratio, `changes` the coefficients' influence (rows x columns).
    """

    by_hazard: Array
    risk: Array
    changes: Array

    @classmethod
    def of(cls, found: Fit) -> _Shared:
        """Of a fit."""
        risk = np.exp(found.rows.predictor(found.beta))
        return cls(kernel.hazard_means(found.at)[0], risk, _coefficient_influence(found))


def _rows(matrix: Array, rows: Places) -> Array:
    """Some rows; the matrix itself where they are all of them."""
    return matrix if len(rows) == len(matrix) else matrix[rows]


def _hazard_influence(found: Fit, risk: Array, taken: Array) -> Array:
    """What a row's own risk and event change through the baseline, the coefficients held.

    `taken` is what the number loses for each unit of hazard at a grid time.
    """
    steps, rows, grid = found.at.steps, found.rows.followed, found.rows.grid
    gathered = np.append(grid.cumulated(taken * steps.square), 0.0)
    at_risk = gathered[rows.last]
    if rows.before is not None:
        at_risk = at_risk - gathered[rows.before]
    result = risk * at_risk
    event = rows.event
    place = rows.last[event]
    own = steps.hazard[place] / found.at.total[place, 2] + risk[event] * steps.cross[place]
    result[event] -= taken[place] * own
    return np.asarray(result)


def _coefficient_influence(found: Fit) -> Array:
    """Change of the coefficients by each row's weight (rows x columns); 0 where not estimated."""
    blocks = found.rows.blocks
    assert isinstance(blocks, InMemory)
    changes = np.zeros((len(found.rows.followed.exit), len(found.beta)))
    pieces = kernel.score_residuals(blocks.placed, found.rows.grid, found.beta, found.at)
    kept = np.flatnonzero(found.estimated)
    for rows, residual in pieces:
        changes[rows, kept] = residual[:, kept] @ found.covariance
    return changes


def _segments(grid: kernel.Grid) -> list[tuple[int, int]]:
    """First and last grid row of every stratum, those without events too."""
    return [(int(a), int(b)) for a, b in zip(grid.start[:-1], grid.start[1:], strict=True)]


def _functional(model: Fitted, one: Average, quantity: str, time: float) -> tuple[Array, float]:
    grid = model.grid.time[one.first : one.last]
    return area_weights(grid, time) if quantity == "rmst" else value_weights(grid, time)


def _require_estimates(found: Fit) -> None:
    """AnalysisError naming the columns without a finite coefficient."""
    if not found.unreported:
        return
    design = found.rows.design
    raise AnalysisError(
        Problem(
            f"{WHERE}: {design.names[place]}",
            f"{why[0]} ({design.n[place]} patients, {design.n_event[place]} events)",
            advice="Their curve is not defined: merge the level with another, or leave the term "
            "out.",
        )
        for place, why in sorted(found.unreported.items())
    )
