"""Partial likelihood of the Cox model: risk-set sums that add over blocks of rows.

At one event time t of one stratum let d events have total weight W and mean weight w = W/d,
let S0, S1, S2 be the sums over those at risk (entry < t <= exit) of r = weight * exp(eta), r x
and r x x', and E0, E1, E2 the same over the d events. With f_l = l/d, l = 0..d-1 (Efron), or
f_l = 0 (Breslow), and D_l = S0 - f_l E0, the time adds

    log-likelihood   sum over events of weight * eta  -  sum_l w log D_l
    score            sum over events of weight * x    -  sum_l w (S1 - f_l E1) / D_l
    information      sum_l w (S2 - f_l E2) / D_l  -  sum_l w (S1 - f_l E1)(S1 - f_l E1)' / D_l^2

The first part of the information needs no matrix for each time: with A = sum_l w / D_l and
B = sum_l w f_l / D_l it is, after exchanging the sums, X' diag(u) X, where row i has
u = r (sum of A over the times at which it is at risk, minus B at the time of its own event).

Efron, B. (1977), J. Am. Stat. Assoc. 72, 557-565.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

Array = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]
Ties = Literal["efron", "breslow"]
CHUNK = 2048  # rows a pass: they stay in cache, and the product on one thread, which is faster


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Rows of one model. Strata are codes 0, 1, ...; absent entry is minus infinity."""

    x: Array
    stratum: Places
    exit: Array
    event: npt.NDArray[np.bool_]
    entry: Array | None = None
    weight: Array | None = None
    offset: Array | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """Distinct event times, ascending within stratum; stratum s holds rows start[s]:start[s+1]."""

    stratum: Places
    time: Array
    start: Places

    def cumulated(self, values: Array) -> Array:
        """Sums from the first time of the stratum up to and with each time."""
        result = np.empty_like(values)
        for first, last in self.segments():
            np.cumsum(values[first:last], axis=0, out=result[first:last])
        return result

    def remaining(self, values: Array) -> Array:
        """Sums from each time to the last of the stratum."""
        result = np.empty_like(values)
        for first, last in self.segments():
            np.cumsum(values[first:last][::-1], axis=0, out=result[first:last][::-1])
        return result

    def segments(self) -> Iterator[tuple[int, int]]:
        """First row and the row after the last one of each stratum that has events."""
        for first, last in zip(self.start[:-1], self.start[1:], strict=True):
            if last > first:
                yield int(first), int(last)


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """A block with the place of each row on the grid, which does not depend on the coefficients.

    `last` and `before` are grid rows: a row is at risk after `before` up to and with `last`;
    -1 means none. `at_risk` (times x rows) holds 1 where a row leaves the risk sets and -1
    where it enters, `dying` (times x events) 1 at each event; `events` are the events' rows and
    `event_covariates` their sum of weight * x, the part of the score without coefficients.
    """

    block: Block
    last: Places
    before: Places | None
    at_risk: csr_matrix
    dying: csr_matrix
    events: Places
    event_covariates: Array


@dataclass(frozen=True, slots=True, eq=False)
class Steps:
    """Terms of each grid time after summing over its tied events (module docstring).

    hazard A, event_hazard B, and the weights of S1 S1', S1 E1' and E1 E1' in the information.
    """

    log_likelihood: float
    hazard: Array
    event_hazard: Array
    square: Array
    cross: Array
    event_square: Array


def grid(blocks: Sequence[Block], n_strata: int) -> Grid:
    """Distinct (stratum, event time) over all blocks; times must be free of near-ties."""
    times = np.concatenate([block.exit[block.event] for block in blocks])
    strata = np.concatenate([block.stratum[block.event] for block in blocks])
    order = np.lexsort((times, strata))
    times, strata = times[order], strata[order]
    new = np.ones(len(times), dtype=bool)
    new[1:] = (np.diff(times) != 0) | (np.diff(strata) != 0)
    start = np.searchsorted(strata[new], np.arange(n_strata + 1))
    return Grid(strata[new], times[new], start)


