"""Score test of proportional hazards: the partial likelihood extended by covariates times g(time).

With every covariate x joined by x g(t), whose coefficients are 0 under proportional hazards, the
score of the new coefficients is the sum over events of g(t) (x - mean of x at risk), and the
information, with V(t) what an event time adds to the Cox model's own (cox.py), is

    [ sum V(t)       sum g(t) V(t)   ]
    [ sum g(t) V(t)  sum g(t)^2 V(t) ]

A sum of V(t) weighted by time needs no matrix for each time: it is X' diag(u) X where the hazard's
steps, of which u gathers those at which a row is at risk, are weighted so. Two such products for
one more pass over the rows.

Therneau, T. M. and Grambsch, P. M. (2000), Modeling Survival Data, chapter 6; exact as `cox.zph`
of survival 3 (the earlier version replaced V(t) by its mean).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from analyses.kernels.cox import Adding, Arrays, Likelihood, hazard_means, moments
from analyses.kernels.risk_sets import Array, Grid, Placed, product


@dataclass(frozen=True, slots=True, eq=False)
class Extended:
    """Score of the covariates times g(t) (p), their information (`square`) and that with x."""

    score: Array
    cross: Array
    square: Array


def extended_by(
    add: Adding, on: Grid, beta: Array, at: Likelihood, g: Array, events: Array
) -> Extended:
    """Score and information of the covariates times `g`, one value for each grid time.

    `events` are the events' sums of weight * x (`event_sums`), and `add` does work on each block
    of rows, wherever it is, and adds what it gives.
    """
    p = len(beta)
    step = at.steps
    s1, e1 = at.total[:, 4 : p + 4], at.total[:, p + 5 :]
    residual = events - at.total[:, 2:3] * hazard_means(at)[2]
    powers = (g, g * g)
    hazards = [on.cumulated(power * step.hazard) for power in powers]
    own = [power * step.event_hazard for power in powers]
    totals = add(partial(_products, beta=beta, hazards=hazards, event_hazards=own))
    with np.errstate(over="ignore", invalid="ignore"):  # then not finite, which the caller sees
        for power, total in zip(powers, totals, strict=True):
            total -= product(s1, power * step.square, s1)
            if step.cross.any():
                cross = product(s1, power * step.cross, e1)
                total += cross + cross.T - product(e1, power * step.event_square, e1)
    return Extended(g @ residual, *totals)


def _products(
    placed: Placed, beta: Array, hazards: list[Array], event_hazards: list[Array]
) -> Arrays:
    return tuple(
        moments(placed, beta, hazard, own)
        for hazard, own in zip(hazards, event_hazards, strict=True)
    )


def event_sums(placed: Placed, on: Grid, weighted: bool) -> Arrays:
    """Covariates of the events added by their time, weighted or not (times x p)."""
    block, events = placed.block, placed.events
    weight = block.weight if weighted else None
    if block.count is not None:
        weight = block.count if weight is None else weight * block.count
    if placed.sparse is None:
        from analyses.kernels import event_sums_compiled

        return (event_sums_compiled.event_sums(placed, on, weight),)
    x = block.x[events]
    weighed = x if weight is None else x * weight[events, None]
    return (np.asarray(placed.sparse.dying @ weighed),)


def natural_spline(x: Array, knots: Array) -> Array:
    """Basis of the cubic splines that are straight outside their outer knots (rows x knots).

    Hastie, Tibshirani and Friedman (2009), The Elements of Statistical Learning, section 5.2.1;
    the knots are put on 0 to 1 first.
    """
    width = knots[-1] - knots[0]
    u, k = (x - knots[0]) / width, (knots - knots[0]) / width

    def curve(place: float) -> Array:
        cubes = np.maximum(u - place, 0.0) ** 3 - np.maximum(u - k[-1], 0.0) ** 3
        return np.asarray(cubes / (k[-1] - place))

    last = curve(k[-2])
    return np.column_stack([np.ones_like(u), u, *(curve(place) - last for place in k[:-2])])
