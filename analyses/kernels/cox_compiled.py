"""Risk-set sums of many rows, compiled: the same numbers as the array code in cox.py, to rounding.

Measured at 1.1 million rows x 20 columns, one thread, processor seconds:

- risk-set sums in one pass (eta, exp, scatter by the row's place into a table that stays in
  cache) 0.03, against 0.4 for sparse products of the sorted rows;
- X' diag(u) X, upper triangle, strips of 128 rows turned so that columns lie in line, four columns
  at a time, 0.035 (four rows at a time 0.06; NumPy's BLAS by chunks 0.045, which needs the rows
  times u in memory, and whose threads wait for each other on a busy machine, 0.2-4 s);
- sorting the rows, which neither needs, 0.3-0.9;
- categories by their codes instead of columns of 0 and 1: five of 2 to 4 levels beside 8 numbers
  0.058 against 0.035, since what a code adds to is known only when it is read, and nothing runs in
  line. Of one category with 50 levels 0.017 against 0.22: so they would pay from some 20 levels on,
  which no column of a cohort has but the year and the place. A whole fit of 300,000 rows (6 numbers
  0.4): 50 places 1.3 as a category, 0.9 as strata; 200 places 14.7 with 914 MB, and 0.9 with 462.
  A place is for strata or clusters, which cost their codes; as a term its columns are the price.

So one Newton iteration takes about 0.08 s of processor, on as many threads as there are up to
four. A table that does not stay in cache (continuous times) is filled on one thread; its rows
should come in the order of time, so that it is written one place after another.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from analyses.kernels.compiled import compiled
from analyses.kernels.parts import PARTS, shared
from analyses.kernels.risk_sets import Array, Block, Grid, Placed, Places, stays_in_cache

NO_NUMBERS = np.zeros(0)
SEVERAL = 200_000  # rows from which threads share them
STRIP = 128  # rows whose part in a product is made before they are multiplied
NO_PLACES = np.zeros(0, dtype=np.intp)


def sums(placed: Placed, on: Grid, beta: Array) -> Array:
    """As `cox.sums`: times x (2p + 5), adds over blocks."""
    p, n_times = len(beta), len(on.time)
    rows = _rows(placed, beta)

    def part(first: int, end: int) -> tuple[Array, Array]:
        sets, dead = np.zeros((n_times, p + 1)), np.zeros((n_times, p + 4))
        add_sums(*rows, first, end, sets, dead)
        return sets, dead

    n = len(placed.last)
    parts = PARTS if stays_in_cache(n_times, p) and n >= SEVERAL else 1
    found = shared(part, n, parts)
    result = np.empty((n_times, 2 * p + 5))
    sets, dead = found[0]
    for other_sets, other_dead in found[1:]:
        sets += other_sets
        dead += other_dead
    result[:, 3 : p + 4] = on.remaining(sets)
    result[:, :3] = dead[:, :3]
    result[:, p + 4 :] = dead[:, 3:]
    return result


def moments(placed: Placed, beta: Array, hazard: Array, event_hazard: Array) -> Array:
    """As `cox.moments`: X' diag(u) X, p x p, adds over blocks."""
    rows = _rows(placed, beta)

    def part(first: int, end: int) -> Array:
        total = np.zeros((len(beta), len(beta)))
        add_moments(*rows, hazard, event_hazard, first, end, total)
        return total

    n = len(placed.last)
    return _symmetric(shared(part, n, PARTS if n >= SEVERAL else 1))


def score_products(
    placed: Placed,
    beta: Array,
    hazard: Array,
    event_hazard: Array,
    tables: tuple[Array, Array, Array],
    cluster: Places | None,
    n_cluster: int,
) -> Array:
    """As `cox.score_products`, with cumulative hazard, and means cumulative, by event and mean."""
    rows = _rows(placed, beta)
    n, p = placed.block.x.shape

    def part(first: int, end: int) -> Array:
        total = np.zeros((p, p))
        add_score_products(*rows, hazard, event_hazard, *tables, first, end, total)
        return total

    if cluster is None:
        return _symmetric(shared(part, n))
    result = np.zeros((n_cluster, p))
    add_cluster_scores(*rows, hazard, event_hazard, *tables, cluster, result)
    return result


