"""Whether chains have settled: what was drawn by iteration, and R-hat over the imputations."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from analyses.imputation.chains import Chain
from analyses.imputation.variables import Variable
from analyses.results.frozen import Array, frozen
from analyses.results.imputations import LARGEST_R_HAT, STUCK, Trace
from cohort.table import Finding

WARM_UP = 5  # one iteration in so many is left out at the beginning
FEWEST = 4  # iterations in two halves of two


def traces(variables: Sequence[Variable], chains: Sequence[Chain]) -> Iterator[Trace]:
    """Mean and standard deviation of what was drawn for a number, share of each level but one."""
    for i, variable in enumerate(variables):
        if variable.method is None:
            continue
        sums = np.array([one.sums[i] for one in chains])  # m x iterations x columns
        if not variable.levels:
            n, total, squares = sums[..., 0], sums[..., 1], sums[..., 2]
            mean = total / n
            spread = np.sqrt(np.maximum(squares / n - mean**2, 0.0))
            yield _trace(variable.name, "mean", None, mean)
            if n.flat[0] > 1:
                yield _trace(variable.name, "sd", None, spread)
            continue
        sizes = sums[..., : len(variable.levels)]
        shares = sizes / sizes.sum(axis=-1, keepdims=True)
        for k, level in enumerate(variable.levels[1:], start=1):
            yield _trace(variable.name, "share", level, shares[..., k])


def _trace(name: str, quantity: str, level: str | None, values: Array) -> Trace:
    found, reason = r_hat(values)
    return Trace(name, quantity, level, frozen(values), found, reason)


def r_hat(values: Array) -> tuple[float | None, str | None]:
    """Gelman and Rubin's potential scale reduction of chains (m x iterations), each in halves.

    The first fifth of the iterations is left out. None with the reason where it is not defined.
    Split as in Gelman et al. (2013), Bayesian Data Analysis, 3rd ed., 11.4.
    """
    m, every = values.shape
    kept = values[:, every // WARM_UP :]
    length = kept.shape[1] // 2
    if 2 * length < FEWEST or m < 2:
        return None, f"needs {FEWEST} iterations past the first fifth, and two imputations"
    kept = kept[:, kept.shape[1] - 2 * length :]
    halves = np.concatenate([kept[:, :length], kept[:, length:]])
    within = float(halves.var(axis=1, ddof=1).mean())
    between = float(halves.mean(axis=1).var(ddof=1))
    nothing = 1e-12 * max(float(np.mean(halves**2)), 1e-300)
    if within <= max(nothing, 1e-12 * between):
        if between > nothing:
            return None, STUCK
        return None, "what was drawn does not change between iterations"
    return float(np.sqrt((length - 1) / length + between / within)), None


def chain_findings(made: Sequence[Trace], chains: Sequence[Chain]) -> Iterator[Finding]:
    """Chains that did not settle, models that did not converge, columns that say the same."""
    worst: dict[str, float] = {}
    for trace in made:
        if not trace.converged:
            value = math.inf if trace.r_hat is None else trace.r_hat
            worst[trace.column] = max(worst.get(trace.column, 0.0), value)
    for column, value in worst.items():
        found = STUCK.capitalize()
        if math.isfinite(value):
            found = f"R-hat {value:.3g} is above {LARGEST_R_HAT:g}"
        advice = (
            f"{found}: the chains of '{column}' have not settled. Ask for more iterations, or name "
            "fewer columns that hang together."
        )
        yield Finding(
            "warning", "imputation", column, "", "not_converged", len(chains), advice, "chain"
        )
    stopped: dict[tuple[str, str], int] = {}
    dropped: dict[tuple[str, str], int] = {}
    for one in chains:
        for key in one.stopped:
            stopped[key] = stopped.get(key, 0) + 1
        for key in one.dropped:
            dropped[key] = dropped.get(key, 0) + 1
    for (group, column), n in stopped.items():
        advice = "Its model did not reach a maximum; the last estimates were used. Merge levels."
        yield Finding(
            "warning", "imputation", column, group, "model_not_converged", n, advice, "fit"
        )
    for (column, other), n in dropped.items():
        advice = f"Others determine a column of '{other}': it was left out of the model."
        yield Finding("info", "imputation", column, other, "collinear", n, advice, "chain")
