"""Observed minus expected events by group, their variance, and the chi-square that follows."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from analyses.kernels.product_limit import (
    Array,
    Bools,
    Counts,
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
    """Risk sets in order of stratum and time: counts [K, C], and where each stratum begins [S].

    `n` and `n_event` are all patients and events by group [K], `time` the times [C].
    """

    events: Array
    n_risk: Array
    first: Ints
    n: Array
    n_event: Array
    time: Array


def only(cells: Cells, groups: tuple[int, ...]) -> Cells:
    """The risk sets of some of the groups."""
    chosen = list(groups)
    return cells._replace(
        events=cells.events[chosen],
        n_risk=cells.n_risk[chosen],
        n=cells.n[chosen],
        n_event=cells.n_event[chosen],
    )


def unstratified(counts: Counts) -> Cells:
    """The risk sets of patients counted already."""
    n, n_event = counts.exits.sum(axis=1), counts.events.sum(axis=1)
    return Cells(counts.events, counts.n_risk, np.zeros(1, dtype=np.intp), n, n_event, counts.time)


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
    events, censored = count_cells(place, event, codes, shape, weights)
    n_risk = tail_sums(events + censored)
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
    n_event = events.sum(axis=1)
    return Cells(
        events, n_risk, first, n_event + censored.sum(axis=1), n_event, grid[cells % n_times]
    )


def score_sums(cells: Cells, weight: Array | None = None) -> ScoreSums:
    """Sums over risk sets, each counted with its weight (1), hypergeometric variance."""
    d = cells.events.sum(axis=0)
    used = d > 0
    d, n = d[used], cells.n_risk.sum(axis=0)[used]
    chosen = np.ones(len(d)) if weight is None else weight[used]
    events, n_risk = cells.events[:, used], cells.n_risk[:, used]
    observed = events @ chosen
    expected = n_risk @ (chosen * d / n)
    return ScoreSums(observed, expected, _covariance(n_risk, d, n, chosen**2))


def excess(cells: Cells, weight: Array | None = None) -> tuple[Array, Array]:
    """Distinct event times [T], and observed minus expected events by group up to each [K, T].

    Summed over strata, each risk set counted with its weight (1).
    """
    d = cells.events.sum(axis=0)
    used = d > 0
    d, n = d[used], cells.n_risk.sum(axis=0)[used]
    chosen = np.ones(len(d)) if weight is None else weight[used]
    steps = chosen * (cells.events[:, used] - cells.n_risk[:, used] * (d / n))
    time, place = np.unique(cells.time[used], return_inverse=True)
    sums = np.array([np.bincount(place, own, minlength=len(time)) for own in steps])
    return time, np.cumsum(sums, axis=1)


def joint_variance(cells: Cells, weights: Array) -> Array:
    """Covariance of observed minus expected under each two of the weights [W, C]: [W, W, K, K]."""
    d = cells.events.sum(axis=0)
    used = d > 0
    d, n, n_risk = d[used], cells.n_risk.sum(axis=0)[used], cells.n_risk[:, used]
    chosen = weights[:, used]
    return np.array(
        [[_covariance(n_risk, d, n, one * other) for other in chosen] for one in chosen]
    )


def _covariance(n_risk: Array, d: Array, n: Array, weight: Array) -> Array:
    """Hypergeometric covariance of the groups' events, summed with the weights."""
    factor = weight * d * (n - d) / (np.maximum(n - 1, 1) * n**2)
    return np.asarray(np.diag(n_risk @ (factor * n)) - (n_risk * factor) @ n_risk.T)


def beside(cells: Cells, weight: Array | None = None) -> tuple[Bools, Bools]:
    """The groups at risk beside another at an event [K], and at an event of weight above 0 [K]."""
    n = cells.n_risk.sum(axis=0)
    met = (cells.n_risk > 0) & (cells.n_risk < n) & (cells.events.sum(axis=0) > 0)
    weighted = met if weight is None else met & (weight > 0)
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


def fleming_harrington(cells: Cells, rho: float, gamma: float) -> Array:
    """Weights S(t-)^rho (1 - S(t-))^gamma, S pooled over the groups of the stratum, by cell."""
    d, n = cells.events.sum(axis=0), cells.n_risk.sum(axis=0)
    stay = 1 - np.divide(d, n, out=np.zeros_like(d), where=n > 0)
    before = np.ones(len(d))
    for low, high in zip(cells.first, np.append(cells.first[1:], len(d)), strict=True):
        before[low + 1 : high] = np.cumprod(stay[low : high - 1])
    weights: Array = before**rho * (1 - before) ** gamma
    return weights


def at_risk_power(cells: Cells, power: float) -> Array:
    """Weights n^power, n at risk in the stratum: 1 is Gehan's, one half Tarone and Ware's."""
    weights: Array = cells.n_risk.sum(axis=0) ** power
    return weights
