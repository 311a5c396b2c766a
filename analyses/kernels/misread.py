"""Logistic model of a two-level fact that was read with error, and who then really has it.

Of two levels the upper is read with probability s where it is true and f where it is not. Then
P(read) = f + (s - f) p with p the logistic of z'theta: Magder and Hughes (1997), Am. J. Epidemiol.
146, 195-203. Coefficients have independent normal priors, which a row more or less outweighs, so
that a level of a covariate at which all were read alike still has a finite one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from analyses.kernels.newton import maximise, solved

Array = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
PRIOR_SD = 10.0  # of coefficients of columns with spread 1; the first column, of ones, has none
CLOSE = 1e-6  # of a standard error: coefficients are drawn from their distribution next
TINY = 1e-300


@dataclass(frozen=True, slots=True, eq=False)
class Errors:
    """Of each row, how likely the upper level is read: where it is true, and where it is not."""

    where_true: Array
    where_not: Array

    @property
    def gain(self) -> Array:
        """What a true upper level adds to the probability of reading it."""
        return self.where_true - self.where_not


@dataclass(frozen=True, slots=True, eq=False)
class Readings:
    """Rows of covariates (the first column ones, the others of spread 1) and what was read."""

    z: Array
    upper: Flags

    @property
    def penalty(self) -> Array:
        """Precision of the prior of each coefficient."""
        result = np.full(self.z.shape[1], PRIOR_SD**-2)
        result[0] = 0.0
        return result


@dataclass(frozen=True, slots=True, eq=False)
class _Point:
    log_likelihood: float
    score: Array
    information: Array


@dataclass(frozen=True, slots=True, eq=False)
class Prevalence:
    """Coefficients of the true upper level, and the inverse of their information."""

    theta: Array
    covariance: Array


def prevalence(readings: Readings, errors: Errors, start: Array | None = None) -> Prevalence | None:
    """The coefficients of largest penalised likelihood; None where the search finds none."""
    zero = np.zeros(readings.z.shape[1])
    scale = np.maximum(np.abs(readings.z).max(axis=0), 1.0)
    active = np.ones(len(zero), dtype=bool)
    evaluate = partial(_at, readings, errors)
    end = maximise(evaluate, zero if start is None else start, scale, active, close=CLOSE)
    if end.status != "converged":
        return None
    covariance = solved(_expected(readings, errors, end.beta), np.eye(len(zero)))
    return None if covariance is None else Prevalence(end.beta, (covariance + covariance.T) / 2)


def really_upper(readings: Readings, errors: Errors, theta: Array) -> Array:
    """Probability that each row's true level is the upper one, given what was read of it."""
    share = expit(readings.z @ theta)
    own = np.where(readings.upper, errors.where_true, 1.0 - errors.where_true) * share
    other = np.where(readings.upper, errors.where_not, 1.0 - errors.where_not) * (1.0 - share)
    total = own + other
    return np.asarray(np.divide(own, total, out=share.copy(), where=total > 0))


def _at(readings: Readings, errors: Errors, theta: Array) -> _Point:
    """Value, score and information at some coefficients.

    The observed information, whose steps end soon where the expected one's creep; the likelihood is
    not concave everywhere, and where it is not the expected one stands in.
    """
    share = expit(readings.z @ theta)
    read = errors.where_not + errors.gain * share
    likelihood = np.maximum(np.where(readings.upper, read, 1.0 - read), TINY)
    slope = np.where(readings.upper, 1.0, -1.0) * errors.gain * share * (1.0 - share) / likelihood
    penalty = readings.penalty
    weight = slope * (slope - (1.0 - 2.0 * share))
    information = _product(readings, weight)
    if np.linalg.eigvalsh(information)[0] <= 0:
        information = _expected(readings, errors, theta)
    return _Point(
        float(np.log(likelihood).sum() - 0.5 * (penalty * theta * theta).sum()),
        readings.z.T @ slope - penalty * theta,
        information,
    )


def _expected(readings: Readings, errors: Errors, theta: Array) -> Array:
    """Expected information, that of the prior in it."""
    share = expit(readings.z @ theta)
    read = errors.where_not + errors.gain * share
    slope = errors.gain * share * (1.0 - share)
    return _product(readings, slope * slope / np.maximum(read * (1.0 - read), TINY))


def _product(readings: Readings, weight: Array) -> Array:
    """Weighted products of the columns, with the precision of the prior."""
    return np.asarray((readings.z * weight[:, None]).T @ readings.z + np.diag(readings.penalty))
