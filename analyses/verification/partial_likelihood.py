"""The largest partial likelihood by statsmodels, on ranks of the times."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from analyses.results.frozen import Array
from analyses.verification.columns import Made
from analyses.verification.patients import Patients, strata

FLAT = 1e-10  # what a further step would still gain where the likelihood is at its largest
DEPENDENCE = 1e-9  # share of the information left along a direction that others determine
VANISHED = 1e-5  # the same along a direction in which the likelihood rises for ever
DEPENDENT = "some columns determine others in the risk sets, where statsmodels has no fit"
NO_MAXIMUM = "some coefficient has no finite estimate, where statsmodels has no fit"


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """Coefficients of the columns in `places`, their variance, likelihoods and score test.

    `away` marks rows at levels without events: they leave every risk set as the coefficient of
    their level falls without end.
    """

    places: tuple[int, ...]
    beta: Array
    covariance: Array
    log_likelihood: float
    log_likelihood_null: float
    score: float
    away: Any

    def position(self, column: int) -> int | None:
        """Where a column stands among the estimated ones; None where it has no estimate."""
        return self.places.index(column) if column in self.places else None

    def wald(self, positions: Iterable[int]) -> tuple[float, int]:
        """Wald statistic of some coefficients, and their number."""
        own = list(positions)
        beta = self.beta[own]
        solved = np.linalg.solve(self.covariance[np.ix_(own, own)], beta)
        return float(beta @ solved), len(own)


def fitted(
    rows: Patients, columns: Sequence[Made], within: Sequence[str], ties: str
) -> Fitted | str:
    """The fit, or why statsmodels has none."""
    every = np.column_stack([column.numbers for column in columns])
    away = np.zeros(rows.n, dtype=bool)
    places = []
    for place, column in enumerate(columns):
        if column.alone and not rows.event[column.member].any():
            away |= column.member
        else:
            places.append(place)
    try:
        whole = _likelihood(rows, every, within, ties)
        zero = np.zeros(every.shape[1])
        slope, curvature = whole.score(zero), -whole.hessian(zero)
        part = _likelihood(rows.only(~away), every[~away][:, places], within, ties)
        null = -part.hessian(np.zeros(len(places)))
        if not (_is_regular(curvature) and _is_regular(null)):
            return DEPENDENT
        score = float(slope @ np.linalg.solve(curvature, slope))
        beta, covariance = _climbed(part, null)
    except (np.linalg.LinAlgError, ValueError, IndexError):
        return NO_MAXIMUM
    if beta is None:
        return NO_MAXIMUM
    at_end, at_null = float(part.loglike(beta)), float(whole.loglike(zero))
    return Fitted(tuple(places), beta, covariance, at_end, at_null, score, away)


def _is_regular(information: Array) -> bool:
    """Whether no column is determined by others within the risk sets."""
    size = np.sqrt(np.diag(information))
    if not (np.isfinite(size).all() and (size > 0).all()):
        return False
    return bool(np.linalg.eigvalsh(information / np.outer(size, size))[0] > DEPENDENCE)


def _likelihood(rows: Patients, matrix: Array, within: Sequence[str], ties: str) -> Any:
    """The model of statsmodels, times as ranks.

    Its risk sets hold a patient who enters at the very time of an event; between ranks every
    entry lies after the events of its time.
    """
    from statsmodels.duration.hazard_regression import PHReg

    every = np.unique(np.concatenate([rows.time, rows.entry[np.isfinite(rows.entry)]]))
    time = 2.0 * np.searchsorted(every, rows.time)
    entry = 2.0 * np.searchsorted(every, rows.entry) + 1 if rows.is_late else None
    code = np.zeros(rows.n, dtype=int)
    for place, members in enumerate(strata(rows, within)):
        code[members] = place
    return PHReg(time, matrix, status=rows.event.astype(int), entry=entry, strata=code, ties=ties)


def _climbed(model: Any, null: Array) -> tuple[Array | None, Array]:
    """The coefficients where the likelihood is largest, and their variance; None if not reached.

    Where a level separates the events, the likelihood rises without end and the information
    along it, of which `null` is what there was at first, vanishes.
    """
    found = model.fit(method="newton", maxiter=50, disp=0)
    beta = np.asarray(found.params, dtype=float)
    slope, curvature = model.score(beta), -model.hessian(beta)
    step = np.linalg.solve(curvature, slope)
    half = np.linalg.inv(np.linalg.cholesky(null))
    left = np.linalg.eigvalsh(half @ curvature @ half.T)[0]
    reached = np.isfinite(step).all() and float(slope @ step) < FLAT and left > VANISHED
    return (beta if reached else None), np.linalg.inv(curvature)
