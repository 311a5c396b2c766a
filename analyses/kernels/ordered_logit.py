"""Proportional-odds regression of ordered levels: log-likelihood, score and information.

With thresholds t_1 < .. < t_(k-1), P(y <= j) = F(t_(j+1) - x'b), F the logistic distribution. A row
of level j adds log(F(u) - F(l)), u = t_(j+1) - x'b and l = t_j - x'b (plus and minus infinity at
the ends). Parameters stand as (t, b); x has no column of ones in use.
McCullagh (1980), J. R. Stat. Soc. B 42, 109-142. The log-likelihood is concave (Pratt, 1981).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from analyses.kernels.logit import CLOSE, Fitted, Part
from analyses.kernels.newton import Maximum, maximise
from analyses.kernels.risk_sets import MATRIX

Array = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


def probabilities(x: Array, thresholds: Array, beta: Array) -> Array:
    """Probability of each level (rows x k)."""
    below = expit(thresholds - (x @ beta)[:, None])
    edges = np.concatenate([np.zeros((len(x), 1)), below, np.ones((len(x), 1))], axis=1)
    return np.maximum(np.diff(edges, axis=1), 0.0)


def evaluate(parts: Sequence[Part], values: Array, k: int) -> Fitted:
    """Log-likelihood, score and information at (thresholds, coefficients)."""
    q, p = k - 1, len(values) - k + 1
    score, information = np.zeros(q + p), np.zeros((q + p, q + p))
    if (np.diff(values[:q]) <= 0).any():
        return Fitted(-np.inf, score, information)
    edges = np.concatenate([[-np.inf], values[:q], [np.inf]])
    height, step = 0.0, max(MATRIX // max(p * p, 1), 64)
    for part in parts:
        for first in range(0, len(part.y), step):
            rows = slice(first, first + step)
            weight = None if part.weight is None else part.weight[rows]
            some = Part(part.x[rows], part.y[rows], weight)
            height += _add(some, edges, values[q:], score, information)
    information[q:, :q] = information[:q, q:].T
    return Fitted(height, score, information)


def _add(part: Part, edges: Array, beta: Array, score: Array, information: Array) -> float:
    """Adds some rows to score and information; returns their log-likelihood."""
    x, y, weight = part
    q = len(edges) - 2
    eta = x @ beta
    upper, lower = expit(edges[y + 1] - eta), expit(edges[y] - eta)
    chance = np.maximum(upper - lower, np.finfo(float).tiny)
    up, low = upper * (1 - upper), lower * (1 - lower)
    first_u, first_l = up / chance, -low / chance
    second_uu = up * (1 - 2 * upper) / chance - first_u**2
    second_ll = -low * (1 - 2 * lower) / chance - first_l**2
    second_ul = -first_u * first_l
    logs = np.log(chance)
    if weight is not None:
        for values in (first_u, first_l, second_uu, second_ll, second_ul, logs):
            values *= weight
    score[q:] -= (first_u + first_l) @ x
    information[q:, q:] -= x.T @ ((second_uu + 2 * second_ul + second_ll)[:, None] * x)
    for j in range(q):
        as_upper, as_lower = y == j, y == j + 1
        score[j] += first_u[as_upper].sum() + first_l[as_lower].sum()
        information[j, j] -= second_uu[as_upper].sum() + second_ll[as_lower].sum()
        across = np.where(as_upper, second_uu + second_ul, 0.0)
        across += np.where(as_lower, second_ll + second_ul, 0.0)
        information[j, q:] += across @ x
        if j + 1 < q:
            both = second_ul[as_lower].sum()
            information[j, j + 1] -= both
            information[j + 1, j] -= both
    return float(logs.sum())


def fit(
    parts: Sequence[Part], k: int, start: Array, columns: Flags, close: float = CLOSE
) -> Maximum[Fitted]:
    """Thresholds and coefficients of the largest likelihood; columns not in use keep their 0."""
    active = np.concatenate([np.ones(k - 1, dtype=bool), columns])
    return maximise(
        lambda values: evaluate(parts, values, k),
        start,
        np.ones(len(start)),
        active,
        close=close,
    )


def start_of(counts: Array, p: int) -> Array:
    """Thresholds at the levels' shares (one half added to each count), coefficients 0."""
    shares = np.cumsum(counts + 0.5)[:-1] / (counts.sum() + 0.5 * len(counts))
    return np.concatenate([np.log(shares / (1 - shares)), np.zeros(p)])
