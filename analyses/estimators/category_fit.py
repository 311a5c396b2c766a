"""A category's likelihood maximised where it has a maximum; what separates is named and held."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from analyses.kernels.category_likelihood import CategoryPoint, cumulative, multinomial
from analyses.kernels.newton import Maximum, aliased, maximise, silent, solved
from analyses.results.frozen import Array
from cohort.errors import AnalysisError, Problem

Codes = npt.NDArray[np.intp]
Flags = npt.NDArray[np.bool_]
Model = Literal["multinomial", "ordinal"]
SAME = "it is the same in every row"
UPWARDS = "no finite estimate: it goes to plus infinity"
DOWNWARDS = "no finite estimate: it goes to minus infinity"
WITHOUT = (
    "no finite estimate: nothing is left to compare once other coefficients have become infinite"
)


@dataclass(frozen=True, slots=True, eq=False)
class CategoryFit:
    """Where the likelihood is largest, or what it tends to.

    Attributes
    ----------
    beta, covariance
        In the layout of the kernel, for columns centred at `centre`; the covariance of what is
        not estimated is 0.
    log_likelihood, log_likelihood_null
        At the estimates, and with intercepts or thresholds only.
    unreported
        Why a coefficient has no estimate, by its place.
    n_parameters
        Slopes that a likelihood-ratio test counts: those estimated and those at infinity.
    """

    beta: Array
    covariance: Array
    log_likelihood: float
    log_likelihood_null: float
    unreported: dict[int, str]
    n_parameters: int
    centre: Array
    iterations: int


def fit_category(x: Array, codes: Codes, k: int, names: Sequence[str], model: Model) -> CategoryFit:
    """Largest likelihood of categories 0..k-1 given the columns of `x`, named for messages.

    A direction along which the likelihood rises for ever (a level that separates) is found by
    Newton's steps not shrinking, or by the information along it vanishing; its columns have no
    estimate, the others are those of the limit. Raises AnalysisError for columns that are sums of
    others, and a search that does not end.
    """
    centre = x.mean(axis=0) if x.shape[1] else np.zeros(0)
    centred = x - centre
    spread = np.abs(centred).max(axis=0, initial=0.0)
    same = spread <= 1e-12 * np.maximum(np.abs(centre), 1.0)
    _require_independent(centred[:, ~same], [n for n, s in zip(names, same, strict=True) if not s])
    start, slopes, reach = _layout(codes, k, spread, model)
    column = _columns(x.shape[1], k, model)
    if model == "multinomial":
        with_ones = np.column_stack([np.ones(len(codes)), centred])
        evaluate: Callable[[Array], CategoryPoint] = lambda b: multinomial(b, with_ones, codes, k)  # noqa: E731
    else:
        evaluate = lambda b: cumulative(b, centred, codes, k)  # noqa: E731
    unreported = {int(i): SAME for i in np.flatnonzero(slopes) if same[column[i]]}
    active = np.ones(len(start), dtype=bool)
    active[list(unreported)] = False
    n_parameters = int((active & slopes).sum())
    null = evaluate(start)
    end, estimated, iterations = _limit(evaluate, null, start, reach, active, slopes, unreported)
    own = end.at.information[np.ix_(estimated, estimated)]
    inverse = solved(own, np.eye(len(own)))
    if inverse is None:
        raise _not_converged(end)
    covariance = np.zeros((len(start), len(start)))
    covariance[np.ix_(estimated, estimated)] = (inverse + inverse.T) / 2
    return CategoryFit(
        end.beta,
        covariance,
        end.at.log_likelihood,
        null.log_likelihood,
        unreported,
        n_parameters,
        centre,
        iterations,
    )


def _layout(codes: Codes, k: int, spread: Array, model: Model) -> tuple[Array, Flags, Array]:
    """The start (intercepts or thresholds of no slopes), which places are slopes, their reach."""
    share = np.bincount(codes, minlength=k) / len(codes)
    if model == "multinomial":
        q = len(spread) + 1
        start = np.zeros((k - 1, q))
        start[:, 0] = np.log(share[1:] / share[0])
        slopes = np.tile(np.arange(q) > 0, k - 1)
        return start.ravel(), slopes, np.tile(np.concatenate([[1.0], spread]), k - 1)
    below = np.cumsum(share)[:-1]
    thresholds = np.log(below / (1 - below))
    slopes = np.arange(k - 1 + len(spread)) >= k - 1
    start = np.concatenate([thresholds, np.zeros(len(spread))])
    return start, slopes, np.concatenate([np.ones(k - 1), spread])


def _columns(p: int, k: int, model: Model) -> npt.NDArray[np.intp]:
    """The column of `x` that each place of the parameters belongs to; -1 for intercepts."""
    if model == "multinomial":
        return np.tile(np.arange(-1, p), k - 1)
    return np.concatenate([np.full(k - 1, -1), np.arange(p)]).astype(np.intp)


def _limit(
    evaluate: Callable[[Array], CategoryPoint],
    null: CategoryPoint,
    start: Array,
    reach: Array,
    active: Flags,
    slopes: Flags,
    unreported: dict[int, str],
) -> tuple[Maximum[CategoryPoint], Flags, int]:
    """The maximum or the limit it tends to, its finite columns, and the iterations it took."""
    estimated, iterations = active.copy(), 0
    beta, at = start, null
    while True:
        end = maximise(evaluate, beta, reach, estimated, at)
        iterations += end.iterations
        if end.status == "converged":
            return end, estimated, iterations
        taking_part, held = silent(null.information, end, estimated)
        if not held.any():
            raise _not_converged(end)
        moving = end.moving & estimated
        for place in map(int, np.flatnonzero((moving | taking_part) & slopes)):
            away = UPWARDS if end.beta[place] > 0 else DOWNWARDS
            unreported.setdefault(place, away if moving[place] else WITHOUT)
        estimated &= ~held
        beta, at = end.beta, end.at


def _require_independent(x: Array, names: Sequence[str]) -> None:
    """AnalysisError for each column that others determine."""
    scale = np.sqrt((x**2).sum(axis=0)) if x.size else np.ones(x.shape[1])
    products = (x / scale).T @ (x / scale)
    problems = []
    for place, others in aliased(products):
        named = " and ".join(names[other] for other in others) or "the other columns"
        advice = "Leave one of these terms out, or merge the level with another."
        found = f"is fully determined by {named}"
        problems.append(Problem(f"term {names[place]}", found, advice=advice))
    if problems:
        raise AnalysisError(problems)


def _not_converged(end: Maximum[CategoryPoint]) -> AnalysisError:
    return AnalysisError(
        Problem(
            "model of a category",
            f"no convergence after {end.iterations} iterations",
            advice="Leave terms out, merge their levels, or mend the numbers' scale.",
        )
    )
