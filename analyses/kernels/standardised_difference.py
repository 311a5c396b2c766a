"""Absolute standardised differences between two groups, of a number and of a category."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Difference = tuple[float | None, str | None]

NO_VARIATION = "no variation in either group"
NO_SHARED_LEVEL = "the groups share no level"
RELATIVE = 1e-20
SINGULAR = "the covariance of the shares is singular"


def of_means(means: tuple[float, float], variances: tuple[float, float]) -> Difference:
    """|m1 - m2| / sqrt((s1^2 + s2^2) / 2), or None with the reason."""
    pooled = (variances[0] + variances[1]) / 2
    # The variance of equal values is rounding error of their size, not zero.
    if not pooled > RELATIVE * max(means[0] ** 2, means[1] ** 2):
        return None, NO_VARIATION
    return float(abs(means[0] - means[1]) / np.sqrt(pooled)), None


def of_shares(shares: tuple[Array, Array], spread: tuple[Array, Array]) -> Difference:
    """Yang and Dalton's distance (2012) between two sets of shares, or None with the reason.

    `shares` are compared and `spread` are the shares that the covariances are made of (unequal
    under weights). One level is dropped and no generalised inverse is taken; which level does not
    matter. Levels that neither group has take no part.
    """
    a, b = spread
    levels = (a > 0) | (b > 0)
    if levels.sum() < 2:
        return None, NO_VARIATION
    if not ((a > 0) & (b > 0)).any():
        return None, NO_SHARED_LEVEL
    kept = np.flatnonzero(levels)[1:]
    covariance = (_covariance(a[kept]) + _covariance(b[kept])) / 2
    if np.linalg.matrix_rank(covariance, hermitian=True) < len(kept):
        return None, SINGULAR
    difference = shares[0][kept] - shares[1][kept]
    square = float(difference @ np.linalg.solve(covariance, difference))
    return max(square, 0.0) ** 0.5, None


def _covariance(shares: Array) -> Array:
    """Covariance of one draw's indicators."""
    return np.asarray(np.diag(shares) - np.outer(shares, shares))
