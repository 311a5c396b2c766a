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

A block of few rows is summed by array code, here; one of `COMPILED_FROM` rows and more by compiled
code (cox_compiled.py), which is 15 times as fast but takes a second to load, and some seconds to
compile the first time. The two agree to rounding, and which one is used depends on the rows alone.

Efron, B. (1977), J. Am. Stat. Assoc. 72, 557-565.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
from scipy.sparse import csr_matrix

from analyses.kernels.risk_sets import (
    CHUNK,
    COMPILED_FROM,
    Array,
    Block,
    Grid,
    Placed,
    Places,
    at_places,
    grid,
    grid_of,
    place,
    places,
    product,
    stays_in_cache,
)

__all__ = [
    "COMPILED_FROM",
    "Adding",
    "Array",
    "Arrays",
    "Block",
    "Grid",
    "Likelihood",
    "Placed",
    "Places",
    "Steps",
    "Ties",
    "added",
    "at_places",
    "exposure",
    "grid",
    "grid_of",
    "hazard_means",
    "likelihood",
    "likelihood_by",
    "linear_predictor",
    "moments",
    "place",
    "places",
    "product",
    "score_products",
    "score_residuals",
    "stays_in_cache",
    "steps",
    "sums",
]
Ties = Literal["efron", "breslow"]
Arrays = tuple[Array, ...]
Adding = Callable[[Callable[[Placed], Arrays]], Arrays]


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


def sums(placed: Placed, on: Grid, beta: Array) -> Array:
    """Risk-set sums of a block at each grid time: [weight * eta, d, W, S0, S1, E0, E1].

    Times x (2p + 5); adds over blocks.
    """
    if placed.sparse is None:
        from analyses.kernels import cox_compiled

        return cox_compiled.sums(placed, on, beta)
    block, sparse = placed.block, placed.sparse
    p = block.x.shape[1]
    eta = _eta(block, beta)
    risk = _risk(block, eta)
    result = np.empty((len(on.time), 2 * p + 5))
    weight = np.ones(len(placed.events)) if block.weight is None else block.weight[placed.events]
    count = np.ones(len(placed.events)) if block.count is None else block.count[placed.events]
    weight = weight * count
    result[:, 0] = sparse.dying @ (weight * eta[placed.events])
    result[:, 1] = sparse.dying @ count
    result[:, 2] = sparse.dying @ weight
    sets = _weighted(sparse.at_risk, risk)
    result[:, 3] = on.remaining(_row_sums(sets))
    result[:, 4 : p + 4] = on.remaining(sets @ block.x)
    dead = _weighted(sparse.dying, risk[placed.events])
    result[:, p + 4] = _row_sums(dead)
    result[:, p + 5 :] = dead @ block.x[placed.events]
    return result


def moments(placed: Placed, beta: Array, hazard: Array, event_hazard: Array) -> Array:
    """X' diag(u) X of a block (p x p), u = r (hazard over the time at risk - own event's part).

    `hazard` is cumulative within stratum, `event_hazard` is not; adds over blocks.
    """
    block = placed.block
    if placed.sparse is None:
        from analyses.kernels import cox_compiled

        return cox_compiled.moments(placed, beta, hazard, event_hazard)
    used = _risk(block, _eta(block, beta)) * exposure(placed, hazard, event_hazard)
    return product(block.x, used, block.x)


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
    first = np.cumsum(count) - count  # every time of the grid has an event
    time = np.repeat(np.arange(len(s0)), count)
    earlier = np.arange(len(time)) - np.repeat(first, count)
    share = earlier / events[time]
    rest = s0[time] - share * e0[time]
    mean = (weight / events)[time]

    def summed(values: Array) -> Array:
        return np.asarray(np.add.reduceat(mean * values, first))

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


def likelihood(blocks: Iterable[Placed], on: Grid, beta: Array, ties: Ties) -> Likelihood:
    """Log-likelihood, score and information of all blocks at `beta`, in two passes over the rows.

    Where a risk set overflows the log-likelihood is not finite, which a maximiser steps back from.
    """
    held = tuple(blocks)
    return likelihood_by(lambda work: added(map(work, held)), on, beta, ties)


def likelihood_by(add: Adding, on: Grid, beta: Array, ties: Ties) -> Likelihood:
    """As `likelihood`, of blocks wherever they are: `add` does work on each and adds what it gives.

    The work can be sent away: it is a function of this module with its arguments.
    """
    p = len(beta)
    total, score = add(partial(_first_pass, on=on, beta=beta))
    with _unchecked():
        step = steps(total, ties)
        s1, e1 = total[:, 4 : p + 4], total[:, p + 5 :]
        score -= step.hazard @ s1 - step.event_hazard @ e1
        cumulative = on.cumulated(step.hazard)
        again = partial(_second_pass, beta=beta, hazard=cumulative, event_hazard=step.event_hazard)
        (information,) = add(again)
        information -= product(s1, step.square, s1)
        if step.cross.any():
            cross = product(s1, step.cross, e1)
            information += cross + cross.T - product(e1, step.event_square, e1)
    return Likelihood(step.log_likelihood, score, information, total, step)


def added(found: Iterable[Arrays]) -> Arrays:
    """What some blocks gave, added in their order."""
    total: Arrays = ()
    for arrays in found:
        if not total:
            total = tuple(array.copy() for array in arrays)
            continue
        for own, array in zip(total, arrays, strict=True):
            own += array
    return total


def _first_pass(placed: Placed, on: Grid, beta: Array) -> Arrays:
    with _unchecked():
        return sums(placed, on, beta), placed.event_covariates


def _second_pass(placed: Placed, beta: Array, hazard: Array, event_hazard: Array) -> Arrays:
    with _unchecked():
        return (moments(placed, beta, hazard, event_hazard),)


def _unchecked() -> np.errstate:
    """Overflow is no error: the sums are then not finite, which the maximiser sees."""
    return np.errstate(over="ignore", invalid="ignore", divide="ignore")


def linear_predictor(block: Block, beta: Array) -> Array:
    """Log hazard ratio of each row, offset included."""
    if len(block.x) < COMPILED_FROM:
        return _eta(block, beta)
    from analyses.kernels import cox_compiled

    return cox_compiled.linear_predictor(block, beta)


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
    if placed.sparse is None:
        from analyses.kernels import cox_compiled

        by_hazard, by_event, mean = hazard_means(at)
        hazard = on.cumulated(at.steps.hazard)
        tables = (on.cumulated(by_hazard), by_event, mean)
        return cox_compiled.score_products(
            placed, beta, hazard, at.steps.event_hazard, tables, cluster, n_cluster
        )
    result = np.zeros((p, p) if cluster is None else (n_cluster, p))
    for rows, residual in score_residuals(placed, on, beta, at):
        weighted = residual if weight is None else residual * weight[rows, None]
        if cluster is None:
            patients = placed.block.count
            result += product(weighted, None if patients is None else patients[rows], weighted)
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
    for times in (block.weight, block.count):
        if times is not None:
            risk *= times
    return risk


def _weighted(matrix: csr_matrix, values: Array) -> csr_matrix:
    """The matrix with each column multiplied by its row's value; the pattern is shared."""
    data = matrix.data * values[matrix.indices]
    return csr_matrix((data, matrix.indices, matrix.indptr), shape=matrix.shape, copy=False)


def _row_sums(matrix: csr_matrix) -> Array:
    return np.asarray(matrix.sum(axis=1), dtype=np.float64).ravel()
