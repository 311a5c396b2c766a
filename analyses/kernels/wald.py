"""An estimate against 0 by its standard error."""

from __future__ import annotations

from typing import NamedTuple

from scipy.special import ndtr, ndtri


class Wald(NamedTuple):
    """Statistic, two-sided p-value and limits of a normally distributed estimate."""

    statistic: float
    p_value: float
    low: float
    high: float


def wald(estimate: float, std_error: float, conf_level: float) -> Wald:
    """The normal test of an estimate against 0 and its limits; the standard error is above 0."""
    statistic = estimate / std_error
    reach = float(ndtri((1 + conf_level) / 2)) * std_error
    p_value = 2 * float(ndtr(-abs(statistic)))
    return Wald(statistic, p_value, estimate - reach, estimate + reach)
