"""One imputation: chained equations from random starting values, on a random stream of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analyses.imputation.conditional import Fit, drawn
from analyses.imputation.layout import Group, Target
from analyses.kernels.donors import Places
from analyses.results.frozen import Array


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """What every imputation shares.

    `begun` are, by group and target, the models that searches start from; `sizes`, by variable, 0
    for a number and else how many levels it has.
    """

    groups: tuple[Group, ...]
    begun: tuple[tuple[Fit | None, ...], ...]
    sizes: tuple[int, ...]
    iterations: int
    donors: int


@dataclass(frozen=True, slots=True, eq=False)
class Chain:
    """One imputation.

    Attributes
    ----------
    values
        By group and target: what was drawn last, a number or a place among all levels.
    sums
        By variable (iterations x columns): of a number the count, sum and sum of squares of what
        was drawn; of a category the count of each level.
    stopped
        (group, target) of each conditional model that did not converge.
    dropped
        (target, column) names where a column was left out since others determine it.
    """

    values: tuple[tuple[Array, ...], ...]
    sums: tuple[Array, ...]
    stopped: tuple[tuple[str, str], ...]
    dropped: tuple[tuple[str, str], ...]


def chain(plan: Plan, seed: np.random.SeedSequence) -> Chain:
    """Cycles through all variables, from the one that lacks least; the values of the last."""
    sums = [np.zeros((plan.iterations, max(size, 3))) for size in plan.sizes]
    values: list[tuple[Array, ...]] = []
    stopped: list[tuple[str, str]] = []
    dropped: dict[tuple[str, str], None] = {}
    seeds = seed.spawn(len(plan.groups))
    for group, begun, own in zip(plan.groups, plan.begun, seeds, strict=True):
        draw = np.random.default_rng(own)
        x = group.incomplete.copy()
        current = [_start(x, target, draw) for target in group.targets]
        fits = list(begun)
        for iteration in range(plan.iterations):
            for i, target in enumerate(group.targets):
                current[i], fit = drawn(group, target, x, plan.donors, fits[i], draw)
                fits[i] = fit
                _write(x, target, current[i])
                _add(sums[target.variable][iteration], _own_scale(target, current[i]), target)
                if not fit.converged:
                    stopped.append((group.label, target.name))
                for column in fit.dropped:
                    dropped[target.name, group.names[column]] = None
        values.append(tuple(_own_scale(t, v) for t, v in zip(group.targets, current, strict=True)))
    return Chain(tuple(values), tuple(sums), tuple(stopped), tuple(dropped))


def _start(x: Array, target: Target, draw: np.random.Generator) -> Places:
    """Values drawn from those observed, whatever the other variables are."""
    chosen = draw.integers(0, len(target.observed), int(target.missing.sum()))
    if target.method != "pmm":
        chosen = target.observed[chosen].astype(np.intp)
    _write(x, target, chosen)
    return chosen


def _write(x: Array, target: Target, chosen: Places) -> None:
    """What was chosen as columns of the matrix."""
    if target.method == "pmm":
        x[target.missing, target.own.start] = target.observed[chosen]
        return
    level = target.levels[chosen]
    x[target.missing, target.own] = level[:, None] == target.of_group[1:]


def _own_scale(target: Target, chosen: Places) -> Array:
    """Numbers in their own unit, places among all the levels of the variable."""
    if target.method == "pmm":
        return target.exact[chosen]
    return target.levels[chosen].astype(float)


def _add(sums: Array, values: Array, target: Target) -> None:
    """Adds what was drawn to the sums of an iteration."""
    if target.method == "pmm":
        sums[:3] += (len(values), values.sum(), (values**2).sum())
        return
    sums += np.bincount(values.astype(np.intp), minlength=len(sums))


def gathered(
    groups: Sequence[Group], chains: Sequence[Chain], variable: int
) -> tuple[Places, Array]:
    """Rows that lacked a variable, in order, and their values by imputation (m x rows)."""
    rows: list[Places] = []
    values: list[Array] = []
    for g, group in enumerate(groups):
        for t, target in enumerate(group.targets):
            if target.variable == variable:
                rows.append(group.others[target.missing])
                values.append(np.array([one.values[g][t] for one in chains]))
    every = np.concatenate(rows)
    order = np.argsort(every, kind="stable")
    return every[order].astype(np.intp), np.concatenate(values, axis=1)[:, order]
