"""Estimates of several studies as one: weights, between-study variance, pooled values."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq
from scipy.special import chdtrc, chdtri

Array = npt.NDArray[np.float64]
_DOUBLINGS = 200


class Mean(NamedTuple):
    """A weighted mean with the variances of known and of estimated spread."""

    estimate: float
    weights: Array  # not yet shares
    variance: float  # 1 / sum of the weights
    spread: float  # sum w (y - mean)^2 / (k - 1); 1 by definition at Paule and Mandel's tau^2


class Spread(NamedTuple):
    """What studies vary by beyond chance: Cochran's Q and tau^2 with its limits."""

    q: float
    p_value: float
    tau2: float
    low: float | None
    high: float | None
    typical: float  # the variance within a study that I^2 compares tau^2 with


def mean(estimates: Array, variances: Array, tau2: float) -> Mean:
    """The inverse-variance mean at a between-study variance."""
    weights = 1 / (variances + tau2)
    centre = float(weights @ estimates / weights.sum())
    k = len(estimates)
    spread = float(weights @ (estimates - centre) ** 2) / (k - 1) if k > 1 else 0.0
    return Mean(centre, weights, float(1 / weights.sum()), spread)


def spread(estimates: Array, variances: Array, conf_level: float) -> Spread:
    """Heterogeneity of two studies or more.

    tau^2 by Paule and Mandel: the root of Q(tau^2) = k - 1, and 0 where Q(0) is smaller. Limits
    by the Q-profile: the roots at the quantiles of chi-square with k - 1 df, cut off at 0; None
    where both lie below 0.
    """
    df = len(estimates) - 1

    def generalised(tau2: float) -> float:
        return mean(estimates, variances, tau2).spread * df

    q = generalised(0.0)
    tail = (1 - conf_level) / 2
    unit = float(variances.min())
    upper = _root(generalised, float(chdtri(df, 1 - tail)), q, unit)
    lower = _root(generalised, float(chdtri(df, tail)), q, unit)
    weights = 1 / variances
    typical = df * weights.sum() / (weights.sum() ** 2 - (weights**2).sum())
    return Spread(
        q=q,
        p_value=float(chdtrc(df, q)),
        tau2=_root(generalised, float(df), q, unit) or 0.0,
        low=None if upper is None else lower or 0.0,
        high=upper,
        typical=float(typical),
    )


def _root(
    falling: Callable[[float], float], target: float, at_zero: float, unit: float
) -> float | None:
    """Where a falling function comes down to the target; None where it starts below it."""
    if at_zero < target:
        return None
    high = unit
    for _ in range(_DOUBLINGS):
        if falling(high) < target:
            break
        high *= 2
    return float(brentq(lambda t: falling(t) - target, 0.0, high, xtol=1e-300, rtol=1e-14))
