"""A maximum told in the units of the data: time ratios, parameters, curves by group."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import chdtrc

from analyses.estimators.cox_rows import Design
from analyses.estimators.parametric_search import Found, Scaled
from analyses.kernels.wald import wald
from analyses.results.coefficient import ModelTest
from analyses.results.frozen import Array, frozen
from analyses.results.lifetimes import REFERENCE, FittedCurve, Parameter, ParametricFit, TimeRatio
from analyses.results.survival import KaplanMeier
from analyses.results.terms import Term

POINTS = 120  # of a fitted curve, evenly spaced up to the last follow-up
MOST_PATIENTS = 2000  # different patients that a curve is the mean of; more are put in as many bins
SHAPES = {
    "weibull": ("log_scale",),
    "lognormal": ("log_scale",),
    "loglogistic": ("log_scale",),
    "generalised_gamma": ("log_scale", "shape"),
}


@dataclass(frozen=True, slots=True, eq=False)
class Told:
    """What a maximum is told with: the rows, what their columns are, and the curves beside it."""

    rows: Scaled
    columns: Array
    terms: tuple[Term, ...]
    design: Design
    observed: KaplanMeier
    codes: npt.NDArray[np.intp]
    conf_level: float


def told(found: Found, of: Told) -> ParametricFit:
    """The model in the unit of the times and the terms."""
    p = of.rows.matrix.shape[1]
    point, covariance = _in_units(found, of.rows)
    n_event_weighted = float(of.rows.weight @ of.rows.event)
    shift = n_event_weighted * float(np.log(of.rows.unit))
    height, null = found.height - shift, found.null - shift
    slopes, rest = point[:p], point[p:]
    errors = np.sqrt(np.diag(covariance))
    has_intercept = found.family != "spline"
    centre = float(np.log(of.rows.unit) - of.rows.centre @ slopes)
    fit: dict[str, Any] = {
        "family": found.family,
        "intercept": float(rest[0]) if has_intercept else centre,
        "slopes": frozen(slopes),
        "shapes": frozen(rest[has_intercept:]),
        "knots": found.knots,
        "log_likelihood": height,
        "log_likelihood_null": null,
        "aic": 2 * len(point) - 2 * height,
        "bic": float(np.log(n_event_weighted)) * len(point) - 2 * height,
        "coefficients": _coefficients(slopes, errors, of),
        "parameters": _parameters(found, rest, errors[p:], of.conf_level),
        "covariance": frozen(covariance),
        "test": _test(height, null, p),
        "iterations": found.summit.iterations,
    }
    return ParametricFit(**fit, curves=_curves(ParametricFit(**fit, curves=()), of))


def _in_units(found: Found, rows: Scaled) -> tuple[Array, Array]:
    """Slopes, intercept and shapes in the data's units with their covariance."""
    p = rows.matrix.shape[1]
    point, n = found.summit.point, len(found.summit.point)
    has_intercept = found.family != "spline"
    change = np.zeros((n, n))
    first = int(has_intercept)
    change[np.arange(p), first + np.arange(p)] = 1 / rows.spread
    if has_intercept:
        change[p, 0] = 1
        change[p, 1 : 1 + p] = -rows.centre / rows.spread
    for place in range(p + first, n):
        change[place, place] = 1.0
    told_point = change @ point
    if has_intercept:
        told_point[p] += np.log(rows.unit)
    inverse = np.linalg.inv(found.summit.at.information)
    return told_point, change @ ((inverse + inverse.T) / 2) @ change.T


def _coefficients(slopes: Array, errors: Array, of: Told) -> tuple[TimeRatio, ...]:
    result = []
    place = 0
    for term in of.terms:
        if term.kind == "category":
            result += [_reference(term, of)]
        for level, reference in term.labels:
            test = wald(float(slopes[place]), float(errors[place]), of.conf_level)
            result.append(
                TimeRatio(
                    term.name,
                    level,
                    reference,
                    None if term.kind in ("category", "interaction") else term.per,
                    int(of.design.n[place]),
                    int(of.design.n_event[place]),
                    float(slopes[place]),
                    float(errors[place]),
                    *test,
                )
            )
            place += 1
    order = {name: i for i, name in enumerate(term.name for term in of.terms)}
    levels = {(t.name, level): i for t in of.terms for i, level in enumerate(t.levels)}
    return tuple(
        sorted(result, key=lambda c: (order[c.term], levels.get((c.term, c.level or ""), 0)))
    )


def _reference(term: Term, of: Told) -> TimeRatio:
    """The level that others are compared with: everybody of the model less those at the others."""
    first = [term.name == t.name for t in of.terms].index(True)
    start = sum(len(t.labels) for t in of.terms[:first])
    others = slice(start, start + len(term.labels))
    n = of.design.n_all - int(of.design.n[others].sum())
    n_event = of.design.n_event_all - int(of.design.n_event[others].sum())
    name = str(term.reference)
    return TimeRatio(term.name, name, name, None, n, n_event, 0.0, reason=REFERENCE)


def _parameters(
    found: Found, values: Array, errors: Array, conf_level: float
) -> tuple[Parameter, ...]:
    names: tuple[str, ...] = tuple(f"gamma{i}" for i in range(len(values)))
    if found.family != "spline":
        names = ("intercept", *SHAPES[found.family])
    made = []
    for name, value, error in zip(names, values, errors, strict=True):
        _, _, low, high = wald(float(value), float(error), conf_level)
        made.append(Parameter(name, float(value), float(error), low, high))
    return tuple(made)


def _test(height: float, null: float, p: int) -> ModelTest | None:
    if not p:
        return None
    statistic = max(2 * (height - null), 0.0)
    return ModelTest("likelihood_ratio", statistic, p, float(chdtrc(p, statistic)))


def _curves(fit: ParametricFit, of: Told) -> tuple[FittedCurve, ...]:
    """The mean of the patients' own curves in each group, beside what was observed."""
    last = max(curve.last_time for curve in of.observed.curves)
    time = np.linspace(0.0, last, POINTS + 1)
    with np.errstate(divide="ignore"):
        log_time = np.log(time)
    predictor = of.columns @ fit.slopes
    curves = []
    for place, curve in enumerate(of.observed.curves):
        rows = of.codes == place
        values, weights = _different(predictor[rows], of.rows.weight[rows])
        survival = np.ones(len(time))
        for i in range(1, len(time)):
            each = fit.log_survival(
                np.full(len(values), log_time[i]) - values, np.zeros((len(values), len(fit.slopes)))
            )
            survival[i] = float(weights @ np.exp(each))
        observed = curve.step("survival", time, 1.0)
        curves.append(FittedCurve(curve.group, frozen(time), frozen(survival), frozen(observed)))
    return tuple(curves)


def _different(values: Array, weights: Array) -> tuple[Array, Array]:
    """The different values and their shares; past `MOST_PATIENTS` the means of as many bins.

    A bin is so narrow that its mean stands for its patients to about 1e-6 of a survival.
    """
    distinct, place = np.unique(values, return_inverse=True)
    if len(distinct) > MOST_PATIENTS:
        rank = np.cumsum(np.bincount(place, weights)) / weights.sum()
        place = np.minimum((rank * MOST_PATIENTS).astype(np.intp), MOST_PATIENTS - 1)[place]
        place = np.unique(place, return_inverse=True)[1]
    total = np.bincount(place, weights)
    return np.bincount(place, weights * values) / total, total / total.sum()
