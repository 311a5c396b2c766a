"""Full likelihood of an additive hazard: the expected one, and an excess that terms multiply."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analyses.kernels.newton import solved

Array = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]

CLOSE = 1e-7  # last step but one, in standard errors; the step after it is its square
ROUNDING = 1e-12  # of a log-likelihood: less is no way down
STILL = 1e-3  # of a step, in log hazards of one spread of a column
MOST = 500
HALVINGS = 40
# Of a log hazard ratio of one spread of a column, and of a log baseline: past them nothing
# distinguishes an excess from none.
FARTHEST = 10.0
FARTHEST_BASELINE = 25.0


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Patients: design, time spent in each interval, place of the death's interval, hazard then.

    `expected` is the population's hazard at the end of follow-up, in the unit of `spent`.
    """

    design: Array
    spent: Array
    interval: Places
    event: npt.NDArray[np.bool_]
    expected: Array


@dataclass(frozen=True, slots=True, eq=False)
class Point:
    """The likelihood at some coefficients; `complete` is the information if causes were known."""

    log_likelihood: float
    score: Array
    information: Array
    complete: Array


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """Where the search ended; `moving` are coefficients that ran off where it did not converge."""

    theta: Array
    at: Point
    iterations: int
    converged: bool
    moving: npt.NDArray[np.bool_]


def evaluate(rows: Rows, theta: Array) -> Point:
    """Log-likelihood, score and information; coefficients of terms first, then log baselines."""
    p = rows.design.shape[1]
    k = rows.spent.shape[1]
    risk = rows.design @ theta[:p]
    with np.errstate(over="ignore"):
        excess = np.exp(risk[:, None] + theta[None, p:])
    due = excess * rows.spent
    own = np.where(rows.event, excess[np.arange(len(risk)), rows.interval], 0.0)
    total = own + np.where(rows.event, rows.expected, 1.0)
    share = own / total  # that the death is of the disease
    died = np.zeros_like(due)
    died[np.arange(len(risk)), rows.interval] = share
    bend = np.zeros_like(due)
    bend[np.arange(len(risk)), rows.interval] = share * (1 - share)
    log_likelihood = float(np.log(total[rows.event]).sum() - due.sum())
    left = died - due
    score = np.concatenate([rows.design.T @ left.sum(axis=1), left.sum(axis=0)])
    return Point(
        log_likelihood,
        score,
        _blocks(rows.design, due - bend, p, k),
        _blocks(rows.design, due, p, k),
    )


def _blocks(design: Array, weights: Array, p: int, k: int) -> Array:
    """X' W X of the terms and the intervals' indicators."""
    result = np.zeros((p + k, p + k))
    result[:p, :p] = design.T @ (weights.sum(axis=1)[:, None] * design)
    result[:p, p:] = design.T @ weights
    result[p:, :p] = result[:p, p:].T
    result[p:, p:] = np.diag(weights.sum(axis=0))
    return result


def maximise(rows: Rows, start: Array) -> Fitted:
    """The largest likelihood: Newton's steps where the information is positive, else EM's.

    With the complete information instead of the observed one a step is that of the
    EM algorithm's gradient, which goes uphill from anywhere.
    """
    theta, at = start, evaluate(rows, start)
    step = np.zeros_like(theta)
    farthest = np.repeat([FARTHEST, FARTHEST_BASELINE], [rows.design.shape[1], rows.spent.shape[1]])
    for iteration in range(1, MOST + 1):
        newton = solved(at.information, at.score)
        found = solved(at.complete, at.score) if newton is None else newton
        if found is None:
            return Fitted(theta, at, iteration, False, np.abs(theta) > farthest / 2)
        step = found
        # Where a coefficient runs off the likelihood is flat, and its steps stay as long as 1.
        still = bool((np.abs(step) < STILL).all())
        if newton is not None and still and step @ at.score <= CLOSE**2:
            there = evaluate(rows, theta + step)
            return Fitted(theta + step, there, iteration, True, np.zeros(len(theta), dtype=bool))
        for _ in range(HALVINGS):
            there = evaluate(rows, theta + step)
            if there.log_likelihood >= at.log_likelihood - ROUNDING * abs(at.log_likelihood):
                break
            step = step / 2
        else:
            break
        theta, at = theta + step, there
        if (np.abs(theta) > farthest).any():
            break
    return Fitted(theta, at, MOST, False, (np.abs(theta) > farthest / 2) | (np.abs(step) > 0.01))
