"""Maximum of a smooth log-likelihood that need not be concave everywhere.

Newton's step where the information is positive definite, else (and where a step does not rise) a
step bent towards the score by Levenberg and Marquardt's damping, so that a start in a convex part
of the surface still leads uphill.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from analyses.kernels.newton import solved

Array = npt.NDArray[np.float64]

CONVERGED = 1e-7  # last step, in standard errors; the step after it is its square
FLAT = 1e-3  # of the likelihood: no step rises, yet the last would have been longer than this
MOST_ITERATIONS = 100
LEAST_DAMPING, MOST_DAMPING = 1e-4, 1e12


class Surface(NamedTuple):
    """A log-likelihood with its first derivative and minus its second."""

    value: float
    score: Array
    information: Array


@dataclass(frozen=True, slots=True, eq=False)
class Summit:
    """Where the search ended: the point, the surface there, and whether it is a maximum."""

    point: Array
    at: Surface
    iterations: int
    converged: bool


def ascend(
    height: Callable[[Array], float], surface: Callable[[Array], Surface], start: Array
) -> Summit:
    """The maximum that lies uphill from the start.

    `height` gives the value alone, not finite where a point is out of reach: it decides whether a
    step is taken, at a fraction of the cost of the derivatives. The search ends with a Newton step
    shorter than `CONVERGED` standard errors, which is still taken.
    """
    point, at, damping = start.copy(), surface(start), 0.0
    for iteration in range(1, MOST_ITERATIONS + 1):
        if not _usable(at):
            return Summit(point, at, iteration, False)
        step = solved(at.information, at.score)
        if step is not None and math.sqrt(max(float(step @ at.score), 0.0)) <= CONVERGED:
            last = point + step
            found = surface(last)
            fine = _usable(found) and found.value >= at.value - 1e-9 * (1 + abs(at.value))
            return (
                Summit(last, found, iteration, True) if fine else Summit(point, at, iteration, True)
            )
        following, damping = _higher(height, point, at, damping)
        if following is None:
            return Summit(point, at, iteration, _level(step, at))
        point, at = following, surface(following)
    return Summit(point, at, MOST_ITERATIONS, False)


def _usable(at: Surface) -> bool:
    return bool(
        np.isfinite(at.value) and np.isfinite(at.score).all() and np.isfinite(at.information).all()
    )


def _level(step: Array | None, at: Surface) -> bool:
    """Whether a point that nothing rises from is a maximum to within the arithmetic."""
    return step is not None and float(step @ at.score) <= FLAT * 1e-6 * (1 + abs(at.value))


def _higher(
    height: Callable[[Array], float], point: Array, at: Surface, damping: float
) -> tuple[Array | None, float]:
    """A point that is higher, and the damping that found it; None where none is found."""
    size = np.maximum(np.abs(np.diag(at.information)), 1e-8)
    while damping <= MOST_DAMPING:
        step = solved(at.information + damping * np.diag(size), at.score)
        if step is not None:
            reached = height(point + step)
            if np.isfinite(reached) and reached > at.value:
                return point + step, damping / 10 if damping > LEAST_DAMPING else 0.0
        damping = max(LEAST_DAMPING, damping * 4)
    return None, damping