def linear_predictor(block: Block, beta: Array) -> Array:
    """As `cox.linear_predictor`."""
    result = np.empty(len(block.x))
    offset = NO_NUMBERS if block.offset is None else block.offset

    def part(first: int, end: int) -> None:
        write_log_ratios(block.x, np.ascontiguousarray(beta), offset, first, end, result)

    shared(part, len(result))
    return result


def _rows(placed: Placed, beta: Array) -> tuple[Any, ...]:
    """What every compiled loop is given of the rows; empty arrays for what is absent."""
    block = placed.block
    return (
        block.x,
        np.ascontiguousarray(beta),
        NO_NUMBERS if block.offset is None else block.offset,
        NO_NUMBERS if block.weight is None else block.weight,
        placed.last,
        NO_PLACES if placed.before is None else placed.before,
        block.event,
    )


def _symmetric(parts: list[Array]) -> Array:
    """The parts' upper triangles added in order, and mirrored."""
    total = parts[0]
    for part in parts[1:]:
        total += part
    return np.triu(total) + np.triu(total, 1).T


@compiled
def log_ratio(x: Any, beta: Any, offset: Any, i: Any) -> float:
    """Log hazard ratio of row i."""
    eta = 0.0
    for j in range(len(beta)):
        eta += x[i, j] * beta[j]
    return eta + offset[i] if len(offset) else eta


@compiled
def write_log_ratios(x: Any, beta: Any, offset: Any, first: Any, end: Any, result: Any) -> None:
    """Log hazard ratios of some rows."""
    for i in range(first, end):
        result[i] = log_ratio(x, beta, offset, i)


@compiled
def add_sums(
    x: Any,
    beta: Any,
    offset: Any,
    weight: Any,
    last: Any,
    before: Any,
    event: Any,
    first: Any,
    end: Any,
    sets: Any,
    dead: Any,
) -> None:
    """Rows added by their place: `sets` [r, r x]; `dead` [weight * eta, 1, weight, r, r x]."""
    p = len(beta)
    for i in range(first, end):
        eta = log_ratio(x, beta, offset, i)
        w = weight[i] if len(weight) else 1.0
        r = math.exp(eta) * w
        place = last[i]
        if place >= 0:
            sets[place, 0] += r
            for j in range(p):
                sets[place, j + 1] += r * x[i, j]
            if event[i]:
                dead[place, 0] += w * eta
                dead[place, 1] += 1.0
                dead[place, 2] += w
                dead[place, 3] += r
                for j in range(p):
                    dead[place, j + 4] += r * x[i, j]
        if len(before) and before[i] >= 0:
            place = before[i]
            sets[place, 0] -= r
            for j in range(p):
                sets[place, j + 1] -= r * x[i, j]


@compiled
def exposed(last: Any, before: Any, event: Any, hazard: Any, event_hazard: Any, i: Any) -> Any:
    """Hazard that row i gathers while at risk, its own event's time by its Efron share."""
    at = last[i]
    if at < 0:
        return 0.0  # an event has a place
    gathered = hazard[at] - event_hazard[at] * event[i]  # no branch: it would be guessed wrong
    if len(before) and before[i] >= 0:
        gathered -= hazard[before[i]]
    return gathered


@compiled
def turn(x: Any, turned: Any) -> None:
    """The rows of x as columns, zeros after the last."""
    n, p = x.shape
    for k in range(n):
        for j in range(p):
            turned[j, k] = x[k, j]
    for k in range(n, STRIP):
        for j in range(p):
            turned[j, k] = 0.0


@compiled
def add_products(turned: Any, used: Any, total: Any) -> None:
    """Upper triangle of x' diag(used) x of a strip whose rows stand as columns, four at a time."""
    p = len(turned)
    scaled = np.empty(STRIP)
    for j in range(p):
        own = turned[j]
        for k in range(STRIP):
            scaled[k] = used[k] * own[k]
        m = j
        while m + 3 < p:
            a, b, c, d = 0.0, 0.0, 0.0, 0.0
            for k in range(STRIP):
                a += scaled[k] * turned[m, k]
                b += scaled[k] * turned[m + 1, k]
                c += scaled[k] * turned[m + 2, k]
                d += scaled[k] * turned[m + 3, k]
            total[j, m] += a
            total[j, m + 1] += b
            total[j, m + 2] += c
            total[j, m + 3] += d
            m += 4
        while m < p:
            a = 0.0
            for k in range(STRIP):
                a += scaled[k] * turned[m, k]
            total[j, m] += a
            m += 1


