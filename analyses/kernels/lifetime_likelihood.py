"""The likelihood of a parametric family as a function of one vector of parameters.

A row's part depends on its own location and on the shapes alone: it is differentiated by these
few numbers row by row, and the design matrix enters afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analyses.kernels.ascent import Surface
from analyses.kernels.lifetimes import Logs, density, spline_bases, survival

Array = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

NOTHING = np.zeros(())
STEP = 2e-3  # by which the gamma's shape is moved for its derivatives: error about its 4th power


@dataclass(frozen=True, slots=True, eq=False)
class Lives:
    """Rows as the likelihood takes them: times above 0 near 1, columns centred and scaled.

    `location` holds the columns of the location, its constant among them where it has one.
    """

    time: Array
    event: Flags
    entry: Array
    weight: Array
    location: Array


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """Each row's log-likelihood, and its derivatives by location and shapes."""

    value: Array
    first: Array
    second: Array


@dataclass(frozen=True, slots=True, eq=False)
class Likelihood:
    """The log-likelihood of one family at the rows: its height, and its surface."""

    family: str
    lives: Lives
    knots: tuple[float, ...] = ()

    def height(self, parameters: Array) -> float:
        """The log-likelihood alone; minus infinity where a spline's hazard is not positive."""
        return float(self._parts(parameters, derivatives=False)[0])

    def surface(self, parameters: Array) -> Surface:
        """The log-likelihood, its score and its information."""
        value, score, curvature = self._parts(parameters, derivatives=True)
        return Surface(float(value), score, -(curvature + curvature.T) / 2)

    def _parts(self, parameters: Array, *, derivatives: bool) -> tuple[float, Array, Array]:
        lives, p = self.lives, self.lives.location.shape[1]
        location, shapes = lives.location @ parameters[:p], parameters[p:]
        with np.errstate(all="ignore"):
            y = np.log(lives.time) - location
            value, score, curvature = self._summed(
                self._rows(y, lives.event, shapes, derivatives),
                slice(None),
                derivatives=derivatives,
            )
            value -= float((lives.weight * np.log(lives.time))[lives.event].sum())
            late = np.flatnonzero(lives.entry > 0)
            if len(late):
                # What those who entered late had already lived through is no evidence.
                y = np.log(lives.entry[late]) - location[late]
                before = self._rows(y, np.zeros(len(late), dtype=bool), shapes, derivatives)
                parts = self._summed(before, late, derivatives=derivatives)
                value, score, curvature = (
                    value - parts[0],
                    score - parts[1],
                    curvature - parts[2],
                )
        return value, score, curvature

    def _rows(self, y: Array, event: Flags, shapes: Array, derivatives: bool) -> Parts:
        if self.family == "spline":
            return _spline_rows(y, event, shapes, self.knots)
        if self.family == "generalised_gamma":
            return _gamma_rows(y, event, shapes, derivatives=derivatives)
        z = y / np.exp(shapes[0])
        return _scaled(_logs(self.family, z, event), z, event, float(shapes[0]))

    def _summed(
        self, rows: Parts, of: slice | npt.NDArray[np.intp], *, derivatives: bool
    ) -> tuple[float, Array, Array]:
        weight, x = self.lives.weight[of], self.lives.location[of]
        value = float((weight * rows.value).sum())
        if not derivatives:
            return value, NOTHING, NOTHING
        first = rows.first * weight[:, None]
        second = rows.second * weight[:, None, None]
        corner = x.T @ (second[:, 0, 0, None] * x)
        side = x.T @ second[:, 0, 1:]
        curvature = np.block([[corner, side], [side.T, second[:, 1:, 1:].sum(axis=0)]])
        score = np.concatenate([x.T @ first[:, 0], first[:, 1:].sum(axis=0)])
        return value, score, curvature


