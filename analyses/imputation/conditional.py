"""One draw of a variable's missing values, given all the others as they stand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_factor, solve_triangular

from analyses.imputation.layout import Group, Target
from analyses.kernels import logit, ordered_logit
from analyses.kernels.donors import Places, nearest
from analyses.kernels.logit import Part
from analyses.kernels.newton import Maximum
from analyses.kernels.normal_draws import regression
from analyses.kernels.risk_sets import product, times
from analyses.results.frozen import Array
from cohort.errors import AnalysisError, Problem

REDRAWS = 20  # of thresholds, which a draw may put out of order


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """What a conditional model leaves to the next: where its search may start."""

    parameters: Array
    information: Array | None = None
    converged: bool = True
    dropped: tuple[int, ...] = ()


def begun(group: Group, target: Target) -> Fit | None:
    """The model fitted to the rows that lack nothing, from which every chain's search starts."""
    if target.method == "pmm" or len(target.levels) == 1:
        return None
    parts = _parts(group, target, group.incomplete[:0])
    p, k = group.complete.shape[1], len(target.levels)
    if target.method == "ordered":
        counts = np.bincount(target.observed.astype(np.intp), minlength=k)
        start = ordered_logit.start_of(counts.astype(float), p)
        found = ordered_logit.fit(parts, k, start, target.use)
    else:
        found = logit.fit(parts, np.zeros((k - 1, p)), target.use)
    return Fit(found.beta, found.at.information)


def drawn(
    group: Group,
    target: Target,
    x: Array,
    donors: int,
    last: Fit | None,
    draw: np.random.Generator,
) -> tuple[Places, Fit]:
    """For each row that lacks a value the place of one, and the fitted model.

    A place among the values observed for a number, among the group's levels for a category.
    """
    if target.method == "pmm":
        return _matched(group, target, x, donors, draw)
    if last is None:  # one level only
        return np.zeros(int(target.missing.sum()), dtype=np.intp), Fit(np.zeros(0))
    if target.method == "ordered":
        return _ordered(group, target, x, last, draw)
    return _category(group, target, x, last, draw)


def _matched(
    group: Group, target: Target, x: Array, donors: int, draw: np.random.Generator
) -> tuple[Places, Fit]:
    """Predictive mean matching: the value of one of the donors with the nearest prediction.

    Donors are predicted by the estimate, receivers by a draw of the parameters (type 1 matching).
    """
    seen = target.seen.astype(float)
    sums = target.products + product(x, seen, x)
    use, own = np.flatnonzero(target.use), target.own.start
    n = len(target.observed)
    line = regression(sums[np.ix_(use, use)], sums[use, own], float(sums[own, own]), n, draw)
    if line is None:
        raise _too_few(group, target, n, len(use))
    estimate, chosen = np.zeros(x.shape[1]), np.zeros(x.shape[1])
    estimate[use], chosen[use] = line.estimate, line.drawn
    receivers = x[target.missing]
    complete = group.complete if target.fitted is None else group.complete[target.fitted]
    predicted = np.concatenate([times(complete, estimate), times(x[target.seen], estimate)])
    ranks, spread = draw.random(len(receivers)), draw.random(len(receivers))
    place = nearest(predicted, times(receivers, chosen), donors, ranks, spread)
    return place, Fit(estimate, dropped=tuple(use[line.dropped].tolist()))


def _parts(group: Group, target: Target, x: Array) -> list[Part]:
    """The rows of a category's model: those that lack nothing, the others as they stand, added."""
    n = len(x)
    return [
        Part(
            group.complete,
            target.of_complete,
            None if target.fitted is None else target.fitted.astype(float),
        ),
        Part(x, target.of_others[:n], target.seen[:n].astype(float)),
        target.extra,
    ]


def _category(
    group: Group, target: Target, x: Array, last: Fit, draw: np.random.Generator
) -> tuple[Places, Fit]:
    """A logistic or multinomial model, its coefficients drawn from their normal posterior."""
    shape = (len(target.levels) - 1, x.shape[1])
    start = last.parameters.reshape(shape)
    found = logit.fit(_parts(group, target, x), start, target.use, last.information)
    active = np.tile(target.use, shape[0])
    beta = found.beta + _noise(group, target, found, active, draw)
    chances = logit.probabilities(x[target.missing], beta.reshape(shape))
    fit = Fit(found.beta, found.at.information, found.status == "converged")
    return _levels(chances, draw), fit


def _ordered(
    group: Group, target: Target, x: Array, last: Fit, draw: np.random.Generator
) -> tuple[Places, Fit]:
    """A proportional-odds model, its thresholds and coefficients drawn together."""
    k = len(target.levels)
    found = ordered_logit.fit(_parts(group, target, x), k, last.parameters, target.use)
    active = np.concatenate([np.ones(k - 1, dtype=bool), target.use])
    for _ in range(REDRAWS):
        values = found.beta + _noise(group, target, found, active, draw)
        if (np.diff(values[: k - 1]) > 0).all():
            break
    else:
        values[: k - 1] = found.beta[: k - 1]
    chances = ordered_logit.probabilities(x[target.missing], values[: k - 1], values[k - 1 :])
    fit = Fit(found.beta, found.at.information, found.status == "converged")
    return _levels(chances.T, draw), fit


def _noise(
    group: Group,
    target: Target,
    found: Maximum[logit.Fitted],
    active: np.ndarray[tuple[int], np.dtype[np.bool_]],
    draw: np.random.Generator,
) -> Array:
    """A normal draw about 0 with the inverse of the information as its variance."""
    information = found.at.information[np.ix_(active, active)]
    size = np.sqrt(np.maximum(np.diag(information), 0.0))
    noise = np.zeros(len(active))
    try:
        factor, _ = cho_factor(information / np.outer(size, size), lower=True)
    except (np.linalg.LinAlgError, ValueError):
        raise _singular(group, target) from None
    normal = draw.standard_normal(len(size))
    noise[active] = solve_triangular(factor, normal, lower=True, trans="T") / size
    return noise


def _levels(chances: Array, draw: np.random.Generator) -> Places:
    """A place for each row by its probabilities (k x rows)."""
    edges = np.cumsum(chances, axis=0)[:-1]
    return np.asarray((draw.random(chances.shape[1]) > edges).sum(axis=0), dtype=np.intp)


def _too_few(group: Group, target: Target, n: int, predictors: int) -> AnalysisError:
    of = f" with {group.label}" if group.label else ""
    return AnalysisError(
        Problem(
            f"imputation of '{target.name}'",
            f"{n} patients{of} have a value, for {predictors} parameters of its model",
            advice="Name fewer columns for the imputation, or impute without `within`.",
        )
    )


def _singular(group: Group, target: Target) -> AnalysisError:
    of = f" with {group.label}" if group.label else ""
    return AnalysisError(
        Problem(
            f"imputation of '{target.name}'",
            f"its model{of} has no finite estimates: columns determine each other",
            advice="Leave out one of the columns that say the same.",
        )
    )