def place(block: Block, on: Grid) -> Placed:
    """The block's rows on the grid: searched once, used in every iteration."""
    n, n_times = len(block.exit), len(on.time)
    distinct = np.unique(on.time)
    width = len(distinct) + 1
    keys = on.stratum * width + np.searchsorted(distinct, on.time) + 1

    def last_time(values: Array) -> Places:
        """Grid row of the last event time of the row's stratum at or before each value."""
        rank = np.searchsorted(distinct, values, side="right")
        found = np.searchsorted(keys, block.stratum * width + rank, side="right") - 1
        return np.where(found >= on.start[block.stratum], found, -1)

    last = last_time(block.exit)
    leaving = np.flatnonzero(last >= 0)
    times, rows, sign = last[leaving], leaving, np.ones(len(leaving))
    before = None
    if block.entry is not None:
        before = last_time(block.entry)
        entering = np.flatnonzero(before >= 0)
        times = np.concatenate([times, before[entering]])
        rows = np.concatenate([rows, entering])
        sign = np.concatenate([sign, -np.ones(len(entering))])
    at_risk = csr_matrix((sign, (times, rows)), shape=(n_times, n))
    events = np.flatnonzero(block.event)
    one = (np.ones(len(events)), (last[events], np.arange(len(events))))
    dying = csr_matrix(one, shape=(n_times, len(events)))
    weight = np.ones(len(events)) if block.weight is None else block.weight[events]
    return Placed(block, last, before, at_risk, dying, events, weight @ block.x[events])


def sums(placed: Placed, on: Grid, beta: Array) -> Array:
    """Risk-set sums of a block at each grid time: [weight * eta, d, W, S0, S1, E0, E1].

    Times x (2p + 5); adds over blocks.
    """
    block = placed.block
    p = block.x.shape[1]
    eta = _eta(block, beta)
    risk = _risk(block, eta)
    result = np.empty((len(on.time), 2 * p + 5))
    weight = np.ones(len(placed.events)) if block.weight is None else block.weight[placed.events]
    result[:, 0] = placed.dying @ (weight * eta[placed.events])
    result[:, 1] = np.diff(placed.dying.indptr)
    result[:, 2] = placed.dying @ weight
    sets = _weighted(placed.at_risk, risk)
    result[:, 3] = on.remaining(_row_sums(sets))
    result[:, 4 : p + 4] = on.remaining(sets @ block.x)
    dead = _weighted(placed.dying, risk[placed.events])
    result[:, p + 4] = _row_sums(dead)
    result[:, p + 5 :] = dead @ block.x[placed.events]
    return result


def moments(placed: Placed, beta: Array, hazard: Array, event_hazard: Array) -> Array:
    """X' diag(u) X of a block (p x p), u = r (hazard over the time at risk - own event's part).

    `hazard` is cumulative within stratum, `event_hazard` is not; adds over blocks.
    """
    block = placed.block
    total = np.zeros((block.x.shape[1],) * 2)
    used = _risk(block, _eta(block, beta)) * exposure(placed, hazard, event_hazard)
    buffer = np.empty((CHUNK, block.x.shape[1]))
    for first in range(0, len(used), CHUNK):
        rows = block.x[first : first + CHUNK]
        scaled = np.multiply(rows, used[first : first + CHUNK, None], out=buffer[: len(rows)])
        total += rows.T @ scaled
    return total


def exposure(placed: Placed, hazard: Array, event_hazard: Array) -> Array:
    """Hazard gathered by each row while at risk, an event's own time counted by its Efron share."""
    cumulative = np.append(hazard, 0.0)
    gathered = cumulative[placed.last]
    if placed.before is not None:
        gathered -= cumulative[placed.before]
    gathered[placed.events] -= event_hazard[placed.last[placed.events]]
    return gathered


