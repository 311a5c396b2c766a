"""Maximum of a smooth, concave log-likelihood by Newton's method with step halving."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Literal, Protocol, TypeVar

import numpy as np
import numpy.typing as npt
from scipy.linalg import cho_factor, cho_solve, eigh, qr

Array = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

CONVERGED = 1e-9  # last step, in standard errors; the step after it is its square
SETTLED = 1e-6  # the same, where a step does not even halve it: what is left is rounding
FLAT = 1e-6  # the same, where the likelihood no longer rises but a coefficient still moves
MOVING = 1e-2  # a change of some row's log hazard that is no rounding error
LARGEST_STEP = 20.0  # the same, in one iteration
MAX_ITERATIONS = 60
MAX_HALVINGS = 30
UNINFORMED = 1e-8  # of the null information along a direction: below it the data are silent
LOADED = 1e-6  # share of a column in such a direction that is no rounding error


class Point(Protocol):
    """What is known of a log-likelihood at some coefficients."""

    @property
    def log_likelihood(self) -> float:
        """Value; not finite where the point is out of reach."""

    @property
    def score(self) -> Array:
        """First derivative."""

    @property
    def information(self) -> Array:
        """Minus the second derivative."""


P = TypeVar("P", bound=Point)


@dataclass(frozen=True, slots=True, eq=False)
class Maximum(Generic[P]):
    """Where a search ended.

    `status` is ``converged``; ``flat`` where the likelihood has reached its limit while the
    coefficients `moving` still run to plus or minus infinity; ``stopped`` where neither came
    about, with `moving` the coefficients of the last step.
    """

    beta: Array
    at: P
    iterations: int
    status: Literal["converged", "flat", "stopped"]
    moving: Flags


def maximise(
    evaluate: Callable[[Array], P],
    start: Array,
    scale: Array,
    active: Flags,
    first: P | None = None,
    close: float = CONVERGED,
) -> Maximum[P]:
    """Coefficients of the largest log-likelihood; those that are not `active` keep their start.

    `scale` is how far each column reaches from its mean: a step times it is the largest change
    of a log hazard;
    `first` is what `evaluate` gave at the start, where that is known.
    The search ends with the first step below `close` standard errors; since the error after a step
    is about its square, coefficients are then right to the arithmetic's last digits, and what
    was found before that step (`at`) to 1e-9.
    """
    beta, at = start.copy(), evaluate(start) if first is None else first
    moving = np.zeros(len(beta), dtype=bool)
    before = math.inf
    if not active.any():
        return Maximum(beta, at, 0, "converged", moving)
    for iteration in range(1, MAX_ITERATIONS + 1):
        step = np.zeros_like(beta)
        found = solved(at.information[np.ix_(active, active)], at.score[active])
        if found is None:
            return Maximum(beta, at, iteration, "stopped", active & (np.abs(beta) * scale > 5))
        step[active] = found
        length = math.sqrt(max(float(step @ at.score), 0.0))
        moving = np.abs(step) * scale > MOVING
        settled = length <= close or before / 2 < length <= SETTLED
        before = length
        if settled and not moving.any():
            return Maximum(beta + step, at, iteration, "converged", moving)
        if length <= FLAT and moving.any():
            return Maximum(beta, at, iteration, "flat", moving)
        step /= max(1.0, float(np.max(np.abs(step) * scale)) / LARGEST_STEP)
        following = _uphill(evaluate, beta, step, at.log_likelihood)
        if following is None:
            return Maximum(beta, at, iteration, "stopped", moving)
        beta, at = following
    return Maximum(beta, at, MAX_ITERATIONS, "stopped", moving)


def solved(matrix: Array, right: Array) -> Array | None:
    """Solution for a symmetric positive matrix, each row scaled first; None if it is not one."""
    if not len(matrix):
        return right
    diagonal = np.diag(matrix)
    if not np.isfinite(matrix).all() or (diagonal <= 0).any():
        return None
    size = np.sqrt(diagonal)
    try:
        factor = cho_factor(matrix / np.outer(size, size))
    except np.linalg.LinAlgError:
        return None
    scaled = right / (size if right.ndim == 1 else size[:, None])
    found = cho_solve(factor, scaled)
    return np.asarray(found / (size if right.ndim == 1 else size[:, None]))


def silent(null: Array, end: Maximum[P], active: Flags) -> tuple[Flags, Flags]:
    """Columns in the directions without information, and as many of them as there are directions.

    Directions by their information relative to `null`, what they had with every coefficient zero.
    """
    taking_part, held = np.zeros((2, len(active)), dtype=bool)
    places = np.flatnonzero(active)
    size = np.sqrt(np.diag(null)[places])
    if not (np.isfinite(size).all() and (size > 0).all()):
        return taking_part, held
    before, own = (
        at[np.ix_(places, places)] / np.outer(size, size) for at in (null, end.at.information)
    )
    left, directions = eigh(own, before)
    count = int((left < UNINFORMED).sum())
    if end.status == "flat":
        count = max(count, 1)
    directions = directions[:, :count]
    loads = np.abs(directions).max(axis=1, initial=0.0)
    taking_part[places] = loads > LOADED * loads.max(initial=0.0)
    if count:
        held[places[qr(directions.T, mode="r", pivoting=True)[1][:count]]] = True
    return taking_part, held


def aliased(information: Array, tolerance: float = 1e-9) -> tuple[tuple[int, tuple[int, ...]], ...]:
    """Columns that others determine: (column, earlier columns that it is a sum of).

    A column whose information, given the earlier ones, is below `tolerance` of what it was
    alone; a column without any information has no earlier columns to name.
    """
    kept: list[int] = []
    result = []
    for column in range(len(information)):
        own = information[column, column]
        weights = (
            solved(information[np.ix_(kept, kept)], information[kept, column]) if kept else None
        )
        explained = 0.0 if weights is None else float(weights @ information[kept, column])
        if own > 0 and own - explained > tolerance * own:
            kept.append(column)
            continue
        part = np.zeros(0) if weights is None or own <= 0 else weights
        size = np.abs(part) * np.sqrt(np.diag(information)[kept][: len(part)])
        used = [kept[i] for i in np.flatnonzero(size > 1e-5 * np.sqrt(max(own, 0.0)))]
        result.append((column, tuple(used)))
    return tuple(result)


def _uphill(
    evaluate: Callable[[Array], P], beta: Array, step: Array, height: float
) -> tuple[Array, P] | None:
    """The point a step away, halved until it is no lower (within rounding), or None."""
    rounding = 1e-12 * abs(height)
    for _ in range(MAX_HALVINGS):
        following = beta + step
        at = evaluate(following)
        finite = np.isfinite(at.log_likelihood) and np.isfinite(at.information).all()
        if finite and at.log_likelihood >= height - rounding:
            return following, at
        step = step / 2
    return None