@compiled
def add_moments(
    x: Any,
    beta: Any,
    offset: Any,
    weight: Any,
    last: Any,
    before: Any,
    event: Any,
    hazard: Any,
    event_hazard: Any,
    first: Any,
    end: Any,
    total: Any,
) -> None:
    """Upper triangle of X' diag(u) X, a strip of rows at a time."""
    turned, used = np.zeros((len(beta), STRIP)), np.zeros(STRIP)
    for start in range(first, end, STRIP):
        n = min(STRIP, end - start)
        turn(x[start : start + n], turned)
        used[:] = 0.0
        for j in range(len(beta)):
            for k in range(STRIP):
                used[k] += beta[j] * turned[j, k]
        for k in range(n):
            i = start + k
            r = math.exp(used[k] + offset[i] if len(offset) else used[k])
            if len(weight):
                r *= weight[i]
            used[k] = r * exposed(last, before, event, hazard, event_hazard, i)
        for k in range(n, STRIP):
            used[k] = 0.0
        add_products(turned, used, total)


@compiled
def score_row(
    x: Any,
    beta: Any,
    offset: Any,
    weight: Any,
    last: Any,
    before: Any,
    event: Any,
    hazard: Any,
    event_hazard: Any,
    means: Any,
    own: Any,
    mean: Any,
    i: Any,
    into: Any,
) -> None:
    """Weighted part of row i in the score (cox.score_residuals), written `into` a vector."""
    p = len(beta)
    w = weight[i] if len(weight) else 1.0
    scale = math.exp(log_ratio(x, beta, offset, i)) * w
    gathered = exposed(last, before, event, hazard, event_hazard, i)
    at = last[i]
    for j in range(p):
        part = means[at, j] if at >= 0 else 0.0
        into[j] = part - gathered * x[i, j]
    if len(before) and before[i] >= 0:
        for j in range(p):
            into[j] -= means[before[i], j]
    if event[i]:
        for j in range(p):
            into[j] = scale * (into[j] - own[at, j]) + w * (x[i, j] - mean[at, j])
    else:
        for j in range(p):
            into[j] *= scale


@compiled
def add_score_products(
    x: Any,
    beta: Any,
    offset: Any,
    weight: Any,
    last: Any,
    before: Any,
    event: Any,
    hazard: Any,
    event_hazard: Any,
    means: Any,
    own: Any,
    mean: Any,
    first: Any,
    end: Any,
    total: Any,
) -> None:
    """Upper triangle of the products of the rows' parts of the score."""
    part, one = np.empty((STRIP, len(beta))), np.ones(STRIP)
    turned = np.zeros((len(beta), STRIP))
    for start in range(first, end, STRIP):
        n = min(STRIP, end - start)
        for k in range(n):
            score_row(
                x,
                beta,
                offset,
                weight,
                last,
                before,
                event,
                hazard,
                event_hazard,
                means,
                own,
                mean,
                start + k,
                part[k],
            )
        turn(part[:n], turned)
        add_products(turned, one, total)


@compiled
def add_cluster_scores(
    x: Any,
    beta: Any,
    offset: Any,
    weight: Any,
    last: Any,
    before: Any,
    event: Any,
    hazard: Any,
    event_hazard: Any,
    means: Any,
    own: Any,
    mean: Any,
    cluster: Any,
    total: Any,
) -> None:
    """Rows' parts of the score added by cluster (clusters x p)."""
    p = len(beta)
    part = np.zeros(p)
    for i in range(len(last)):
        score_row(
            x,
            beta,
            offset,
            weight,
            last,
            before,
            event,
            hazard,
            event_hazard,
            means,
            own,
            mean,
            i,
            part,
        )
        for j in range(p):
            total[cluster[i], j] += part[j]
