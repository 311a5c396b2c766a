"""Log-likelihoods of a category given covariates: multinomial logit and cumulative logit.

Parameters of the multinomial model: for each category after the first an intercept and p slopes,
one category after another. Of the cumulative model: K - 1 thresholds, then p slopes, with
logit P(Y <= k) = threshold_k - x'slope, so that a positive slope goes with a higher category.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import expit

Array = npt.NDArray[np.float64]
Codes = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class CategoryPoint:
    """Value, first derivative and minus the second at some parameters."""

    log_likelihood: float
    score: Array
    information: Array


def multinomial(beta: Array, x: Array, codes: Codes, k: int) -> CategoryPoint:
    """The multinomial logit: `x` (n x q) holds a column of ones first, `codes` count from 0."""
    n, q = x.shape
    slopes = beta.reshape(k - 1, q)
    eta = np.column_stack([np.zeros(n), x @ slopes.T])
    top = eta.max(axis=1, keepdims=True)
    weight = np.exp(eta - top)
    total = weight.sum(axis=1)
    share = weight[:, 1:] / total[:, None]
    height = float((eta[np.arange(n), codes] - top[:, 0] - np.log(total)).sum())
    happened = codes[:, None] == np.arange(1, k)
    score = ((happened - share).T @ x).ravel()
    information = np.empty((len(beta), len(beta)))
    for a in range(k - 1):
        for b in range(a, k - 1):
            spread = share[:, a] * ((a == b) - share[:, b])
            block = x.T @ (x * spread[:, None])
            information[a * q : (a + 1) * q, b * q : (b + 1) * q] = block
            information[b * q : (b + 1) * q, a * q : (a + 1) * q] = block.T
    return CategoryPoint(height, score, information)


def cumulative(beta: Array, x: Array, codes: Codes, k: int) -> CategoryPoint:
    """The cumulative logit with one slope a column of `x` (n x p); minus infinity out of order."""
    thresholds, slopes = beta[: k - 1], beta[k - 1 :]
    m = len(beta)
    if (np.diff(thresholds) <= 0).any():
        return CategoryPoint(-np.inf, np.zeros(m), np.full((m, m), np.nan))
    eta = x @ slopes
    ends = np.concatenate([[-np.inf], thresholds, [np.inf]])
    upper, lower = ends[codes + 1] - eta, ends[codes] - eta
    above, below = expit(upper), expit(lower)
    # The difference of two distribution functions without losing its digits.
    gap = ends[codes] - ends[codes + 1]
    share = above * expit(-lower) * -np.expm1(gap)
    height = float(np.log(share).sum()) if (share > 0).all() else -np.inf
    if not np.isfinite(height):
        return CategoryPoint(-np.inf, np.zeros(m), np.full((m, m), np.nan))
    dense_up, dense_low = above * expit(-upper), below * expit(-lower)
    up, low = dense_up / share, -dense_low / share
    up_up = dense_up * (1 - 2 * above) / share - up**2
    low_low = -dense_low * (1 - 2 * below) / share - low**2
    up_low = -up * low
    curve = (up_up, low_low, up_low)
    return CategoryPoint(
        height, _cumulative_score(x, codes, k, up, low), _cumulative_information(x, codes, k, curve)
    )


def _cumulative_score(x: Array, codes: Codes, k: int, up: Array, low: Array) -> Array:
    """First derivative: a category's upper end is its threshold, its lower end the one before."""
    of_upper = np.bincount(codes, up, minlength=k)[: k - 1]
    of_lower = np.bincount(codes, low, minlength=k)[1:]
    return np.concatenate([of_upper + of_lower, -(x.T @ (up + low))])


def _cumulative_information(
    x: Array, codes: Codes, k: int, curve: tuple[Array, Array, Array]
) -> Array:
    """Minus the second derivative, from the second derivatives by the two ends of a category."""
    up_up, low_low, up_low = curve
    m = k - 1 + x.shape[1]
    information = np.zeros((m, m))
    both = np.bincount(codes, up_low, minlength=k)
    diagonal = np.bincount(codes, up_up, minlength=k)[: k - 1]
    diagonal = diagonal + np.bincount(codes, low_low, minlength=k)[1:]
    for j in range(k - 1):
        information[j, j] = -diagonal[j]
        if j:  # category j lies between thresholds j - 1 and j, counted from 0
            information[j - 1, j] = information[j, j - 1] = -both[j]
        at_upper = np.where(codes == j, up_up + up_low, 0.0)
        at_lower = np.where(codes == j + 1, low_low + up_low, 0.0)
        cross = x.T @ (at_upper + at_lower)
        information[j, k - 1 :] = information[k - 1 :, j] = cross
    whole = up_up + low_low + 2 * up_low
    information[k - 1 :, k - 1 :] = -(x.T @ (x * whole[:, None]))
    return information
