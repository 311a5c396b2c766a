"""Full likelihood of an additive hazard: the expected one, and an excess that terms multiply."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analyses.kernels.newton import solved

Array = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]

CLOSE = 1e-10  # last step, in standard errors
MOST = 500
HALVINGS = 40
FARTHEST = 30.0  # of a log hazard: past it nothing distinguishes it from no excess at all


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
    for iteration in range(1, MOST + 1):
        newton = solved(at.information, at.score)
        found = solved(at.complete, at.score) if newton is None else newton
        if found is None:
            return Fitted(theta, at, iteration, False, np.abs(theta) > FARTHEST / 2)
        step = found
        if newton is not None and step @ at.score <= CLOSE**2:
            return Fitted(theta + step, evaluate(rows, theta + step), iteration, True, step > 1)
        for _ in range(HALVINGS):
            there = evaluate(rows, theta + step)
            if np.isfinite(there.log_likelihood) and there.log_likelihood >= at.log_likelihood:
                break
            step = step / 2
        else:
            break
        theta, at = theta + step, there
        if (np.abs(theta) > FARTHEST).any():
            break
    return Fitted(theta, at, MOST, False, (np.abs(theta) > FARTHEST / 2) | (np.abs(step) > 0.01))
