"""A step curve as a second programmer reads it: its value at a time, its limits, its quantiles."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np

from analyses.results.frozen import Array

SAME = 1.5e-8  # values of a curve that are one value


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """Survival and its standard error from each event's time on; `last` ends the follow-up."""

    time: Array
    survival: Array
    error: Array
    last: float

    def at(self, time: float) -> tuple[float | None, float | None]:
        """Survival and its error at a time; None past the follow-up unless the curve is at 0."""
        place = int((self.time <= time).sum()) - 1
        ended = time > self.last and not (len(self.survival) and self.survival[-1] == 0)
        if ended:
            return None, None
        if place < 0:
            return 1.0, 0.0
        error = float(self.error[place])
        return float(self.survival[place]), error if np.isfinite(error) else None


def limits(survival: Array, error: Array, level: float, kind: str) -> tuple[Array, Array]:
    """Limits by the delta method on the scale that the interval is named after.

    Collett (2015), section 2.2. Where the share is 0 (but for ``plain``), and for ``log-log``,
    ``logit`` and ``arcsine`` where it is 1, they are not defined (NaN).
    """
    z = NormalDist().inv_cdf((1 + level) / 2)
    if kind == "plain":
        return np.clip(survival - z * error, 0, None), np.clip(survival + z * error, None, 1)
    s = np.where(survival > 0, survival, np.nan)
    if kind == "log":
        wide = z * error / s
        return np.exp(np.log(s) - wide), np.clip(np.exp(np.log(s) + wide), None, 1)
    s = np.where(s < 1, s, np.nan)
    if kind == "log-log":
        middle, wide = np.log(-np.log(s)), z * error / np.abs(s * np.log(s))
        return np.exp(-np.exp(middle + wide)), np.exp(-np.exp(middle - wide))
    if kind == "logit":
        middle, wide = np.log(s) - np.log1p(-s), z * error / (s * (1 - s))
        return 1 / (1 + np.exp(wide - middle)), 1 / (1 + np.exp(-wide - middle))
    middle, wide = np.arcsin(np.sqrt(s)), z * error / (2 * np.sqrt(s * (1 - s)))
    low, high = np.clip(middle - wide, 0, None), np.clip(middle + wide, None, np.pi / 2)
    return np.sin(low) ** 2, np.sin(high) ** 2


def quantile(curve: Step, values: Array, share: float) -> float | None:
    """The time by which a share has had the event, read off the curve or one of its limits.

    Where the values are flat at the level, the middle of the flat stretch; flat to the end, up
    to the end of follow-up (``quantile.survfit``).
    """
    level = 1 - share
    known = np.isfinite(values)
    times, values_known = curve.time[known], values[known]
    at_or_below = values_known <= level + SAME
    if not at_or_below.any():
        return None
    value = values_known[at_or_below].max()
    first = float(times[values_known == value][0])
    if abs(value - level) >= SAME:
        return first
    lower = values_known < level - SAME
    if lower.any():
        beyond = values_known[lower].max()
        return (first + float(times[values_known == beyond][0])) / 2
    return (first + curve.last) / 2 if _stays(values, level) else None


def _stays(values: Any, level: float) -> bool:
    return bool(np.isfinite(values[-1]) and abs(values[-1] - level) < SAME)
