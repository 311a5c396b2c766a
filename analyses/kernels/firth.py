"""Firth's penalised partial likelihood: half the logarithm of the information's determinant added.

With M the inverse of the information and m the mean of x in a risk set, the penalty's derivative is

    1/2 sum of w E[(x - m)' M (x - m) (x - m)]

over the risk sets of the tied events (cox.py). Multiplied out, with q = x' M x, it is

    1/2 sum of w (E[q x] - E[q] m - 2 E[x x'] M m + 2 m (m' M m)),

in which the first and third parts are sums over rows, after exchanging the sums as for the
information: the work grows with rows x columns^2, and no array has three dimensions.

Firth, D. (1993), Biometrika 80, 27-38; Heinze, G. and Schemper, M. (2001), Biometrics 57, 114-119.
The penalty is that of the model's own ties.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analyses.kernels.cox import (
    Likelihood,
    Steps,
    Ties,
    exposure,
    hazard_means,
    likelihood,
    linear_predictor,
)
from analyses.kernels.newton import solved
from analyses.kernels.risk_sets import Array, Grid, Placed, Places

Flags = npt.NDArray[np.bool_]


STEP = 1e-6  # of a row's log hazard, over which the score's change is taken


@dataclass(frozen=True, slots=True, eq=False)
class Penalised:
    """Penalised log-likelihood, its derivative and minus its second derivative.

    `information` is the change of the score over a small step, since the second derivative of the
    penalty has no such short form; where it is not positive, far from the maximum, twice the
    likelihood's own information stands in, along which the way is still uphill. `plain` is the
    likelihood without the penalty.
    """

    log_likelihood: float
    score: Array
    information: Array
    plain: Likelihood


@dataclass(frozen=True, slots=True, eq=False)
class Penalty:
    """The rows, and the `active` columns whose information is the penalty.

    `reach` is how far each column goes from its mean.
    """

    placed: Placed
    on: Grid
    ties: Ties
    active: Flags
    reach: Array

    def at(self, beta: Array) -> Penalised:
        """The penalised likelihood at some coefficients.

        Where the information has no determinant the log-likelihood is not finite, from which a
        maximiser steps back.
        """
        height, score, plain = self._slope(beta)
        if not np.isfinite(height):
            return Penalised(-math.inf, plain.score, plain.information, plain)
        columns = np.flatnonzero(self.active)
        curved = np.zeros_like(plain.information)
        for place in columns:
            step = np.zeros_like(beta)
            step[place] = STEP / self.reach[place]
            curved[:, place] = (score - self._slope(beta + step)[1]) / step[place]
        own = (curved + curved.T)[np.ix_(columns, columns)] / 2
        if solved(own, np.zeros(len(own))) is None:
            own = 2 * plain.information[np.ix_(columns, columns)]
        information = np.zeros_like(plain.information)
        information[np.ix_(columns, columns)] = own
        return Penalised(height, score, information, plain)

    def _slope(self, beta: Array) -> tuple[float, Array, Likelihood]:
        """Height and derivative."""
        plain = likelihood([self.placed], self.on, beta, self.ties)
        own = plain.information[np.ix_(self.active, self.active)]
        inverse = solved(own, np.eye(len(own)))
        if inverse is None:
            return -math.inf, plain.score, plain
        whole = np.zeros_like(plain.information)
        whole[np.ix_(self.active, self.active)] = (inverse + inverse.T) / 2
        height = plain.log_likelihood + 0.5 * float(np.linalg.slogdet(own)[1])
        with np.errstate(over="ignore", invalid="ignore"):
            change = _derivative(self.placed, self.on, beta, plain, whole)
        score = plain.score + 0.5 * change
        return (height if np.isfinite(score).all() else -math.inf), score, plain


def _derivative(placed: Placed, on: Grid, beta: Array, at: Likelihood, inverse: Array) -> Array:
    """Derivative of the logarithm of the information's determinant."""
    p, x = len(beta), placed.block.x
    step, total = at.steps, at.total
    s1, e1 = total[:, 4 : p + 4], total[:, p + 5 :]
    risk = np.exp(linear_predictor(placed.block, beta))
    if placed.block.weight is not None:
        risk *= placed.block.weight
    weighed = x @ inverse
    q = np.einsum("ij,ij->i", weighed, x)
    by_hazard, by_event, _ = hazard_means(at)
    gathered = _over_time(placed, on.cumulated(by_hazard), by_event)
    exposed = exposure(placed, on.cumulated(step.hazard), step.event_hazard)
    of_rows = risk * (exposed * q - 2 * np.einsum("ij,ij->i", weighed, gathered))
    sq, eq = _sums(placed, on, risk * q)
    of_times = step.square * sq - step.cross * eq
    of_events = step.cross * sq - step.event_square * eq
    mixed = of_times @ s1 - of_events @ e1
    return np.asarray(of_rows @ x - mixed + 2 * _cubes(total, step, inverse))


def _over_time(placed: Placed, cumulative: Array, own: Array) -> Array:
    """What each row gathers of a sum over the times at which it is at risk (rows x p)."""
    padded = np.vstack([cumulative, np.zeros(cumulative.shape[1])])
    gathered = padded[placed.last]
    if placed.before is not None:
        gathered -= padded[placed.before]
    gathered[placed.events] -= own[placed.last[placed.events]]
    return np.asarray(gathered)


def _sums(placed: Placed, on: Grid, values: Array) -> tuple[Array, Array]:
    """Sums of the values over the risk set and over the events of each time."""
    n = len(on.time)

    def summed(at: Places, own: Array) -> Array:
        return np.bincount(at + 1, weights=own, minlength=n + 1)[1:].astype(np.float64)

    left = summed(placed.last, values)
    if placed.before is not None:
        left -= summed(placed.before, values)
    events = placed.events
    return on.remaining(left), summed(placed.last[events], values[events])


def _cubes(total: Array, step: Steps, inverse: Array) -> Array:
    """Sum over the tied events' risk sets of w m (m' M m)."""
    p = (total.shape[1] - 5) // 2
    events, weight = total[:, 1], total[:, 2]
    s0, s1, e0, e1 = total[:, 3], total[:, 4 : p + 4], total[:, p + 4], total[:, p + 5 :]
    if not step.cross.any():
        mean = s1 / s0[:, None]
        return np.asarray((weight * np.einsum("ti,ij,tj->t", mean, inverse, mean)) @ mean)
    count = events.astype(np.intp)
    time = np.repeat(np.arange(len(count)), count)
    share = (np.arange(len(time)) - np.repeat(np.cumsum(count) - count, count)) / events[time]
    mean = s1[time] - share[:, None] * e1[time]
    mean /= (s0[time] - share * e0[time])[:, None]
    size = np.einsum("ti,ij,tj->t", mean, inverse, mean)
    return np.asarray(((weight / events)[time] * size) @ mean)
