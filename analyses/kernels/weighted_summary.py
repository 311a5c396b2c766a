"""Mean, standard deviation and quantiles of values with weights."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

ROUNDING = 1e-9  # of a cumulated weight, in patients


def weighted_mean(values: Array, weights: Array) -> float:
    """The mean; NaN without values."""
    total = weights.sum()
    return float(values @ weights / total) if total > 0 else np.nan


def weighted_sd(values: Array, weights: Array, *, counts: bool) -> float:
    """The standard deviation; NaN where it is not defined.

    With weights that are counts the divisor is their sum less one, else that of Austin and
    Stuart (2015), (sum w)^2 - sum w^2 over sum w. Both are n - 1 for weights of one.
    """
    total = weights.sum()
    divisor = total - (1.0 if counts else (weights**2).sum() / total) if total > 0 else 0.0
    if divisor <= ROUNDING * total:
        return np.nan
    centred = values - weighted_mean(values, weights)
    return float(np.sqrt(weights @ centred**2 / divisor))


def weighted_quantiles(values: Array, weights: Array, shares: Array, *, counts: bool) -> Array:
    """Quantiles of type 7; those of repeated values where weights are counts.

    Other weights are scaled to sum to the number of values first (``Hmisc::wtd.quantile`` with
    ``normwt = TRUE``). NaN without values.
    """
    used = weights > 0
    if not used.any():
        return np.full(len(shares), np.nan)
    x, w = values[used], weights[used]
    order = np.argsort(x, kind="stable")
    x, w = x[order], w[order]
    if not counts:
        w = w * (len(w) / w.sum())
    reached = np.cumsum(w)
    total = reached[-1]
    place = 1 + (total - 1) * shares
    low = np.maximum(np.floor(place + ROUNDING), 1)
    high = np.minimum(low + 1, total)
    part = np.clip(place - low, 0, 1)
    at_low, at_high = (
        x[np.minimum(np.searchsorted(reached + ROUNDING, edge), len(x) - 1)] for edge in (low, high)
    )
    result: Array = (1 - part) * at_low + part * at_high
    return result