def _logs(family: str, z: Array, event: Flags, q: float = 0.0) -> Logs:
    """Log density of the events, log survival of the others."""
    parts = tuple(np.empty(len(z)) for _ in range(3))
    for rows, given in ((event, density), (~event, survival)):
        for part, values in zip(parts, given(family, z[rows], q), strict=True):
            part[rows] = values
    return Logs(*parts)


def _scaled(logs: Logs, z: Array, event: Flags, log_scale: float) -> Parts:
    """Derivatives by location and log scale of what is known by z = (log time - location)/scale."""
    value, first, second = logs
    scale = float(np.exp(log_scale))
    by = np.empty((len(z), 2))
    by[:, 0], by[:, 1] = -first / scale, -z * first - event
    twice = np.empty((len(z), 2, 2))
    twice[:, 0, 0] = second / scale**2
    twice[:, 0, 1] = twice[:, 1, 0] = (first + z * second) / scale
    twice[:, 1, 1] = z * first + z * z * second
    return Parts(value - log_scale * event, by, twice)


def _gamma_rows(y: Array, event: Flags, shapes: Array, *, derivatives: bool) -> Parts:
    """As `_scaled`, with the shape q, whose derivatives are fourth-order differences.

    The density and the survival are smooth through q = 0, the log-normal model.
    """
    log_scale, q = float(shapes[0]), float(shapes[1])
    z = y / np.exp(log_scale)
    logs = _logs("generalised_gamma", z, event, q)
    parts = _scaled(logs, z, event, log_scale)
    if not derivatives:
        return parts
    step = STEP * max(1.0, abs(q))
    around = [_logs("generalised_gamma", z, event, q + k * step) for k in (-2, -1, 1, 2)]
    a, b, c, d = (near.value for near in around)
    mixed = around[0].first - 8 * around[1].first + 8 * around[2].first - around[3].first
    mixed = mixed / (12 * step)
    first, second = np.empty((len(y), 3)), np.empty((len(y), 3, 3))
    first[:, :2], second[:, :2, :2] = parts.first, parts.second
    first[:, 2] = (a - 8 * b + 8 * c - d) / (12 * step)
    second[:, 2, 0] = second[:, 0, 2] = -mixed / np.exp(log_scale)
    second[:, 2, 1] = second[:, 1, 2] = -z * mixed
    second[:, 2, 2] = (-a + 16 * b - 30 * logs.value + 16 * c - d) / (12 * step**2)
    return Parts(parts.value, first, second)


def _spline_rows(y: Array, event: Flags, weights: Array, knots: tuple[float, ...]) -> Parts:
    """Derivatives by location and by the spline's coefficients."""
    bases = spline_bases(y, knots)
    s, s1, s2, s3 = (basis @ weights for basis in bases)
    hazard = np.exp(np.minimum(s, 650.0))
    rate = np.where(s1 > 0, s1, np.nan)
    at = event.astype(np.float64)
    inverse = np.where(event, 1 / rate, 0.0)
    value = np.where(event, np.log(rate) + s, 0.0) - hazard
    rest = at - hazard
    first = np.empty((len(y), 1 + len(knots)))
    first[:, 0] = -(rest * s1 + s2 * inverse)
    first[:, 1:] = rest[:, None] * bases[0] + inverse[:, None] * bases[1]
    second = np.empty((len(y), 1 + len(knots), 1 + len(knots)))
    second[:, 0, 0] = rest * s2 - hazard * s1**2 + s3 * inverse - (s2 * inverse) ** 2
    mixed = (
        rest[:, None] * bases[1]
        - (hazard * s1)[:, None] * bases[0]
        + inverse[:, None] * bases[2]
        - (s2 * inverse**2)[:, None] * bases[1]
    )
    second[:, 0, 1:] = second[:, 1:, 0] = -mixed
    second[:, 1:, 1:] = -(
        hazard[:, None, None] * bases[0][:, :, None] * bases[0][:, None, :]
        + (inverse**2)[:, None, None] * bases[1][:, :, None] * bases[1][:, None, :]
    )
    return Parts(value, first, second)
