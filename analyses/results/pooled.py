"""An estimate, or a test, put together from imputations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Pooled:
    """One number over imputations by Rubin's rules.

    Attributes
    ----------
    estimate, std_error
        Mean over the imputations; root of `within` + (1 + 1/m) `between`.
    df
        Degrees of freedom of Barnard and Rubin; infinite where the complete data's are and the
        imputations agree.
    statistic, p_value, conf_low, conf_high
        By Student's t on `df`; None with the `reason` where the standard error is 0, or `df` is
        below 1: limits on a part of a degree of freedom say nothing, or are not finite.
    within, between
        Mean of the squared standard errors; variance of the estimates over imputations.
    riv, fmi
        Relative increase of the variance by what is missing; fraction of the information that is
        missing (with the correction for a finite m).
    """

    estimate: float
    std_error: float
    df: float
    statistic: float | None
    p_value: float | None
    conf_low: float | None
    conf_high: float | None
    within: float
    between: float
    riv: float
    fmi: float
    m: int
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class PooledTest:
    """A test of several numbers together, over imputations: an F statistic.

    Attributes
    ----------
    name
        ``D1``: from pooled estimates and covariances (Li, Raghunathan and Rubin, 1991) with
        Reiter's degrees of freedom (2007). ``D2``: from the Wald statistic of each imputation.
    df, df_residual
        Of the numerator and of the denominator.
    riv
        Average relative increase of the variance.
    """

    name: Literal["D1", "D2"]
    statistic: float | None
    df: int
    df_residual: float | None
    p_value: float | None
    riv: float | None
    reason: str | None = None
