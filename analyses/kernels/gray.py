"""Gray's test: scores of a cause's cumulative incidence by group, and their covariance.

In a stratum let n_i be at risk in group i at a time, S_i(t-) free of every event and F_i(t-) the
group's incidence of the cause; h_i = n_i / S_i(t-), h their sum, R_i = h_i (1 - F_i(t-)), d_i
events of the cause and d their sum. The common incidence F adds d / h. Scores are

    sum over times of d_i - d R_i / (sum of R)

The covariance is that of Gray (1988), Ann. Stat. 16, 1141-1154, with the corrections for ties that
cmprsk's `cuminc` makes: with A = diag(h_i) - h h' / h and C its running sum times d / (h (1 -
F(t-))), the martingales of group k, of the cause and of the others, load on the scores by rows of
A and C. As loads end with the value of C at the last time, squares are summed in three parts.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from analyses.kernels.aalen_johansen import StateCounts, aalen_johansen

Array = npt.NDArray[np.float64]


class GraySums(NamedTuple):
    """Score of each group and the scores' covariance, summed over strata; all groups are kept."""

    score: Array
    variance: Array


class _Times(NamedTuple):
    """One stratum at the times of any event: [K, T], but for `load` and `running` [T, K, K]."""

    n_risk: Array
    own: Array
    other: Array
    before: Array
    after: Array
    pooled: Array
    common: Array
    load: Array
    running: Array


def gray_sums(counts: StateCounts, cause: int) -> GraySums:
    """Scores and covariance for the cause at this place among the counts' causes, one stratum."""
    at = _at_event_times(counts, cause)
    deaths = at.own.sum(axis=0)
    incidence = _lagged(_incidence(at), 0.0)
    at_risk = at.n_risk > 0
    reach = np.divide(at.n_risk, at.before, out=np.zeros_like(at.before), where=at_risk)
    shares = reach * (1 - incidence)
    total = shares.sum(axis=0)
    part = np.divide(deaths, total, out=np.zeros_like(total), where=total > 0)
    score = (at.own - part * shares).sum(axis=1)
    return GraySums(score, _covariance(at, deaths))


def _at_event_times(counts: StateCounts, cause: int) -> _Times:
    """The quantities of the module's head at each time of any event."""
    plain = counts.any_event
    emptied = (plain > 0) & (plain == counts.n_risk)
    survival = aalen_johansen(counts, emptied).event_free
    kept = plain.sum(axis=0) > 0
    own = counts.events[:, cause][:, kept]
    n_risk, after = counts.n_risk[:, kept], survival[:, kept]
    before = _lagged(after, 1.0)
    h = np.divide(n_risk, before, out=np.zeros_like(before), where=n_risk > 0)
    pooled = h.sum(axis=0)
    deaths = own.sum(axis=0)
    common = np.cumsum(np.divide(deaths, pooled, out=np.zeros_like(pooled), where=pooled > 0))
    eye = np.eye(len(h))
    some = np.where(pooled > 0, pooled, 1.0)
    load = eye * h.T[:, :, None] - h.T[:, :, None] * (h / some).T[:, None, :]
    room = some * (1 - _lagged(common[None], 0.0)[0])
    # No room is left where the common incidence has come to 1: nothing more is expected there.
    rate = np.divide(deaths, room, out=np.zeros_like(room), where=(deaths > 0) & (room != 0))
    running = np.cumsum(load * rate[:, None, None], axis=0)
    other = plain[:, kept] - own
    return _Times(n_risk, own, other, before, after, pooled, common, load, running)


def _incidence(at: _Times) -> Array:
    """The groups' own incidence of the cause just after each time."""
    share = np.divide(at.before, at.n_risk, out=np.zeros_like(at.before), where=at.n_risk > 0)
    return np.cumsum(share * at.own, axis=1)


def _lagged(values: Array, first: float) -> Array:
    """The values just before each time."""
    result = np.full_like(values, first)
    result[:, 1:] = values[:, :-1]
    return result


def _covariance(at: _Times, deaths: Array) -> Array:
    """Covariance of the scores from the martingales of the cause and of the others."""
    alive = at.after > 0
    ratio = np.divide(1 - at.common, at.after, out=np.zeros_like(at.after), where=alive)
    by_cause = _cause_variance(at, deaths)
    by_other = _other_variance(at, alive)
    # Loads [T, i, k] before the part that the end of C adds, and that part's factor [T, k].
    tilt = 1 - ratio
    first = at.load - tilt.T[:, None, :] * at.running
    second = -ratio.T[:, None, :] * at.running
    end = at.running[-1]
    result: Array = np.zeros_like(end)
    for loads, factor, variance in ((first, tilt, by_cause), (second, ratio, by_other)):
        weighted = loads * variance.T[:, None, :]
        crossed = np.einsum("tik,kt->ik", weighted, factor)
        result += np.einsum("tik,tjk->ij", weighted, loads)
        result += end @ crossed.T + crossed @ end.T
        result += (end * (factor**2 * variance).sum(axis=1)) @ end.T
    return result


def _cause_variance(at: _Times, deaths: Array) -> Array:
    """Variance of each group's martingale of the cause, under the common hazard, [K, T]."""
    some = (at.n_risk > 0) & (deaths > 0)
    tied = at.pooled * at.before - 1
    ties = np.ones_like(at.before)
    np.divide(deaths - 1, tied, out=ties, where=some & (deaths > 1))
    ties = np.where(some & (deaths > 1), 1 - ties, 1.0)
    size = at.pooled * at.n_risk
    return ties * np.divide(at.before * deaths, size, out=np.zeros_like(size), where=some)


def _other_variance(at: _Times, alive: npt.NDArray[np.bool_]) -> Array:
    """Variance of each group's martingale of the other causes, [K, T]."""
    some = alive & (at.other > 0)
    ties = np.ones_like(at.before)
    np.divide(at.other - 1, at.n_risk - 1, out=ties, where=some & (at.other > 1))
    ties = np.where(some & (at.other > 1), 1 - ties, 1.0)
    size = at.n_risk**2
    return ties * np.divide(at.before**2 * at.other, size, out=np.zeros_like(size), where=some)
