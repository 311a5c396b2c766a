"""What each patient does to the baseline of Fine and Gray's model, summed over patients.

The variance of a predicted cumulative incidence needs, at each event time t, the sum over patients
of A(t)^2 and of A(t) U, A being a patient's influence on the cumulative baseline hazard at fixed
coefficients and U the patient's part of the score (fine_gray.py). With dL(s) the steps of the
hazard, S0(s) the risk sets' sums, E the sums of dL / S0 and B those of g dL / S0, a patient with
hazard ratio r adds to the hazard

- 1 / S0(x) at an event at x, and - r (E(t) - E(entry)) while at risk, up to t = x;
- after a competing event at x, - r / g(x) (B(t) - B(x));
- by way of the estimated g, with C0(u) as in fine_gray.py: for one who is censored at u
  C0(u) (B(t) - B(u-)) / n(u), and for everybody the same times - c(u) / n(u)^2 summed over the
  censoring times u up to x and t.

At t before x this is a sum of products of what belongs to the patient and what belongs to t; after
x it is a + b B(t). So both sums are sums over those who have left and over those who have not, each
of a few running totals: all costs are linear in the rows, and with clusters in clusters x times.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from analyses.kernels import cox
from analyses.kernels.censoring import Observation, places_before
from analyses.kernels.fine_gray import Tail
from analyses.kernels.risk_sets import Array, Grid, Placed, Places, place, places

BATCH = 2_000_000  # clusters x times that are summed at once


@dataclass(frozen=True, slots=True, eq=False)
class Influence:
    """Each row's part of the hazard, as what its running totals are made of.

    Attributes
    ----------
    first, last
        Grid rows from which a row is at risk, and from which it has left; it is never at risk
        where `first` is not before `last`.
    ratio, begun
        r, and r E(entry).
    after, slope
        a and b once it has left.
    reach, censoring
        By grid row: E and B, and what g does to those who have not left.

    Rows of a stratum without events have -1 for `first` and `last`.
    """

    first: Places
    last: Places
    ratio: Array
    begun: Array
    after: Array
    slope: Array
    reach: tuple[Array, Array]
    censoring: Array


def influence(
    rows: Placed,
    tail: Tail,
    on: Grid,
    at: cox.Likelihood,
    ratio: Array,
    observed: tuple[Observation, Places, Array] | None,
) -> Influence:
    """The parts of every row; `ratio` is its hazard ratio, 0 for one that left the risk sets.

    `observed` holds the share under observation, the places of those censored, and the
    coefficients; None where the share counts as known.
    """
    block, stratum = rows.block, rows.block.stratum
    s0 = at.total[:, 3]
    hazard = at.steps.hazard
    e = on.cumulated(hazard / s0)
    b = on.cumulated(tail.observed * hazard / s0)
    none = rows.last < 0
    entered = np.zeros(len(none)) if rows.before is None else _at(e, rows.before)
    after = -ratio * (_at(e, rows.last) - entered)
    event = block.event & (ratio > 0)
    after[event] += 1 / s0[rows.last[event]]
    slope = np.zeros(len(none))
    slope[tail.rows] = -ratio[tail.rows] * tail.inverse
    after -= slope * _at(b, rows.last)
    censoring = np.zeros(len(on.time))
    if observed is not None and len(observed[0].censorings.time):
        censoring = _by_observation(rows, tail, on, observed, (b, after, slope))
    start = on.start[stratum]
    first = start if rows.before is None else np.where(rows.before < 0, start, rows.before + 1)
    last = np.where(none, start, rows.last)
    outside = on.start[stratum + 1] == start  # nothing happens in the stratum
    return Influence(
        np.where(outside, -1, first),
        np.where(outside, -1, last),
        ratio,
        ratio * entered,
        after,
        slope,
        (e, b),
        censoring,
    )


def _by_observation(
    rows: Placed,
    tail: Tail,
    on: Grid,
    observed: tuple[Observation, Places, Array],
    parts: tuple[Array, Array, Array],
) -> Array:
    """Adds to a and b what a row does to g; gives what g does to those still at risk."""
    b, after, slope = parts
    share, censored, beta = observed
    times = share.censorings
    c0 = cox.sums(place(tail.placed.block, times), times, beta)[:, 3]
    before = _at(b, places_before(on, times.stratum, times.time))
    each = c0 / share.n_risk
    lost = each * share.censored / share.n_risk
    k1, k2 = times.cumulated(lost), times.cumulated(lost * before)
    left = places(times, rows.block.stratum, rows.block.exit)
    slope -= _at(k1, left)
    after += _at(k2, left)
    own = left[censored]
    slope[censored] += each[own]
    after[censored] -= (each * before)[own]
    seen = places(times, on.stratum, on.time)
    return np.asarray(_at(k2, seen) - b * _at(k1, seen))


def products(of: Influence, on: Grid, mass: Array, score: Array) -> tuple[Array, Array]:
    """Sums over rows of A^2 [T] and of A U [T, p]; a row counts `mass` times."""
    e, b = of.reach
    d = of.censoring
    left, there = of.last >= 0, of.first < of.last

    def gone(values: Array) -> Array:
        return on.cumulated(_summed(of.last[left], values[left], len(on.time)))

    def staying(values: Array) -> Array:
        come = _summed(of.first[there], values[there], len(on.time))
        return on.cumulated(come - _summed(of.last[there], values[there], len(on.time)))

    after, slope, ratio, begun = of.after, of.slope, of.ratio, of.begun
    square = gone(mass * after**2) + 2 * b * gone(mass * after * slope)
    square += b**2 * gone(mass * slope**2)
    square += e**2 * staying(mass * ratio**2) - 2 * e * staying(mass * ratio * begun)
    square += staying(mass * begun**2) + d**2 * staying(mass)
    square += 2 * d * (staying(mass * begun) - e * staying(mass * ratio))
    cross = np.zeros((len(on.time), score.shape[1]))
    for k, own in enumerate(mass * column for column in score.T):
        cross[:, k] = gone(own * after) + b * gone(own * slope) - e * staying(own * ratio)
        cross[:, k] += staying(own * begun) + d * staying(own)
    return np.maximum(square, 0.0), cross


def cluster_products(
    of: Influence, on: Grid, weight: Array, cluster: Places, score: Array
) -> tuple[Array, Array]:
    """The same over clusters, whose rows' weighted parts add up; `score` has a row a cluster."""
    square, cross = np.zeros(len(on.time)), np.zeros((len(on.time), score.shape[1]))
    for few, parts in _of_clusters(of, on, weight, cluster, len(score)):
        square += (parts**2).sum(axis=1)
        cross += parts @ score[few]
    return square, cross


