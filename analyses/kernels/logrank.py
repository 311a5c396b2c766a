"""Observed minus expected events by group, their variance, and the chi-square that follows."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from analyses.kernels.product_limit import (
    Array,
    Bools,
    Ints,
    count_cells,
    distinct,
    table,
    tail_sums,
)

RANK_TOLERANCE = 1e-10  # of an eigenvalue of the correlation matrix; those not 0 are far larger


class ScoreSums(NamedTuple):
    """Weighted observed and expected events by group [K], and variance of their difference."""

    observed: Array
    expected: Array
    variance: npt.NDArray[np.float64]


class Cells(NamedTuple):
    """Risk sets in order of stratum and time: counts [K, C], and where each stratum begins [S]."""

    events: Array
    n_risk: Array
    first: Ints


def risk_sets(
    time: Array,
    event: Bools,
    codes: Ints,
    n_groups: int,
    *,
    strata: Ints | None = None,
    entry: Array | None = None,
    weights: Array | None = None,
) -> Cells:
    """At risk and events by group at each distinct (stratum, exit time)."""
    grid, place = distinct(time)
    n_times = len(grid)
    stratum = np.zeros(0, dtype=np.intp) if strata is None else strata
    if strata is not None:
        cells, place = distinct(strata * n_times + place)
    else:
        cells = np.arange(n_times)
    shape = (n_groups, len(cells))
    exits, events = count_cells(place, event, codes, shape, weights)
    n_risk = tail_sums(exits)
    of_cell = cells // n_times
    first = np.flatnonzero(np.diff(of_cell, prepend=-1)).astype(np.intp)
    if entry is not None:
        start = np.searchsorted(grid, entry, side="right")
        key = start if strata is None else np.searchsorted(cells, stratum * n_times + start)
        entered = table(key.astype(np.intp), codes, shape, weights)
        n_risk[:, :-1] -= tail_sums(entered)[:, 1:]
    else:
        # Without entry the tail still holds the later strata's rows, who are not at risk here.
        ends = np.append(first[1:], len(cells))
        later = np.append(n_risk, np.zeros((n_groups, 1)), axis=1)[:, ends]
        n_risk -= np.repeat(later, np.diff(np.append(first, len(cells))), axis=1)
    return Cells(events, n_risk, first)


def score_sums(cells: Cells, rho: float = 0.0, gamma: float = 0.0) -> ScoreSums:
    """Sums over risk sets with Fleming and Harrington's weights, hypergeometric variance.

    The weight at t is S(t-)^rho (1 - S(t-))^gamma, S pooled over the groups of the stratum.
    """
    d = cells.events.sum(axis=0)
    n = cells.n_risk.sum(axis=0)
    weight = _weights(d, n, cells.first, rho, gamma)
    used = d > 0
    d, n, weight = d[used], n[used], weight[used]
    events, n_risk = cells.events[:, used], cells.n_risk[:, used]
    observed = events @ weight
    expected = n_risk @ (weight * d / n)
    factor = weight**2 * d * (n - d) / (np.maximum(n - 1, 1) * n**2)
    variance = np.diag(n_risk @ (factor * n)) - (n_risk * factor) @ n_risk.T
    return ScoreSums(observed, expected, variance)


def beside(cells: Cells, rho: float = 0.0, gamma: float = 0.0) -> tuple[Bools, Bools]:
    """The groups at risk beside another at an event [K], and at an event of weight above 0 [K]."""
    d = cells.events.sum(axis=0)
    n = cells.n_risk.sum(axis=0)
    met = (cells.n_risk > 0) & (cells.n_risk < n) & (d > 0)
    weighted = met & (_weights(d, n, cells.first, rho, gamma) > 0)
    return met.any(axis=1), weighted.any(axis=1)


def compared(sums: ScoreSums) -> Bools:
    """The groups with positive variance: those that the test says something of.

    They were at risk beside another group at an event that had weight and that somebody survived.
    """
    spread = np.diag(sums.variance)
    return np.asarray(spread > RANK_TOLERANCE * spread.max(initial=0.0))


def chi_square(sums: ScoreSums) -> tuple[float, int]:
    """The quadratic form of observed minus expected, and its degrees of freedom.

    A generalised inverse over the groups with positive variance: a group without adds nothing,
    and takes a degree of freedom with it. (0, 0) where no group is left.
    """
    kept = compared(sums)
    if not kept.any():
        return 0.0, 0
    scale = np.sqrt(np.diag(sums.variance)[kept])
    difference = (sums.observed - sums.expected)[kept] / scale
    values, vectors = np.linalg.eigh(sums.variance[np.ix_(kept, kept)] / np.outer(scale, scale))
    positive = values > RANK_TOLERANCE
    along = vectors.T[positive] @ difference
    return float((along**2 / values[positive]).sum()), int(positive.sum())


def trend_chi_square(sums: ScoreSums, scores: Array) -> tuple[float, int]:
    """(c'U)^2 / c'Vc on one degree of freedom; (0, 0) where the scores do not vary at risk."""
    centred = scores - scores.mean()
    variance = float(centred @ sums.variance @ centred)
    bound = float((centred**2) @ np.diag(sums.variance))
    if variance <= RANK_TOLERANCE * bound:
        return 0.0, 0
    return float(centred @ (sums.observed - sums.expected)) ** 2 / variance, 1


def _weights(d: Array, n: Array, first: Ints, rho: float, gamma: float) -> Array:
    """Fleming-Harrington weights by cell."""
    if rho == 0 and gamma == 0:
        return np.ones(len(d))
    stay = 1 - np.divide(d, n, out=np.zeros_like(d), where=n > 0)
    before = np.ones(len(d))
    for low, high in zip(first, np.append(first[1:], len(d)), strict=True):
        before[low + 1 : high] = np.cumprod(stay[low : high - 1])
    weights: Array = before**rho * (1 - before) ** gamma
    return weights
