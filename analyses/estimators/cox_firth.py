"""Firth's penalised Cox model: finite estimates where a level separates or events are few.

Heinze, G. and Schemper, M. (2001), Biometrics 57, 114-119: maximum of the penalised likelihood,
limits where the profile of the penalised likelihood has fallen by half a chi-square quantile, and
tests by twice its fall to the same model with the coefficient held at 0 (the penalty remains that
of all columns). Limits are searched as Venzon, D. J. and Moolgavkar, S. H. (1988), Appl. Stat. 37,
87-94, and where that does not end, by bisection of the profile.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq
from scipy.special import chdtrc, chdtri, ndtr

from analyses.estimators.cox_fit import Fit, checked_columns, not_converged
from analyses.estimators.cox_rows import InMemory, Rows
from analyses.kernels.firth import Penalised, Penalty
from analyses.kernels.newton import Maximum, maximise, solved
from analyses.results.coefficient import Coefficient, ModelTest
from analyses.results.frozen import Array
from cohort.errors import AnalysisError

Flags = npt.NDArray[np.bool_]
RESTARTS = 10
SEARCH = 200  # steps of one limit's search
NEAR = 1e-9  # of the log-likelihood, and of a standard error
FARTHEST = 60.0  # of a log hazard's change by a column's reach: past it there is no limit
NO_LIMIT = "the penalised likelihood does not fall so far that it has a limit on each side"


@dataclass(frozen=True, slots=True, eq=False)
class Firth:
    """A fit with its penalised likelihood.

    Attributes
    ----------
    fit
        Its `at` and `null` are of the likelihood itself, without the penalty.
    log_likelihood, log_likelihood_null
        Penalised, at the estimates and with every coefficient zero.
    statistic, low, high
        Of each column: twice the fall to a coefficient of 0, and profile limits; NaN where absent.
    """

    fit: Fit
    log_likelihood: float
    log_likelihood_null: float
    statistic: Array
    low: Array
    high: Array


def firth(rows: Rows, conf_level: float) -> Firth:
    """The penalised maximum, its tests and its limits.

    Raises
    ------
    AnalysisError
        Columns that are sums of others, and a search that does not end; both named.
    """
    assert isinstance(rows.blocks, InMemory)
    placed, p = rows.blocks.placed, len(rows.design.names)
    null, active, unreported = checked_columns(rows)

    evaluate = Penalty(placed, rows.grid, rows.ties, active, rows.design.reach).at
    search = _Search(evaluate, rows.design.reach, active)
    zero = np.zeros(p)
    end = search.highest(zero, active)
    if end is None:
        raise not_converged(rows, maximise(evaluate, zero, rows.design.reach, active))
    own = end.at.plain.information[np.ix_(active, active)]
    covariance = solved(own, np.eye(len(own)))
    if covariance is None:
        raise not_converged(rows, end)
    fitted = Fit(
        rows=rows,
        null=null,
        at=end.at.plain,
        beta=end.beta,
        estimated=active,
        counted=active.copy(),
        unreported=unreported,
        away=np.zeros(len(rows.followed.exit), dtype=bool),
        reference_away=False,
        iterations=end.iterations,
        covariance=(covariance + covariance.T) / 2,
    )
    height, target = end.at.log_likelihood, float(chdtri(1, 1 - conf_level)) / 2
    statistic, low, high = np.full((3, p), np.nan)
    for place in map(int, np.flatnonzero(active)):
        held = search.held_at(place, 0.0, zero)
        statistic[place] = np.nan if held is None else max(2 * (height - held.log_likelihood), 0.0)
        low[place] = search.limit(end, place, -1.0, height - target)
        high[place] = search.limit(end, place, 1.0, height - target)
    at_zero = evaluate(zero).log_likelihood
    return Firth(fitted, height, at_zero, statistic, low, high)


def penalised_coefficients(
    coefficients: tuple[Coefficient, ...], found: Firth
) -> tuple[Coefficient, ...]:
    """The coefficients with profile limits, and the signed root of their test as statistic."""
    result = []
    columns = iter(range(len(found.low)))
    for c in coefficients:
        if c.is_reference:
            result.append(c)
            continue
        place = next(columns)
        if c.estimate is None:
            result.append(c)
            continue
        low, high, fall = (float(v[place]) for v in (found.low, found.high, found.statistic))
        root = math.copysign(math.sqrt(fall), c.estimate) if np.isfinite(fall) else None
        limits = (low, high) if np.isfinite(low) and np.isfinite(high) else (None, None)
        result.append(
            replace(
                c,
                statistic=root,
                p_value=None if root is None else float(2 * ndtr(-abs(root))),
                conf_low=limits[0],
                conf_high=limits[1],
                reason=NO_LIMIT if limits[0] is None or root is None else c.reason,
            )
        )
    return tuple(result)


def penalised_tests(tests: tuple[ModelTest, ...], found: Firth) -> tuple[ModelTest, ...]:
    """Penalised likelihood-ratio and Wald tests of the whole model; its score test is none."""
    gain = max(2 * (found.log_likelihood - found.log_likelihood_null), 0.0)
    df = int(found.fit.counted.sum())
    if not df:
        return ()
    ratio = ModelTest("penalised_likelihood_ratio", gain, df, float(chdtrc(df, gain)))
    return (ratio, *(test for test in tests if test.name == "wald"))


@dataclass(frozen=True, slots=True, eq=False)
class _Search:
    """Maxima of the penalised likelihood, free or along one coefficient."""

    evaluate: Callable[[Array], Penalised]
    reach: Array
    active: Flags

    def highest(self, start: Array, free: Flags) -> Maximum[Penalised] | None:
        """The maximum over the free coefficients; None where the search does not end."""
        at, iterations = None, 0
        for _ in range(RESTARTS):
            end = maximise(self.evaluate, start, self.reach, free, at)
            iterations += end.iterations
            if end.status == "converged":
                return replace(end, at=self.evaluate(end.beta), iterations=iterations)
            if not np.isfinite(end.beta).all():
                return None
            start, at = end.beta, end.at
        return None

    def held_at(self, place: int, value: float, start: Array) -> Penalised | None:
        """The profile: the maximum with one coefficient held."""
        free = self.active.copy()
        free[place] = False
        begin = start.copy()
        begin[place] = value
        end = self.highest(begin, free)
        return None if end is None else end.at

    def limit(self, end: Maximum[Penalised], place: int, side: float, target: float) -> float:
        """Where the profile of one coefficient has fallen to the target, on one side."""
        found = self._by_steps(end, place, side, target)
        return self._by_halves(end, place, side, target) if found is None else found

    def _by_steps(
        self, end: Maximum[Penalised], place: int, side: float, target: float
    ) -> float | None:
        """Newton's steps for all coefficients together; None where they do not end."""
        beta, at = end.beta.copy(), end.at
        free = np.flatnonzero(self.active)
        own = int(np.searchsorted(free, place))
        for _ in range(SEARCH):
            inverse = solved(at.information[np.ix_(free, free)], np.eye(len(free)))
            if inverse is None:
                return None
            score = at.score[free]
            gain = inverse @ score
            room = 2 * (at.log_likelihood - target + 0.5 * score @ gain) / inverse[own, own]
            if room < 0:
                return None
            step = np.zeros_like(beta)
            step[free] = gain + side * math.sqrt(room) * inverse[:, own]
            length = float(np.max(np.abs(step) * self.reach))
            if length * np.sqrt(at.information[place, place]) <= NEAR * max(self.reach[place], 1.0):
                return float(beta[place]) if abs(at.log_likelihood - target) < NEAR else None
            beta = beta + step / max(1.0, length / 2.0)
            at = self.evaluate(beta)
            if not np.isfinite(at.log_likelihood):
                return None
        return None

    def _by_halves(self, end: Maximum[Penalised], place: int, side: float, target: float) -> float:
        """The profile itself searched; NaN where it does not fall so far."""

        def above(value: float) -> float:
            at = self.held_at(place, value, end.beta)
            if at is None:
                raise AnalysisError(())
            return at.log_likelihood - target

        centre = float(end.beta[place])
        width = 1.0 / math.sqrt(end.at.information[place, place])
        try:
            while above(centre + side * width) > 0:
                width *= 2
                if width * self.reach[place] > FARTHEST:
                    return math.nan
            edge = centre + side * width
            return float(brentq(above, min(centre, edge), max(centre, edge), xtol=1e-12))
        except AnalysisError:
            return math.nan
