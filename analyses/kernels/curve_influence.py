"""What each row adds to a weighted curve: infinitesimal jackknife, one number a row and quantity.

The derivative of S(t) of the row's own group by the row's weight is

    S(t) (sum over event times u <= t with the row at risk of d / (n (n - d))
          - 1 / (n - d) at an event of the row's own up to t),

n and d being weighted sums. Times the row's weight and squared, summed over rows (or over clusters
of rows, added first), it is the robust variance; over two groups, their covariance.
"""

from __future__ import annotations

import numpy as np

from analyses.kernels.product_limit import Array, Bools, Counts, Ints, ProductLimit
from analyses.kernels.restricted_mean import area_between


def survival_influence(
    counts: Counts,
    fit: ProductLimit,
    times: Array,
    *,
    time: Array,
    event: Bools,
    codes: Ints,
    entry: Array | None = None,
) -> Array:
    """Influence of each row on its group's survival at each of the times (rows x times).

    0 where the curve has come down to 0.
    """
    place, start, alive, left = _places(counts, fit, time, entry)
    own = np.where(event & alive[codes, place], 1.0 / left[codes, place], 0.0)
    result = np.zeros((len(time), len(times)))
    for column, t in enumerate(times):
        last = int(np.searchsorted(counts.time, t, side="right")) - 1
        if last < 0:
            continue
        until = np.minimum(place, last)
        gathered = fit.greenwood[codes, until]
        if start is not None:
            begin = np.minimum(start, last + 1)
            gathered = gathered - np.where(begin > 0, fit.greenwood[codes, begin - 1], 0.0)
            gathered = np.where(start > last, 0.0, gathered)
        gathered = gathered - np.where(place <= last, own, 0.0)
        result[:, column] = fit.survival[codes, last] * gathered
    return result


def area_influence(
    counts: Counts,
    fit: ProductLimit,
    tau: float,
    *,
    time: Array,
    event: Bools,
    codes: Ints,
    entry: Array | None = None,
) -> Array:
    """Influence of each row on the area under its group's curve up to tau (rows).

    Negative where the row's event is early: the sum of the areas that its hazard steps take away.
    """
    place, start, alive, left = _places(counts, fit, time, entry)
    area = area_between(counts.time, fit.survival, tau)
    n_risk = counts.n_risk
    rest = n_risk * (n_risk - counts.events)
    kept = (n_risk > 0) & alive & (rest > 0)
    steps = np.divide(counts.events, rest, out=np.zeros_like(rest), where=kept)
    running = np.cumsum(area * steps, axis=1)
    own = np.where(event & alive[codes, place], area[codes, place] / left[codes, place], 0.0)
    influence = running[codes, place] - own
    if start is not None:
        influence = influence - np.where(start > 0, running[codes, start - 1], 0.0)
    return np.asarray(influence)


def _places(
    counts: Counts, fit: ProductLimit, time: Array, entry: Array | None
) -> tuple[Ints, Ints | None, Bools, Array]:
    """Place of each row's exit, the first time after its entry, where curves are above 0, n - d."""
    place = np.searchsorted(counts.time, time)
    start = None if entry is None else np.searchsorted(counts.time, entry, side="right")
    alive = fit.survival > 0
    left = np.where(alive, counts.n_risk - counts.events, 1.0)
    return place, start, alive, left
