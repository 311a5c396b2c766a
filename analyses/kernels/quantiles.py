"""Quantiles of a step curve by the midpoint rule."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

TOLERANCE = float(np.sqrt(np.finfo(np.float64).eps))


def curve_quantiles(time: Array, risk: Array, q: Array) -> Array:
    """Times at which a step curve of the share with the event reaches q; NaN where it never does.

    `risk` is 1 minus survival (or minus one limit of it) at the ascending `time`; NaN entries
    take no part. Where the curve is flat at q the answer is the middle of the flat stretch, up
    to the last time where it is flat to the end. The rule of ``quantile.survfit``, also where a
    limit is not monotone: the smallest value of the curve at or above q decides.
    """
    x = np.concatenate([[0.0], time])
    y = np.concatenate([[0.0], risk])
    last_time, last_value = x[-1], y[-1]
    kept = ~np.isnan(y)
    x, y = x[kept], y[kept]
    y, first = np.unique(y, return_index=True)
    x = x[first]
    low = np.searchsorted(y + TOLERANCE, q, side="left")
    high = np.searchsorted(y - TOLERANCE, q, side="left")
    reached = low < len(y)
    padded = np.append(x, np.nan)
    result: Array = (padded[low] + padded[high]) / 2
    at_end = reached & (np.abs(q - last_value) < TOLERANCE)
    result[at_end] = (padded[low[at_end]] + last_time) / 2
    return result


def flat_to_end(time: Array, survival: Array, level: float = 0.5) -> float | None:
    """The time from which the curve stays at the level until its last time, or None."""
    at_level = np.abs(survival - level) < TOLERANCE
    if len(time) == 0 or not at_level[-1]:
        return None
    first = float(time[int(np.argmax(at_level))])
    return first if first < time[-1] else None