def steps(total: Array, ties: Ties) -> Steps:
    """Log-likelihood and step terms of each grid time, from the sums of all blocks."""
    p = (total.shape[1] - 5) // 2
    events, weight, s0, e0 = total[:, 1], total[:, 2], total[:, 3], total[:, p + 4]
    if ties == "breslow" or events.max() == 1:
        zero = np.zeros(len(s0))
        fit = float(total[:, 0].sum() - weight @ np.log(s0))
        return Steps(fit, weight / s0, zero, weight / s0**2, zero, zero)
    count = events.astype(np.intp)
    time = np.repeat(np.arange(len(s0)), count)
    earlier = np.arange(len(time)) - np.repeat(np.cumsum(count) - count, count)
    share = earlier / events[time]
    rest = s0[time] - share * e0[time]
    mean = (weight / events)[time]

    def summed(values: Array) -> Array:
        return np.asarray(np.bincount(time, mean * values, minlength=len(s0)))

    fit = float(total[:, 0].sum() - mean @ np.log(rest))
    inverse = 1.0 / rest
    square = inverse**2
    return Steps(
        fit,
        summed(inverse),
        summed(share * inverse),
        summed(square),
        summed(share * square),
        summed(share**2 * square),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Likelihood:
    """Log-likelihood, score (p) and information (p x p) at some coefficients, and their parts."""

    log_likelihood: float
    score: Array
    information: Array
    total: Array
    steps: Steps


def likelihood(blocks: Sequence[Placed], on: Grid, beta: Array, ties: Ties) -> Likelihood:
    """Log-likelihood, score and information of all blocks at `beta`, in two passes over the rows.

    Where a risk set overflows the log-likelihood is not finite, which a maximiser steps back from.
    """
    p = len(beta)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        total = _added(sums(block, on, beta) for block in blocks)
        step = steps(total, ties)
        s1, e1 = total[:, 4 : p + 4], total[:, p + 5 :]
        score = _added(block.event_covariates for block in blocks)
        score -= step.hazard @ s1 - step.event_hazard @ e1
        cumulative = on.cumulated(step.hazard)
        information = _added(
            moments(block, beta, cumulative, step.event_hazard) for block in blocks
        )
        information -= s1.T @ (step.square[:, None] * s1)
        if step.cross.any():
            cross = s1.T @ (step.cross[:, None] * e1)
            information += cross + cross.T - e1.T @ (step.event_square[:, None] * e1)
    return Likelihood(step.log_likelihood, score, information, total, step)


def hazard_means(at: Likelihood) -> tuple[Array, Array, Array]:
    """Means of x at risk, times p: times A, times B, and averaged over the time's events."""
    p = len(at.score)
    s1, e1 = at.total[:, 4 : p + 4], at.total[:, p + 5 :]
    step = at.steps
    by_hazard = step.square[:, None] * s1 - step.cross[:, None] * e1
    by_event = step.cross[:, None] * s1 - step.event_square[:, None] * e1
    mean = (step.hazard[:, None] * s1 - step.event_hazard[:, None] * e1) / at.total[:, 2:3]
    return by_hazard, by_event, mean


def score_residuals(
    placed: Placed, on: Grid, beta: Array, at: Likelihood
) -> Iterator[tuple[slice, Array]]:
    """Each row's part of the score, unweighted (rows x p), some rows at a time.

    With Efron ties every event of a time has the average of the tied risk sets' means, and its
    own exposure there counts by its share (Therneau and Grambsch, 2000, section 3.4).
    """
    block = placed.block
    by_hazard, by_event, mean = hazard_means(at)
    exposed = exposure(placed, on.cumulated(at.steps.hazard), at.steps.event_hazard)
    means = np.vstack([on.cumulated(by_hazard), np.zeros(len(beta))])
    ratio = np.exp(_eta(block, beta))
    for first in range(0, len(exposed), CHUNK):
        rows = slice(first, min(first + CHUNK, len(exposed)))
        x, last, event = block.x[rows], placed.last[rows], block.event[rows]
        gathered = means[last]
        if placed.before is not None:
            gathered -= means[placed.before[rows]]
        gathered[event] -= by_event[last[event]]
        result = (gathered - exposed[rows, None] * x) * ratio[rows, None]
        result[event] += x[event] - mean[last[event]]
        yield rows, result


def score_products(
    placed: Placed,
    on: Grid,
    beta: Array,
    at: Likelihood,
    cluster: Places | None = None,
    n_cluster: int = 0,
) -> Array:
    """Weighted score residuals, by cluster (clusters x p), or multiplied over rows (p x p).

    Both add over blocks.
    """
    weight = placed.block.weight
    p = len(beta)
    result = np.zeros((p, p) if cluster is None else (n_cluster, p))
    for rows, residual in score_residuals(placed, on, beta, at):
        weighted = residual if weight is None else residual * weight[rows, None]
        if cluster is None:
            result += weighted.T @ weighted
        else:
            np.add.at(result, cluster[rows], weighted)
    return result


def _eta(block: Block, beta: Array) -> Array:
    eta = block.x @ beta
    if block.offset is not None:
        eta += block.offset
    return eta


def _risk(block: Block, eta: Array) -> Array:
    risk = np.exp(eta)
    if block.weight is not None:
        risk *= block.weight
    return risk


def _weighted(matrix: csr_matrix, values: Array) -> csr_matrix:
    """The matrix with each column multiplied by its row's value; the pattern is shared."""
    data = matrix.data * values[matrix.indices]
    return csr_matrix((data, matrix.indices, matrix.indptr), shape=matrix.shape, copy=False)


def _row_sums(matrix: csr_matrix) -> Array:
    return np.asarray(matrix.sum(axis=1), dtype=np.float64).ravel()


def _added(parts: Iterator[Array]) -> Array:
    """Sum in the order given, so that the same blocks give the same bytes."""
    result = next(parts).copy()
    for part in parts:
        result += part
    return result
