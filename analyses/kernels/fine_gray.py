"""Fine and Gray's partial likelihood: Cox's risk sets and, in them, who had a competing event.

At an event time t of a stratum the risk set holds those with entry < t <= exit and, with weight
g(t) / g(x), those whose competing event came at x < t; g is the share still under observation
(censoring.py). The second sum is g(t) times one over rows (x, infinity) with constant weights, so
both are sums of the Cox kernel, and all costs are linear in the rows. Ties as Breslow.

The variance (Fine and Gray, 1999, J. Am. Stat. Assoc. 94, 496-509) adds to each patient's score
what the patient does to the estimated g: with q(u) the sum over event times t >= u of

    dL(t) g(t) (C1(u) - z(t) C0(u)),

where dL is the step of the baseline hazard, z the mean of the risk set, and C0 and C1 the sums of
exp(eta) / g(x) and of the same times the covariates over competing events with x < u, a patient
censored at u adds q(u) / n(u), and everybody under observation then loses c(u) q(u) / n(u)^2.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from analyses.kernels import cox
from analyses.kernels.censoring import Observation, places_before
from analyses.kernels.risk_sets import Array, Grid, Placed, Places, place, places


@dataclass(frozen=True, slots=True, eq=False)
class Tail:
    """Rows with a competing event, at risk from then on for ever.

    Attributes
    ----------
    placed
        The rows' block on the grid of event times, weighted by case weight / g(x).
    rows
        Their places among all rows.
    inverse
        1 / g(x) of each.
    observed
        g at each grid time.
    """

    placed: Placed
    rows: Places
    inverse: Array
    observed: Array

    def weighted(self, weight: Array | None) -> Tail:
        """The same rows with other case weights, given for all rows."""
        if weight is None:
            return self
        block = replace(self.placed.block, weight=weight[self.rows] * self.inverse)
        return replace(self, placed=replace(self.placed, block=block))


def tail_of(block: cox.Block, competing: Places, on: Grid, observed: Observation) -> Tail:
    """The rows of a block, by their places, that stay at risk after a competing event."""
    x, stratum, since = block.x[competing], block.stratum[competing], block.exit[competing]
    inverse = 1.0 / observed.before(stratum, since)
    longer = cox.Block(
        x,
        stratum,
        np.full(len(since), np.inf),
        np.zeros(len(since), dtype=bool),
        since,
        inverse if block.weight is None else inverse * block.weight[competing],
        None if block.offset is None else block.offset[competing],
    )
    return Tail(place(longer, on), competing, inverse, observed.before(on.stratum, on.time))


def likelihood(rows: Placed, tail: Tail, on: Grid, beta: Array) -> cox.Likelihood:
    """Log pseudo-likelihood, score and information at `beta`."""
    p = len(beta)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        total = cox.sums(rows, on, beta)
        later = cox.sums(tail.placed, on, beta)
        total[:, 3 : p + 4] += tail.observed[:, None] * later[:, 3 : p + 4]
        step = cox.steps(total, "breslow")
        s1 = total[:, 4 : p + 4]
        score = rows.event_covariates - step.hazard @ s1
        none = np.zeros(len(on.time))
        information = cox.moments(rows, beta, on.cumulated(step.hazard), none)
        late = on.cumulated(step.hazard * tail.observed)
        information += cox.moments(tail.placed, beta, late, none)
        information -= cox.product(s1, step.square, s1)
    return cox.Likelihood(step.log_likelihood, score, information, total, step)


def score_residuals(rows: Placed, tail: Tail, on: Grid, beta: Array, at: cox.Likelihood) -> Array:
    """Each patient's part of the score (rows x p), unweighted, g taken as known."""
    result = np.empty_like(rows.block.x)
    for some, residual in cox.score_residuals(rows, on, beta, at):
        result[some] = residual
    step = at.steps
    late = replace(step, hazard=step.hazard * tail.observed, square=step.square * tail.observed)
    for some, residual in cox.score_residuals(tail.placed, on, beta, replace(at, steps=late)):
        result[tail.rows[some]] += residual * tail.inverse[some, None]
    return result


def censoring_residuals(
    rows: Placed,
    tail: Tail,
    on: Grid,
    beta: Array,
    at: cox.Likelihood,
    observed: Observation,
    censored: Places,
) -> Array:
    """What each patient does to the score by way of g (rows x p); `censored` are rows."""
    p = len(beta)
    times = observed.censorings
    result = np.zeros_like(rows.block.x)
    if not len(times.time):
        return result
    sums = cox.sums(place(tail.placed.block, times), times, beta)
    hazard = tail.observed * at.steps.hazard
    means = (tail.observed * at.steps.square)[:, None] * at.total[:, 4 : p + 4]
    left = np.column_stack([on.remaining(hazard), on.remaining(means)])
    following = _following(on, times)
    left = np.where(following[:, None] < 0, 0.0, left[following])
    q = sums[:, 4 : p + 4] * left[:, :1] - sums[:, 3:4] * left[:, 1:]
    at_risk = observed.n_risk[:, None]
    lost = times.cumulated(observed.censored[:, None] * q / at_risk**2)
    block = rows.block
    last = places(times, block.stratum, block.exit)
    seen = last >= 0
    result[seen] -= lost[last[seen]]
    result[censored] += (q / at_risk)[last[censored]]
    return result


def _following(on: Grid, times: Grid) -> Places:
    """Grid row of the first event time of the stratum at or after each censoring time; -1: none."""
    earlier = places_before(on, times.stratum, times.time)
    first = np.where(earlier < 0, on.start[times.stratum], earlier + 1)
    return np.where(first < on.start[times.stratum + 1], first, -1)
