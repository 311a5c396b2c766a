"""Are hazard ratios constant over time: exact score tests, and each coefficient over time.

Grambsch, P. M. and Therneau, T. M. (1994), Biometrika 81, 515-526; as `cox.zph` of survival 3 (the
exact information of each event time, not its mean; see kernels/proportionality.py). Curves smooth
the scaled Schoenfeld residuals by a natural spline of four degrees of freedom, as `plot.cox.zph`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import chdtrc, ndtri

from analyses.estimators.cox_fit import Fit
from analyses.estimators.cox_residuals import schoenfeld
from analyses.estimators.hazard_times import event_times
from analyses.kernels.cox import hazard_means
from analyses.kernels.newton import solved
from analyses.kernels.proportionality import Extended, natural_spline
from analyses.results.coefficient import Coefficient
from analyses.results.cox import CoxModel
from analyses.results.frozen import Array, frozen
from analyses.results.proportionality import BetaCurve, HazardTest, Proportionality
from cohort.errors import AnalysisError, Problem
from cohort.table import Finding

Flags = npt.NDArray[np.bool_]
Places = npt.NDArray[np.intp]
SPLINE_DF = 4
CURVE_POINTS = 40
DRAWN = 3000  # events up to which each one's residual is kept to be drawn
IN_DOUBT = 0.05
CONSTANT = 1e-10  # share of a variance that is rounding
NO_CHANGE = "the events are at too few times to tell whether the effect changes"
NO_ESTIMATE = "no coefficient of this term is estimated"
NO_CURVE = f"events at fewer than {SPLINE_DF} different times: no curve"


def proportionality_of(fitted: Fit, model: CoxModel, transform: str) -> Proportionality:
    """The tests and curves of a fitted model; see `CoxModel.proportionality`."""
    if model.penalty is not None:
        why = "the score of a penalised model is not 0 at its estimates, as the test needs"
        raise AnalysisError(Problem("proportionality", why, advice="Test the unpenalised model."))
    rows, at = fitted.rows, fitted.at
    g = event_times(rows, transform)
    weight = at.total[:, 1]
    centred = g - np.average(g, weights=weight)
    found = rows.extended(fitted.beta, at, centred)
    if not (np.isfinite(found.square).all() and np.isfinite(found.cross).all()):
        why = "a risk set's hazards cannot be told from zero, as a coefficient runs to infinity"
        advice = "Leave out the term, or merge the level, without a finite estimate."
        raise AnalysisError(Problem("proportionality", why, advice=advice))
    tester = _Tester(fitted, found, bool(np.ptp(g) > 1e-12 * np.abs(g).max()))
    places = column_places(model)
    tests = [tester.test(term.name, None, places[term.name]) for term in model.terms]
    shown = fitted.reported
    levels = [
        tester.test(c.term, c.level, [place])
        for place, c in enumerate(_columns(model))
        if len(places[c.term]) > 1 and shown[place]
    ]
    overall = tester.test(None, None, list(np.flatnonzero(shown)))
    return Proportionality(
        transform=transform,
        tests=tuple(tests),
        level_tests=tuple(levels),
        overall=overall,
        curves=_curves(fitted, model, g),
        model_based=model.robust,
        n=model.n,
        n_event=model.n_event,
        conf_level=model.conf_level,
        findings=_doubts([*tests, overall], model),
    )


def column_places(model: CoxModel) -> dict[str, list[int]]:
    """Columns of the design matrix by term."""
    result: dict[str, list[int]] = {term.name: [] for term in model.terms}
    for place, c in enumerate(_columns(model)):
        result[c.term].append(place)
    return result


def _columns(model: CoxModel) -> list[Coefficient]:
    """The coefficient of each column of the design matrix."""
    return [c for c in model.coefficients if not c.is_reference]


@dataclass(frozen=True, slots=True, eq=False)
class _Tester:
    """Score tests of some columns times g(t), all estimated coefficients left free."""

    fitted: Fit
    found: Extended
    changes: bool

    def test(self, term: str | None, level: str | None, columns: Sequence[int]) -> HazardTest:
        """The test of these columns, or why there is none."""
        own = np.array([p for p in columns if self.fitted.reported[p]], dtype=np.intp)
        if not len(own):
            return HazardTest(term, level, None, 0, None, NO_ESTIMATE)
        free = np.flatnonzero(self.fitted.estimated)
        square = self.found.square[np.ix_(own, own)]
        cross = self.found.cross[np.ix_(free, own)]
        variance = square - cross.T @ self.fitted.covariance @ cross
        score = self.found.score[own]
        rest = np.diag(variance) > CONSTANT * np.diag(square)
        weighed = None
        if self.changes and rest.all():
            weighed = solved((variance + variance.T) / 2, score)
        if weighed is None:
            return HazardTest(term, level, None, 0, None, NO_CHANGE)
        statistic = max(float(score @ weighed), 0.0)
        p_value = float(chdtrc(len(own), statistic))
        return HazardTest(term, level, statistic, len(own), p_value)


def _curves(fitted: Fit, model: CoxModel, g: Array) -> tuple[BetaCurve, ...]:
    """beta(t) of every estimated coefficient."""
    shown = np.flatnonzero(fitted.reported)
    if not len(shown):
        return ()
    columns = _columns(model)
    scaling = _Scaling(fitted, shown)
    grid, events = fitted.rows.grid, fitted.at.total[:, 1]
    sums = fitted.rows.event_sums(weighted=False) - events[:, None] * hazard_means(fitted.at)[2]
    sums = scaling.scaled(sums[:, shown], grid.stratum)
    point_time, points = _points(fitted, scaling)
    curves = []
    for k, place in enumerate(shown):
        used = scaling.varies[grid.stratum, k]
        c = columns[place]
        beta = float(fitted.beta[place])
        line = _smoothed(
            g[used], grid.time[used], events[used], sums[used, k] + events[used] * beta
        )
        place_error = np.sqrt(scaling.variance[k]) * line.spread
        reach = float(ndtri((1 + model.conf_level) / 2)) * place_error
        drawn = ~np.isnan(points[:, k])
        curves.append(
            BetaCurve(
                c.term,
                c.level,
                c.reference,
                c.per,
                beta,
                frozen(line.transformed),
                frozen(line.time),
                frozen(line.estimate),
                frozen(place_error),
                frozen(line.estimate - reach),
                frozen(line.estimate + reach),
                frozen(point_time[drawn]),
                frozen(points[drawn, k] + beta),
                None if len(line.time) else NO_CURVE,
            )
        )
    return tuple(curves)


class _Scaling:
    """Schoenfeld residuals times the inverse of the mean information of an event.

    Within a stratum, over the columns that vary there.
    """

    def __init__(self, fitted: Fit, shown: Places) -> None:
        rows, at = fitted.rows, fitted.at
        self.varies = rows.varies()[:, shown]
        deaths = np.bincount(
            rows.grid.stratum, weights=at.total[:, 1], minlength=len(rows.grid.start) - 1
        )
        used = self.varies & (deaths > 0)[:, None]
        shared = used.T.astype(float) @ (used * deaths[:, None])
        information = at.information[np.ix_(shown, shown)]
        self.mean = information / np.where(shared == 0, 1.0, shared)
        self.varies = used
        inverse = solved(self.mean, np.eye(len(shown)))
        self.variance = np.full(len(shown), np.nan) if inverse is None else np.diag(inverse)

    def scaled(self, residuals: Array, stratum: Places) -> Array:
        """Rows of residuals scaled by their stratum; NaN where a column does not vary there."""
        result = np.full(residuals.shape, np.nan)
        patterns, which = np.unique(self.varies, axis=0, return_inverse=True)
        which = which.ravel()[stratum]
        for k, pattern in enumerate(patterns):
            own = np.flatnonzero(pattern)
            mine = np.flatnonzero(which == k)
            inverse = solved(self.mean[np.ix_(own, own)], np.eye(len(own)))
            if len(own) and inverse is not None:
                result[np.ix_(mine, own)] = residuals[np.ix_(mine, own)] @ inverse
        return result


def _points(fitted: Fit, scaling: _Scaling) -> tuple[Array, Array]:
    """Time and scaled residual of each event, where they are few enough to be drawn."""
    shown = np.flatnonzero(fitted.reported)
    followed = fitted.rows.followed
    if int(followed.event.sum()) > DRAWN:
        return np.zeros(0), np.zeros((0, len(shown)))
    events, residuals = schoenfeld(fitted)
    stratum = followed.stratum[events]
    return followed.exit[events], scaling.scaled(residuals[:, shown], stratum)


@dataclass(frozen=True, slots=True, eq=False)
class _Line:
    """A smooth curve: where, its height, and its standard error for residuals of variance 1."""

    transformed: Array
    time: Array
    estimate: Array
    spread: Array


def _smoothed(g: Array, time: Array, events: Array, sums: Array) -> _Line:
    """Least squares of the residuals on a natural spline of g, from their sums by time."""
    values, first, inverse = np.unique(g, return_index=True, return_inverse=True)
    empty = np.zeros(0)
    if len(values) < SPLINE_DF or not np.isfinite(sums).all():
        return _Line(empty, empty, empty, empty)
    counts = np.bincount(inverse, weights=events)
    means = np.bincount(inverse, weights=sums) / counts
    at = np.linspace(values[0], values[-1], CURVE_POINTS)
    every, weights = np.concatenate([at, values]), np.concatenate([np.ones(len(at)), counts])
    inner = _quantiles(every, weights, np.arange(1, SPLINE_DF - 1) / (SPLINE_DF - 1))
    knots = np.unique(np.array([values[0], *inner, values[-1]]))
    if len(knots) < SPLINE_DF:
        return _Line(empty, empty, empty, empty)
    root = np.sqrt(counts)
    q, r = np.linalg.qr(natural_spline(values, knots) * root[:, None])
    diagonal = np.abs(np.diag(r))
    if diagonal.min() <= 1e-7 * diagonal.max():
        return _Line(empty, empty, empty, empty)
    line = natural_spline(at, knots) @ np.linalg.inv(r)
    height = line @ (q.T @ (root * means))
    spread = np.sqrt((line**2).sum(axis=1))
    return _Line(at, np.interp(at, values, time[first]), height, spread)


def _quantiles(values: Array, counts: Array, shares: Array) -> Array:
    """Quantiles (type 7) of values that stand so many times."""
    order = np.argsort(values)
    ordered, reached = values[order], np.cumsum(counts[order])
    place = (reached[-1] - 1) * shares
    below = np.floor(place)
    low, high = (ordered[np.searchsorted(reached, k, side="right")] for k in (below, below + 1))
    return np.asarray(low + (place - below) * (high - low))


def _doubts(tests: Sequence[HazardTest], model: CoxModel) -> tuple[Finding, ...]:
    """A warning for each test below 5 %."""
    found = []
    for test in tests:
        if test.p_value is None or test.p_value >= IN_DOUBT:
            continue
        advice = (
            "Its hazard ratio is an average over follow-up, weighted by when the events were: see "
            "its curve over time, and fit it by period ('time_varying'), stratify by it, or give "
            "restricted mean survival."
            if test.term
            else "At least one hazard ratio changes over time: see the terms' own tests."
        )
        if model.n_event > LARGE:
            advice += " With so many events small changes are found: judge the curve."
        value = f"chi-square {test.statistic:.4g}, df {test.df}, p {test.p_value:.3g}"
        rule = "hazards_not_proportional"
        found.append(Finding("warning", "cox", test.term or "", value, rule, model.n_event, advice))
    return tuple(found)


LARGE = 5_000  # events from which a change too small to matter is often below 5 %
