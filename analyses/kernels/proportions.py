"""Shares and odds of counts: Wilson limits, Woolf and Mantel-Haenszel odds ratios, trends."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import betainc, chdtrc, ndtri

Array = npt.NDArray[np.float64]


class Share(NamedTuple):
    """A share of patients with its limits."""

    estimate: float
    low: float
    high: float


def wilson(k: int, n: int, conf_level: float) -> Share:
    """Share k of n with Wilson's limits (1927), which stay within 0 and 1; n is above 0."""
    z = float(ndtri((1 + conf_level) / 2))
    share = k / n
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    reach = z * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
    # At 0 and at n of n one limit is the share itself, which rounding may miss.
    low = 0.0 if k == 0 else float(centre - reach)
    return Share(share, low, 1.0 if k == n else float(centre + reach))


class LogOdds(NamedTuple):
    """A log odds ratio with its standard error."""

    estimate: float
    std_error: float


def log_odds_ratio(table: Array) -> LogOdds | None:
    """Of a 2 x 2 table ((a, b), (c, d)): log(ad/bc) with Woolf's error; None with an empty cell."""
    if (table <= 0).any():
        return None
    a, b, c, d = table.ravel()
    return LogOdds(float(np.log(a * d / (b * c))), float(np.sqrt((1 / table).sum())))


def mantel_haenszel(tables: Array) -> LogOdds | None:
    """The common odds ratio of k tables (k x 2 x 2), with the error of Robins, Breslow, Greenland.

    None where one of the two sums that it divides is 0. Robins et al. (1986), Biometrics 42,
    311-323.
    """
    tables = tables[tables.sum(axis=(1, 2)) > 0]
    a, b, c, d = (tables[:, i, j] for i in (0, 1) for j in (0, 1))
    n = tables.sum(axis=(1, 2))
    up, down = a * d / n, b * c / n
    if not up.sum() > 0 or not down.sum() > 0:
        return None
    p, q = (a + d) / n, (b + c) / n
    variance = (
        (p * up).sum() / (2 * up.sum() ** 2)
        + (p * down + q * up).sum() / (2 * up.sum() * down.sum())
        + (q * down).sum() / (2 * down.sum() ** 2)
    )
    return LogOdds(float(np.log(up.sum() / down.sum())), float(np.sqrt(variance)))


class ChiSquare(NamedTuple):
    """A statistic with its degrees of freedom and p."""

    statistic: float
    df: int
    p_value: float


def cochran_mantel_haenszel(tables: Array) -> ChiSquare | None:
    """That no stratum has an association, without a continuity correction; None without spread."""
    n = tables.sum(axis=(1, 2))
    tables, n = tables[n > 1], n[n > 1]
    rows, columns = tables.sum(axis=2), tables.sum(axis=1)
    expected = rows[:, 0] * columns[:, 0] / n
    variance = rows.prod(axis=1) * columns.prod(axis=1) / (n**2 * (n - 1))
    if not variance.sum() > 0:
        return None
    statistic = float((tables[:, 0, 0] - expected).sum() ** 2 / variance.sum())
    return ChiSquare(statistic, 1, float(chdtrc(1, statistic)))


def cochran_armitage(events: Array, n: Array, scores: Array) -> ChiSquare | None:
    """That a share does not rise or fall with the scores; None without spread.

    Cochran (1954), Armitage (1955), without a continuity correction, as R's `prop.trend.test`.
    """
    total = n.sum()
    share = events.sum() / total
    centred = scores - (n * scores).sum() / total
    spread = share * (1 - share) * (n * centred**2).sum()
    if not spread > 0:
        return None
    statistic = float((events * centred).sum() ** 2 / spread)
    return ChiSquare(statistic, 1, float(chdtrc(1, statistic)))


def binomial_limits(share: float, n: Array, coverage: float) -> tuple[Array, Array]:
    """Control limits of a share for units of n patients: exact binomial, interpolated.

    Between the two counts around each tail the limit is interpolated, so that it has the coverage
    on average (Spiegelhalter, 2005, Statistics in Medicine 24, 1185-1202, appendix).
    """
    found = []
    for tail in ((1 - coverage) / 2, (1 + coverage) / 2):
        count = _quantile(tail, n, share)
        at = _up_to(count, n, share)
        before = np.where(count > 0, _up_to(np.maximum(count - 1, 0), n, share), 0.0)
        found.append(np.clip((count - (at - tail) / (at - before)) / n, 0, 1))
    return found[0], found[1]


def _up_to(count: Array, n: Array, share: float) -> Array:
    """The chance of at most so many of n."""
    inside = count < n
    left = np.where(inside, n - count, 1.0)
    return np.where(inside, betainc(left, count + 1, 1 - share), 1.0)


def _quantile(tail: float, n: Array, share: float) -> Array:
    """The smallest count whose distribution function reaches the tail."""
    low, high = np.full(len(n), -1.0), n.astype(float)
    while (high - low > 1).any():
        middle = np.floor((low + high) / 2)
        reached = _up_to(np.maximum(middle, 0), n, share) >= tail
        inside = high - low > 1
        high = np.where(inside & reached, middle, high)
        low = np.where(inside & ~reached, middle, low)
    return high