def _of_clusters(
    of: Influence, on: Grid, weight: Array, cluster: Places, n_cluster: int
) -> Iterator[tuple[slice, Array]]:
    """Some clusters at a time, with A of each [T, clusters]."""
    width = max(1, BATCH // max(len(on.time), 1))
    for begin in range(0, n_cluster, width):
        few = slice(begin, min(begin + width, n_cluster))
        own = np.flatnonzero((cluster >= few.start) & (cluster < few.stop) & (of.last >= 0))
        yield few, _together(of, on, weight, cluster - few.start, own, few.stop - few.start)


def _together(
    of: Influence, on: Grid, weight: Array, cluster: Places, own: Places, n: int
) -> Array:
    """A of each cluster [T, n] from its rows, of which `own` are the places."""
    e, b = (values[:, None] for values in of.reach)
    there = own[of.first[own] < of.last[own]]
    shape = (len(on.time), n)

    def totals(rows: Places, at: Places, values: Array) -> Array:
        key = at[rows] * n + cluster[rows]
        return _summed(key, (weight * values)[rows], len(on.time) * n).reshape(shape)

    def staying(values: Array) -> Array:
        return on.cumulated(totals(there, of.first, values) - totals(there, of.last, values))

    gone = on.cumulated(totals(own, of.last, of.after))
    gone += b * on.cumulated(totals(own, of.last, of.slope))
    with_risk = staying(of.begun) - e * staying(of.ratio)
    return gone + with_risk + of.censoring[:, None] * staying(np.ones(len(weight)))


def _summed(at: Places, values: Array, size: int) -> Array:
    """Sums of the values by place."""
    return np.bincount(at, values, size).astype(np.float64)


def _at(values: Array, at: Places) -> Array:
    """The value at each place, 0 where there is none."""
    return np.asarray(np.append(values, 0.0)[np.where(at < 0, len(values), at)])
