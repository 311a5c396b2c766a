"""Counts of units with a normal random intercept on the logit scale: likelihood and its maximum."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numpy.polynomial.hermite_e import hermegauss
from scipy.optimize import brentq, minimize
from scipy.special import chdtrc, chdtri, expit, gammaln, ndtri

Array = npt.NDArray[np.float64]
NODES = 41
STEPS = 60
NOTHING = 1e-4  # a standard deviation below this is none
TOO_FAR = 10.0  # one above this: the likelihood rises, or is flat, for ever
ALL_OR_NONE = "every patient, or nobody, is of the category"
ALONE = "no facility has two patients: chance cannot be told from what lies between facilities"
NO_SPREAD = "facilities are all or none of the category: the spread has no finite estimate"


class RandomIntercept(NamedTuple):
    """Maximum-likelihood mean and standard deviation of the units' log odds.

    `std_error` is that of the mean; `low` and `high` are profile-likelihood limits of the standard
    deviation; `statistic` the likelihood ratio against none, whose p halves that of a chi-square on
    1 df, since the standard deviation cannot be below 0.
    """

    mean: float
    std_error: float
    deviation: float
    low: float
    high: float | None
    log_likelihood: float
    statistic: float
    p_value: float


def random_intercept(k: Array, n: Array, conf_level: float | None) -> RandomIntercept | str:
    """Of k of n patients of each unit, or why there is no estimate.

    Without a `conf_level` the standard deviation has no limits (0, None), which take longest.

    Adaptive Gauss-Hermite quadrature with 41 nodes; as `glmer(..., nAGQ)`.
    """
    total = float(k.sum())
    if not 0 < total < n.sum():
        return ALL_OR_NONE
    if n.max() < 2:
        return ALONE
    start = float(np.log(total / (n.sum() - total)))

    def loss(at: Array) -> tuple[float, Array]:
        height, slope = _likelihood(k, n, float(at[0]), float(at[1]))
        return -height, -slope

    best = min(
        (
            minimize(loss, [start, first], jac=True, method="BFGS", options={"gtol": 1e-8})
            for first in (0.2, 0.8)
        ),
        key=lambda found: float(found.fun),
    )
    mean, deviation = float(best.x[0]), abs(float(best.x[1]))
    flat = _likelihood(k, n, start, 0.0)[0]
    height = -float(best.fun)
    if deviation < NOTHING or height <= flat:
        mean, deviation, height = start, 0.0, flat
    error = _error(k, n, mean, deviation) if deviation <= TOO_FAR else None
    if error is None:
        return NO_SPREAD
    statistic = max(2 * (height - flat), 0.0)
    low, high = 0.0, None
    if conf_level is not None:
        low, high = _limits(k, n, mean, deviation, height, conf_level)
    p_value = float(chdtrc(1, statistic)) / 2 if statistic > 0 else 1.0
    return RandomIntercept(mean, error, deviation, low, high, height, statistic, p_value)


def _likelihood(k: Array, n: Array, mean: float, deviation: float) -> tuple[float, Array]:
    """Log-likelihood and its derivatives."""
    constant = float((gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)).sum())
    if deviation == 0:
        eta = np.full(len(k), mean)
        height = float((k * eta - n * _softplus(eta)).sum()) + constant
        return height, np.array([float((k - n * expit(eta)).sum()), 0.0])
    z, curve = _modes(k, n, mean, deviation)
    nodes, weights = hermegauss(NODES)
    at = z[:, None] + nodes / np.sqrt(curve)[:, None]
    eta = mean + deviation * at
    log_part = k[:, None] * eta - n[:, None] * _softplus(eta) - at**2 / 2
    log_part += nodes**2 / 2 + np.log(weights)
    top = log_part.max(axis=1, keepdims=True)
    part = np.exp(log_part - top)
    total = part.sum(axis=1)
    height = float((top[:, 0] + np.log(total) - np.log(curve) / 2).sum())
    height += constant - len(k) * float(np.log(2 * np.pi)) / 2
    rest = (k[:, None] - n[:, None] * expit(eta)) * part / total[:, None]
    return height, np.array([float(rest.sum()), float((rest * at).sum())])


def _softplus(eta: Array) -> Array:
    return np.asarray(np.maximum(eta, 0) + np.log1p(np.exp(-np.abs(eta))))


def _modes(k: Array, n: Array, mean: float, deviation: float) -> tuple[Array, Array]:
    """The most likely intercept of each unit, in standard deviations, and the curvature there."""
    z = np.zeros(len(k))
    curve = np.ones(len(k))
    for _ in range(STEPS):
        p = expit(mean + deviation * z)
        slope = deviation * (k - n * p) - z
        curve = 1 + deviation**2 * n * p * (1 - p)
        step = np.clip(slope / curve, -1, 1)
        z = z + step
        if np.abs(step).max() < 1e-12:
            break
    return z, curve


def _profile(k: Array, n: Array, mean: float, deviation: float) -> float:
    """The log-likelihood at a standard deviation, largest over the mean."""
    at = mean
    for _ in range(STEPS):
        slope = _likelihood(k, n, at, deviation)[1][0]
        step = slope / _curvature(k, n, at, deviation)
        at += float(np.clip(step, -1, 1))
        if abs(step) < 1e-9:
            break
    return _likelihood(k, n, at, deviation)[0]


def _curvature(k: Array, n: Array, mean: float, deviation: float) -> float:
    """Minus the second derivative by the mean, by differences of the first."""
    h = 1e-5
    above, below = (_likelihood(k, n, mean + s, deviation)[1][0] for s in (h, -h))
    return max(float((below - above) / (2 * h)), 1e-8)


def _limits(
    k: Array, n: Array, mean: float, deviation: float, height: float, conf_level: float
) -> tuple[float, float | None]:
    """Where the profile has fallen by half the quantile of a chi-square on 1 df."""
    drop = float(chdtri(1, 1 - conf_level)) / 2

    def gap(at: float) -> float:
        return _profile(k, n, mean, at) - height + drop

    low = 0.0 if deviation == 0 or gap(0.0) >= 0 else float(brentq(gap, 0.0, deviation))
    far = max(2 * deviation, 0.5)
    while gap(far) > 0:
        far *= 2
        if far > 20:
            return low, None
    return low, float(brentq(gap, deviation, far))


def _error(k: Array, n: Array, mean: float, deviation: float) -> float | None:
    """Standard error of the mean from the observed information of both parameters.

    None where that is not positive definite: no maximum has been found.
    """
    if deviation == 0:
        return float(1 / np.sqrt(_curvature(k, n, mean, 0.0)))
    h, at = 1e-5, np.array([mean, deviation])
    columns = []
    for step in np.eye(2) * h:
        above, below = (_likelihood(k, n, *(at + s))[1] for s in (step, -step))
        columns.append((below - above) / (2 * h))
    information = np.array(columns)
    information = (information + information.T) / 2
    if not np.isfinite(information).all() or np.linalg.eigvalsh(information)[0] <= 0:
        return None
    return float(np.sqrt(np.linalg.inv(information)[0, 0]))


def median_odds_ratio(deviation: float) -> float:
    """The median of the odds ratio between two units drawn at random (Larsen and Merlo, 2005)."""
    return float(np.exp(np.sqrt(2) * deviation * ndtri(0.75)))
