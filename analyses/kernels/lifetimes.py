"""Parametric families of a time: log density and log survival of y = log time - location.

For ``weibull``, ``lognormal``, ``loglogistic`` and ``generalised_gamma`` (Prentice, 1974) z = y /
scale has a fixed distribution; ``spline`` is a log cumulative hazard that is a restricted cubic
spline of y (Crowther, Royston and Clements). `shapes` are the log of the scale, with the gamma's
shape q after it, or the coefficients of the spline, whose knots are on the scale of y.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import expit, gammainc, gammaincc, gammaln, log_ndtr

Array = npt.NDArray[np.float64]

ROOT_2PI = 0.5 * float(np.log(2 * np.pi))
MANY = 1e3  # 1 / q squared from which Stirling's series has all the digits
LARGEST_LOG = 650.0  # exp beyond this, times a few thousand, is no number


class Logs(NamedTuple):
    """A logarithm at each z with its first and second derivative."""

    value: Array
    first: Array
    second: Array


def log_survival(family: str, y: Array, shapes: Array, knots: Sequence[float] = ()) -> Array:
    """Log of the share free of the event at y."""
    if family == "spline":
        return -_exp(spline(y, shapes, knots)[0])
    q = float(shapes[1]) if family == "generalised_gamma" else 0.0
    return survival(family, y / np.exp(shapes[0]), q).value


def density(family: str, z: Array, q: float = 0.0) -> Logs:
    """Log density of z."""
    match family:
        case "weibull":
            w = _exp(z)
            return Logs(z - w, 1 - w, -w)
        case "lognormal":
            return Logs(-z * z / 2 - ROOT_2PI, -z, np.full_like(z, -1.0))
        case "loglogistic":
            share = expit(z)
            return Logs(z - 2 * np.logaddexp(0.0, z), 1 - 2 * share, -2 * share * (1 - share))
        case "generalised_gamma":
            return _gamma_density(z, q)
        case _:
            raise ValueError(f"no family {family!r}")


def survival(family: str, z: Array, q: float = 0.0) -> Logs:
    """Log of the share above z."""
    match family:
        case "weibull":
            w = _exp(z)
            return Logs(-w, -w, -w)
        case "loglogistic":
            share = expit(z)
            return Logs(-np.logaddexp(0.0, z), -share, -share * (1 - share))
        case "lognormal":
            above = np.asarray(log_ndtr(-z), dtype=np.float64)
        case _:
            above = _gamma_survival(z, q)
    here = density(family, z, q)
    hazard = _exp(here.value - above)
    return Logs(above, -hazard, -hazard * (here.first + hazard))


def spline(y: Array, weights: Array, knots: Sequence[float]) -> tuple[Array, Array, Array, Array]:
    """The spline at y with three derivatives; a straight line beyond the outer knots."""
    return tuple(basis @ weights for basis in spline_bases(y, knots))  # type: ignore[return-value]


def spline_bases(y: Array, knots: Sequence[float]) -> tuple[Array, Array, Array, Array]:
    """Columns of the spline (n x number of knots) with three derivatives."""
    bases = tuple(np.zeros((len(y), len(knots))) for _ in range(4))
    bases[0][:, 0] = 1.0
    bases[0][:, 1], bases[1][:, 1] = y, 1.0
    first, last = knots[0], knots[-1]
    for place, knot in enumerate(knots[1:-1], start=2):
        share = (last - knot) / (last - first)
        parts = ((knot, 1.0), (first, -share), (last, share - 1.0))
        for order, factor in enumerate((1.0, 3.0, 6.0, 6.0)):
            for at, weight in parts:
                above = np.maximum(y - at, 0.0)
                power = above ** (3 - order) if order < 3 else (y > at).astype(np.float64)
                bases[order][:, place] += factor * weight * power
    return bases  # type: ignore[return-value]


def _exp(values: Array) -> Array:
    return np.asarray(np.exp(np.minimum(values, LARGEST_LOG)))


def _gamma_density(z: Array, q: float) -> Logs:
    """|q| k^k / Gamma(k) exp(k (q z - exp(q z))) with k = 1 / q^2; the normal density at q = 0."""
    if q == 0:
        return density("lognormal", z)
    k = q**-2
    grown = np.expm1(np.minimum(q * z, LARGEST_LOG))
    constant = -ROOT_2PI - 1 / (12 * k) + 1 / (360 * k**3)
    if k < MANY:
        constant = float(np.log(abs(q)) + k * np.log(k) - k - gammaln(k))
    return Logs(constant - k * (grown - q * z), -grown / q, -(grown + 1))


def _gamma_survival(z: Array, q: float) -> Array:
    if q == 0:
        return np.asarray(log_ndtr(-z), dtype=np.float64)
    k = q**-2
    part = k * _exp(q * z)
    share = gammaincc(k, part) if q > 0 else gammainc(k, part)
    with np.errstate(divide="ignore"):
        logs = np.asarray(np.log(share), dtype=np.float64)
    return np.maximum(logs, -1e4)
