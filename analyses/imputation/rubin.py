"""Rubin's rules: one estimate from those of several imputations, and tests of several together.

Rubin (1987), Multiple Imputation for Nonresponse in Surveys; Barnard and Rubin (1999), Biometrika
86, 948-955; D1 of Li, Raghunathan and Rubin (1991), J. Am. Stat. Assoc. 86, 1065-1073, with the
degrees of freedom of Reiter (2007), Biometrika 94, 502-508; D2 of Li, Meng, Raghunathan and Rubin
(1991), Stat. Sinica 1, 65-92. There is no D3: it is not defined for a partial likelihood.
Checked against `mice::pool.scalar`, `mice::D1` and `mice::D2`, and by hand, in
tests/analyses/test_imputation_pooling.py.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import fdtrc, stdtr, stdtrit

from analyses.results.frozen import Array
from analyses.results.pooled import Pooled, PooledTest

INFINITE = 1e9  # degrees of freedom from which Student's t is the normal distribution
REITER = 4  # k (m - 1) above which D1 has degrees of freedom
FEWEST_DF = 1.0  # below which Student's t has no use: limits soon pass what a machine holds


def pool(
    estimates: Array,
    std_errors: Array,
    *,
    df_complete: float = math.inf,
    conf_level: float = 0.95,
) -> Pooled:
    """One number from m imputations' estimates and standard errors.

    `df_complete` are the degrees of freedom that complete data would have: for a model of survival
    its events less its parameters. At least two imputations, all numbers finite.
    """
    values, errors = np.asarray(estimates, dtype=float), np.asarray(std_errors, dtype=float)
    if values.shape != errors.shape or values.ndim != 1 or len(values) < 2:
        raise ValueError("as many standard errors as estimates, of at least two imputations")
    if not (np.isfinite(values).all() and np.isfinite(errors).all()):
        raise ValueError("every imputation needs an estimate and a standard error")
    m = len(values)
    estimate, within = float(values.mean()), float((errors**2).mean())
    between = float(values.var(ddof=1))
    total = within + (1 + 1 / m) * between
    riv = (1 + 1 / m) * between / within if within > 0 else math.inf
    df = barnard_rubin(m, between, total, df_complete)
    fmi = (riv + 2 / (df + 3)) / (riv + 1) if math.isfinite(riv) else 1.0
    error = math.sqrt(total)
    statistic = p_value = low = high = None
    reason = None if error > 0 else "its standard error is 0"
    if error > 0 and df < FEWEST_DF:
        reason = f"{df:.2g} degrees of freedom are too few for limits"
    elif error > 0:
        statistic = estimate / error
        p_value = float(2 * stdtr(min(df, INFINITE), -abs(statistic)))
        reach = float(stdtrit(min(df, INFINITE), (1 + conf_level) / 2)) * error
        low, high = estimate - reach, estimate + reach
    return Pooled(
        estimate, error, df, statistic, p_value, low, high, within, between, riv, fmi, m, reason
    )  # fmt: skip


def barnard_rubin(m: int, between: float, total: float, df_complete: float) -> float:
    """Degrees of freedom of a pooled estimate; those of complete data where nothing is missing."""
    share = (1 + 1 / m) * between / total if total > 0 else 0.0
    observed = df_complete
    if math.isfinite(df_complete):
        observed = (df_complete + 1) / (df_complete + 3) * df_complete * (1 - share)
    if share <= 0:
        return observed
    imputed = (m - 1) / share**2
    if math.isinf(observed):
        return imputed
    return imputed * observed / (imputed + observed)


def d1(estimates: Array, covariances: Array, *, df_complete: float = math.inf) -> PooledTest:
    """Whether k numbers are all 0, from estimates (m x k) and covariances (m x k x k)."""
    m, k = estimates.shape
    mean, within = estimates.mean(axis=0), covariances.mean(axis=0)
    between = np.atleast_2d(np.cov(estimates, rowvar=False, ddof=1))
    try:
        solved = np.linalg.solve(within, np.column_stack([between, mean]))
    except np.linalg.LinAlgError:
        return PooledTest("D1", None, k, None, None, None, "the covariance is singular")
    riv = (1 + 1 / m) * float(np.trace(solved[:, :k])) / k
    statistic = float(mean @ solved[:, k]) / (k * (1 + riv))
    df = reiter(m, k, riv, df_complete)
    if df is None:
        reason = f"{m} imputations are too few to test {k} parameters together"
        if k * (m - 1) > REITER:
            reason = (
                f"{df_complete:g} degrees of freedom of complete data are too few to test "
                f"{k} parameters together"
            )
        return PooledTest("D1", statistic, k, None, None, riv, reason)
    return PooledTest("D1", statistic, k, df, float(fdtrc(k, min(df, INFINITE), statistic)), riv)


def reiter(m: int, k: int, riv: float, df_complete: float) -> float | None:
    """Denominator degrees of freedom of D1; None where they are not defined.

    That is where k (m - 1) is not above 4, or `df_complete` too small for what is missing.
    """
    t = k * (m - 1)
    if t <= REITER:
        return None
    if riv <= 0:
        return df_complete
    if math.isinf(df_complete):
        return 4 + (t - 4) * (1 + (1 - 2 / t) / riv) ** 2
    a = riv * t / (t - 2)
    v = (df_complete + 1) / (df_complete + 3) * df_complete
    c0, c1, c2 = 1 / (t - 4), v - 2 * (1 + a), v - 4 * (1 + a)
    if c2 <= 0 or c1 <= 0:
        return None
    z = (
        1 / c2
        + c0 * a**2 * c1 / ((1 + a) ** 2 * c2)
        + c0 * (8 * a**2 * c1 / ((1 + a) * c2**2) + 4 * a**2 / ((1 + a) * c2))
        + c0 * (4 * a**2 / (c2 * c1) + 16 * a**2 * c1 / c2**3)
        + c0 * 8 * a**2 / c2**2
    )
    return 4 + 1 / z


def d2(statistics: Array, k: int) -> PooledTest:
    """The same from the Wald chi-square statistics (k degrees of freedom) of the imputations."""
    m = len(statistics)
    riv = (1 + 1 / m) * float(np.sqrt(statistics).var(ddof=1))
    value = (float(statistics.mean()) / k - (m + 1) / (m - 1) * riv) / (1 + riv)
    df = math.inf if riv <= 0 else k ** (-3 / m) * (m - 1) * (1 + 1 / riv) ** 2
    value = max(value, 0.0)
    return PooledTest("D2", value, k, df, float(fdtrc(k, min(df, INFINITE), value)), riv)
